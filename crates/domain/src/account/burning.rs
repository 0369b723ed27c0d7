//! How holds and redemptions move points out of lots, and back into them.

use super::{Account, Moment};
use crate::ProgrammeId;
use crate::burn::{Burn, BurnId, HoldState, split};
use crate::event::{Event, ExchangeState, Release};
use crate::lot::{Lot, LotAllocation};

impl Account {
    /// Takes in what happened to the points of a reward. What is created is named by the activity that creates it.
    pub(super) fn burn(&mut self, event: &Event, at: &Moment) {
        let (id, seq, now) = (BurnId(self.activities), at.place.seq, at.decided_at);
        match event {
            Event::RewardRedeemed(redemption) => {
                let slices = self.take(&redemption.programme, &redemption.allocations, seq);
                self.burns.add(id, Burn::of_redemption(redemption, now, slices), seq);
            }
            Event::HoldCreated(hold) => {
                let slices = self.take(&hold.programme, &hold.allocations, seq);
                self.burns.add(id, Burn::of_hold(hold, now, slices), seq);
            }
            Event::HoldCaptured { hold, redemption, .. } => {
                let taken = self.burns.get(*hold).expect("a hold that is captured is known").at;
                let slices = self.burns.end_hold(*hold, HoldState::Captured(id), seq);
                let (burnt, rest) = split(slices, redemption.points);
                self.burns.add(id, Burn::of_redemption(redemption, taken, burnt), seq);
                self.put_back(&redemption.programme, rest, seq);
            }
            Event::HoldReleased { hold, why, .. } => self.release(*hold, *why, seq),
            Event::RedemptionRefunded { of, redemption } => {
                let slices = self.burns.refund(*of, seq);
                self.put_back(&redemption.programme, slices, seq);
            }
            Event::PointsExchanged(exchange) => match exchange.state {
                ExchangeState::Promised | ExchangeState::Bought => {
                    self.burns.set_bought(id, exchange.bought, seq)
                }
                // What was undone still says what it had bought.
                ExchangeState::Undone => {}
            },
            Event::MemberEnrolled
            | Event::ConsentGiven { .. }
            | Event::ConsentWithdrawn { .. }
            | Event::PointsAccrued(_)
            | Event::NothingEarned { .. }
            | Event::LotActivated { .. }
            | Event::LotExpired { .. }
            | Event::OrderReturned(_)
            | Event::PointsClawedBack(_)
            | Event::DebtRepaid { .. }
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
            | Event::OrderLocated { .. } => unreachable!("not about the points of a reward"),
        }
    }

    /// Gives the points of an open hold back.
    ///
    /// # Panics
    /// If it gave them away before: a broken invariant.
    pub(crate) fn release(&mut self, hold: BurnId, why: Release, seq: u64) {
        let programme = self.burns.get(hold).expect("a hold that is released is known").programme;
        let slices = self.burns.end_hold(hold, HoldState::Released(why), seq);
        self.put_back(&programme, slices, seq);
    }

    fn take(&mut self, programme: &ProgrammeId, allocations: &[LotAllocation], seq: u64) -> Vec<Lot> {
        let lots = self.lots(programme);
        allocations.iter().map(|allocation| lots.take(&allocation.lot, allocation.points, seq)).collect()
    }

    fn put_back(&mut self, programme: &ProgrammeId, slices: Vec<Lot>, seq: u64) {
        let lots = self.lots(programme);
        slices.into_iter().for_each(|slice| lots.put_back(slice, seq));
    }
}
