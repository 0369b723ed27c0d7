//! What operators give or take by hand.

use super::{Account, Moment};
use crate::adjustment::{AdjustmentId, AdjustmentRecord, AdjustmentState};
use crate::event::Event;

impl Account {
    /// Takes in what happened to an adjustment. What is created is named by the activity that creates it.
    pub(super) fn adjust(&mut self, event: &Event, at: &Moment) {
        let (seq, now) = (at.place.seq, at.decided_at);
        match event {
            Event::AdjustmentCreated { adjustment, by, until } => {
                let state = match until {
                    Some(until) => AdjustmentState::Proposed { until: *until },
                    None => AdjustmentState::Applied { approved: None },
                };
                let (adjustment, by) = (adjustment.clone(), *by);
                let record = AdjustmentRecord { adjustment, by, created_at: now, state };
                self.adjustments.insert(AdjustmentId(self.activities), record, seq);
            }
            Event::AdjustmentApproved { adjustment, by, .. } => {
                let state = AdjustmentState::Applied { approved: Some((*by, now)) };
                self.adjustments.change(adjustment, seq, |record| record.state = state);
            }
            Event::AdjustmentRejected { adjustment, by } => {
                let state = AdjustmentState::Rejected { by: *by, at: now };
                self.adjustments.change(adjustment, seq, |record| record.state = state);
            }
            Event::PointsTaken(taking) => {
                let purse = self.purses.or_default(taking.programme);
                for slice in &taking.allocations {
                    purse.lots.take(&slice.lot, slice.points, seq);
                }
                taking.owed.iter().for_each(|debt| purse.debts.add(debt.clone()));
            }
            Event::MemberEnrolled
            | Event::ConsentGiven { .. }
            | Event::ConsentWithdrawn { .. }
            | Event::PointsAccrued(_)
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
            | Event::AccountLinked { .. }
            | Event::HandedOver { .. }
            | Event::RecordsAdopted { .. }
            | Event::PointsAdopted { .. }
            | Event::PointsSuspended { .. }
            | Event::GrantReversed(_)
            | Event::LinksAccepted
            | Event::AccountUnlinked { .. }
            | Event::OrderKnown { .. }
            | Event::OrderLocated { .. } => unreachable!("not about an adjustment"),
        }
    }
}
