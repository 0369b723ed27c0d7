//! Records of the group's topic. Frozen in stored data: new kinds at the end, new versions beside the old.

use bytes::Bytes;
use coalition_journal::entry::{NewerFormat, Seq, ShardId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Formats, MemberId, Roles};

const MAGIC: &[u8] = b"CPG";
const VERSION: u8 = 1;

/// A record of the group's topic.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Entry {
    /// A member lives.
    Alive(Alive),
    /// A member is going.
    Leaving(Leaving),
    /// Who runs what from now on, if it takes effect.
    Assigned(Assigned),
}

/// A member lives.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Alive {
    /// Who.
    pub member: MemberId,
    /// Drawn when the process started.
    pub incarnation: Uuid,
    /// Counted from 1 in each incarnation.
    pub beat: u64,
    /// Where it listens for other processes.
    pub endpoint: String,
    /// What it does.
    pub roles: Roles,
    /// What it speaks.
    pub formats: Formats,
    /// The shards that it owns or follows, and how far each is.
    pub warm: Vec<Warm>,
    /// Shards that it can't run: a person has to act.
    pub unable: Vec<ShardId>,
}

/// How far a member is with a shard.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Warm {
    /// Which shard.
    pub shard: ShardId,
    /// Everything up to here is folded.
    pub seq: Seq,
}

/// A member is going: what it runs is to be given to others.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Leaving {
    /// Who.
    pub member: MemberId,
    /// Which life of it: the next one is another.
    pub incarnation: Uuid,
}

/// Takes effect iff its epoch is the next one; else it is void for every reader.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Assigned {
    /// One more than that of the assignment which it replaces.
    pub epoch: u64,
    /// Who wrote it.
    pub by: MemberId,
    /// Of each shard.
    pub shards: Vec<Place>,
    /// Who has each slot of intake.
    pub intake: Vec<Option<MemberId>>,
}

/// Who has a shard.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Place {
    /// Who decides.
    pub owner: Option<MemberId>,
    /// Who keeps a warm store beside it.
    pub followers: Vec<MemberId>,
}

impl Entry {
    /// Its bytes.
    pub fn encode(&self) -> Bytes {
        let mut bytes = Vec::with_capacity(256);
        bytes.extend_from_slice(MAGIC);
        bytes.push(VERSION);
        postcard::to_extend(self, bytes).expect("an entry has nothing that postcard can't write").into()
    }

    /// The entry that `raw` is the bytes of; `None` for bytes that are none: they are void for every reader.
    ///
    /// # Errors
    /// A newer format: whether it takes effect can't be known, and the reader has to stop.
    pub fn decode(raw: &[u8]) -> Result<Option<Self>, NewerFormat> {
        match raw.strip_prefix(MAGIC).and_then(<[u8]>::split_first) {
            Some((&version, _)) if version > VERSION => Err(NewerFormat(version)),
            Some((_, body)) => Ok(postcard::from_bytes(body).ok()),
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(n: u128) -> MemberId {
        MemberId(Uuid::from_u128(n))
    }

    /// Written once and kept: what these bytes mean is frozen.
    fn samples() -> [(&'static str, Entry); 3] {
        [
            (
                include_str!("../../testdata/group-alive-1.hex"),
                Entry::Alive(Alive {
                    member: member(1),
                    incarnation: Uuid::from_u128(2),
                    beat: 300,
                    endpoint: "ledger-0:7420".to_owned(),
                    roles: Roles { intake: false, ledger: true, gateway: false },
                    formats: Formats { lowest: 1, highest: 300 },
                    warm: vec![Warm { shard: ShardId(3), seq: Seq(70_000) }],
                    unable: vec![ShardId(300)],
                }),
            ),
            (
                include_str!("../../testdata/group-leaving-1.hex"),
                Entry::Leaving(Leaving { member: member(1), incarnation: Uuid::from_u128(2) }),
            ),
            (
                include_str!("../../testdata/group-assigned-1.hex"),
                Entry::Assigned(Assigned {
                    epoch: 300,
                    by: member(1),
                    shards: vec![
                        Place { owner: Some(member(1)), followers: vec![member(3)] },
                        Place::default(),
                    ],
                    intake: vec![Some(member(3)), None],
                }),
            ),
        ]
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn unhex(text: &str) -> Vec<u8> {
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
    fn what_is_no_entry_is_void_and_what_is_newer_stops_the_reader() {
        for (text, _) in samples() {
            let raw = unhex(text);
            for end in 0..raw.len() {
                assert_eq!(Entry::decode(&raw[..end]), Ok(None), "{end} bytes of {text}");
            }
            let mut newer = raw.clone();
            newer[3] = 2;
            assert_eq!(Entry::decode(&newer), Err(NewerFormat(2)));
            let mut unknown = raw;
            unknown[4] = 100;
            assert_eq!(Entry::decode(&unknown), Ok(None));
        }
    }
}
