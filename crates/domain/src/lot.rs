//! Lots: the points of one accrual, and the total order in which they are burnt.

mod book;

use serde::{Deserialize, Serialize};

use crate::programme::Category;
use crate::{Fingerprint, PartnerId, Place, Points, RuleId, Timestamp, UnitPrice};

pub(crate) use book::cover;
pub use book::{LotBook, LotPage};

#[cfg(test)]
pub(crate) use book::tests::lots_looked_at;

/// When a lot lapses; never sorts last.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Expiry(pub Option<Timestamp>);

impl Ord for Expiry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        match (self.0, other.0) {
            (Some(a), Some(b)) => a.cmp(&b),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (None, None) => std::cmp::Ordering::Equal,
        }
    }
}

impl PartialOrd for Expiry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// Names a lot in its account, and orders the lots of a purse as they are burnt: soonest expiry, promotional before
/// paid, longest available, then journal position. The order of the fields is that order. Frozen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct LotKey {
    /// When it lapses.
    pub expires_at: Expiry,
    /// What kind of points.
    pub category: Category,
    /// From when it can be spent.
    pub available_from: Timestamp,
    /// The decision that granted it.
    pub granted: Place,
    /// Which of that decision's lots; of a lot that came with a link, the number of that link in the upper 16 bits.
    pub nth: u32,
}

/// The points of one accrual that are left. Frozen in stored data for good: handovers hold it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Lot {
    /// Its name and place in the order.
    pub key: LotKey,
    /// What is left of it; above zero.
    pub left: Points,
    /// Still to be activated.
    pub pending: bool,
    /// By which rule it was granted.
    pub rule: RuleId,
    /// Whose event it was.
    pub issuer: PartnerId,
    /// Who pays for it.
    pub funder: PartnerId,
    /// What the funder pays for a point.
    pub unit_price: UnitPrice,
    /// For which order it was granted, if that can be returned.
    pub order: Option<Fingerprint>,
    /// What its rule will not grant again.
    pub claim: Option<Fingerprint>,
}

impl Lot {
    /// A slice of it.
    pub fn slice(&self, points: Points) -> LotAllocation {
        let Self { key, issuer, funder, unit_price, .. } = *self;
        LotAllocation { lot: key, points, issuer, funder, unit_price }
    }

    /// Whether its points can be burnt at `now`; where it is still pending then, its activation is due and comes first.
    pub fn burnable(&self, now: Timestamp) -> bool {
        (!self.pending || self.key.available_from <= now) && !self.expired(now)
    }

    /// Whether it has lapsed at `now`.
    pub fn expired(&self, now: Timestamp) -> bool {
        self.key.expires_at.0.is_some_and(|expires_at| expires_at <= now)
    }
}

/// The slice of a lot that a burn took. Frozen in stored data.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LotAllocation {
    /// Which lot.
    pub lot: LotKey,
    /// How many of its points; above zero.
    pub points: Points,
    /// Whose event the lot came from.
    pub issuer: PartnerId,
    /// Who paid for it.
    pub funder: PartnerId,
    /// What the funder paid for a point.
    pub unit_price: UnitPrice,
}
