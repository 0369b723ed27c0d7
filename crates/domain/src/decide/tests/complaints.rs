//! What users of such systems complain of.

use expect_test::expect;

use super::script::{instant, read};
use super::world::World;
use super::{MYPOINTS, check};
use crate::event::Book;

/// Points of a purchase lapse after 30 days.
fn lapsing() -> String {
    MYPOINTS
        .replace("id = \"dollars\"", "id = \"dollars\"\nexpires_after_days = 30")
        .replace("points = 500", "points = 80")
}

#[test]
fn a_replayed_order_does_not_pay_again_also_after_a_rebuild() {
    let mut world = World::new(MYPOINTS);
    world.say("1997-01-12 cdnow purchase p1 100 USD");
    let mut rebuilt = World::new(MYPOINTS);
    for (decision, at) in &world.journal {
        rebuilt.account.evolve(decision, at);
    }
    assert_eq!(rebuilt.account, world.account);
    assert_eq!(rebuilt.say("1997-02-12 cdnow purchase p1 100 USD at=1997-01-12"), "repeat of 0");
}

#[test]
fn a_redemption_debits_every_lot_that_it_counts() {
    let given = "
        1997-01-12 mypoints sign_up s1
        1997-01-12 cdnow purchase p1 200 USD
        1997-01-12 bank purchase p1 200 USD";
    check(
        MYPOINTS,
        given,
        "1997-01-12 member redeem 1 voucher",
        expect![[r#"
        by mypoints 1
        -500 for 1 voucher: cdnow is paid 7000 micros USD
          150 of mypoints, mypoints paid 9000 micros USD for lot 1.0
          200 of cdnow, cdnow paid 9000 micros USD for lot 2.0
          150 of bank, bank paid 8000 micros USD for lot 3.0
        mypoints: 50"#]],
    );
}

#[test]
fn of_100_points_80_are_spent_and_20_lapse() {
    let given = "
        1997-01-01 operator enrol 1
        1997-01-01 cdnow purchase p1 100 USD
        1997-01-02 member redeem 2 voucher";
    check(
        &lapsing(),
        given,
        "1997-01-31 mypoints consent_given c1 marketing",
        expect![[r#"
        by mypoints 1
        lot 2.0 of 20 lapsed
        permits marketing
        mypoints: 0"#]],
    );
}

#[test]
fn twenty_redemptions_do_not_spend_100_points_twenty_times() {
    let mut world = World::new(&lapsing());
    world.say("1997-01-01 operator enrol 1");
    world.say("1997-01-01 cdnow purchase p1 100 USD");
    let said: Vec<String> =
        (0..20).map(|nth| world.say(&format!("1997-01-02 member redeem {} voucher", nth + 2))).collect();
    assert!(said[0].starts_with("by mypoints 1\n-80"), "{}", said[0]);
    assert!(said[1..].iter().all(|said| said == "refused POINTS_SHORT: 60 points short"), "{said:?}");
    assert_eq!(world.booked(&read("mypoints"), Book::Redeemed(read("cdnow"))), 80);
    assert_eq!(world.available(instant("1997-01-02")).get(), 20);
}

#[test]
fn every_line_says_which_rule_and_version_gave_points_or_why_none() {
    check(
        MYPOINTS,
        "",
        "
        1997-01-12 cdnow purchase p1 0.99 USD
        1997-01-12 cdnow purchase p1 1 USD
    ",
        expect![[r#"
            1997-01-12 cdnow purchase p1 0.99 USD
                by mypoints 1
                nothing by dollars: AmountTooSmall
            1997-01-12 cdnow purchase p1 1 USD
                by mypoints 1
                +1 Base by dollars: cdnow, cdnow pays 9000 micros USD
                mypoints: 1"#]],
    );
}
