//! Every reason for which a partner's event is refused, apart from ids, ages and consents.

use expect_test::expect;

use super::{MYPOINTS, check};

#[test]
fn an_amount_that_no_rule_understands_is_refused() {
    check(
        MYPOINTS,
        "",
        "
        1997-01-12 cdnow purchase p1 100 GBP
        1997-01-12 cdnow purchase p1 -0.000001 USD
    ",
        expect![[r#"
            1997-01-12 cdnow purchase p1 100 GBP
                refused CURRENCY_NOT_ACCEPTED: programme mypoints has no rule for amounts in GBP at this partner
            1997-01-12 cdnow purchase p1 -0.000001 USD
                refused AMOUNT_NEGATIVE: an amount is below zero"#]],
    );
    let any = MYPOINTS.replace(r#"per = { amount = "1.00", currency = "USD", rounding = "down" }"#, "");
    check(
        &any,
        "",
        "1997-01-12 cdnow purchase p1 100 GBP",
        expect![[r#"
        by mypoints 1
        +1 Base by dollars: cdnow, cdnow pays 9000 micros USD
        mypoints: 1"#]],
    );
}

#[test]
fn partner_and_programme_have_to_be_known_and_in_force() {
    check(
        MYPOINTS,
        "",
        "
        1997-01-12 etoys purchase p1 10 USD
        1997-01-12 rival purchase p1 10 USD
        1997-01-12 cdnow purchase p1 10 USD programme=clickrewards
        1996-02-01 cdnow purchase p1 10 USD at=1995-12-31T23:59:59.999Z
        1996-02-01 cdnow purchase p1 10 USD at=1996-01-01
    ",
        expect![[r#"
            1997-01-12 etoys purchase p1 10 USD
                refused UNKNOWN_PARTNER: the network has no partner etoys
            1997-01-12 rival purchase p1 10 USD
                refused NO_PROGRAMME: the event names no programme and partner rival has no default one
            1997-01-12 cdnow purchase p1 10 USD programme=clickrewards
                refused UNKNOWN_PROGRAMME: the network has no programme clickrewards
            1996-02-01 cdnow purchase p1 10 USD at=1995-12-31T23:59:59.999Z
                refused PROGRAMME_NOT_IN_FORCE: programme mypoints is in force from 1996-01-01T00:00:00Z; the event happened before
            1996-02-01 cdnow purchase p1 10 USD at=1996-01-01
                by mypoints 1
                +10 Base by dollars: cdnow, cdnow pays 9000 micros USD
                mypoints: 10"#]],
    );
}

#[test]
fn nobody_grants_points_that_nobody_has_agreed_to_pay_for() {
    let line = "1997-01-12 rival purchase p1 10 USD programme=mypoints";
    check(
        MYPOINTS,
        "",
        line,
        expect!["refused NO_CONTRACT: partner rival has no price in force for programme mypoints"],
    );
    check(
        MYPOINTS,
        "1997-01-01 operator contract rival mypoints redemption=7000",
        line,
        expect!["refused NO_CONTRACT: partner rival has no price in force for programme mypoints"],
    );
    check(
        MYPOINTS,
        "1997-01-01 operator contract rival mypoints accrual=9000",
        line,
        expect![[r#"
        by mypoints 1
        +10 Base by dollars: rival, rival pays 9000 micros USD
        mypoints: 10"#]],
    );
    // Where nothing is granted, nobody has to pay.
    check(
        MYPOINTS,
        "",
        "1997-01-12 rival purchase p1 0.10 USD programme=mypoints",
        expect![[r#"
        by mypoints 1
        nothing by dollars: AmountTooSmall"#]],
    );
}

#[test]
fn an_account_holds_points_up_to_their_range() {
    let full = MYPOINTS.replace("points = 150", "points = 999_999_999_999_990");
    let given = "1997-01-12 mypoints sign_up s1";
    check(
        &full,
        given,
        "
        1997-01-12 cdnow purchase p1 10 USD
        1997-01-12 cdnow purchase p1 11 USD
    ",
        expect![[r#"
            1997-01-12 cdnow purchase p1 10 USD
                by mypoints 1
                +10 Base by dollars: cdnow, cdnow pays 9000 micros USD
                mypoints: 1000000000000000
            1997-01-12 cdnow purchase p1 11 USD
                refused AMOUNT_TOO_LARGE: the points lie beyond the range of points"#]],
    );
    let dear = MYPOINTS.replace("points = 1\n", "points = 1_000_000_000_000_000\n");
    check(
        &dear,
        "",
        "
        1997-01-12 cdnow purchase p1 1 USD
        1997-01-12 cdnow purchase p1 2 USD
        1997-01-12 cdnow purchase p1 9223372036854 USD
    ",
        expect![[r#"
            1997-01-12 cdnow purchase p1 1 USD
                by mypoints 1
                +1000000000000000 Base by dollars: cdnow, cdnow pays 9000 micros USD
                mypoints: 1000000000000000
            1997-01-12 cdnow purchase p1 2 USD
                refused AMOUNT_TOO_LARGE: the points lie beyond the range of points
            1997-01-12 cdnow purchase p1 9223372036854 USD
                refused AMOUNT_TOO_LARGE: the points lie beyond the range of points"#]],
    );
}
