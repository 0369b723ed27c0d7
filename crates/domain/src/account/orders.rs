//! What was bought, what of it was taken back, and what is owed for it.

use super::{Account, Moment};
use crate::debt::Debt;
use crate::event::{Accrual, Applied, Clawback, Event};
use crate::lot::{LotAllocation, LotKey};
use crate::order::{Granted, LineRecord, OrderRecord, line_key, opening_key, order_key};
use crate::{Command, EventBody, Fingerprint, Money, OrderLine, PartnerEvent, Points, ProgrammeId};

/// Under which key an account keeps what the command bought or opened, if it did.
pub(crate) fn key_of(command: &Command) -> Option<Fingerprint> {
    command.event().and_then(key_of_event)
}

/// Whether [`key_of`] gives one, without the hash that it takes.
pub(crate) fn is_kept(command: &Command) -> bool {
    match command.event().map(|event| &event.body) {
        Some(EventBody::Purchase { .. } | EventBody::Basket { .. }) => true,
        Some(EventBody::AccountOpening { reference }) => reference.is_some(),
        Some(
            EventBody::SignUp { .. }
            | EventBody::ConsentGiven { .. }
            | EventBody::ConsentWithdrawn { .. }
            | EventBody::EmailRead { .. }
            | EventBody::Engagement { .. }
            | EventBody::Return { .. }
            | EventBody::AccountClosing { .. },
        )
        | None => false,
    }
}

/// As [`key_of`], of a partner's event.
pub(crate) fn key_of_event(PartnerEvent { partner, body, .. }: &PartnerEvent) -> Option<Fingerprint> {
    match body {
        EventBody::Purchase { order, .. } | EventBody::Basket { order, .. } => {
            Some(order_key(*partner, order))
        }
        EventBody::AccountOpening { reference } => {
            reference.as_ref().map(|reference| opening_key(*partner, reference))
        }
        EventBody::SignUp { .. }
        | EventBody::ConsentGiven { .. }
        | EventBody::ConsentWithdrawn { .. }
        | EventBody::EmailRead { .. }
        | EventBody::Engagement { .. }
        | EventBody::Return { .. }
        | EventBody::AccountClosing { .. } => None,
    }
}

fn lines(body: &EventBody) -> &[OrderLine] {
    match body {
        EventBody::Basket { lines, .. } => lines,
        EventBody::Purchase { .. }
        | EventBody::SignUp { .. }
        | EventBody::ConsentGiven { .. }
        | EventBody::ConsentWithdrawn { .. }
        | EventBody::EmailRead { .. }
        | EventBody::AccountOpening { .. }
        | EventBody::Engagement { .. }
        | EventBody::Return { .. }
        | EventBody::AccountClosing { .. } => &[],
    }
}

impl Account {
    /// Keeps what was bought or opened, with what was granted for it; and forgets some of what is too old to be returned.
    pub(super) fn note_order(&mut self, applied: &Applied, command: &Command, at: &Moment) {
        let (Some(key), Some(event)) = (key_of(command), command.event()) else { return };
        let (placed, amount, seq) = (event.event_time, event.body.amount(), at.place.seq);
        if self.orders.get(&key).is_none() {
            let oldest = at.horizon.min(at.decided_at).minus(at.max_event_age);
            let order = OrderRecord::new(placed, amount.map(|amount| Money { micros: 0, ..*amount }));
            self.orders.insert_forgetting(key, order, seq, |order| order.placed < oldest);
        }
        let line = |line: &OrderLine| LineRecord {
            line: line_key(&line.line),
            amount: line.amount.micros,
            returned: 0,
        };
        let grants = grants(applied, at);
        self.orders.change(&key, seq, |order| {
            if let Some(amount) = amount {
                order.add_part(placed, *amount, lines(&event.body).iter().map(line));
            }
            order.whole = false;
            // Few, and kept for long: no room for more than there are.
            order.grants.reserve_exact(grants.len());
            order.grants.extend(grants);
        });
    }

    pub(super) fn lapse(&mut self, programme: &ProgrammeId, lot: &LotKey, points: Points, seq: u64) {
        let lots = self.lots(programme);
        let order = lots.lot(lot).and_then(|lot| lot.order);
        lots.take(lot, points, seq);
        // An order that is forgotten can't be returned, and one grants a lot once.
        if let Some(order) = order.filter(|order| self.orders.get(order).is_some()) {
            self.orders.change(&order, seq, |order| {
                if let Some(grant) = order.grant(lot) {
                    grant.lapsed = grant.lapsed.plus(points).expect("no more lapses than was granted");
                }
            });
        }
    }

    pub(super) fn claw_back(&mut self, clawback: &Clawback, seq: u64) {
        let Clawback { order, version, lot, issuer, funder, unit_price, points, taken, debt, .. } = clawback;
        let purse = self.purses.get_mut(&version.programme).expect("what was granted had a purse");
        for slice in taken {
            purse.lots.take(&slice.allocation.lot, slice.allocation.points, seq);
        }
        if !debt.is_zero() {
            let (issuer, funder, unit_price) = (*issuer, *funder, *unit_price);
            purse.debts.add(Debt { issuer, funder, unit_price, points: *debt });
        }
        self.orders.change(order, seq, |order| {
            let grant = order.grant(lot).expect("what is taken back was granted");
            grant.clawed_back = grant.clawed_back.plus(*points).expect("no more than was granted");
        });
    }

    pub(super) fn repay(
        &mut self,
        programme: &ProgrammeId,
        allocations: &[LotAllocation],
        debts: &[Debt],
        seq: u64,
    ) {
        let purse = self.purses.get_mut(programme).expect("what is owed is owed in a purse");
        for slice in allocations {
            purse.lots.take(&slice.lot, slice.points, seq);
        }
        debts.iter().for_each(|debt| purse.debts.repay(debt));
    }
}

/// What a decision granted, as the order keeps it.
fn grants(applied: &Applied, at: &Moment) -> Vec<Granted> {
    let accruals = applied.events.iter().filter_map(Event::accrual);
    let granted = |(nth, accrual): (u32, &Accrual)| {
        let version = applied.version.expect("a grant is judged by a version");
        let Accrual { rule, points, issuer, funder, unit_price, .. } = *accrual;
        let (lot, none) = (accrual.lot(at.place, nth), Points::ZERO);
        Granted { lot, version, rule, issuer, funder, unit_price, points, clawed_back: none, lapsed: none }
    };
    (0..).zip(accruals).map(granted).collect()
}
