//! What was bought or opened on an account, and how much its returns take back: in proportion to all that was returned,
//! rounded down.

use coalition_domain::lot::LotKey;
use coalition_domain::order::{LineRecord, OrderRecord, line_key, opening_key, order_key};
use coalition_domain::{
    EventBody, Fingerprint, PartnerEvent, PartnerId, Points, Returned, RuleId, Span, Timestamp, UnitPrice,
};

use super::account::{Account, At};
use super::registry::Registry;
use super::{Judgement, holds, same};

/// An order, its amounts in millionths; or an account that was opened.
pub(super) struct Order {
    placed: Timestamp,
    amount: Option<i64>,
    returned: i64,
    whole: bool,
    lines: Vec<Line>,
    pub(super) grants: Vec<Granted>,
}

struct Line {
    name: Fingerprint,
    amount: i64,
    returned: i64,
}

/// Points that were granted for it.
pub(super) struct Granted {
    pub(super) lot: LotKey,
    pub(super) version: u64,
    pub(super) rule: RuleId,
    pub(super) issuer: PartnerId,
    pub(super) funder: PartnerId,
    pub(super) unit_price: UnitPrice,
    pub(super) points: u64,
    pub(super) taken: u64,
    pub(super) lapsed: u64,
}

/// What a return takes of its order.
#[derive(PartialEq, Debug)]
pub(super) struct Part {
    pub(super) amount: Option<i64>,
    pub(super) lines: Vec<(Fingerprint, i64)>,
    pub(super) whole: bool,
}

/// Under which name an event buys or opens something.
fn bought(event: &PartnerEvent) -> Option<Fingerprint> {
    match &event.body {
        EventBody::Purchase { order, .. } | EventBody::Basket { order, .. } => {
            Some(order_key(event.partner, order))
        }
        EventBody::AccountOpening { reference } => Some(opening_key(event.partner, reference.as_ref()?)),
        EventBody::SignUp { .. }
        | EventBody::ConsentGiven { .. }
        | EventBody::ConsentWithdrawn { .. }
        | EventBody::EmailRead { .. }
        | EventBody::Engagement { .. }
        | EventBody::Return { .. }
        | EventBody::AccountClosing { .. } => None,
    }
}

/// The name of what an event takes back.
pub(super) fn taken_back(event: &PartnerEvent) -> Option<Fingerprint> {
    match &event.body {
        EventBody::Return { order, .. } => Some(order_key(event.partner, order)),
        EventBody::AccountClosing { reference } => Some(opening_key(event.partner, reference)),
        EventBody::SignUp { .. }
        | EventBody::ConsentGiven { .. }
        | EventBody::ConsentWithdrawn { .. }
        | EventBody::EmailRead { .. }
        | EventBody::Engagement { .. }
        | EventBody::Purchase { .. }
        | EventBody::Basket { .. }
        | EventBody::AccountOpening { .. } => None,
    }
}

impl Order {
    /// Whether its time is over: then the network may have forgotten it.
    pub(super) fn is_over(&self, at: At, registry: &Registry) -> bool {
        registry.max_event_age.is_some_and(|age| self.placed < at.horizon.minus(age))
    }

    /// Judges what the network has kept of it.
    pub(super) fn is_kept(&self, kept: Option<&OrderRecord>, now: Timestamp) -> Judgement {
        let Some(kept) = kept else {
            let old = self.placed.plus(Span::from_days(1)) < now;
            return holds(old, || format!("an order of {} is forgotten", self.placed));
        };
        let found = (kept.amount.map(|amount| amount.micros), kept.returned, kept.whole);
        same("an order and what was returned of it", &found, &(self.amount, self.returned, self.whole))?;
        let found = kept.grants.iter().map(|grant| (grant.points, grant.clawed_back, grant.lapsed));
        let found: Vec<_> =
            found.map(|(points, taken, lapsed)| [points, taken, lapsed].map(Points::get)).collect();
        let expected = self.grants.iter().map(|grant| [grant.points, grant.taken, grant.lapsed]);
        same("what was granted, taken and has lapsed", &found, &expected.collect())
    }

    /// Whether an account was open long enough, when it was closed, to keep its points.
    pub(super) fn keeps(&self, closed: Timestamp) -> bool {
        self.amount.is_none() && self.placed.plus(Span::from_days(1)) <= closed
    }

    /// Both parts of an order, of which each was bought on an account of its own while these were apart.
    fn joined(mut self, other: Self) -> Self {
        if let Some((amount, part)) = self.amount.zip(other.amount) {
            self.amount = Some(amount + part);
            self.placed = self.placed.max(other.placed);
        } else {
            self.placed = self.placed.min(other.placed);
        }
        // Nothing is left of it if nothing is of either part.
        self.whole &= other.whole;
        self.returned += other.returned;
        for line in other.lines {
            match self.lines.iter_mut().find(|known| known.name == line.name) {
                Some(known) => {
                    known.amount += line.amount;
                    known.returned += line.returned;
                }
                None => self.lines.push(line),
            }
        }
        self.grants.extend(other.grants);
        self
    }

    fn left(&self) -> i64 {
        self.amount.unwrap_or(0) - self.returned
    }

    /// What an event takes of it, or the code of the refusal.
    pub(super) fn part(&self, event: &PartnerEvent) -> Result<Part, &'static str> {
        if self.whole {
            return Err("RETURN_EXCEEDS_ORDER");
        }
        let EventBody::Return { what, .. } = &event.body else {
            return Ok(Part { amount: None, lines: Vec::new(), whole: true });
        };
        let (amount, lines) = match what {
            Returned::Whole => (self.left(), Vec::new()),
            Returned::Amount(money) => (money.micros, Vec::new()),
            Returned::Lines(named) => {
                let mut lines = Vec::new();
                for line in named {
                    let name = line_key(&line.line);
                    let known = self.lines.iter().find(|known| known.name == name);
                    let known = known.ok_or("ORDER_LINE_NOT_FOUND")?;
                    let left = known.amount - known.returned;
                    let amount = line.amount.map_or(left, |money| money.micros);
                    if amount > left || line.amount.is_none() && left == 0 && known.amount > 0 {
                        return Err("RETURN_EXCEEDS_ORDER");
                    }
                    lines.push((name, amount));
                }
                (lines.iter().map(|(_, amount)| amount).sum(), lines)
            }
        };
        if amount > self.left() {
            return Err("RETURN_EXCEEDS_ORDER");
        }
        let whole = *what == Returned::Whole || self.amount > Some(0) && amount == self.left();
        Ok(Part { amount: Some(amount), lines, whole })
    }

    pub(super) fn take(&mut self, part: &Part) {
        self.returned += part.amount.unwrap_or(0);
        self.whole = part.whole;
        for line in &mut self.lines {
            let named = part.lines.iter().find(|(name, _)| *name == line.name);
            line.returned += named.map_or(0, |(_, amount)| *amount);
            if part.whole {
                line.returned = line.amount;
            }
        }
    }

    /// How many points of a grant should be taken for all returns so far.
    fn share(&self, grant: &Granted) -> u64 {
        let share = match self.amount {
            Some(amount) if !self.whole && amount > 0 => {
                let share = i128::from(grant.points) * i128::from(self.returned) / i128::from(amount);
                u64::try_from(share).expect("no more than was granted")
            }
            Some(_) | None if self.whole => grant.points,
            Some(_) | None => 0,
        };
        share.min(grant.points - grant.lapsed)
    }

    /// How many more are to be taken of a grant; a part that was bought behind a return does not pay for it.
    pub(super) fn owed(&self, grant: &Granted) -> u64 {
        let shares: u64 = self.grants.iter().map(|grant| self.share(grant)).sum();
        let taken: u64 = self.grants.iter().map(|grant| grant.taken).sum();
        self.share(grant).saturating_sub(grant.taken).min(shares.saturating_sub(taken))
    }
}

impl Account {
    /// Keeps what an event bought or opened.
    pub(super) fn keep_order(&mut self, event: &PartnerEvent, grants: Vec<Granted>) {
        let Some(name) = bought(event) else { return };
        let (placed, amount) = (event.event_time, event.body.amount().map(|money| money.micros));
        let none = || Order {
            placed,
            amount: amount.map(|_| 0),
            returned: 0,
            whole: false,
            lines: Vec::new(),
            grants: Vec::new(),
        };
        let order = self.orders.entry(name).or_insert_with(none);
        order.placed = order.placed.max(placed);
        order.amount = order.amount.map(|sum| sum + amount.unwrap_or(0));
        order.whole = false;
        if let EventBody::Basket { lines, .. } = &event.body {
            for line in lines {
                let (name, amount) = (line_key(&line.line), line.amount.micros);
                match order.lines.iter_mut().find(|known| known.name == name) {
                    Some(known) => known.amount += amount,
                    None => order.lines.push(Line { name, amount, returned: 0 }),
                }
            }
        }
        order.grants.extend(grants);
    }

    /// Takes in an order of an account that was linked.
    pub(super) fn adopt_order(
        &mut self,
        name: Fingerprint,
        record: &OrderRecord,
        lot: impl Fn(LotKey) -> LotKey,
    ) {
        let line = |line: &LineRecord| {
            let (name, amount, returned) = (line.line, line.amount, line.returned);
            Line { name, amount, returned }
        };
        let grant = |grant: &coalition_domain::order::Granted| Granted {
            lot: lot(grant.lot),
            version: grant.version.number.into(),
            rule: grant.rule,
            issuer: grant.issuer,
            funder: grant.funder,
            unit_price: grant.unit_price,
            points: grant.points.get(),
            taken: grant.clawed_back.get(),
            lapsed: grant.lapsed.get(),
        };
        let order = Order {
            placed: record.placed,
            amount: record.amount.map(|amount| amount.micros),
            returned: record.returned,
            whole: record.whole,
            lines: record.lines.iter().map(line).collect(),
            grants: record.grants.iter().map(grant).collect(),
        };
        let known = match self.orders.remove(&name) {
            Some(known) => known.joined(order),
            None => order,
        };
        self.orders.insert(name, known);
    }

    /// Points of a lot are taken back, though its order was not returned.
    pub(super) fn note_reversal(&mut self, lot: &LotKey, points: u64) {
        let mut grants = self.orders.values_mut().flat_map(|order| &mut order.grants);
        if let Some(grant) = grants.find(|grant| grant.lot == *lot) {
            grant.lapsed += points;
        }
    }

    /// What a lot was granted for.
    pub(super) fn granted(&self, lot: &LotKey) -> Option<(&Order, &Granted)> {
        let grants =
            self.orders.values().flat_map(|order| order.grants.iter().map(move |grant| (order, grant)));
        let mut grants = grants.filter(|(_, grant)| grant.lot == *lot);
        grants.next()
    }

    /// Points of a lot have lapsed: its order can't take them any more.
    pub(super) fn note_lapse(&mut self, lot: &LotKey, points: u64) {
        let mut grants = self.orders.values_mut().flat_map(|order| &mut order.grants);
        if let Some(grant) = grants.find(|grant| grant.lot == *lot) {
            grant.lapsed += points;
        }
    }
}
