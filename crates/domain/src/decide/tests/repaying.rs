//! Debt: points that were spent before their order was returned.

use expect_test::expect;

use super::{MYPOINTS, check};

fn cheap() -> String {
    MYPOINTS.replace("points = 500", "points = 80")
}

/// Of 100 points 80 are spent, and the order is returned.
const OWED: &str = "
    1997-01-01 operator enrol 1
    1997-01-12 cdnow purchase p1 100 USD order=o1
    1997-01-13 member redeem 2 voucher
    1997-01-14 cdnow return r1 o1";

#[test]
fn buying_earning_and_returning_does_not_keep_the_points() {
    let given = OWED.rsplit_once('\n').unwrap().0;
    check(
        &cheap(),
        given,
        "1997-01-14 cdnow return r1 o1",
        expect![[r#"
        returned 100.00 USD, nothing is left
        -100 of dollars of mypoints 1: cdnow had paid 9000 micros USD
          20 of lot 2.0
          80 owed
        mypoints: 0, 80 owed"#]],
    );
}

#[test]
fn other_lots_are_taken_before_debt_is_made() {
    let given = OWED.rsplit_once('\n').unwrap().0;
    let given = format!("{given}\n1997-01-13 bank purchase p2 50 USD\n1997-01-13 bank purchase p3 7 USD");
    check(
        &cheap(),
        &given,
        "1997-01-14 cdnow return r1 o1",
        expect![[r#"
        returned 100.00 USD, nothing is left
        -100 of dollars of mypoints 1: cdnow had paid 9000 micros USD
          20 of lot 2.0
          50 of lot 4.0
          7 of lot 5.0
          23 owed
        mypoints: 0, 23 owed"#]],
    );
}

#[test]
fn what_comes_next_repays_first() {
    check(
        &cheap(),
        OWED,
        "
        1997-01-15 bank purchase p2 79 USD
        1997-01-15 bank purchase p2 100 USD
        1997-01-15 member redeem 3 voucher
    ",
        expect![[r#"
            1997-01-15 bank purchase p2 79 USD
                by mypoints 1
                +79 Base by dollars: bank, bank pays 8000 micros USD
                79 owed for cdnow, cdnow is credited
                  79 of lot 5.0
                mypoints: 0, 1 owed
            1997-01-15 bank purchase p2 100 USD
                by mypoints 1
                +100 Base by dollars: bank, bank pays 8000 micros USD
                80 owed for cdnow, cdnow is credited
                  80 of lot 5.0
                mypoints: 20
            1997-01-15 member redeem 3 voucher
                refused POINTS_SHORT: 160 points short"#]],
    );
    let repaid = format!("{OWED}\n1997-01-15 bank purchase p2 159 USD");
    check(
        &cheap(),
        &repaid,
        "1997-01-16 member redeem 3 voucher",
        expect!["refused POINTS_SHORT: 1 point short"],
    );
}

#[test]
fn points_that_wait_repay_when_they_can_be_spent() {
    let slow = cheap().replace("id = \"dollars\"", "id = \"dollars\"\npartners = [\"cdnow\"]")
        + "
    [[rule]]
    id = \"slow\"
    event = \"purchase\"
    points = 100
    partners = [\"bank\"]
    available_after_days = 10";
    let given = format!("{OWED}\n1997-01-15 bank purchase p2 1 USD order=o2");
    check(
        &slow,
        &given,
        "
        1997-01-25 cdnow purchase p3 1 USD
        1997-01-25 member redeem 3 voucher
        1997-01-25 time passes
        // Pending points of the order itself are taken back, too.
        1997-01-20 bank return r2 o2
    ",
        expect![[r#"
            1997-01-25 cdnow purchase p3 1 USD
                by mypoints 1
                lot 5.0 of 100 can be spent
                +1 Base by dollars: cdnow, cdnow pays 9000 micros USD
                80 owed for cdnow, cdnow is credited
                  80 of lot 5.0
                mypoints: 21
            1997-01-25 member redeem 3 voucher
                refused POINTS_SHORT: 60 points short
            1997-01-25 time passes
                lot 5.0 of 100 can be spent
                80 owed for cdnow, cdnow is credited
                  80 of lot 5.0
                mypoints: 20
            1997-01-20 bank return r2 o2
                returned 1.00 USD, nothing is left
                -100 of slow of mypoints 1: bank had paid 8000 micros USD
                  100 of lot 5.0, pending
                mypoints: 0, 80 owed"#]],
    );
}
