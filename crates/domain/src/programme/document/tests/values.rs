//! Each kind of value at the ends of its range and on both sides of them.

use super::*;

#[test]
fn labels() {
    let (longest, too_long) = (format!("'{}'", "é".repeat(100)), format!("'{}'", "é".repeat(101)));
    table(
        "[programme]\nname = @\nid = 'p'\neffective_from = 1996-01-01T00:00:00Z",
        &[
            "'x'",
            &longest,
            &too_long,
            "''",
            "' '",
            "\"a\\tb\"",
            "\"a\\u001b[2J\"",
            "\"a\\u202eb\"",
            "1",
            "['x']",
        ],
        expect![[r#"
            'x' => sound
            'ééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé => sound
            'ééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé => 2:8 programme.name: has 101 characters, at most 100 are allowed
            '' => 2:8 programme.name: must not be blank
            ' ' => 2:8 programme.name: must not be blank
            "a\tb" => 2:8 programme.name: must be one line without control characters
            "a\u001b[2J" => 2:8 programme.name: must be one line without control characters
            "a\u202eb" => 2:8 programme.name: must not turn the direction of writing
            1 => 2:8 programme.name: expected a string in quotes, not an integer
            ['x'] => 2:8 programme.name: expected a string in quotes, not an array
        "#]],
    );
}

#[test]
fn instants() {
    table(
        "[programme]\neffective_from = @\nid = 'p'\nname = 'P'",
        &[
            "1996-02-29T23:59:59.999+14:00",
            "1996-02-29 00:00Z",
            "1997-02-29T00:00:00Z",
            "1996-01-01T00:00:00",
            "1996-01-01",
            "00:00:00",
            "1996-01-01T00:00:00.0010Z",
            "1996-01-01T00:00:00.0001Z",
            "9999-12-31T23:59:59-23:59",
            "0001-01-01T00:00:00Z",
            "0000-12-31T23:59:59.999Z",
            "0001-01-01T00:00:00+01:00",
            "'1996-01-01T00:00:00Z'",
            "820454400",
        ],
        expect![[r#"
            1996-02-29T23:59:59.999+14:00 => sound
            1996-02-29 00:00Z => sound
            1997-02-29T00:00:00Z => 2:18 not TOML: invalid date, expected day between 01 and 28
            1996-01-01T00:00:00 => 2:18 programme.effective_from: has no offset from UTC; add it, as in 1996-01-01T00:00:00Z or 1996-01-01T00:00:00+02:00
            1996-01-01 => 2:18 programme.effective_from: expected a date-time such as 1997-01-31T00:00:00Z, not 1996-01-01 alone
            00:00:00 => 2:18 programme.effective_from: expected a date-time such as 1997-01-31T00:00:00Z, not 00:00:00 alone
            1996-01-01T00:00:00.0010Z => sound
            1996-01-01T00:00:00.0001Z => 2:18 programme.effective_from: must not be finer than a millisecond
            9999-12-31T23:59:59-23:59 => 2:18 programme.effective_from: "9999-12-31T23:59:59-23:59" is no instant; write it like 1997-01-31T00:00:00Z
            0001-01-01T00:00:00Z => sound
            0000-12-31T23:59:59.999Z => 2:18 programme.effective_from: must lie in the years 1 to 9999
            0001-01-01T00:00:00+01:00 => 2:18 programme.effective_from: must lie in the years 1 to 9999
            '1996-01-01T00:00:00Z' => 2:18 programme.effective_from: expected a date-time such as 1997-01-31T00:00:00Z, not a string; write it without quotes
            820454400 => 2:18 programme.effective_from: expected a date-time such as 1997-01-31T00:00:00Z, not an integer
        "#]],
    );
}

#[test]
fn names() {
    let (longest, too_long) =
        (format!("funder = '{}'", "x".repeat(31)), format!("funder = '{}'", "x".repeat(32)));
    rules(
        &[
            "funder = 'a'",
            &longest,
            &too_long,
            "funder = ''",
            "funder = 'a b'",
            "funder = \"\\u0007\"",
            "consent = 'Marketing'",
            "consent = 1",
            "partners = ['a']",
            "partners = ['a', 'b']",
            "partners = ['a', 'b', 'a']",
            "partners = []",
            "partners = 'a'",
            "channels = []",
            "channels = [['a']]",
        ],
        expect![[r#"
            funder = 'a' => sound
            funder = 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' => sound
            funder = 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx' => 3:10 rule.r.funder: "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" is no name; a name is 1 to 31 of a-z, 0-9, - and _, starting with a letter or digit
            funder = '' => 3:10 rule.r.funder: "" is no name; a name is 1 to 31 of a-z, 0-9, - and _, starting with a letter or digit
            funder = 'a b' => 3:10 rule.r.funder: "a b" is no name; a name is 1 to 31 of a-z, 0-9, - and _, starting with a letter or digit
            funder = "\u0007" => 3:10 rule.r.funder: "\u{7}" is no name; a name is 1 to 31 of a-z, 0-9, - and _, starting with a letter or digit
            consent = 'Marketing' => 3:11 rule.r.consent: "Marketing" is no name; a name is 1 to 31 of a-z, 0-9, - and _, starting with a letter or digit
            consent = 1 => 3:11 rule.r.consent: expected a string in quotes, not an integer
            partners = ['a'] => sound
            partners = ['a', 'b'] => sound
            partners = ['a', 'b', 'a'] => 3:23 rule.r.partners[3]: named twice
            partners = [] => 3:12 rule.r.partners: must not be empty; leave it out to mean all
            partners = 'a' => 3:12 rule.r.partners: expected a list of names, not a string
            channels = [] => 3:12 rule.r.channels: must not be empty; leave it out to mean all
            channels = [['a']] => 3:13 rule.r.channels[1]: expected a string in quotes, not an array
        "#]],
    );
}

#[test]
fn choices() {
    rules(
        &[
            "once = 'member'",
            "once = 'member_and_partner'",
            "once = 'reference'",
            "once = 'membre'",
            "once = true",
            "category = 'base'",
            "category = 'adjustment'",
            "category = 'purchased'",
            "category = 'Bonus'",
        ],
        expect![[r#"
            once = 'member' => sound
            once = 'member_and_partner' => sound
            once = 'reference' => sound
            once = 'membre' => 3:8 rule.r.once: `membre` is none of `member`, `member_and_partner`, `reference`; did you mean `member`?
            once = true => 3:8 rule.r.once: expected a string in quotes, not a boolean
            category = 'base' => sound
            category = 'adjustment' => 3:12 rule.r.category: `adjustment` is none of `base`, `bonus`, `promotional`
            category = 'purchased' => 3:12 rule.r.category: `purchased` is none of `base`, `bonus`, `promotional`
            category = 'Bonus' => 3:12 rule.r.category: `Bonus` is none of `base`, `bonus`, `promotional`; did you mean `bonus`?
        "#]],
    );
}

#[test]
fn days() {
    rules(
        &[
            "available_after_days = -1",
            "available_after_days = 0",
            "available_after_days = 3650",
            "available_after_days = 3651",
            "available_after_days = 0.5",
            "expires_after_days = 0",
            "expires_after_days = 1",
            "expires_after_days = 36500",
            "expires_after_days = 36501",
            "available_after_days = 6\nexpires_after_days = 7",
            "available_after_days = 7\nexpires_after_days = 7",
        ],
        expect![[r#"
            available_after_days = -1 => 3:24 rule.r.available_after_days: must lie between 0 and 3650
            available_after_days = 0 => sound
            available_after_days = 3650 => sound
            available_after_days = 3651 => 3:24 rule.r.available_after_days: must lie between 0 and 3650
            available_after_days = 0.5 => 3:24 rule.r.available_after_days: expected an integer, not a float
            expires_after_days = 0 => 3:22 rule.r.expires_after_days: must lie between 1 and 36500
            expires_after_days = 1 => sound
            expires_after_days = 36500 => sound
            expires_after_days = 36501 => 3:22 rule.r.expires_after_days: must lie between 1 and 36500
            available_after_days = 6 | expires_after_days = 7 => sound
            available_after_days = 7 | expires_after_days = 7 => 4:22 rule.r.expires_after_days: must be above available_after_days, or the points could never be spent
        "#]],
    );
}

#[test]
fn points() {
    let parts = [
        "-1",
        "0",
        "1",
        "0x10",
        "1_000_000_000_000_000",
        "1_000_000_000_000_001",
        "99999999999999999999",
        "'1'",
    ];
    let template = format!("{HEAD}[[rule]]\nid = 'r'\nevent = 'purchase'\npoints = @");
    table(
        &template,
        &parts,
        expect![[r#"
        -1 => 5:10 rule.r.points: must lie between 1 and 1000000000000000
        0 => 5:10 rule.r.points: must lie between 1 and 1000000000000000
        1 => sound
        0x10 => sound
        1_000_000_000_000_000 => sound
        1_000_000_000_000_001 => 5:10 rule.r.points: must lie between 1 and 1000000000000000
        99999999999999999999 => 5:10 rule.r.points: must lie between 1 and 1000000000000000
        '1' => 5:10 rule.r.points: expected an integer, not a string
    "#]],
    );
    let template = format!("{HEAD}[[reward]]\nid = 'r'\nname = 'R'\nredeemer = 'p'\npoints = @");
    table(
        &template,
        &parts,
        expect![[r#"
        -1 => 6:10 reward.r.points: must lie between 1 and 1000000000000000
        0 => 6:10 reward.r.points: must lie between 1 and 1000000000000000
        1 => sound
        0x10 => sound
        1_000_000_000_000_000 => sound
        1_000_000_000_000_001 => 6:10 reward.r.points: must lie between 1 and 1000000000000000
        99999999999999999999 => 6:10 reward.r.points: must lie between 1 and 1000000000000000
        '1' => 6:10 reward.r.points: expected an integer, not a string
    "#]],
    );
}

#[test]
fn amounts() {
    rules(
        &[
            "per = '1.00'",
            "per = {}",
            "per = { amount = '1', currency = 'USD', rounding = 'down', round = 'up' }",
        ],
        expect![[r#"
            per = '1.00' => 3:7 rule.r.per: expected a table, not a string
            per = {} => 3:7 rule.r.per.amount: missing & 3:7 rule.r.per.currency: missing & 3:7 rule.r.per.rounding: missing
            per = { amount = '1', currency = 'USD', rounding = 'down', round = 'up'  => 3:60 rule.r.per: unknown key `round`
        "#]],
    );
    let template = format!(
        "{HEAD}[[rule]]\nid = 'r'\nevent = 'purchase'\npoints = 1\nper = {{ amount = @, currency = 'USD', rounding = 'down' }}"
    );
    table(
        &template,
        &[
            "'1'",
            "'1.00'",
            "'0.000001'",
            "'0.000000'",
            "'0.0000001'",
            "'1000000000.000000'",
            "'1000000000.000001'",
            "'99999999999999999999'",
            "'-1'",
            "'+1'",
            "'1.'",
            "'.5'",
            "'1,5'",
            "'1e3'",
            "' 1'",
            "'1.2.3'",
            "'١'",
            "''",
            "1",
            "1.00",
        ],
        expect![[r#"
            '1' => sound
            '1.00' => sound
            '0.000001' => sound
            '0.000000' => 6:18 rule.r.per.amount: must lie between 0.000001 and 1000000000
            '0.0000001' => 6:18 rule.r.per.amount: has 7 decimals, at most 6 are allowed
            '1000000000.000000' => sound
            '1000000000.000001' => 6:18 rule.r.per.amount: must lie between 0.000001 and 1000000000
            '99999999999999999999' => 6:18 rule.r.per.amount: must lie between 0.000001 and 1000000000
            '-1' => 6:18 rule.r.per.amount: "-1" is no decimal number such as "1.00"
            '+1' => 6:18 rule.r.per.amount: "+1" is no decimal number such as "1.00"
            '1.' => 6:18 rule.r.per.amount: "1." is no decimal number such as "1.00"
            '.5' => 6:18 rule.r.per.amount: ".5" is no decimal number such as "1.00"
            '1,5' => 6:18 rule.r.per.amount: "1,5" is no decimal number such as "1.00"
            '1e3' => 6:18 rule.r.per.amount: "1e3" is no decimal number such as "1.00"
            ' 1' => 6:18 rule.r.per.amount: " 1" is no decimal number such as "1.00"
            '1.2.3' => 6:18 rule.r.per.amount: "1.2.3" is no decimal number such as "1.00"
            '١' => 6:18 rule.r.per.amount: "١" is no decimal number such as "1.00"
            '' => 6:18 rule.r.per.amount: "" is no decimal number such as "1.00"
            1 => 6:18 rule.r.per.amount: expected a decimal number in quotes such as "1.00", not an integer
            1.00 => 6:18 rule.r.per.amount: expected a decimal number in quotes such as "1.00", not a float
        "#]],
    );
    let template =
        format!("{HEAD}[[rule]]\nid = 'r'\nevent = 'purchase'\npoints = 1\nper = {{ amount = '1', @ }}");
    table(
        &template,
        &[
            "currency = 'EUR', rounding = 'up'",
            "currency = 'EUR', rounding = 'half_even'",
            "currency = 'EUR', rounding = 'half-even'",
            "currency = 'EUR'",
            "currency = 'eur', rounding = 'up'",
            "currency = 'XXX', rounding = 'up'",
            "rounding = 'up'",
        ],
        expect![[r#"
            currency = 'EUR', rounding = 'up' => sound
            currency = 'EUR', rounding = 'half_even' => sound
            currency = 'EUR', rounding = 'half-even' => 6:52 rule.r.per.rounding: `half-even` is none of `down`, `up`, `half_even`; did you mean `half_even`?
            currency = 'EUR' => 6:7 rule.r.per.rounding: missing
            currency = 'eur', rounding = 'up' => 6:34 rule.r.per.currency: "eur" is no currency code of ISO 4217
            currency = 'XXX', rounding = 'up' => 6:34 rule.r.per.currency: "XXX" is no currency code of ISO 4217
            rounding = 'up' => 6:7 rule.r.per.currency: missing
        "#]],
    );
}

/// What was published is read for ever.
#[test]
fn checks_that_came_later_are_for_new_documents() {
    let text = "[programme]\neffective_from = 0000-01-01T00:00:00Z\nid = 'p'\nname = \"a\\u202eb\"\n";
    assert_eq!(parse(text).unwrap_err().len(), 2);
    assert_eq!(parse_published(text).unwrap().name, "a\u{202e}b");
    assert!(parse_published("[programme]").is_err());
}
