//! The store as a port: who may read and write what.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use uuid::Uuid;

use crate::error::{Damage, Result};

/// Whose rows a store holds, and how they are encoded. Rows of another identity are never read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Identity {
    /// The network's id.
    pub network: Uuid,
    /// The shard whose projection this is.
    pub shard: u32,
    /// The caller's row format: raised when rows of before can't be read any more.
    pub format: u32,
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "network {} shard {} format {}", self.network, self.shard, self.format)
    }
}

/// The journal position that the rows stand for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mark {
    /// Sequence number in effect of the last record that is folded into the rows.
    pub seq: u64,
    /// The journal's hash chain up to that record.
    pub head: [u8; 32],
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/", self.seq)?;
        self.head[..4].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What changes from one mark to the next: the last state of each row that changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checkpoint {
    mark: Mark,
    rows: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

impl Checkpoint {
    /// A checkpoint without changes yet.
    #[must_use]
    pub fn new(mark: Mark) -> Self {
        Self { mark, rows: BTreeMap::new() }
    }

    /// Writes a row; of several changes to one key the last counts.
    pub fn put(&mut self, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.rows.insert(key.into(), Some(value.into()));
    }

    /// Removes a row, if there is one.
    pub fn delete(&mut self, key: impl Into<Vec<u8>>) {
        self.rows.insert(key.into(), None);
    }

    /// What the rows stand for once this is applied.
    #[must_use]
    pub fn mark(&self) -> Mark {
        self.mark
    }

    /// The changes in key order; `None` removes.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = (&[u8], Option<&[u8]>)> {
        self.rows.iter().map(|(key, value)| (key.as_slice(), value.as_deref()))
    }
}

/// A row as it was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// Where it lies.
    pub key: Vec<u8>,
    /// What was put there.
    pub value: Vec<u8>,
}

/// The direction of a scan, by the bytes of the keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Order {
    /// Smallest key first.
    Ascending,
    /// Greatest key first.
    Descending,
}

/// The keys from `from` (included) up to `to` (excluded; none: to the end).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Range {
    pub(crate) from: Vec<u8>,
    pub(crate) to: Option<Vec<u8>>,
}

impl Range {
    /// Every row.
    #[must_use]
    pub fn all() -> Self {
        Self { from: Vec::new(), to: None }
    }

    /// The rows from `from` (included) to `to` (excluded).
    pub fn between(from: impl Into<Vec<u8>>, to: impl Into<Vec<u8>>) -> Self {
        Self { from: from.into(), to: Some(to.into()) }
    }

    /// The rows from `from` (included) on.
    pub fn starting(from: impl Into<Vec<u8>>) -> Self {
        Self { from: from.into(), to: None }
    }

    /// The rows whose keys start with `prefix`.
    pub fn prefix(prefix: impl Into<Vec<u8>>) -> Self {
        let from = prefix.into();
        let mut to = from.clone();
        // The next key that doesn't start so: the last byte that can be raised is raised, what follows is cut.
        while to.pop_if(|byte| *byte == u8::MAX).is_some() {}
        let to = to.pop().map(|byte| [to.as_slice(), &[byte + 1]].concat());
        Self { from, to }
    }

    /// What is left of the range after a scan in `order` has come to `key`: the next page.
    #[must_use]
    pub fn after(mut self, key: &[u8], order: Order) -> Self {
        match order {
            Order::Ascending => self.from = [key, &[0]].concat(),
            Order::Descending => self.to = Some(key.to_vec()),
        }
        self
    }

    /// The smallest key, and the one before which it ends, if it does.
    #[must_use]
    pub fn bounds(&self) -> (&[u8], Option<&[u8]>) {
        (&self.from, self.to.as_deref())
    }

    /// Whether `key` lies in it.
    #[must_use]
    pub fn contains(&self, key: &[u8]) -> bool {
        key >= self.from.as_slice() && self.to.as_ref().is_none_or(|to| key < to.as_slice())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.to.as_ref().is_some_and(|to| *to <= self.from)
    }
}

/// Reads rows; shared between threads.
///
/// All fail with [`crate::Error::Damaged`] where a row is not what was written, and with [`crate::Error::Stopped`] after
/// that, after a failed checkpoint, and when the writer is gone.
pub trait Reader: Send + Sync {
    /// What the rows stand for; `None` before the first checkpoint. [`crate::Error::Moved`] while one is being written.
    fn mark(&self) -> Result<Option<Mark>>;

    /// The value under `key`.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>>;

    /// The first `limit` rows of `range` in `order`; fewer mean that there are no more.
    fn scan(&self, range: &Range, order: Order, limit: usize) -> Result<Vec<Row>>;
}

/// Writes checkpoints; there is one per store. Dropping it closes the store, also for its readers.
pub trait Writer: Send {
    /// Writes all rows and the mark, or nothing; durable when it returns. Blocks for as long as the disk takes.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Refused`] writes nothing and can be repeated with a better checkpoint. After any other the store
    /// has stopped: open it again to learn whether the checkpoint is in.
    fn apply(&mut self, checkpoint: &Checkpoint) -> Result<()>;

    /// Sets the rows aside for a reason that only the caller can see; readers stop. Opened again the store is empty.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Io`] if the folder can't be renamed: then the rows are still in place.
    fn discard(self: Box<Self>, why: &str) -> Result<()>;
}

/// Where the rows of one shard are kept.
pub trait Store: Send {
    /// Opens the rows for their one writer; what can't be trusted is set aside and an empty store opened instead.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Locked`] if somebody else has it open, [`crate::Error::Io`] if the place can't be used at all.
    fn open(&self, identity: &Identity) -> Result<Opened>;
}

/// An open store.
pub struct Opened {
    /// For any number of threads.
    pub reader: Arc<dyn Reader>,
    /// For one.
    pub writer: Box<dyn Writer>,
    /// What was there.
    pub found: Found,
}

/// What a store held when it was opened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Found {
    /// Nothing: a new store.
    Empty,
    /// Rows that stand for this mark, each of them what was written. Whether the mark is on the journal's hash chain
    /// is the caller's to check: a whole older copy of the files looks like this too.
    At(Mark),
    /// Rows that can't be trusted; the store is empty now.
    SetAside {
        /// What was wrong with them.
        why: Damage,
        /// Where they are kept for a person to look at. Nothing reads or removes them.
        kept: PathBuf,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_covers_what_starts_with_it_and_no_more() {
        for (prefix, inside, outside) in [
            (&b"ab"[..], &[&b"ab"[..], b"ab\0", b"ab\xff\xff"][..], &[&b"aa\xff"[..], b"ac", b"a", b"b"][..]),
            (b"a\xff", &[b"a\xff", b"a\xff\xff"], &[b"a\xfe", b"b", b"a"]),
            (b"\xff\xff", &[b"\xff\xff", b"\xff\xff\xff"], &[b"\xff\xfe", b"\xff"]),
            (b"", &[b"\x01", b"\xff\xff"], &[]),
        ] {
            let range = Range::prefix(prefix);
            assert!(inside.iter().all(|key| range.contains(key)), "{range:?}");
            assert!(!outside.iter().any(|key| range.contains(key)), "{range:?}");
        }
    }

    #[test]
    fn the_next_page_starts_behind_the_last_key() {
        let up = Range::prefix(*b"a").after(b"ab", Order::Ascending);
        assert!(!up.contains(b"ab") && up.contains(b"ab\0") && !up.contains(b"b"));
        let down = Range::prefix(*b"a").after(b"ab", Order::Descending);
        assert!(!down.contains(b"ab") && down.contains(b"aa\xff") && down.contains(b"a"));
        assert!(Range::prefix(*b"a").after(b"a", Order::Descending).is_empty());
    }
}
