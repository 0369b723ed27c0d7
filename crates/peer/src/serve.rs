//! Answering for the shards of this process.

use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::Duration;

use coalition_journal::entry::ShardId;
use coalition_ledger::runtime::Ledger;
use coalition_ledger::trace::{HEADER, TARGET, TraceParent};
use coalition_ledger::wire::{self, VERSIONS};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Identity, Server, ServerTlsConfig};
use tonic::{Request, Response, Status};
use tracing::Instrument;

use crate::MESSAGE_BYTES_MAX;
use crate::message::{Answered, Asking, Following, News, ShardService, ShardServiceServer};
use crate::secret::Secret;

/// Between two pieces of news of one shard, at least: a shard commits far more often than anybody has to hear of it.
const NEWS_PAUSE: Duration = Duration::from_millis(2);

/// It is said again so often: how long the oldest command waits is no news of its own.
const NEWS_REPEAT: Duration = Duration::from_secs(1);

/// Silence after which a connection is asked whether anybody is there.
const KEEPALIVE: Duration = Duration::from_secs(5);

/// Why others can't be served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The secret, and all that is asked, would cross a network in plain text.
    #[error(
        "refuse to answer other processes at {0} in plain text: give it a certificate, or listen on a loopback address"
    )]
    PlaintextBeyondLoopback(SocketAddr),
    /// A file can't be read.
    #[error("read {}", .0.display())]
    File(PathBuf, #[source] std::io::Error),
    /// The transport failed.
    #[error("answer other processes")]
    Transport(#[from] tonic::transport::Error),
    /// The listener has no address.
    #[error("ask the listener for its address")]
    Listener(#[source] std::io::Error),
}

/// A certificate and its key, in PEM.
#[derive(Clone)]
pub struct Tls(Identity);

impl Tls {
    /// Reads both files.
    ///
    /// # Errors
    /// See [`Error::File`].
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, Error> {
        let read = |path: &Path| std::fs::read(path).map_err(|source| Error::File(path.to_owned(), source));
        Ok(Self(Identity::from_pem(read(certificate)?, read(key)?)))
    }
}

/// Where and as whom a process answers others.
pub struct Listening {
    /// Where.
    pub listener: TcpListener,
    /// What they have to know.
    pub secret: Secret,
    /// How it is encrypted; on a loopback address it need not be.
    pub tls: Option<Tls>,
}

/// Answers until `shutdown` comes true and what is under way is answered.
///
/// # Errors
/// See [`Error`].
pub async fn serve(
    listening: Listening,
    ledger: Ledger,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error> {
    let Listening { listener, secret, tls } = listening;
    let address = listener.local_addr().map_err(Error::Listener)?;
    if tls.is_none() && !address.ip().is_loopback() {
        return Err(Error::PlaintextBeyondLoopback(address));
    }
    let (end, ending) = watch::channel(false);
    let shards = Shards { ledger, ending };
    let service = ShardServiceServer::new(shards)
        .max_decoding_message_size(MESSAGE_BYTES_MAX)
        .max_encoding_message_size(MESSAGE_BYTES_MAX);
    // Before a message is read, which may be large.
    let service = InterceptedService::new(service, move |request: Request<()>| {
        if secret.is_shown(request.metadata()) {
            return Ok(request);
        }
        let why = "this port is for processes of the network, which know its secret";
        Err(Status::unauthenticated(why))
    });
    let mut server = Server::builder().http2_keepalive_interval(Some(KEEPALIVE));
    if let Some(Tls(identity)) = tls {
        server = server.tls_config(ServerTlsConfig::new().identity(identity))?;
    }
    let ended = async move {
        shutdown.await;
        // Who follows a shard does so without end.
        end.send_replace(true);
    };
    // Small answers are not held back to be sent with others.
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    server.add_service(service).serve_with_incoming_shutdown(incoming, ended).await?;
    Ok(())
}

struct Shards {
    ledger: Ledger,
    ending: watch::Receiver<bool>,
}

impl Shards {
    fn admit(version: u32) -> Result<(), Status> {
        if !VERSIONS.contains(&version) {
            return Err(Status::failed_precondition(format!(
                "version {version} is not spoken here, but {} to {}",
                VERSIONS.start(),
                VERSIONS.end()
            )));
        }
        Ok(())
    }
}

#[tonic::async_trait]
impl ShardService for Shards {
    async fn ask(&self, request: Request<Asking>) -> Result<Response<Answered>, Status> {
        Self::admit(request.get_ref().version)?;
        let trace = request.metadata().get(HEADER).and_then(|value| TraceParent::read(value.as_bytes()));
        let asking = request.into_inner();
        let question = wire::question(&asking.question)
            .map_err(|unreadable| Status::invalid_argument(unreadable.to_string()))?;
        let span = trace.map_or_else(
            tracing::Span::none,
            |trace| tracing::info_span!(target: TARGET, "asked", trace_id = trace.id(), shard = asking.shard),
        );
        let answer = async {
            let answer = self.ledger.answer(ShardId(asking.shard), question).await;
            if trace.is_some() {
                tracing::debug!(target: TARGET, answered = answer.is_ok(), "another process has asked");
            }
            answer
        };
        let answer = answer.instrument(span).await;
        Ok(Response::new(Answered { answer: wire::encode(&answer).into() }))
    }

    type FollowStream = Pin<Box<dyn Stream<Item = Result<News, Status>> + Send>>;

    async fn follow(&self, request: Request<Following>) -> Result<Response<Self::FollowStream>, Status> {
        Self::admit(request.get_ref().version)?;
        let shard = ShardId(request.get_ref().shard);
        let Some(mut status) = self.ledger.follow_here(shard) else {
            return Err(Status::not_found(format!("shard {shard} is not run here")));
        };
        let (sender, receiver) = mpsc::channel(1);
        let (mut ending, ledger) = (self.ending.clone(), self.ledger.clone());
        tokio::spawn(async move {
            loop {
                status.borrow_and_update();
                if let Some(now) = ledger.tell(shard) {
                    let news = News { status: wire::encode(&now).into() };
                    if sender.send(Ok(news)).await.is_err() {
                        return;
                    }
                }
                tokio::time::sleep(NEWS_PAUSE).await;
                tokio::select! {
                    changed = status.changed() => if changed.is_err() { return },
                    () = tokio::time::sleep(NEWS_REPEAT) => {}
                    _ = ending.wait_for(|ending| *ending) => return,
                    () = sender.closed() => return,
                }
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }
}
