//! Decisions in short text: given programme documents and what was said so far, when one more line is said, then this
//! came of it. See [`script`] for the lines.

mod adjusting;
mod complaints;
mod consents;
mod cost;
mod crossing;
mod decoded;
mod dedup;
mod due;
mod earning;
mod enrolling;
mod exchanging;
mod holds;
mod joining;
mod lapsing;
mod late;
mod linking;
mod model;
mod network;
mod passing;
mod past;
mod random;
mod random_returns;
mod redeeming;
mod refunds;
mod refusing;
mod repaying;
mod returning;
mod scenarios;
mod script;
mod searching;
mod suspending;
mod text;
mod tokens;
mod unlinking;
mod versions;
mod waiting;
mod world;

use expect_test::Expect;

use self::world::World;

/// The programme of most tests: every member joins with 150 points, a dollar is worth one.
const MYPOINTS: &str = r#"
    [programme]
    id = "mypoints"
    name = "MyPoints"
    effective_from = 1996-01-01T00:00:00Z

    [[rule]]
    id = "joining"
    event = "sign_up"
    points = 150
    once = "member"

    [[rule]]
    id = "e-mail"
    event = "email_read"
    points = 10
    once = "reference"
    consent = "marketing"
    partners = ["mypoints"]

    [[rule]]
    id = "dollars"
    event = "purchase"
    points = 1
    per = { amount = "1.00", currency = "USD", rounding = "down" }

    [[reward]]
    id = "voucher"
    name = "10 dollars off"
    redeemer = "cdnow"
    points = 500

    [[reward]]
    id = "paris"
    name = "Return flight to Paris"
    redeemer = "airline"
    points = 2500
    from = 1997-06-01T00:00:00Z
    until = 1997-09-01T00:00:00Z
"#;

/// Given documents (one, or several with `---` between them) and lines, when another line is said, then this is what
/// came of it. Of several lines each is said alone to the same world.
fn check(documents: &str, given: &str, when: &str, then: Expect) {
    let mut world = World::new(documents);
    for line in lines(given) {
        world.say(line);
    }
    let answers: Vec<String> = match lines(when).collect::<Vec<_>>()[..] {
        [line] => vec![world.say(line)],
        ref several => several.iter().map(|line| answer(&world, line)).collect(),
    };
    then.assert_eq(&answers.join("\n"));
}

fn answer(world: &World, line: &str) -> String {
    let said = world.clone().say(line);
    format!("{line}\n    {}", said.replace('\n', "\n    "))
}

/// The lines of a script, without its comments.
fn lines(script: &str) -> impl Iterator<Item = &str> {
    script.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//"))
}
