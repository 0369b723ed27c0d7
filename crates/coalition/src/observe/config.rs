//! The section `observe` of the configuration.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use serde::{Deserialize, Deserializer};

use super::logs::{self, LogFormat};

/// How the process is watched.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ObserveConfig {
    /// Where metrics, liveness and readiness are served in plain text; port 0 takes a free one. Empty: nowhere.
    #[serde(deserialize_with = "read_listen")]
    pub(crate) listen: Option<SocketAddr>,
    /// What is logged, as `RUST_LOG` says it, which comes before this.
    pub(crate) log: String,
    /// How log lines look.
    pub(crate) log_format: LogFormat,
}

impl Default for ObserveConfig {
    fn default() -> Self {
        Self {
            listen: Some(SocketAddr::from(([127, 0, 0, 1], 7301))),
            log: "warn".to_owned(),
            log_format: LogFormat::Text,
        }
    }
}

impl ObserveConfig {
    pub(crate) fn check(&self) -> Result<()> {
        logs::filter(&self.log).map(drop).context("read observe.log")
    }
}

/// An address, or none: as `off`, or as an empty text.
pub(crate) fn listen(text: &str) -> Result<Option<SocketAddr>, String> {
    match text {
        "" | "off" => Ok(None),
        address => address
            .parse()
            .map(Some)
            .map_err(|_| "is no address and port, such as 127.0.0.1:7301, nor `off`".to_owned()),
    }
}

fn read_listen<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(from)?;
    listen(&text).map_err(|why| serde::de::Error::custom(format!("\"{text}\" {why}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &str) -> Result<ObserveConfig> {
        let config: ObserveConfig = toml::from_str(lines)?;
        config.check()?;
        Ok(config)
    }

    #[test]
    fn the_port_can_be_elsewhere_or_nowhere() {
        assert_eq!(read("").unwrap().listen, Some("127.0.0.1:7301".parse().unwrap()));
        assert_eq!(read("listen = \"[::1]:0\"").unwrap().listen, Some("[::1]:0".parse().unwrap()));
        assert_eq!(read("listen = \"\"").unwrap().listen, None);
        assert_eq!(read("listen = \"off\"").unwrap().listen, None);
        assert!(read("listen = \"7301\"").unwrap_err().to_string().contains("is no address and port"));
    }

    #[test]
    fn what_is_logged_is_checked_at_the_start() {
        assert_eq!(read("log_format = \"json\"").unwrap().log_format, LogFormat::Json);
        read("log = \"warn,coalition::event=debug\"").unwrap();
        let error = read("log = \"coalition=loud\"").unwrap_err();
        assert!(error.to_string().contains("observe.log"), "{error:#}");
    }
}
