//! Consents, and rules that ask for them.

use expect_test::expect;

use super::{MYPOINTS, check};

#[test]
fn a_rule_may_ask_for_consent() {
    let read = "1997-03-01 mypoints email_read e1 m1";
    check(
        MYPOINTS,
        "1997-01-12 mypoints sign_up s1",
        read,
        expect!["waits until 1997-03-02T00:00:00Z for consent to marketing"],
    );
    check(
        MYPOINTS,
        "1997-01-12 mypoints sign_up s1 consents=sharing,marketing",
        read,
        expect![[r#"
        by mypoints 1
        +10 Base by e-mail: mypoints, mypoints pays 9000 micros USD
        mypoints: 160"#]],
    );
    check(
        MYPOINTS,
        "1997-01-12 mypoints consent_given c1 sharing",
        read,
        expect!["waits until 1997-03-02T00:00:00Z for consent to marketing"],
    );
    check(
        MYPOINTS,
        "1997-01-12 cdnow consent_given c1 marketing",
        read,
        expect![[r#"
        by mypoints 1
        +10 Base by e-mail: mypoints, mypoints pays 9000 micros USD
        mypoints: 10"#]],
    );
    let given =
        "1997-01-12 mypoints consent_given c1 marketing\n1997-02-12 mypoints consent_withdrawn c2 marketing";
    check(MYPOINTS, given, read, expect!["waits until 1997-03-02T00:00:00Z for consent to marketing"]);
}

#[test]
fn an_older_word_on_a_consent_does_not_undo_a_newer_one() {
    let withdrawn = "1997-02-10 mypoints consent_withdrawn c1 marketing";
    check(
        MYPOINTS,
        withdrawn,
        "
        1997-02-11 mypoints consent_given c2 marketing at=1997-02-09
        1997-02-11 mypoints consent_given c2 marketing at=1997-02-10
        1997-02-11 mypoints sign_up s1 consents=marketing at=1997-02-09
    ",
        expect![[r#"
            1997-02-11 mypoints consent_given c2 marketing at=1997-02-09
                by mypoints 1
            1997-02-11 mypoints consent_given c2 marketing at=1997-02-10
                by mypoints 1
                permits marketing
            1997-02-11 mypoints sign_up s1 consents=marketing at=1997-02-09
                by mypoints 1
                enrolled
                +150 Base by joining: mypoints, mypoints pays 9000 micros USD
                mypoints: 150"#]],
    );
    let given = "1997-02-10 mypoints consent_given c1 marketing";
    check(
        MYPOINTS,
        given,
        "1997-02-11 mypoints consent_withdrawn c2 marketing at=1997-02-09",
        expect!["by mypoints 1"],
    );
}

/// Both a base rule and one that asks for consent look at a purchase.
fn consented_bonus() -> String {
    let bonus = "\n[[rule]]\nid = \"bonus\"\nevent = \"purchase\"\npoints = 7\nconsent = \"marketing\"\n";
    MYPOINTS.to_owned() + bonus
}

#[test]
fn a_missing_consent_costs_only_the_points_that_need_it() {
    check(
        &consented_bonus(),
        "",
        "1997-01-12 cdnow purchase p1 10 USD",
        expect![[r#"
        by mypoints 1
        +10 Base by dollars: cdnow, cdnow pays 9000 micros USD
        nothing by bonus: ConsentMissing
        mypoints: 10"#]],
    );
    let given = "1997-01-11 mypoints consent_given c1 marketing";
    check(
        &consented_bonus(),
        given,
        "1997-01-12 cdnow purchase p1 10 USD",
        expect![[r#"
        by mypoints 1
        +10 Base by dollars: cdnow, cdnow pays 9000 micros USD
        +7 Base by bonus: cdnow, cdnow pays 9000 micros USD
        mypoints: 17"#]],
    );
    // Nothing else to say of this one: it can be sent again once the consent is there.
    check(
        &consented_bonus(),
        "",
        "1997-01-12 cdnow purchase p1 0.10 USD",
        expect!["waits until 1997-01-13T00:00:00Z for consent to marketing"],
    );
}

#[test]
fn a_missing_consent_does_not_keep_anybody_from_joining() {
    let asking = MYPOINTS.replace("once = \"member\"", "once = \"member\"\nconsent = \"marketing\"");
    check(
        &asking,
        "",
        "
        1997-01-12 mypoints sign_up s1 consents=marketing
        1997-01-12 mypoints sign_up s1
    ",
        expect![[r#"
            1997-01-12 mypoints sign_up s1 consents=marketing
                by mypoints 1
                enrolled
                permits marketing
                +150 Base by joining: mypoints, mypoints pays 9000 micros USD
                mypoints: 150
            1997-01-12 mypoints sign_up s1
                by mypoints 1
                enrolled
                nothing by joining: ConsentMissing"#]],
    );
    // The points are still to be had: nothing was granted so far.
    check(
        &asking,
        "1997-01-12 mypoints sign_up s1",
        "1997-01-13 mypoints sign_up s2 consents=marketing",
        expect![[r#"
        by mypoints 1
        permits marketing
        +150 Base by joining: mypoints, mypoints pays 9000 micros USD
        mypoints: 150"#]],
    );
}

#[test]
fn an_account_keeps_a_bounded_number_of_consents() {
    let given: String =
        (0..64).map(|nth| format!("1997-01-12 cdnow consent_given c{nth} purpose-{nth}\n")).collect();
    check(
        MYPOINTS,
        &given,
        "
        1997-01-12 cdnow consent_given d1 one-more
        1997-01-12 cdnow consent_withdrawn d2 one-more
        1997-01-12 mypoints sign_up s1 consents=one-more
        1997-01-13 cdnow consent_withdrawn d3 purpose-3
        1997-01-13 cdnow purchase p1 10 USD
    ",
        expect![[r#"
            1997-01-12 cdnow consent_given d1 one-more
                refused TOO_MANY_CONSENTS: an account keeps consents for 64 purposes at most
            1997-01-12 cdnow consent_withdrawn d2 one-more
                refused TOO_MANY_CONSENTS: an account keeps consents for 64 purposes at most
            1997-01-12 mypoints sign_up s1 consents=one-more
                refused TOO_MANY_CONSENTS: an account keeps consents for 64 purposes at most
            1997-01-13 cdnow consent_withdrawn d3 purpose-3
                by mypoints 1
                permits purpose-3 no longer
            1997-01-13 cdnow purchase p1 10 USD
                by mypoints 1
                +10 Base by dollars: cdnow, cdnow pays 9000 micros USD
                mypoints: 10"#]],
    );
}

#[test]
fn a_member_or_an_operator_gives_and_withdraws_by_request() {
    let reads = "1997-01-12 mypoints sign_up s1\n1997-01-12 mypoints email_read e1 m1\n";
    check(
        MYPOINTS,
        reads,
        "1997-01-12T10:00:00Z member give 1 marketing",
        expect![[r#"
            permits marketing
            mypoints: 150
            e1 at last: by mypoints 1
            +10 Base by e-mail: mypoints, mypoints pays 9000 micros USD
            mypoints: 160"#]],
    );
    let given = format!("{reads}1997-01-12T10:00:00Z operator give 1 marketing\n");
    check(
        MYPOINTS,
        &given,
        "
        1997-01-12T11:00:00Z mypoints consent_withdrawn c1 marketing at=1997-01-12T09:59:59Z
        1997-01-12T11:00:00Z mypoints consent_withdrawn c1 marketing at=1997-01-12T10:00:00Z
        1997-01-12T11:00:00Z member withdraw 2 marketing
    ",
        expect![[r#"
            1997-01-12T11:00:00Z mypoints consent_withdrawn c1 marketing at=1997-01-12T09:59:59Z
                by mypoints 1
                mypoints: 160
            1997-01-12T11:00:00Z mypoints consent_withdrawn c1 marketing at=1997-01-12T10:00:00Z
                by mypoints 1
                permits marketing no longer
                mypoints: 160
            1997-01-12T11:00:00Z member withdraw 2 marketing
                permits marketing no longer
                mypoints: 160"#]],
    );
    check(
        MYPOINTS,
        &format!("{given}1997-01-12T11:00:00Z member withdraw 2 marketing"),
        "1997-01-12T12:00:00Z mypoints email_read e2 m2",
        expect!["waits until 1997-01-13T12:00:00Z for consent to marketing"],
    );
}

#[test]
fn a_consent_is_not_asked_for_by_others() {
    let member = "1997-01-12 mypoints sign_up s1\n1997-01-12 cdnow consent_given c1 share-balance";
    check(
        MYPOINTS,
        member,
        "
        1997-01-13 cdnow give 1 marketing
        1997-01-13 stranger give 2 marketing
        1997-01-13 member give 3 marketing key=cdnow
        1997-01-13 member give 4 marketing issued=1997-01-11
        1997-01-13 member give 5 sign-in
    ",
        expect![[r#"
            1997-01-13 cdnow give 1 marketing
                refused PERMISSION_DENIED: the caller may not do this
            1997-01-13 stranger give 2 marketing
                refused PERMISSION_DENIED: the caller may not do this
            1997-01-13 member give 3 marketing key=cdnow
                refused PERMISSION_DENIED: the caller may not do this
            1997-01-13 member give 4 marketing issued=1997-01-11
                refused REQUEST_TOO_OLD: the request id was issued at 1997-01-11T00:00:00Z, more than 24 hours ago; use a new one
            1997-01-13 member give 5 sign-in
                refused PERMISSION_DENIED: the caller may not do this"#]],
    );
    check(
        MYPOINTS,
        "",
        "1997-01-13 operator give 1 marketing",
        expect!["refused NOT_ENROLLED: nobody is enrolled on this account"],
    );
    let given: String =
        (0..64).map(|nth| format!("1997-01-12 cdnow consent_given c{nth} purpose-{nth}\n")).collect();
    check(
        MYPOINTS,
        &format!("1997-01-12 mypoints sign_up s1\n{given}"),
        "1997-01-13 member withdraw 1 one-more",
        expect!["refused TOO_MANY_CONSENTS: an account keeps consents for 64 purposes at most"],
    );
}
