//! Whom to ask, as whom, for how long.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use coalition_client::{Key, Server, Settings};

use super::failure::Trouble;

/// Where the gateway listens, where --server doesn't say it.
const SERVER: &str = "COALITION_SERVER";
/// A file with the key, where --key-file names none.
const KEY_FILE: &str = "COALITION_KEY_FILE";
/// The key itself, for where no file can be had.
const KEY: &str = "COALITION_KEY";
/// A file with certificates to trust, where --tls-ca names none.
const TLS_CA: &str = "COALITION_TLS_CA";

const SERVER_DEFAULT: &str = "http://127.0.0.1:7300";

/// The options of every command that asks a running network.
///
/// The environment is read here and not by clap, whose messages would list whatever is set there as if it were asked for.
#[derive(Args, Debug)]
#[command(next_help_heading = "Connection")]
pub(crate) struct Options {
    /// Where the network's gateway listens; without it COALITION_SERVER, else http://127.0.0.1:7300.
    #[arg(long, value_name = "URL")]
    server: Option<Server>,
    /// A file with the key to show; without it the file COALITION_KEY_FILE, else the key COALITION_KEY.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// With https, a PEM file of the certificates that may vouch for the gateway; without it the file COALITION_TLS_CA, else
    /// those that browsers trust.
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<PathBuf>,
    /// How long to wait for the answer, and to try again while the network is not ready: 1 to 3600.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
    /// Print one JSON document, for programs.
    #[arg(long)]
    pub(crate) json: bool,
}

impl Options {
    /// Whom to ask, as whom.
    pub(super) fn settings(&self) -> Result<Settings> {
        let ca = self.tls_ca.clone().or_else(|| variable(TLS_CA).map(PathBuf::from));
        let read = |file: &PathBuf| {
            std::fs::read_to_string(file)
                .map_err(|error| Trouble::Usage(format!("read the certificates {}: {error}", file.display())))
        };
        let ca_pem = ca.as_ref().map(read).transpose()?;
        let key = self.key()?;
        Ok(Settings { ca_pem, timeout: self.timeout(), ..Settings::new(self.server()?, key) })
    }

    fn server(&self) -> Result<Server> {
        match &self.server {
            Some(server) => Ok(server.clone()),
            None => {
                let text = variable(SERVER).unwrap_or_else(|| SERVER_DEFAULT.into());
                let server = text.to_string_lossy().parse();
                Ok(server.map_err(|how| Trouble::Usage(format!("{SERVER}: {how}")))?)
            }
        }
    }

    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }

    fn key(&self) -> Result<Key> {
        let file = self.key_file.clone().or_else(|| variable(KEY_FILE).map(PathBuf::from));
        let (key, source) = match (&file, variable(KEY)) {
            (Some(file), _) => {
                let text = std::fs::read_to_string(file).map_err(|error| {
                    Trouble::Usage(format!("read the key file {}: {error}", file.display()))
                })?;
                (text, format!("the key file {}", file.display()))
            }
            (None, Some(key)) => (key.to_string_lossy().into_owned(), KEY.to_owned()),
            (None, None) => {
                let what = format!("no key: give --key-file FILE, or set {KEY_FILE} or {KEY}");
                return Err(Trouble::Usage(what).into());
            }
        };
        Ok(key.parse().map_err(|why| Trouble::Usage(format!("{source} {why}")))?)
    }
}

/// A variable of the environment; an empty one is not set.
fn variable(name: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(key_file: Option<PathBuf>) -> Options {
        Options { server: None, key_file, tls_ca: None, timeout: 1, json: false }
    }

    #[test]
    fn what_is_no_key_is_kept_out_of_messages() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        let with = |text: &str| {
            std::fs::write(&file, text).unwrap();
            options(Some(file.clone())).key().map_err(|error| error.to_string())
        };
        assert!(with("ck_a_b\n").is_ok());
        let error = with("two\nlines").unwrap_err();
        assert!(error.ends_with("holds no key: a key is one line of ASCII"), "{error}");
        assert!(with(" \n").unwrap_err().ends_with("is empty"));
    }
}
