//! A connection as the server reads and writes it: with or without TLS, with its seat, and with little time to say what it
//! speaks.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_rustls::server::TlsStream;
use tonic::transport::server::{Connected, TcpConnectInfo};

/// How much a peer has to send before it may take its time: as much as HTTP/2 begins with (RFC 9113, 3.4). No request of
/// HTTP/1.1 with the headers that gRPC-Web needs is shorter.
const GREETING_BYTES: usize = 24;

/// A connection whose seat is free again when it is dropped.
pub(crate) struct Connection {
    stream: Stream,
    greeting: Option<Greeting>,
    _seat: OwnedSemaphorePermit,
}

/// What carries it.
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// What the peer still has to send at first, and until when.
struct Greeting {
    missing: usize,
    late: Pin<Box<Sleep>>,
}

impl Connection {
    /// A connection that is given up if it has not sent its first bytes at `late`.
    pub(super) fn new(stream: Stream, late: Instant, seat: OwnedSemaphorePermit) -> Self {
        let greeting = Greeting { missing: GREETING_BYTES, late: Box::pin(sleep_until(late)) };
        Self { stream, greeting: Some(greeting), _seat: seat }
    }
}

impl Greeting {
    fn poll_late(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        ready!(self.late.as_mut().poll(context));
        Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, "the peer did not say in time what it speaks"))
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let read = match &mut this.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Stream::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        };
        if let Some(greeting) = &mut this.greeting {
            match read {
                Poll::Pending => return greeting.poll_late(context).map(Err),
                Poll::Ready(_) => {
                    greeting.missing = greeting.missing.saturating_sub(buffer.filled().len() - before);
                    if greeting.missing == 0 {
                        this.greeting = None;
                    }
                }
            }
        }
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Stream::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write_vectored(context, parts),
            Stream::Tls(stream) => Pin::new(stream).poll_write_vectored(context, parts),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.stream {
            Stream::Plain(stream) => stream.is_write_vectored(),
            Stream::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(context),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().stream {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

impl Connected for Connection {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        match &self.stream {
            Stream::Plain(stream) => stream.connect_info(),
            Stream::Tls(stream) => stream.get_ref().0.connect_info(),
        }
    }
}
