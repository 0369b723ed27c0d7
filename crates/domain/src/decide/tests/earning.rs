//! What a partner's event earns, and every reason for which it earns nothing.

use expect_test::expect;

use super::world::World;
use super::{MYPOINTS, check};
use crate::event::{Event, Outcome};

const RULES: &str = r#"
    [programme]
    id = "mypoints"
    name = "Rules of every kind"
    effective_from = 1996-01-01T00:00:00Z

    [[rule]]
    id = "web"
    event = "account_opening"
    points = 5
    channels = ["web", "phone"]

    [[rule]]
    id = "february"
    event = "email_read"
    points = 7
    from = 1997-02-01T00:00:00Z
    until = 1997-03-01T00:00:00Z

    [[rule]]
    id = "dollars"
    event = "purchase"
    points = 2
    per = { amount = "1.00", currency = "USD", rounding = "down" }

    [[rule]]
    id = "euros"
    event = "purchase"
    points = 2
    per = { amount = "1.00", currency = "EUR", rounding = "up" }

    [[rule]]
    id = "yen"
    event = "purchase"
    points = 1
    per = { amount = "100", currency = "JPY", rounding = "half_even" }

    [[rule]]
    id = "review"
    event = "engagement"
    kind = "review"
    points = 3
    once = "reference"

    [[rule]]
    id = "visit"
    event = "engagement"
    kind = "visit"
    points = 4
    once = "member_and_partner"

    [[rule]]
    id = "game"
    event = "engagement"
    kind = "game"
    points = 6
    once = "member"
"#;

#[test]
fn an_event_that_no_rule_looks_at_earns_nothing() {
    check(
        MYPOINTS,
        "",
        "
        1997-01-12 bank account_opening a1
        1997-01-12 cdnow engagement g1 review
        // The rule is for another partner.
        1997-01-12 cdnow email_read e1 m1
        // This is not meant to earn anything.
        1997-01-12 mypoints consent_given c1 marketing
    ",
        expect![[r#"
            1997-01-12 bank account_opening a1
                by mypoints 1
                nothing: NoRule
            1997-01-12 cdnow engagement g1 review
                by mypoints 1
                nothing: NoRule
            1997-01-12 cdnow email_read e1 m1
                by mypoints 1
                nothing: NoRule
            1997-01-12 mypoints consent_given c1 marketing
                by mypoints 1
                permits marketing"#]],
    );
}

#[test]
fn a_rule_may_ask_for_channels() {
    check(
        RULES,
        "",
        "
        1997-01-12 bank account_opening a1 channel=web
        1997-01-12 bank account_opening a1 channel=shop
        1997-01-12 bank account_opening a1
    ",
        expect![[r#"
            1997-01-12 bank account_opening a1 channel=web
                by mypoints 1
                +5 Base by web: bank, bank pays 8000 micros USD
                mypoints: 5
            1997-01-12 bank account_opening a1 channel=shop
                by mypoints 1
                nothing by web: OtherChannel
            1997-01-12 bank account_opening a1
                by mypoints 1
                nothing by web: OtherChannel"#]],
    );
}

#[test]
fn a_rule_grants_within_its_window_by_the_time_of_the_event() {
    check(
        RULES,
        "",
        "
        1997-09-01 bank email_read e1 m1 at=1997-01-31T23:59:59.999Z
        1997-09-01 bank email_read e1 m1 at=1997-02-01T00:00:00Z
        1997-09-01 bank email_read e1 m1 at=1997-02-28T23:59:59.999Z
        1997-09-01 bank email_read e1 m1 at=1997-03-01T00:00:00Z
    ",
        expect![[r#"
            1997-09-01 bank email_read e1 m1 at=1997-01-31T23:59:59.999Z
                by mypoints 1
                nothing by february: OutsideWindow
            1997-09-01 bank email_read e1 m1 at=1997-02-01T00:00:00Z
                by mypoints 1
                +7 Base by february: bank, bank pays 8000 micros USD
                mypoints: 7
            1997-09-01 bank email_read e1 m1 at=1997-02-28T23:59:59.999Z
                by mypoints 1
                +7 Base by february: bank, bank pays 8000 micros USD
                mypoints: 7
            1997-09-01 bank email_read e1 m1 at=1997-03-01T00:00:00Z
                by mypoints 1
                nothing by february: OutsideWindow"#]],
    );
}

#[test]
fn an_amount_earns_by_the_rounding_of_its_rule() {
    // 2 points a dollar, down: 1.49 are 2.98.
    check(
        RULES,
        "",
        "
        1997-01-12 cdnow purchase p1 1.49 USD
        1997-01-12 cdnow purchase p1 1.50 USD
        1997-01-12 cdnow purchase p1 0.499999 USD
        1997-01-12 cdnow purchase p1 0 USD
        // 2 points a euro, up: 0.500001 are 1.000002.
        1997-01-12 cdnow purchase p1 0.5 EUR
        1997-01-12 cdnow purchase p1 0.500001 EUR
        1997-01-12 cdnow purchase p1 0 EUR
        // A point for 100 yen, half to even.
        1997-01-12 cdnow purchase p1 50 JPY
        1997-01-12 cdnow purchase p1 50.000001 JPY
        1997-01-12 cdnow purchase p1 149.999999 JPY
        1997-01-12 cdnow purchase p1 150 JPY
        1997-01-12 cdnow purchase p1 250 JPY
    ",
        expect![[r#"
            1997-01-12 cdnow purchase p1 1.49 USD
                by mypoints 1
                +2 Base by dollars: cdnow, cdnow pays 9000 micros USD
                nothing by euros: OtherCurrency
                nothing by yen: OtherCurrency
                mypoints: 2
            1997-01-12 cdnow purchase p1 1.50 USD
                by mypoints 1
                +3 Base by dollars: cdnow, cdnow pays 9000 micros USD
                nothing by euros: OtherCurrency
                nothing by yen: OtherCurrency
                mypoints: 3
            1997-01-12 cdnow purchase p1 0.499999 USD
                by mypoints 1
                nothing by dollars: AmountTooSmall
                nothing by euros: OtherCurrency
                nothing by yen: OtherCurrency
            1997-01-12 cdnow purchase p1 0 USD
                by mypoints 1
                nothing by dollars: AmountTooSmall
                nothing by euros: OtherCurrency
                nothing by yen: OtherCurrency
            1997-01-12 cdnow purchase p1 0.5 EUR
                by mypoints 1
                nothing by dollars: OtherCurrency
                +1 Base by euros: cdnow, cdnow pays 9000 micros USD
                nothing by yen: OtherCurrency
                mypoints: 1
            1997-01-12 cdnow purchase p1 0.500001 EUR
                by mypoints 1
                nothing by dollars: OtherCurrency
                +2 Base by euros: cdnow, cdnow pays 9000 micros USD
                nothing by yen: OtherCurrency
                mypoints: 2
            1997-01-12 cdnow purchase p1 0 EUR
                by mypoints 1
                nothing by dollars: OtherCurrency
                nothing by euros: AmountTooSmall
                nothing by yen: OtherCurrency
            1997-01-12 cdnow purchase p1 50 JPY
                by mypoints 1
                nothing by dollars: OtherCurrency
                nothing by euros: OtherCurrency
                nothing by yen: AmountTooSmall
            1997-01-12 cdnow purchase p1 50.000001 JPY
                by mypoints 1
                nothing by dollars: OtherCurrency
                nothing by euros: OtherCurrency
                +1 Base by yen: cdnow, cdnow pays 9000 micros USD
                mypoints: 1
            1997-01-12 cdnow purchase p1 149.999999 JPY
                by mypoints 1
                nothing by dollars: OtherCurrency
                nothing by euros: OtherCurrency
                +1 Base by yen: cdnow, cdnow pays 9000 micros USD
                mypoints: 1
            1997-01-12 cdnow purchase p1 150 JPY
                by mypoints 1
                nothing by dollars: OtherCurrency
                nothing by euros: OtherCurrency
                +2 Base by yen: cdnow, cdnow pays 9000 micros USD
                mypoints: 2
            1997-01-12 cdnow purchase p1 250 JPY
                by mypoints 1
                nothing by dollars: OtherCurrency
                nothing by euros: OtherCurrency
                +2 Base by yen: cdnow, cdnow pays 9000 micros USD
                mypoints: 2"#]],
    );
}

#[test]
fn a_rule_may_grant_once_for_each_reference_partner_or_member() {
    let given = "
        1997-01-12 cdnow engagement g1 review r1
        1997-01-12 cdnow engagement g2 visit
        1997-01-12 cdnow engagement g3 game";
    check(
        RULES,
        given,
        "
        1997-01-13 cdnow engagement g4 review r1
        1997-01-13 cdnow engagement g4 review r2
        1997-01-13 bank engagement g1 review r1
        1997-01-13 cdnow engagement g4 review
        1997-01-13 cdnow engagement g4 visit r1
        1997-01-13 bank engagement g4 visit
        1997-01-13 bank engagement g4 game
    ",
        expect![[r#"
            1997-01-13 cdnow engagement g4 review r1
                by mypoints 1
                nothing by review: GrantedBefore
                mypoints: 13
            1997-01-13 cdnow engagement g4 review r2
                by mypoints 1
                +3 Base by review: cdnow, cdnow pays 9000 micros USD
                mypoints: 16
            1997-01-13 bank engagement g1 review r1
                by mypoints 1
                +3 Base by review: bank, bank pays 8000 micros USD
                mypoints: 16
            1997-01-13 cdnow engagement g4 review
                by mypoints 1
                nothing by review: NoReference
                mypoints: 13
            1997-01-13 cdnow engagement g4 visit r1
                by mypoints 1
                nothing by visit: GrantedBefore
                mypoints: 13
            1997-01-13 bank engagement g4 visit
                by mypoints 1
                +4 Base by visit: bank, bank pays 8000 micros USD
                mypoints: 17
            1997-01-13 bank engagement g4 game
                by mypoints 1
                nothing by game: GrantedBefore
                mypoints: 13"#]],
    );
}

/// What a rule that grants once remembers is frozen. Computed in Python, as the other fingerprints are: over programme and
/// rule, the partner where it counts, and the reference where it counts.
#[test]
fn what_is_granted_once_is_remembered_by_a_frozen_fingerprint() {
    for (line, expected) in [
        ("1997-01-12 cdnow engagement g1 game", "82461bd3d21836f9fac84dadd67f2b02"),
        ("1997-01-12 cdnow engagement g1 visit", "59590612fce4a663b31239377db8ad87"),
        ("1997-01-12 cdnow engagement g1 review r1", "6cabddc127b00c401328878a6dde1d52"),
    ] {
        let mut world = World::new(RULES);
        world.say(line);
        let Outcome::Applied(applied) = &world.journal[0].0.outcome else { panic!("refused") };
        let [Event::PointsAccrued(accrual)] = &applied.events[..] else { panic!("other events") };
        assert_eq!(format!("{:?}", accrual.claim.unwrap()), expected);
    }
}
