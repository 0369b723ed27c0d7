//! The thread that keeps a process in its group: it reads the topic, says that the process lives, writes assignments when
//! they are due, and has it confirmed that a shard is still its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use coalition_journal::entry::{NewerFormat, ShardId};
use coalition_journal::log::{self, Log, Offset, Partition, Record};
use uuid::Uuid;

use super::membership::{MemberSettings, Shared, Standing};
use super::retry::{PAUSE, chain};
use super::wake::Wake;
use crate::group::records::{Alive, Entry, Leaving, Warm};
use crate::group::{Directory, Group, MemberId, OUTDATED, Read, Rules};

/// How often it looks whether something is due, at least.
const TICK: Duration = Duration::from_millis(50);
/// So many times more often it speaks while somebody may have died.
const HURRY: u32 = 5;
/// Bytes read at once.
const READ_BYTES: usize = 1024 * 1024;

/// What the thread is asked.
pub(super) enum Ask {
    /// The topic may have grown.
    Wake(Wake),
    /// Call this once it is confirmed that a shard is this process's.
    Confirm(ShardId, Box<dyn FnOnce() + Send>),
    /// Leave, and say when others have been given what this process has.
    Leave(Sender<()>),
    /// End.
    Stop,
}

/// Who waits for a confirmation.
struct Waits {
    shard: ShardId,
    /// A word from this one on was appended after it was asked for.
    beat: u64,
    confirmed: Box<dyn FnOnce() + Send>,
}

/// See the module.
pub(super) struct Seat {
    log: Arc<dyn Log>,
    topic: Partition,
    rules: Rules,
    member: Option<MemberSettings>,
    shared: Arc<Shared>,
    incarnation: Uuid,
    group: Option<Group>,
    /// The topic was read up to the end that it had at the start.
    caught_up: bool,
    target: Offset,
    beat: u64,
    beaten: Option<Instant>,
    /// The first word that was not read back yet, and when it was said.
    unheard: Option<(u64, Instant)>,
    /// A word is on its way to the log.
    beating: Arc<AtomicBool>,
    /// What waits to be written, since when, and when it was.
    due: Option<(u64, Instant)>,
    written: Option<(u64, Instant)>,
    waits: Vec<Waits>,
    leaving: Vec<Sender<()>>,
    left: bool,
    /// A word of its own was read, whether it counted or not: what others say under its id from there on, they say beside it.
    /// What was said before may be its own last life, by a clock that was ahead.
    begun: bool,
    /// Somebody else has spoken under its id since.
    rival: bool,
    /// The topic is of a later release: it takes no part any more.
    out: bool,
    paused: Option<Instant>,
    /// When a word was said that was read since the last turn.
    heard: Option<Instant>,
}

impl Seat {
    pub(super) fn new(
        log: Arc<dyn Log>,
        topic: Partition,
        rules: Rules,
        member: Option<MemberSettings>,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            log,
            topic,
            rules,
            member,
            shared,
            incarnation: Uuid::now_v7(),
            group: None,
            caught_up: false,
            target: Offset(0),
            beat: 0,
            beaten: None,
            unheard: None,
            beating: Arc::default(),
            due: None,
            written: None,
            waits: Vec::new(),
            leaving: Vec::new(),
            left: false,
            begun: false,
            rival: false,
            out: false,
            paused: None,
            heard: None,
        }
    }

    pub(super) fn run(mut self, asked: &Receiver<Ask>) {
        loop {
            self.turn();
            let first = match asked.recv_timeout(self.patience()) {
                Ok(ask) => Some(ask),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            for ask in first.into_iter().chain(asked.try_iter()) {
                match ask {
                    Ask::Wake(wake) => drop(wake),
                    Ask::Confirm(shard, confirmed) => {
                        self.waits.push(Waits { shard, beat: self.beat.saturating_add(1), confirmed });
                        self.beaten = None;
                    }
                    Ask::Leave(relieved) if self.out || self.member.is_none() => {
                        relieved.send(()).unwrap_or_default()
                    }
                    Ask::Leave(relieved) => {
                        self.leaving.push(relieved);
                        self.beaten = None;
                    }
                    Ask::Stop => return,
                }
            }
        }
    }

    fn turn(&mut self) {
        if self.out || self.paused.is_some_and(|until| Instant::now() < until) {
            return;
        }
        self.paused = None;
        match self.read() {
            Ok(()) => {}
            // It was away for so long that others have trimmed what it had not read; or the topic was made anew.
            Err(log::Error::Trimmed { .. } | log::Error::Lost { .. }) => self.begin_again(),
            Err(error) => {
                tracing::warn!(error = chain(&error), "the group's topic can't be read; it is tried again");
                self.paused = Some(Instant::now() + PAUSE);
                return;
            }
        }
        if self.caught_up && !self.out {
            self.publish();
            // Not before the shards were told of all that stood before the word: it may say that they are others' by now.
            if let Some(when) = self.heard.take() {
                self.shared.was_heard(when);
            }
            self.write();
            self.speak();
        }
    }

    fn begin_again(&mut self) {
        self.caught_up = false;
        self.target = Offset(0);
    }

    /// Reads all there is.
    fn read(&mut self) -> Result<(), log::Error> {
        if self.group.is_none() || !self.caught_up && self.target == Offset(0) {
            let (start, end) = self.log.bounds(&self.topic)?;
            self.target = end;
            self.group = Some(match self.group.take() {
                Some(group) => group.begun_again(start),
                None => Group::new(self.rules, start),
            });
        }
        let Some(mut group) = self.group.take() else { return Ok(()) };
        let read = loop {
            match self.log.read(&self.topic, group.next(), READ_BYTES) {
                Ok(records) if records.is_empty() => break Ok(()),
                Ok(records) => {
                    for stored in &records {
                        match group.read(stored) {
                            Ok(read) => self.hear(&group, read),
                            Err(newer) => {
                                self.fall_behind(&group, newer);
                                break;
                            }
                        }
                    }
                }
                Err(error) => break Err(error),
            }
            if self.out {
                break Ok(());
            }
        };
        self.caught_up |= read.is_ok() && group.next() >= self.target;
        self.group = Some(group);
        read
    }

    /// Others have gone on in a format that this release can't read: it lets go of all that it has, as it can't know any more
    /// who has it, and says so.
    fn fall_behind(&mut self, group: &Group, newer: NewerFormat) {
        tracing::error!(
            code = OUTDATED,
            error = chain(&newer),
            "the group's topic is of a later release: this process takes no part any more; start that release in its place"
        );
        self.out = true;
        let mut directory = Directory { outdated: Some(newer.0), ..group.directory() };
        directory.intake.fill(None);
        self.look_on(directory);
    }

    /// Nothing is this process's from now on.
    fn look_on(&mut self, directory: Directory) {
        self.shared.publish(directory, None);
        self.member = None;
        self.waits.clear();
        for relieved in self.leaving.drain(..) {
            // Who doesn't wait any more is gone.
            relieved.send(()).unwrap_or_default();
        }
    }

    /// What follows from a record, at the very place where it stands.
    fn hear(&mut self, group: &Group, read: Read) {
        let me = self.me();
        match read {
            Read::Alive { member, incarnation, beat }
                if Some(member) == me && incarnation == self.incarnation =>
            {
                self.begun = true;
                if let Some((_, when)) = self.unheard.take_if(|(said, _)| *said <= beat) {
                    self.heard = Some(when);
                }
                let owned = |shard: ShardId| {
                    group.shards().get(shard.0 as usize).is_some_and(|place| place.owner == me)
                };
                for waits in self.waits.extract_if(.., |waits| waits.beat <= beat && owned(waits.shard)) {
                    (waits.confirmed)();
                }
            }
            Read::Outlived { member, incarnation } if Some(member) == me => {
                self.begun |= incarnation == self.incarnation;
            }
            Read::Alive { member, .. } if Some(member) == me => self.rival |= self.begun,
            Read::InEffect { by } if Some(by) == me => {
                if let Err(error) = self.log.trim(&self.topic, group.assigned_at()) {
                    tracing::warn!(error = chain(&error), "the group's topic can't be trimmed");
                }
            }
            // In an earlier life it may have left, too.
            Read::Left { member, incarnation } if Some(member) == me && incarnation == self.incarnation => {
                self.left = true;
            }
            Read::Alive { .. }
            | Read::Outlived { .. }
            | Read::InEffect { .. }
            | Read::Left { .. }
            | Read::Void => {}
        }
    }

    fn me(&self) -> Option<MemberId> {
        self.member.as_ref().map(|member| member.id)
    }

    /// Shows who runs what, if there is news.
    fn publish(&mut self) {
        let (Some(group), me) = (&self.group, self.me()) else { return };
        if let Some(me) = me
            && self.rival
            && group.was_replaced(me, self.incarnation)
        {
            tracing::error!(member = %me, "another process lives under this one's id: it looks on from now on; give each its own");
            self.look_on(group.directory());
            return;
        }
        let directory = group.directory();
        if directory != *self.shared.directory() {
            self.shared.publish(directory, me);
        }
        let lost =
            |waits: &Waits| group.shards().get(waits.shard.0 as usize).is_none_or(|place| place.owner != me);
        self.waits.retain(|waits| !lost(waits));
        if me.is_some_and(|me| self.left && group.is_relieved(me)) {
            for relieved in self.leaving.drain(..) {
                // Who doesn't wait any more is gone.
                relieved.send(()).unwrap_or_default();
            }
        }
    }

    /// Writes the next assignment if one is due. Usually the first of those that live does; the others give it time.
    fn write(&mut self) {
        let (Some(group), Some(member)) = (&self.group, &self.member) else { return };
        let Some(next) = group.proposal(member.id) else {
            self.due = None;
            return;
        };
        let epoch = next.epoch;
        let known = self.due.filter(|(known, _)| *known == epoch);
        let (_, since) = *self.due.insert(known.unwrap_or_else(|| (epoch, Instant::now())));
        let turn = u32::try_from(group.rank(member.id)).unwrap_or(u32::MAX).min(8);
        let under_way = self.written.is_some_and(|(known, when)| {
            known == epoch && when.elapsed() < member.heartbeat.saturating_mul(4)
        });
        if since.elapsed() >= member.heartbeat.saturating_mul(turn) / 2 && !under_way {
            self.written = Some((epoch, Instant::now()));
            self.append(&Entry::Assigned(next), || {});
        }
    }

    /// How often it speaks at the moment.
    fn every(&self, member: &MemberSettings) -> Duration {
        let hurry = self.group.as_ref().is_some_and(Group::has_suspects);
        if hurry { member.heartbeat / HURRY } else { member.heartbeat }
    }

    /// Until when it may wait for news.
    fn patience(&self) -> Duration {
        let speaks = self.caught_up && !self.out && !self.left && self.paused.is_none();
        let free = speaks && !self.beating.load(Ordering::Acquire);
        let word = self.member.as_ref().zip(self.beaten).filter(|_| free);
        let word = word.map(|(member, last)| self.every(member).saturating_sub(last.elapsed()));
        word.unwrap_or(TICK).clamp(Duration::from_millis(1), TICK)
    }

    /// Says that it lives, when it is time for it; or that it goes.
    fn speak(&mut self) {
        let (Some(group), Some(member)) = (&self.group, &self.member) else { return };
        let due = self.beaten.is_none_or(|last| last.elapsed() >= self.every(member));
        let asked = self.waits.iter().any(|waits| waits.beat > self.beat);
        if self.left || !due || self.beating.load(Ordering::Acquire) && !asked {
            return;
        }
        self.beaten = Some(Instant::now());
        if !self.leaving.is_empty() {
            let leaving = Leaving { member: member.id, incarnation: self.incarnation };
            self.append(&Entry::Leaving(leaving), || {});
            return;
        }
        self.beat = self.beat.saturating_add(1);
        self.unheard.get_or_insert((self.beat, Instant::now()));
        let (mut warm, mut unable) = (Vec::new(), Vec::new());
        for (shard, standing) in self.shared.standing() {
            match standing {
                Standing::At(seq) => warm.push(Warm { shard, seq }),
                Standing::Unable => unable.push(shard),
                Standing::Failing(seq) => {
                    if group.has_heir(member.id, shard) {
                        tracing::warn!(%shard, "this process can't get into office; the shard is left to a follower");
                        unable.push(shard);
                    }
                    // By which others see who is near.
                    warm.extend(seq.map(|seq| Warm { shard, seq }));
                }
            }
        }
        let alive = Alive {
            member: member.id,
            incarnation: self.incarnation,
            beat: self.beat,
            endpoint: member.endpoint.clone(),
            roles: member.roles,
            formats: member.formats,
            warm,
            unable,
        };
        self.beating.store(true, Ordering::Release);
        let beating = Arc::clone(&self.beating);
        self.append(&Entry::Alive(alive), move || beating.store(false, Ordering::Release));
    }

    /// What doesn't arrive is said again with the next beat.
    fn append(&self, entry: &Entry, answered: impl FnOnce() + Send + 'static) {
        let done = Box::new(move |outcome: Result<_, log::AppendError>| {
            answered();
            if let Err(error) = outcome {
                tracing::debug!(%error, "a word to the group");
            }
        });
        self.log.append(&self.topic, vec![Record::of(entry.encode())], done);
    }
}
