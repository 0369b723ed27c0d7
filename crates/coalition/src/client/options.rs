//! Whom to ask, as whom, for how long.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Uri;

use super::failure::Trouble;

/// Where the gateway listens, where --server doesn't say it.
const SERVER: &str = "COALITION_SERVER";
/// A file with the key, where --key-file names none.
const KEY_FILE: &str = "COALITION_KEY_FILE";
/// The key itself, for where no file can be had.
const KEY: &str = "COALITION_KEY";

const SERVER_DEFAULT: &str = "http://127.0.0.1:7300";

/// The options of every command that asks a running network.
///
/// The environment is read here and not by clap, whose messages would list whatever is set there as if it were asked for.
#[derive(Args, Debug)]
#[command(next_help_heading = "Connection")]
pub(crate) struct Options {
    /// Where the network's gateway listens; without it COALITION_SERVER, else http://127.0.0.1:7300.
    #[arg(long, value_name = "URL", value_parser = server)]
    server: Option<Uri>,
    /// A file with the key to show; without it the file COALITION_KEY_FILE, else the key COALITION_KEY.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// How long to wait for the answer, and to try again while the network is not ready: 1 to 3600.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
    /// Print one JSON document, for programs.
    #[arg(long)]
    pub(crate) json: bool,
}

impl Options {
    pub(super) fn server(&self) -> Result<Uri> {
        match &self.server {
            Some(uri) => Ok(uri.clone()),
            None => {
                let text = variable(SERVER).unwrap_or_else(|| SERVER_DEFAULT.into());
                let uri = server(&text.to_string_lossy());
                Ok(uri.map_err(|how| Trouble::Usage(format!("{SERVER}: {how}")))?)
            }
        }
    }

    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }

    /// The header that shows the key.
    pub(super) fn authorization(&self) -> Result<MetadataValue<Ascii>> {
        let file = self.key_file.clone().or_else(|| variable(KEY_FILE).map(PathBuf::from));
        let (key, source) = match (&file, variable(KEY)) {
            (Some(file), _) => {
                let text = std::fs::read_to_string(file)
                    .with_context(|| format!("read the key file {}", file.display()))?;
                (text, format!("the key file {}", file.display()))
            }
            (None, Some(key)) => (key.to_string_lossy().into_owned(), KEY.to_owned()),
            (None, None) => {
                let what = format!("no key: give --key-file FILE, or set {KEY_FILE} or {KEY}");
                return Err(Trouble::Usage(what).into());
            }
        };
        let key = key.trim();
        if key.is_empty() {
            return Err(Trouble::Usage(format!("{source} is empty")).into());
        }
        // What was read stays out of the message: it may be a secret of another kind.
        let mut header: MetadataValue<Ascii> = format!("Bearer {key}")
            .parse()
            .map_err(|_| Trouble::Usage(format!("{source} holds no key: a key is one line of ASCII")))?;
        header.set_sensitive(true);
        Ok(header)
    }
}

/// A variable of the environment; an empty one is not set.
fn variable(name: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

fn server(text: &str) -> Result<Uri, String> {
    let uri: Uri = text.parse().map_err(|_| HOW.to_owned())?;
    match (uri.scheme_str(), uri.host()) {
        (Some("http"), Some(_)) => Ok(uri),
        (Some("https"), Some(_)) => {
            Err("TLS is not spoken here; reach the gateway on its own machine, or through a tunnel"
                .to_owned())
        }
        _ => Err(HOW.to_owned()),
    }
}

const HOW: &str = "write it as http://HOST:PORT";

#[cfg(test)]
mod tests {
    use super::*;

    fn options(key_file: Option<PathBuf>) -> Options {
        Options { server: None, key_file, timeout: 1, json: false }
    }

    #[test]
    fn a_server_is_an_http_address() {
        assert!(server("http://127.0.0.1:7300").is_ok());
        for bad in ["127.0.0.1:7300", "localhost", "", "ftp://a", "https://a"] {
            assert!(server(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_key_is_read_without_the_line_end_and_kept_out_of_messages() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        std::fs::write(&file, "ck_a_b\n").unwrap();
        let header = options(Some(file.clone())).authorization().unwrap();
        assert_eq!(header.to_str().unwrap(), "Bearer ck_a_b");
        assert!(!format!("{header:?}").contains("ck_a_b"));
        std::fs::write(&file, "two\nlines").unwrap();
        let error = options(Some(file.clone())).authorization().unwrap_err().to_string();
        assert!(error.ends_with("holds no key: a key is one line of ASCII"), "{error}");
        std::fs::write(&file, " \n").unwrap();
        assert!(options(Some(file)).authorization().unwrap_err().to_string().ends_with("is empty"));
    }
}
