//! One id, one effect, one answer.

use expect_test::expect;

use super::script::instant;
use super::world::World;
use super::{MYPOINTS, check};
use crate::Span;
use crate::registry::{RegistryEvent, Settings};

#[test]
fn a_repeat_gets_the_first_answer() {
    let given = "
        1997-01-12 mypoints sign_up s1
        1997-01-12 cdnow purchase p1 10 USD
        1997-01-12 cdnow purchase p2 10 GBP
        1997-01-12 member redeem 1 voucher";
    let check = |line, then| check(MYPOINTS, given, line, then);
    check(
        "
        1997-02-12 mypoints sign_up s1 at=1997-01-12
        1997-02-12 cdnow purchase p1 10.00 USD at=1997-01-12
        1997-02-12 cdnow purchase p2 10 GBP at=1997-01-12
        1997-02-12 member redeem 1 voucher issued=1997-01-12
    ",
        expect![[r#"
            1997-02-12 mypoints sign_up s1 at=1997-01-12
                repeat of 0
            1997-02-12 cdnow purchase p1 10.00 USD at=1997-01-12
                repeat of 1
            1997-02-12 cdnow purchase p2 10 GBP at=1997-01-12
                repeat of 2
            1997-02-12 member redeem 1 voucher issued=1997-01-12
                repeat of 3"#]],
    );
}

#[test]
fn an_id_that_took_effect_is_used_up() {
    let given = "1997-01-12 cdnow purchase p1 10 USD";
    check(
        MYPOINTS,
        given,
        "
        // Each of them differs in one thing.
        1997-01-13 cdnow purchase p1 11 USD at=1997-01-12
        1997-01-13 cdnow purchase p1 10 EUR at=1997-01-12
        1997-01-13 cdnow purchase p1 10 USD at=1997-01-12 order=o1
        1997-01-13 cdnow purchase p1 10 USD at=1997-01-12 channel=web
        1997-01-13 cdnow purchase p1 10 USD at=1997-01-12 programme=mypoints
        1997-01-13 cdnow purchase p1 10 USD at=1997-01-12T00:00:00.001Z
        1997-01-13 cdnow email_read p1 p1 at=1997-01-12
        // Ids are a partner's own.
        1997-01-13 bank purchase p1 11 USD
    ",
        expect![[r#"
            1997-01-13 cdnow purchase p1 11 USD at=1997-01-12
                refused ID_REUSED: this id was used before for something else
            1997-01-13 cdnow purchase p1 10 EUR at=1997-01-12
                refused ID_REUSED: this id was used before for something else
            1997-01-13 cdnow purchase p1 10 USD at=1997-01-12 order=o1
                refused ID_REUSED: this id was used before for something else
            1997-01-13 cdnow purchase p1 10 USD at=1997-01-12 channel=web
                refused ID_REUSED: this id was used before for something else
            1997-01-13 cdnow purchase p1 10 USD at=1997-01-12 programme=mypoints
                refused ID_REUSED: this id was used before for something else
            1997-01-13 cdnow purchase p1 10 USD at=1997-01-12T00:00:00.001Z
                refused ID_REUSED: this id was used before for something else
            1997-01-13 cdnow email_read p1 p1 at=1997-01-12
                refused ID_REUSED: this id was used before for something else
            1997-01-13 bank purchase p1 11 USD
                by mypoints 1
                +11 Base by dollars: bank, bank pays 8000 micros USD
                mypoints: 21"#]],
    );
}

#[test]
fn an_event_that_was_refused_may_come_again_corrected() {
    let refused = "1997-01-12 cdnow purchase p1 10 GBP";
    check(
        MYPOINTS,
        refused,
        "
        1997-01-13 cdnow purchase p1 10 USD
        1997-01-13 cdnow purchase p1 10 EUR
    ",
        expect![[r#"
            1997-01-13 cdnow purchase p1 10 USD
                by mypoints 1
                +10 Base by dollars: cdnow, cdnow pays 9000 micros USD
                mypoints: 10
            1997-01-13 cdnow purchase p1 10 EUR
                refused CURRENCY_NOT_ACCEPTED: programme mypoints has no rule for amounts in EUR at this partner"#]],
    );
    // Unchanged it gets the same refusal, whatever has come between.
    let corrected = format!("{refused}\n1997-01-13 cdnow purchase p1 10 USD");
    check(
        MYPOINTS,
        &corrected,
        "
        1997-01-14 cdnow purchase p1 10 GBP at=1997-01-12
        1997-01-14 cdnow purchase p1 10 USD at=1997-01-13
        1997-01-14 cdnow purchase p1 10 EUR at=1997-01-13
    ",
        expect![[r#"
            1997-01-14 cdnow purchase p1 10 GBP at=1997-01-12
                repeat of 0
            1997-01-14 cdnow purchase p1 10 USD at=1997-01-13
                repeat of 1
            1997-01-14 cdnow purchase p1 10 EUR at=1997-01-13
                refused ID_REUSED: this id was used before for something else"#]],
    );
}

#[test]
fn a_raised_revision_is_enough_to_be_decided_anew() {
    let refused =
        "1997-01-12 cdnow purchase p1 10 USD at=1997-01-01\n1997-01-12 cdnow purchase p2 10 GBP revision=1";
    check(
        MYPOINTS,
        refused,
        "
        1997-01-13 cdnow purchase p2 10 GBP at=1997-01-12 revision=1
        1997-01-13 cdnow purchase p2 10 GBP at=1997-01-12 revision=2
        1997-01-13 cdnow purchase p1 10 USD at=1997-01-01 revision=1
    ",
        expect![[r#"
            1997-01-13 cdnow purchase p2 10 GBP at=1997-01-12 revision=1
                repeat of 1
            1997-01-13 cdnow purchase p2 10 GBP at=1997-01-12 revision=2
                refused CURRENCY_NOT_ACCEPTED: programme mypoints has no rule for amounts in GBP at this partner
            1997-01-13 cdnow purchase p1 10 USD at=1997-01-01 revision=1
                refused ID_REUSED: this id was used before for something else"#]],
    );
}

#[test]
fn the_refusal_of_a_second_use_is_an_answer_of_its_own() {
    let given = "
        1997-01-12 cdnow purchase p1 10 USD
        1997-01-13 cdnow purchase p1 11 USD at=1997-01-12";
    check(
        MYPOINTS,
        given,
        "
        1997-01-14 cdnow purchase p1 11 USD at=1997-01-12
        1997-01-14 cdnow purchase p1 10 USD at=1997-01-12
    ",
        expect![[r#"
            1997-01-14 cdnow purchase p1 11 USD at=1997-01-12
                repeat of 1
            1997-01-14 cdnow purchase p1 10 USD at=1997-01-12
                repeat of 0"#]],
    );
}

#[test]
fn a_request_id_with_other_content_is_refused_always() {
    let given = "
        1997-01-12 operator enrol 1
        1997-01-12 cdnow purchase p1 600 USD
        1997-01-12 member redeem 2 paris
        1997-01-12 member redeem 3 voucher";
    let check = |line, then| check(MYPOINTS, given, line, then);
    // Request 2 was refused, request 3 took effect.
    check(
        "
        1997-01-12 member redeem 2 voucher
        1997-01-12 member redeem 3 voucher quantity=2
        1997-01-12 operator redeem 1 voucher
        1997-01-12 operator enrol 3
    ",
        expect![[r#"
            1997-01-12 member redeem 2 voucher
                refused ID_REUSED: this id was used before for something else
            1997-01-12 member redeem 3 voucher quantity=2
                refused ID_REUSED: this id was used before for something else
            1997-01-12 operator redeem 1 voucher
                refused ID_REUSED: this id was used before for something else
            1997-01-12 operator enrol 3
                refused ALREADY_ENROLLED: somebody is enrolled on this identifier already"#]],
    );
}

#[test]
fn request_ids_are_a_callers_own_whatever_its_key() {
    let given = "
        1997-01-12 operator enrol 1
        1997-01-12 cdnow purchase p1 1200 USD
        1997-01-12 operator key spare member
        1997-01-12 member redeem 2 voucher";
    check(
        MYPOINTS,
        given,
        "
        1997-01-12 member redeem 2 voucher key=spare
        1997-01-12 cdnow redeem 2 voucher
    ",
        expect![[r#"
            1997-01-12 member redeem 2 voucher key=spare
                repeat of 2
            1997-01-12 cdnow redeem 2 voucher
                by mypoints 1
                -500 for 1 voucher: cdnow is paid 7000 micros USD
                  500 of cdnow, cdnow paid 9000 micros USD for lot 2.0
                mypoints: 200"#]],
    );
}

#[test]
fn a_request_id_ages_by_the_time_of_the_decision() {
    // The network of these tests keeps request ids for a day; clocks may be 5 minutes ahead.
    let check = |line, then| check(MYPOINTS, "", line, then);
    check(
        "
        1997-01-12 operator enrol 1 issued=1997-01-11
        1997-01-12 operator enrol 1 issued=1997-01-10T23:59:59.999Z
        1997-01-12 operator enrol 1 issued=1997-01-12T00:05:00Z
        1997-01-12 operator enrol 1 issued=1997-01-12T00:05:00.001Z
        1997-01-12 cdnow redeem 1 voucher issued=1997-01-10T23:59:59.999Z
        1997-01-12 cdnow redeem 1 voucher issued=1997-01-12T00:05:00.001Z
    ",
        expect![[r#"
            1997-01-12 operator enrol 1 issued=1997-01-11
                enrolled
            1997-01-12 operator enrol 1 issued=1997-01-10T23:59:59.999Z
                refused REQUEST_TOO_OLD: the request id was issued at 1997-01-10T23:59:59.999Z, more than 24 hours ago; use a new one
            1997-01-12 operator enrol 1 issued=1997-01-12T00:05:00Z
                enrolled
            1997-01-12 operator enrol 1 issued=1997-01-12T00:05:00.001Z
                refused REQUEST_IN_FUTURE: the request id was issued at 1997-01-12T00:05:00.001Z, which is in the future; check the clock
            1997-01-12 cdnow redeem 1 voucher issued=1997-01-10T23:59:59.999Z
                refused REQUEST_TOO_OLD: the request id was issued at 1997-01-10T23:59:59.999Z, more than 24 hours ago; use a new one
            1997-01-12 cdnow redeem 1 voucher issued=1997-01-12T00:05:00.001Z
                refused REQUEST_IN_FUTURE: the request id was issued at 1997-01-12T00:05:00.001Z, which is in the future; check the clock"#]],
    );
}

#[test]
fn an_event_ages_by_the_newest_append_time_of_the_inbox() {
    // 400 days before 1998-02-05 lies 1997-01-01.
    let given = "1998-02-05 mypoints sign_up s1";
    check(
        MYPOINTS,
        given,
        "
        1998-02-05 cdnow purchase p1 10 USD at=1997-01-01
        1998-02-05 cdnow purchase p1 10 USD at=1996-12-31T23:59:59.999Z
    ",
        expect![[r#"
            1998-02-05 cdnow purchase p1 10 USD at=1997-01-01
                by mypoints 1
                +10 Base by dollars: cdnow, cdnow pays 9000 micros USD
                mypoints: 160
            1998-02-05 cdnow purchase p1 10 USD at=1996-12-31T23:59:59.999Z
                refused EVENT_TOO_OLD: the event is older than the network accepts (400 days)"#]],
    );
    // A repeat is known for as long as it is kept, also when the event has become too old to be decided.
    let given = "1997-01-01 mypoints sign_up s1";
    check(
        MYPOINTS,
        given,
        "
        1999-01-01 mypoints sign_up s1 at=1997-01-01
        1999-01-01 mypoints sign_up s2 at=1997-01-01
    ",
        expect![[r#"
            1999-01-01 mypoints sign_up s1 at=1997-01-01
                repeat of 0
            1999-01-01 mypoints sign_up s2 at=1997-01-01
                refused EVENT_TOO_OLD: the event is older than the network accepts (400 days)"#]],
    );
}

/// A sender that tries again and again, each time with another event time, must not make a page of ids grow for ever.
#[test]
fn an_id_may_be_corrected_so_many_times() {
    let mut world = World::new(MYPOINTS);
    let refused =
        "refused CURRENCY_NOT_ACCEPTED: programme mypoints has no rule for amounts in GBP at this partner";
    for pounds in 1..=32 {
        assert_eq!(world.say(&format!("1997-01-12 cdnow purchase p1 {pounds} GBP")), refused);
    }
    let known = |world: &World| world.account.keys().pages()[0].entries.len();
    assert_eq!(known(&world), 32);
    let reused = "refused ID_REUSED: this id was used before for something else";
    for pounds in 33..200 {
        assert_eq!(world.say(&format!("1997-01-12 cdnow purchase p1 {pounds} GBP")), reused);
        assert_eq!(known(&world), 32);
    }
    // Whatever was said first is said again, whether it is remembered or not.
    assert_eq!(world.say("1997-01-12 cdnow purchase p1 32 GBP"), "repeat of 31");
    assert_eq!(world.say("1997-01-12 cdnow purchase p1 33 GBP"), reused);
    assert_eq!(world.say("1997-01-12 cdnow purchase p1 10 USD"), reused);
}

/// Ids are forgotten by the slower of two clocks: events age by the inbox, requests by the decisions.
#[test]
fn what_was_forgotten_is_too_old_to_be_decided_again() {
    for days_ahead in [-10, 0, 10] {
        let mut world = World::new(MYPOINTS);
        world.ahead = Span::from_days(days_ahead);
        let age = Span::from_days(5);
        let settings = Settings { max_event_age: age, max_request_age: age };
        world.registry.evolve(&RegistryEvent::SettingsChanged(settings));
        let mut now = instant("1997-01-01");
        let mut lines = Vec::new();
        for nth in 0..600 {
            let what = if nth % 2 == 0 { "cdnow purchase ID 1 USD" } else { "operator enrol ID" };
            now = now.plus(Span::from_secs(3_600));
            lines.push((now, what.replace("ID", &nth.to_string())));
            world.say(&format!("{now} {}", lines[nth].1));
        }
        let mut too_old = [0, 0];
        for (nth, (at, line)) in lines.iter().enumerate() {
            let said = world.clone().say(&format!("{now} {line} at={at} issued={at}"));
            match said.split(':').next() {
                Some("refused EVENT_TOO_OLD" | "refused REQUEST_TOO_OLD") => too_old[nth % 2] += 1,
                _ => assert_eq!(said, format!("repeat of {nth}"), "{line} {days_ahead} days ahead"),
            }
        }
        assert!(too_old.iter().all(|forgotten| *forgotten > 50), "{too_old:?} forgotten");
    }
}
