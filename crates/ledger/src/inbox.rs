//! Records of the inbox: what a shard is asked to decide, placed there by intake and by other shards.

use bytes::Bytes;
use coalition_domain::{Command, PartnerEvent, RegistryEvent};
use coalition_journal::entry::ShardId;
use coalition_journal::log::Offset;
use serde::{Deserialize, Serialize};

const MAGIC: &[u8] = b"CPI";
const VERSION: u8 = 1;

/// A record of the inbox. Frozen in stored data: new kinds at the end.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[expect(clippy::large_enum_variant, reason = "nearly all of them are events")]
pub enum Request {
    /// A partner's event of one of the shard's accounts.
    Event(PartnerEvent, Source),
    /// A run of what another shard tells this one of the registry.
    Relayed(Run),
    /// A run of what another shard, or this one, asks of accounts here.
    Commands(CommandRun),
}

/// Where the partner's topic has an event, as the partner wrote it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Source {
    /// The topic's partition.
    pub partition: u32,
    /// The record.
    pub offset: Offset,
}

/// Commands of one shard to another, numbered densely from 1 for each pair of shards.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Run {
    /// Who sends.
    pub source: ShardId,
    /// The number of the first of them.
    pub first: u64,
    /// One after the other.
    pub commands: Vec<RelayCommand>,
}

/// What one shard tells another. It can't be refused.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum RelayCommand {
    /// The registry changed.
    Registry(RegistryEvent),
}

/// Commands of one shard to accounts of another, numbered densely from 1 for each pair of shards. A refusal uses its number up.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CommandRun {
    /// Who sends.
    pub source: ShardId,
    /// The number of the first of them.
    pub first: u64,
    /// One after the other.
    pub commands: Vec<Sent>,
}

/// A command to an account of another shard.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Sent {
    /// What is asked.
    pub command: Command,
    /// Of a partner's event: where it came from.
    pub source: Option<Source>,
}

/// Why a record of the inbox can't be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unreadable {
    /// Written by a later release: the shard waits for one that can read it.
    #[error("an inbox record is of format {0}, newer than this program, which reads up to {VERSION}")]
    NewerFormat(u8),
    /// Nothing that intake or a relay wrote. It is passed over.
    #[error("an inbox record is no request")]
    NoRequest,
}

impl Request {
    /// Its bytes.
    pub fn encode(&self) -> Bytes {
        let mut bytes = Vec::with_capacity(256);
        bytes.extend_from_slice(MAGIC);
        bytes.push(VERSION);
        postcard::to_extend(self, bytes).expect("a request has nothing that postcard can't write").into()
    }

    /// The request that `raw` is the bytes of.
    pub fn decode(raw: &[u8]) -> Result<Self, Unreadable> {
        match raw.strip_prefix(MAGIC).and_then(<[u8]>::split_first) {
            Some((&version, _)) if version > VERSION => Err(Unreadable::NewerFormat(version)),
            Some((_, body)) => postcard::from_bytes(body).map_err(|_| Unreadable::NoRequest),
            None => Err(Unreadable::NoRequest),
        }
    }
}
