//! The book of lots against a plain vector.

use std::cell::Cell;

use proptest::prelude::*;

use super::*;
use crate::lot::Expiry;
use crate::programme::Category;
use crate::{PartnerId, Place, RuleId, UnitPrice};

thread_local! {
    static LOOKED_AT: Cell<usize> = const { Cell::new(0) };
}

pub(super) fn looked_at_a_lot() {
    LOOKED_AT.set(LOOKED_AT.get() + 1);
}

/// How many lots `work` looks at.
pub(crate) fn lots_looked_at(work: impl FnOnce()) -> usize {
    let before = LOOKED_AT.get();
    work();
    LOOKED_AT.get() - before
}

/// Instants of these tests are days.
fn day(day: i64) -> Timestamp {
    Timestamp::from_millis(day * 86_400_000)
}

fn lot(seq: u64, expires: Option<i64>, category: Category, available: i64, points: u64) -> Lot {
    let partner = PartnerId::new("cdnow").unwrap();
    Lot {
        key: LotKey {
            expires_at: Expiry(expires.map(day)),
            category,
            available_from: day(available),
            granted: Place { seq, index: 0 },
            nth: 0,
        },
        left: Points::new(points).unwrap(),
        pending: false,
        rule: RuleId::new("purchase").unwrap(),
        issuer: partner,
        funder: partner,
        unit_price: UnitPrice::new("USD".parse().unwrap(), 9_000).unwrap(),
        order: None,
        claim: None,
    }
}

fn points(points: u64) -> Points {
    Points::new(points).unwrap()
}

/// The numbers of the lots in burn order.
fn order(book: &LotBook) -> Vec<u64> {
    book.iter().map(|lot| lot.key.granted.seq).collect()
}

#[test]
fn lots_burn_by_expiry_then_category_then_availability_then_position() {
    // Written down in the order in which they have to burn, put in backwards.
    let expected = [
        lot(9, Some(1), Category::Purchased, 9, 1),
        lot(8, Some(2), Category::Promotional, 9, 1),
        lot(7, Some(2), Category::Bonus, 9, 1),
        lot(6, Some(2), Category::Base, 9, 1),
        lot(5, Some(2), Category::Adjustment, 9, 1),
        lot(4, Some(2), Category::Purchased, 3, 1),
        lot(3, Some(2), Category::Purchased, 4, 1),
        lot(1, None, Category::Promotional, 0, 1),
        lot(2, None, Category::Promotional, 0, 1),
    ];
    let mut book = LotBook::default();
    for lot in expected.iter().rev() {
        book.insert(lot.clone(), 1);
    }
    assert_eq!(order(&book), [9, 8, 7, 6, 5, 4, 3, 1, 2]);
}

#[test]
fn lots_of_one_decision_burn_in_the_order_of_their_rules() {
    let mut book = LotBook::default();
    for nth in [2, 0, 1] {
        let mut lot = lot(1, None, Category::Base, 0, 1);
        lot.key.nth = nth;
        book.insert(lot, 1);
    }
    assert_eq!(book.iter().map(|lot| lot.key.nth).collect::<Vec<_>>(), [0, 1, 2]);
}

#[test]
fn a_lot_can_be_burnt_from_its_first_instant_up_to_its_last() {
    let lot = Lot { pending: true, ..lot(1, Some(20), Category::Base, 10, 5) };
    let millis = |millis| Timestamp::from_millis(millis);
    assert!(!lot.burnable(millis(day(10).as_millis() - 1)));
    assert!(lot.burnable(day(10)));
    assert!(lot.burnable(millis(day(20).as_millis() - 1)));
    assert!(!lot.burnable(day(20)));
    assert!(!lot.expired(millis(day(20).as_millis() - 1)));
    assert!(lot.expired(day(20)));
    assert!(Lot { pending: false, ..lot }.burnable(day(9)), "what was activated stays so");
}

#[test]
fn a_burn_takes_all_lots_it_needs_or_says_how_much_is_missing() {
    let mut book = LotBook::default();
    for (seq, left) in [(1, 100), (2, 200), (3, 300)] {
        book.insert(lot(seq, None, Category::Base, 0, left), seq);
    }
    let taken = |wanted| {
        let allocations = book.allocate(points(wanted), day(0))?;
        Ok(allocations.iter().map(|a| (a.lot.granted.seq, a.points.get())).collect::<Vec<_>>())
    };
    assert_eq!(taken(0), Ok(vec![]));
    assert_eq!(taken(100), Ok(vec![(1, 100)]));
    assert_eq!(taken(101), Ok(vec![(1, 100), (2, 1)]));
    assert_eq!(taken(600), Ok(vec![(1, 100), (2, 200), (3, 300)]));
    assert_eq!(taken(601), Err(points(1)));
}

#[test]
#[should_panic(expected = "no more than the lot holds")]
fn taking_more_than_a_lot_holds_is_a_broken_invariant() {
    let mut book = LotBook::default();
    let lot = lot(1, None, Category::Base, 0, 5);
    book.insert(lot.clone(), 1);
    book.take(&lot.key, points(6), 2);
}

#[derive(Clone, Debug)]
enum Step {
    Insert(Lot),
    /// Of the lot at this place (modulo their number) as many points as this (or what it has).
    Take(usize, u64),
    Activate(usize),
    /// The pages are stored and read again, the last first.
    Reload,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let category = proptest::sample::select(vec![Category::Promotional, Category::Base, Category::Purchased]);
    let lots = (proptest::option::of(0..4_i64), category, 0..3_i64, 1..10_u64, any::<bool>());
    let insert = lots.prop_map(|(expires, category, available, points, pending)| {
        Step::Insert(Lot { pending, ..lot(0, expires, category, available, points) })
    });
    let step = prop_oneof![
        12 => insert,
        5 => (any::<usize>(), 1..20_u64).prop_map(|(which, points)| Step::Take(which, points)),
        1 => any::<usize>().prop_map(Step::Activate),
        1 => Just(Step::Reload),
    ];
    // Half of the books grow to a dozen pages, and all of them shrink again.
    let shrink = proptest::collection::vec((any::<usize>(), 15..20_u64), 0..400);
    (proptest::collection::vec(step, 0..500), shrink).prop_map(|(mut steps, shrink)| {
        steps.extend(shrink.into_iter().map(|(which, points)| Step::Take(which, points)));
        steps
    })
}

fn rank(lot: &Lot) -> (i64, u8, i64, u64) {
    let category = match lot.key.category {
        Category::Promotional => 0,
        Category::Bonus => 1,
        Category::Base => 2,
        Category::Adjustment => 3,
        Category::Purchased => 4,
    };
    let expires = lot.key.expires_at.0.map_or(i64::MAX, Timestamp::as_millis);
    (expires, category, lot.key.available_from.as_millis(), lot.key.granted.seq)
}

fn stored(book: &LotBook) -> Vec<LotPage> {
    let store = |page: &Arc<LotPage>| postcard::to_stdvec(&**page).unwrap();
    book.pages().iter().map(store).map(|bytes| postcard::from_bytes(&bytes).unwrap()).collect()
}

/// A page that says it did not change at `seq` is the one that was there.
fn check_pages(before: &LotBook, book: &LotBook, seq: u64) {
    let mut ids = std::collections::BTreeSet::new();
    for page in book.pages() {
        assert!(page.lots.len() <= PAGE_LOTS, "a page of {} lots", page.lots.len());
        assert!(!page.lots.is_empty() || book.pages().len() == 1, "an empty page among others");
        assert!(ids.insert(page.id) && page.id < book.next_page(), "page {} is not unique", page.id);
        let old = before.pages().iter().find(|old| old.id == page.id);
        assert!(page.changed == seq || old == Some(page), "page {} changed in silence", page.id);
    }
}

proptest! {
    #[test]
    fn a_book_is_a_sorted_vector_in_pages(steps in steps()) {
        let (mut book, mut model) = (LotBook::default(), Vec::<Lot>::new());
        for (seq, step) in (1..).zip(steps) {
            let before = book.clone();
            match step {
                Step::Insert(mut lot) => {
                    lot.key.granted.seq = seq;
                    book.insert(lot.clone(), seq);
                    model.push(lot);
                    model.sort_by_key(rank);
                }
                Step::Take(which, wanted) if !model.is_empty() => {
                    let which = which % model.len();
                    let taken = points(model[which].left.get().min(wanted));
                    book.take(&model[which].key, taken, seq);
                    model[which].left = model[which].left.minus(taken).unwrap();
                    model.retain(|lot| !lot.left.is_zero());
                }
                Step::Activate(which) if !model.is_empty() => {
                    let which = which % model.len();
                    book.activate(&model[which].key, seq);
                    model[which].pending = false;
                }
                Step::Take(..) | Step::Activate(_) => {}
                Step::Reload => {
                    let mut pages = stored(&book);
                    pages.reverse();
                    let again = LotBook::from_pages(pages, book.next_page());
                    prop_assert_eq!(stored(&again), stored(&book));
                    prop_assert_eq!(&again.pending, &book.pending);
                    prop_assert_eq!(again.pending_points, book.pending_points);
                    book = again;
                    continue;
                }
            }
            prop_assert!(book.iter().eq(&model));
            prop_assert_eq!(book.total().unwrap().get(), model.iter().map(|lot| lot.left.get()).sum::<u64>());
            let now = day(2);
            let (expired, live): (Vec<&Lot>, Vec<_>) =
                model.iter().partition(|lot| rank(lot).0 <= now.as_millis());
            prop_assert!(book.expired(now).eq(expired));
            let (later, burnable): (Vec<&Lot>, Vec<_>) =
                live.into_iter().partition(|lot| lot.pending && rank(lot).2 > now.as_millis());
            let points = |lots: &[&Lot]| lots.iter().map(|lot| lot.left.get()).sum::<u64>();
            prop_assert_eq!(book.balance(now), (points(&burnable), points(&later)));
            let mut due: Vec<&Lot> = burnable.into_iter().filter(|lot| lot.pending).collect();
            due.sort_by_key(|lot| (rank(lot).2, rank(lot)));
            prop_assert!(book.due(now).eq(due));
            prop_assert!(model.iter().all(|lot| book.pending(&lot.key) == lot.pending.then_some(lot)));
            check_pages(&before, &book, seq);
        }
        let now = day(1);
        let waits = |lot: &Lot| lot.pending && rank(lot).2 > now.as_millis();
        let burnable = |lot: &&Lot| !waits(lot) && rank(lot).0 > now.as_millis();
        let held: u64 = model.iter().filter(burnable).map(|lot| lot.left.get()).sum();
        for wanted in [1, held / 2, held] {
            let allocated = book.allocate(points(wanted), now);
            if wanted > held {
                prop_assert_eq!(allocated, Err(points(wanted - held)));
                continue;
            }
            let mut rest = wanted;
            for (allocation, lot) in allocated.unwrap().iter().zip(model.iter().filter(burnable)) {
                prop_assert_eq!(allocation.lot, lot.key);
                prop_assert_eq!(allocation.points.get(), lot.left.get().min(rest));
                rest -= allocation.points.get();
            }
            prop_assert_eq!(rest, 0);
        }
        prop_assert_eq!(book.allocate(points(held + 7), now), Err(points(7)));
    }
}
