//! Debt is repaid first: by whatever can be spent next, before it can be spent.

use std::collections::{BTreeMap, BTreeSet};

use super::lapsing;
use crate::account::{Account, Moment, Purse};
use crate::event::{Applied, Event};
use crate::lot::{Lot, LotAllocation, LotKey, cover};
use crate::{Command, Points, ProgrammeId, Rejection, Timestamp};

/// Lots that repay at once, so that a decision fits into a record; what they leave owed is repaid by the next decision, and
/// can't be spent before.
const LOTS_MAX: usize = 1_000;

/// The decision, with the repayment of what is owed by the points that it lets be spent.
pub(super) fn repaid(account: &Account, command: &Command, mut applied: Applied, at: &Moment) -> Applied {
    if account.is_in_debt() || matches!(command, Command::Adopt(_)) {
        lapsing::repay(account, command, &mut applied.events, at);
        let mut after = account.clone();
        after.take_in(&applied.events, command, at);
        let freed = freed(&after, &applied.events, at);
        let repay = |(programme, purse): (&ProgrammeId, &Purse)| {
            let freed = freed.get(programme).into_iter().flatten();
            repay(*programme, purse, freed, at.decided_at)
        };
        applied
            .events
            .extend(after.purses().iter().filter(|(_, purse)| !purse.debts.is_empty()).filter_map(repay));
    }
    applied
}

/// The lots that a decision may have made spendable, in burn order. Before it there were none, or nothing would be owed; so
/// no others are looked at, however many wait.
fn freed(after: &Account, events: &[Event], at: &Moment) -> BTreeMap<ProgrammeId, BTreeSet<LotKey>> {
    let (mut freed, mut nth) = (BTreeMap::<ProgrammeId, BTreeSet<LotKey>>::new(), 0);
    for event in events {
        if let Some(accrual) = event.accrual() {
            freed.entry(accrual.programme).or_default().insert(accrual.lot(at.place, nth));
            nth += 1;
        }
        // Lots that came with a link are found among all.
        if let Event::LotActivated { programme, lot, .. } = event {
            freed.entry(*programme).or_default().insert(*lot);
        }
        let given_back = lapsing::given_back(event).and_then(|burn| after.burns().get(burn));
        if let Some(burn) = given_back {
            freed.entry(burn.programme).or_default().extend(burn.slices.iter().map(|slice| slice.key));
        }
    }
    freed
}

/// What is not activated yet repays when it is: as that is journaled, a balance shows already what will be left.
fn repay<'a>(
    programme: ProgrammeId,
    purse: &Purse,
    freed: impl Iterator<Item = &'a LotKey>,
    now: Timestamp,
) -> Option<Event> {
    let spendable = |lot: &&Lot| !lot.pending && !lot.expired(now);
    let owed = purse.debts.total();
    let (mut slices, missing) = cover(freed.filter_map(|key| purse.lots.lot(key)).filter(spendable), owed);
    // What an earlier repayment of too many lots left is to be found among all.
    if !missing.is_zero() && purse.lots.activated(now) > owed.get() - missing.get() {
        (slices, _) = cover(purse.lots.iter().filter(spendable), owed);
    }
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
