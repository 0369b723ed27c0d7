//! Returns: points are taken from the lot of their grant, then from others in burn order; what is missing is owed.

use coalition_domain::event::{Clawback, LineReturn, Nothing, OrderReturn};
use coalition_domain::{Command, Fingerprint, PartnerEvent, RuleId};

use super::account::{Account, At};
use super::debt::Debt;
use super::lot::Lot;
use super::order::{Granted, Part, taken_back};
use super::registry::Registry;
use super::sums::Sums;
use super::{Judgement, holds, same};

/// A return in the middle of its facts.
pub(super) struct Returning {
    order: Fingerprint,
    /// The grants before this one are done with.
    next: usize,
    /// An account was closed so late that its points stay.
    kept: bool,
}

impl Account {
    /// Whether what an event takes back is known and may still be returned, or the code of the refusal.
    pub(super) fn may_return(
        &self,
        event: &PartnerEvent,
        at: At,
        registry: &Registry,
    ) -> Result<(), &'static str> {
        self.part(event, at, registry).map(|_| ())
    }

    fn part(&self, event: &PartnerEvent, at: At, registry: &Registry) -> Result<Part, &'static str> {
        let name = taken_back(event).ok_or("no return")?;
        let order = self.orders.get(&name).ok_or("ORDER_NOT_FOUND")?;
        if order.is_over(at, registry) {
            return Err("RETURN_TOO_LATE");
        }
        order.part(event)
    }

    /// Judges what is said to be returned, and takes it in.
    pub(super) fn give_back(
        &mut self,
        command: &Command,
        found: &OrderReturn,
        at: At,
        registry: &Registry,
    ) -> Result<Returning, String> {
        let event = command.event().ok_or("a request returns")?;
        let part = self.part(event, at, registry)?;
        let name = taken_back(event).ok_or("it returns nothing")?;
        same("what is returned", &found.order, &name)?;
        let line = |line: &LineReturn| (line.line, line.amount.micros);
        let said = Part {
            amount: found.amount.map(|amount| amount.micros),
            lines: found.lines.iter().map(line).collect(),
            whole: found.whole,
        };
        same("how much is returned", &said, &part)?;
        let order = self.orders.get_mut(&name).ok_or("it was found")?;
        order.take(&part);
        Ok(Returning { order: name, next: 0, kept: order.keeps(event.event_time) })
    }

    /// Judges what is said to be taken back next, and takes it in.
    pub(super) fn claw_back(
        &mut self,
        returning: &mut Returning,
        found: &Clawback,
        at: At,
        sums: &mut Sums,
    ) -> Judgement {
        holds(!returning.kept, || format!("{found:?}, though the account was open long enough"))?;
        let order = self.orders.get_mut(&returning.order).ok_or("it was found")?;
        let owes = |number: &usize| order.owed(&order.grants[*number]) > 0;
        let number = (returning.next..order.grants.len()).find(owes);
        let number = number.ok_or_else(|| format!("{found:?}, though nothing is left to take"))?;
        returning.next = number + 1;
        let points = order.owed(&order.grants[number]);
        let grant = &mut order.grants[number];
        grant.taken += points;
        let Granted { lot: own, version, rule, issuer, funder, unit_price, .. } = *grant;
        let (taken, missing) = self.take_first(points, at, |lot| lot.key == own);
        let (others, debt) = self.take_first(missing, at, |lot| lot.key != own && !lot.pending);
        let taken: Vec<_> = taken.iter().chain(&others).map(|lot| (lot.key, lot.left, lot.pending)).collect();
        let slices = found.taken.iter();
        let slices = slices.map(|slice| (slice.allocation.lot, slice.allocation.points.get(), slice.pending));
        same("the order", &found.order, &returning.order)?;
        let grant = (found.lot, found.rule, u64::from(found.version.number));
        same("the grant", &grant, &(own, rule, version))?;
        same("who had paid", &(found.issuer, found.funder, found.unit_price), &(issuer, funder, unit_price))?;
        same("what is taken back", &found.points.get(), &points)?;
        same("the lots that it is taken from", &slices.collect(), &taken)?;
        same("what is owed", &found.debt.get(), &debt)?;
        sums.returned(issuer, points);
        sums.recovered((issuer, funder, unit_price), points - debt);
        sums.counts.debts += usize::from(debt > 0);
        if debt > 0 {
            self.owe(Debt { issuer, funder, unit_price, points: debt });
        }
        Ok(())
    }

    /// Points of a grant stay, as the account was open long enough.
    pub(super) fn keep(&self, returning: &mut Returning, rule: Option<&RuleId>, why: Nothing) -> Judgement {
        let grant = self.orders.get(&returning.order).and_then(|order| order.grants.get(returning.next));
        returning.next += 1;
        same("whose points stay", &rule, &grant.map(|grant| &grant.rule))?;
        holds(returning.kept && why == Nothing::OpenLongEnough, || format!("{rule:?} keeps: {why:?}"))
    }

    /// Nothing is left to be taken.
    pub(super) fn has_returned(&self, returning: &Returning) -> Judgement {
        let order = self.orders.get(&returning.order).ok_or("it was found")?;
        let owed = order.grants.iter().any(|grant| !returning.kept && order.owed(grant) > 0);
        holds(!owed, || "not all is taken back".to_owned())
    }

    /// Takes points from the first lots in burn order, of those that `may` be; what was taken, and what is missing.
    pub(super) fn take_first(&mut self, points: u64, at: At, may: impl Fn(&Lot) -> bool) -> (Vec<Lot>, u64) {
        self.lots.sort_by_key(Lot::order);
        let (mut missing, mut slices) = (points, Vec::new());
        for lot in self.lots.iter_mut().filter(|lot| !lot.lapsed(at.decided_at) && may(lot)) {
            let slice = lot.left.min(missing);
            if slice > 0 {
                slices.push(Lot { left: slice, ..lot.clone() });
                lot.left -= slice;
                missing -= slice;
            }
        }
        (slices, missing)
    }
}
