//! Points held for a reward: captured whole or in part, released by a request or by time.

use expect_test::expect;

use super::world::World;
use super::{MYPOINTS, check, script};
use crate::burn::{Burn, HOLDS_MAX, HoldState};
use crate::{BurnId, Timestamp};

/// 150 points of MyPoints and 600 of CDnow; 500 are held for half an hour: the activity 2.
const HELD: &str = "
    1997-01-12 mypoints sign_up s1
    1997-01-12 cdnow purchase p1 600 USD
    1997-01-13 cdnow hold 1 voucher
";

fn of_held(when: &str, then: expect_test::Expect) {
    check(MYPOINTS, HELD, when, then);
}

#[test]
fn points_are_out_of_reach_until_they_are_burnt_or_given_back() {
    check(
        MYPOINTS,
        "1997-01-12 mypoints sign_up s1\n1997-01-12 cdnow purchase p1 600 USD",
        "1997-01-13 member hold 1 voucher ttl=3600",
        expect![[r#"
            by mypoints 1
            500 held for 1 voucher of cdnow until 1997-01-13T01:00:00Z
              150 of mypoints, mypoints paid 9000 micros USD for lot 1.0
              350 of cdnow, cdnow paid 9000 micros USD for lot 2.0
            mypoints: 250, 500 held"#]],
    );
    of_held(
        "
        1997-01-13 member redeem 2 voucher
        1997-01-13 cdnow capture 2 2
        1997-01-13 cdnow release 2 2
        ",
        expect![[r#"
            1997-01-13 member redeem 2 voucher
                refused POINTS_SHORT: 250 points short
            1997-01-13 cdnow capture 2 2
                -500 for 1 voucher: cdnow is paid 7000 micros USD, of hold 2; 0 given back
                  150 of mypoints, mypoints paid 9000 micros USD for lot 1.0
                  350 of cdnow, cdnow paid 9000 micros USD for lot 2.0
                mypoints: 250
            1997-01-13 cdnow release 2 2
                hold 2 gives 500 back: Asked
                mypoints: 750"#]],
    );
}

#[test]
fn a_capture_in_part_gives_the_rest_back() {
    of_held(
        "
        1997-01-13 cdnow capture 2 2 0
        1997-01-13 cdnow capture 2 2 1
        1997-01-13 cdnow capture 2 2 200
        1997-01-13 cdnow capture 2 2 500
        1997-01-13 cdnow capture 2 2 501
        ",
        expect![[r#"
            1997-01-13 cdnow capture 2 2 0
                refused INVALID_ARGUMENT: a capture takes 1 point at least
            1997-01-13 cdnow capture 2 2 1
                -1 for 1 voucher: cdnow is paid 7000 micros USD, of hold 2; 499 given back
                  1 of mypoints, mypoints paid 9000 micros USD for lot 1.0
                mypoints: 749
            1997-01-13 cdnow capture 2 2 200
                -200 for 1 voucher: cdnow is paid 7000 micros USD, of hold 2; 300 given back
                  150 of mypoints, mypoints paid 9000 micros USD for lot 1.0
                  50 of cdnow, cdnow paid 9000 micros USD for lot 2.0
                mypoints: 550
            1997-01-13 cdnow capture 2 2 500
                -500 for 1 voucher: cdnow is paid 7000 micros USD, of hold 2; 0 given back
                  150 of mypoints, mypoints paid 9000 micros USD for lot 1.0
                  350 of cdnow, cdnow paid 9000 micros USD for lot 2.0
                mypoints: 250
            1997-01-13 cdnow capture 2 2 501
                refused CAPTURE_TOO_LARGE: the hold has 500 points, fewer than are to be captured"#]],
    );
}

#[test]
fn the_price_is_that_of_the_capture() {
    let given = format!(
        "{HELD}1997-01-12 operator contract cdnow mypoints redemption=6000 from=1997-01-13T00:10:00Z"
    );
    check(
        MYPOINTS,
        &given,
        "
        1997-01-13T00:09:59.999Z cdnow capture 2 2
        1997-01-13T00:10:00Z cdnow capture 2 2
        ",
        expect![[r#"
            1997-01-13T00:09:59.999Z cdnow capture 2 2
                -500 for 1 voucher: cdnow is paid 7000 micros USD, of hold 2; 0 given back
                  150 of mypoints, mypoints paid 9000 micros USD for lot 1.0
                  350 of cdnow, cdnow paid 9000 micros USD for lot 2.0
                mypoints: 250
            1997-01-13T00:10:00Z cdnow capture 2 2
                -500 for 1 voucher: cdnow is paid 6000 micros USD, of hold 2; 0 given back
                  150 of mypoints, mypoints paid 9000 micros USD for lot 1.0
                  350 of cdnow, cdnow paid 9000 micros USD for lot 2.0
                mypoints: 250"#]],
    );
    let given =
        format!("{HELD}1997-01-12 operator contract cdnow mypoints accrual=6000 from=1997-01-13T00:10:00Z");
    check(
        MYPOINTS,
        &given,
        "1997-01-13T00:10:00Z cdnow capture 2 2",
        expect!["refused NO_CONTRACT: partner cdnow has no price in force for programme mypoints"],
    );
}

#[test]
fn what_was_settled_stays_so() {
    for (first, then) in [
        (
            "1997-01-13 cdnow capture 2 2 200",
            expect![[r#"
            1997-01-13 cdnow capture 3 2
                refused HOLD_NOT_OPEN: the hold was captured or released before
            1997-01-13 cdnow release 3 2
                refused HOLD_NOT_OPEN: the hold was captured or released before
            1997-01-14 cdnow release 3 2
                refused HOLD_NOT_OPEN: the hold was captured or released before
            1997-01-14 time passes
                nothing to journal"#]],
        ),
        (
            "1997-01-13 cdnow release 2 2",
            expect![[r#"
            1997-01-13 cdnow capture 3 2
                refused HOLD_NOT_OPEN: the hold was captured or released before
            1997-01-13 cdnow release 3 2
                refused HOLD_NOT_OPEN: the hold was captured or released before
            1997-01-14 cdnow release 3 2
                refused HOLD_NOT_OPEN: the hold was captured or released before
            1997-01-14 time passes
                nothing to journal"#]],
        ),
    ] {
        let given = format!("{HELD}{first}");
        let when = "
            1997-01-13 cdnow capture 3 2
            1997-01-13 cdnow release 3 2
            1997-01-14 cdnow release 3 2
            1997-01-14 time passes
        ";
        check(MYPOINTS, &given, when, then);
    }
}

#[test]
fn a_hold_is_over_at_its_very_instant_journaled_or_not() {
    let over = "
        1997-01-13T00:29:59.999Z cdnow capture 2 2
        1997-01-13T00:30:00Z cdnow capture 2 2
        1997-01-13T00:30:00Z cdnow release 2 2
        1997-01-13T00:29:59.999Z member redeem 3 voucher
        1997-01-13T00:30:00Z member redeem 3 voucher
        1997-01-13T00:30:00Z member hold 3 voucher
        1997-01-13T00:29:59.999Z time passes
        1997-01-13T00:30:00Z time passes
    ";
    of_held(
        over,
        expect![[r#"
        1997-01-13T00:29:59.999Z cdnow capture 2 2
            -500 for 1 voucher: cdnow is paid 7000 micros USD, of hold 2; 0 given back
              150 of mypoints, mypoints paid 9000 micros USD for lot 1.0
              350 of cdnow, cdnow paid 9000 micros USD for lot 2.0
            mypoints: 250
        1997-01-13T00:30:00Z cdnow capture 2 2
            refused HOLD_EXPIRED: the hold timed out at 1997-01-13T00:30:00Z; its points are available again
        1997-01-13T00:30:00Z cdnow release 2 2
            refused HOLD_EXPIRED: the hold timed out at 1997-01-13T00:30:00Z; its points are available again
        1997-01-13T00:29:59.999Z member redeem 3 voucher
            refused POINTS_SHORT: 250 points short
        1997-01-13T00:30:00Z member redeem 3 voucher
            by mypoints 1
            hold 2 gives 500 back: TimedOut
            -500 for 1 voucher: cdnow is paid 7000 micros USD
              150 of mypoints, mypoints paid 9000 micros USD for lot 1.0
              350 of cdnow, cdnow paid 9000 micros USD for lot 2.0
            mypoints: 250
        1997-01-13T00:30:00Z member hold 3 voucher
            by mypoints 1
            hold 2 gives 500 back: TimedOut
            500 held for 1 voucher of cdnow until 1997-01-13T01:00:00Z
              150 of mypoints, mypoints paid 9000 micros USD for lot 1.0
              350 of cdnow, cdnow paid 9000 micros USD for lot 2.0
            mypoints: 250, 500 held
        1997-01-13T00:29:59.999Z time passes
            nothing to journal
        1997-01-13T00:30:00Z time passes
            hold 2 gives 500 back: TimedOut
            mypoints: 750"#]],
    );
    let given = format!("{HELD}1997-01-13T00:30:00Z time passes");
    let after = "
        1997-01-13T00:30:00Z cdnow capture 2 2
        1997-01-13T00:30:00Z cdnow release 2 2
        1997-01-13T00:30:00Z member redeem 3 voucher
        1997-01-13T00:30:00Z time passes
    ";
    check(
        MYPOINTS,
        &given,
        after,
        expect![[r#"
        1997-01-13T00:30:00Z cdnow capture 2 2
            refused HOLD_EXPIRED: the hold timed out at 1997-01-13T00:30:00Z; its points are available again
        1997-01-13T00:30:00Z cdnow release 2 2
            refused HOLD_EXPIRED: the hold timed out at 1997-01-13T00:30:00Z; its points are available again
        1997-01-13T00:30:00Z member redeem 3 voucher
            by mypoints 1
            -500 for 1 voucher: cdnow is paid 7000 micros USD
              150 of mypoints, mypoints paid 9000 micros USD for lot 1.0
              350 of cdnow, cdnow paid 9000 micros USD for lot 2.0
            mypoints: 250
        1997-01-13T00:30:00Z time passes
            nothing to journal"#]],
    );
}

/// Points of a dollar lapse after 30 days: those held lapse as soon as they are given back, and not before.
#[test]
fn held_points_lapse_when_they_are_given_back() {
    let lapsing = MYPOINTS.replace("id = \"dollars\"", "id = \"dollars\"\nexpires_after_days = 30");
    let given = format!("{HELD}1997-02-10 cdnow hold 2 voucher ttl=259200");
    check(
        &lapsing,
        &given,
        "
        1997-02-12 time passes
        1997-02-12 cdnow capture 3 3
        1997-02-12 cdnow capture 3 3 450
        1997-02-12 cdnow release 3 3
        1997-02-13 time passes
        1997-02-13 member redeem 3 voucher
        ",
        expect![[r#"
            1997-02-12 time passes
                lot 2.0 of 100 lapsed
                mypoints: 150, 500 held
            1997-02-12 cdnow capture 3 3
                -500 for 1 voucher: cdnow is paid 7000 micros USD, of hold 3; 0 given back
                  500 of cdnow, cdnow paid 9000 micros USD for lot 2.0
                mypoints: 150
            1997-02-12 cdnow capture 3 3 450
                -450 for 1 voucher: cdnow is paid 7000 micros USD, of hold 3; 50 given back
                  450 of cdnow, cdnow paid 9000 micros USD for lot 2.0
                lot 2.0 of 50 lapsed
                mypoints: 150
            1997-02-12 cdnow release 3 3
                hold 3 gives 500 back: Asked
                lot 2.0 of 500 lapsed
                mypoints: 150
            1997-02-13 time passes
                hold 3 gives 500 back: TimedOut
                mypoints: 150
            1997-02-13 member redeem 3 voucher
                refused POINTS_SHORT: 350 points short"#]],
    );
    let given = format!("{given}\n1997-02-13 time passes");
    check(
        &lapsing,
        &given,
        "1997-02-13 time passes",
        expect![[r#"
        lot 2.0 of 600 lapsed
        mypoints: 150"#]],
    );
}

#[test]
fn who_may() {
    check(
        MYPOINTS,
        "1997-01-12 mypoints sign_up s1\n1997-01-12 cdnow purchase p1 600 USD",
        "
        1997-01-13 airline hold 1 voucher
        1997-01-13 stranger hold 1 voucher
        1997-01-13 member hold 1 voucher
        1997-01-13 operator hold 1 voucher
        ",
        expect![[r#"
            1997-01-13 airline hold 1 voucher
                refused PERMISSION_DENIED: the caller may not do this
            1997-01-13 stranger hold 1 voucher
                refused PERMISSION_DENIED: the caller may not do this
            1997-01-13 member hold 1 voucher
                by mypoints 1
                500 held for 1 voucher of cdnow until 1997-01-13T00:30:00Z
                  150 of mypoints, mypoints paid 9000 micros USD for lot 1.0
                  350 of cdnow, cdnow paid 9000 micros USD for lot 2.0
                mypoints: 250, 500 held
            1997-01-13 operator hold 1 voucher
                by mypoints 1
                500 held for 1 voucher of cdnow until 1997-01-13T00:30:00Z
                  150 of mypoints, mypoints paid 9000 micros USD for lot 1.0
                  350 of cdnow, cdnow paid 9000 micros USD for lot 2.0
                mypoints: 250, 500 held"#]],
    );
    let who = "
        1997-01-13 airline capture 2 2
        1997-01-13 member capture 2 2
        1997-01-13 stranger release 2 2
        1997-01-13 airline release 2 2
        1997-01-13 member release 2 2
        1997-01-13 operator capture 2 2 100
        1997-01-13 operator release 2 2
    ";
    of_held(
        who,
        expect![[r#"
            1997-01-13 airline capture 2 2
                refused UNKNOWN_HOLD: the account has no such hold
            1997-01-13 member capture 2 2
                refused PERMISSION_DENIED: the caller may not do this
            1997-01-13 stranger release 2 2
                refused PERMISSION_DENIED: the caller may not do this
            1997-01-13 airline release 2 2
                refused UNKNOWN_HOLD: the account has no such hold
            1997-01-13 member release 2 2
                refused PERMISSION_DENIED: the caller may not do this
            1997-01-13 operator capture 2 2 100
                -100 for 1 voucher: cdnow is paid 7000 micros USD, of hold 2; 400 given back
                  100 of mypoints, mypoints paid 9000 micros USD for lot 1.0
                mypoints: 650
            1997-01-13 operator release 2 2
                hold 2 gives 500 back: Asked
                mypoints: 750"#]],
    );
    let given = HELD.replace("cdnow hold", "member hold");
    check(
        MYPOINTS,
        &given,
        who,
        expect![[r#"
            1997-01-13 airline capture 2 2
                refused UNKNOWN_HOLD: the account has no such hold
            1997-01-13 member capture 2 2
                refused PERMISSION_DENIED: the caller may not do this
            1997-01-13 stranger release 2 2
                refused PERMISSION_DENIED: the caller may not do this
            1997-01-13 airline release 2 2
                refused UNKNOWN_HOLD: the account has no such hold
            1997-01-13 member release 2 2
                hold 2 gives 500 back: Asked
                mypoints: 750
            1997-01-13 operator capture 2 2 100
                -100 for 1 voucher: cdnow is paid 7000 micros USD, of hold 2; 400 given back
                  100 of mypoints, mypoints paid 9000 micros USD for lot 1.0
                mypoints: 650
            1997-01-13 operator release 2 2
                hold 2 gives 500 back: Asked
                mypoints: 750"#]],
    );
}

#[test]
fn only_what_is_a_hold_can_be_captured_or_released() {
    let given = format!("{HELD}1997-01-13 cdnow capture 2 2 100\n1997-01-13 member redeem 3 voucher");
    check(
        MYPOINTS,
        &given,
        "
        1997-01-13 cdnow capture 5 1
        1997-01-13 cdnow capture 5 3
        1997-01-13 cdnow release 5 4
        1997-01-13 cdnow release 5 77
        ",
        expect![[r#"
            1997-01-13 cdnow capture 5 1
                refused UNKNOWN_HOLD: the account has no such hold
            1997-01-13 cdnow capture 5 3
                refused UNKNOWN_HOLD: the account has no such hold
            1997-01-13 cdnow release 5 4
                refused UNKNOWN_HOLD: the account has no such hold
            1997-01-13 cdnow release 5 77
                refused UNKNOWN_HOLD: the account has no such hold"#]],
    );
}

#[test]
fn a_hold_lasts_a_minute_to_thirty_days() {
    check(
        MYPOINTS,
        "1997-01-12 mypoints sign_up s1\n1997-01-12 cdnow purchase p1 600 USD",
        "
        1997-01-13 cdnow hold 1 voucher ttl=59
        1997-01-13 cdnow hold 1 voucher ttl=60
        1997-01-13 cdnow hold 1 voucher ttl=2592000
        1997-01-13 cdnow hold 1 voucher ttl=2592001
        ",
        expect![[r#"
            1997-01-13 cdnow hold 1 voucher ttl=59
                refused INVALID_ARGUMENT: a hold lasts 1 minute to 30 days
            1997-01-13 cdnow hold 1 voucher ttl=60
                by mypoints 1
                500 held for 1 voucher of cdnow until 1997-01-13T00:01:00Z
                  150 of mypoints, mypoints paid 9000 micros USD for lot 1.0
                  350 of cdnow, cdnow paid 9000 micros USD for lot 2.0
                mypoints: 250, 500 held
            1997-01-13 cdnow hold 1 voucher ttl=2592000
                by mypoints 1
                500 held for 1 voucher of cdnow until 1997-02-12T00:00:00Z
                  150 of mypoints, mypoints paid 9000 micros USD for lot 1.0
                  350 of cdnow, cdnow paid 9000 micros USD for lot 2.0
                mypoints: 250, 500 held
            1997-01-13 cdnow hold 1 voucher ttl=2592001
                refused INVALID_ARGUMENT: a hold lasts 1 minute to 30 days"#]],
    );
}

/// As many as are allowed, and what becomes of them when they all time out at once.
#[test]
fn an_account_keeps_a_thousand_open_holds() {
    let cheap = MYPOINTS.replace("points = 500", "points = 1");
    let mut world = World::new(&cheap);
    world.say("1997-01-12 mypoints sign_up s1");
    world.say("1997-01-12 cdnow purchase p1 2000 USD");
    for number in 0..HOLDS_MAX {
        let said = world.say(&format!("1997-01-13 cdnow hold {number} voucher"));
        assert!(said.contains("1 held for 1 voucher"), "{said}");
    }
    let one_more = |now: &str| format!("{now} cdnow hold 5000 voucher");
    expect!["refused TOO_MANY_HOLDS: an account keeps 1000 open holds at most"]
        .assert_eq(&world.say(&one_more("1997-01-13T00:29:59.999Z")));
    // They are over: the next one finds room, and says so of all of them.
    let said = world.clone().say(&one_more("1997-01-13T00:30:00Z").replace("5000", "5001"));
    assert_eq!(said.matches(" back: TimedOut").count(), HOLDS_MAX as usize);
    assert!(said.ends_with("mypoints: 2149, 1 held"), "{said}");
    // By itself time says it bit by bit.
    let backs = |said: String| said.matches(" back: TimedOut").count();
    let passes = || backs(world.say("1997-01-13T00:30:00Z time passes"));
    assert_eq!(std::iter::repeat_with(passes).take(5).collect::<Vec<_>>(), [256, 256, 256, 232, 0]);
}

#[test]
fn what_an_account_remembers_of_a_hold() {
    let mut world = World::new(MYPOINTS);
    super::lines(HELD).for_each(|line| drop(world.say(line)));
    let due = |world: &World| world.account.next_due();
    let until: Timestamp = script::instant("1997-01-13T00:30:00Z");
    assert_eq!(due(&world), Some(until));
    world.say("1997-01-13 cdnow capture 2 2 200");
    assert_eq!(due(&world), None, "nothing is due of a hold that is no longer open");
    let held = world.account.burns().get(BurnId(2)).unwrap();
    let redeemed = world.account.burns().get(BurnId(3)).unwrap();
    assert!(matches!(held.state, crate::burn::BurnState::Hold { state: HoldState::Captured(BurnId(3)), .. }));
    let slices = |of: &Burn| of.slices.iter().map(|slice| slice.left.get()).collect::<Vec<_>>();
    assert_eq!((slices(held), slices(redeemed)), (vec![150, 350], vec![150, 50]));
}
