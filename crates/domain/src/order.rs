//! Orders: what an account keeps of a purchase, or of an account that was opened, so that it can be taken back.
//!
//! What was granted counts as it was recorded, never by today's rules. How much is to be taken back follows from how much
//! was returned in all, so that the parts of an order add up: returning everything takes exactly what was granted and has
//! not lapsed since.

use serde::{Deserialize, Serialize};

use crate::account::orders;
use crate::event::{Decision, OrderReturn, Outcome, VersionId};
use crate::lot::LotKey;
use crate::pages::Weigh;
use crate::{
    EventBody, Fingerprint, Money, PartnerId, Points, Reference, RuleId, SLUG_MAX, Timestamp, UnitPrice,
};

/// What an order may weigh, in bytes: a row has to hold it.
pub const ORDER_BYTES_MAX: usize = 24 * 1024;

// What a record, a line and a grant take at most when they are stored.
const RECORD_BYTES: usize = 40;
const LINE_BYTES: usize = 36;
const GRANT_BYTES: usize = 90 + 4 * (SLUG_MAX + 1);

/// What a partner's order is kept under. Frozen.
pub fn order_key(partner: PartnerId, order: &Reference) -> Fingerprint {
    key("order", partner, order)
}

/// What an account that was opened at a partner is kept under. Frozen.
pub fn opening_key(partner: PartnerId, reference: &Reference) -> Fingerprint {
    key("opening", partner, reference)
}

fn key(kind: &str, partner: PartnerId, name: &Reference) -> Fingerprint {
    Fingerprint::of(kind).field(1, partner.as_str().as_bytes()).field(2, name.as_str().as_bytes()).done()
}

/// What a line is kept under in its order. Frozen.
pub fn line_key(line: &Reference) -> Fingerprint {
    Fingerprint::of("line").field(1, line.as_str().as_bytes()).done()
}

/// An order. Frozen in stored data, as all types here, for good: handovers hold it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OrderRecord {
    /// When it was placed, or its latest part; or when the account was opened first.
    pub placed: Timestamp,
    /// What it cost, with all of its parts; `None`: it is an account that was opened.
    pub amount: Option<Money>,
    /// How much of that was returned, in millionths.
    pub returned: i64,
    /// Nothing is left of it.
    pub whole: bool,
    /// Its lines, where it has any.
    pub lines: Vec<LineRecord>,
    /// What was granted for it, in the order in which it was.
    pub grants: Vec<Granted>,
}

/// A line of an order, its amounts in millionths.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LineRecord {
    /// Its [`line_key`].
    pub line: Fingerprint,
    /// What it cost.
    pub amount: i64,
    /// How much of that was returned.
    pub returned: i64,
}

/// What one rule granted for an order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Granted {
    /// As which lot.
    pub lot: LotKey,
    /// By which version of which programme.
    pub version: VersionId,
    /// By which rule.
    pub rule: RuleId,
    /// Whose event it was.
    pub issuer: PartnerId,
    /// Who paid.
    pub funder: PartnerId,
    /// How much for a point.
    pub unit_price: UnitPrice,
    /// How many points.
    pub points: Points,
    /// How many of them were taken back.
    pub clawed_back: Points,
    /// How many of them lapsed in the lot.
    pub lapsed: Points,
}

impl OrderRecord {
    /// Of which nothing is known yet.
    pub(crate) fn new(placed: Timestamp, amount: Option<Money>) -> Self {
        Self { placed, amount, returned: 0, whole: false, lines: Vec::new(), grants: Vec::new() }
    }

    /// What can still be returned of its amount, in millionths.
    pub fn left(&self) -> i64 {
        self.amount.map_or(0, |amount| amount.micros.saturating_sub(self.returned))
    }

    /// A line.
    pub fn line(&self, line: &Fingerprint) -> Option<&LineRecord> {
        self.lines.iter().find(|known| known.line == *line)
    }

    /// How many points have to be taken back of a grant, more than were: in proportion to what was returned of the whole
    /// order, rounded down; what has lapsed is not taken a second time. A part that was bought behind a return pays nothing
    /// for it: all grants of a programme together owe no more than their shares, less what was taken back of any of them.
    pub fn owed(&self, grant: &Granted) -> Points {
        let programme = grant.version.programme;
        let grants = || self.grants.iter().filter(|other| other.version.programme == programme);
        let target: u128 = grants().map(|grant| u128::from(self.target(grant).get())).sum();
        let taken: u128 = grants().map(|grant| u128::from(grant.clawed_back.get())).sum();
        let owed = self.target(grant).minus(grant.clawed_back).unwrap_or_default();
        match u64::try_from(target.saturating_sub(taken)).ok().and_then(|all| Points::new(all).ok()) {
            Some(all) => owed.min(all),
            None => owed,
        }
    }

    /// How many points of a grant have to be taken back for all that was returned so far.
    fn target(&self, grant: &Granted) -> Points {
        let target = if self.whole { grant.points } else { self.share(grant.points) };
        target.min(grant.points.minus(grant.lapsed).unwrap_or_default())
    }

    fn share(&self, points: Points) -> Points {
        let amount = self.amount.map_or(0, |amount| u128::try_from(amount.micros).unwrap_or(0));
        let returned = u128::try_from(self.returned).unwrap_or(0).min(amount);
        let share = (u128::from(points.get()) * returned).checked_div(amount).unwrap_or(0);
        u64::try_from(share).ok().and_then(|share| Points::new(share).ok()).expect("no more than was granted")
    }

    /// What it weighs, in bytes, with so many lines and grants more.
    pub fn weight_with(&self, lines: usize, grants: usize) -> usize {
        RECORD_BYTES + (self.lines.len() + lines) * LINE_BYTES + (self.grants.len() + grants) * GRANT_BYTES
    }

    /// A further part was bought: it is one order with those before it.
    pub(crate) fn add_part(
        &mut self,
        placed: Timestamp,
        part: Money,
        lines: impl Iterator<Item = LineRecord>,
    ) {
        self.placed = self.placed.max(placed);
        if let Some(amount) = &mut self.amount
            && amount.currency == part.currency
        {
            amount.micros = amount.micros.saturating_add(part.micros);
        }
        for line in lines {
            match self.lines.iter_mut().find(|known| known.line == line.line) {
                Some(known) => known.amount = known.amount.saturating_add(line.amount),
                None => self.lines.push(line),
            }
        }
    }

    /// What another account knows of the same order joins what is known here. Of another currency, it is known by its grants
    /// alone, which are taken back with the order.
    pub(crate) fn merge(&mut self, other: Self) {
        let Self { placed, amount, returned, whole, lines, grants } = other;
        match amount {
            Some(part) => {
                let same = self.amount.is_some_and(|amount| amount.currency == part.currency);
                let unreturned = |line: &LineRecord| LineRecord { returned: 0, ..line.clone() };
                self.add_part(placed, part, lines.iter().map(unreturned));
                self.returned = self.returned.saturating_add(if same { returned } else { 0 });
            }
            // As of an opening that was said twice, the first one counts.
            None => self.placed = self.placed.min(placed),
        }
        for line in lines {
            if let Some(known) = self.lines.iter_mut().find(|known| known.line == line.line) {
                known.returned = known.returned.saturating_add(line.returned);
            }
        }
        self.whole &= whole;
        self.grants.extend(grants);
    }

    pub(crate) fn take_back(&mut self, part: &OrderReturn) {
        self.returned = self.returned.saturating_add(part.amount.map_or(0, |amount| amount.micros));
        self.whole |= part.whole;
        for line in &mut self.lines {
            if self.whole {
                line.returned = line.amount;
            } else if let Some(part) = part.lines.iter().find(|part| part.line == line.line) {
                line.returned = line.returned.saturating_add(part.amount.micros);
            }
        }
    }

    pub(crate) fn grant(&mut self, lot: &LotKey) -> Option<&mut Granted> {
        self.grants.iter_mut().find(|grant| grant.lot == *lot)
    }
}

/// Under which key an account that knows it keeps what an event of `partner` takes back, if it does.
pub fn taken_back(partner: PartnerId, body: &EventBody) -> Option<Fingerprint> {
    match body {
        EventBody::Return { order, .. } => Some(order_key(partner, order)),
        EventBody::AccountClosing { reference } => Some(opening_key(partner, reference)),
        EventBody::Purchase { .. }
        | EventBody::Basket { .. }
        | EventBody::AccountOpening { .. }
        | EventBody::SignUp { .. }
        | EventBody::ConsentGiven { .. }
        | EventBody::ConsentWithdrawn { .. }
        | EventBody::EmailRead { .. }
        | EventBody::Engagement { .. } => None,
    }
}

/// Under which key the account keeps what the decision bought or opened, if it did.
pub fn kept(decision: &Decision) -> Option<Fingerprint> {
    let applied = matches!(decision.outcome, Outcome::Applied(_));
    if applied { orders::key_of(&decision.command) } else { None }
}

impl LineRecord {
    /// What can still be returned of it, in millionths.
    pub fn left(&self) -> i64 {
        self.amount.saturating_sub(self.returned)
    }
}

impl Weigh for OrderRecord {
    fn weight(&self) -> usize {
        self.weight_with(0, 0)
    }
}

#[cfg(test)]
mod tests;
