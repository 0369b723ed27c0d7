//! Returns and closings: what was granted is taken back, in proportion and once.

use expect_test::expect;

use super::world::World;
use super::{MYPOINTS, check};
use crate::Span;
use crate::registry::{RegistryEvent, Settings};

/// 100 points for 100 dollars, and 30 more on the web, whose points lapse.
fn web() -> String {
    format!(
        "{MYPOINTS}
    [[rule]]
    id = \"web\"
    event = \"purchase\"
    points = 30
    channels = [\"web\"]
    category = \"bonus\"
    funder = \"bank\"
    expires_after_days = 30"
    )
}

const BOUGHT: &str = "1997-01-12 cdnow purchase p1 100 USD order=o1 channel=web";

#[test]
fn a27_an_order_bought_on_the_web_is_returned_in_the_shop() {
    check(
        &web(),
        BOUGHT,
        "1997-01-20 cdnow return r1 o1 channel=shop",
        expect![[r#"
        returned 100.00 USD, nothing is left
        -100 of dollars of mypoints 1: cdnow had paid 9000 micros USD
          100 of lot 1.0
        -30 of web of mypoints 1: bank had paid 8000 micros USD
          30 of lot 1.1
        mypoints: 0"#]],
    );
}

#[test]
fn a_part_takes_its_proportion_of_each_grant_rounded_down() {
    // A third of 100 and of 30 points.
    check(
        &web(),
        BOUGHT,
        "1997-01-20 cdnow return r1 o1 33.333333 USD",
        expect![[r#"
        returned 33.333333 USD
        -33 of dollars of mypoints 1: cdnow had paid 9000 micros USD
          33 of lot 1.0
        -9 of web of mypoints 1: bank had paid 8000 micros USD
          9 of lot 1.1
        mypoints: 88"#]],
    );
    let given = format!("{BOUGHT}\n1997-01-20 cdnow return r1 o1 33.333333 USD");
    check(
        &web(),
        &given,
        "1997-01-21 cdnow return r2 o1",
        expect![[r#"
        returned 66.666667 USD, nothing is left
        -67 of dollars of mypoints 1: cdnow had paid 9000 micros USD
          67 of lot 1.0
        -21 of web of mypoints 1: bank had paid 8000 micros USD
          21 of lot 1.1
        mypoints: 0"#]],
    );
}

#[test]
fn more_than_is_left_is_refused_at_its_boundary() {
    let given = format!("{BOUGHT}\n1997-01-20 cdnow return r1 o1 60 USD");
    check(
        &web(),
        &given,
        "
        1997-01-21 cdnow return r2 o1 40.000001 USD
        1997-01-21 cdnow return r2 o1 40 USD
        1997-01-21 cdnow return r2 o1 40 EUR
        1997-01-21 cdnow return r2 o1 -1 USD
        1997-01-21 cdnow return r2 o1 USD a:1
    ",
        expect![[r#"
            1997-01-21 cdnow return r2 o1 40.000001 USD
                refused RETURN_EXCEEDS_ORDER: more is returned than is left of the order or line
            1997-01-21 cdnow return r2 o1 40 USD
                returned 40.00 USD, nothing is left
                -40 of dollars of mypoints 1: cdnow had paid 9000 micros USD
                  40 of lot 1.0
                -12 of web of mypoints 1: bank had paid 8000 micros USD
                  12 of lot 1.1
                mypoints: 0
            1997-01-21 cdnow return r2 o1 40 EUR
                refused ORDER_CURRENCY_DIFFERS: the order is in USD, the event in EUR
            1997-01-21 cdnow return r2 o1 -1 USD
                refused AMOUNT_NEGATIVE: an amount is below zero
            1997-01-21 cdnow return r2 o1 USD a:1
                refused ORDER_LINE_NOT_FOUND: the order has no line of this id"#]],
    );
    let all = format!("{given}\n1997-01-21 cdnow return r2 o1");
    check(
        &web(),
        &all,
        "1997-01-22 cdnow return r3 o1",
        expect!["refused RETURN_EXCEEDS_ORDER: more is returned than is left of the order or line"],
    );
}

const BASKET: &str = "1997-01-12 cdnow basket p1 USD book:60 disc:40 gift:0 order=o1";

#[test]
fn lines_are_returned_by_their_names() {
    check(
        MYPOINTS,
        BASKET,
        "
        1997-01-20 cdnow return r1 o1 USD book:
        1997-01-20 cdnow return r1 o1 USD book:20 disc:
        1997-01-20 cdnow return r1 o1 USD book: disc:40
        1997-01-20 cdnow return r1 o1 USD disc:40.01
        1997-01-20 cdnow return r1 o1 USD gift:
        1997-01-20 cdnow return r1 o1 EUR disc:40
    ",
        expect![[r#"
            1997-01-20 cdnow return r1 o1 USD book:
                returned 60.00 USD in 1 lines
                -60 of dollars of mypoints 1: cdnow had paid 9000 micros USD
                  60 of lot 1.0
                mypoints: 40
            1997-01-20 cdnow return r1 o1 USD book:20 disc:
                returned 60.00 USD in 2 lines
                -60 of dollars of mypoints 1: cdnow had paid 9000 micros USD
                  60 of lot 1.0
                mypoints: 40
            1997-01-20 cdnow return r1 o1 USD book: disc:40
                returned 100.00 USD in 2 lines, nothing is left
                -100 of dollars of mypoints 1: cdnow had paid 9000 micros USD
                  100 of lot 1.0
                mypoints: 0
            1997-01-20 cdnow return r1 o1 USD disc:40.01
                refused RETURN_EXCEEDS_ORDER: more is returned than is left of the order or line
            1997-01-20 cdnow return r1 o1 USD gift:
                returned 0.00 USD in 1 lines
                mypoints: 100
            1997-01-20 cdnow return r1 o1 EUR disc:40
                refused ORDER_CURRENCY_DIFFERS: the order is in USD, the event in EUR"#]],
    );
    let given =
        format!("{BASKET}\n1997-01-20 cdnow return r1 o1 USD disc:10\n1997-01-20 cdnow return r2 o1 70 USD");
    check(
        MYPOINTS,
        &given,
        "
        // A part that was returned by its amount may have been of any line: 20 are left of the order.
        1997-01-21 cdnow return r3 o1 USD disc:
        1997-01-21 cdnow return r3 o1 USD disc:20
        1997-01-21 cdnow return r3 o1 USD disc:30.01
    ",
        expect![[r#"
            1997-01-21 cdnow return r3 o1 USD disc:
                refused RETURN_EXCEEDS_ORDER: more is returned than is left of the order or line
            1997-01-21 cdnow return r3 o1 USD disc:20
                returned 20.00 USD in 1 lines, nothing is left
                -20 of dollars of mypoints 1: cdnow had paid 9000 micros USD
                  20 of lot 1.0
                mypoints: 0
            1997-01-21 cdnow return r3 o1 USD disc:30.01
                refused RETURN_EXCEEDS_ORDER: more is returned than is left of the order or line"#]],
    );
}

#[test]
fn an_order_of_nothing_is_returned_as_a_whole_only() {
    let free = MYPOINTS.replace("per = { amount = \"1.00\", currency = \"USD\", rounding = \"down\" }", "");
    let given = "1997-01-12 cdnow purchase p1 0 USD order=o1";
    check(
        &free,
        given,
        "
        1997-01-20 cdnow return r1 o1
        1997-01-20 cdnow return r1 o1 0.01 USD
    ",
        expect![[r#"
            1997-01-20 cdnow return r1 o1
                returned 0.00 USD, nothing is left
                -1 of dollars of mypoints 1: cdnow had paid 9000 micros USD
                  1 of lot 1.0
                mypoints: 0
            1997-01-20 cdnow return r1 o1 0.01 USD
                refused RETURN_EXCEEDS_ORDER: more is returned than is left of the order or line"#]],
    );
}

#[test]
fn an_order_that_comes_in_parts_is_one() {
    let given = format!("{BOUGHT}\n1997-01-13 cdnow purchase p2 50 USD order=o1");
    check(
        &web(),
        &given,
        "
        1997-01-20 cdnow return r1 o1 75 USD
        1997-01-20 cdnow return r1 o1 150 USD
        1997-01-20 cdnow purchase p3 50 EUR order=o1
        // Another partner's order of that name is another one.
        1997-01-20 bank return r1 o1
    ",
        expect![[r#"
            1997-01-20 cdnow return r1 o1 75 USD
                returned 75.00 USD
                -50 of dollars of mypoints 1: cdnow had paid 9000 micros USD
                  50 of lot 1.0
                -15 of web of mypoints 1: bank had paid 8000 micros USD
                  15 of lot 1.1
                -25 of dollars of mypoints 1: cdnow had paid 9000 micros USD
                  25 of lot 2.0
                mypoints: 90
            1997-01-20 cdnow return r1 o1 150 USD
                returned 150.00 USD, nothing is left
                -100 of dollars of mypoints 1: cdnow had paid 9000 micros USD
                  100 of lot 1.0
                -30 of web of mypoints 1: bank had paid 8000 micros USD
                  30 of lot 1.1
                -50 of dollars of mypoints 1: cdnow had paid 9000 micros USD
                  50 of lot 2.0
                mypoints: 0
            1997-01-20 cdnow purchase p3 50 EUR order=o1
                refused CURRENCY_NOT_ACCEPTED: programme mypoints has no rule for amounts in EUR at this partner
            1997-01-20 bank return r1 o1
                waits until 1997-01-21T00:00:00Z for the order"#]],
    );
}

/// The points of the first part are gone already: the parts behind its return owe the rest together, not each.
#[test]
fn parts_behind_a_return_pay_once_for_what_is_returned_next() {
    check(
        MYPOINTS,
        "
        1997-01-12 cdnow purchase p1 100 USD order=o1
        1997-01-13 cdnow return r1 o1
        1997-01-14 cdnow purchase p2 100 USD order=o1
        1997-01-14 cdnow purchase p3 100 USD order=o1
        ",
        "
        1997-01-20 cdnow return r2 o1 50 USD
        1997-01-20 cdnow return r2 o1
    ",
        expect![[r#"
            1997-01-20 cdnow return r2 o1 50 USD
                returned 50.00 USD
                -50 of dollars of mypoints 1: cdnow had paid 9000 micros USD
                  50 of lot 3.0
                mypoints: 150
            1997-01-20 cdnow return r2 o1
                returned 200.00 USD, nothing is left
                -100 of dollars of mypoints 1: cdnow had paid 9000 micros USD
                  100 of lot 3.0
                -100 of dollars of mypoints 1: cdnow had paid 9000 micros USD
                  100 of lot 4.0
                mypoints: 0"#]],
    );
}

#[test]
fn what_was_granted_counts_as_it_was_recorded() {
    let later = MYPOINTS
        .replace("1996-01-01T00:00:00Z", "1997-01-15T00:00:00Z")
        .replace("points = 1\n", "points = 9\n");
    check(
        &format!("{MYPOINTS}---{later}"),
        "1997-01-12 cdnow purchase p1 100 USD order=o1
         1997-01-13 operator contract cdnow mypoints accrual=1 from=1997-01-14",
        "1997-01-20 cdnow return r1 o1",
        expect![[r#"
            returned 100.00 USD, nothing is left
            -100 of dollars of mypoints 1: cdnow had paid 9000 micros USD
              100 of lot 1.0
            mypoints: 0"#]],
    );
}

#[test]
fn points_that_have_lapsed_are_not_taken_a_second_time() {
    // The 30 points of the web lapse on 11 February.
    check(
        &web(),
        BOUGHT,
        "1997-02-12 cdnow return r1 o1",
        expect![[r#"
        lot 1.1 of 30 lapsed
        returned 100.00 USD, nothing is left
        -100 of dollars of mypoints 1: cdnow had paid 9000 micros USD
          100 of lot 1.0
        mypoints: 0"#]],
    );
    let half =
        format!("{BOUGHT}\n1997-01-20 cdnow return r1 o1 50 USD\n1997-02-12 mypoints consent_given c1 x");
    check(
        &web(),
        &half,
        "1997-02-13 cdnow return r2 o1",
        expect![[r#"
        returned 50.00 USD, nothing is left
        -50 of dollars of mypoints 1: cdnow had paid 9000 micros USD
          50 of lot 1.0
        mypoints: 0"#]],
    );
}

#[test]
fn a_return_that_comes_before_its_purchase_waits_for_it() {
    let given = "1997-01-12 cdnow return r1 o1 25 USD";
    check(MYPOINTS, "", given, expect!["waits until 1997-01-13T00:00:00Z for the order"]);
    check(
        MYPOINTS,
        given,
        "1997-01-12 cdnow purchase p1 100 USD order=o1",
        expect![[r#"
        by mypoints 1
        +100 Base by dollars: cdnow, cdnow pays 9000 micros USD
        mypoints: 100
        r1 at last: returned 25.00 USD
        -25 of dollars of mypoints 1: cdnow had paid 9000 micros USD
          25 of lot 2.0
        mypoints: 75"#]],
    );
    check(
        MYPOINTS,
        given,
        "1997-01-13 mypoints consent_given c1 x",
        expect![[r#"
        r1 at last: refused ORDER_NOT_FOUND: no such order of this partner is known on this account, and none came in time
        by mypoints 1
        permits x"#]],
    );
}

#[test]
fn an_order_is_returned_as_long_as_an_event_of_its_age_is_accepted() {
    let mut world = World::new(MYPOINTS);
    let day = Span::from_days(1);
    let settings = Settings { max_event_age: Span::from_days(10), max_request_age: day };
    world.registry.evolve(&RegistryEvent::SettingsChanged(settings));
    world.say("1997-01-12 cdnow purchase p1 100 USD order=o1");
    let said = |now| world.clone().say(&format!("{now} cdnow return r1 o1"));
    assert!(said("1997-01-22").starts_with("returned 100.00 USD"));
    expect!["refused RETURN_TOO_LATE: the order is older than returns are accepted for (10 days)"]
        .assert_eq(&said("1997-01-22T00:00:00.001Z"));
}

fn opening() -> String {
    format!(
        "{MYPOINTS}
    [[rule]]
    id = \"opening\"
    event = \"account_opening\"
    points = 250
    clawback_within_days = 90

    [[rule]]
    id = \"welcome\"
    event = \"account_opening\"
    points = 5"
    )
}

#[test]
fn a5_an_account_that_is_closed_early_gives_its_points_back() {
    let given = "1997-01-01 bank account_opening a1 acc";
    check(
        &opening(),
        given,
        "
        1997-03-31T23:59:59.999Z bank account_closing c1 acc
        1997-04-01 bank account_closing c1 acc
        1997-04-01 cdnow account_closing c1 acc
        1997-04-01 bank return c1 acc
    ",
        expect![[r#"
            1997-03-31T23:59:59.999Z bank account_closing c1 acc
                returned account, nothing is left
                -250 of opening of mypoints 1: bank had paid 8000 micros USD
                  250 of lot 1.0
                nothing by welcome: KeptOnClosing
                mypoints: 5
            1997-04-01 bank account_closing c1 acc
                returned account, nothing is left
                nothing by opening: OpenLongEnough
                nothing by welcome: KeptOnClosing
                mypoints: 255
            1997-04-01 cdnow account_closing c1 acc
                waits until 1997-04-02T00:00:00Z for the order
            1997-04-01 bank return c1 acc
                waits until 1997-04-02T00:00:00Z for the order"#]],
    );
    let closed = format!("{given}\n1997-01-02 bank account_closing c1 acc");
    check(
        &opening(),
        &closed,
        "1997-01-03 bank account_closing c2 acc",
        expect!["refused RETURN_EXCEEDS_ORDER: more is returned than is left of the order or line"],
    );
}

/// The points of the web lie in a hold that times out, and lapse, while nobody looks.
#[test]
fn held_points_that_have_lapsed_are_not_taken_a_second_time() {
    let given = format!(
        "1997-01-01 operator enrol 1
         {BOUGHT}
         1997-01-13 member hold 2 cup ttl=2000000"
    );
    let cup = "
    [[reward]]
    id = \"cup\"
    name = \"A cup\"
    redeemer = \"cdnow\"
    points = 40";
    check(
        &(web() + cup),
        &given,
        "
        1997-02-10 cdnow return r1 o1
        1997-02-12 cdnow return r1 o1
    ",
        expect![[r#"
            1997-02-10 cdnow return r1 o1
                hold 2 gives 40 back: TimedOut
                returned 100.00 USD, nothing is left
                -100 of dollars of mypoints 1: cdnow had paid 9000 micros USD
                  100 of lot 2.0
                -30 of web of mypoints 1: bank had paid 8000 micros USD
                  30 of lot 2.1
                mypoints: 0
            1997-02-12 cdnow return r1 o1
                hold 2 gives 40 back: TimedOut
                lot 2.1 of 30 lapsed
                returned 100.00 USD, nothing is left
                -100 of dollars of mypoints 1: cdnow had paid 9000 micros USD
                  100 of lot 2.0
                mypoints: 0"#]],
    );
}
