//! A checkpoint as a file, for another machine: all rows with what they stand for, counted and hashed.
//!
//! Big-endian: `CSHP`, version 1 (8 bits), network (16 bytes), shard (32 bits), format (32 bits), mark (number, 64 bits, and head,
//! 32 bytes); each row as the length of its key (32 bits), the key, the length of its value (32 bits), the value; then 32 bits
//! of ones, the number of rows (64 bits), and [`crate::Digest::hash`]. A file of an earlier version stays readable.

use std::io::{self, Read, Write};

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::admit::{MAX_KEY, MAX_VALUE};
use crate::error::Error;
use crate::port::{Checkpoint, Found, Identity, Mark, Opened, Order, Range, Reader, Store};
use crate::verify::digest;

const MAGIC: &[u8; 5] = b"CSHP\x01";

/// No key is so long.
const END: u32 = u32::MAX;

/// Rows read at once.
const PAGE: usize = 1024;

/// Rows written at once.
const CHUNK_ROWS: usize = 20_000;

/// Why a checkpoint could not be shipped.
#[derive(Debug, thiserror::Error)]
pub enum ShipError {
    /// The file could not be read or written.
    #[error("the file")]
    File(#[from] io::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] Error),
    /// There is nothing to ship: no checkpoint was taken yet.
    #[error("the store holds no checkpoint yet")]
    NothingThere,
    /// The store that was to take it in holds rows.
    #[error("the store is not empty")]
    NotEmpty,
    /// It is no such file, or of a later release.
    #[error("this is no checkpoint that this release can read")]
    Unknown,
    /// It is another shard's, network's or release's.
    #[error("the checkpoint is of {found}, expected {expected}")]
    Foreign {
        /// Whose rows were asked for.
        expected: Identity,
        /// Whose they are.
        found: Identity,
    },
    /// It was cut or changed.
    #[error("the checkpoint is damaged: {0}")]
    Damaged(&'static str),
}

/// What was shipped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shipped {
    /// What the rows stand for.
    pub mark: Mark,
    /// How many there are.
    pub rows: u64,
}

/// Writes all rows of a store that nobody writes to.
///
/// # Errors
/// See [`ShipError`]; [`Error::Moved`] if somebody did write.
pub fn export(
    reader: &dyn Reader,
    identity: &Identity,
    out: &mut dyn Write,
) -> std::result::Result<Shipped, ShipError> {
    let mark = reader.mark()?.ok_or(ShipError::NothingThere)?;
    out.write_all(MAGIC)?;
    out.write_all(identity.network.as_bytes())?;
    out.write_all(&identity.shard.to_be_bytes())?;
    out.write_all(&identity.format.to_be_bytes())?;
    out.write_all(&mark.seq.to_be_bytes())?;
    out.write_all(&mark.head)?;
    let (mut range, mut rows, mut hasher) = (Range::all(), 0, Sha256::new());
    loop {
        let page = reader.scan(&range, Order::Ascending, PAGE)?;
        for row in &page {
            for field in [&row.key, &row.value] {
                // Keys and values are capped far below 32 bits.
                let length = u32::try_from(field.len()).unwrap_or(END).to_be_bytes();
                for bytes in [length.as_slice(), field] {
                    hasher.update(bytes);
                    out.write_all(bytes)?;
                }
            }
            rows += 1;
        }
        match page.last().filter(|_| page.len() == PAGE) {
            Some(last) => range = range.after(&last.key, Order::Ascending),
            None => break,
        }
    }
    if reader.mark()? != Some(mark) {
        return Err(Error::Moved.into());
    }
    out.write_all(&END.to_be_bytes())?;
    out.write_all(&u64::to_be_bytes(rows))?;
    out.write_all(&hasher.finalize())?;
    out.flush()?;
    Ok(Shipped { mark, rows })
}

/// Fills an empty store. After an error it holds a part and must not be used: import into a place of its own.
///
/// # Errors
/// See [`ShipError`].
pub fn import(
    from: &mut dyn Read,
    identity: &Identity,
    store: &dyn Store,
) -> std::result::Result<Shipped, ShipError> {
    let magic: [u8; 5] = bytes(from)?;
    if magic != *MAGIC {
        return Err(ShipError::Unknown);
    }
    let found = Identity {
        network: Uuid::from_bytes(bytes(from)?),
        shard: u32::from_be_bytes(bytes(from)?),
        format: u32::from_be_bytes(bytes(from)?),
    };
    if found != *identity {
        return Err(ShipError::Foreign { expected: *identity, found });
    }
    let mark = Mark { seq: u64::from_be_bytes(bytes(from)?), head: bytes(from)? };
    let Opened { reader, mut writer, found } = store.open(identity)?;
    if found != Found::Empty {
        return Err(ShipError::NotEmpty);
    }
    let (mut rows, mut chunk) = (0_u64, Checkpoint::new(mark));
    loop {
        let length = u32::from_be_bytes(bytes(from)?);
        if length == END {
            break;
        }
        let key = field(from, length, MAX_KEY)?;
        let length = u32::from_be_bytes(bytes(from)?);
        chunk.put(key, field(from, length, MAX_VALUE)?);
        rows += 1;
        if chunk.rows().len() >= CHUNK_ROWS {
            apply(&mut *writer, &std::mem::replace(&mut chunk, Checkpoint::new(mark)))?;
        }
    }
    apply(&mut *writer, &chunk)?;
    let (counted, hash): (u64, [u8; 32]) = (u64::from_be_bytes(bytes(from)?), bytes(from)?);
    let stored = digest(&*reader)?;
    if counted != rows || stored.rows != rows {
        return Err(ShipError::Damaged("rows are missing, or there twice"));
    }
    if stored.hash != hash {
        return Err(ShipError::Damaged("its rows are not those that were written"));
    }
    Ok(Shipped { mark, rows })
}

fn apply(writer: &mut dyn crate::Writer, chunk: &Checkpoint) -> std::result::Result<(), ShipError> {
    writer.apply(chunk).map_err(|error| {
        if matches!(error, Error::Refused(_)) {
            return ShipError::Damaged("a row is none that a store takes");
        }
        error.into()
    })
}

fn bytes<const LENGTH: usize>(from: &mut dyn Read) -> std::result::Result<[u8; LENGTH], ShipError> {
    let mut bytes = [0; LENGTH];
    from.read_exact(&mut bytes).map_err(cut)?;
    Ok(bytes)
}

fn field(from: &mut dyn Read, length: u32, most: usize) -> std::result::Result<Vec<u8>, ShipError> {
    let length = usize::try_from(length).ok().filter(|length| *length <= most);
    let mut bytes = vec![0; length.ok_or(ShipError::Damaged("a row is longer than rows are"))?];
    from.read_exact(&mut bytes).map_err(cut)?;
    Ok(bytes)
}

fn cut(error: io::Error) -> ShipError {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return ShipError::Damaged("it ends too early");
    }
    error.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Memory;

    fn identity() -> Identity {
        Identity { network: Uuid::from_u128(7), shard: 3, format: 12 }
    }

    fn filled(rows: u32) -> Memory {
        let store = Memory::new();
        let mut opened = store.open(&identity()).unwrap();
        let mut checkpoint = Checkpoint::new(Mark { seq: 9, head: [5; 32] });
        for row in 0..rows {
            checkpoint.put(row.to_be_bytes().map(|byte| byte | 1), vec![7; row as usize % 300]);
            checkpoint.put([b"k".as_slice(), &row.to_be_bytes()].concat(), row.to_be_bytes());
        }
        opened.writer.apply(&checkpoint).unwrap();
        store
    }

    fn exported(store: &Memory) -> (Vec<u8>, Shipped) {
        let mut file = Vec::new();
        let shipped = export(&*store.open(&identity()).unwrap().reader, &identity(), &mut file).unwrap();
        (file, shipped)
    }

    #[test]
    fn what_was_shipped_is_there_row_by_row() {
        for rows in [0, 1, 2_000, 30_000] {
            let (from, to) = (filled(rows), Memory::new());
            let (file, shipped) = exported(&from);
            assert_eq!(import(&mut &*file, &identity(), &to).unwrap(), shipped);
            let (from, to) = (from.open(&identity()).unwrap(), to.open(&identity()).unwrap());
            assert_eq!(to.found, Found::At(Mark { seq: 9, head: [5; 32] }));
            assert_eq!(digest(&*to.reader).unwrap(), digest(&*from.reader).unwrap());
        }
    }

    #[test]
    fn a_file_that_was_cut_or_changed_is_refused() {
        let (file, _) = exported(&filled(40));
        for length in 0..file.len() {
            assert!(import(&mut &file[..length], &identity(), &Memory::new()).is_err(), "cut at {length}");
        }
        for at in 0..file.len() {
            let mut changed = file.clone();
            changed[at] ^= 0x10;
            let taken = import(&mut &*changed, &identity(), &Memory::new());
            // What is not of the rows is checked against the journal by whoever opens the store.
            let in_mark = (29..69).contains(&at);
            assert_eq!(taken.is_ok(), in_mark, "changed at {at}: {taken:?}");
        }
    }

    #[test]
    fn a_checkpoint_goes_where_it_belongs() {
        let (file, _) = exported(&filled(1));
        let other = Identity { shard: 4, ..identity() };
        let refused = import(&mut &*file, &other, &Memory::new());
        assert!(matches!(refused, Err(ShipError::Foreign { .. })), "{refused:?}");
        let refused = import(&mut &*file, &identity(), &filled(1));
        assert!(matches!(refused, Err(ShipError::NotEmpty)), "{refused:?}");
        let empty = Memory::new().open(&identity()).unwrap();
        let nothing = export(&*empty.reader, &identity(), &mut Vec::new());
        assert!(matches!(nothing, Err(ShipError::NothingThere)), "{nothing:?}");
    }
}
