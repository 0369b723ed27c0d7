//! The writer's rules: how an owner takes office, and when it has lost it.
//!
//! An [`Office`] is the state of one process towards one shard. It is told what happened and says what follows, and
//! its caller, who has the log, the clock and the group, does it. Every record that is read goes through
//! [`Chain::judge`] first and then through [`Office::read`], in office or not.
//!
//! Nothing that the log answers to an append settles anything: a batch is settled when it was read back in effect,
//! an office is taken when the own TermStarted was.

use bytes::Bytes;

use crate::chain::{Chain, Verdict, owner_of_head};
use crate::effect::{Attempt, Deposition, Effect};
use crate::entry::{BatchHeader, Entry, OwnerId, Term, TermStarted};
use crate::log::{AppendError, Offset};
use crate::plant::{Plant, Planted};

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum State {
    /// Others' to run.
    Unassigned,
    /// Going to read up to an end that the log was asked for.
    Reading,
    /// Waits for the assignment to be confirmed.
    Confirming,
    /// Appended a TermStarted and waits to read it.
    Campaigning { attempt: Attempt, term: Term, owner: OwnerId },
    /// Read its own TermStarted in effect, and no other since.
    InOffice { term: Term, owner: OwnerId, under_way: Option<UnderWay> },
}

/// A batch that was sent and not yet read back.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct UnderWay {
    attempt: Attempt,
    raw: Bytes,
}

/// See the module.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Office {
    state: State,
    /// The batch of the last term of one's own whose fate is not known. There is one at most: the next batch needs a
    /// TermStarted in effect, and that tells.
    doubtful: Option<UnderWay>,
    attempts: u64,
    tries: u32,
    seen: Deposition,
    confirmed: Deposition,
    planted: Planted,
}

impl Default for Office {
    fn default() -> Self {
        Self::new()
    }
}

impl Office {
    /// Of a process that has just started: assigned nothing.
    #[must_use]
    pub fn new() -> Self {
        Self {
            state: State::Unassigned,
            doubtful: None,
            attempts: 0,
            tries: 0,
            seen: Deposition::default(),
            confirmed: Deposition::default(),
            planted: Planted::default(),
        }
    }

    /// The same, with a rule taken out.
    #[cfg(any(test, feature = "plants"))]
    #[must_use]
    pub fn planted(self, plant: Plant) -> Self {
        Self { planted: Planted::one(plant), ..self }
    }

    /// The term that it runs and as whom, as far as it has read.
    #[must_use]
    pub const fn in_office(&self) -> Option<(Term, OwnerId)> {
        match self.state {
            State::InOffice { term, owner, .. } => Some((term, owner)),
            State::Unassigned | State::Reading | State::Confirming | State::Campaigning { .. } => None,
        }
    }

    /// The shard is this process's to run.
    pub fn assigned(&mut self) -> Vec<Effect> {
        match self.state {
            State::Unassigned => self.start_over(),
            State::Reading | State::Confirming | State::Campaigning { .. } | State::InOffice { .. } => vec![],
        }
    }

    /// It no longer is, or the process doesn't trust itself with it (its clock is off, its producer is broken).
    pub fn revoked(&mut self) -> Vec<Effect> {
        let effects = self.give_up(false);
        self.state = State::Unassigned;
        self.tries = 0;
        effects
    }

    /// The assignment was confirmed by a request sent after [`Effect::NeedConfirmation`] asked for it with `of`.
    pub fn confirmed(&mut self, of: Deposition) -> Vec<Effect> {
        self.confirmed = self.confirmed.max(of);
        if self.state != State::Confirming {
            vec![]
        } else if self.is_confirmed() || self.planted.has(Plant::OldConfirmationCounts) {
            self.confirmed = self.seen;
            self.start_over()
        } else {
            vec![Effect::NeedConfirmation(self.seen)]
        }
    }

    /// Everything was folded into `chain` up to an end asked for after [`Effect::NeedEnd`]. `fresh` is drawn for this
    /// call and never used again.
    pub fn caught_up(&mut self, chain: &Chain, fresh: OwnerId) -> Vec<Effect> {
        if self.state != State::Reading {
            return vec![];
        }
        if chain.genesis().is_none() {
            return vec![Effect::NeedGenesis];
        }
        if !self.is_confirmed() {
            return self.confirm();
        }
        let owner = match self.planted {
            planted if planted.has(Plant::OwnerReused) => OwnerId::default(),
            planted if planted.has(Plant::TermStartedContinuesChain) => owner_of_head(chain.head()),
            _ => fresh,
        };
        let attempt = self.next_attempt();
        let term = chain.term().next();
        self.state = State::Campaigning { attempt, term, owner };
        let entry = Entry::TermStarted(TermStarted { term, owner });
        let mut effects = vec![Effect::Append { attempt, entry }];
        if self.planted.has(Plant::EndIsProof) {
            effects.extend(self.doubtful.take().map(|batch| Effect::NotApplied(batch.attempt)));
        }
        effects
    }

    /// What the next batch has to continue, if one may be decided now: in office, and none under way.
    #[must_use]
    pub fn may_decide(&self, chain: &Chain) -> Option<BatchHeader> {
        let State::InOffice { term, owner, under_way: None } = self.state else { return None };
        assert!(
            (chain.term(), chain.owner()) == (term, Some(owner)) || self.planted.has(Plant::AckIsOffice),
            "in office of {term} by {owner}, while the chain says {chain:?}"
        );
        Some(BatchHeader { term, owner, seq: chain.seq().next(), prev_hash: chain.head() })
    }

    /// A batch with the bytes `raw`, with the header that [`Office::may_decide`] gave, goes to the log. Tell
    /// [`Office::appended`] the outcome and, when it wasn't read back for long, [`Office::timed_out`].
    pub fn sent(&mut self, raw: Bytes) -> Attempt {
        let attempt = self.next_attempt();
        let State::InOffice { under_way: under_way @ None, .. } = &mut self.state else {
            panic!("a batch is sent in office, one at a time; this is {self:?}");
        };
        *under_way = Some(UnderWay { attempt, raw });
        attempt
    }

    /// The log's answer to an append. Answers to what was given up are ignored, and an offset is no proof: the record
    /// is in the log, but only reading it tells whether it is in effect.
    pub fn appended(&mut self, attempt: Attempt, outcome: &Result<Offset, AppendError>) -> Vec<Effect> {
        match outcome {
            Ok(_) => self.acknowledged(attempt),
            Err(AppendError::NotAppended(_)) if self.is_under_way(attempt) => {
                self.take_under_way();
                vec![Effect::NotAppended(attempt)]
            }
            Err(AppendError::NotAppended(_) | AppendError::Doubt(_)) => self.timed_out(attempt),
        }
    }

    /// The record was not read back in due time, whatever the log answered. Doubt ends the term.
    pub fn timed_out(&mut self, attempt: Attempt) -> Vec<Effect> {
        match self.state {
            State::Campaigning { attempt: mine, .. } if mine == attempt => {
                if self.planted.has(Plant::LostTermWaits) {
                    return vec![];
                }
                self.tries = self.tries.saturating_add(1);
                self.start_over()
            }
            State::InOffice { .. } if self.is_under_way(attempt) => self.doubt(attempt),
            State::Unassigned
            | State::Reading
            | State::Confirming
            | State::Campaigning { .. }
            | State::InOffice { .. } => vec![],
        }
    }

    /// The next record was read: `raw` its bytes, `entry` what they were decoded to, `verdict` what [`Chain::judge`]
    /// said.
    pub fn read(&mut self, raw: &Bytes, entry: Option<&Entry>, verdict: Verdict) -> Vec<Effect> {
        match (entry, verdict) {
            (Some(Entry::TermStarted(started)), Verdict::InEffect(_)) => self.read_term(started),
            (Some(Entry::Batch(_)), Verdict::InEffect(_)) => self.read_batch(raw),
            (Some(Entry::Batch(_)), Verdict::Void(_)) => self.read_void(raw),
            (Some(Entry::Rebase(_)), Verdict::InEffect(_)) if self.in_office().is_some() => self.abandon(),
            (Some(Entry::Genesis(_) | Entry::TermStarted(_) | Entry::Rebase(_)) | None, _) => vec![],
        }
    }

    /// A term has begun: the one before is over, and with it everything that was doubtful in it.
    fn read_term(&mut self, started: &TermStarted) -> Vec<Effect> {
        if matches!(self.state, State::Campaigning { owner, .. } if owner == started.owner) {
            self.state = State::InOffice { term: started.term, owner: started.owner, under_way: None };
            self.tries = 0;
            let mut effects = self.not_applied();
            effects.push(Effect::TookOffice);
            return effects;
        }
        self.seen.0 += 1;
        let mut effects = self.give_up(true);
        effects.extend(self.not_applied());
        match self.state {
            // During a replay the question waits until the end is read.
            State::Unassigned | State::Reading | State::Confirming => {}
            State::Campaigning { .. } => {
                self.tries = self.tries.saturating_add(1);
                effects.extend(self.confirm());
            }
            State::InOffice { .. } => effects.extend(self.confirm()),
        }
        effects
    }

    /// A batch is in effect: the one under way, a doubtful one, or another's.
    fn read_batch(&mut self, raw: &Bytes) -> Vec<Effect> {
        if let Some(batch) = self.doubtful.take_if(|batch| batch.raw == raw) {
            return vec![Effect::Settled(batch.attempt)];
        }
        match &mut self.state {
            State::InOffice { under_way, .. } => match under_way.take_if(|batch| batch.raw == raw) {
                Some(batch) => vec![Effect::Settled(batch.attempt)],
                // In this term, yet not what this process sent: then it doesn't stand on what it thinks.
                None => self.abandon(),
            },
            State::Unassigned | State::Reading | State::Confirming | State::Campaigning { .. } => vec![],
        }
    }

    /// A batch is void. Copies of one in effect are, and what is not of this term; but if it is the one under way, so
    /// would be everything after it.
    fn read_void(&mut self, raw: &Bytes) -> Vec<Effect> {
        match &self.state {
            State::InOffice { under_way: Some(batch), .. } if batch.raw == raw => {
                if self.planted.has(Plant::VoidOwnIgnored) { vec![] } else { self.abandon() }
            }
            State::Unassigned
            | State::Reading
            | State::Confirming
            | State::Campaigning { .. }
            | State::InOffice { .. } => vec![],
        }
    }

    fn doubt(&mut self, attempt: Attempt) -> Vec<Effect> {
        if self.planted.has(Plant::DoubtKeepsTerm) {
            self.take_under_way();
            return vec![Effect::NotApplied(attempt), Effect::NotAppended(attempt)];
        }
        let mut effects = self.abandon();
        if self.planted.has(Plant::DoubtIsNotApplied) {
            effects.extend(self.not_applied());
        }
        effects
    }

    fn acknowledged(&mut self, attempt: Attempt) -> Vec<Effect> {
        if self.planted.has(Plant::AnswerOnAck) && self.is_under_way(attempt) {
            self.take_under_way();
            return vec![Effect::Settled(attempt)];
        }
        if self.planted.has(Plant::GivenUpAckCounts) {
            let batch = self.doubtful.take_if(|batch| batch.attempt == attempt);
            return batch.map(|batch| Effect::Settled(batch.attempt)).into_iter().collect();
        }
        match self.state {
            State::Campaigning { attempt: mine, term, owner } if mine == attempt => {
                if !self.planted.has(Plant::AckIsOffice) {
                    return vec![];
                }
                self.state = State::InOffice { term, owner, under_way: None };
                vec![Effect::TookOffice]
            }
            State::Unassigned
            | State::Reading
            | State::Confirming
            | State::Campaigning { .. }
            | State::InOffice { .. } => vec![],
        }
    }

    /// Gives up the term, and starts another from what the journal says.
    fn abandon(&mut self) -> Vec<Effect> {
        let mut effects = self.give_up(false);
        effects.extend(self.start_over());
        effects
    }

    /// What is under way in a term that is over becomes doubtful. The state is left to the caller.
    fn give_up(&mut self, deposed: bool) -> Vec<Effect> {
        if self.in_office().is_none() {
            return vec![];
        }
        self.doubtful = self.take_under_way();
        if self.planted.has(Plant::KeepsSpeculative) {
            return vec![];
        }
        vec![Effect::TermOver { deposed, doubtful: self.doubtful.as_ref().map(|batch| batch.attempt) }]
    }

    fn not_applied(&mut self) -> Vec<Effect> {
        self.doubtful.take().map(|batch| Effect::NotApplied(batch.attempt)).into_iter().collect()
    }

    fn start_over(&mut self) -> Vec<Effect> {
        self.state = State::Reading;
        vec![Effect::NeedEnd { tries: self.tries }]
    }

    fn confirm(&mut self) -> Vec<Effect> {
        if self.planted.has(Plant::DeposedCampaignsAtOnce) {
            return self.start_over();
        }
        self.state = State::Confirming;
        vec![Effect::NeedConfirmation(self.seen)]
    }

    fn is_confirmed(&self) -> bool {
        self.confirmed == self.seen || self.planted.has(Plant::DeposedCampaignsAtOnce)
    }

    fn is_under_way(&self, attempt: Attempt) -> bool {
        matches!(&self.state, State::InOffice { under_way: Some(batch), .. } if batch.attempt == attempt)
    }

    fn take_under_way(&mut self) -> Option<UnderWay> {
        match &mut self.state {
            State::InOffice { under_way, .. } => under_way.take(),
            State::Unassigned | State::Reading | State::Confirming | State::Campaigning { .. } => None,
        }
    }

    fn next_attempt(&mut self) -> Attempt {
        self.attempts += 1;
        Attempt(self.attempts)
    }
}
