//! Decisions about the network itself.

use expect_test::{Expect, expect};

use super::script::{Line, instant, request};
use super::{MYPOINTS, World, check, text};
use crate::Timestamp;
use crate::decide::{RegistryChange, RegistryCommand, decide_registry};
use crate::registry::Registry;

/// [`check`] of a network that has [`MYPOINTS`] only.
fn on(given: &str, when: &str, then: Expect) {
    check(MYPOINTS, given, when, then);
}

/// What becomes of an operator's command on 1997-01-12, when its id was issued at this instant.
fn ask(change: RegistryChange, issued: Timestamp) -> String {
    let operator = Line::new("1997-01-12 operator asks");
    let command = RegistryCommand { caller: Some(operator.caller()), request: request(0, issued), change };
    text::registry(&decide_registry(&World::new("").registry, &command, operator.now))
}

#[test]
fn a_network_is_set_up_once() {
    on(
        "",
        "1997-01-01 nobody set_up 86400000 86400000",
        expect!["refused ALREADY_EXISTS: the network's set-up exists already"],
    );
}

#[test]
fn ages_lie_between_a_day_and_a_hundred_years() {
    let day = 86_400_000_i64;
    let set_up = |events: i64, requests: i64| {
        let line = format!("1997-01-01 nobody set_up {events} {requests}");
        let line = Line::new(&line);
        let request = request(0, line.now);
        let command = RegistryCommand { caller: None, request, change: line.change().unwrap() };
        text::registry(&decide_registry(&Registry::default(), &command, line.now))
    };
    expect![[r#"
        events up to 86400000 ms, requests up to 86400000 ms
        key operator for Operator"#]]
    .assert_eq(&set_up(day, day));
    expect![[r#"
        events up to 3153600000000 ms, requests up to 3153600000000 ms
        key operator for Operator"#]]
    .assert_eq(&set_up(36_500 * day, 36_500 * day));
    for (events, requests) in [(day - 1, day), (36_500 * day + 1, day)] {
        expect!["refused INVALID_ARGUMENT: max_event_age lies between 1 and 36500 days"]
            .assert_eq(&set_up(events, requests));
    }
    for (events, requests) in [(day, day - 1), (day, 36_500 * day + 1)] {
        expect!["refused INVALID_ARGUMENT: max_request_age lies between 1 and 36500 days"]
            .assert_eq(&set_up(events, requests));
    }
}

#[test]
fn events_wait_a_month_at_most_for_a_consent() {
    let set_up = |wait: i64| {
        let line = format!("1997-01-01 nobody set_up 86400000 86400000 {wait}");
        let line = Line::new(&line);
        let request = request(0, line.now);
        let command = RegistryCommand { caller: None, request, change: line.change().unwrap() };
        text::registry(&decide_registry(&Registry::default(), &command, line.now))
    };
    expect![[r#"
        events up to 86400000 ms, requests up to 86400000 ms
        waits 0 ms for a consent
        key operator for Operator"#]]
    .assert_eq(&set_up(0));
    assert!(set_up(30 * 86_400_000).contains("waits 2592000000 ms for a consent"));
    for wait in [-1, 30 * 86_400_000 + 1] {
        expect!["refused INVALID_ARGUMENT: consent_wait lies between 0 and 30 days"].assert_eq(&set_up(wait));
    }
    assert_eq!(Registry::default().consent_wait().as_millis(), 86_400_000);
}

#[test]
fn a_network_is_set_up_with_its_limit_of_adjustments() {
    let line = Line::new("1997-01-01 nobody set_up 86400000 86400000 0 500");
    let command =
        RegistryCommand { caller: None, request: request(0, line.now), change: line.change().unwrap() };
    let said = text::registry(&decide_registry(&Registry::default(), &command, line.now));
    assert!(said.contains("adjustments up to 500 by one"), "{said}");
    assert_eq!(Registry::default().adjustment_limit().get(), 10_000);
}

#[test]
fn before_any_setting_was_made_ids_are_kept_as_long_as_any_may_ask_for() {
    let registry = Registry::default();
    assert!(!registry.is_set_up());
    assert_eq!(registry.settings().max_event_age.as_millis(), 36_500 * 86_400_000);
    assert_eq!(registry.settings().max_request_age.as_millis(), 36_500 * 86_400_000);
}

#[test]
fn the_registry_is_the_operators() {
    on(
        "",
        "
        1997-01-01 nobody partner etoys
        1997-01-01 cdnow partner etoys
        1997-01-01 member partner etoys
        1997-01-01 operator partner etoys key=cdnow
    ",
        expect![[r#"
            1997-01-01 nobody partner etoys
                refused PERMISSION_DENIED: the caller may not do this
            1997-01-01 cdnow partner etoys
                refused PERMISSION_DENIED: the caller may not do this
            1997-01-01 member partner etoys
                refused PERMISSION_DENIED: the caller may not do this
            1997-01-01 operator partner etoys key=cdnow
                refused PERMISSION_DENIED: the caller may not do this"#]],
    );
    let given = "1997-01-01 operator key spare operator\n1997-01-01 operator revoke operator";
    on(
        given,
        "
        1997-01-01 operator partner etoys
        1997-01-01 operator partner etoys key=spare
    ",
        expect![[r#"
            1997-01-01 operator partner etoys
                refused KEY_REVOKED: the caller's key is revoked
            1997-01-01 operator partner etoys key=spare
                partner etoys (etoys), default None"#]],
    );
}

#[test]
fn a_request_to_the_registry_ages_too() {
    let ask =
        |issued: &str| ask(Line::new("1997-01-12 operator partner etoys").change().unwrap(), instant(issued));
    expect!["partner etoys (etoys), default None"].assert_eq(&ask("1997-01-11"));
    expect!["refused REQUEST_TOO_OLD: the request id was issued at 1997-01-10T23:59:59.999Z, more than 24 hours ago; use a new one"].assert_eq(&ask("1997-01-10T23:59:59.999Z"));
    expect!["partner etoys (etoys), default None"].assert_eq(&ask("1997-01-12T00:05:00Z"));
    expect!["refused REQUEST_IN_FUTURE: the request id was issued at 1997-01-12T00:05:00.001Z, which is in the future; check the clock"].assert_eq(&ask("1997-01-12T00:05:00.001Z"));
}

#[test]
fn a_partner_has_a_name_of_its_own() {
    on(
        "",
        "
        1997-01-01 operator partner etoys name=eToys default=mypoints
        1997-01-01 operator partner cdnow
    ",
        expect![[r#"
            1997-01-01 operator partner etoys name=eToys default=mypoints
                partner etoys (eToys), default Some(mypoints)
            1997-01-01 operator partner cdnow
                refused ALREADY_EXISTS: partner cdnow exists already"#]],
    );
    let named = |length: usize| format!("1997-01-01 operator partner etoys name={}", "é".repeat(length));
    on(
        "",
        &[named(0), named(101)].join("\n"),
        expect![[r#"
        1997-01-01 operator partner etoys name=
            refused INVALID_ARGUMENT: a display name has 1 to 100 characters
        1997-01-01 operator partner etoys name=ééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé
            refused INVALID_ARGUMENT: a display name has 1 to 100 characters"#]],
    );
    on(
        "",
        "1997-01-01 operator partner etoys name=a\u{7}b",
        expect!["refused INVALID_ARGUMENT: a display name has 1 to 100 characters"],
    );
    let mut world = World::new("");
    assert!(world.say(&named(100)).starts_with("partner etoys"));
}

#[test]
fn a_contract_binds_a_known_partner_and_programme_to_a_price() {
    on(
        "",
        "
        1997-01-01 operator contract rival mypoints accrual=0 redemption=1000000000
        1997-01-01 operator contract rival mypoints
        1997-01-01 operator contract etoys mypoints accrual=1
        1997-01-01 operator contract rival clickrewards accrual=1
    ",
        expect![[r#"
            1997-01-01 operator contract rival mypoints accrual=0 redemption=1000000000
                rival in mypoints from 1990-01-01T00:00:00Z: accrual 0 micros USD, redemption 1000000000 micros USD
            1997-01-01 operator contract rival mypoints
                refused INVALID_ARGUMENT: a contract states a unit price for accrual, redemption or both
            1997-01-01 operator contract etoys mypoints accrual=1
                refused UNKNOWN_PARTNER: the network has no partner etoys
            1997-01-01 operator contract rival clickrewards accrual=1
                refused UNKNOWN_PROGRAMME: the network has no programme clickrewards"#]],
    );
}

#[test]
fn a_first_contract_may_be_back_dated_and_a_further_one_lies_ahead() {
    on(
        "",
        "1997-01-01 operator contract rival mypoints accrual=1 from=1990-01-01",
        expect!["rival in mypoints from 1990-01-01T00:00:00Z: accrual 1 micros USD, redemption -"],
    );
    let given = "1997-01-01 operator contract rival mypoints accrual=1 from=1990-01-01";
    let further = |from| format!("1997-03-01 operator contract rival mypoints accrual=2 from={from}");
    on(
        given,
        &[further("1997-03-01T00:00:59.999Z"), further("1997-03-01T00:01:00Z")].join("\n"),
        expect![[r#"
            1997-03-01 operator contract rival mypoints accrual=2 from=1997-03-01T00:00:59.999Z
                refused EFFECTIVE_TOO_EARLY: it takes effect too early: the earliest instant is 1997-03-01T00:01:00Z
            1997-03-01 operator contract rival mypoints accrual=2 from=1997-03-01T00:01:00Z
                rival in mypoints from 1997-03-01T00:01:00Z: accrual 2 micros USD, redemption -"#]],
    );
    let ahead = "1997-01-01 operator contract rival mypoints accrual=1 from=1997-06-01";
    on(
        ahead,
        &[further("1997-06-01"), further("1997-06-01T00:00:00.001Z")].join("\n"),
        expect![[r#"
            1997-03-01 operator contract rival mypoints accrual=2 from=1997-06-01
                refused EFFECTIVE_TOO_EARLY: it takes effect too early: the earliest instant is 1997-06-01T00:00:00.001Z
            1997-03-01 operator contract rival mypoints accrual=2 from=1997-06-01T00:00:00.001Z
                rival in mypoints from 1997-06-01T00:00:00.001Z: accrual 2 micros USD, redemption -"#]],
    );
}

#[test]
fn a_key_speaks_for_somebody_known_until_it_is_revoked() {
    on(
        "",
        "
        1997-01-01 operator key till cdnow
        1997-01-01 operator key till etoys
        1997-01-01 operator key cdnow cdnow
        1997-01-01 operator revoke cdnow
    ",
        expect![[r#"
            1997-01-01 operator key till cdnow
                key till for Partner(cdnow)
            1997-01-01 operator key till etoys
                refused UNKNOWN_PARTNER: the network has no partner etoys
            1997-01-01 operator key cdnow cdnow
                refused ALREADY_EXISTS: key cdnow exists already
            1997-01-01 operator revoke cdnow
                key cdnow revoked at 1997-01-01T00:00:00Z"#]],
    );
    on("1997-01-01 operator revoke cdnow", "1997-01-02 operator revoke cdnow", expect!["nothing"]);
    on("", "1997-01-01 operator revoke till", expect!["refused NOT_FOUND: there is no such key"]);
    // A name is not free again once its key is revoked.
    on(
        "1997-01-01 operator revoke cdnow",
        "1997-01-02 operator key cdnow cdnow",
        expect!["refused ALREADY_EXISTS: key cdnow exists already"],
    );
}

#[test]
fn a_first_version_may_be_back_dated() {
    on(
        "",
        "1997-01-01 operator publish clickrewards 1980-01-01",
        expect!["clickrewards 1 of 1997-01-01T00:00:00Z published"],
    );
}

#[test]
fn a_further_version_is_published_a_lead_before_it_takes_effect() {
    let publish = |effective| format!("1997-01-01 operator publish mypoints {effective}");
    on(
        "",
        &[publish("1997-01-01T00:00:59.999Z"), publish("1997-01-01T00:01:00Z")].join("\n"),
        expect![[r#"
            1997-01-01 operator publish mypoints 1997-01-01T00:00:59.999Z
                refused EFFECTIVE_TOO_EARLY: it takes effect too early: the earliest instant is 1997-01-01T00:01:00Z
            1997-01-01 operator publish mypoints 1997-01-01T00:01:00Z
                mypoints 2 of 1997-01-01T00:00:00Z published"#]],
    );
    let given = "1997-01-01 operator publish mypoints 1998-01-01";
    on(
        given,
        &[publish("1998-01-01"), publish("1998-01-01T00:00:00.001Z")].join("\n"),
        expect![[r#"
            1997-01-01 operator publish mypoints 1998-01-01
                refused EFFECTIVE_TOO_EARLY: it takes effect too early: the earliest instant is 1998-01-01T00:00:00.001Z
            1997-01-01 operator publish mypoints 1998-01-01T00:00:00.001Z
                mypoints 3 of 1997-01-01T00:00:00Z published"#]],
    );
}

#[test]
fn the_operator_keeps_a_key() {
    let revoke = "1997-01-01 operator revoke operator";
    on(
        "",
        revoke,
        expect!["refused LAST_OPERATOR_KEY: this is the operator's only key; make another one first"],
    );
    on(
        "1997-01-01 operator key spare operator",
        revoke,
        expect!["key operator revoked at 1997-01-01T00:00:00Z"],
    );
    let given = "1997-01-01 operator key spare operator\n1997-01-01 operator revoke spare";
    on(
        given,
        revoke,
        expect!["refused LAST_OPERATOR_KEY: this is the operator's only key; make another one first"],
    );
}

#[test]
fn what_takes_effect_lies_ten_years_ahead_at_most() {
    on(
        "",
        "
        1997-01-01 operator publish mypoints 2007-01-02T00:00:00.001Z
        1997-01-01 operator publish mypoints 2007-01-02
        1997-01-01 operator contract rival mypoints accrual=1 from=2007-01-02T00:00:00.001Z
        1997-01-01 operator contract rival mypoints accrual=1 from=2007-01-02
    ",
        expect![[r#"
            1997-01-01 operator publish mypoints 2007-01-02T00:00:00.001Z
                refused INVALID_ARGUMENT: it takes effect too late: the latest instant is 2007-01-02T00:00:00Z
            1997-01-01 operator publish mypoints 2007-01-02
                mypoints 2 of 1997-01-01T00:00:00Z published
            1997-01-01 operator contract rival mypoints accrual=1 from=2007-01-02T00:00:00.001Z
                refused INVALID_ARGUMENT: it takes effect too late: the latest instant is 2007-01-02T00:00:00Z
            1997-01-01 operator contract rival mypoints accrual=1 from=2007-01-02
                rival in mypoints from 2007-01-02T00:00:00Z: accrual 1 micros USD, redemption -"#]],
    );
}

#[test]
fn a_programme_names_known_partners() {
    for key in ["partners", "funder", "redeemer"] {
        let publish = |partner| {
            let line = format!("1997-01-01 operator publish clickrewards 1997-01-01 {key}={partner}");
            World::new("").say(&line)
        };
        assert_eq!(publish("etoys"), "refused UNKNOWN_PARTNER: the network has no partner etoys");
        assert_eq!(publish("bank"), "clickrewards 1 of 1997-01-01T00:00:00Z published");
    }
}

#[test]
fn a_document_with_faults_is_refused_with_them() {
    let say = |document: String| {
        ask(RegistryChange::PublishProgramme { document: document.into() }, instant("1997-01-12"))
    };
    expect![[r#"refused PROGRAMME_INVALID: the programme document has faults: 1:1 programme.name: missing; 1:1 programme.effective_from: missing; 2:6 programme.id: "X" is no name; a name is 1 to 31 of a-z, 0-9, - and _, starting with a letter or digit"#]].assert_eq(&say("[programme]\nid = \"X\"\n".to_owned()));
    // A refusal is journaled and answered, so it is short.
    for document in ["[[rule]]\n".repeat(900), format!("{} = 1", "k".repeat(100_000))] {
        let refused = say(document);
        assert!(refused.len() < 4_096, "{} bytes", refused.len());
    }
}
