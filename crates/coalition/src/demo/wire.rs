//! Connections to the gateway, as the parties of the demo hold them.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use tonic::metadata::MetadataValue;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, metadata::Ascii};

/// One connection; each call is made with a key of its own.
#[derive(Clone)]
pub(crate) struct Wire {
    pub(crate) channel: Channel,
}

impl Wire {
    pub(crate) async fn connect(address: SocketAddr) -> Result<Self> {
        let endpoint =
            Endpoint::from_shared(format!("http://{address}"))?.connect_timeout(Duration::from_secs(5));
        let channel =
            endpoint.connect().await.with_context(|| format!("connect to the gateway on {address}"))?;
        Ok(Self { channel })
    }
}

/// A request with a key.
pub(crate) fn signed<T>(message: T, key: &str) -> Result<Request<T>> {
    let mut request = Request::new(message);
    let value: MetadataValue<Ascii> =
        format!("Bearer {key}").parse().context("a key holds odd characters")?;
    request.metadata_mut().insert("authorization", value);
    request.set_timeout(Duration::from_secs(30));
    Ok(request)
}

/// A request id for one call.
pub(crate) fn request_id() -> String {
    uuid::Uuid::now_v7().to_string()
}
