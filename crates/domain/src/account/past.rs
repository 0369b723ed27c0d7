//! What an account had at an instant that is over: its decisions taken in anew, up to there.

use std::ops::ControlFlow;

use super::{Account, Moment, Place};
use crate::event::{Accrual, Applied, Decision, Event, Outcome};
use crate::{AccountId, OutOfRange, Span, Timestamp};

/// By which time decisions count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DateBasis {
    /// When they were taken: what was known then.
    RecordedTime,
    /// What a partner's event earned counts from when it happened, if it was recorded later than that; everything else, as
    /// redemptions, returns, repayments and what time brought about, from when it was decided.
    EventTime,
}

/// An account in the making.
pub struct Past {
    account: Account,
    until: Timestamp,
    basis: DateBasis,
    fits: Result<(), OutOfRange>,
}

impl Past {
    /// Before the first decision of the account `id`.
    pub fn new(id: AccountId, until: Timestamp, basis: DateBasis) -> Self {
        Self { account: Account::new(id), until, basis, fits: Ok(()) }
    }

    /// Takes the account's next decision in, as far as it counts. It breaks where no later one can.
    pub fn take_in(&mut self, decision: &Decision, place: Place, decided_at: Timestamp) -> ControlFlow<()> {
        // Nothing that is known is forgotten: it would have to be for as long as it was then.
        let (horizon, age) = (Timestamp::MIN, Span::ZERO);
        let at = Moment { place, decided_at, horizon, max_event_age: age, max_request_age: age };
        if decided_at <= self.until {
            self.account.evolve(decision, &at);
            return ControlFlow::Continue(());
        }
        match self.basis {
            DateBasis::RecordedTime => return ControlFlow::Break(()),
            DateBasis::EventTime => {}
        }
        if let Some(late) = self.earned_by(decision) {
            self.fits = self.fits.and_then(|()| self.add(&late, &at));
        }
        ControlFlow::Continue(())
    }

    /// The account as it was.
    ///
    /// # Errors
    /// [`OutOfRange`] if it had more points than an account can have: what is recorded late was spent by then, or so.
    pub fn account(self) -> Result<Account, OutOfRange> {
        self.fits.map(|()| self.account)
    }

    fn add(&mut self, late: &Decision, at: &Moment) -> Result<(), OutOfRange> {
        self.account.evolve(late, at);
        let mut programmes = self.account.purses().keys();
        programmes.try_for_each(|programme| self.account.has(programme).map(drop))
    }

    /// What an event that had happened by then earned, and nothing else of what was decided on it later.
    fn earned_by(&self, decision: &Decision) -> Option<Decision> {
        let (Some(event), Outcome::Applied(applied)) = (decision.command.event(), &decision.outcome) else {
            return None;
        };
        if event.event_time > self.until {
            return None;
        }
        let happened = event.event_time;
        let earned = applied.events.iter().filter_map(|event| earned(event, happened)).collect();
        let applied = Applied { version: applied.version, events: earned };
        Some(Decision { command: decision.command.clone(), outcome: Outcome::Applied(applied) })
    }
}

/// Points of an event that `happened` before it was recorded, as they would have been in time.
fn earned(event: &Event, happened: Timestamp) -> Option<Event> {
    match event {
        // What had to wait has to wait as long; all else could be spent at once.
        Event::PointsAccrued(accrual) => {
            let available_from = if accrual.pending { accrual.available_from } else { happened };
            Some(Event::PointsAccrued(Accrual { available_from, ..accrual.clone() }))
        }
        Event::MemberEnrolled
        | Event::ConsentGiven { .. }
        | Event::ConsentWithdrawn { .. }
        | Event::NothingEarned { .. }
        | Event::LotActivated { .. }
        | Event::LotExpired { .. }
        | Event::RewardRedeemed(_)
        | Event::HoldCreated(_)
        | Event::HoldCaptured { .. }
        | Event::HoldReleased { .. }
        | Event::RedemptionRefunded { .. }
        | Event::OrderReturned(_)
        | Event::PointsClawedBack(_)
        | Event::DebtRepaid { .. }
        | Event::PointsExchanged(_)
        | Event::AdjustmentCreated { .. }
        | Event::AdjustmentApproved { .. }
        | Event::AdjustmentRejected { .. }
        | Event::PointsTaken(_)
        | Event::AccountLinked { .. }
        | Event::HandedOver { .. }
        | Event::RecordsAdopted { .. }
        | Event::PointsAdopted { .. }
        | Event::PointsSuspended { .. }
        | Event::GrantReversed(_)
        | Event::LinksAccepted
        | Event::AccountUnlinked { .. }
        | Event::OrderKnown { .. }
        | Event::OrderLocated { .. } => None,
    }
}
