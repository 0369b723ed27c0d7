//! The aggregate: what is known of one account, and how facts change it.

mod adjusting;
mod burning;
mod linking;
pub(crate) mod orders;
mod parts;
pub mod past;
mod time;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::adjustment::{AdjustmentId, AdjustmentRecord};
use crate::burn::Burns;
use crate::debt::Debts;
use crate::event::{Accrual, Decision, Event, Outcome};
use crate::handover::{Forward, Linked};
use crate::keys::{KeyEntry, KeyIndex, KeyState};
use crate::lot::{Lot, LotBook};
use crate::order::OrderRecord;
use crate::pages::Pages;
use crate::waiting::WaitingEvent;
use crate::{
    AccountId, Command, Few, Identifier, OutOfRange, PartnerEvent, PartnerId, Points, ProgrammeId, Purpose,
    Role, Timestamp,
};

pub use self::parts::AccountParts;

/// Where a decision stands in its shard's journal. Frozen in stored data.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Place {
    /// The record: its number among those in effect.
    pub seq: u64,
    /// The decision in that record.
    pub index: u32,
}

/// Where and when a decision was taken, and how far back ids have to be known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Moment {
    /// Its place in the journal.
    pub place: Place,
    /// When it was taken.
    pub decided_at: Timestamp,
    /// The largest append time seen in the shard's inbox: the age of partner events is measured from it.
    pub horizon: Timestamp,
    /// How old an event may be.
    pub max_event_age: crate::Span,
    /// How old a request id may be.
    pub max_request_age: crate::Span,
}

/// Somebody enrolled. Frozen in stored data.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Enrolment {
    /// When it was decided.
    pub at: Timestamp,
    /// On which identifier.
    pub identifier: Identifier,
}

/// Whether a member permits something. Frozen in stored data.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Consent {
    /// Whether they do.
    pub given: bool,
    /// The time of the latest word on it: an event's own, or when a request was decided.
    pub since: Timestamp,
}

/// Purposes of which an account keeps what the member said, so that its row stays small.
pub(crate) const CONSENTS_MAX: u32 = 64;

/// The consent by which partners may sign the member in: each whose own events gave it, until it is withdrawn.
pub const SIGN_IN: &str = "sign-in";

/// The points of one programme.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Purse {
    /// The lots, in burn order.
    pub lots: LotBook,
    /// What clawbacks could not recover. As long as there is any, nothing can be spent.
    pub debts: Debts,
}

/// What an account has in one programme at an instant.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Balance {
    /// Can be spent.
    pub available: Points,
    /// Can be spent later.
    pub pending: Points,
    /// Held for rewards.
    pub held: Points,
    /// Is owed, and repaid by whatever can be spent next.
    pub debt: Points,
}

/// The aggregate.
///
/// Cheap to copy: what grows with history lies in shared pages.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Account {
    id: AccountId,
    /// The journal position of the last change; not stored.
    changed: u64,
    activities: u32,
    enrolment: Option<Enrolment>,
    consents: Few<Purpose, Consent>,
    sign_in: BTreeSet<PartnerId>,
    purses: Few<ProgrammeId, Purse>,
    keys: KeyIndex,
    waiting: Vec<WaitingEvent>,
    burns: Burns,
    orders: Pages<OrderRecord>,
    adjustments: Pages<AdjustmentRecord, AdjustmentId>,
    /// Few accounts have one.
    forward: Option<Box<Forward>>,
    linked: Vec<Linked>,
    stays: bool,
    own_since: u32,
}

impl Account {
    /// An account of which nothing is known: every identifier has one.
    pub fn new(id: AccountId) -> Self {
        Self {
            id,
            changed: 0,
            activities: 0,
            enrolment: None,
            consents: Few::default(),
            sign_in: BTreeSet::new(),
            purses: Few::default(),
            keys: KeyIndex::default(),
            waiting: Vec::new(),
            burns: Burns::default(),
            orders: Pages::default(),
            adjustments: Pages::default(),
            forward: None,
            linked: Vec::new(),
            stays: false,
            own_since: 0,
        }
    }

    /// Which account.
    pub fn id(&self) -> AccountId {
        self.id
    }

    /// The journal position of the last change since it was loaded; 0: none.
    pub fn changed(&self) -> u64 {
        self.changed
    }

    /// How many commands it has answered; they are numbered from 0.
    pub fn activities(&self) -> u32 {
        self.activities
    }

    /// Who enrolled, if anybody.
    pub fn enrolment(&self) -> Option<&Enrolment> {
        self.enrolment.as_ref()
    }

    /// What was said on consents.
    pub fn consents(&self) -> &Few<Purpose, Consent> {
        &self.consents
    }

    /// Whether the member permits `purpose`.
    pub fn permits(&self, purpose: &Purpose) -> bool {
        self.consents.get(purpose).is_some_and(|consent| consent.given)
    }

    /// The partners that may sign the member in: see [`SIGN_IN`].
    pub fn sign_in(&self) -> &BTreeSet<PartnerId> {
        &self.sign_in
    }

    /// The points, by programme.
    pub fn purses(&self) -> &Few<ProgrammeId, Purse> {
        &self.purses
    }

    /// The known ids and once-limits.
    pub fn keys(&self) -> &KeyIndex {
        &self.keys
    }

    /// The events that came too early, in the order in which they came: [`crate::waiting::WAITING_MAX`] at most.
    pub fn waiting(&self) -> &[WaitingEvent] {
        &self.waiting
    }

    /// What was bought, and accounts that were opened, for as long as it can be taken back.
    pub fn orders(&self) -> &Pages<OrderRecord> {
        &self.orders
    }

    /// What operators have given or taken by hand, or proposed to.
    pub fn adjustments(&self) -> &Pages<AdjustmentRecord, AdjustmentId> {
        &self.adjustments
    }

    /// Which member's account it follows, if its identifier was linked to one.
    pub fn forward(&self) -> Option<&Forward> {
        self.forward.as_deref()
    }

    /// The identifiers that were ever linked to the member, in the order in which they were first.
    pub fn linked(&self) -> &[Linked] {
        &self.linked
    }

    /// Whether it is never linked to another member's, for good: something was done here that only a member does, or
    /// identifiers may be linked to it. Somebody is enrolled here then.
    pub fn stays(&self) -> bool {
        self.stays
    }

    /// The first activity since it follows nobody any more, after it did; 0: it never did. Whatever was forwarded before is
    /// known to the member's account alone.
    pub fn own_since(&self) -> u32 {
        self.own_since
    }

    /// Whether something is owed in any programme.
    pub fn is_in_debt(&self) -> bool {
        self.purses.values().any(|purse| !purse.debts.is_empty())
    }

    /// What is kept of an event that waits.
    pub fn waits(&self, event: &PartnerEvent) -> Option<&WaitingEvent> {
        self.waiting.iter().find(|waiting| waiting.event == *event)
    }

    /// The holds and redemptions.
    pub fn burns(&self) -> &Burns {
        &self.burns
    }

    /// What the account has in `programme` at `now`.
    pub fn balance(&self, programme: &ProgrammeId, now: Timestamp) -> Balance {
        let Some(purse) = self.purses.get(programme) else { return Balance::default() };
        let (mut available, pending) = purse.lots.balance(now);
        let mut held = self.burns.held(programme);
        // Time has given these back, whether it is journaled yet or not.
        for (_, hold) in self.burns.timed_out(now).filter(|(_, hold)| hold.programme == *programme) {
            held -= hold.points.get();
            let live = hold.slices.iter().filter(|slice| !slice.expired(now));
            available += live.map(|slice| slice.left.get()).sum::<u64>();
        }
        let points = |points| Points::new(points).expect("decide keeps purses in the range of points");
        // What can be spent since a moment ago repays the debt, though that is not journaled yet.
        let debt = purse.debts.total().get();
        let repaid = available.min(debt);
        Balance {
            available: points(available - repaid),
            pending: points(pending),
            held: points(held),
            debt: points(debt - repaid),
        }
    }

    /// All points in `programme`, spendable or not, also those of which time has made something else since.
    pub(crate) fn has(&self, programme: &ProgrammeId) -> Result<Points, OutOfRange> {
        let lots = self.purses.get(programme).map_or(Ok(Points::ZERO), |purse| purse.lots.total())?;
        lots.plus(Points::new(self.burns.held(programme))?)
    }

    /// Takes a decision in. Cannot fail: what could was refused by [`crate::decide`].
    ///
    /// # Panics
    /// If the decision does not belong to this state, a broken invariant.
    pub fn evolve(&mut self, decision: &Decision, at: &Moment) {
        let seq = at.place.seq;
        self.changed = seq;
        let state = match &decision.outcome {
            Outcome::Applied(applied) => {
                self.take_in(&applied.events, &decision.command, at);
                self.note_order(applied, &decision.command, at);
                KeyState::Applied
            }
            Outcome::Refused(_) => KeyState::Refused,
            Outcome::Waiting(_) => KeyState::Waiting,
            Outcome::Forwarded(_) => KeyState::Forwarded,
        };
        let waited = self.wait(decision, at);
        if let Some(entry) = self.entry(&decision.command, state, at)
            && !((waited || matches!(decision.command, Command::Forwarded { .. }))
                && self.keys.settle(entry, seq))
        {
            self.note(entry, at);
        }
        self.activities += 1;
    }

    /// By what a command is known from now on, if it has an id.
    fn entry(&self, command: &Command, state: KeyState, at: &Moment) -> Option<KeyEntry> {
        let keep_until = match command {
            Command::PartnerEvent(event) | Command::Forwarded { event, .. } => {
                event.event_time.plus(at.max_event_age)
            }
            Command::Enrol { request, .. }
            | Command::Redeem { request, .. }
            | Command::Reward { request, .. }
            | Command::Adjust { request, .. }
            | Command::Link { request, .. }
            | Command::Consent { request, .. }
            | Command::Unlink { request, .. }
            | Command::AcceptLinks { request, .. } => request.issued().plus(at.max_request_age),
            Command::TimePassed { .. }
            | Command::Adopt(_)
            | Command::FindOrder { .. }
            | Command::LocateOrder { .. }
            | Command::OrderLocated { .. } => return None,
        };
        let (key, content) = (command.key()?, command.content());
        Some(KeyEntry { key, content, activity: self.activities, state, keep_until })
    }

    /// Keeps an event that waits from now on, and forgets one that waited so far: true if it did.
    fn wait(&mut self, decision: &Decision, at: &Moment) -> bool {
        let Some(event) = decision.command.event() else { return false };
        let before = self.waiting.len();
        self.waiting.retain(|waiting| waiting.event != *event);
        let waited = self.waiting.len() < before;
        if let Outcome::Waiting(wait) = &decision.outcome {
            self.waiting.push(WaitingEvent {
                event: event.clone(),
                place: at.place,
                wait: wait.clone(),
                found: None,
            });
        }
        waited
    }

    /// Takes facts in, as [`Self::evolve`] does.
    pub(crate) fn take_in(&mut self, events: &[Event], command: &Command, at: &Moment) {
        let mut nth = 0;
        for event in events {
            match event {
                Event::MemberEnrolled => self.enrol(command, at),
                Event::ConsentGiven { purpose } => self.consent(*purpose, true, command, at),
                Event::ConsentWithdrawn { purpose } => self.consent(*purpose, false, command, at),
                Event::PointsAccrued(accrual) => {
                    self.accrue(accrual, nth, command, at);
                    nth += 1;
                }
                Event::NothingEarned { .. } => {}
                Event::LotActivated { programme, lot, .. } => {
                    self.lots(programme).activate(lot, at.place.seq)
                }
                Event::LotExpired { programme, lot, points, .. } => {
                    self.lapse(programme, lot, *points, at.place.seq)
                }
                Event::RewardRedeemed(_)
                | Event::HoldCreated(_)
                | Event::HoldCaptured { .. }
                | Event::HoldReleased { .. }
                | Event::RedemptionRefunded { .. }
                | Event::PointsExchanged(_) => {
                    self.stays = true;
                    self.burn(event, at);
                }
                Event::OrderReturned(part) => {
                    self.orders.change(&part.order, at.place.seq, |order| order.take_back(part))
                }
                Event::PointsClawedBack(clawback) => self.claw_back(clawback, at.place.seq),
                Event::DebtRepaid { programme, allocations, debts } => {
                    self.repay(programme, allocations, debts, at.place.seq)
                }
                Event::AdjustmentCreated { .. }
                | Event::AdjustmentApproved { .. }
                | Event::AdjustmentRejected { .. }
                | Event::PointsTaken(_) => {
                    self.stays = true;
                    self.adjust(event, at);
                }
                Event::AccountLinked { .. }
                | Event::HandedOver { .. }
                | Event::RecordsAdopted { .. }
                | Event::PointsAdopted { .. }
                | Event::PointsSuspended { .. }
                | Event::GrantReversed(_)
                | Event::LinksAccepted
                | Event::AccountUnlinked { .. }
                | Event::OrderKnown { .. }
                | Event::OrderLocated { .. } => self.link(event, command, at),
            }
        }
    }

    fn enrol(&mut self, command: &Command, at: &Moment) {
        let identifier = match command {
            // A partner's sign-up of somebody who may have enrolled elsewhere leaves open whose the account is.
            Command::PartnerEvent(event) | Command::Forwarded { event, .. } => event.identifier.clone(),
            Command::Enrol { identifier, .. } => {
                self.stays = true;
                identifier.clone()
            }
            Command::Redeem { .. }
            | Command::TimePassed { .. }
            | Command::Reward { .. }
            | Command::Adjust { .. }
            | Command::Link { .. }
            | Command::Consent { .. }
            | Command::Unlink { .. }
            | Command::AcceptLinks { .. }
            | Command::Adopt(_)
            | Command::FindOrder { .. }
            | Command::LocateOrder { .. }
            | Command::OrderLocated { .. } => {
                unreachable!("neither a reward nor time nor a link enrols anybody")
            }
        };
        self.enrolment = Some(Enrolment { at: at.decided_at, identifier });
    }

    fn consent(&mut self, purpose: Purpose, given: bool, command: &Command, at: &Moment) {
        let event = command.event();
        if purpose.as_str() == SIGN_IN {
            match event {
                Some(event) if given => drop(self.sign_in.insert(event.partner)),
                Some(_) | None => self.sign_in.clear(),
            }
        }
        // Who speaks for themselves is there.
        self.stays |=
            matches!(command, Command::Consent { caller, .. } if matches!(caller.role, Role::Member(_)));
        let since = event.map_or(at.decided_at, |event| event.event_time);
        self.consents.insert(purpose, Consent { given, since });
    }

    fn accrue(&mut self, accrual: &Accrual, nth: u32, command: &Command, at: &Moment) {
        let key = accrual.lot(at.place, nth);
        let Accrual { rule, points, issuer, funder, unit_price, pending, .. } = *accrual;
        let order = orders::key_of(command);
        let claim = accrual.claim;
        let lot = Lot { key, left: points, pending, rule, issuer, funder, unit_price, order, claim };
        self.purses.or_default(accrual.programme).lots.insert(lot, at.place.seq);
        if let Some(key) = accrual.claim {
            let (activity, state) = (self.activities, KeyState::Claimed);
            self.note(KeyEntry { key, content: key, activity, state, keep_until: Timestamp::MAX }, at);
        }
    }

    fn lots(&mut self, programme: &ProgrammeId) -> &mut LotBook {
        &mut self.purses.get_mut(programme).expect("a lot that is named lies in its purse").lots
    }

    fn note(&mut self, entry: KeyEntry, at: &Moment) {
        // Both clocks have to have passed an entry: its kind is not known here.
        self.keys.insert(entry, at.horizon.min(at.decided_at), at.place.seq);
    }
}
