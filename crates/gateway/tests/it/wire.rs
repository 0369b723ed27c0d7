//! Bytes over TCP, and the few frames of HTTP/2 that tests write by hand (RFC 9113).

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// What a client of HTTP/2 sends first.
pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Types of frames.
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;

/// The flag of a PING or SETTINGS that answers one.
pub(crate) const ACK: u8 = 1;

/// How long something may take that has to happen.
const PATIENCE: Duration = Duration::from_secs(30);

/// A frame.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    pub(crate) fn new(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Self {
        Self { kind, flags, stream, payload: payload.to_vec() }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let length = u32::try_from(self.payload.len()).unwrap().to_be_bytes();
        let mut bytes = length[1..].to_vec();
        bytes.extend([self.kind, self.flags]);
        bytes.extend(self.stream.to_be_bytes());
        bytes.extend(&self.payload);
        bytes
    }
}

/// A connection.
pub(crate) struct Wire {
    stream: TcpStream,
}

impl Wire {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(address).await.unwrap() }
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// Says that nothing more will be sent.
    pub(crate) async fn hang_up(&mut self) {
        self.stream.shutdown().await.unwrap();
    }

    /// What comes until the other side closes.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut part = [0; 4096];
        loop {
            match timeout(PATIENCE, self.stream.read(&mut part)).await.expect("is closed in time") {
                // A reset is an end too: it comes when something that was sent is unread.
                Ok(0) | Err(_) => return bytes,
                Ok(read) => bytes.extend(&part[..read]),
            }
        }
    }

    /// Begins HTTP/2; whether the other side does too, and does not close.
    pub(crate) async fn is_served(&mut self) -> bool {
        let greeting = [PREFACE, &Frame::new(SETTINGS, 0, 0, &[]).bytes()].concat();
        if self.stream.write_all(&greeting).await.is_err() {
            return false;
        }
        let read = timeout(PATIENCE, self.stream.read(&mut [0; 1])).await.expect("says something in time");
        read.is_ok_and(|read| read > 0)
    }

    /// The next frame.
    pub(crate) async fn frame(&mut self) -> Frame {
        let read = async {
            let mut head = [0; 9];
            self.stream.read_exact(&mut head).await.unwrap();
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let mut payload = vec![0; usize::try_from(length).unwrap()];
            self.stream.read_exact(&mut payload).await.unwrap();
            let stream = u32::from_be_bytes(head[5..].try_into().unwrap());
            Frame { kind: head[3], flags: head[4], stream, payload }
        };
        timeout(PATIENCE, read).await.expect("a frame comes in time")
    }

    /// The next frame of a kind.
    pub(crate) async fn frame_of(&mut self, kind: u8) -> Frame {
        loop {
            let frame = self.frame().await;
            if frame.kind == kind {
                return frame;
            }
        }
    }
}
