//! Points that are given back too late to be spent, after their order was returned: they count against the member once.

use expect_test::{Expect, expect};

use super::{MYPOINTS, check};

/// 500 points that lapse on 11 January; a voucher takes all of them.
fn lapsing(given: &str, when: &str, then: Expect) {
    let programme = MYPOINTS.replace("points = 1\n", "points = 1\n    expires_after_days = 10\n");
    let earned = "1997-01-01 operator enrol 1\n1997-01-01 cdnow purchase p1 500 USD\n";
    check(&programme, &format!("{earned}{given}"), when, then);
}

const HELD: &str = "1997-01-10 member hold 2 voucher ttl=172800\n";

#[test]
fn what_was_held_while_its_order_was_returned_repays_and_does_not_lapse() {
    lapsing(
        &format!("{HELD}1997-01-10 cdnow return r1 p1\n1997-01-12 time passes"),
        "1997-01-12 time passes",
        expect![[r#"
            500 owed for cdnow, cdnow is credited
              500 of lot 2.0
            mypoints: 0"#]],
    );
}

#[test]
fn what_the_return_left_lapses() {
    // 200 of 500 are owed, so 300 were the member's to lose.
    lapsing(
        &format!("{HELD}1997-01-10 cdnow return r1 p1 200 USD\n1997-01-12 time passes"),
        "
        1997-01-12 time passes
        1997-01-12 bank purchase p2 10 USD
        ",
        expect![[r#"
            1997-01-12 time passes
                lot 2.0 of 300 lapsed
                200 owed for cdnow, cdnow is credited
                  200 of lot 2.0
                mypoints: 0
            1997-01-12 bank purchase p2 10 USD
                by mypoints 1
                lot 2.0 of 300 lapsed
                +10 Base by dollars: bank, bank pays 8000 micros USD, until 1997-01-22T00:00:00Z
                200 owed for cdnow, cdnow is credited
                  200 of lot 2.0
                mypoints: 10"#]],
    );
}

#[test]
fn what_somebody_gives_back_is_no_other() {
    let returned = "1997-01-10 cdnow return r1 p1 200 USD";
    lapsing(
        &format!("{HELD}{returned}"),
        "1997-01-11 member release 3 2",
        expect![[r#"
            hold 2 gives 500 back: Asked
            lot 2.0 of 300 lapsed
            200 owed for cdnow, cdnow is credited
              200 of lot 2.0
            mypoints: 0"#]],
    );
    lapsing(
        &format!("{HELD}{returned}"),
        "1997-01-11 cdnow capture 3 2 100",
        expect![[r#"
            -100 for 1 voucher: cdnow is paid 7000 micros USD, of hold 2; 400 given back
              100 of cdnow, cdnow paid 9000 micros USD for lot 2.0
            lot 2.0 of 200 lapsed
            200 owed for cdnow, cdnow is credited
              200 of lot 2.0
            mypoints: 0"#]],
    );
    let redeemed = "1997-01-10 member redeem 2 voucher\n";
    lapsing(
        &format!("{redeemed}{returned}"),
        "1997-01-12 cdnow refund 3 2",
        expect![[r#"
            redemption 2 gives 500 back: cdnow pays 7000 micros USD back
              500 of cdnow, cdnow paid 9000 micros USD for lot 2.0
            lot 2.0 of 300 lapsed
            200 owed for cdnow, cdnow is credited
              200 of lot 2.0
            mypoints: 0"#]],
    );
}

#[test]
fn what_was_lost_in_parts_is_no_more_than_was_earned() {
    // 100 lapse on the 11th and 400 are held; all is returned: 400 are owed, and repaid when they come back.
    let held = "1997-01-10 member hold 2 cup quantity=4 ttl=172800\n";
    let programme = MYPOINTS.replace("points = 1\n", "points = 1\n    expires_after_days = 10\n");
    let programme =
        programme.replace("id = \"voucher\"", "id = \"cup\"").replace("points = 500", "points = 100");
    let given = format!(
        "1997-01-01 operator enrol 1\n1997-01-01 cdnow purchase p1 500 USD\n{held}
        1997-01-11 time passes\n1997-01-11 cdnow return r1 p1\n1997-01-12 time passes"
    );
    check(
        &programme,
        &given,
        "1997-01-12 time passes",
        expect![[r#"
            400 owed for cdnow, cdnow is credited
              400 of lot 2.0
            mypoints: 0"#]],
    );
}
