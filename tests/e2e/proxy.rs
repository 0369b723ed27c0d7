//! A way between two parts over TCP that can be cut, held up, slowed down and broken off, in one direction or both.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Duration, Instant, timeout_at};

/// Bytes taken at once.
const PIECE: usize = 16 * 1024;
/// Pieces on the way in one direction; whoever sends more waits.
const PIECES: usize = 64;

/// What becomes of bytes in one direction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Flow {
    Pass,
    /// They wait, and arrive when they may pass again: as when packets are sent again and again.
    Hold,
    /// They are gone, and nobody is told; a connection that lost any breaks when bytes may pass again.
    Swallow,
    /// They arrive so much later.
    Delay(Duration),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Flows {
    /// To the one who listens, and back from it.
    there: Flow,
    back: Flow,
    /// Connections made before the last break are broken off.
    breaks: u64,
}

/// Stands before something that listens.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    flows: watch::Sender<Flows>,
    to: Arc<Mutex<Option<SocketAddr>>>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// On a port of its own; before it knows [`Proxy::lead`] it breaks every connection.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("it is bound");
        let flows = watch::channel(Flows { there: Flow::Pass, back: Flow::Pass, breaks: 0 }).0;
        let to = Arc::<Mutex<Option<SocketAddr>>>::default();
        let accepting = tokio::spawn(accept(listener, flows.clone(), Arc::clone(&to)));
        Self { address, flows, to, accepting }
    }

    /// Where it leads to.
    pub(crate) fn lead(&self, to: SocketAddr) {
        *self.to.lock().expect("no holder panics") = Some(to);
    }

    /// What becomes of bytes from now on.
    pub(crate) fn set(&self, there: Flow, back: Flow) {
        self.flows.send_modify(|flows| (flows.there, flows.back) = (there, back));
    }

    /// Breaks all connections off: both ends are told at once (RST).
    pub(crate) fn reset(&self) {
        self.flows.send_modify(|flows| flows.breaks += 1);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        // Connections see that nobody sets their flows any more.
    }
}

async fn accept(listener: TcpListener, flows: watch::Sender<Flows>, to: Arc<Mutex<Option<SocketAddr>>>) {
    while let Ok((client, _)) = listener.accept().await {
        let to = *to.lock().expect("no holder panics");
        let flows = flows.subscribe();
        tokio::spawn(async move {
            let server = match to {
                Some(to) => TcpStream::connect(to).await.ok(),
                None => None,
            };
            match server {
                Some(server) => join(client, server, flows).await,
                None => break_off(&client),
            }
        });
    }
}

/// The next close tells the other end so at once, and drops what is on the way.
fn break_off(stream: &TcpStream) {
    // One that is closed already needs it no more.
    drop(stream.set_zero_linger());
}

/// Carries bytes both ways until one end closes or the connection is broken off.
async fn join(mut client: TcpStream, mut server: TcpStream, flows: watch::Receiver<Flows>) {
    for stream in [&client, &server] {
        drop(stream.set_nodelay(true));
    }
    let breaks = flows.borrow().breaks;
    let mut broken = flows.clone();
    let ended = {
        let ((from_client, to_client), (from_server, to_server)) = (client.split(), server.split());
        let there = carry(from_client, to_server, flows.clone(), |flows| flows.there);
        let back = carry(from_server, to_client, flows, |flows| flows.back);
        tokio::select! {
            ended = async { tokio::try_join!(there, back) } => ended.is_ok(),
            _ = broken.wait_for(|flows| flows.breaks != breaks) => false,
        }
    };
    if !ended {
        break_off(&client);
        break_off(&server);
    }
}

/// A connection that was broken off.
struct Broken;

/// Carries bytes in one direction up to their end.
async fn carry(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    mut flows: watch::Receiver<Flows>,
    flow: fn(&Flows) -> Flow,
) -> Result<(), Broken> {
    let (send, mut pieces) = mpsc::channel::<(Instant, Vec<u8>)>(PIECES);
    let reading = async move {
        loop {
            let mut piece = vec![0; PIECE];
            let read = from.read(&mut piece).await.map_err(|_| Broken)?;
            piece.truncate(read);
            if read == 0 || send.send((Instant::now(), piece)).await.is_err() {
                return Ok(());
            }
        }
    };
    let writing = async move {
        let mut lost = false;
        while let Some((came, piece)) = pieces.recv().await {
            let now = loop {
                let now = flow(&flows.borrow_and_update());
                if now != Flow::Hold {
                    break now;
                }
                flows.changed().await.map_err(|_| Broken)?;
            };
            match now {
                Flow::Swallow => lost = true,
                Flow::Pass | Flow::Delay(_) | Flow::Hold if lost => return Err(Broken),
                Flow::Pass | Flow::Hold => to.write_all(&piece).await.map_err(|_| Broken)?,
                Flow::Delay(by) => {
                    let never = std::future::pending::<()>();
                    drop(timeout_at(came + by, never).await);
                    to.write_all(&piece).await.map_err(|_| Broken)?;
                }
            }
        }
        // The end of what it sends is a piece like any other: who is cut off does not hear of it.
        drop(flows.wait_for(|flows| !matches!(flow(flows), Flow::Hold | Flow::Swallow)).await);
        drop(to.shutdown().await);
        Ok(())
    };
    tokio::try_join!(reading, writing).map(|_| ())
}
