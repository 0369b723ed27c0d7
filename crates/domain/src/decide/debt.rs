//! Debt is repaid first: by whatever can be spent next, before it can be spent.

use crate::account::{Account, Moment, Purse};
use crate::event::{Applied, Event};
use crate::lot::LotAllocation;
use crate::{Command, Points, ProgrammeId, Rejection, Timestamp};

/// Lots that repay at once, so that a decision fits into a record; what they leave owed is repaid by the next decision, and
/// can't be spent before.
const LOTS_MAX: usize = 1_000;

/// The decision, with the repayment of what is owed by the points that it lets be spent.
pub(super) fn repaid(account: &Account, command: &Command, mut applied: Applied, at: &Moment) -> Applied {
    if account.is_in_debt() {
        let mut after = account.clone();
        after.take_in(&applied.events, command, at);
        applied.events.extend(
            after.purses().iter().filter_map(|(programme, purse)| repay(*programme, purse, at.decided_at)),
        );
    }
    applied
}

/// What is not activated yet repays when it is: as that is journaled, a balance shows already what will be left.
fn repay(programme: ProgrammeId, purse: &Purse, now: Timestamp) -> Option<Event> {
    let owed = purse.debts.total();
    let (mut slices, _) = purse.lots.first(owed, |lot| !lot.pending && !lot.expired(now));
    slices.truncate(LOTS_MAX);
    let add = |sum: Points, points: &Points| sum.plus(*points).expect("no more than is owed");
    let repaid = slices.iter().map(|(_, points)| points).fold(Points::ZERO, add);
    let event = || Event::DebtRepaid {
        programme,
        allocations: slices.iter().map(|(lot, points)| lot.slice(*points)).collect(),
        debts: purse.debts.first(repaid),
    };
    (!repaid.is_zero()).then(event)
}

/// The lots that cover `points`, beside those that what is owed takes first.
pub(super) fn allocate(
    purse: &Purse,
    points: Points,
    now: Timestamp,
) -> Result<Vec<LotAllocation>, Rejection> {
    let needed = purse.debts.with(points).map_err(|_| Rejection::PointsOutOfRange)?;
    let (available, _) = purse.lots.balance(now);
    if let Ok(available) = Points::new(available)
        && let Some(missing) = needed.minus(available).filter(|missing| !missing.is_zero())
    {
        return Err(Rejection::PointsShort { missing });
    }
    purse.lots.allocate(points, now).map_err(|missing| Rejection::PointsShort { missing })
}
