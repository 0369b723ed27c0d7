//! Debt is repaid first: by whatever can be spent next, before it can be spent.

use crate::account::{Account, Moment, Purse};
use crate::event::{Applied, Event};
use crate::lot::LotAllocation;
use crate::{Command, Points, ProgrammeId, Rejection, Timestamp};

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
    let (slices, missing) = purse.lots.first(owed, |lot| !lot.pending && !lot.expired(now));
    let repaid = owed.minus(missing).expect("no more is missing than is owed");
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
