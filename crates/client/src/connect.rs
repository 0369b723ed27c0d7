//! Where the network is, and the way there.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Uri};

use crate::{Distrust, Error, Key, Service};

/// How often a connection that says nothing is asked whether anybody is there, while a call waits for its answer.
const KEEPALIVE: Duration = Duration::from_secs(20);

/// How long a connection may take to come about.
const CONNECT_MAX: Duration = Duration::from_secs(10);

/// Where a gateway listens: `http://HOST:PORT`, or `https://HOST:PORT` for TLS.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Server(Uri);

/// A text that names no server.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("write it as http://HOST:PORT or https://HOST:PORT")]
pub struct NoServer;

impl FromStr for Server {
    type Err = NoServer;

    fn from_str(text: &str) -> Result<Self, NoServer> {
        let uri: Uri = text.parse().map_err(|_| NoServer)?;
        match (uri.scheme_str(), uri.host()) {
            (Some("http" | "https"), Some(_)) => Ok(Self(uri)),
            _ => Err(NoServer),
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Whom to call, as whom, for how long.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the gateway listens.
    pub server: Server,
    /// The key to show.
    pub key: Key,
    /// With https: certificates in PEM, one of which has to vouch for the server; `None`: those that browsers trust.
    pub ca_pem: Option<String>,
    /// How long a call may take, with all its repeats. 10 seconds unless set otherwise.
    pub timeout: Duration,
}

impl Settings {
    /// The defaults.
    pub fn new(server: Server, key: Key) -> Self {
        Self { server, key, ca_pem: None, timeout: Duration::from_secs(10) }
    }

    fn endpoint(&self) -> Result<Endpoint, Error> {
        let endpoint = Endpoint::from(self.server.0.clone())
            .connect_timeout(self.timeout.min(CONNECT_MAX))
            .http2_keep_alive_interval(KEEPALIVE);
        if self.server.0.scheme_str() != Some("https") {
            return Ok(endpoint);
        }
        let tls = match &self.ca_pem {
            Some(pem) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)),
            None => ClientTlsConfig::new().with_enabled_roots(),
        };
        endpoint.tls_config(tls).map_err(|error| self.no_server(&error))
    }

    /// A connection that is there.
    pub(crate) async fn connect(&self) -> Result<Service, Error> {
        let channel = self.endpoint()?.connect().await.map_err(|error| self.no_server(&error))?;
        Ok(self.keyed(channel))
    }

    /// A connection that is made when it is needed, and made anew when it was lost.
    pub(crate) fn connect_later(&self) -> Result<Service, Error> {
        Ok(self.keyed(self.endpoint()?.connect_lazy()))
    }

    fn keyed(&self, channel: Channel) -> Service {
        InterceptedService::new(channel, self.key.clone())
    }

    fn no_server(&self, error: &tonic::transport::Error) -> Error {
        // The innermost cause is the system's word; the layers around it only say that they failed.
        let mut cause: &(dyn std::error::Error + 'static) = error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        let server = self.server.to_string();
        match Distrust::of(cause) {
            Some(why) => Error::Distrusted { server, why },
            None => Error::NoServer { server, why: cause.to_string() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_an_address_with_its_scheme() {
        for good in ["http://127.0.0.1:7300", "https://points.example", "http://[::1]:1"] {
            assert!(good.parse::<Server>().is_ok(), "{good}");
        }
        for bad in ["127.0.0.1:7300", "localhost", "", "ftp://a", "https://"] {
            assert_eq!(bad.parse::<Server>(), Err(NoServer), "{bad}");
        }
    }
}
