//! The lots of a purse: pages in burn order, and what follows from them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Lot, LotAllocation, LotKey};
use crate::few::{RareSet, insert_with_little_room};
use crate::{OutOfRange, Points, Timestamp};

/// Lots in a page; a page is the unit of storage and of copying.
const PAGE_LOTS: usize = 32;

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
/// Pages are shared between copies, so that copying an account costs a pointer for 32 lots. Sums and the index of what
/// is pending are not stored: the pages say them. With them an event looks at the lots that it changes, at those that
/// are due, and at no others, however many there are; a burn also passes over lots before its own that still wait.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LotBook {
    pages: Vec<Arc<LotPage>>,
    next_page: u32,
    /// The sum of what is left, kept up to date: a decision must not cost more the more lots there are.
    total: u64,
    /// The lots that are still to be activated, by when they are.
    pending: RareSet<(Timestamp, LotKey)>,
    /// The sum of what is left in those.
    pending_points: u64,
}

impl LotBook {
    /// Puts stored pages together again, in any order.
    pub fn from_pages(mut pages: Vec<LotPage>, next_page: u32) -> Self {
        pages.sort_by_key(|page| page.lots.first().map(|lot| lot.key));
        let lots = || pages.iter().flat_map(|page| &page.lots);
        let waiting = || lots().filter(|lot| lot.pending);
        Self {
            total: sum(lots()),
            pending: waiting().map(|lot| (lot.key.available_from, lot.key)).collect(),
            pending_points: sum(waiting()),
            pages: pages.into_iter().map(Arc::new).collect(),
            next_page,
        }
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
        self.pages.iter().flat_map(|page| &page.lots).inspect(|_| looked_at_a_lot())
    }

    /// The lots that cover `points` at `now`, or how many points are missing.
    pub fn allocate(&self, points: Points, now: Timestamp) -> Result<Vec<LotAllocation>, Points> {
        let (held, _) = self.balance(now);
        if held < points.get() {
            return Err(Points::new(points.get() - held).expect("less than the points"));
        }
        let (lots, missing) = self.first(points, |lot| lot.burnable(now));
        assert!(missing.is_zero(), "the balance is what can be burnt");
        Ok(lots.into_iter().map(|(lot, points)| lot.slice(points)).collect())
    }

    /// The first lots in burn order, of those that `may` be taken, up to `points`; and how many points are missing.
    pub(crate) fn first(&self, points: Points, may: impl Fn(&Lot) -> bool) -> (Vec<(&Lot, Points)>, Points) {
        cover(self.iter().filter(|lot| may(lot)), points)
    }

    /// The lot of this name, if there is something left of it.
    pub(crate) fn lot(&self, key: &LotKey) -> Option<&Lot> {
        looked_at_a_lot();
        let (at, place) = self.place(key)?;
        Some(&self.pages[at].lots[place])
    }

    /// The points of the lots that are activated and have not lapsed at `now`.
    pub(crate) fn activated(&self, now: Timestamp) -> u64 {
        self.total - self.pending_points - sum(self.expired(now).filter(|lot| !lot.pending))
    }

    /// The points that can be burnt at `now`, and those that can be burnt later; what has lapsed is in neither.
    pub fn balance(&self, now: Timestamp) -> (u64, u64) {
        let lapsed = sum(self.expired(now));
        let lapsed_pending = sum(self.expired(now).filter(|lot| lot.pending));
        let later = self.pending_points - lapsed_pending - sum(self.due(now));
        (self.total - lapsed - later, later)
    }

    /// The earliest instant at which a lot lapses or is to be activated.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        let lapses = self.iter().next().and_then(|lot| lot.key.expires_at.0);
        let activated = self.pending.first().map(|(available_from, _)| *available_from);
        lapses.into_iter().chain(activated).min()
    }

    /// The points of all lots, also of those whose expiry is still to be journaled.
    pub fn total(&self) -> Result<Points, OutOfRange> {
        Points::new(self.total)
    }

    /// The lots that have lapsed at `now`, in burn order, in which they come first.
    pub(crate) fn expired(&self, now: Timestamp) -> impl Iterator<Item = &Lot> {
        self.iter().take_while(move |lot| lot.expired(now))
    }

    /// The pending lots that can be spent at `now`, longest available first.
    pub(crate) fn due(&self, now: Timestamp) -> impl Iterator<Item = &Lot> {
        let due = self.pending.iter().take_while(move |(available_from, _)| *available_from <= now);
        due.map(|(_, key)| self.get(key)).filter(move |lot| !lot.expired(now))
    }

    /// The lot of this name, if it is still to be activated.
    pub(crate) fn pending(&self, key: &LotKey) -> Option<&Lot> {
        self.pending.contains(&(key.available_from, *key)).then(|| self.get(key))
    }

    /// Adds a lot.
    pub(crate) fn insert(&mut self, lot: Lot, seq: u64) {
        self.total += lot.left.get();
        if lot.pending {
            self.pending.insert((lot.key.available_from, lot.key));
            self.pending_points += lot.left.get();
        }
        if self.pages.is_empty() {
            let id = self.new_page();
            let first = LotPage { id, changed: seq, lots: Vec::new() };
            insert_with_little_room(&mut self.pages, 0, Arc::new(first));
        }
        let after =
            self.pages.partition_point(|page| page.lots.first().is_some_and(|first| first.key <= lot.key));
        let at = after.saturating_sub(1);
        let page = Arc::make_mut(&mut self.pages[at]);
        page.changed = seq;
        let place = page.lots.partition_point(|other| other.key < lot.key);
        insert_with_little_room(&mut page.lots, place, lot);
        if page.lots.len() > PAGE_LOTS {
            // Lots mostly come in order: a full last page stays full and the newcomer opens the next.
            let keep = if place + 1 == page.lots.len() { PAGE_LOTS } else { PAGE_LOTS / 2 };
            let lots = page.lots.split_off(keep);
            let id = self.new_page();
            insert_with_little_room(&mut self.pages, at + 1, Arc::new(LotPage { id, changed: seq, lots }));
        }
    }

    /// Takes `points` from a lot, which goes when nothing is left; what was taken, as a lot.
    ///
    /// # Panics
    /// If the lot is not there or holds less: invariant 2.
    pub(crate) fn take(&mut self, key: &LotKey, points: Points, seq: u64) -> Lot {
        let (at, place) = self.find(key);
        let page = Arc::make_mut(&mut self.pages[at]);
        page.changed = seq;
        let lot = &mut page.lots[place];
        let slice = Lot { left: points, ..lot.clone() };
        lot.left = lot.left.minus(points).expect("a burn takes no more than the lot holds");
        self.total -= points.get();
        if lot.pending {
            self.pending_points -= points.get();
        }
        if lot.left.is_zero() {
            if lot.pending {
                self.pending.remove(&(key.available_from, *key));
            }
            page.lots.remove(place);
            if page.lots.is_empty() && self.pages.len() > 1 {
                self.pages.remove(at);
            }
        }
        slice
    }

    /// Puts back what was taken from a spendable lot, of which something may be left.
    pub(crate) fn put_back(&mut self, slice: Lot, seq: u64) {
        let Some((at, place)) = self.place(&slice.key) else { return self.insert(slice, seq) };
        self.total += slice.left.get();
        let page = Arc::make_mut(&mut self.pages[at]);
        page.changed = seq;
        let lot = &mut page.lots[place];
        assert!(!lot.pending, "a lot is spendable before points are taken from it");
        lot.left = lot.left.plus(slice.left).expect("decide keeps purses in the range of points");
    }

    /// Makes a pending lot spendable.
    ///
    /// # Panics
    /// If the lot is not there.
    pub(crate) fn activate(&mut self, key: &LotKey, seq: u64) {
        let (at, place) = self.find(key);
        let page = Arc::make_mut(&mut self.pages[at]);
        page.changed = seq;
        let lot = &mut page.lots[place];
        if std::mem::take(&mut lot.pending) {
            self.pending.remove(&(key.available_from, *key));
            self.pending_points -= lot.left.get();
        }
    }

    fn get(&self, key: &LotKey) -> &Lot {
        looked_at_a_lot();
        let (at, place) = self.find(key);
        &self.pages[at].lots[place]
    }

    fn find(&self, key: &LotKey) -> (usize, usize) {
        self.place(key).expect("the lot is in the book")
    }

    fn place(&self, key: &LotKey) -> Option<(usize, usize)> {
        let after =
            self.pages.partition_point(|page| page.lots.first().is_some_and(|first| first.key <= *key));
        let at = after.checked_sub(1)?;
        let place = self.pages[at].lots.binary_search_by(|lot| lot.key.cmp(key)).ok()?;
        Some((at, place))
    }

    fn new_page(&mut self) -> u32 {
        let id = self.next_page;
        self.next_page += 1;
        id
    }
}

/// What of `lots`, in their order, makes up `points`; and how many points are missing.
pub(crate) fn cover<'a>(
    lots: impl Iterator<Item = &'a Lot>,
    points: Points,
) -> (Vec<(&'a Lot, Points)>, Points) {
    let (mut slices, mut missing) = (Vec::new(), points);
    for lot in lots {
        if missing.is_zero() {
            break;
        }
        let taken = lot.left.min(missing);
        missing = missing.minus(taken).expect("the smaller of both was taken");
        slices.push((lot, taken));
    }
    (slices, missing)
}

fn sum<'a>(lots: impl Iterator<Item = &'a Lot>) -> u64 {
    lots.map(|lot| lot.left.get()).sum()
}

/// For the tests that count what an event looks at.
#[cfg(not(test))]
fn looked_at_a_lot() {}

#[cfg(test)]
use tests::looked_at_a_lot;

#[cfg(test)]
pub(crate) mod tests;
