//! The body of a batch: decisions, and what they were decided on.

use bytes::Bytes;
use coalition_domain::decide::RegistryDecision;
use coalition_domain::{AccountId, Decision, Fingerprint, Timestamp};
use coalition_journal::entry::ShardId;
use coalition_journal::log::Offset;
use serde::{Deserialize, Serialize};

use crate::inbox::{Run, Source};

/// What a batch says once for all of its decisions. Frozen in stored data, as are all types here.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Terms {
    /// When they were taken.
    pub decided_at: Timestamp,
    /// The next offset of the inbox to read: everything before it is decided.
    pub inbox_next: Offset,
    /// From which the age of partner events was measured: the largest append time seen in the inbox before.
    pub horizon: Timestamp,
    /// Up to which number of what this shard sends the log has acknowledged it.
    pub relayed: Vec<(Destination, u64)>,
}

/// Where a shard sends what follows from its decisions, in dense numbers for each.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Destination {
    /// Changes of the registry, to the inbox of another shard.
    Shard(ShardId),
    /// Back to partners: their refused events.
    Partners,
    /// To accounts of a shard, by its inbox.
    Accounts(ShardId),
}

/// One decision of a batch.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Item {
    /// Of an account; on a partner's event with where it came from.
    Account(Decision, Option<Source>),
    /// Of the registry, in its home shard.
    Registry(RegistryDecision),
    /// Commands of another shard, taken in.
    Relayed(Run),
    /// What another shard asked of accounts here is decided up to this number.
    Taken(ShardId, u64),
    /// An account of any shard waits for an order that one here may know.
    Asked {
        /// Under which key.
        order: Fingerprint,
        /// Which account waits.
        asker: AccountId,
        /// Until when.
        until: Timestamp,
    },
}

/// A body that can't be read: a record in effect that nobody understands stops the shard.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a batch in effect can't be read: {0}")]
pub struct Unreadable(String);

impl Unreadable {
    pub(crate) fn cut_off() -> Self {
        Self("it is cut off".to_owned())
    }
}

/// What a body says: its terms, and its items with their bytes.
pub type Body = (Terms, Vec<(Item, Bytes)>);

/// A body in the making.
#[derive(Debug, Default)]
pub struct Writer {
    items: Vec<u8>,
    count: u32,
}

impl Writer {
    /// How many items it has.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The bytes of its items.
    pub fn bytes(&self) -> usize {
        self.items.len()
    }

    /// Adds an item that was encoded by [`encode_item`].
    pub fn push(&mut self, item: &[u8]) {
        let length = u32::try_from(item.len()).expect("an item is bounded far below 4 GiB");
        self.items.extend_from_slice(&length.to_be_bytes());
        self.items.extend_from_slice(item);
        self.count += 1;
    }

    /// Puts the body behind `record`, the record's head.
    pub fn finish(&self, terms: &Terms, record: Vec<u8>) -> Bytes {
        let mut record = record;
        record.reserve(64 + self.items.len());
        let mut record =
            postcard::to_extend(terms, record).expect("terms have nothing that postcard can't write");
        record.extend_from_slice(&self.items);
        record.into()
    }
}

/// An item's bytes.
pub fn encode_item(item: &Item) -> Vec<u8> {
    postcard::to_stdvec(item).expect("an item has nothing that postcard can't write")
}

/// An item's meaning.
pub fn decode_item(bytes: &[u8]) -> Result<Item, Unreadable> {
    postcard::from_bytes(bytes).map_err(|error| Unreadable(error.to_string()))
}

/// The terms of a body and its items with their bytes, which are slices of it.
pub fn decode(body: &Bytes) -> Result<Body, Unreadable> {
    read(body, decode_item)
}

/// As [`decode`], of a body whose items are known: they were encoded to it.
pub(crate) fn decode_known(body: &Bytes, items: Vec<Item>) -> Result<Body, Unreadable> {
    let mut items = items.into_iter();
    read(body, |bytes| {
        let item = items.next().ok_or_else(Unreadable::cut_off)?;
        debug_assert_eq!(decode_item(bytes).as_ref(), Ok(&item), "an item comes back as it was encoded");
        Ok(item)
    })
}

fn read(
    body: &Bytes,
    mut item_of: impl FnMut(&[u8]) -> Result<Item, Unreadable>,
) -> Result<Body, Unreadable> {
    let (terms, mut rest) =
        postcard::take_from_bytes::<Terms>(body).map_err(|error| Unreadable(error.to_string()))?;
    let mut items = Vec::new();
    while let Some((length, tail)) = rest.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        let (item, tail) = tail.split_at_checked(length).ok_or_else(Unreadable::cut_off)?;
        items.push((item_of(item)?, body.slice_ref(item)));
        rest = tail;
    }
    if rest.is_empty() { Ok((terms, items)) } else { Err(Unreadable("bytes are left over".to_owned())) }
}
