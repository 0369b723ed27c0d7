//! Refunds: burnt points come back into the lots from which they were taken.

use expect_test::expect;

use super::{MYPOINTS, check};

const REDEEMED: &str = "
    1997-01-12 mypoints sign_up s1
    1997-01-12 cdnow purchase p1 600 USD
    1997-01-13 member redeem 1 voucher
";

#[test]
fn points_come_back_at_the_price_of_their_lots_and_of_the_redemption() {
    let given = format!(
        "{REDEEMED}1997-01-13 operator contract cdnow mypoints accrual=1 redemption=1 from=1997-01-14"
    );
    check(
        MYPOINTS,
        &given,
        "1997-01-15 cdnow refund 2 2",
        expect![[r#"
        redemption 2 gives 500 back: cdnow pays 7000 micros USD back
          150 of mypoints, mypoints paid 9000 micros USD for lot 1.0
          350 of cdnow, cdnow paid 9000 micros USD for lot 2.0
        mypoints: 750"#]],
    );
    let given = format!("{REDEEMED}1997-01-15 cdnow refund 2 2");
    check(
        MYPOINTS,
        &given,
        "1997-01-16 member redeem 3 voucher",
        expect![[r#"
        by mypoints 1
        -500 for 1 voucher: cdnow is paid 7000 micros USD
          150 of mypoints, mypoints paid 9000 micros USD for lot 1.0
          350 of cdnow, cdnow paid 9000 micros USD for lot 2.0
        mypoints: 250"#]],
    );
}

#[test]
fn a_capture_is_refunded_as_a_redemption_is() {
    let given =
        format!("{}1997-01-13 cdnow capture 2 2 200", REDEEMED.replace("member redeem", "cdnow hold"));
    check(
        MYPOINTS,
        &given,
        "
        1997-01-15 cdnow refund 3 2
        1997-01-15 cdnow refund 3 3
        ",
        expect![[r#"
            1997-01-15 cdnow refund 3 2
                refused UNKNOWN_REDEMPTION: the account has no such redemption
            1997-01-15 cdnow refund 3 3
                redemption 3 gives 200 back: cdnow pays 7000 micros USD back
                  150 of mypoints, mypoints paid 9000 micros USD for lot 1.0
                  50 of cdnow, cdnow paid 9000 micros USD for lot 2.0
                mypoints: 750"#]],
    );
}

#[test]
fn a_redemption_is_refunded_once() {
    let given = format!("{REDEEMED}1997-01-15 cdnow refund 2 2");
    check(
        MYPOINTS,
        &given,
        "1997-01-15 cdnow refund 3 2",
        expect!["refused REDEMPTION_REFUNDED: the redemption was refunded before"],
    );
}

#[test]
fn who_may() {
    check(
        MYPOINTS,
        REDEEMED,
        "
        1997-01-15 airline refund 2 2
        1997-01-15 member refund 2 2
        1997-01-15 stranger refund 2 2
        1997-01-15 operator refund 2 2
        1997-01-15 operator refund 2 1
        1997-01-15 operator refund 2 9
        ",
        expect![[r#"
            1997-01-15 airline refund 2 2
                refused UNKNOWN_REDEMPTION: the account has no such redemption
            1997-01-15 member refund 2 2
                refused PERMISSION_DENIED: the caller may not do this
            1997-01-15 stranger refund 2 2
                refused PERMISSION_DENIED: the caller may not do this
            1997-01-15 operator refund 2 2
                redemption 2 gives 500 back: cdnow pays 7000 micros USD back
                  150 of mypoints, mypoints paid 9000 micros USD for lot 1.0
                  350 of cdnow, cdnow paid 9000 micros USD for lot 2.0
                mypoints: 750
            1997-01-15 operator refund 2 1
                refused UNKNOWN_REDEMPTION: the account has no such redemption
            1997-01-15 operator refund 2 9
                refused UNKNOWN_REDEMPTION: the account has no such redemption"#]],
    );
}

/// A dollar's points lapse on the 11th of February, the 150 of the sign-up never.
#[test]
fn what_lapsed_in_the_meantime_lapses_again() {
    let lapsing = MYPOINTS.replace("id = \"dollars\"", "id = \"dollars\"\nexpires_after_days = 30");
    check(
        &lapsing,
        &REDEEMED.replace("600 USD", "400 USD"),
        "
        1997-02-10T23:59:59.999Z cdnow refund 2 2
        1997-02-11 cdnow refund 2 2
        ",
        expect![[r#"
            1997-02-10T23:59:59.999Z cdnow refund 2 2
                redemption 2 gives 500 back: cdnow pays 7000 micros USD back
                  400 of cdnow, cdnow paid 9000 micros USD for lot 2.0
                  100 of mypoints, mypoints paid 9000 micros USD for lot 1.0
                mypoints: 550
            1997-02-11 cdnow refund 2 2
                redemption 2 gives 500 back: cdnow pays 7000 micros USD back
                  400 of cdnow, cdnow paid 9000 micros USD for lot 2.0
                  100 of mypoints, mypoints paid 9000 micros USD for lot 1.0
                lot 2.0 of 400 lapsed
                mypoints: 150"#]],
    );
}

#[test]
fn a_refund_leaves_the_range_of_points_alone() {
    let dear = MYPOINTS
        .replace("points = 500", "points = 1_000_000_000_000")
        .replace("points = 150", "points = 1_000_000_000_000_000");
    let given = format!("{REDEEMED}1997-01-14 cdnow purchase p2 1000000000000 USD");
    let given = given.replace("1997-01-12 cdnow purchase p1 600 USD\n", "");
    check(
        &dear,
        &given,
        "1997-01-15 cdnow refund 2 1",
        expect!["refused AMOUNT_TOO_LARGE: the points lie beyond the range of points"],
    );
    // Held points count: whoever holds them gets them back.
    let given = given
        .replace("member redeem", "cdnow hold")
        .replace("1997-01-14 cdnow purchase p2 1000000000000 USD", "");
    check(
        &dear,
        &given,
        "1997-01-13 cdnow purchase p2 1 USD",
        expect!["refused AMOUNT_TOO_LARGE: the points lie beyond the range of points"],
    );
}
