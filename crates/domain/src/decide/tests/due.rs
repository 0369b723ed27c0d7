//! What time makes true is right in the balance at once, and journaled along with the next command.

use expect_test::expect;

use super::world::World;
use super::{MYPOINTS, check, script};

/// A dollar's point can be spent after 10 days and lapses 30 days after the purchase.
fn slow() -> String {
    MYPOINTS
        .replace("id = \"dollars\"", "id = \"dollars\"\navailable_after_days = 10\nexpires_after_days = 30")
}

const PURCHASE: &str = "1997-01-01 cdnow purchase p1 600 USD";
const ENROLLED: &str = "1997-01-01 operator enrol 1\n1997-01-01 cdnow purchase p1 600 USD";

/// Available and pending after a purchase for 600 dollars on the 1st, with nothing else said.
fn balance_at(now: &str) -> (u64, u64) {
    let mut world = World::new(&slow());
    world.say(PURCHASE);
    let balance = world.account.balance(&script::read("mypoints"), script::instant(now));
    (balance.available.get(), balance.pending.get())
}

#[test]
fn balances_follow_the_clock() {
    assert_eq!(balance_at("1997-01-01"), (0, 600));
    assert_eq!(balance_at("1997-01-10T23:59:59.999Z"), (0, 600));
    assert_eq!(balance_at("1997-01-11"), (600, 0));
    assert_eq!(balance_at("1997-01-30T23:59:59.999Z"), (600, 0));
    assert_eq!(balance_at("1997-01-31"), (0, 0));
}

#[test]
fn what_is_due_is_journaled_with_the_next_event() {
    let check = |line, then| check(&slow(), PURCHASE, line, then);
    check(
        "
        1997-01-01 mypoints sign_up s1
        1997-01-10T23:59:59.999Z mypoints sign_up s1
        1997-01-11 mypoints sign_up s1
        1997-01-30T23:59:59.999Z mypoints sign_up s1
        // It lapsed without having been activated in between.
        1997-01-31 mypoints sign_up s1
    ",
        expect![[r#"
            1997-01-01 mypoints sign_up s1
                by mypoints 1
                enrolled
                +150 Base by joining: mypoints, mypoints pays 9000 micros USD
                mypoints: 150, 600 later
            1997-01-10T23:59:59.999Z mypoints sign_up s1
                by mypoints 1
                enrolled
                +150 Base by joining: mypoints, mypoints pays 9000 micros USD
                mypoints: 150, 600 later
            1997-01-11 mypoints sign_up s1
                by mypoints 1
                lot 1.0 of 600 can be spent
                enrolled
                +150 Base by joining: mypoints, mypoints pays 9000 micros USD
                mypoints: 750
            1997-01-30T23:59:59.999Z mypoints sign_up s1
                by mypoints 1
                lot 1.0 of 600 can be spent
                enrolled
                +150 Base by joining: mypoints, mypoints pays 9000 micros USD
                mypoints: 750
            1997-01-31 mypoints sign_up s1
                by mypoints 1
                lot 1.0 of 600 lapsed unspendable
                enrolled
                +150 Base by joining: mypoints, mypoints pays 9000 micros USD
                mypoints: 150"#]],
    );
}

#[test]
fn it_is_journaled_once() {
    let given = format!("{PURCHASE}\n1997-01-11 mypoints sign_up s1");
    check(
        &slow(),
        &given,
        "
        1997-01-12 mypoints consent_given c1 marketing
        1997-01-31 mypoints consent_given c1 marketing
    ",
        expect![[r#"
            1997-01-12 mypoints consent_given c1 marketing
                by mypoints 1
                permits marketing
                mypoints: 750
            1997-01-31 mypoints consent_given c1 marketing
                by mypoints 1
                lot 1.0 of 600 lapsed
                permits marketing
                mypoints: 150"#]],
    );
    let given = format!("{given}\n1997-01-31 mypoints consent_given c1 marketing");
    check(
        &slow(),
        &given,
        "1997-02-01 mypoints consent_given c2 sharing",
        expect![[r#"
        by mypoints 1
        permits sharing
        mypoints: 150"#]],
    );
}

#[test]
fn points_can_be_burnt_as_soon_as_they_are_due() {
    let check = |line, then| check(&slow(), ENROLLED, line, then);
    check(
        "
        1997-01-10T23:59:59.999Z member redeem 2 voucher
        1997-01-11 member redeem 2 voucher
        1997-01-30T23:59:59.999Z member redeem 2 voucher
        1997-01-31 member redeem 2 voucher
    ",
        expect![[r#"
            1997-01-10T23:59:59.999Z member redeem 2 voucher
                refused POINTS_SHORT: 500 points short
            1997-01-11 member redeem 2 voucher
                by mypoints 1
                lot 2.0 of 600 can be spent
                -500 for 1 voucher: cdnow is paid 7000 micros USD
                  500 of cdnow, cdnow paid 9000 micros USD for lot 2.0
                mypoints: 100
            1997-01-30T23:59:59.999Z member redeem 2 voucher
                by mypoints 1
                lot 2.0 of 600 can be spent
                -500 for 1 voucher: cdnow is paid 7000 micros USD
                  500 of cdnow, cdnow paid 9000 micros USD for lot 2.0
                mypoints: 100
            1997-01-31 member redeem 2 voucher
                refused POINTS_SHORT: 500 points short"#]],
    );
}

#[test]
fn a_refusal_journals_nothing_else() {
    let given = format!("{ENROLLED}\n1997-01-11 member redeem 2 voucher quantity=2");
    check(
        &slow(),
        &given,
        "1997-01-11 member redeem 3 voucher",
        expect![[r#"
        by mypoints 1
        lot 2.0 of 600 can be spent
        -500 for 1 voucher: cdnow is paid 7000 micros USD
          500 of cdnow, cdnow paid 9000 micros USD for lot 2.0
        mypoints: 100"#]],
    );
}

/// A world in which this many lots of a point each wait, all granted on 1997-01-01.
fn many(lots: u32) -> World {
    let mut world = World::new(&slow());
    world.say("1997-01-01 operator enrol 1");
    for lot in 0..lots {
        world.say(&format!("1997-01-01 cdnow purchase p{lot} 1 USD"));
    }
    world
}

#[test]
fn many_lots_are_journaled_bit_by_bit() {
    let mut world = many(300);
    let lines = |said: &str| said.lines().filter(|line| line.ends_with("can be spent")).count();
    let first = world.say("1997-01-11 mypoints consent_given c1 marketing");
    assert_eq!(lines(&first), 256);
    assert!(first.ends_with("mypoints: 300"), "the balance is right from the first instant: {first}");
    assert_eq!(lines(&world.say("1997-01-11 mypoints consent_given c2 marketing")), 44);
    assert_eq!(lines(&world.say("1997-01-11 mypoints consent_given c3 marketing")), 0);
}

#[test]
fn what_the_balance_shows_can_be_spent_however_many_lots_it_takes() {
    let mut world = many(600);
    assert_eq!(world.available(script::instant("1997-01-11")).get(), 600);
    let said = world.say("1997-01-11 member redeem 2 voucher");
    assert!(said.contains("-500 for 1 voucher") && said.ends_with("mypoints: 100"), "{said}");
    let said = world.say("1997-01-11 member redeem 3 voucher");
    assert_eq!(said, "refused POINTS_SHORT: 400 points short");
}

#[test]
fn lapsed_lots_do_not_stand_in_the_way_of_a_burn() {
    let mut world = many(300);
    for lot in 0..600 {
        world.say(&format!("1997-01-21 cdnow purchase q{lot} 1 USD"));
    }
    // The first 300 lots have lapsed, the others can be spent.
    let said = world.say("1997-01-31 member redeem 2 voucher");
    assert!(said.contains("-500 for 1 voucher") && said.ends_with("mypoints: 100"), "{said}");
}
