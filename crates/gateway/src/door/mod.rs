//! The door: takes connections, no more than there are seats, and sees that each says in time what it speaks.
//!
//! There is no queue: a connection without a seat is closed at once, so that its caller may turn elsewhere.

mod connection;
mod plaintext;
mod seldom;

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{Instant, sleep, timeout_at};
use tokio_rustls::TlsAcceptor;

pub(crate) use self::connection::Connection;
use self::connection::Stream;
use self::seldom::Seldom;
use crate::settings::Settings;
use crate::tls::Tls;

/// How long nothing is taken after the system refused to hand a connection over, as when no file can be opened.
const PAUSE: Duration = Duration::from_millis(100);

/// Connections that are through the door and wait for the server; each has its seat.
const READY_MAX: usize = 16;

/// What the server takes connections from; the door is shut when it is dropped.
pub(crate) type Ready = mpsc::Receiver<io::Result<Connection>>;

/// A door that is not open yet.
pub(crate) struct Door {
    listener: TcpListener,
    tls: Option<Tls>,
    handshake_max: Duration,
    seats: Arc<Semaphore>,
    ready: mpsc::Sender<io::Result<Connection>>,
}

impl Door {
    pub(crate) fn new(listener: TcpListener, settings: &Settings) -> (Self, Ready) {
        let (ready, connections) = mpsc::channel(READY_MAX);
        let seats = Arc::new(Semaphore::new(settings.connections_max.min(Semaphore::MAX_PERMITS)));
        let tls = settings.tls.clone();
        (Self { listener, tls, handshake_max: settings.handshake_max, seats, ready }, connections)
    }

    /// Takes connections until nobody wants them any more; then nobody listens.
    pub(crate) async fn keep(self) {
        let (mut full, mut failing) = (Seldom::new(), Seldom::new());
        loop {
            let stream = tokio::select! {
                () = self.ready.closed() => return,
                (stream, _) = next(|| self.listener.accept(), &mut failing) => stream,
            };
            let Ok(seat) = Arc::clone(&self.seats).try_acquire_owned() else {
                full.warn(
                    "there are as many connections as may be (connections_max); further ones are closed",
                );
                continue;
            };
            let late = Instant::now() + self.handshake_max;
            self.welcome(stream, late, seat);
        }
    }

    /// Sees to it that the connection gets ready, while others are taken.
    fn welcome(&self, stream: TcpStream, late: Instant, seat: OwnedSemaphorePermit) {
        let ready = self.ready.clone();
        // Answers are small, and waiting for more of them to go out with helps nobody. Without it they go out all the same.
        stream.set_nodelay(true).ok();
        let tls = self.tls.as_ref().map(Tls::config);
        tokio::spawn(async move {
            let connecting = async {
                let stream = match tls {
                    Some(config) => {
                        let stream = plaintext::refused(stream).await?;
                        Stream::Tls(Box::new(TlsAcceptor::from(config).accept(stream).await?))
                    }
                    None => Stream::Plain(stream),
                };
                Ok::<_, io::Error>(stream)
            };
            let connected = tokio::select! {
                () = ready.closed() => return,
                connected = timeout_at(late, connecting) => connected,
            };
            match connected {
                // Nobody waits for it once the server has ended.
                Ok(Ok(stream)) => drop(ready.send(Ok(Connection::new(stream, late, seat))).await),
                Ok(Err(error)) => tracing::debug!(%error, "a connection did not come to be"),
                Err(_) => tracing::debug!("a connection took too long to come to be"),
            }
        });
    }
}

/// The next connection. What the system refuses is tried again, after a pause unless it is the fault of one connection:
/// the refusal comes back at once as long as its cause lasts.
async fn next<T, F>(mut accept: impl FnMut() -> F, failing: &mut Seldom) -> T
where
    F: Future<Output = io::Result<T>>,
{
    loop {
        match accept().await {
            Ok(accepted) => return accepted,
            Err(error) if is_of_one(&error) => {
                tracing::debug!(%error, "a connection was gone before it was taken")
            }
            Err(error) => {
                failing.warn(&format!("no connection can be taken, and this is tried again: {error}"));
                sleep(PAUSE).await;
            }
        }
    }
}

fn is_of_one(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    [Kind::ConnectionAborted, Kind::ConnectionReset, Kind::ConnectionRefused, Kind::Interrupted]
        .contains(&error.kind())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// How often a connection is asked for while two pauses pass, if all that comes is `error`; 10,000 at the most.
    async fn tries(error: impl Fn() -> io::Error) -> u32 {
        let tries = Cell::new(0);
        let accept = || {
            tries.set(tries.get() + 1);
            std::future::ready(if tries.get() == 10_000 { Ok(()) } else { Err(error()) })
        };
        let mut failing = Seldom::new();
        drop(tokio::time::timeout(PAUSE * 5 / 2, next(accept, &mut failing)).await);
        tries.get()
    }

    #[tokio::test]
    async fn a_refusal_of_the_system_is_waited_out() {
        const EMFILE: i32 = 24;
        assert!(tries(|| io::Error::from_raw_os_error(EMFILE)).await <= 3);
        assert_eq!(tries(|| io::ErrorKind::ConnectionAborted.into()).await, 10_000);
    }
}
