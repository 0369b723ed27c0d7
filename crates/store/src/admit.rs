//! What a checkpoint may hold.

use crate::error::Refusal;
use crate::port::{Checkpoint, Mark};

/// The longest key, in bytes.
pub const MAX_KEY: usize = 256;

/// The largest value, in bytes. Rows of more than 6 KiB should be few: sled keeps 17 rows to a page, and writes a page of
/// more than 128 KiB to a file of its own.
pub const MAX_VALUE: usize = 64 * 1024;

/// Keys that start so are the store's own.
pub(crate) const OWN: u8 = 0;

/// Whether every row may be stored, and the mark follows `last`.
pub(crate) fn admit(checkpoint: &Checkpoint, last: Option<Mark>) -> Result<(), Refusal> {
    let next = checkpoint.mark();
    if let Some(last) = last
        && (next.seq < last.seq || next.seq == last.seq && next.head != last.head)
    {
        return Err(Refusal::MarkBack { last, next });
    }
    for (key, value) in checkpoint.rows() {
        if key.is_empty() || key[0] == OWN || key.len() > MAX_KEY {
            return Err(Refusal::Key { prefix: prefix(key), length: key.len() });
        }
        if let Some(length) = value.map(<[u8]>::len).filter(|length| *length > MAX_VALUE) {
            return Err(Refusal::ValueTooLarge { prefix: prefix(key), length });
        }
    }
    Ok(())
}

/// What an error names of a key: enough to tell the kind of row, not whose it is.
pub(crate) fn prefix(key: &[u8]) -> Vec<u8> {
    key[..key.len().min(8)].to_vec()
}
