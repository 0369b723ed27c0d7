//! Pages in browsers: gRPC-Web beside gRPC, and the origins whose pages may read the answers (CORS).

use std::str::FromStr;
use std::time::Duration;

use tonic::codegen::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use tonic::codegen::http::{Method, Uri};
use tower_http::cors::{AllowOrigin, CorsLayer};

/// What a client of gRPC-Web sends beside what every page may.
const SENT: [HeaderName; 6] = [
    AUTHORIZATION,
    CONTENT_TYPE,
    HeaderName::from_static("grpc-timeout"),
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("x-grpc-web"),
    HeaderName::from_static("x-user-agent"),
];

/// How a call went, where there is no message to carry it, and in which trace.
const READ: [HeaderName; 4] = [
    HeaderName::from_static("grpc-status"),
    HeaderName::from_static("grpc-message"),
    HeaderName::from_static("grpc-status-details-bin"),
    HeaderName::from_static("traceparent"),
];

/// How long a browser may go by what it was told; the longest that all of them keep to.
const TOLD: Duration = Duration::from_secs(2 * 60 * 60);

/// Where pages come from that may read answers: scheme, host, and port unless it is the scheme's own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Origin(HeaderValue);

/// The text is no origin.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "is no origin; write it as a browser does, such as https://shop.example, without a path and in lower case"
)]
pub struct NoOrigin;

impl FromStr for Origin {
    type Err = NoOrigin;

    /// `*` is none: which pages may speak for somebody who has a key is named one by one.
    fn from_str(text: &str) -> Result<Self, NoOrigin> {
        let uri: Uri = text.parse().map_err(|_| NoOrigin)?;
        let (Some(scheme @ ("http" | "https")), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(NoOrigin);
        };
        let ports = if scheme == "http" { ":80" } else { ":443" };
        let whole = format!("{scheme}://{authority}");
        // A browser's own text is compared with this one byte by byte.
        let odd = authority.as_str().contains('@') || whole.ends_with(ports);
        if whole != text || text != text.to_ascii_lowercase() || odd {
            return Err(NoOrigin);
        }
        text.parse().map(Self).map_err(|_| NoOrigin)
    }
}

/// Lets pages of these origins read answers; none when there are none, so that nothing is told to any browser.
pub(crate) fn cors(origins: &[Origin]) -> Option<CorsLayer> {
    if origins.is_empty() {
        return None;
    }
    let origins = AllowOrigin::list(origins.iter().map(|origin| origin.0.clone()));
    let layer = CorsLayer::new().allow_origin(origins).allow_methods([Method::POST]);
    Some(layer.allow_headers(SENT).expose_headers(READ).max_age(TOLD))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_written_as_browsers_do() {
        for good in
            ["https://shop.example", "http://localhost:8080", "http://127.0.0.1:3000", "https://[::1]:1"]
        {
            assert!(good.parse::<Origin>().is_ok(), "{good}");
        }
        for bad in [
            "*",
            "",
            "null",
            "shop.example",
            "https://shop.example/",
            "https://shop.example/x",
            "https://Shop.example",
            "https://a@shop.example",
            "https://shop.example:443",
            "http://shop.example:80",
            "ftp://shop.example",
            "https://*.shop.example/",
            "https://shop.example?x",
        ] {
            assert_eq!(bad.parse::<Origin>(), Err(NoOrigin), "{bad}");
        }
    }
}
