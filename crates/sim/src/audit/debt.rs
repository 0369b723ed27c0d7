//! What an account owes: whatever can be spent next repays it, the oldest debt first, before anything else is spent.

use coalition_domain::event::Event;
use coalition_domain::{PartnerId, UnitPrice};

use super::account::{Account, At};
use super::lapsing::has_lapsed;
use super::lot::Lot;
use super::sums::Sums;
use super::{Judgement, holds, same};

/// Points that were missing when they were to be taken back.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Debt {
    pub(super) issuer: PartnerId,
    pub(super) funder: PartnerId,
    pub(super) unit_price: UnitPrice,
    pub(super) points: u64,
}

impl Debt {
    pub(super) fn of(debt: &coalition_domain::debt::Debt) -> Self {
        let coalition_domain::debt::Debt { issuer, funder, unit_price, points } = *debt;
        Self { issuer, funder, unit_price, points: points.get() }
    }

    fn name(&self) -> (PartnerId, PartnerId, UnitPrice) {
        (self.issuer, self.funder, self.unit_price)
    }
}

impl Account {
    /// All that is owed.
    pub(super) fn owed(&self) -> u64 {
        self.debts.iter().map(|debt| debt.points).sum()
    }

    pub(super) fn owe(&mut self, debt: Debt) {
        match self.debts.iter_mut().find(|known| known.name() == debt.name()) {
            Some(known) => known.points += debt.points,
            None => self.debts.push(debt),
        }
    }

    /// Judges a repayment, and takes it in.
    pub(super) fn repay(&mut self, event: &Event, at: At, sums: &mut Sums) -> Judgement {
        let Event::DebtRepaid { allocations, debts, .. } = event else {
            return Err("no repayment".to_owned());
        };
        let (taken, mut left) = if allocations.iter().any(|slice| has_lapsed(slice, at)) {
            let taken = self.take_lapsed(allocations, at)?;
            let points = taken.iter().map(|lot| lot.left).sum();
            holds(points <= self.owed(), || "more is repaid than is owed".to_owned())?;
            (taken, points)
        } else {
            let (taken, missing) = self.take_first(self.owed(), at, |lot| !lot.pending);
            (taken, self.owed() - missing)
        };
        let mut repaid = Vec::new();
        for debt in &mut self.debts {
            let points = debt.points.min(left);
            (debt.points, left) = (debt.points - points, left - points);
            if points > 0 {
                sums.recovered(debt.name(), points);
                repaid.push(Debt { points, ..debt.clone() });
            }
        }
        self.debts.retain(|debt| debt.points > 0);
        sums.counts.repaid += 1;
        let found = allocations.iter().map(|slice| (slice.lot, slice.points.get()));
        let expected = taken.iter().map(|lot| (lot.key, lot.left));
        same("the lots that repay", &found.collect::<Vec<_>>(), &expected.collect())?;
        same("what is repaid", &debts.iter().map(Debt::of).collect(), &repaid)
    }

    /// As long as something is owed, nothing can be spent.
    pub(super) fn owes_or_has(&self, at: At) -> Judgement {
        let spendable = |lot: &&Lot| lot.left > 0 && !lot.pending && !lot.lapsed(at.decided_at);
        let spendable: Vec<_> = self.lots.iter().filter(spendable).map(|lot| lot.key).collect();
        holds(self.debts.is_empty() || spendable.is_empty(), || {
            format!("{:?} are owed, yet {spendable:?} can be spent", self.debts)
        })
    }
}
