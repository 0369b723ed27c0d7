//! The gateway's part of the configuration (docs/operating/gateway.md).

use std::fmt::Display;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use coalition_gateway::Settings;
use coalition_gateway::tls::Tls;
use rustix::process::{Resource, getrlimit};
use serde::Deserialize;

/// Connections that there may be where nothing else is said and the process may open files enough.
const CONNECTIONS: usize = 10_000;

/// The gRPC gateway.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct GatewayConfig {
    /// Where it listens; port 0 takes a free one.
    pub(crate) listen: SocketAddr,
    /// Serve without TLS on an address that others can reach.
    pub(crate) plaintext_beyond_loopback: bool,
    /// The certificate, followed by those that lead to its authority, in PEM; goes with `tls_key`.
    pub(crate) tls_cert: Option<PathBuf>,
    /// Its key, in PEM.
    pub(crate) tls_key: Option<PathBuf>,
    /// Origins whose pages may read answers in a browser.
    pub(crate) web_origins: Vec<String>,
    /// The largest request, in bytes: 65,536 to 67,108,864.
    pub(crate) message_bytes_max: usize,
    /// Calls under way at once, 1 to 100,000.
    pub(crate) requests_max: usize,
    /// Connections at once; without it 10,000, or as many as the process may open files for.
    pub(crate) connections_max: Option<usize>,
    /// Files of the process that connections leave alone; at least 32 and 8 for each shard.
    pub(crate) files_reserved: usize,
    /// Calls under way at once on one connection, 1 to 10,000.
    pub(crate) streams_max: u32,
    /// Milliseconds in which a connection has to say what it speaks, 100 to 60,000.
    pub(crate) handshake_timeout_ms: u64,
    /// Milliseconds of silence after which a connection is asked whether anybody is there, 1,000 to 3,600,000.
    pub(crate) keepalive_interval_ms: u64,
    /// Milliseconds in which that has to be answered, 1,000 to 600,000.
    pub(crate) keepalive_timeout_ms: u64,
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 7300)),
            plaintext_beyond_loopback: false,
            tls_cert: None,
            tls_key: None,
            web_origins: Vec::new(),
            message_bytes_max: 4 * 1024 * 1024,
            requests_max: 1_024,
            connections_max: None,
            files_reserved: 256,
            streams_max: 128,
            handshake_timeout_ms: 10_000,
            keepalive_interval_ms: 30_000,
            keepalive_timeout_ms: 20_000,
        }
    }
}

impl GatewayConfig {
    /// Refuses what can't be, before anything is opened.
    pub(crate) fn check(&self, shards: u32) -> Result<()> {
        let listen = self.listen;
        ensure!(
            listen.ip().is_loopback() || self.tls_cert.is_some() || self.plaintext_beyond_loopback,
            "refuse to listen on {listen} in plain text, where others could read keys: listen on a loopback address, give it a certificate by gateway.tls_cert and gateway.tls_key, or set gateway.plaintext_beyond_loopback = true in the configuration of `coalition serve`"
        );
        within("message_bytes_max", self.message_bytes_max, 65_536..=67_108_864)?;
        within("requests_max", self.requests_max, 1..=100_000)?;
        within("streams_max", self.streams_max, 1..=10_000)?;
        within("handshake_timeout_ms", self.handshake_timeout_ms, 100..=60_000)?;
        within("keepalive_interval_ms", self.keepalive_interval_ms, 1_000..=3_600_000)?;
        within("keepalive_timeout_ms", self.keepalive_timeout_ms, 1_000..=600_000)?;
        // A shard has six files open in log and store, and what is not the gateway's about twenty beside those.
        let least = 32 + 8 * shards as usize;
        ensure!(
            self.files_reserved >= least,
            "gateway.files_reserved has to be at least {least}: 32, and 8 for each of the {shards} shards"
        );
        ensure!(
            self.tls_cert.is_some() == self.tls_key.is_some(),
            "gateway.tls_cert and gateway.tls_key go together: set both, or none of them"
        );
        Ok(())
    }

    /// What the gateway is started with.
    pub(crate) fn settings(&self) -> Result<Settings> {
        let tls = match (&self.tls_cert, &self.tls_key) {
            (Some(cert), Some(key)) => Some(Tls::open(cert, key)?),
            (Some(_), None) | (None, Some(_)) | (None, None) => None,
        };
        let origin = |text: &String| {
            text.parse().map_err(|error| anyhow!("\"{text}\" {error}")).context("read gateway.web_origins")
        };
        Ok(Settings {
            message_bytes_max: self.message_bytes_max,
            requests_max: self.requests_max,
            connections_max: connections(self.connections_max, self.files_reserved, files_max())?,
            streams_max: self.streams_max,
            handshake_max: Duration::from_millis(self.handshake_timeout_ms),
            keepalive_interval: Duration::from_millis(self.keepalive_interval_ms),
            keepalive_timeout: Duration::from_millis(self.keepalive_timeout_ms),
            web_origins: self.web_origins.iter().map(origin).collect::<Result<_>>()?,
            tls,
            plaintext_beyond_loopback: self.plaintext_beyond_loopback,
            ..Settings::default()
        })
    }
}

fn within<T: PartialOrd + Display>(name: &str, value: T, range: RangeInclusive<T>) -> Result<()> {
    let (least, most) = (range.start(), range.end());
    ensure!(range.contains(&value), "gateway.{name} lies between {least} and {most}");
    Ok(())
}

/// Files that this process may have open at once (`ulimit -n`); `None` without a limit.
fn files_max() -> Option<usize> {
    getrlimit(Resource::Nofile).current.map(|files| usize::try_from(files).unwrap_or(usize::MAX))
}

/// How many connections there may be, so that log and store can always open their files: where those can't, shards stop.
fn connections(asked: Option<usize>, reserved: usize, files_max: Option<usize>) -> Result<usize> {
    let left = files_max.map_or(usize::MAX, |files| files.saturating_sub(reserved));
    match (asked, files_max) {
        (Some(0), _) => bail!("gateway.connections_max has to be above zero"),
        (Some(asked), _) if asked <= left => Ok(asked),
        (None, _) if left > 0 => Ok(CONNECTIONS.min(left)),
        (Some(_) | None, files) => bail!(
            "this process may open {} files (ulimit -n), of which gateway.files_reserved leaves {reserved} to log and store, and {left} to connections: raise that limit, or lower gateway.connections_max",
            files.unwrap_or(usize::MAX)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The fault of a gateway with these lines in a network of four shards.
    fn fault(lines: &str) -> Option<String> {
        let config: GatewayConfig = toml::from_str(lines).unwrap();
        config.check(4).err().map(|error| error.to_string())
    }

    #[test]
    fn every_number_has_its_range() {
        for (name, least, most) in [
            ("message_bytes_max", 65_536, 67_108_864),
            ("requests_max", 1, 100_000),
            ("streams_max", 1, 10_000),
            ("handshake_timeout_ms", 100, 60_000),
            ("keepalive_interval_ms", 1_000, 3_600_000),
            ("keepalive_timeout_ms", 1_000, 600_000),
        ] {
            for good in [least, most] {
                assert_eq!(fault(&format!("{name} = {good}")), None);
            }
            for bad in [least - 1, most + 1] {
                let words = format!("gateway.{name} lies between {least} and {most}");
                assert_eq!(fault(&format!("{name} = {bad}")), Some(words));
            }
        }
        assert_eq!(fault("files_reserved = 64"), None);
        assert!(fault("files_reserved = 63").unwrap().contains("has to be at least 64"));
        assert!(fault("tls_cert = \"a\"").unwrap().contains("go together"));
        assert!(fault("tls_key = \"a\"").unwrap().contains("go together"));
        assert_eq!(fault("tls_cert = \"a\"\ntls_key = \"b\""), None);
    }

    #[test]
    fn plain_text_beyond_this_machine_has_to_be_allowed() {
        for good in ["127.0.0.2:1", "[::1]:1"] {
            assert_eq!(fault(&format!("listen = \"{good}\"")), None);
        }
        for bad in ["0.0.0.0:1", "[::]:1", "192.0.2.1:1"] {
            let refused = fault(&format!("listen = \"{bad}\"")).unwrap();
            assert!(refused.contains("gateway.plaintext_beyond_loopback = true"), "{refused}");
            let allowed = ["plaintext_beyond_loopback = true", "tls_cert = \"a\"\ntls_key = \"b\""];
            for lines in allowed {
                assert_eq!(fault(&format!("listen = \"{bad}\"\n{lines}")), None);
            }
        }
    }

    #[test]
    fn connections_leave_files_for_log_and_store() {
        let of = |asked, files| connections(asked, 256, files).map_err(|error| error.to_string());
        assert_eq!(of(None, None), Ok(10_000));
        assert_eq!(of(None, Some(20_000)), Ok(10_000));
        assert_eq!(of(None, Some(1_024)), Ok(768));
        assert_eq!(of(None, Some(257)), Ok(1));
        assert!(of(None, Some(256)).unwrap_err().contains("may open 256 files"));
        assert!(of(None, Some(150)).unwrap_err().contains("0 to connections: raise that limit"));
        assert_eq!(of(Some(768), Some(1_024)), Ok(768));
        assert!(of(Some(769), Some(1_024)).unwrap_err().contains("768 to connections"));
        assert_eq!(of(Some(50_000), None), Ok(50_000));
        assert!(of(Some(0), None).unwrap_err().contains("above zero"));
    }

    #[test]
    fn the_defaults_are_those_of_the_gateway() {
        let config = GatewayConfig { connections_max: Some(512), ..GatewayConfig::default() };
        let (ours, theirs) = (config.settings().unwrap(), Settings::default());
        assert_eq!(format!("{ours:?}"), format!("{theirs:?}"));
    }

    #[test]
    fn origins_and_certificates_that_are_none_are_told() {
        let settings = |lines: &str| {
            let config: GatewayConfig = toml::from_str(lines).unwrap();
            format!("{:#}", config.settings().unwrap_err())
        };
        let text = settings("web_origins = [\"https://a.example\", \"*\"]");
        assert!(text.starts_with("read gateway.web_origins: \"*\" is no origin; "), "{text}");
        let text = settings("tls_cert = \"/no/such.pem\"\ntls_key = \"/no/such.pem\"");
        assert!(text.starts_with("read the certificate in /no/such.pem: "), "{text}");
    }
}
