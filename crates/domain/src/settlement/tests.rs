//! Lines and what they come to, against figures by hand.

use super::*;
use crate::lot::{Expiry, LotAllocation, LotKey};
use crate::programme::Category;
use crate::{Place, Points};

fn partner(name: &str) -> PartnerId {
    PartnerId::new(name).unwrap()
}

fn price(micros: i64) -> UnitPrice {
    UnitPrice::new("USD".parse().unwrap(), micros).unwrap()
}

fn issued(micros: i64) -> LineKey {
    LineKey::Issued { issuer: partner("cdnow"), funder: partner("bank"), unit_price: price(micros) }
}

fn redeemed(issuer: &str) -> LineKey {
    LineKey::Redeemed { issuer: partner(issuer), redeemer: partner("airline"), unit_price: price(7_000) }
}

fn sum(points: i128, count: u64, first: u64, last: u64) -> LineSum {
    LineSum { points, count, first, last }
}

fn amount(key: LineKey, points: i128) -> String {
    StatementLine::new(key, sum(points, 1, 1, 1)).unwrap().amount.to_string()
}

#[test]
fn an_hour_begins_with_its_first_millisecond() {
    for (millis, hour) in
        [(0, 0), (3_599_999, 0), (3_600_000, 1), (-1, -1), (-3_600_000, -1), (-3_600_001, -2)]
    {
        assert_eq!(Hour::of(Timestamp::from_millis(millis)), Hour(hour), "{millis}");
    }
}

#[test]
fn a_redemption_adds_to_a_line_for_each_issuer() {
    let slice = |issuer, points| LotAllocation {
        lot: LotKey {
            expires_at: Expiry(None),
            category: Category::Base,
            available_from: Timestamp::MIN,
            granted: Place::default(),
            nth: 0,
        },
        points: Points::new(points).unwrap(),
        issuer: partner(issuer),
        funder: partner("bank"),
        unit_price: price(9_000),
    };
    let redemption = Redemption {
        programme: ProgrammeId::new("mypoints").unwrap(),
        reward: "paris".parse().unwrap(),
        quantity: 1,
        redeemer: partner("airline"),
        unit_price: price(7_000),
        points: Points::new(2_500).unwrap(),
        allocations: vec![slice("mypoints", 150), slice("cdnow", 2_000), slice("mypoints", 350)],
    };
    let lines = lines(&Event::RewardRedeemed(redemption), 9);
    let lines: Vec<_> = lines.into_iter().map(|(_, key, sum)| (key, sum)).collect();
    // An issuer counts once for a redemption, however many of its lots were taken from.
    let expected = [(redeemed("cdnow"), sum(2_000, 1, 9, 9)), (redeemed("mypoints"), sum(500, 1, 9, 9))];
    assert_eq!(lines, expected);
}

#[test]
fn sums_add_up_in_any_order() {
    let parts = [sum(5, 1, 7, 7), sum(3, 2, 2, 4), sum(10, 4, 9, 30)];
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let [first, rest @ ..] = order.map(|nth: usize| parts[nth]);
        let mut total = first;
        rest.iter().for_each(|part| total.add(part));
        assert_eq!(total, sum(18, 7, 2, 30));
    }
}

#[test]
fn funders_pay_and_redeemers_are_paid() {
    // 2,453,159 x 0.009 = 22,078.431; 1,175,000 x 0.008 = 9,400; 2,500 x 0.007 = 17.50.
    assert_eq!(amount(issued(9_000), 2_453_159), "-22078.43 USD");
    assert_eq!(amount(issued(8_000), 1_175_000), "-9400.00 USD");
    assert_eq!(amount(redeemed("cdnow"), 2_500), "17.50 USD");
    assert_eq!(StatementLine::new(issued(9_000), sum(1, 1, 1, 1)).unwrap().partner(), partner("bank"));
    assert_eq!(StatementLine::new(redeemed("cdnow"), sum(1, 1, 1, 1)).unwrap().partner(), partner("airline"));
}

#[test]
fn a_line_is_rounded_once_half_to_even() {
    // 3 x 0.005 = 0.015 and 5 x 0.005 = 0.025 lie between two cents; three times half a cent is not three times nothing.
    for (points, expected) in [(1, "0.00 USD"), (3, "-0.02 USD"), (5, "-0.02 USD"), (7, "-0.04 USD")] {
        assert_eq!(amount(issued(5_000), points), expected, "{points}");
    }
}

#[test]
fn an_amount_beyond_64_bits_is_no_line() {
    // At 1,000 dollars a point, 9,223,372,036 points are the last that fit.
    assert_eq!(amount(issued(1_000_000_000), 9_223_372_036), "-9223372036000.00 USD");
    assert!(StatementLine::new(issued(1_000_000_000), sum(9_223_372_037, 1, 1, 1)).is_none());
}

/// What partners keep names lines so: SHA-256 of tagged fields, by another program.
#[test]
fn a_line_has_one_name_for_ever() {
    let (issuer, redeemer, unit_price) = (partner("cdnow"), partner("airline"), price(7_000));
    let refunded = LineKey::Refunded { issuer, redeemer, unit_price };
    let programme = ProgrammeId::new("mypoints").unwrap();
    let ids = [issued(9_000), redeemed("cdnow"), refunded].map(|key| format!("{:?}", key.id(&programme)));
    let expected = [
        "00e8823361f5d8e7d61af54fc458c716",
        "61ebd6294c491962f4dd37233768e994",
        "516c94b07af0a64246d5348f0480e33f",
    ];
    assert_eq!(ids, expected);
    let other = ProgrammeId::new("other").unwrap();
    assert_ne!(refunded.id(&other), refunded.id(&programme));
}
