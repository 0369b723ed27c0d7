//! Events that come before the consent that they need.

use expect_test::expect;

use super::script::{Line, instant};
use super::world::World;
use super::{MYPOINTS, check};
use crate::account::Account;
use crate::waiting::WAITING_MAX;
use crate::{Outcome, RegistryEvent, Span, Verdict};

const READ: &str = "1997-01-12 mypoints email_read e1 m1";

/// What is said after the message was read on 12 January.
fn check_read(when: &str, then: expect_test::Expect) {
    check(MYPOINTS, READ, when, then);
}

#[test]
fn an_event_is_applied_as_soon_as_its_consent_is_there() {
    check(MYPOINTS, "", READ, expect!["waits until 1997-01-13T00:00:00Z for consent to marketing"]);
    check_read(
        "
        1997-01-12T23:59:59Z mypoints sign_up s1 consents=marketing
        1997-01-12T23:59:59Z cdnow consent_given c1 marketing at=1997-01-11
        1997-01-12T23:59:59Z cdnow consent_given c1 sharing
        1997-01-12T23:59:59Z cdnow purchase p1 10 USD
    ",
        expect![[r#"
            1997-01-12T23:59:59Z mypoints sign_up s1 consents=marketing
                by mypoints 1
                enrolled
                permits marketing
                +150 Base by joining: mypoints, mypoints pays 9000 micros USD
                mypoints: 150
                e1 at last: by mypoints 1
                +10 Base by e-mail: mypoints, mypoints pays 9000 micros USD
                mypoints: 160
            1997-01-12T23:59:59Z cdnow consent_given c1 marketing at=1997-01-11
                by mypoints 1
                permits marketing
                e1 at last: by mypoints 1
                +10 Base by e-mail: mypoints, mypoints pays 9000 micros USD
                mypoints: 10
            1997-01-12T23:59:59Z cdnow consent_given c1 sharing
                by mypoints 1
                permits sharing
            1997-01-12T23:59:59Z cdnow purchase p1 10 USD
                by mypoints 1
                +10 Base by dollars: cdnow, cdnow pays 9000 micros USD
                mypoints: 10"#]],
    );
}

#[test]
fn what_waits_in_vain_is_refused_when_its_time_is_over() {
    check_read(
        "
        1997-01-12T23:59:59.999Z cdnow purchase p1 10 USD
        1997-01-13 cdnow purchase p1 10 USD
        1997-01-13 mypoints consent_given c1 marketing
    ",
        expect![[r#"
            1997-01-12T23:59:59.999Z cdnow purchase p1 10 USD
                by mypoints 1
                +10 Base by dollars: cdnow, cdnow pays 9000 micros USD
                mypoints: 10
            1997-01-13 cdnow purchase p1 10 USD
                e1 at last: refused CONSENT_MISSING: the member has given no consent for marketing
                by mypoints 1
                +10 Base by dollars: cdnow, cdnow pays 9000 micros USD
                mypoints: 10
            1997-01-13 mypoints consent_given c1 marketing
                e1 at last: refused CONSENT_MISSING: the member has given no consent for marketing
                by mypoints 1
                permits marketing"#]],
    );
    // The last word on a consent counts, and the network may leave no time at all.
    check_read(
        "1997-01-12 mypoints consent_withdrawn c1 marketing",
        expect![[r#"
        by mypoints 1
        permits marketing no longer"#]],
    );
    let mut world = World::new(MYPOINTS);
    world.registry.evolve(&RegistryEvent::ConsentWaitChanged(Span::ZERO));
    expect!["refused CONSENT_MISSING: the member has given no consent for marketing"]
        .assert_eq(&world.say(READ));
}

#[test]
fn the_id_of_what_waits_is_taken() {
    check_read(
        "
        1997-01-12 mypoints email_read e1 m1
        1997-01-12T12:00:00Z mypoints email_read e1 m1 at=1997-01-12
        1997-01-12T12:00:00Z mypoints email_read e1 m2 at=1997-01-12
    ",
        expect![[r#"
            1997-01-12 mypoints email_read e1 m1
                repeat of 0
            1997-01-12T12:00:00Z mypoints email_read e1 m1 at=1997-01-12
                repeat of 0
            1997-01-12T12:00:00Z mypoints email_read e1 m2 at=1997-01-12
                refused ID_REUSED: this id was used before for something else"#]],
    );
    // Once it was refused, other content is decided anew, and its own is not.
    let over = format!(
        "{READ}\n1997-01-13 cdnow purchase p1 10 USD\n1997-01-13 mypoints consent_given c1 marketing"
    );
    check(
        MYPOINTS,
        &over,
        "
        1997-01-14 mypoints email_read e1 m1 at=1997-01-12
        1997-01-14 mypoints email_read e1 m1 at=1997-01-12 revision=1
    ",
        expect![[r#"
            1997-01-14 mypoints email_read e1 m1 at=1997-01-12
                repeat of 1
            1997-01-14 mypoints email_read e1 m1 at=1997-01-12 revision=1
                by mypoints 1
                +10 Base by e-mail: mypoints, mypoints pays 9000 micros USD
                mypoints: 20"#]],
    );
    let applied = format!("{READ}\n1997-01-12 mypoints consent_given c1 marketing");
    check(
        MYPOINTS,
        &applied,
        "
        1997-01-14 mypoints email_read e1 m1 at=1997-01-12
        1997-01-14 mypoints email_read e1 m1 at=1997-01-12 revision=1
    ",
        expect![[r#"
            1997-01-14 mypoints email_read e1 m1 at=1997-01-12
                repeat of 2
            1997-01-14 mypoints email_read e1 m1 at=1997-01-12 revision=1
                refused ID_REUSED: this id was used before for something else"#]],
    );
}

#[test]
fn those_that_waited_are_decided_in_the_order_in_which_they_came() {
    check(
        MYPOINTS,
        "
        1997-01-12T01:00:00Z mypoints email_read e1 m1 at=1997-01-12
        1997-01-12T02:00:00Z mypoints email_read e3 m3 at=1997-01-10
        1997-01-12T03:00:00Z mypoints email_read e2 m1 at=1997-01-11
    ",
        "1997-01-12T04:00:00Z mypoints sign_up s1 consents=marketing",
        expect![[r#"
            by mypoints 1
            enrolled
            permits marketing
            +150 Base by joining: mypoints, mypoints pays 9000 micros USD
            mypoints: 150
            e1 at last: by mypoints 1
            +10 Base by e-mail: mypoints, mypoints pays 9000 micros USD
            mypoints: 160
            e3 at last: by mypoints 1
            +10 Base by e-mail: mypoints, mypoints pays 9000 micros USD
            mypoints: 170
            e2 at last: by mypoints 1
            nothing by e-mail: GrantedBefore
            mypoints: 170"#]],
    );
}

#[test]
fn having_waited_costs_no_points_by_itself_but_lapsed_ones_are_not_given() {
    let lapsing =
        MYPOINTS.replace("consent = \"marketing\"", "consent = \"marketing\"\nexpires_after_days = 400");
    // 400 days is how old an event may be here, and how long these points last.
    let read = "1998-01-01 mypoints email_read e1 m1 at=1996-11-27T12:00:00Z";
    let given = "1998-01-01T12:00:00Z mypoints consent_given c1 marketing";
    check(
        MYPOINTS,
        read,
        given,
        expect![[r#"
        by mypoints 1
        permits marketing
        e1 at last: by mypoints 1
        +10 Base by e-mail: mypoints, mypoints pays 9000 micros USD
        mypoints: 10"#]],
    );
    check(
        &lapsing,
        read,
        given,
        expect![[r#"
        by mypoints 1
        permits marketing
        e1 at last: by mypoints 1
        nothing by e-mail: LapsedAlready"#]],
    );
}

#[test]
fn an_account_keeps_a_bounded_number_of_events_that_wait() {
    let mut world = World::new(MYPOINTS);
    for nth in 0..WAITING_MAX {
        assert!(world.say(&format!("1997-01-12 mypoints email_read e{nth} m{nth}")).starts_with("waits"));
    }
    let more = "1997-01-12 mypoints email_read more more";
    expect!["refused CONSENT_MISSING: the member has given no consent for marketing"]
        .assert_eq(&world.say(more));
    let given = world.say("1997-01-12T10:00:00Z mypoints consent_given c1 marketing");
    assert_eq!(given.lines().filter(|line| line.contains("at last")).count(), WAITING_MAX);
    assert!(world.say("1997-01-12T10:00:00Z mypoints email_read other other").contains("+10"));
}

/// However long a shard stood still, and whatever came meanwhile, what waits is known.
#[test]
fn what_waits_is_not_forgotten_with_ids_of_its_age() {
    let mut world = World::new(MYPOINTS);
    world.say("1997-01-12 mypoints email_read e1 m1");
    let account = |world: &World| -> Account { world.account.clone() };
    for nth in 0..300 {
        let line = format!("1999-01-12 cdnow purchase p{nth} 1 USD");
        // The account alone, as its shard would have it before anything that is due is looked at.
        assert!(matches!(
            world.decide(&Line::new(&line).command(), instant("1999-01-12")),
            Verdict::Decided(_)
        ));
    }
    assert_eq!(account(&world).waiting().len(), 1);
    let repeat = Line::new(READ).command();
    assert_eq!(world.decide(&repeat, instant("1999-01-12")), Verdict::Repeat(0));
    let (command, outcome) = world.settle(instant("1999-01-12")).unwrap();
    assert_eq!(command, repeat);
    assert!(matches!(outcome, Outcome::Refused(refused) if refused.code() == "CONSENT_MISSING"));
    assert_eq!(account(&world).keys().activity(&repeat.key().unwrap()), Some(301));
}
