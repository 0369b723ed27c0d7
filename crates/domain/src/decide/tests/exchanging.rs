//! Rewards that buy units of an outside programme, or money, and how many points may be spent on a reward.

use expect_test::expect;

use super::world::World;
use super::{MYPOINTS, check, lines};

/// 500 points are 1,000 miles, and 1,000 points 5 dollars.
const REWARDS: &str = r#"
    [[reward]]
    id = "miles"
    name = "1,000 miles"
    redeemer = "airline"
    points = 500
    buys = { units = 1_000, unit = "sky-miles" }

    [[reward]]
    id = "cash"
    name = "5 dollars"
    redeemer = "airline"
    points = 1_000
    buys = { amount = "5.00", currency = "USD" }
    limits = { min_points = 2_000, max_points = 5_000, max_points_a_year = 6_000 }
"#;

/// 12,000 points of CDnow.
const RICH: &str = "
    1997-01-12 operator enrol 1
    1997-01-12 cdnow purchase p1 12000 USD
";

fn check_rewards(given: &str, when: &str, then: expect_test::Expect) {
    check(&format!("{MYPOINTS}{REWARDS}"), &format!("{RICH}{given}"), when, then);
}

#[test]
fn a_redemption_says_what_it_bought() {
    check_rewards(
        "",
        "
        1997-01-13 member redeem 2 miles quantity=3
        1997-01-13 member redeem 2 cash quantity=4
        ",
        expect![[r#"
            1997-01-13 member redeem 2 miles quantity=3
                by mypoints 1
                -1500 for 3 miles: airline is paid 6500 micros USD
                  1500 of cdnow, cdnow paid 9000 micros USD for lot 2.0
                  Bought: 3000 sky-miles
                mypoints: 10500
            1997-01-13 member redeem 2 cash quantity=4
                by mypoints 1
                -4000 for 4 cash: airline is paid 6500 micros USD
                  4000 of cdnow, cdnow paid 9000 micros USD for lot 2.0
                  Bought: 20.00 USD
                mypoints: 8000"#]],
    );
}

#[test]
fn a_hold_promises_what_its_capture_buys_in_whole_rewards() {
    check_rewards(
        "1997-01-13 airline hold 2 miles quantity=3",
        "1997-01-13 airline release 3 2",
        expect![[r#"
            hold 2 gives 1500 back: Asked
            mypoints: 12000"#]],
    );
    check_rewards(
        "1997-01-13 airline hold 2 miles quantity=3",
        "
        1997-01-13 airline capture 3 2
        1997-01-13 airline capture 3 2 1000
        1997-01-13 airline capture 3 2 999
        1997-01-13 airline capture 3 2 1
        ",
        expect![[r#"
            1997-01-13 airline capture 3 2
                -1500 for 3 miles: airline is paid 6500 micros USD, of hold 2; 0 given back
                  1500 of cdnow, cdnow paid 9000 micros USD for lot 2.0
                  Bought: 3000 sky-miles
                mypoints: 10500
            1997-01-13 airline capture 3 2 1000
                -1000 for 3 miles: airline is paid 6500 micros USD, of hold 2; 500 given back
                  1000 of cdnow, cdnow paid 9000 micros USD for lot 2.0
                  Bought: 2000 sky-miles
                mypoints: 11000
            1997-01-13 airline capture 3 2 999
                refused INVALID_ARGUMENT: a capture of this hold takes a multiple of 500 points
            1997-01-13 airline capture 3 2 1
                refused INVALID_ARGUMENT: a capture of this hold takes a multiple of 500 points"#]],
    );
}

#[test]
fn a_refund_undoes_what_was_bought() {
    check_rewards(
        "
        1997-01-13 airline hold 2 miles quantity=3
        1997-01-13 airline capture 3 2 1000
        ",
        "1997-01-14 airline refund 4 3",
        expect![[r#"
            redemption 3 gives 1000 back: airline pays 6500 micros USD back
              1000 of cdnow, cdnow paid 9000 micros USD for lot 2.0
              Undone: 2000 sky-miles
            mypoints: 12000"#]],
    );
}

#[test]
fn too_little_or_too_much_at_once_is_refused() {
    check_rewards(
        "",
        "
        1997-01-13 member redeem 2 cash quantity=1
        1997-01-13 member redeem 2 cash quantity=2
        1997-01-13 member redeem 2 cash quantity=5
        1997-01-13 member redeem 2 cash quantity=6
        1997-01-13 airline hold 2 cash quantity=1
        1997-01-13 airline hold 2 cash quantity=6
        ",
        expect![[r#"
            1997-01-13 member redeem 2 cash quantity=1
                refused REWARD_BELOW_MINIMUM: at least 2,000 points are spent on it at once
            1997-01-13 member redeem 2 cash quantity=2
                by mypoints 1
                -2000 for 2 cash: airline is paid 6500 micros USD
                  2000 of cdnow, cdnow paid 9000 micros USD for lot 2.0
                  Bought: 10.00 USD
                mypoints: 10000
            1997-01-13 member redeem 2 cash quantity=5
                by mypoints 1
                -5000 for 5 cash: airline is paid 6500 micros USD
                  5000 of cdnow, cdnow paid 9000 micros USD for lot 2.0
                  Bought: 25.00 USD
                mypoints: 7000
            1997-01-13 member redeem 2 cash quantity=6
                refused REWARD_ABOVE_MAXIMUM: at most 5,000 points are spent on it at once
            1997-01-13 airline hold 2 cash quantity=1
                refused REWARD_BELOW_MINIMUM: at least 2,000 points are spent on it at once
            1997-01-13 airline hold 2 cash quantity=6
                refused REWARD_ABOVE_MAXIMUM: at most 5,000 points are spent on it at once"#]],
    );
}

#[test]
fn a_year_has_its_limit_with_what_is_held_and_without_what_was_given_back() {
    let tries = "
        1997-12-31T23:59:59.999Z member redeem 9 cash quantity=2
        1997-12-31T23:59:59.999Z member redeem 9 cash quantity=3
        1998-01-01 member redeem 9 cash quantity=5
    ";
    check_rewards(
        "1997-01-13 member redeem 2 cash quantity=4",
        tries,
        expect![[r#"
        1997-12-31T23:59:59.999Z member redeem 9 cash quantity=2
            by mypoints 1
            -2000 for 2 cash: airline is paid 6500 micros USD
              2000 of cdnow, cdnow paid 9000 micros USD for lot 2.0
              Bought: 10.00 USD
            mypoints: 6000
        1997-12-31T23:59:59.999Z member redeem 9 cash quantity=3
            refused REWARD_LIMIT_REACHED: 2,000 more points can be spent on it before 1998-01-01T00:00:00Z
        1998-01-01 member redeem 9 cash quantity=5
            by mypoints 1
            -5000 for 5 cash: airline is paid 6500 micros USD
              5000 of cdnow, cdnow paid 9000 micros USD for lot 2.0
              Bought: 25.00 USD
            mypoints: 3000"#]],
    );
    // A hold counts, with the points that it has left, also if it is captured in the next year.
    check_rewards(
        "1997-12-31 airline hold 2 cash quantity=4 ttl=172800",
        tries,
        expect![[r#"
        1997-12-31T23:59:59.999Z member redeem 9 cash quantity=2
            by mypoints 1
            -2000 for 2 cash: airline is paid 6500 micros USD
              2000 of cdnow, cdnow paid 9000 micros USD for lot 2.0
              Bought: 10.00 USD
            mypoints: 6000, 4000 held
        1997-12-31T23:59:59.999Z member redeem 9 cash quantity=3
            refused REWARD_LIMIT_REACHED: 2,000 more points can be spent on it before 1998-01-01T00:00:00Z
        1998-01-01 member redeem 9 cash quantity=5
            by mypoints 1
            -5000 for 5 cash: airline is paid 6500 micros USD
              5000 of cdnow, cdnow paid 9000 micros USD for lot 2.0
              Bought: 25.00 USD
            mypoints: 3000, 4000 held"#]],
    );
    check_rewards(
        "
        1997-12-31 airline hold 2 cash quantity=4 ttl=172800
        1998-01-01 airline capture 3 2 3000
        ",
        "
        1997-12-31T23:59:59.999Z member redeem 9 cash quantity=3
        1998-01-01 member redeem 9 cash quantity=5
        ",
        expect![[r#"
            1997-12-31T23:59:59.999Z member redeem 9 cash quantity=3
                by mypoints 1
                -3000 for 3 cash: airline is paid 6500 micros USD
                  3000 of cdnow, cdnow paid 9000 micros USD for lot 2.0
                  Bought: 15.00 USD
                mypoints: 6000
            1998-01-01 member redeem 9 cash quantity=5
                by mypoints 1
                -5000 for 5 cash: airline is paid 6500 micros USD
                  5000 of cdnow, cdnow paid 9000 micros USD for lot 2.0
                  Bought: 25.00 USD
                mypoints: 4000"#]],
    );
    let all = |bought: &str| {
        format!(
            "{bought}  5000 of cdnow, cdnow paid 9000 micros USD for lot 2.0\n  Bought: 25.00 USD\nmypoints: 7000"
        )
    };
    for (given_back, timed_out) in [
        ("1997-01-13 member redeem 2 cash quantity=4\n1997-01-14 airline refund 3 2", ""),
        ("1997-01-13 airline hold 2 cash quantity=4\n1997-01-13 airline release 3 2", ""),
        ("1997-01-13 airline hold 2 cash quantity=4", "hold 2 gives 4000 back: TimedOut\n"),
    ] {
        let mut world = World::new(&format!("{MYPOINTS}{REWARDS}"));
        lines(RICH).chain(lines(given_back)).for_each(|line| drop(world.say(line)));
        let said = world.say("1997-12-31T23:59:59.999Z member redeem 9 cash quantity=5");
        let head = format!("by mypoints 1\n{timed_out}-5000 for 5 cash: airline is paid 6500 micros USD\n");
        assert_eq!(said, all(&head), "{given_back}");
    }
}
