//! Redemption by request: who may, and what it takes.

use expect_test::expect;

use super::{MYPOINTS, check};

/// A member with 649 points: 150 for joining and 499 of a purchase.
const MEMBER: &str = "
    1997-01-12 mypoints sign_up s1
    1997-01-12 cdnow purchase p1 499.99 USD
";

#[test]
fn points_are_burnt_lot_by_lot() {
    check(
        MYPOINTS,
        MEMBER,
        "1997-01-13 member redeem 1 voucher",
        expect![[r#"
        by mypoints 1
        -500 for 1 voucher: cdnow is paid 7000 micros USD
          150 of mypoints, mypoints paid 9000 micros USD for lot 1.0
          350 of cdnow, cdnow paid 9000 micros USD for lot 2.0
        mypoints: 149"#]],
    );
    let given = format!("{MEMBER}1997-01-13 member redeem 1 voucher");
    check(
        MYPOINTS,
        &given,
        "1997-01-13 member redeem 2 voucher",
        expect!["refused POINTS_SHORT: 351 points short"],
    );
}

#[test]
fn points_have_to_suffice() {
    let with =
        |dollars| format!("1997-01-12 mypoints sign_up s1\n1997-01-12 cdnow purchase p1 {dollars} USD");
    check(
        MYPOINTS,
        &with(348),
        "1997-01-13 member redeem 1 voucher",
        expect!["refused POINTS_SHORT: 2 points short"],
    );
    check(
        MYPOINTS,
        &with(349),
        "1997-01-13 member redeem 1 voucher",
        expect!["refused POINTS_SHORT: 1 point short"],
    );
    check(
        MYPOINTS,
        &with(350),
        "1997-01-13 member redeem 1 voucher",
        expect![[r#"
        by mypoints 1
        -500 for 1 voucher: cdnow is paid 7000 micros USD
          150 of mypoints, mypoints paid 9000 micros USD for lot 1.0
          350 of cdnow, cdnow paid 9000 micros USD for lot 2.0
        mypoints: 0"#]],
    );
    check(
        MYPOINTS,
        "1997-01-12 operator enrol 1",
        "1997-01-13 member redeem 2 voucher",
        expect!["refused POINTS_SHORT: 500 points short"],
    );
}

#[test]
fn several_of_a_reward_cost_several_times_its_points() {
    let given = format!("{MEMBER}1997-01-12 cdnow purchase p2 350 USD");
    check(
        MYPOINTS,
        &given,
        "
        1997-01-13 member redeem 1 voucher quantity=2
        1997-01-13 member redeem 1 voucher quantity=1
        1997-01-13 member redeem 1 voucher quantity=0
        1997-01-13 member redeem 1 voucher quantity=1000
        1997-01-13 member redeem 1 voucher quantity=1001
    ",
        expect![[r#"
            1997-01-13 member redeem 1 voucher quantity=2
                refused POINTS_SHORT: 1 point short
            1997-01-13 member redeem 1 voucher quantity=1
                by mypoints 1
                -500 for 1 voucher: cdnow is paid 7000 micros USD
                  150 of mypoints, mypoints paid 9000 micros USD for lot 1.0
                  350 of cdnow, cdnow paid 9000 micros USD for lot 2.0
                mypoints: 499
            1997-01-13 member redeem 1 voucher quantity=0
                refused INVALID_ARGUMENT: a quantity lies between 1 and 1000
            1997-01-13 member redeem 1 voucher quantity=1000
                refused POINTS_SHORT: 499,001 points short
            1997-01-13 member redeem 1 voucher quantity=1001
                refused INVALID_ARGUMENT: a quantity lies between 1 and 1000"#]],
    );
    let dear = MYPOINTS.replace("points = 500", "points = 1_000_000_000_000_000");
    check(
        &dear,
        &given,
        "1997-01-13 member redeem 1 voucher quantity=2",
        expect!["refused AMOUNT_TOO_LARGE: the points lie beyond the range of points"],
    );
}

#[test]
fn a_reward_is_to_be_had_in_its_window() {
    let given = format!("{MEMBER}1997-01-12 cdnow purchase p2 3000 USD");
    let check = |line, then| check(MYPOINTS, &given, line, then);
    check(
        "
        1997-05-31T23:59:59.999Z member redeem 1 paris
        1997-06-01 member redeem 1 paris
        1997-08-31T23:59:59.999Z member redeem 1 paris
        1997-09-01 member redeem 1 paris
    ",
        expect![[r#"
            1997-05-31T23:59:59.999Z member redeem 1 paris
                refused REWARD_NOT_AVAILABLE: reward paris is not to be had at this time
            1997-06-01 member redeem 1 paris
                by mypoints 1
                -2500 for 1 paris: airline is paid 6500 micros USD
                  150 of mypoints, mypoints paid 9000 micros USD for lot 1.0
                  499 of cdnow, cdnow paid 9000 micros USD for lot 2.0
                  1851 of cdnow, cdnow paid 9000 micros USD for lot 3.0
                mypoints: 1149
            1997-08-31T23:59:59.999Z member redeem 1 paris
                by mypoints 1
                -2500 for 1 paris: airline is paid 6500 micros USD
                  150 of mypoints, mypoints paid 9000 micros USD for lot 1.0
                  499 of cdnow, cdnow paid 9000 micros USD for lot 2.0
                  1851 of cdnow, cdnow paid 9000 micros USD for lot 3.0
                mypoints: 1149
            1997-09-01 member redeem 1 paris
                refused REWARD_NOT_AVAILABLE: reward paris is not to be had at this time"#]],
    );
}

#[test]
fn reward_programme_and_member_have_to_be_there() {
    check(
        MYPOINTS,
        MEMBER,
        "
        1997-01-13 member redeem 1 london
        1997-01-13 member redeem 1 voucher programme=clickrewards
        1995-12-31T23:59:59.999Z member redeem 1 voucher
    ",
        expect![[r#"
            1997-01-13 member redeem 1 london
                refused UNKNOWN_REWARD: programme mypoints has no reward london
            1997-01-13 member redeem 1 voucher programme=clickrewards
                refused UNKNOWN_PROGRAMME: the network has no programme clickrewards
            1995-12-31T23:59:59.999Z member redeem 1 voucher
                refused PROGRAMME_NOT_IN_FORCE: programme mypoints is in force from 1996-01-01T00:00:00Z; the event happened before"#]],
    );
    let nobody = "1997-01-12 cdnow purchase p1 500 USD";
    check(
        MYPOINTS,
        nobody,
        "1997-01-13 member redeem 1 voucher",
        expect!["refused NOT_ENROLLED: nobody is enrolled on this account"],
    );
}

#[test]
fn a_redeemer_has_to_have_a_price() {
    let at = |partner: &str| MYPOINTS.replace("redeemer = \"cdnow\"", &format!("redeemer = \"{partner}\""));
    check(
        &at("rival"),
        MEMBER,
        "1997-01-13 member redeem 1 voucher",
        expect!["refused NO_CONTRACT: partner rival has no price in force for programme mypoints"],
    );
    // The bank has a price for what it issues only.
    check(
        &at("bank"),
        MEMBER,
        "1997-01-13 member redeem 1 voucher",
        expect!["refused NO_CONTRACT: partner bank has no price in force for programme mypoints"],
    );
    check(
        &at("airline"),
        MEMBER,
        "1997-01-13 member redeem 1 voucher",
        expect![[r#"
        by mypoints 1
        -500 for 1 voucher: airline is paid 6500 micros USD
          150 of mypoints, mypoints paid 9000 micros USD for lot 1.0
          350 of cdnow, cdnow paid 9000 micros USD for lot 2.0
        mypoints: 149"#]],
    );
}

#[test]
fn a_redemption_is_asked_by_the_member_the_redeemer_or_the_operator() {
    check(
        MYPOINTS,
        MEMBER,
        "
        1997-01-13 member redeem 1 voucher
        1997-01-13 cdnow redeem 1 voucher
        1997-01-13 operator redeem 1 voucher
        1997-01-13 stranger redeem 1 voucher
        1997-01-13 airline redeem 1 voucher
        // Keys of others, and of nobody.
        1997-01-13 member redeem 1 voucher key=airline
        1997-01-13 operator redeem 1 voucher key=member
        1997-01-13 cdnow redeem 1 voucher key=unknown
    ",
        expect![[r#"
            1997-01-13 member redeem 1 voucher
                by mypoints 1
                -500 for 1 voucher: cdnow is paid 7000 micros USD
                  150 of mypoints, mypoints paid 9000 micros USD for lot 1.0
                  350 of cdnow, cdnow paid 9000 micros USD for lot 2.0
                mypoints: 149
            1997-01-13 cdnow redeem 1 voucher
                by mypoints 1
                -500 for 1 voucher: cdnow is paid 7000 micros USD
                  150 of mypoints, mypoints paid 9000 micros USD for lot 1.0
                  350 of cdnow, cdnow paid 9000 micros USD for lot 2.0
                mypoints: 149
            1997-01-13 operator redeem 1 voucher
                by mypoints 1
                -500 for 1 voucher: cdnow is paid 7000 micros USD
                  150 of mypoints, mypoints paid 9000 micros USD for lot 1.0
                  350 of cdnow, cdnow paid 9000 micros USD for lot 2.0
                mypoints: 149
            1997-01-13 stranger redeem 1 voucher
                refused PERMISSION_DENIED: the caller may not do this
            1997-01-13 airline redeem 1 voucher
                refused PERMISSION_DENIED: the caller may not do this
            1997-01-13 member redeem 1 voucher key=airline
                refused PERMISSION_DENIED: the caller may not do this
            1997-01-13 operator redeem 1 voucher key=member
                refused PERMISSION_DENIED: the caller may not do this
            1997-01-13 cdnow redeem 1 voucher key=unknown
                refused PERMISSION_DENIED: the caller may not do this"#]],
    );
    let revoked = format!("{MEMBER}1997-01-13 operator revoke member");
    check(
        MYPOINTS,
        &revoked,
        "1997-01-13 member redeem 1 voucher",
        expect!["refused KEY_REVOKED: the caller's key is revoked"],
    );
}

#[test]
fn points_from_before_the_enrolment_are_the_members() {
    let given = "1997-01-12 cdnow purchase p1 500 USD\n1997-01-13 operator enrol 1";
    check(
        MYPOINTS,
        given,
        "1997-01-14 member redeem 2 voucher",
        expect![[r#"
        by mypoints 1
        -500 for 1 voucher: cdnow is paid 7000 micros USD
          500 of cdnow, cdnow paid 9000 micros USD for lot 1.0
        mypoints: 0"#]],
    );
}
