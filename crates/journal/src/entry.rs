//! The records of a journal, and their bytes.
//!
//! A record is `CPJ`, a byte with the format's version, the postcard of its head and, for a batch, the body up to its
//! end. All of it is frozen: what a record means can't change, or two readers would disagree about what took effect. A
//! further kind of record, or a further field, is a new version, and a reader that meets a version it doesn't know
//! stops ([`NewerFormat`]) instead of passing over what others take for in effect.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::log::Offset;

const MAGIC: &[u8] = b"CPJ";
const VERSION: u8 = 1;
/// Room for any head: a Rebase's, the longest, takes up to 77 bytes.
const HEAD_BYTES_MAX: usize = 128;

macro_rules! newtypes {
    ($($(#[$doc:meta])* $name:ident($inner:ty), $shown:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, $shown, self.0)
            }
        }
    )*};
}

newtypes! {
    /// The number of a term; the first is 1, and 0 stands for "none yet".
    Term(u64), "term {}";
    /// Who runs a term, or would: drawn afresh for each attempt to start one.
    OwnerId(Uuid), "{}";
    /// A record's number among those in effect; the Genesis is 1, and 0 stands for "nothing yet".
    Seq(u64), "{}";
    /// A partition of inbox and journal, counted from 0.
    ShardId(u32), "{}";
    /// How many shards a network has, for its life.
    ShardCount(u32), "{}";
    /// A coalition network.
    NetworkId(Uuid), "{}";
    /// A topic as it was created: created again under the same name it has another id.
    TopicId(Uuid), "{}";
}

impl Term {
    /// The term after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl Seq {
    /// The number after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// A SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// The running hash after `record`: SHA-256 over this hash and the record's bytes.
    #[must_use]
    pub fn then(self, record: &[u8]) -> Self {
        Self(Sha256::new().chain_update(self.0).chain_update(record).finalize().into())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The topics that a shard lives in: one that was deleted and created again isn't read as the old one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Topics {
    /// The journal's.
    pub journal: TopicId,
    /// The inbox's.
    pub inbox: TopicId,
}

/// The first record in effect: what this journal is of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Genesis {
    /// Whose network.
    pub network: NetworkId,
    /// Which shard of it.
    pub shard: ShardId,
    /// How many there are.
    pub shard_count: ShardCount,
    /// Where it began; a [`Rebase`] may have moved it since.
    pub topics: Topics,
}

impl fmt::Display for Genesis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { network, shard, shard_count, topics } = self;
        let Topics { journal, inbox } = topics;
        write!(f, "shard {shard} of {shard_count} in network {network}, journal {journal}, inbox {inbox}")
    }
}

/// Starts a term. Carries neither seq nor hash, so that a busy journal can't keep it out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct TermStarted {
    /// One more than the term that it ends.
    pub term: Term,
    /// Who runs it.
    pub owner: OwnerId,
}

/// What a batch continues.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct BatchHeader {
    /// The term that it was decided in.
    pub term: Term,
    /// Who decided it.
    pub owner: OwnerId,
    /// Its number, if it takes effect.
    pub seq: Seq,
    /// The running hash over everything that was in effect when it was decided.
    pub prev_hash: Hash,
}

impl BatchHeader {
    /// The record's bytes before its body. The body may be written behind them without a copy of its own.
    #[must_use]
    pub fn prefix(&self) -> Vec<u8> {
        Head::Batch(*self).encode()
    }
}

/// A group commit: decisions, opaque here.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Batch {
    /// What it continues.
    pub header: BatchHeader,
    /// The ledger's own encoding.
    pub body: Bytes,
}

/// Moves a shard to other topics. Written by an operator's tool behind a copy of the journal; ends the term.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Rebase {
    /// The running hash over what was copied: a second copy of this record, or one behind another journal, is void.
    pub prev_hash: Hash,
    /// The topics from here on.
    pub topics: Topics,
    /// The next offset to read of the new inbox.
    pub inbox_position: Offset,
}

/// A record of the journal.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Entry {
    /// See [`Genesis`].
    Genesis(Genesis),
    /// See [`TermStarted`].
    TermStarted(TermStarted),
    /// See [`Batch`].
    Batch(Batch),
    /// See [`Rebase`].
    Rebase(Rebase),
}

/// A record in a format that came after this program: what it says, and whether it takes effect, can't be known.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the record is of format {0}, newer than this program, which reads up to {VERSION}")]
pub struct NewerFormat(pub u8);

/// What is encoded of an entry, a batch's body apart. Its order is frozen.
#[derive(Serialize, Deserialize)]
enum Head {
    Genesis(Genesis),
    TermStarted(TermStarted),
    Batch(BatchHeader),
    Rebase(Rebase),
}

impl Head {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(MAGIC.len() + 1 + HEAD_BYTES_MAX);
        bytes.extend_from_slice(MAGIC);
        bytes.push(VERSION);
        postcard::to_extend(self, bytes).expect("a head has nothing that postcard can't write")
    }
}

impl Entry {
    /// Its bytes. A batch's body is copied once; [`BatchHeader::prefix`] spares that copy.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let (head, body): (_, &[u8]) = match self {
            Self::Genesis(genesis) => (Head::Genesis(*genesis), &[]),
            Self::TermStarted(started) => (Head::TermStarted(*started), &[]),
            Self::Batch(batch) => (Head::Batch(batch.header), &batch.body),
            Self::Rebase(rebase) => (Head::Rebase(*rebase), &[]),
        };
        let mut bytes = head.encode();
        bytes.extend_from_slice(body);
        bytes.into()
    }

    /// The entry that `raw` is the bytes of, a batch's body being a slice of them. `None` for bytes that are no entry:
    /// they are void for every reader.
    ///
    /// # Errors
    /// A newer format: the reader has to stop.
    pub fn decode(raw: &Bytes) -> Result<Option<Self>, NewerFormat> {
        let Some((&version, tail)) = raw.strip_prefix(MAGIC).and_then(<[u8]>::split_first) else {
            return Ok(None);
        };
        if version > VERSION {
            return Err(NewerFormat(version));
        }
        let Ok((head, body)) = postcard::take_from_bytes::<Head>(tail) else {
            return Ok(None);
        };
        // There is one way to write a head: else readers would have to be lenient all in the same way.
        if head.encode() != raw[..raw.len() - body.len()] {
            return Ok(None);
        }
        Ok(match head {
            Head::Batch(header) => Some(Self::Batch(Batch { header, body: raw.slice_ref(body) })),
            Head::Genesis(genesis) if body.is_empty() => Some(Self::Genesis(genesis)),
            Head::TermStarted(started) if body.is_empty() => Some(Self::TermStarted(started)),
            Head::Rebase(rebase) if body.is_empty() => Some(Self::Rebase(rebase)),
            Head::Genesis(_) | Head::TermStarted(_) | Head::Rebase(_) => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uuid(n: u128) -> Uuid {
        Uuid::from_u128(n)
    }

    fn topics(n: u128) -> Topics {
        Topics { journal: TopicId(uuid(n)), inbox: TopicId(uuid(n + 1)) }
    }

    fn header() -> BatchHeader {
        BatchHeader { term: Term(300), owner: OwnerId(uuid(7)), seq: Seq(70_000), prev_hash: Hash([9; 32]) }
    }

    /// Written once and kept: what these bytes mean is frozen.
    fn samples() -> [(&'static str, Entry); 4] {
        [
            (
                include_str!("../testdata/genesis-1.hex"),
                Entry::Genesis(Genesis {
                    network: NetworkId(uuid(1)),
                    shard: ShardId(3),
                    shard_count: ShardCount(400),
                    topics: topics(2),
                }),
            ),
            (
                include_str!("../testdata/term-started-1.hex"),
                Entry::TermStarted(TermStarted { term: Term(300), owner: OwnerId(uuid(7)) }),
            ),
            (
                include_str!("../testdata/batch-1.hex"),
                Entry::Batch(Batch { header: header(), body: Bytes::from_static(b"decisions") }),
            ),
            (
                include_str!("../testdata/rebase-1.hex"),
                Entry::Rebase(Rebase {
                    prev_hash: Hash([9; 32]),
                    topics: topics(4),
                    inbox_position: Offset(65_536),
                }),
            ),
        ]
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn unhex(text: &str) -> Bytes {
        let digits: Vec<u8> =
            text.chars().filter_map(|c| c.to_digit(16)).map(|digit| u8::try_from(digit).unwrap()).collect();
        digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
    }

    #[test]
    fn stored_samples_are_read_for_ever() {
        for (text, entry) in samples() {
            assert_eq!(hex(&entry.encode()), text.split_whitespace().collect::<String>());
            assert_eq!(Entry::decode(&unhex(text)), Ok(Some(entry)));
        }
    }

    #[test]
    fn a_body_is_a_slice_of_its_record() {
        let mut raw = header().prefix();
        raw.extend_from_slice(b"decisions");
        let raw = Bytes::from(raw);
        let Ok(Some(Entry::Batch(batch))) = Entry::decode(&raw) else { panic!("a batch") };
        assert_eq!(batch.header, header());
        assert_eq!(batch.body, "decisions");
        assert_eq!(batch.body.as_ptr(), raw[raw.len() - 9..].as_ptr());
        assert_eq!(Entry::Batch(batch).encode(), raw);
    }

    #[test]
    fn what_is_no_entry_is_void_and_what_is_newer_stops_the_reader() {
        for (text, entry) in samples() {
            let raw = unhex(text);
            let is_batch = matches!(entry, Entry::Batch(_));
            for end in 0..raw.len() {
                let cut = Entry::decode(&raw.slice(..end));
                assert!(
                    cut == Ok(None) || is_batch && end >= header().prefix().len(),
                    "{end} bytes of {text}"
                );
            }
            let with = |at: usize, byte: u8| {
                let mut changed = raw.to_vec();
                changed[at] = byte;
                Entry::decode(&changed.into())
            };
            assert_eq!(with(0, b'X'), Ok(None));
            assert_eq!(with(3, 0), Ok(None));
            assert_eq!(with(3, 2), Err(NewerFormat(2)));
            assert_eq!(with(4, 4), Ok(None));
            let longer: Bytes = [&raw[..], b"!"].concat().into();
            assert_eq!(Entry::decode(&longer).unwrap().is_some(), is_batch);
        }
        assert_eq!(Entry::decode(&Bytes::new()), Ok(None));
    }

    #[test]
    fn a_number_written_longer_than_needed_is_no_entry() {
        let started = TermStarted { term: Term(5), owner: OwnerId(uuid(7)) };
        let raw = Entry::TermStarted(started).encode();
        let longer: Bytes = [&raw[..5], &[0x85, 0x00], &raw[6..]].concat().into();
        assert_eq!(postcard::from_bytes::<TermStarted>(&longer[5..]), Ok(started));
        assert_eq!(Entry::decode(&longer), Ok(None));
    }

    #[test]
    fn the_running_hash_is_sha_256_over_the_last_one_and_the_record() {
        // printf '%064d' 0 | xxd -r -p | cat - <(printf abc) | sha256sum
        let expected = include_str!("../testdata/hash-of-zero-and-abc.hex").trim();
        assert_eq!(Hash::default().then(b"abc").to_string(), expected);
    }
}
