//! What time alone brings about: lots that can be spent now, lots that have lapsed, and holds that are over.

use coalition_domain::event::Release;
use coalition_domain::{Command, Event, Outcome, Timestamp};

use super::account::Account;
use super::burn::Burn;
use super::shard::Ledger;
use super::{Judgement, holds};

/// A decision that time alone has brought about says something, and of lots, holds and what they repay only. Whether it was due is judged lot by lot,
/// as it is with every other command.
pub(super) fn brings_about(outcome: &Outcome) -> Judgement {
    let of_time = |event: &Event| match event {
        Event::LotActivated { .. }
        | Event::LotExpired { .. }
        | Event::DebtRepaid { .. }
        | Event::HandedOver { .. } => true,
        Event::HoldReleased { why, .. } => *why == Release::TimedOut,
        Event::MemberEnrolled
        | Event::ConsentGiven { .. }
        | Event::ConsentWithdrawn { .. }
        | Event::PointsAccrued(_)
        | Event::NothingEarned { .. }
        | Event::RewardRedeemed(_)
        | Event::HoldCreated(_)
        | Event::HoldCaptured { .. }
        | Event::RedemptionRefunded { .. }
        | Event::OrderReturned(_)
        | Event::PointsClawedBack(_)
        | Event::PointsExchanged(_)
        | Event::AdjustmentCreated { .. }
        | Event::AdjustmentApproved { .. }
        | Event::AdjustmentRejected { .. }
        | Event::PointsTaken(_)
        | Event::AccountLinked { .. }
        | Event::RecordsAdopted { .. }
        | Event::PointsAdopted { .. }
        | Event::PointsSuspended { .. }
        | Event::GrantReversed(_)
        | Event::LinksAccepted
        | Event::AccountUnlinked { .. }
        | Event::OrderKnown { .. }
        | Event::OrderLocated { .. } => false,
    };
    let good = match outcome {
        Outcome::Applied(applied) => !applied.events.is_empty() && applied.events.iter().all(of_time),
        Outcome::Refused(_) | Outcome::Waiting(_) | Outcome::Forwarded(_) => false,
    };
    holds(good, || format!("time brings about {outcome:?}"))
}

impl Ledger {
    /// Whatever was to happen by this instant is journaled, though nobody asked for anything; gives how many decisions time
    /// alone has brought about.
    pub(super) fn judge_time(&self, by: Timestamp) -> Result<usize, String> {
        for (id, account) in &self.accounts {
            account.has_journaled(by).map_err(|fault| format!("account {id}: {fault}"))?;
        }
        let decisions = self.accounts.values().flat_map(|account| &account.decisions);
        Ok(decisions.filter(|(_, decision)| matches!(decision.command, Command::TimePassed { .. })).count())
    }
}

impl Account {
    fn has_journaled(&self, by: Timestamp) -> Judgement {
        self.has_handed_over()?;
        for lot in &self.lots {
            let spendable = lot.pending && lot.key.available_from <= by;
            holds(!lot.lapsed(by), || format!("{} points of {:?} lapsed before {by}", lot.left, lot.key))?;
            holds(!spendable, || {
                format!("{} points of {:?} can be spent since before {by}", lot.left, lot.key)
            })?;
        }
        let over = self.burns.values().filter_map(Burn::held_until).find(|until| *until <= by);
        holds(over.is_none(), || format!("a hold timed out at {over:?}, before {by}"))?;
        Ok(())
    }
}
