//! The port: `GET /metrics`, `/livez`, `/readyz`, over HTTP/1.1, one request a connection.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus::{Encoder, TextEncoder};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::{Watched, health};

/// Connections at once; who comes later waits to be taken.
const CONNECTIONS_MAX: usize = 32;
/// How long a connection may take for its request, and for all of it.
const REQUEST_MAX: Duration = Duration::from_secs(5);
const CONNECTION_MAX: Duration = Duration::from_secs(20);
/// How long to wait after no connection could be taken.
const PAUSE: Duration = Duration::from_millis(200);

const TEXT: &str = "text/plain; charset=utf-8";

/// Serves until it is dropped, with all of its connections.
pub(super) async fn serve(listener: TcpListener, watched: Arc<Watched>) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        let permit = Arc::clone(&permits).acquire_owned().await;
        match listener.accept().await {
            Ok((stream, _)) => {
                let serving = serve_one(stream, Arc::clone(&watched));
                connections.spawn(async move {
                    let _permit = permit;
                    // Who takes too long or goes away is nobody's trouble but its own.
                    drop(tokio::time::timeout(CONNECTION_MAX, serving).await);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection to the port for metrics could not be taken");
                tokio::time::sleep(PAUSE).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn serve_one(stream: TcpStream, watched: Arc<Watched>) -> Result<(), hyper::Error> {
    let service = service_fn(move |request| {
        let watched = Arc::clone(&watched);
        async move { Ok::<_, Infallible>(answer(&watched, &request).await) }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(REQUEST_MAX)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await
}

async fn answer(watched: &Watched, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "only GET\n".to_owned());
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    match request.uri().path() {
        "/metrics" => metrics(watched).await,
        "/livez" => state(health::alive(watched.ledger.get())),
        "/readyz" => {
            let listens = watched.gateway_listens.load(Ordering::Relaxed);
            state(watched.ready.faults(watched.ledger.get(), watched.sampler.outdated(), listens))
        }
        _ => text(StatusCode::NOT_FOUND, "there is /metrics, /livez and /readyz\n".to_owned()),
    }
}

async fn metrics(watched: &Watched) -> Response<Full<Bytes>> {
    watched.sampler.look().await;
    let encoder = TextEncoder::new();
    let mut body = Vec::new();
    match encoder.encode(&watched.registry.gather(), &mut body) {
        Ok(()) => response(StatusCode::OK, prometheus::TEXT_FORMAT, body.into()),
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
    }
}

fn state(faults: health::Faults) -> Response<Full<Bytes>> {
    if faults.is_empty() {
        return text(StatusCode::OK, "ok\n".to_owned());
    }
    text(StatusCode::SERVICE_UNAVAILABLE, faults.into_iter().map(|fault| fault + "\n").collect())
}

fn text(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    response(status, TEXT, body.into())
}

fn response(status: StatusCode, content_type: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
