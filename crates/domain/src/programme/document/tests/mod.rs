//! Whole documents: a sound one field by field, a faulty one, and those of the guide.

mod hostile;
mod relations;
mod values;

use expect_test::{Expect, expect};

use super::*;
use crate::calendar::Term;
use crate::programme::{Category, Grant, Life, Limits, Once, Reward, Rounding, Rule, Trigger};
use crate::{Bought, Money, Points, Timestamp};

const HEAD: &str = "programme = { id = 'p', name = 'P', effective_from = 1996-01-01T00:00:00Z }\n";
const FULL: &str = include_str!("../../../../testdata/programmes/full.toml");
const FAULTY: &str = include_str!("../../../../testdata/programmes/faulty.toml");
const GUIDE: &str = include_str!("../../../../../../docs/guides/write-a-programme.md");

/// "sound", or the faults, one a line.
fn shown(text: &str) -> String {
    match parse(text) {
        Ok(_) => "sound\n".to_owned(),
        Err(faults) => faults.iter().map(|fault| format!("{fault}\n")).collect(),
    }
}

fn check(text: &str, expected: Expect) {
    expected.assert_eq(&shown(text));
}

/// What is said of `template` with each of `parts` in place of its `@`: one line each, the part shortened.
fn table(template: &str, parts: &[&str], expected: Expect) {
    let mut lines = String::new();
    for part in parts {
        let said = shown(&template.replacen('@', part, 1));
        let part: String = part.replace('\n', " | ").chars().take(72).collect();
        lines.push_str(&format!("{part} => {}\n", said.trim_end().replace('\n', " & ")));
    }
    expected.assert_eq(&lines);
}

/// A rule of purchases that lacks nothing, and `parts` on its third line.
fn rules(parts: &[&str], expected: Expect) {
    let template = format!("{HEAD}[[rule]]\n@\nid = 'r'\nevent = 'purchase'\npoints = 1");
    table(&template, parts, expected);
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn bare(id: &str, on: Trigger, grant: Grant) -> Rule {
    Rule {
        id: id.parse().unwrap(),
        on,
        partners: None,
        channels: None,
        from: None,
        until: None,
        grant,
        category: Category::Base,
        funder: None,
        once: None,
        consent: None,
        available_after_days: 0,
        expires_after: None,
        clawback_within: None,
    }
}

fn fixed(points: u64) -> Grant {
    Grant::Fixed(Points::new(points).unwrap())
}

fn per(points: u64, per_micros: i64, currency: &str, rounding: Rounding) -> Grant {
    let (points, currency) = (Points::new(points).unwrap(), currency.parse().unwrap());
    Grant::PerAmount { points, per_micros, currency, rounding }
}

#[test]
fn a_sound_document_is_read_field_by_field() {
    let mypoints = || "mypoints".parse().unwrap();
    let rules = vec![
        Rule {
            partners: Some(vec![mypoints()]),
            channels: Some(vec!["web".parse().unwrap(), "phone".parse().unwrap()]),
            from: Some(at("1996-12-31T23:00:00Z")),
            until: Some(Timestamp::from_millis(883_612_800_500)),
            category: Category::Promotional,
            funder: Some(mypoints()),
            once: Some(Once::Member),
            consent: Some("marketing".parse().unwrap()),
            available_after_days: 14,
            expires_after: Some(Life { term: Term::Days(730), end_of: None }),
            ..bare("sign-up", Trigger::SignUp, fixed(150))
        },
        bare("purchase", Trigger::Purchase, per(1, 1_000_000, "USD", Rounding::Down)),
        bare("purchase-yen", Trigger::Purchase, per(2, 150_500_000, "JPY", Rounding::HalfEven)),
        bare("purchase-dinar", Trigger::Purchase, per(1_000, 1, "KWD", Rounding::Up)),
        Rule {
            once: Some(Once::MemberAndPartner),
            category: Category::Bonus,
            ..bare("first-purchase", Trigger::Purchase, fixed(500))
        },
        Rule { once: Some(Once::Reference), ..bare("e-mail", Trigger::EmailRead, fixed(10)) },
        bare("opening", Trigger::AccountOpening, fixed(25_000)),
        Rule {
            once: Some(Once::Reference),
            ..bare("review", Trigger::Engagement("review".parse().unwrap()), fixed(5))
        },
    ];
    let reward = |id: &str, name: &str, points, from, until| Reward {
        id: id.parse().unwrap(),
        name: name.to_owned(),
        redeemer: "airline".parse().unwrap(),
        points: Points::new(points).unwrap(),
        buys: None,
        limits: Limits::default(),
        from,
        until,
    };
    let limit = |points| Some(Points::new(points).unwrap());
    let summer = (Some(at("1998-06-01T00:00:00Z")), Some(at("1998-09-01T00:00:00Z")));
    let rewards = vec![
        reward("paris-return", "Return flight to Paris", 2_500, None, None),
        reward("summer", "Été à la mer", 1, summer.0, summer.1),
        Reward {
            buys: Some(Bought::Units { unit: "sky-miles".parse().unwrap(), count: 1_000 }),
            limits: Limits { min: limit(1_000), max: limit(50_000), max_a_year: limit(100_000) },
            ..reward("sky-miles", "1,000 miles of Sky Airways", 500, None, None)
        },
        Reward {
            buys: Some(Bought::Money(Money { currency: "USD".parse().unwrap(), micros: 5_000_000 })),
            ..reward("cash", "5 dollars", 1_000, None, None)
        },
    ];
    let expected = Programme {
        id: "mypoints".parse().unwrap(),
        name: "MyPoints".to_owned(),
        effective_from: at("1996-01-01T00:00:00Z"),
        time_zone: None,
        rules,
        rewards,
    };
    assert_eq!(parse(FULL), Ok(expected));
}

#[test]
fn all_faults_come_at_once_in_the_order_of_their_places() {
    check(
        FAULTY,
        expect![[r#"
        2:1 unknown key `note`
        5:6 programme.id: "My Points" is no name; a name is 1 to 31 of a-z, 0-9, - and _, starting with a letter or digit
        6:8 programme.name: must not be blank
        7:18 programme.effective_from: has no offset from UTC; add it, as in 1996-01-01T00:00:00Z or 1996-01-01T00:00:00+02:00
        9:1 rule.sign-up.points: missing
        11:9 rule.sign-up.event: `signup` is none of `sign_up`, `purchase`, `email_read`, `account_opening`, `engagement`; did you mean `sign_up`?
        12:1 rule.sign-up: unknown key `ponits`; did you mean `points`?
        13:8 rule.sign-up.once: `twice` is none of `member`, `member_and_partner`, `reference`
        14:12 rule.sign-up.partners: must not be empty; leave it out to mean all
        15:20 rule.sign-up.channels[2]: "Web" is no name; a name is 1 to 31 of a-z, 0-9, - and _, starting with a letter or digit
        15:27 rule.sign-up.channels[3]: named twice
        15:34 rule.sign-up.channels[4]: expected a string in quotes, not an integer
        17:9 rule.sign-up.until: must lie after `from`, which is 1998-01-01T00:00:00Z
        18:12 rule.sign-up.category: `purchased` is none of `base`, `bonus`, `promotional`
        19:24 rule.sign-up.available_after_days: must lie between 0 and 3650
        20:22 rule.sign-up.expires_after_days: must lie between 1 and 36500
        23:6 rule[2].id: "Purchase!" is no name; a name is 1 to 31 of a-z, 0-9, - and _, starting with a letter or digit
        25:8 rule[2].kind: only an engagement has a kind
        26:10 rule[2].points: must lie between 1 and 1000000000000000
        27:7 rule[2].per: only a purchase has an amount
        27:7 rule[2].per.rounding: missing
        27:18 rule[2].per.amount: has 7 decimals, at most 6 are allowed
        27:42 rule[2].per.currency: "XXX" is no currency code of ISO 4217
        29:1 rule.sign-up.kind: missing; an engagement is of a kind
        30:6 rule.sign-up.id: is the id of rule[1] already
        32:10 rule.sign-up.points: expected an integer, not a float
        33:10 rule.sign-up.funder: expected a string in quotes, not a boolean
        37:8 reward.paris.name: expected a string in quotes, not an integer
        38:12 reward.paris.redeemer: "air line" is no name; a name is 1 to 31 of a-z, 0-9, - and _, starting with a letter or digit
        39:10 reward.paris.points: must lie between 1 and 1000000000000000
    "#]],
    );
}

#[test]
fn what_is_not_toml_is_told_why() {
    check(
        "[programme\nid = 'a'\nid = \n[[rule]]\npoints = 1\npoints = 2",
        expect![[r#"
        1:11 not TOML: unclosed table, expected `]`
        6:1 not TOML: duplicate key
    "#]],
    );
}

#[test]
fn parts_of_another_shape_are_refused() {
    check(
        "",
        expect![[r#"
        1:1 programme: missing
    "#]],
    );
    check(
        "programme = 1\nrule = 'x'\n[reward]\n[rules]",
        expect![[r#"
        1:13 programme: expected a table, not an integer
        2:8 rule: expected tables headed [[rule]], not a string
        3:1 reward: expected tables headed [[reward]], not a table
        4:2 unknown key `rules`; did you mean `rule`?
    "#]],
    );
    check(
        "programme = [1]\nrule = [1, {}]\nreward = []",
        expect![[r#"
        1:13 programme: expected a table, not an array
        2:9 rule[1]: expected a table headed [[rule]], not an integer
        2:12 rule[2].id: missing
        2:12 rule[2].event: missing
        2:12 rule[2].points: missing
    "#]],
    );
}

/// Each ```` ```toml ```` block stands for itself; a ```` ```text ```` block after it is what is said of it.
#[test]
fn the_examples_of_the_guide_do_what_it_says() {
    let mut blocks = 0;
    let mut faulty = 0;
    for part in GUIDE.split("```toml\n").skip(1) {
        let (toml, after) = part.split_once("```\n").unwrap();
        let said = after.split_once("```text\n").and_then(|(_, text)| text.split_once("```\n"));
        let expected = said.map_or("sound\n", |(text, _)| text);
        assert_eq!(shown(toml), expected, "{toml}");
        blocks += 1;
        faulty += usize::from(said.is_some());
    }
    assert_eq!((blocks, faulty), (6, 1));
}
