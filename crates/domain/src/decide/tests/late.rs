//! Events that come so late that their points have lapsed.

use expect_test::expect;

use super::{MYPOINTS, check};

/// A dollar's point lapses 30 days after the purchase.
fn short(more: &str) -> String {
    MYPOINTS.replace("id = \"dollars\"", &format!("id = \"dollars\"\nexpires_after_days = 30\n{more}"))
}

#[test]
fn points_are_granted_as_long_as_they_can_be_spent_for_an_instant() {
    check(
        &short(""),
        "",
        "
        1997-01-30T23:59:59.999Z cdnow purchase p1 600 USD at=1997-01-01
        1997-01-31 cdnow purchase p1 600 USD at=1997-01-01
        1997-03-01 cdnow purchase p1 600 USD at=1997-01-01
    ",
        expect![[r#"
            1997-01-30T23:59:59.999Z cdnow purchase p1 600 USD at=1997-01-01
                by mypoints 1
                +600 Base by dollars: cdnow, cdnow pays 9000 micros USD, until 1997-01-31T00:00:00Z
                mypoints: 600
            1997-01-31 cdnow purchase p1 600 USD at=1997-01-01
                by mypoints 1
                nothing by dollars: LapsedAlready
            1997-03-01 cdnow purchase p1 600 USD at=1997-01-01
                by mypoints 1
                nothing by dollars: LapsedAlready"#]],
    );
}

#[test]
fn waiting_counts() {
    check(
        &short("available_after_days = 10"),
        "",
        "
        1997-01-20T23:59:59.999Z cdnow purchase p1 600 USD at=1997-01-01
        1997-01-21 cdnow purchase p1 600 USD at=1997-01-01
    ",
        expect![[r#"
            1997-01-20T23:59:59.999Z cdnow purchase p1 600 USD at=1997-01-01
                by mypoints 1
                +600 Base by dollars: cdnow, cdnow pays 9000 micros USD, from 1997-01-30T23:59:59.999Z, until 1997-01-31T00:00:00Z
                mypoints: 0, 600 later
            1997-01-21 cdnow purchase p1 600 USD at=1997-01-01
                by mypoints 1
                nothing by dollars: LapsedAlready"#]],
    );
}

#[test]
fn what_is_granted_once_is_still_to_be_had() {
    let once = short("once = \"member\"");
    check(
        &once,
        "1997-01-31 cdnow purchase p1 600 USD at=1997-01-01",
        "1997-01-31 cdnow purchase p2 600 USD",
        expect![[r#"
            by mypoints 1
            +600 Base by dollars: cdnow, cdnow pays 9000 micros USD, until 1997-03-02T00:00:00Z
            mypoints: 600"#]],
    );
}

#[test]
fn nobody_needs_a_price_for_what_is_not_granted() {
    check(
        &short("funder = \"rival\""),
        "",
        "
        1997-01-30T23:59:59.999Z cdnow purchase p1 600 USD at=1997-01-01
        1997-01-31 cdnow purchase p1 600 USD at=1997-01-01
    ",
        expect![[r#"
            1997-01-30T23:59:59.999Z cdnow purchase p1 600 USD at=1997-01-01
                refused NO_CONTRACT: partner rival has no price in force for programme mypoints
            1997-01-31 cdnow purchase p1 600 USD at=1997-01-01
                by mypoints 1
                nothing by dollars: LapsedAlready"#]],
    );
}
