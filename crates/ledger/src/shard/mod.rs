//! The steppable core of a shard: inputs and the time go in, outputs come out. It touches no clock, thread or I/O.
//!
//! One turn: records of the journal are judged and folded into the committed state; if the shard is in office and no
//! append is under way, waiting commands are decided into one batch, which goes to the log; when that record is read
//! back, in effect, it is folded like any other and its commands are answered.

mod batch;
mod fold;
mod inquiries;
mod io;
mod limits;
pub mod relay;
mod tally;
mod term;
mod time;
mod timers;
mod traced;
mod wants;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use coalition_domain::{AccountId, Span, Timestamp};
use coalition_journal::effect::Attempt;
use coalition_journal::entry::{Genesis, OwnerId};
use coalition_journal::log::Offset;
use coalition_journal::office::Office;

pub use self::io::{Answer, Answered, Decided, Direct, Input, Output, Stop, Token, Unanswered};
pub use self::limits::Limits;
pub use self::tally::Tally;
use crate::body::{Destination, Item};
use crate::clock::{Now, TermClock};
#[cfg(any(test, feature = "plants"))]
use crate::due::DueTimes;
use crate::inbox::Request;
use crate::plant::{Plant, Planted};
use crate::state::{State, Taking};
#[cfg(any(test, feature = "plants"))]
use crate::timers::Timers;
use crate::trace::TraceParent;

/// A command of the inbox that waits for its decision.
struct Queued {
    offset: Offset,
    append_time: Timestamp,
    request: Request,
    /// If it is to be followed.
    trace: Option<TraceParent>,
}

/// The batch on its way.
struct UnderWay {
    attempt: Attempt,
    record: Bytes,
    /// Its items, until it is read back: the same bytes say the same.
    items: Vec<Item>,
    sent: Span,
    answers: Vec<(Token, Answered)>,
    /// When the log took the first command of the inbox in it.
    oldest: Option<Timestamp>,
    traced: traced::Traced,
}

/// The core.
pub struct Shard {
    limits: Limits,
    genesis: Genesis,
    state: State,
    office: Office,
    clock: Option<TermClock>,
    /// The clock was held against the log's in this term or the one before, and was right.
    clock_was_right: bool,
    /// Since when no term is started, as the clock is off.
    distrusted: Option<Span>,
    /// An end of the journal was asked for, and is this.
    target: Option<Offset>,
    /// Appended, not yet read: a TermStarted.
    campaign: Option<(Attempt, Span)>,
    unfolded: VecDeque<fold::Unfolded>,
    loading: BTreeSet<AccountId>,
    /// Accounts for which time can't be decided, until the next term.
    timeless: BTreeSet<AccountId>,
    /// The next offset of the inbox to read, once in office.
    inbox_read: Offset,
    inbox: VecDeque<Queued>,
    direct: VecDeque<(Token, Direct)>,
    /// When somebody asked something last.
    asked: Option<Span>,
    under_way: Option<UnderWay>,
    /// When the log refused a batch: time to breathe until the next.
    refused: Option<Span>,
    /// The batch whose fate the next term tells.
    doubtful: Option<UnderWay>,
    relay: BTreeMap<Destination, relay::Link>,
    stored: u64,
    /// Up to where the last checkpoint that was taken goes.
    taken: u64,
    /// Bytes of the records in effect since then.
    untaken_bytes: usize,
    stopped: Option<Stop>,
    /// It is about to end, and begins nothing by itself any more.
    ending: bool,
    tally: Tally,
    planted: Planted,
}

impl Shard {
    /// A shard of the journal that begins with `genesis`, in the state that the store holds.
    pub fn new(genesis: Genesis, mut state: State, limits: Limits) -> Self {
        state.timers.bound(limits.timers_max);
        let stored = state.meta.chain.seq().0;
        Self {
            limits,
            genesis,
            state,
            office: Office::new(),
            clock: None,
            clock_was_right: false,
            distrusted: None,
            target: None,
            campaign: None,
            unfolded: VecDeque::new(),
            loading: BTreeSet::new(),
            timeless: BTreeSet::new(),
            inbox_read: Offset::default(),
            inbox: VecDeque::new(),
            direct: VecDeque::new(),
            asked: None,
            under_way: None,
            refused: None,
            doubtful: None,
            relay: BTreeMap::new(),
            stored,
            taken: stored,
            untaken_bytes: 0,
            stopped: None,
            ending: false,
            tally: Tally::default(),
            planted: Planted::default(),
        }
    }

    /// The same, with a rule taken out.
    #[cfg(any(test, feature = "plants"))]
    #[must_use]
    pub fn planted(self, plant: Plant) -> Self {
        let mut planted = Self { planted: Planted::one(plant), ..self };
        if plant == Plant::WaitingForgotten {
            planted.state.due = DueTimes::default();
        }
        if plant == Plant::TimersForgotten {
            planted.state.timers = Timers::forgotten();
        }
        planted
    }

    /// The same, with a rule of the fence taken out.
    #[cfg(feature = "plants")]
    #[must_use]
    pub fn planted_in_fence(mut self, plant: coalition_journal::plant::Plant) -> Self {
        self.office = self.office.planted(plant);
        self.state.meta.chain = self.state.meta.chain.planted(plant);
        self
    }

    /// The committed state: nothing but what took effect.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Whether it decides.
    pub fn in_office(&self) -> bool {
        self.office.in_office().is_some()
    }

    /// Why it stopped, if it did.
    pub fn stopped(&self) -> Option<&Stop> {
        self.stopped.as_ref()
    }

    /// What it has done so far.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Somebody asks something now, and waits for the answer.
    pub fn asked(&mut self, now: Now) {
        self.asked = Some(now.mono);
    }

    /// It is about to end: what time brings about is left to the next start, however much is due, and it comes to rest as
    /// soon as those who asked are answered.
    pub fn end(&mut self) {
        self.ending = true;
    }

    /// What changed since the last call, for the store; `None` if nothing did. The next call has to wait for
    /// [`Input::Stored`].
    pub fn take_changes(&mut self) -> Option<Taking> {
        let seq = self.state.meta.chain.seq().0;
        (seq > self.stored && self.stopped.is_none()).then(|| {
            (self.taken, self.untaken_bytes) = (seq, 0);
            self.state.take_changes(self.stored)
        })
    }

    /// One step: takes an input in and does what has become possible. `fresh` is drawn for this call.
    pub fn step(&mut self, input: Input, now: Now, fresh: OwnerId) -> Vec<Output> {
        let mut out = Vec::new();
        if self.stopped.is_some() {
            if let Input::Direct(token, _) = input {
                out.push(Output::Answer(token, Answer::Not(Unanswered::NotOwner)));
            }
            return out;
        }
        self.take_in(input, now, &mut out);
        self.fold_ready(now, &mut out);
        self.check_time(now, &mut out);
        if let Some(target) = self.target
            && self.state.meta.journal_next >= target
            && self.unfolded.is_empty()
        {
            self.target = None;
            let effects = self.office.caught_up(&self.state.meta.chain, fresh);
            self.carry_out(effects, now, &mut out);
        }
        self.search_orders(&mut out);
        self.decide_ready(now, &mut out);
        self.relay_ready(now, &mut out);
        out
    }

    fn take_in(&mut self, input: Input, now: Now, out: &mut Vec<Output>) {
        let effects = match input {
            Input::Tick => Vec::new(),
            // Whoever doesn't trust its clock tries again by itself.
            Input::Assigned if self.distrusted.is_some() => Vec::new(),
            Input::Assigned => self.office.assigned(),
            Input::Revoked => {
                self.distrusted = None;
                self.answer_queued(Unanswered::NotOwner, out);
                self.office.revoked()
            }
            Input::Confirmed(of) => self.office.confirmed(of),
            Input::End(end) => {
                self.target = Some(end);
                Vec::new()
            }
            Input::Journal(records) => {
                self.queue_journal(records, out);
                Vec::new()
            }
            Input::Inbox(records) => {
                self.queue_inbox(records, out);
                Vec::new()
            }
            Input::Loaded(residents) => {
                for resident in residents {
                    self.loading.remove(&resident.account.id());
                    self.state.accounts.insert(resident);
                }
                Vec::new()
            }
            Input::Timers(entries) => {
                self.state.timers.answered(entries);
                Vec::new()
            }
            Input::Order(order, account) => {
                self.state.inquiries.search(false);
                if let Some(account) = account {
                    self.state.inquiries.found(order, account);
                }
                Vec::new()
            }
            Input::Appended(attempt, outcome) => self.office.appended(attempt, &outcome),
            Input::Direct(token, direct) => {
                self.asked(now);
                self.queue_direct(token, *direct, out);
                Vec::new()
            }
            Input::Relayed { to, upto, appended } => {
                self.relayed(to, upto, appended, now);
                Vec::new()
            }
            Input::Stored(seq, written) => {
                self.stored = seq;
                let seq = if self.planted.has(Plant::EvictsUnstored) { u64::MAX } else { seq };
                self.state.timers.stored(self.stored);
                self.state.finder.stored(self.stored);
                self.state.events.stored(self.stored);
                self.state.accounts.stored(seq, &written);
                self.state.totals.forget_before(self.state.meta.decided_at.unwrap_or_default());
                self.state.accounts.evict();
                Vec::new()
            }
        };
        self.carry_out(effects, now, out);
    }

    fn queue_direct(&mut self, token: Token, direct: Direct, out: &mut Vec<Output>) {
        if !self.in_office() {
            out.push(Output::Answer(token, Answer::Not(Unanswered::NotOwner)));
            return;
        }
        if let Direct::Account(command) = &direct {
            self.load([command.account()], out);
        }
        self.direct.push_back((token, direct));
    }

    /// Asks the store for accounts that are not in memory.
    fn load(&mut self, ids: impl IntoIterator<Item = AccountId>, out: &mut Vec<Output>) {
        let missing: Vec<_> =
            ids.into_iter().filter(|id| !self.state.accounts.touch(id) && self.loading.insert(*id)).collect();
        if !missing.is_empty() {
            out.push(Output::Load(missing));
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
