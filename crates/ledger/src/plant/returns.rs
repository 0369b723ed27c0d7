//! The flaws about returns: facts that a sound decision would not have.

use coalition_domain::event::{Clawback, Event};
use coalition_domain::{Account, Applied, Outcome, Points, Verdict};

use super::{Plant, Planted};

impl Planted {
    pub(super) fn about_returns(self, account: &Account, mut verdict: Verdict) -> Verdict {
        let Verdict::Decided(Outcome::Applied(Applied { events, .. })) = &mut verdict else { return verdict };
        if self.has(Plant::DebtNotRepaid) {
            events.retain(|event| !matches!(event, Event::DebtRepaid { .. }));
        }
        let mut part = None;
        for event in events.iter_mut() {
            if let Event::OrderReturned(returned) = event {
                part = returned.amount.map(|amount| amount.micros);
            } else if let Event::PointsClawedBack(clawback) = event {
                if self.has(Plant::ClawbackWithoutDebt) {
                    shorten(clawback, less(clawback.points, clawback.debt));
                } else if let (true, Some(part)) = (self.has(Plant::ReturnNotCumulative), part) {
                    shorten(clawback, by_itself(account, clawback, part));
                }
            }
        }
        let empty = |event: &Event| matches!(event, Event::PointsClawedBack(of) if of.points.is_zero());
        events.retain(|event| !empty(event));
        verdict
    }
}

/// The share of a part, whatever was returned before it.
fn by_itself(account: &Account, clawback: &Clawback, part: i64) -> Points {
    let record = account.orders().get(&clawback.order).expect("it was found");
    let grant = record.grants.iter().find(|grant| grant.lot == clawback.lot).expect("it was granted");
    let amount = record.amount.map_or(0, |amount| amount.micros).max(1);
    let share = i128::from(grant.points.get()) * i128::from(part) / i128::from(amount);
    let share = Points::new(u64::try_from(share).expect("a part")).expect("no more than was granted");
    share.min(clawback.points)
}

/// Takes no more than `points`.
fn shorten(clawback: &mut Clawback, points: Points) {
    let mut left = points;
    for slice in &mut clawback.taken {
        slice.allocation.points = slice.allocation.points.min(left);
        left = less(left, slice.allocation.points);
    }
    clawback.taken.retain(|slice| !slice.allocation.points.is_zero());
    (clawback.points, clawback.debt) = (points, left);
}

fn less(points: Points, by: Points) -> Points {
    points.minus(by).unwrap_or_default()
}
