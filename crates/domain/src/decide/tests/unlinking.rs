//! Identifiers that are unlinked: on their own again, while what they had stays with the member.

use expect_test::expect;

use super::MYPOINTS;
use super::linking::{ENROLLED, Pair, check, welcome};
use super::script::{instant, member, read, request};
use crate::{Command, Identifier, Role, Scheme};

#[test]
fn an_unlinked_card_is_on_its_own_again() {
    check(
        &welcome(),
        &format!(
            "{ENROLLED}
             card 1997-01-12 cdnow purchase p1 100 USD order=o1
             card 1997-01-12 bank engagement w1 welcome
             card 1997-01-20 operator link 2"
        ),
        "
        card 1997-01-21 cdnow purchase p2 10 USD order=o2
        card 1997-01-22 operator unlink 3
        card 1997-01-22 operator unlink 3
        card 1997-01-23 cdnow purchase p3 7 USD order=o3
        card 1997-01-23 cdnow purchase p2 10 USD order=o2 at=1997-01-21
        card 1997-01-23 cdnow purchase p2 11 USD order=o2
        card 1997-01-23 bank engagement w2 welcome
        card 1997-01-24 cdnow return r3 o3
        1997-01-24 cdnow return r1 o1
    ",
        expect![[r#"
            card 1997-01-21 cdnow purchase p2 10 USD order=o2
                forwarded
                member: by mypoints 1
                +10 Base by dollars: cdnow, cdnow pays 9000 micros USD
                mypoints: 260
            card 1997-01-22 operator unlink 3
                unlinked
                hands over nothing more
                mypoints: 0
                member: adopts piece 0
                mypoints: 260
            card 1997-01-22 operator unlink 3
                repeat of 4
            card 1997-01-23 cdnow purchase p3 7 USD order=o3
                by mypoints 1
                +7 Base by dollars: cdnow, cdnow pays 9000 micros USD
                mypoints: 7
            card 1997-01-23 cdnow purchase p2 10 USD order=o2 at=1997-01-21
                repeat of 3
            card 1997-01-23 cdnow purchase p2 11 USD order=o2
                refused ID_REUSED: this id was used before for something else
            card 1997-01-23 bank engagement w2 welcome
                by mypoints 1
                nothing by welcome: GrantedBefore
                mypoints: 7
            card 1997-01-24 cdnow return r3 o3
                returned 7.00 USD, nothing is left
                -7 of dollars of mypoints 1: cdnow had paid 9000 micros USD
                  7 of lot 6.0
                mypoints: 0
            1997-01-24 cdnow return r1 o1
                returned 100.00 USD, nothing is left
                -100 of dollars of mypoints 1: cdnow had paid 9000 micros USD
                  100 of lot 1.65536
                mypoints: 160"#]],
    );
}

/// Lots of both times have names of their own at the member's, who has heard of the card before.
#[test]
fn an_unlinked_card_can_be_linked_again() {
    let mut pair = Pair::new(MYPOINTS);
    for line in [
        ENROLLED,
        "card 1997-01-12 cdnow purchase p1 100 USD order=o1",
        "card 1997-01-20 operator link 2",
        "card 1997-01-22 operator unlink 3",
        "card 1997-01-23 cdnow purchase p2 10 USD order=o1",
    ] {
        pair.say(line);
    }
    assert!(pair.member.account.linked()[0].ended);
    pair.say("card 1997-01-24 operator link 4");
    let [linked] = pair.member.account.linked() else { panic!("one card") };
    assert_eq!((linked.ended, linked.at), (false, instant("1997-01-24")));
    assert_eq!(pair.member.available(instant("1997-01-24")).get(), 110);
    // Both parts are one order again, and nothing of the first came twice.
    assert_eq!(
        pair.say("card 1997-01-25 cdnow return r1 o1"),
        "forwarded
member: returned 110.00 USD, nothing is left
-100 of dollars of mypoints 1: cdnow had paid 9000 micros USD
  100 of lot 1.65536
-10 of dollars of mypoints 1: cdnow had paid 9000 micros USD
  10 of lot 4.65536
mypoints: 0"
    );
}

#[test]
fn an_unlink_is_refused_to_those_who_may_not_and_where_there_is_no_link() {
    check(
        MYPOINTS,
        ENROLLED,
        "
        card 1997-01-19 operator unlink 2
        1997-01-19 operator unlink 3
        card 1997-01-20 operator link 4
        card 1997-01-21 stranger unlink 5
        card 1997-01-21 member unlink 6 key=stranger
        card 1997-01-22 member unlink 7
        card 1997-01-22 operator unlink 8
    ",
        expect![[r#"
            card 1997-01-19 operator unlink 2
                refused IDENTIFIER_NOT_LINKED: the identifier is not linked to this member
            1997-01-19 operator unlink 3
                refused IDENTIFIER_ENROLLED: the member enrolled on this identifier
            card 1997-01-20 operator link 4
                linked
                hands over the identifier and 0 consents
                member: adopts piece 0
            card 1997-01-21 stranger unlink 5
                refused PERMISSION_DENIED: the caller may not do this
            card 1997-01-21 member unlink 6 key=stranger
                refused PERMISSION_DENIED: the caller may not do this
            card 1997-01-22 member unlink 7
                unlinked
                hands over nothing more
                member: adopts piece 0
            card 1997-01-22 operator unlink 8
                refused IDENTIFIER_NOT_LINKED: the identifier is not linked to this member"#]],
    );
}

#[test]
fn a_partner_unlinks_no_other_partners_customer_number() {
    let number = Identifier::new(Scheme::CustomerNumber(read("cdnow")), "00001").unwrap();
    let mut world = super::world::World::of(MYPOINTS, number);
    let (cdnow, airline) = (Role::Partner(read("cdnow")), Role::Partner(read("airline")));
    for (role, key, code) in
        [(airline, "airline", "PERMISSION_DENIED"), (cdnow, "cdnow", "IDENTIFIER_NOT_LINKED")]
    {
        let now = instant("1997-01-20");
        let number = if role == cdnow { 1 } else { 2 };
        let caller = crate::Caller { key: read(key), role };
        let identifier = world.identifier.clone();
        let command =
            Command::Unlink { caller, request: request(number, now), identifier, member: member().account() };
        let said = world.told(&command, now);
        assert!(said.contains(code), "{key}: {said}");
    }
}

/// What is still to be handed over is the member's.
#[test]
fn an_unlink_waits_until_everything_is_handed_over() {
    let mut pair = Pair::new(MYPOINTS);
    pair.say(ENROLLED);
    for nth in 0..1_500 {
        pair.card.say(&format!("1997-01-12 cdnow purchase p{nth} 2 USD order=o{nth}"));
    }
    pair.say("card 1997-01-20 operator link 2");
    let said = pair.say("card 1997-01-20 operator unlink 3");
    assert!(said.starts_with("refused HANDOVER_UNFINISHED"), "{said}");
    while pair.card.account.next_due().is_some() {
        pair.say("card 1997-01-20 time passes");
    }
    assert!(pair.say("card 1997-01-20 operator unlink 4").starts_with("unlinked"));
    assert_eq!(pair.member.available(instant("1997-01-20")).get(), 3_000);
    assert_eq!(pair.card.account.orders().iter().count(), 0);
}

/// Consents that came with the card are the member's: here they may have been withdrawn since, which nobody has said.
#[test]
fn consents_stay_with_the_member() {
    let mut pair = Pair::new(MYPOINTS);
    for line in [
        ENROLLED,
        "card 1997-01-12 cdnow consent_given c1 marketing",
        "card 1997-01-12 cdnow consent_given c2 sign-in",
        "card 1997-01-20 operator link 2",
        "card 1997-01-21 cdnow consent_withdrawn c3 marketing",
        "card 1997-01-22 operator unlink 3",
    ] {
        pair.say(line);
    }
    assert!(!pair.card.account.permits(&read("marketing")));
    assert!(pair.card.account.sign_in().is_empty());
    assert!(!pair.member.account.permits(&read("marketing")));
}
