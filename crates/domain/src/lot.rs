//! Lots: the points of one accrual, and the total order in which they are burnt.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::programme::Category;
use crate::{OutOfRange, PartnerId, Place, Points, RuleId, Timestamp, UnitPrice};

/// Lots in a page; a page is the unit of storage and of copying.
const PAGE_LOTS: usize = 32;

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

/// Names a lot in its shard, and orders the lots of a purse as they are burnt: soonest expiry, promotional before
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
    /// Which of that decision's lots.
    pub nth: u32,
}

/// The points of one accrual that are left. Frozen in stored data.
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
}

impl Lot {
    /// Whether its points can be burnt at `now`; where it is still pending then, its activation is due and comes first.
    pub fn burnable(&self, now: Timestamp) -> bool {
        self.key.available_from <= now && !self.expired(now)
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

/// A run of lots that is stored, and copied when it changes, as one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LotPage {
    /// Unique in its purse for ever.
    pub id: u32,
    /// The journal position of the last change; what is stored is not newer than the checkpoint that holds it.
    #[serde(skip)]
    pub changed: u64,
    /// In burn order; never empty, unless it is the only page.
    pub lots: Vec<Lot>,
}

/// The lots of one purse in burn order.
///
/// Pages are shared between copies, so that copying an account costs a pointer for 32 lots.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LotBook {
    pages: Vec<Arc<LotPage>>,
    next_page: u32,
    /// The sum of what is left, kept up to date: a decision must not cost more the more lots there are.
    total: u64,
    /// How many lots are still to be activated.
    pending: usize,
}

impl LotBook {
    /// Puts stored pages together again, in any order.
    pub fn from_pages(mut pages: Vec<LotPage>, next_page: u32) -> Self {
        pages.sort_by_key(|page| page.lots.first().map(|lot| lot.key));
        let lots = || pages.iter().flat_map(|page| &page.lots);
        let total = lots().map(|lot| lot.left.get()).sum();
        let pending = lots().filter(|lot| lot.pending).count();
        Self { pages: pages.into_iter().map(Arc::new).collect(), next_page, total, pending }
    }

    /// The pages, in burn order.
    pub fn pages(&self) -> &[Arc<LotPage>] {
        &self.pages
    }

    /// The id that the next new page gets.
    pub fn next_page(&self) -> u32 {
        self.next_page
    }

    /// The lots, in burn order.
    pub fn iter(&self) -> impl Iterator<Item = &Lot> {
        self.pages.iter().flat_map(|page| &page.lots)
    }

    /// The lots that cover `points` at `now`, or how many points are missing.
    pub fn allocate(&self, points: Points, now: Timestamp) -> Result<Vec<LotAllocation>, Points> {
        let mut missing = points;
        let mut allocations = Vec::new();
        for lot in self.iter().filter(|lot| lot.burnable(now)) {
            if missing.is_zero() {
                break;
            }
            let taken = lot.left.min(missing);
            missing = missing.minus(taken).expect("the smaller of both was taken");
            let Lot { key, issuer, funder, unit_price, .. } = *lot;
            allocations.push(LotAllocation { lot: key, points: taken, issuer, funder, unit_price });
        }
        if missing.is_zero() { Ok(allocations) } else { Err(missing) }
    }

    /// The points of the lots that `which` picks.
    pub fn sum(&self, which: impl Fn(&Lot) -> bool) -> Result<Points, OutOfRange> {
        self.iter().filter(|lot| which(lot)).try_fold(Points::ZERO, |sum, lot| sum.plus(lot.left))
    }

    /// The points of all lots, also of those whose expiry is still to be journaled.
    pub fn total(&self) -> Result<Points, OutOfRange> {
        Points::new(self.total)
    }

    /// The lots whose activation or expiry may be due at `now`: those that have lapsed come first in burn order, and
    /// where none is pending nothing else is looked at.
    pub(crate) fn changing(&self, now: Timestamp) -> impl Iterator<Item = &Lot> {
        self.iter().take_while(move |lot| self.pending > 0 || lot.expired(now))
    }

    /// Adds a lot.
    pub(crate) fn insert(&mut self, lot: Lot, seq: u64) {
        self.total += lot.left.get();
        self.pending += usize::from(lot.pending);
        if self.pages.is_empty() {
            let id = self.new_page();
            self.pages.push(Arc::new(LotPage { id, changed: seq, lots: Vec::new() }));
        }
        let after =
            self.pages.partition_point(|page| page.lots.first().is_some_and(|first| first.key <= lot.key));
        let at = after.saturating_sub(1);
        let page = Arc::make_mut(&mut self.pages[at]);
        page.changed = seq;
        let place = page.lots.partition_point(|other| other.key < lot.key);
        page.lots.insert(place, lot);
        if page.lots.len() > PAGE_LOTS {
            // Lots mostly come in order: a full last page stays full and the newcomer opens the next.
            let keep = if place + 1 == page.lots.len() { PAGE_LOTS } else { PAGE_LOTS / 2 };
            let lots = page.lots.split_off(keep);
            let id = self.new_page();
            self.pages.insert(at + 1, Arc::new(LotPage { id, changed: seq, lots }));
        }
    }

    /// Takes `points` from a lot, which goes when nothing is left.
    ///
    /// # Panics
    /// If the lot is not there or holds less: invariant 2.
    pub(crate) fn take(&mut self, key: &LotKey, points: Points, seq: u64) {
        let (at, place) = self.find(key);
        let page = Arc::make_mut(&mut self.pages[at]);
        page.changed = seq;
        let lot = &mut page.lots[place];
        lot.left = lot.left.minus(points).expect("a burn takes no more than the lot holds");
        self.total -= points.get();
        if lot.left.is_zero() {
            self.pending -= usize::from(lot.pending);
            page.lots.remove(place);
            if page.lots.is_empty() && self.pages.len() > 1 {
                self.pages.remove(at);
            }
        }
    }

    /// Makes a pending lot spendable.
    ///
    /// # Panics
    /// If the lot is not there.
    pub(crate) fn activate(&mut self, key: &LotKey, seq: u64) {
        let (at, place) = self.find(key);
        let page = Arc::make_mut(&mut self.pages[at]);
        page.changed = seq;
        self.pending -= usize::from(page.lots[place].pending);
        page.lots[place].pending = false;
    }

    fn find(&self, key: &LotKey) -> (usize, usize) {
        let after =
            self.pages.partition_point(|page| page.lots.first().is_some_and(|first| first.key <= *key));
        let at = after.checked_sub(1).expect("the lot is in the book");
        let place =
            self.pages[at].lots.binary_search_by(|lot| lot.key.cmp(key)).expect("the lot is in its page");
        (at, place)
    }

    fn new_page(&mut self) -> u32 {
        let id = self.next_page;
        self.next_page += 1;
        id
    }
}

#[cfg(test)]
mod tests;
