//! Who runs what, as others see it.

use std::collections::BTreeMap;
use std::fmt;

use coalition_journal::entry::ShardId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A process of the network. It keeps its id over restarts, and with it its shards.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MemberId(pub Uuid);

impl fmt::Display for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a process does in the network. Frozen in stored data.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Roles {
    /// Brings partners' events into the inbox.
    pub intake: bool,
    /// Runs shards.
    pub ledger: bool,
    /// Answers members, partners and operators.
    pub gateway: bool,
}

impl Roles {
    /// Everything.
    pub const ALL: Self = Self { intake: true, ledger: true, gateway: true };
}

/// The versions of the protocol between processes that one of them speaks. Frozen in stored data.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Formats {
    /// The oldest.
    pub lowest: u16,
    /// The newest.
    pub highest: u16,
}

/// What others know of a member.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MemberInfo {
    /// Where it listens for other processes, as `HOST:PORT`; empty if it doesn't.
    pub endpoint: String,
    /// What it does.
    pub roles: Roles,
    /// What it speaks.
    pub formats: Formats,
}

/// Who runs a shard.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Holder {
    /// Which member.
    pub member: MemberId,
    /// Where it listens for other processes, as `HOST:PORT`; empty if it doesn't.
    pub endpoint: String,
    /// What it speaks.
    pub formats: Formats,
}

/// Who runs what, as far as the group's topic was read.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Directory {
    /// The number of the assignment; 0 before the first.
    pub epoch: u64,
    /// Of each shard; `None` while nobody has it, or nothing was heard of who has.
    pub shards: Vec<Option<Holder>>,
    /// Who follows each shard with a warm store.
    pub followers: Vec<Vec<MemberId>>,
    /// Of each slot of intake, of which there are as many as shards.
    pub intake: Vec<Option<MemberId>>,
    /// Those that live.
    pub members: BTreeMap<MemberId, MemberInfo>,
    /// Set once the topic goes on in a format of a later release, of this version, which this one can't read: what stands here
    /// is as it was before that, nobody tells this process more, and it has to do with nothing.
    pub outdated: Option<u8>,
}

/// What a process is to a shard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Duty {
    /// It decides.
    Own,
    /// It keeps a warm store.
    Follow,
    /// It has nothing of it.
    Nothing,
}

impl Directory {
    /// Of a network of one process.
    pub(crate) fn alone(me: MemberId, shards: u32) -> Self {
        let (endpoint, formats) = (String::new(), Formats::default());
        let info = MemberInfo { endpoint: endpoint.clone(), roles: Roles::ALL, formats };
        let count = shards as usize;
        Self {
            epoch: 1,
            shards: vec![Some(Holder { member: me, endpoint, formats }); count],
            followers: vec![Vec::new(); count],
            intake: vec![Some(me); count],
            members: BTreeMap::from([(me, info)]),
            outdated: None,
        }
    }

    /// Of a network of which nothing was read yet.
    pub(crate) fn empty(shards: u32) -> Self {
        let count = shards as usize;
        Self {
            shards: vec![None; count],
            followers: vec![Vec::new(); count],
            intake: vec![None; count],
            ..Self::default()
        }
    }

    /// What `member` is to `shard`.
    #[must_use]
    pub fn duty(&self, member: MemberId, shard: ShardId) -> Duty {
        let of = shard.0 as usize;
        let owns = self.shards.get(of).and_then(Option::as_ref).is_some_and(|holder| holder.member == member);
        let follows = self.followers.get(of).is_some_and(|followers| followers.contains(&member));
        match (owns, follows) {
            (true, _) => Duty::Own,
            (false, true) => Duty::Follow,
            (false, false) => Duty::Nothing,
        }
    }
}
