//! Points that were out of reach when their order was returned, and come back too late: they repay, and count once.

use coalition_domain::Event;
use coalition_domain::lot::{LotAllocation, LotKey};

use super::account::{Account, At};
use super::lot::Lot;
use super::registry::Registry;
use super::{Judgement, holds};

/// Whether what repays could no longer be spent.
pub(super) fn has_lapsed(slice: &LotAllocation, at: At) -> bool {
    slice.lot.expires_at.0.is_some_and(|by| by <= at.decided_at)
}

/// How many points of a lot repay in place of lapsing.
pub(super) fn repaying(events: &[Event], lot: &LotKey, at: At) -> u64 {
    repaid(events)
        .filter(|slice| slice.lot == *lot && has_lapsed(slice, at))
        .map(|slice| slice.points.get())
        .sum()
}

/// What repays.
fn repaid(events: &[Event]) -> impl Iterator<Item = &LotAllocation> {
    events.iter().flat_map(|event| {
        let Event::DebtRepaid { allocations, .. } = event else { return [].as_slice() };
        allocations.as_slice()
    })
}

impl Account {
    /// Takes points that repay in place of lapsing; that they may is judged at the end.
    pub(super) fn take_lapsed(&mut self, allocations: &[LotAllocation], at: At) -> Result<Vec<Lot>, String> {
        let mut taken = Vec::new();
        for slice in allocations {
            let (key, points) = (slice.lot, slice.points.get());
            let lot = self.lot(&key)?;
            let may = lot.lapsed(at.decided_at) && !lot.pending && points <= lot.left;
            holds(may, || format!("{points} of {key:?} can't repay"))?;
            lot.left -= points;
            taken.push(Lot { left: points, ..lot.clone() });
        }
        Ok(taken)
    }

    /// What repaid in place of lapsing had been taken back elsewhere: with what was spent and has lapsed it is all that was
    /// granted, or more. And as long as something is owed nothing lapses beyond what was granted.
    pub(super) fn lapses_once(&self, events: &[Event], at: At, registry: &Registry) -> Judgement {
        let returns = events.iter().any(|event| matches!(event, Event::OrderReturned(_)));
        for event in events {
            let Event::LotExpired { lot, pending: false, .. } = event else { continue };
            let Some((order, grant)) = self.granted(lot) else { continue };
            let once = grant.taken == 0 || grant.taken + grant.lapsed + self.spent_of(lot) <= grant.points;
            holds(once || returns || self.owed() == 0 || order.is_over(at, registry), || {
                format!("points of {lot:?} lapse that were taken back before, while something is owed")
            })?;
        }
        for slice in repaid(events).filter(|slice| has_lapsed(slice, at)) {
            let (_, grant) = self.granted(&slice.lot).ok_or("what repays was granted for an order")?;
            holds(grant.taken + grant.lapsed + self.spent_of(&slice.lot) >= grant.points, || {
                format!("{slice:?} repays, though it was the member's to lose")
            })?;
        }
        Ok(())
    }
}
