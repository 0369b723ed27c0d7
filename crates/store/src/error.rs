//! What can go wrong, by who has to act.

use std::io;

use crate::port::{Identity, Mark};

/// Of everything that the store does.
pub type Result<T> = std::result::Result<T, Error>;

/// Why an operation of the store failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller asked for what the store does not do. Nothing was written; the store goes on.
    #[error("checkpoint refused: {0}")]
    Refused(#[from] Refusal),
    /// The rows can't be trusted: discard them and rebuild.
    #[error("store is damaged: {0}")]
    Damaged(#[from] Damage),
    /// The file system failed, for example a full disk. After a failed checkpoint the store is [`Error::Stopped`];
    /// opened again it stands before that checkpoint or after it.
    #[error("{doing}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The cause.
        source: io::Error,
    },
    /// Another process, or another handle in this one, has the store open.
    #[error("store is locked by another process")]
    Locked,
    /// An earlier checkpoint failed, or the store was discarded or opened anew: these handles are of no more use.
    #[error("store has stopped and has to be opened again")]
    Stopped,
    /// A checkpoint is being written, or came in between while all rows were being read: read them again.
    #[error("rows change while they are being read")]
    Moved,
}

/// What makes a checkpoint unacceptable: each is a fault of the caller's code.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// Keys are 1 to [`crate::MAX_KEY`] bytes and don't start with a zero byte, which is the store's own.
    #[error("key of {length} bytes that starts with {prefix:02x?}")]
    Key {
        /// The key's first bytes, 8 at most.
        prefix: Vec<u8>,
        /// The key's length in bytes.
        length: usize,
    },
    /// Values are [`crate::MAX_VALUE`] bytes at most.
    #[error("value of {length} bytes under a key that starts with {prefix:02x?}")]
    ValueTooLarge {
        /// The key's first bytes, 8 at most.
        prefix: Vec<u8>,
        /// The value's length in bytes.
        length: usize,
    },
    /// A projection follows its journal: it never goes back, nor stands for two heads at one position.
    #[error("mark {next} after {last}")]
    MarkBack {
        /// Of the newest checkpoint.
        last: Mark,
        /// Of the one that was refused.
        next: Mark,
    },
}

/// Why rows can't be trusted.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Damage {
    /// The files can't be opened or read; the text says what was seen.
    #[error("unreadable: {0}")]
    Unreadable(String),
    /// There are rows, but no sidecar says what was durable.
    #[error("sidecar is missing")]
    SidecarMissing,
    /// The sidecar is not one of ours, or not whole.
    #[error("sidecar is malformed")]
    SidecarMalformed,
    /// The rows are another network's or shard's, or of another format.
    #[error("rows are of {found}, expected {expected}")]
    Foreign {
        /// Whose rows were asked for.
        expected: Identity,
        /// Whose they are.
        found: Identity,
    },
    /// The rows stand for less than what was durable.
    #[error("rows stand at {}, but {durable} was durable", at(.found))]
    Behind {
        /// What the sidecar says.
        durable: Mark,
        /// What the rows say.
        found: Option<Mark>,
    },
    /// A row is not what was written under its key.
    #[error("row that starts with {prefix:02x?} is not what was written")]
    Row {
        /// The key's first bytes, 8 at most.
        prefix: Vec<u8>,
    },
    /// Each row is whole, but together they are not what was written: some are missing or old.
    #[error("{found} rows differ from the {expected} that were written")]
    Sum {
        /// How many were written.
        expected: u64,
        /// How many there are.
        found: u64,
    },
    /// The caller's own finding, for example that the mark is not on the journal's hash chain.
    #[error("{0}")]
    Caller(String),
}

fn at(mark: &Option<Mark>) -> String {
    mark.map_or_else(|| "nothing".to_owned(), |mark| mark.to_string())
}
