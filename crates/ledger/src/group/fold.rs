//! The group's topic folded: who lives by the log's time, and which assignment is in force.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use coalition_domain::Timestamp;
use coalition_journal::entry::{NewerFormat, Seq, ShardId};
use coalition_journal::log::{Offset, Stored};
use uuid::Uuid;

use super::plan;
use super::records::{Alive, Assigned, Entry, Leaving, Place};
use super::{Directory, Holder, MemberId, MemberInfo};

/// Records after an assignment, behind which it is written anew, so that the topic can be trimmed.
const RENEWED_AFTER: u64 = 10_000;

/// What all members of a group have to agree on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rules {
    /// How many shards there are.
    pub shards: u32,
    /// How often a member says that it lives.
    pub heartbeat: Duration,
    /// After how much of the log's time without a word it is taken for dead.
    pub session_timeout: Duration,
    /// Followers of each shard, as far as there are members.
    pub standby_replicas: u32,
}

/// What a member said last.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Word {
    pub(super) info: MemberInfo,
    pub(super) warm: BTreeMap<ShardId, Seq>,
    pub(super) unable: BTreeSet<ShardId>,
}

/// What is known of a member.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Known {
    /// When its last word was read, by the log's time; or when it was first named.
    seen: u64,
    incarnation: Option<Uuid>,
    beat: u64,
    left: bool,
    /// What it said last, maybe before the topic's present start.
    word: Option<Word>,
    /// It has said something since that start.
    heard: bool,
}

impl Known {
    /// Whether it lives at `time`.
    fn lives(&self, time: u64, rules: &Rules) -> bool {
        !self.left && time.saturating_sub(self.seen) <= millis(rules.session_timeout)
    }

    /// Whether a record of the life `incarnation` counts. Lives are ordered by when they began, by the member's own clock; that
    /// one may have gone back, so a life that is over gives way to any other.
    fn lives_as(&mut self, incarnation: Uuid, time: u64, rules: &Rules) -> bool {
        let other = self.incarnation != Some(incarnation);
        if other && self.incarnation > Some(incarnation) && self.lives(time, rules) {
            return false;
        }
        if other {
            (self.incarnation, self.beat, self.left) = (Some(incarnation), 0, false);
        }
        true
    }
}

/// What a record was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Read {
    /// A member's word that counts.
    Alive {
        /// Whose.
        member: MemberId,
        /// In which life.
        incarnation: Uuid,
        /// Which one.
        beat: u64,
    },
    /// A member's word that counts nothing, as a life under the same id that began later is not over yet.
    Outlived {
        /// Whose.
        member: MemberId,
        /// In which life.
        incarnation: Uuid,
    },
    /// A member has left.
    Left {
        /// Which.
        member: MemberId,
        /// In which life: it may be back in another one.
        incarnation: Uuid,
    },
    /// An assignment that takes effect.
    InEffect {
        /// Who wrote it.
        by: MemberId,
    },
    /// Nothing that counts.
    Void,
}

/// The group as its topic tells it. A pure fold: all who have read up to the same record agree on the assignment, wherever
/// they began; and on who lives, as far as they have read the last session time-out of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Group {
    rules: Rules,
    next: Offset,
    /// The log's time in milliseconds: the sum of the gaps between records, none longer than one and a half heartbeats, and
    /// none below zero. A log that stood still for a while lets nobody grow old.
    time: u64,
    /// When the last record was appended.
    last: Option<Timestamp>,
    /// The topic was trimmed: its first record is an assignment in effect.
    trimmed: bool,
    epoch: u64,
    shards: Vec<Place>,
    intake: Vec<Option<MemberId>>,
    assigned_at: Offset,
    /// Records since.
    since: u64,
    members: BTreeMap<MemberId, Known>,
}

impl Group {
    /// Of a topic that starts at `start`, before anything of it was read.
    #[must_use]
    pub fn new(rules: Rules, start: Offset) -> Self {
        let shards = rules.shards as usize;
        Self {
            rules,
            next: start,
            time: 0,
            last: None,
            trimmed: start > Offset(0),
            epoch: 0,
            shards: vec![Place::default(); shards],
            intake: vec![None; shards],
            assigned_at: start,
            since: 0,
            members: BTreeMap::new(),
        }
    }

    /// The same topic from where it starts now, as what came next was trimmed. Words that were heard are remembered, for where
    /// members listen; but nobody counts as living by them, as a farewell may have been among what was trimmed.
    #[must_use]
    pub fn begun_again(self, start: Offset) -> Self {
        let mut members = self.members;
        members.values_mut().for_each(|known| (known.seen, known.heard) = (0, false));
        Self { members, ..Self::new(self.rules, start) }
    }

    /// The offset of the next record to read.
    #[must_use]
    pub const fn next(&self) -> Offset {
        self.next
    }

    /// The number of the assignment in force; 0 before the first.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Where the assignment in force lies. Nothing before it is needed by anybody.
    #[must_use]
    pub const fn assigned_at(&self) -> Offset {
        self.assigned_at
    }

    /// Who has each shard by the assignment in force.
    #[must_use]
    pub fn shards(&self) -> &[Place] {
        &self.shards
    }

    /// Who has each slot of intake.
    #[must_use]
    pub fn intake(&self) -> &[Option<MemberId>] {
        &self.intake
    }

    /// Takes the next record in.
    ///
    /// # Errors
    /// It is of a later release, and nobody here can say who runs what from there on.
    pub fn read(&mut self, stored: &Stored) -> Result<Read, NewerFormat> {
        let entry = Entry::decode(&stored.record.value)?;
        self.next = stored.offset.plus(1);
        self.since = self.since.saturating_add(1);
        self.pass(stored.append_time);
        Ok(match entry {
            Some(Entry::Alive(alive)) => self.alive_said(alive),
            Some(Entry::Leaving(leaving)) => self.leaving(leaving),
            Some(Entry::Assigned(assigned)) => self.assigned(assigned, stored.offset),
            None => Read::Void,
        })
    }

    fn pass(&mut self, append_time: Timestamp) {
        let gap = self.last.map_or(0, |last| append_time.since(last).as_millis());
        let most = millis(self.rules.heartbeat).saturating_mul(3) / 2;
        self.time = self.time.saturating_add(u64::try_from(gap).unwrap_or(0).min(most));
        // A leader whose clock is behind that of the one before it takes up where it is: waiting until it has caught up would
        // have nobody die until then.
        self.last = Some(append_time);
    }

    fn alive_said(&mut self, alive: Alive) -> Read {
        let Alive { member, incarnation, beat, endpoint, roles, formats, warm, unable } = alive;
        let known = self.members.entry(member).or_default();
        let counts = known.lives_as(incarnation, self.time, &self.rules);
        if !counts {
            return Read::Outlived { member, incarnation };
        }
        // A copy, or one that was late, says nothing new; who has left has no more to say in this life.
        if known.left || beat <= known.beat {
            return Read::Void;
        }
        (known.beat, known.seen, known.heard) = (beat, self.time, true);
        known.word = Some(Word {
            info: MemberInfo { endpoint, roles, formats },
            warm: warm.into_iter().map(|warm| (warm.shard, warm.seq)).collect(),
            unable: unable.into_iter().collect(),
        });
        Read::Alive { member, incarnation, beat }
    }

    fn leaving(&mut self, leaving: Leaving) -> Read {
        let known = self.members.entry(leaving.member).or_default();
        if !known.lives_as(leaving.incarnation, self.time, &self.rules) || known.left {
            return Read::Void;
        }
        known.left = true;
        Read::Left { member: leaving.member, incarnation: leaving.incarnation }
    }

    fn assigned(&mut self, assigned: Assigned, at: Offset) -> Read {
        let first = std::mem::take(&mut self.trimmed);
        let fits = |count: usize| u32::try_from(count) == Ok(self.rules.shards);
        let next = self.epoch.checked_add(1) == Some(assigned.epoch) || first;
        if !next || !fits(assigned.shards.len()) || !fits(assigned.intake.len()) {
            return Read::Void;
        }
        (self.epoch, self.shards, self.intake) = (assigned.epoch, assigned.shards, assigned.intake);
        (self.assigned_at, self.since) = (at, 0);
        let named: BTreeSet<_> = self.named().collect();
        for member in &named {
            // Nothing was read of it yet, as the topic begins here: it is given its time.
            self.members.entry(*member).or_insert_with(|| Known { seen: self.time, ..Known::default() });
        }
        let (time, rules) = (self.time, self.rules);
        self.members.retain(|member, known| named.contains(member) || known.lives(time, &rules));
        Read::InEffect { by: assigned.by }
    }

    /// The members that the assignment names.
    fn named(&self) -> impl Iterator<Item = MemberId> {
        let owners = self.shards.iter().flat_map(|place| place.owner.iter().chain(&place.followers));
        owners.chain(self.intake.iter().flatten()).copied()
    }

    /// Whether a member lives, by the log's time. One of which nothing was read is given its time.
    #[must_use]
    pub fn lives(&self, member: MemberId) -> bool {
        self.members.get(&member).is_some_and(|known| known.lives(self.time, &self.rules))
    }

    /// Whether a member lives another life than `incarnation`, that began later: two processes have one id.
    #[must_use]
    pub fn was_replaced(&self, member: MemberId, incarnation: Uuid) -> bool {
        let later = |known: &Known| known.incarnation > Some(incarnation);
        self.members.get(&member).is_some_and(|known| later(known) && known.lives(self.time, &self.rules))
    }

    /// Those that live and were heard, in the order of their ids.
    pub(super) fn living(&self) -> impl Iterator<Item = (MemberId, &Word)> {
        let heard = self.members.iter().filter(|(member, known)| known.heard && self.lives(**member));
        heard.filter_map(|(member, known)| Some((*member, known.word.as_ref()?)))
    }

    /// Whether a member that the assignment names has been silent for half of the time that it is given: the log's time passes
    /// with records only, so who waits for the end of it writes more often.
    #[must_use]
    pub fn has_suspects(&self) -> bool {
        let most = millis(self.rules.session_timeout) / 2;
        let silent = |known: &Known| !known.left && self.time.saturating_sub(known.seen) > most;
        self.named().any(|member| self.members.get(&member).is_some_and(silent))
    }

    /// Where `member` stands among those that live: 0 for the first, which writes what has to be written.
    #[must_use]
    pub fn rank(&self, member: MemberId) -> usize {
        self.living().take_while(|(other, _)| *other < member).count()
    }

    /// What `me` should write, if anything has to be changed and it may: who doesn't live, by the log, has no say, and neither
    /// has who has not heard all others yet.
    #[must_use]
    pub fn proposal(&self, me: MemberId) -> Option<Assigned> {
        let unheard = self
            .named()
            .any(|member| self.lives(member) && self.members.get(&member).is_some_and(|known| !known.heard));
        if unheard || self.trimmed || !self.living().any(|(member, _)| member == me) {
            return None;
        }
        let living: BTreeMap<_, _> = self.living().collect();
        let shards = plan::shards(&self.shards, &living, self.rules.standby_replicas as usize);
        let intake = plan::intake(&self.intake, &living);
        if shards == self.shards && intake == self.intake && self.since < RENEWED_AFTER {
            return None;
        }
        Some(Assigned { epoch: self.epoch.checked_add(1)?, by: me, shards, intake })
    }

    /// Whether `member` runs nothing that somebody else could run.
    #[must_use]
    pub fn is_relieved(&self, member: MemberId) -> bool {
        let others = |role: fn(&MemberInfo) -> bool| {
            self.living().any(|(other, word)| other != member && role(&word.info))
        };
        let owns = self.shards.iter().any(|place| place.owner == Some(member));
        let takes = self.intake.contains(&Some(member));
        !(owns && others(|info| info.roles.ledger) || takes && others(|info| info.roles.intake))
    }

    /// Whether somebody who lives follows a shard, and could take over from its owner `member` and be ready at once.
    #[must_use]
    pub fn has_heir(&self, member: MemberId, shard: ShardId) -> bool {
        plan::has_heir(&self.shards, (member, shard), &self.living().collect())
    }

    /// Who runs what, for others to see.
    #[must_use]
    pub fn directory(&self) -> Directory {
        let holder = |place: &Place| {
            let member = place.owner?;
            let info = &self.members.get(&member)?.word.as_ref()?.info;
            Some(Holder { member, endpoint: info.endpoint.clone(), formats: info.formats })
        };
        Directory {
            epoch: self.epoch,
            shards: self.shards.iter().map(holder).collect(),
            followers: self.shards.iter().map(|place| place.followers.clone()).collect(),
            intake: self.intake.clone(),
            members: self.living().map(|(member, word)| (member, word.info.clone())).collect(),
            outdated: None,
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
