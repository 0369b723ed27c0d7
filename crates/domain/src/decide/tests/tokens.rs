//! Members who are signed in by the holder of another's key.

use expect_test::{Expect, expect};

use super::{MYPOINTS, check};

/// What becomes of a redemption asked for by the member with a token that was signed with `key`.
fn redeem(given: &str, key: &str, then: Expect) {
    let member = "1997-01-12 mypoints sign_up s1\n1997-01-12 cdnow purchase p1 499.99 USD\n";
    let line = format!("1997-01-14 member redeem 1 voucher key={key} quantity=2");
    check(MYPOINTS, &format!("{member}{given}"), &line, then);
}

fn denied() -> Expect {
    expect!["refused PERMISSION_DENIED: the caller may not do this"]
}

#[test]
fn a_partner_signs_in_whose_own_event_gave_the_consent() {
    let may = || expect!["refused POINTS_SHORT: 351 points short"];
    redeem("", "cdnow", denied());
    redeem("1997-01-13 cdnow consent_given c1 sign-in", "cdnow", may());
    redeem("1997-01-13 cdnow sign_up c1 consents=sign-in", "cdnow", may());
    redeem("1997-01-13 cdnow consent_given c1 share-balance", "cdnow", denied());
    redeem("1997-01-13 cdnow consent_given c1 sign-in", "airline", denied());
    let both = "1997-01-13 cdnow consent_given c1 sign-in\n1997-01-13 airline consent_given c1 sign-in\n";
    redeem(both, "cdnow", may());
    redeem(both, "airline", may());
    redeem(&format!("{both}1997-01-13 mypoints consent_withdrawn c1 sign-in"), "cdnow", denied());
    redeem(&format!("{both}1997-01-13 operator withdraw 1 sign-in"), "cdnow", denied());
    let again = "1997-01-13 cdnow consent_withdrawn c2 sign-in\n1997-01-13 airline consent_given c2 sign-in";
    redeem(&format!("{both}{again}"), "cdnow", denied());
    redeem(&format!("{both}{again}"), "airline", may());
}

#[test]
fn an_operator_signs_in_and_a_member_nobody() {
    let given = "1997-01-13 operator key other stranger\n1997-01-13 cdnow consent_given c1 sign-in";
    redeem(given, "operator", expect!["refused POINTS_SHORT: 351 points short"]);
    redeem(given, "other", denied());
    redeem(given, "nobodys", denied());
}

#[test]
fn what_a_revoked_key_signed_opens_nothing() {
    let given = "1997-01-13 cdnow consent_given c1 sign-in\n1997-01-13 operator revoke cdnow";
    redeem(given, "cdnow", expect!["refused KEY_REVOKED: the caller's key is revoked"]);
}

#[test]
fn a_token_is_its_members() {
    check(
        MYPOINTS,
        "1997-01-12 mypoints sign_up s1\n1997-01-13 cdnow consent_given c1 sign-in",
        "1997-01-14 stranger redeem 1 voucher key=cdnow",
        denied(),
    );
    check(MYPOINTS, "", "1997-01-14 airline redeem 1 voucher key=operator", denied());
}

#[test]
fn a_key_signs_for_its_holder_by_one_pair() {
    check(
        MYPOINTS,
        "1997-01-12 operator key till cdnow\n1997-01-12 cdnow token_key 1",
        "
        1997-01-13 cdnow token_key 1
        1997-01-13 cdnow token_key 2
        1997-01-13 cdnow token_key 2 key=till
        1997-01-13 operator token_key 3
        1997-01-13 member token_key 4
    ",
        expect![[r#"
            1997-01-13 cdnow token_key 1
                nothing
            1997-01-13 cdnow token_key 2
                refused ALREADY_EXISTS: another token key of key cdnow exists already
            1997-01-13 cdnow token_key 2 key=till
                key till signs as 2
            1997-01-13 operator token_key 3
                key operator signs as 3
            1997-01-13 member token_key 4
                refused PERMISSION_DENIED: the caller may not do this"#]],
    );
}
