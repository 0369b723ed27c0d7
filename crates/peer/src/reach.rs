//! Whether others can reach a process: it asks itself, by the name and with the trust by which they would.

use std::error::Error as _;
use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use coalition_ledger::runtime::Ledger;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tonic::Status;
use uuid::Uuid;

use crate::ask::{Trust, asked_once};
use crate::secret::Secret;
use crate::serve::{Listening, Tls, serve};

/// Who doesn't answer itself in this time is not reached.
const REACH_MAX: Duration = Duration::from_secs(5);

/// Has `listener` answered for a moment, and asks there by `endpoint`: `http://host:port`, or `https://` where it speaks `tls`, which
/// one of the certificates in `ca_pem` has to vouch for. Another process that is reached by that name doesn't know the secret of
/// this moment.
///
/// # Errors
/// Why others can't reach it.
pub async fn reach(
    listener: &TcpListener,
    tls: Option<&Tls>,
    endpoint: &str,
    ca_pem: Option<&str>,
) -> Result<(), String> {
    let secret =
        Secret::new(Uuid::new_v4().simple().to_string().as_str()).expect("32 digits are long enough");
    let trust = Trust { secret: secret.clone(), ca_pem: ca_pem.map(str::to_owned) };
    let listener = again(listener).map_err(|error| error.to_string())?;
    let (end, ended) = oneshot::channel::<()>();
    // It has no shards: what matters is that it hears.
    let listening = Listening { listener, secret, tls: tls.cloned() };
    let serving = serve(listening, Ledger::of_others(Vec::new()), async move { drop(ended.await) });
    // Somebody else's connection that never says anything does not keep it.
    let serving = tokio::time::timeout(REACH_MAX * 2, serving);
    let asking = async {
        let asked = tokio::time::timeout(REACH_MAX, asked_once(endpoint, trust)).await;
        drop(end);
        match asked {
            Ok(answered) => answered.map_err(|status| reason(&status)),
            Err(_) => Err(format!("nobody answers there within {} s", REACH_MAX.as_secs())),
        }
    };
    let (served, asked) = tokio::join!(serving, asking);
    asked.and(served.unwrap_or(Ok(())).map_err(|error| error.to_string()))
}

/// The same socket, for whoever answers there for a moment.
fn again(listener: &TcpListener) -> io::Result<TcpListener> {
    TcpListener::from_std(listener.as_fd().try_clone_to_owned()?.into())
}

/// What was said, by its last reason: each holds the words of the one behind it, and the last tells a wrong name from a wrong
/// certificate.
fn reason(status: &Status) -> String {
    let last = std::iter::successors(status.source(), |error| (*error).source()).last();
    last.map_or_else(|| status.message().to_owned(), ToString::to_string)
}
