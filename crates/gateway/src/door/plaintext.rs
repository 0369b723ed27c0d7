//! Who speaks without TLS where TLS is spoken is told so, in a way that their own library shows.
//!
//! gRPC's libraries keep the words of a connection's end to themselves, so a call is answered as a call.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, sink};
use tokio::net::TcpStream;
use tonic::Code;

/// What a TLS connection begins with: the type of a record that shakes hands (RFC 8446, 5.1).
const HANDSHAKE: u8 = 22;

/// What a client of HTTP/2 sends first (RFC 9113, 3.4). No method of HTTP/1.1 begins with its first three bytes.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A frame's head: three bytes of length, type, flags, and four of the stream's number (4.1).
const HEAD_BYTES: usize = 9;
/// The type of the frame that opens a stream, and the flags of one that is all of it (6.2).
const HEADERS: u8 = 1;
const END_STREAM_AND_HEADERS: u8 = 0x5;
/// An empty SETTINGS frame, which a server sends first (3.4 and 6.5).
const SETTINGS: [u8; HEAD_BYTES] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
/// `:status: 200`, which has a number of its own (RFC 7541, appendix A).
const STATUS_200: u8 = 0x88;

const WORDS: &str = "this port speaks TLS: connect with https://";

/// The stream as it was, if what comes is TLS; else an error, after the peer was told.
pub(super) async fn refused(mut stream: TcpStream) -> io::Result<TcpStream> {
    let mut first = [0; 3];
    let seen = stream.peek(&mut first).await?;
    let first = &first[..seen];
    if first.is_empty() || first.starts_with(&[HANDSHAKE]) {
        return Ok(stream);
    }
    if PREFACE.starts_with(first) {
        answer_call(&mut stream).await?;
    } else {
        stream.write_all(&bad_request()).await?;
    }
    stream.shutdown().await?;
    // What is unread when a socket is closed makes the system reset it, and the answer may be lost with that.
    copy(&mut stream, &mut sink()).await?;
    Err(io::Error::new(io::ErrorKind::InvalidData, "plain text where TLS is spoken"))
}

/// Answers the first call of a connection.
async fn answer_call(stream: &mut TcpStream) -> io::Result<()> {
    stream.write_all(&SETTINGS).await?;
    stream.read_exact(&mut [0; PREFACE.len()]).await?;
    let mut head = [0; HEAD_BYTES];
    while head[3] != HEADERS {
        stream.read_exact(&mut head).await?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        copy(&mut stream.take(length.into()), &mut sink()).await?;
    }
    let [.., a, b, c, d] = head;
    stream.write_all(&answer([a, b, c, d])).await
}

/// The frame that refuses the call of a stream: headers with the status, and nothing after them.
fn answer(of: [u8; 4]) -> Vec<u8> {
    let code = i32::from(Code::FailedPrecondition).to_string();
    let mut block = vec![STATUS_200];
    for (name, value) in
        [("content-type", "application/grpc"), ("grpc-status", &code), ("grpc-message", WORDS)]
    {
        // A name and a value in plain text, not to be kept (RFC 7541, 6.2.2).
        block.push(0);
        for text in [name, value] {
            block.push(short(text.len()));
            block.extend(text.bytes());
        }
    }
    let mut frame = vec![0, 0, short(block.len()), HEADERS, END_STREAM_AND_HEADERS];
    frame.extend(of);
    frame.extend(block);
    frame
}

/// A length that takes one byte wherever it stands.
fn short(length: usize) -> u8 {
    u8::try_from(length).expect("what is answered is short")
}

fn bad_request() -> Vec<u8> {
    let head = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-type: text/plain\r\n";
    format!("{head}content-length: {}\r\n\r\n{WORDS}", WORDS.len()).into_bytes()
}
