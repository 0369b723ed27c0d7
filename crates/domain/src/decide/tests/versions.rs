//! Rules are those in force when the event happened; prices and catalogues those in force when it is decided.

use expect_test::expect;

use super::{MYPOINTS, check};

/// 150 points on joining at first, 200 from 1998 on; the voucher goes up too.
fn two_versions() -> String {
    let second = MYPOINTS
        .replace("1996-01-01", "1998-01-01")
        .replace("points = 150", "points = 200")
        .replace("points = 500", "points = 600");
    format!("{MYPOINTS}---{second}")
}

#[test]
fn an_event_is_judged_by_the_version_of_its_own_time() {
    let check = |line, then| check(&two_versions(), "", line, then);
    check(
        "
        1998-03-01 mypoints sign_up s1 at=1997-12-31T23:59:59.999Z
        1998-03-01 mypoints sign_up s1 at=1998-01-01T00:00:00Z
        1997-12-31 mypoints sign_up s1
    ",
        expect![[r#"
            1998-03-01 mypoints sign_up s1 at=1997-12-31T23:59:59.999Z
                by mypoints 1
                enrolled
                +150 Base by joining: mypoints, mypoints pays 9000 micros USD
                mypoints: 150
            1998-03-01 mypoints sign_up s1 at=1998-01-01T00:00:00Z
                by mypoints 2
                enrolled
                +200 Base by joining: mypoints, mypoints pays 9000 micros USD
                mypoints: 200
            1997-12-31 mypoints sign_up s1
                by mypoints 1
                enrolled
                +150 Base by joining: mypoints, mypoints pays 9000 micros USD
                mypoints: 150"#]],
    );
}

#[test]
fn what_a_rule_grants_once_it_grants_once_in_all_versions() {
    let given = "1997-12-31 mypoints sign_up s1";
    check(
        &two_versions(),
        given,
        "1998-03-01 mypoints sign_up s2",
        expect![[r#"
        by mypoints 2
        nothing by joining: GrantedBefore
        mypoints: 150"#]],
    );
}

#[test]
fn a_price_is_that_of_the_decision() {
    let given = "1997-01-01 operator contract cdnow mypoints accrual=12000 from=1998-01-01";
    let check = |line, then| check(MYPOINTS, given, line, then);
    check(
        "
        1997-12-31T23:59:59.999Z cdnow purchase p1 10 USD
        1998-01-01 cdnow purchase p1 10 USD at=1997-06-01
    ",
        expect![[r#"
            1997-12-31T23:59:59.999Z cdnow purchase p1 10 USD
                by mypoints 1
                +10 Base by dollars: cdnow, cdnow pays 9000 micros USD
                mypoints: 10
            1998-01-01 cdnow purchase p1 10 USD at=1997-06-01
                by mypoints 1
                +10 Base by dollars: cdnow, cdnow pays 12000 micros USD
                mypoints: 10"#]],
    );
}

#[test]
fn a_contract_replaces_the_one_before_it_as_a_whole() {
    let given = "
        1997-01-01 operator contract cdnow mypoints redemption=7000 from=1998-01-01";
    check(
        MYPOINTS,
        given,
        "1998-01-01 cdnow purchase p1 10 USD",
        expect!["refused NO_CONTRACT: partner cdnow has no price in force for programme mypoints"],
    );
}

#[test]
fn a_reward_costs_what_the_catalogue_says_at_the_decision() {
    let given = "
        1997-06-01 mypoints sign_up s1
        1997-06-01 cdnow purchase p1 1000 USD";
    let check = |line, then| check(&two_versions(), given, line, then);
    check(
        "
        1997-12-31T23:59:59.999Z member redeem 1 voucher
        1998-01-01 member redeem 1 voucher
    ",
        expect![[r#"
            1997-12-31T23:59:59.999Z member redeem 1 voucher
                by mypoints 1
                -500 for 1 voucher: cdnow is paid 7000 micros USD
                  150 of mypoints, mypoints paid 9000 micros USD for lot 1.0
                  350 of cdnow, cdnow paid 9000 micros USD for lot 2.0
                mypoints: 650
            1998-01-01 member redeem 1 voucher
                by mypoints 2
                -600 for 1 voucher: cdnow is paid 7000 micros USD
                  150 of mypoints, mypoints paid 9000 micros USD for lot 1.0
                  450 of cdnow, cdnow paid 9000 micros USD for lot 2.0
                mypoints: 550"#]],
    );
}
