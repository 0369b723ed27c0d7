use super::*;
use crate::lot::Expiry;
use crate::programme::Category;
use crate::{Currency, Place};

fn usd(micros: i64) -> Money {
    Money { currency: "USD".parse::<Currency>().unwrap(), micros }
}

fn points(points: u64) -> Points {
    Points::new(points).unwrap()
}

fn granted(granted: u64) -> Granted {
    let lot = LotKey {
        expires_at: Expiry(None),
        category: Category::Base,
        available_from: Timestamp::MIN,
        granted: Place { seq: 1, index: 0 },
        nth: 0,
    };
    let (issuer, unit_price) = ("cdnow".parse().unwrap(), UnitPrice::new(usd(0).currency, 9_000).unwrap());
    let version = VersionId { programme: "mypoints".parse().unwrap(), number: 1 };
    let (rule, none) = ("dollars".parse().unwrap(), Points::ZERO);
    let (funder, points) = (issuer, points(granted));
    Granted { lot, version, rule, issuer, funder, unit_price, points, clawed_back: none, lapsed: none }
}

/// An order of so many millionths with one grant, and what is taken back when it is returned in these parts.
fn taken(amount: i64, grant: u64, lapsed: u64, parts: &[i64]) -> Vec<u64> {
    let mut order = OrderRecord::new(Timestamp::MIN, Some(usd(0)));
    order.add_part(Timestamp::MIN, usd(amount), std::iter::empty());
    order.grants.push(Granted { lapsed: points(lapsed), ..granted(grant) });
    let take = |part: &i64| {
        let whole = order.left() == *part;
        let amount = Some(usd(*part));
        order.take_back(&OrderReturn { order: Fingerprint::MIN, amount, lines: Vec::new(), whole });
        let owed = order.owed(&order.grants[0]);
        order.grants[0].clawed_back = order.grants[0].clawed_back.plus(owed).unwrap();
        owed.get()
    };
    parts.iter().map(take).collect()
}

#[test]
fn parts_of_an_order_add_up_to_what_was_granted() {
    // By hand: 100 points of 3 units are 33, 66 and 100 with the parts so far.
    assert_eq!(taken(3, 100, 0, &[1, 1, 1]), [33, 33, 34]);
    assert_eq!(taken(3, 1, 0, &[1, 1, 1]), [0, 0, 1]);
    assert_eq!(
        taken(1_000_000_000_000_000, Points::MAX.get(), 0, &[999_999_999_999_999, 1]),
        [999_999_999_999_999, 1]
    );
    assert_eq!(taken(0, 7, 0, &[0]), [7], "an order of nothing is returned as a whole");
}

#[test]
fn what_has_lapsed_is_not_taken_a_second_time() {
    assert_eq!(taken(4, 100, 40, &[1, 1, 1, 1]), [25, 25, 10, 0]);
    assert_eq!(taken(4, 100, 100, &[4]), [0]);
}

#[test]
fn a_part_that_comes_behind_a_return_takes_nothing_anew() {
    let mut order = OrderRecord::new(Timestamp::MIN, Some(usd(0)));
    order.add_part(Timestamp::MIN, usd(10), std::iter::empty());
    order.take_back(&OrderReturn {
        order: Fingerprint::MIN,
        amount: Some(usd(5)),
        lines: Vec::new(),
        whole: false,
    });
    let grant = Granted { clawed_back: points(50), ..granted(100) };
    assert_eq!(order.owed(&grant), points(0));
    // Half of twice as much is a quarter.
    order.add_part(Timestamp::MIN, usd(10), std::iter::empty());
    assert_eq!((order.owed(&grant), order.left()), (points(0), 15));
}

#[test]
fn a_line_that_is_delivered_in_parts_is_one() {
    let mut order = OrderRecord::new(Timestamp::MIN, Some(usd(0)));
    let line = |amount| LineRecord { line: line_key(&Reference::new("a").unwrap()), amount, returned: 0 };
    order.add_part(Timestamp::MIN, usd(10), [line(10)].into_iter());
    order.add_part(Timestamp::MIN, usd(5), [line(5)].into_iter());
    assert_eq!(order.lines, [line(15)]);
    order.take_back(&OrderReturn {
        order: Fingerprint::MIN,
        amount: Some(usd(15)),
        lines: Vec::new(),
        whole: true,
    });
    assert_eq!(order.lines[0].left(), 0);
}
