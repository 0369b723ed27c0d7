//! Keys that depend on each other or on their number: at the boundary and on both sides of it.

use super::*;

#[test]
fn head() {
    let head = "[programme]\nid = 'p'\nname = 'P'\neffective_from = 1996-01-01T00:00:00Z\n";
    let lines: Vec<&str> = head.lines().collect();
    for missing in 1..lines.len() {
        let rest: Vec<&str> =
            lines.iter().enumerate().filter(|(i, _)| *i != missing).map(|(_, l)| *l).collect();
        let key = lines[missing].split_once(' ').unwrap().0;
        assert_eq!(shown(&rest.join("\n")), format!("1:1 programme.{key}: missing\n"));
    }
}

#[test]
fn windows() {
    let parts = [
        "from = 1997-01-01T00:00:00Z",
        "until = 1997-01-01T00:00:00Z",
        "from = 1997-01-01T00:00:00Z\nuntil = 1997-01-01T00:00:00.001Z",
        "from = 1997-01-01T00:00:00Z\nuntil = 1997-01-01T00:00:00Z",
        "from = 1997-01-01T00:00:00-01:00\nuntil = 1997-01-01T00:30:00Z",
    ];
    rules(
        &parts,
        expect![[r#"
            from = 1997-01-01T00:00:00Z => sound
            until = 1997-01-01T00:00:00Z => sound
            from = 1997-01-01T00:00:00Z | until = 1997-01-01T00:00:00.001Z => sound
            from = 1997-01-01T00:00:00Z | until = 1997-01-01T00:00:00Z => 4:9 rule.r.until: must lie after `from`, which is 1997-01-01T00:00:00Z
            from = 1997-01-01T00:00:00-01:00 | until = 1997-01-01T00:30:00Z => 4:9 rule.r.until: must lie after `from`, which is 1997-01-01T01:00:00Z
        "#]],
    );
    let template = format!("{HEAD}[[reward]]\n@\nid = 'r'\nname = 'R'\nredeemer = 'p'\npoints = 1");
    table(
        &template,
        &parts,
        expect![[r#"
            from = 1997-01-01T00:00:00Z => sound
            until = 1997-01-01T00:00:00Z => sound
            from = 1997-01-01T00:00:00Z | until = 1997-01-01T00:00:00.001Z => sound
            from = 1997-01-01T00:00:00Z | until = 1997-01-01T00:00:00Z => 4:9 reward.r.until: must lie after `from`, which is 1997-01-01T00:00:00Z
            from = 1997-01-01T00:00:00-01:00 | until = 1997-01-01T00:30:00Z => 4:9 reward.r.until: must lie after `from`, which is 1997-01-01T01:00:00Z
        "#]],
    );
}

#[test]
fn lives() {
    let parts = [
        "expires_after_months = 0",
        "expires_after_months = 1",
        "expires_after_months = 1200",
        "expires_after_months = 1201",
        "expires_after_days = 30\nexpires_at_end_of = 'month'",
        "expires_after_months = 6\nexpires_at_end_of = 'year'",
        "expires_after_months = 6\nexpires_at_end_of = 'week'",
        "expires_at_end_of = 'year'",
        "expires_after_days = 30\nexpires_after_months = 1",
        "available_after_days = 30\nexpires_after_months = 1",
        "available_after_days = 31\nexpires_after_months = 1",
        "available_after_days = 31\nexpires_after_months = 1\nexpires_at_end_of = 'year'",
    ];
    let rule = "[[rule]]\n@\nid = 'r'\nevent = 'purchase'\npoints = 1";
    let zone = |zone: &str| HEAD.replace(" }", &format!(", time_zone = '{zone}' }}"));
    table(
        &format!("{}{rule}", zone("Europe/Paris")),
        &parts,
        expect![[r#"
        expires_after_months = 0 => 3:24 rule.r.expires_after_months: must lie between 1 and 1200
        expires_after_months = 1 => sound
        expires_after_months = 1200 => sound
        expires_after_months = 1201 => 3:24 rule.r.expires_after_months: must lie between 1 and 1200
        expires_after_days = 30 | expires_at_end_of = 'month' => sound
        expires_after_months = 6 | expires_at_end_of = 'year' => sound
        expires_after_months = 6 | expires_at_end_of = 'week' => 4:21 rule.r.expires_at_end_of: `week` is none of `month`, `year`
        expires_at_end_of = 'year' => 3:21 rule.r.expires_at_end_of: of which month or year? add expires_after_days or expires_after_months
        expires_after_days = 30 | expires_after_months = 1 => 4:24 rule.r.expires_after_months: points lapse after days or after months, not both
        available_after_days = 30 | expires_after_months = 1 => sound
        available_after_days = 31 | expires_after_months = 1 => 4:24 rule.r.expires_after_months: must be above available_after_days, or the points could never be spent
        available_after_days = 31 | expires_after_months = 1 | expires_at_end_of => sound
    "#]],
    );
    table(
        &format!("{HEAD}{rule}"),
        &parts[4..6],
        expect![[r#"
        expires_after_days = 30 | expires_at_end_of = 'month' => 4:21 rule.r.expires_at_end_of: goes by a calendar: say whose, as programme.time_zone
        expires_after_months = 6 | expires_at_end_of = 'year' => 3:24 rule.r.expires_after_months: goes by a calendar: say whose, as programme.time_zone & 4:21 rule.r.expires_at_end_of: goes by a calendar: say whose, as programme.time_zone
    "#]],
    );
    table(
        &format!("{}{rule}", zone("Europe/Lutetia")),
        &parts[4..5],
        expect![[r#"
        expires_after_days = 30 | expires_at_end_of = 'month' => 1:88 programme.time_zone: is no time zone of the IANA database, such as "Europe/Paris"
    "#]],
    );
}

#[test]
fn events() {
    let template = format!("{HEAD}[[rule]]\nid = 'r'\npoints = 1\n@");
    let per = "per = { amount = '1', currency = 'USD', rounding = 'up' }";
    table(
        &template,
        &[
            "event = 'purchase'",
            &format!("event = 'purchase'\n{per}"),
            &format!("event = 'account_opening'\n{per}"),
            &format!("event = 'engagement'\nkind = 'review'\n{per}"),
            &format!("event = 'prchase'\nkind = 'review'\n{per}"),
            "event = 'engagement'\nkind = 'review'",
            "event = 'engagement'",
            "event = 'engagement'\nkind = ''",
            "event = 'email_read'\nkind = 'review'",
            "kind = 'review'",
        ],
        expect![[r#"
            event = 'purchase' => sound
            event = 'purchase' | per = { amount = '1', currency = 'USD', rounding =  => sound
            event = 'account_opening' | per = { amount = '1', currency = 'USD', roun => 6:7 rule.r.per: only a purchase has an amount
            event = 'engagement' | kind = 'review' | per = { amount = '1', currency  => 7:7 rule.r.per: only a purchase has an amount
            event = 'prchase' | kind = 'review' | per = { amount = '1', currency = ' => 5:9 rule.r.event: `prchase` is none of `sign_up`, `purchase`, `email_read`, `account_opening`, `engagement`; did you mean `purchase`?
            event = 'engagement' | kind = 'review' => sound
            event = 'engagement' => 2:1 rule.r.kind: missing; an engagement is of a kind
            event = 'engagement' | kind = '' => 6:8 rule.r.kind: "" is no name; a name is 1 to 31 of a-z, 0-9, - and _, starting with a letter or digit
            event = 'email_read' | kind = 'review' => 6:8 rule.r.kind: only an engagement has a kind
            kind = 'review' => 2:1 rule.r.event: missing
        "#]],
    );
}

#[test]
fn limits_by_reference() {
    let template = format!("{HEAD}[[rule]]\nid = 'r'\npoints = 1\n@");
    table(
        &template,
        &[
            "event = 'sign_up'\nonce = 'member'",
            "event = 'sign_up'\nonce = 'reference'",
            "event = 'email_read'\nonce = 'reference'",
            "event = 'account_opening'\nonce = 'reference'",
        ],
        expect![[r#"
            event = 'sign_up' | once = 'member' => sound
            event = 'sign_up' | once = 'reference' => 6:8 rule.r.once: a sign-up names no reference, so the rule could never grant
            event = 'email_read' | once = 'reference' => sound
            event = 'account_opening' | once = 'reference' => sound
        "#]],
    );
}

#[test]
fn ids() {
    let rule = |id: &str| format!("[[rule]]\nevent = 'sign_up'\npoints = 1\n{id}\n");
    let reward = |id: &str| format!("[[reward]]\nname = 'R'\nredeemer = 'p'\npoints = 1\n{id}\n");
    let (a, b) = ("id = 'a'", "id = 'b'");
    check(
        &[HEAD, &rule(a), &rule(b), &reward(a), &reward(b)].concat(),
        expect![[r#"
        sound
    "#]],
    );
    check(
        &[HEAD, &rule(a), &rule(b), &rule(a), &rule(a)].concat(),
        expect![[r#"
        13:6 rule.a.id: is the id of rule[1] already
        17:6 rule.a.id: is the id of rule[1] already
    "#]],
    );
    check(
        &[HEAD, &reward(a), &reward(a)].concat(),
        expect![[r#"
        11:6 reward.a.id: is the id of reward[1] already
    "#]],
    );
    check(
        &[HEAD, &rule(""), &rule("id = 'A'"), &rule("id = 1")].concat(),
        expect![[r#"
        2:1 rule[1].id: missing
        9:6 rule[2].id: "A" is no name; a name is 1 to 31 of a-z, 0-9, - and _, starting with a letter or digit
        13:6 rule[3].id: expected a string in quotes, not an integer
    "#]],
    );
}

#[test]
fn sizes() {
    let rules = |count: usize| {
        let rule = |n| format!("[[rule]]\nid = 'r{n}'\nevent = 'sign_up'\npoints = 1\n");
        HEAD.to_owned() + &(0..count).map(rule).collect::<String>()
    };
    assert_eq!(shown(&rules(1_000)), "sound\n");
    assert_eq!(shown(&rules(1_002)), "4002:1 rule[1001]: at most 1000 are allowed\n");

    let filled = |bytes: usize| format!("{HEAD}#{}", "x".repeat(bytes - HEAD.len() - 1));
    assert_eq!(shown(&filled(131_072)), "sound\n");
    assert_eq!(shown(&filled(131_073)), "1:1 has 131073 bytes, at most 131072 are allowed\n");
}

#[test]
fn what_a_reward_buys_and_its_limits() {
    let template = format!("{HEAD}[[reward]]\n@\nid = 'r'\nname = 'R'\nredeemer = 'p'\npoints = 500");
    table(
        &template,
        &[
            "buys = { units = 1_000, unit = 'miles' }",
            "buys = { units = 0, unit = 'miles' }",
            "buys = { units = 1_000 }",
            "buys = { amount = '0.01', currency = 'EUR' }",
            "buys = { amount = '0.001', currency = 'EUR' }",
            "buys = { amount = '0.001', currency = 'KWD' }",
            "buys = { amount = '1.00', unit = 'miles' }",
            "buys = {}",
            "limits = {}",
            "limits = { min_points = 501, max_points = 501, max_points_a_year = 501 }",
            "limits = { max_points = 500, max_points_a_year = 500 }",
            "limits = { max_points = 499 }",
            "limits = { max_points_a_year = 499 }",
            "limits = { min_points = 502, max_points = 501 }",
            "limits = { points = 1 }",
        ],
        expect![[r#"
            buys = { units = 1_000, unit = 'miles' } => sound
            buys = { units = 0, unit = 'miles' } => 3:18 reward.r.buys.units: must lie between 1 and 1000000000000000
            buys = { units = 1_000 } => 3:8 reward.r.buys.unit: missing
            buys = { amount = '0.01', currency = 'EUR' } => sound
            buys = { amount = '0.001', currency = 'EUR' } => 3:19 reward.r.buys.amount: is no whole number of the currency's smallest unit
            buys = { amount = '0.001', currency = 'KWD' } => sound
            buys = { amount = '1.00', unit = 'miles' } => 3:8 reward.r.buys.currency: missing & 3:27 reward.r.buys: unknown key `unit`
            buys = {} => 3:8 reward.r.buys.units: missing & 3:8 reward.r.buys.unit: missing
            limits = {} => sound
            limits = { min_points = 501, max_points = 501, max_points_a_year = 501 } => sound
            limits = { max_points = 500, max_points_a_year = 500 } => sound
            limits = { max_points = 499 } => 3:25 reward.r.limits.max_points: is below the price, so that it could never be had
            limits = { max_points_a_year = 499 } => 3:32 reward.r.limits.max_points_a_year: is below the price, so that it could never be had
            limits = { min_points = 502, max_points = 501 } => 3:43 reward.r.limits.max_points: is below min_points, so that it could never be had
            limits = { points = 1 } => 3:12 reward.r.limits: unknown key `points`
        "#]],
    );
}
