//! Which account knows an order, and which one an event came to: indexes over all accounts of a shard, for returns that come
//! with another card or none, and for those who ask for an event by its id alone.
//!
//! Every order that was bought adds an entry to the one, every event to the other; entries are looked for rarely.
//! So they are not rows of their own, which would lie all over the store, but are gathered in segments of as many as make up
//! [`SEGMENT`], each in [`BUCKETS`] rows by the first byte of their keys. A checkpoint writes the rows of the newest segment that changed; a search reads one row of each segment,
//! the newest first, and ends with those that are too old to matter. What is in which row follows from the journal alone.

use std::collections::BTreeSet;

use coalition_domain::{AccountId, Fingerprint, Timestamp};
use coalition_store::{Checkpoint, Range, Reader};
use serde::{Deserialize, Serialize};

use crate::rows;

/// Entries of a segment.
const SEGMENT: u64 = 16_384;

/// Rows of a segment, at most: few, as rows cost more than bytes.
const BUCKETS: usize = 32;

/// What is looked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Which account knows an order.
    Orders,
    /// Which account an event came to.
    Events,
}

impl Kind {
    /// Of its rows.
    const fn prefix(self) -> u8 {
        match self {
            Self::Orders => b'i',
            Self::Events => b'e',
        }
    }
}

/// The row of a bucket of a segment.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Bucket {
    /// When the newest entry was decided.
    newest: Timestamp,
    entries: Vec<(Fingerprint, AccountId)>,
}

/// The index: what of it is still to be written, and the newest segment.
#[derive(Debug)]
pub struct Finder {
    kind: Kind,
    /// How many entries there ever were.
    count: u64,
    /// The newest segment, by bucket.
    open: Vec<Bucket>,
    /// Its buckets that the store does not have as they are.
    changed: BTreeSet<usize>,
    /// Rows of full segments that the store may not have yet, each with the journal position that completed its segment.
    full: Vec<Row>,
    /// Up to which position changes were handed to the store.
    taken: u64,
}

#[derive(Clone, Debug)]
struct Row {
    kind: Kind,
    segment: u64,
    bucket: usize,
    seq: u64,
    entries: Bucket,
}

/// What changed for the store.
#[derive(Default)]
pub(crate) struct Changes(Vec<Row>);

impl Finder {
    /// Of a shard that has noted nothing yet.
    pub(crate) fn new(kind: Kind) -> Self {
        let (open, changed) = (vec![Bucket::default(); BUCKETS], BTreeSet::new());
        Self { kind, count: 0, open, changed, full: Vec::new(), taken: 0 }
    }

    /// Of a shard that has noted `count` entries.
    ///
    /// # Errors
    /// Rows that can't be read.
    pub(crate) fn load(reader: &dyn Reader, kind: Kind, count: u64) -> Result<Self, rows::Error> {
        let mut finder = Self { count, ..Self::new(kind) };
        let segment = key(kind, finder.segment(), None);
        rows::scan_parts(reader, Range::prefix(segment.clone()), |key, value| {
            let bucket = key.strip_prefix(segment.as_slice()).and_then(|rest| rest.first());
            let bucket = bucket.ok_or(rows::Error::Row('i'))?;
            finder.open[usize::from(*bucket)] = rows::decode('i', value)?;
            Ok(())
        })?;
        Ok(finder)
    }

    /// How many entries there ever were.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// By the decision at position `seq` the account knows what is kept under `key`.
    pub(crate) fn note(&mut self, key: Fingerprint, account: AccountId, at: Timestamp, seq: u64) {
        let number = bucket(&key);
        let bucket = &mut self.open[number];
        bucket.newest = at;
        bucket.entries.push((key, account));
        self.changed.insert(number);
        self.count += 1;
        if self.count.is_multiple_of(SEGMENT) {
            let segment = self.count / SEGMENT - 1;
            let open = std::mem::replace(&mut self.open, vec![Bucket::default(); BUCKETS]);
            let rows = open.into_iter().enumerate().filter(|(_, bucket)| !bucket.entries.is_empty());
            let kind = self.kind;
            self.full.extend(rows.map(|(bucket, entries)| Row { kind, segment, bucket, seq, entries }));
            self.changed.clear();
        }
    }

    /// The account that came last to know `key`, as far as memory has it.
    pub(crate) fn recent(&self, key: &Fingerprint) -> Option<AccountId> {
        let number = bucket(key);
        let full = self.full.iter().rev().filter(|row| row.bucket == number).map(|row| &row.entries);
        std::iter::once(&self.open[number]).chain(full).find_map(|bucket| bucket.find(key))
    }

    /// Takes out what changed since the last call, for the store, which will hold `seq`.
    pub(crate) fn take_changed(&mut self, seq: u64) -> Changes {
        let segment = self.segment();
        let full = self.full.iter().filter(|row| row.seq > self.taken).cloned();
        let mut rows: Vec<_> = full.collect();
        for bucket in std::mem::take(&mut self.changed) {
            let entries = self.open[bucket].clone();
            rows.push(Row { kind: self.kind, segment, bucket, seq, entries });
        }
        self.taken = seq;
        Changes(rows)
    }

    /// The store holds everything up to `seq`.
    pub(crate) fn stored(&mut self, seq: u64) {
        self.full.retain(|row| row.seq > seq);
    }

    /// The number of the newest segment.
    fn segment(&self) -> u64 {
        self.count / SEGMENT
    }

    /// The segments before this one are the store's alone; the others are in memory, and a checkpoint may be writing them.
    pub(crate) fn in_memory(&self) -> u64 {
        self.full.first().map_or_else(|| self.segment(), |row| row.segment)
    }
}

impl Bucket {
    fn find(&self, key: &Fingerprint) -> Option<AccountId> {
        self.entries.iter().rev().find(|(known, _)| known == key).map(|(_, account)| *account)
    }
}

impl Changes {
    pub(crate) fn put(&self, checkpoint: &mut Checkpoint) {
        for Row { kind, segment, bucket, entries, .. } in &self.0 {
            rows::put_parts(checkpoint, &key(*kind, *segment, Some(*bucket)), &rows::encode(entries));
        }
    }
}

/// The account that came last to know `wanted`, by what the store holds of the decisions since `since` in the segments before
/// `before`. What comes after is asked of memory: of a bucket of several rows that a checkpoint writes some may be newer than others.
///
/// # Errors
/// Rows that can't be read.
pub fn find(
    reader: &dyn Reader,
    kind: Kind,
    wanted: &Fingerprint,
    before: u64,
    since: Timestamp,
) -> Result<Option<AccountId>, rows::Error> {
    for segment in (0..before).rev() {
        let mut row = None::<Bucket>;
        rows::scan_parts(reader, Range::prefix(key(kind, segment, Some(bucket(wanted)))), |_, value| {
            row = Some(rows::decode('i', value)?);
            Ok(())
        })?;
        // Of a bucket that is empty nothing is known; the next one is.
        let Some(row) = row else { continue };
        if let Some(account) = row.find(wanted) {
            return Ok(Some(account));
        }
        if row.newest < since {
            break;
        }
    }
    Ok(None)
}

fn bucket(key: &Fingerprint) -> usize {
    usize::from(key.bytes()[0]) % BUCKETS
}

fn key(kind: Kind, segment: u64, bucket: Option<usize>) -> Vec<u8> {
    let bucket = bucket.map(|bucket| u8::try_from(bucket).expect("fewer than 256"));
    [[kind.prefix()].as_slice(), &segment.to_be_bytes(), bucket.as_slice()].concat()
}

#[cfg(test)]
mod tests;
