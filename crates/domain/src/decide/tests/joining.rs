//! Links of accounts that partners have signed up: the same person, who joined with two identifiers.

use expect_test::expect;

use super::MYPOINTS;
use super::linking::{ENROLLED, Pair, check};
use crate::lot::Lot;

#[test]
fn a1_two_sign_ups_on_identifiers_that_are_linked_later_leave_150() {
    check(
        MYPOINTS,
        "
        1997-01-02 bank sign_up s1
        card 1997-01-03 cdnow sign_up s2 consents=marketing
    ",
        "
        1997-01-20 operator accept 1
        card 1997-01-20 operator link 2
        card 1997-01-21 airline sign_up s3
    ",
        expect![[r#"
            1997-01-20 operator accept 1
                stays for good
                mypoints: 150
            card 1997-01-20 operator link 2
                linked
                hands over the identifier and 1 consents
                hands over 1 lots and 0 debts of mypoints
                hands over 1 once-limits
                mypoints: 0
                member: adopts piece 0
                adopts piece 1 of mypoints: 150, 0 later, 0 owed
                joining granted before: cdnow is credited
                  150 of lot 1.65536
                adopts piece 2
                mypoints: 150
            card 1997-01-21 airline sign_up s3
                forwarded
                member: by mypoints 1
                nothing by joining: GrantedBefore
                mypoints: 150"#]],
    );
}

/// 100 and 200 are 300, and a lot is the same as it was, but for what names it.
#[test]
fn lots_keep_issuer_price_and_expiry() {
    let programme = MYPOINTS
        .replace("event = \"sign_up\"", "event = \"engagement\"\n    kind = \"joining\"")
        .replace("rounding = \"down\" }", "rounding = \"down\" }\n    expires_after_days = 300");
    let mut pair = Pair::new(&programme);
    for line in [
        "1997-01-02 mypoints sign_up s1",
        "card 1997-01-02 mypoints sign_up s2",
        "1997-01-03 cdnow purchase p1 200 USD",
        "card 1997-01-04 airline purchase p2 100 USD",
    ] {
        pair.say(line);
    }
    let lots = |pair: &Pair| -> Vec<Lot> {
        let all = [&pair.member, &pair.card].into_iter().flat_map(|world| world.account.purses().values());
        all.flat_map(|purse| purse.lots.iter().cloned()).collect()
    };
    let before = lots(&pair);
    pair.say("1997-01-20 operator accept 1");
    pair.say("card 1997-01-20 operator link 2");
    let mut after = lots(&pair);
    assert_eq!(pair.member.available(super::script::instant("1997-01-20")).get(), 300);
    for lot in &mut after {
        lot.key.nth &= 0xffff;
    }
    after.sort_by_key(|lot| lot.left);
    assert_eq!(after.len(), 2);
    assert!(before.iter().all(|lot| after.contains(lot)), "{before:?} became {after:?}");
}

/// What is done here that only a member does: whose account it is is settled then.
#[test]
fn an_account_where_a_member_did_something_is_not_linked_away() {
    let programme = MYPOINTS.replace("points = 500", "points = 80");
    for does in [
        "card 1997-01-04 operator enrol 3",
        "card 1997-01-04 operator redeem 3 voucher",
        "card 1997-01-04 operator hold 3 voucher",
        "card 1997-01-04 operator grant 3 50",
        "card 1997-01-04 operator accept 3",
    ] {
        let mut pair = Pair::new(&programme);
        pair.say(ENROLLED);
        if !does.contains("enrol") {
            pair.say("card 1997-01-02 cdnow sign_up s1");
        }
        pair.say("card 1997-01-03 cdnow purchase p1 100 USD");
        let done = pair.say(does);
        assert!(!done.contains("refused"), "{does}: {done}");
        let said = pair.say("card 1997-01-20 operator link 4");
        assert!(said.starts_with("refused ALREADY_ENROLLED"), "{does}: {said}");
    }
}

#[test]
fn who_may_have_an_account_stay_and_which_can() {
    check(
        MYPOINTS,
        "card 1997-01-02 cdnow sign_up s1",
        "
        1997-01-02 operator accept 1
        1997-01-03 cdnow sign_up s2
        1997-01-03 member accept 2
        1997-01-03 cdnow accept 3
        1997-01-03 cdnow accept 3
        1997-01-04 operator accept 4
        card 1997-01-05 operator link 5
        card 1997-01-06 operator accept 6
    ",
        expect![[r#"
            1997-01-02 operator accept 1
                refused NOT_ENROLLED: nobody is enrolled on this account
            1997-01-03 cdnow sign_up s2
                by mypoints 1
                enrolled
                +150 Base by joining: cdnow, cdnow pays 9000 micros USD
                mypoints: 150
            1997-01-03 member accept 2
                refused PERMISSION_DENIED: the caller may not do this
            1997-01-03 cdnow accept 3
                stays for good
                mypoints: 150
            1997-01-03 cdnow accept 3
                repeat of 3
            1997-01-04 operator accept 4
                mypoints: 150
            card 1997-01-05 operator link 5
                linked
                hands over the identifier and 0 consents
                hands over 1 lots and 0 debts of mypoints
                hands over 1 once-limits
                mypoints: 0
                member: adopts piece 0
                adopts piece 1 of mypoints: 150, 0 later, 0 owed
                joining granted before: cdnow is credited
                  150 of lot 1.65536
                adopts piece 2
                mypoints: 150
            card 1997-01-06 operator accept 6
                refused ACCOUNT_LINKED: the account was linked to another member's, which has what it had"#]],
    );
}

/// Whoever has not heard of the link yet asks for what moved.
#[test]
fn requests_about_an_account_that_was_linked_away_are_told_where_to() {
    check(
        MYPOINTS,
        &format!("{ENROLLED}\ncard 1997-01-02 cdnow sign_up s1\ncard 1997-01-05 operator link 2"),
        "
        card 1997-01-06 operator redeem 3 voucher
        card 1997-01-06 operator hold 4 voucher
        card 1997-01-06 operator grant 5 50
        card 1997-01-06 operator enrol 6
    ",
        expect![[r#"
            card 1997-01-06 operator redeem 3 voucher
                refused ACCOUNT_LINKED: the account was linked to another member's, which has what it had
            card 1997-01-06 operator hold 4 voucher
                refused ACCOUNT_LINKED: the account was linked to another member's, which has what it had
            card 1997-01-06 operator grant 5 50
                refused ACCOUNT_LINKED: the account was linked to another member's, which has what it had
            card 1997-01-06 operator enrol 6
                refused IDENTIFIER_LINKED: the identifier is linked to a member already"#]],
    );
}
