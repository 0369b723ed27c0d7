//! What time makes true is journaled by itself, when it is due.

use expect_test::expect;

use super::world::World;
use super::{MYPOINTS, check, script};
use crate::account::Account;
use crate::decide::Verdict;
use crate::lot::lots_looked_at;
use crate::{Command, Timestamp};

/// A dollar's point can be spent after 10 days and lapses 30 days after the purchase, in each of two programmes.
fn slow() -> String {
    let slow = "id = \"dollars\"\navailable_after_days = 10\nexpires_after_days = 30";
    let mypoints = MYPOINTS.replace("id = \"dollars\"", slow);
    format!("{mypoints}\n---\n{}", mypoints.replace("id = \"mypoints\"", "id = \"other\""))
}

const PURCHASE: &str = "1997-01-01 cdnow purchase p1 600 USD";

fn next_due(account: &Account) -> Option<String> {
    account.next_due().map(|at| at.to_string())
}

#[test]
fn it_is_journaled_from_its_very_instant_on() {
    check(
        &slow(),
        PURCHASE,
        "
        1997-01-10T23:59:59.999Z time passes
        1997-01-11 time passes
        1997-01-30T23:59:59.999Z time passes
        // It lapsed without having been activated in between.
        1997-01-31 time passes
    ",
        expect![[r#"
            1997-01-10T23:59:59.999Z time passes
                nothing to journal
            1997-01-11 time passes
                lot 1.0 of 600 can be spent
                mypoints: 600
            1997-01-30T23:59:59.999Z time passes
                lot 1.0 of 600 can be spent
                mypoints: 600
            1997-01-31 time passes
                lot 1.0 of 600 lapsed unspendable
                mypoints: 0"#]],
    );
}

#[test]
fn it_is_journaled_once_and_says_when_the_next_is_due() {
    let mut world = World::new(&slow());
    assert_eq!(next_due(&world.account), None);
    world.say(PURCHASE);
    for (line, said, next) in [
        ("1997-01-02 time passes", "nothing to journal", Some("1997-01-11T00:00:00Z")),
        (
            "1997-01-11 time passes",
            "lot 1.0 of 600 can be spent\nmypoints: 600",
            Some("1997-01-31T00:00:00Z"),
        ),
        ("1997-01-11 time passes", "nothing to journal", Some("1997-01-31T00:00:00Z")),
        ("1997-02-01 time passes", "lot 1.0 of 600 lapsed\nmypoints: 0", None),
        ("1997-02-01 time passes", "nothing to journal", None),
    ] {
        assert_eq!((world.say(line).as_str(), next_due(&world.account).as_deref()), (said, next), "{line}");
    }
    assert_eq!(world.journal.len(), 3, "what came to nothing is not journaled");
    assert_eq!(world.account.keys().pages().iter().map(|page| page.entries.len()).sum::<usize>(), 1);
}

/// An activity has the points of one programme, and says one thing of them.
#[test]
fn each_decision_is_of_one_programme_and_of_one_kind() {
    let mut world = World::new(&slow());
    world.say("1997-01-01 cdnow purchase p1 100 USD programme=other");
    world.say("1997-01-01 cdnow purchase p2 200 USD");
    world.say("1997-01-25 cdnow purchase p3 300 USD");
    // Two have lapsed, one of them after the purchase of the 25th had found it spendable; the third can be spent.
    let said: Vec<_> = (0..4).map(|_| world.say("1997-02-05 time passes")).collect();
    expect![[r#"
        lot 2.0 of 200 lapsed
        mypoints: 300
        other: 0
        lot 1.0 of 100 lapsed unspendable
        mypoints: 300
        other: 0
        lot 3.0 of 300 can be spent
        mypoints: 300
        other: 0
        nothing to journal"#]]
    .assert_eq(&said.join("\n"));
}

#[test]
fn many_lots_are_journaled_bit_by_bit() {
    let mut world = World::new(&slow());
    (0..600).for_each(|lot| drop(world.say(&format!("1997-01-01 cdnow purchase p{lot} 1 USD"))));
    for (day, what) in [("1997-01-11", "can be spent"), ("1997-01-31", "lapsed")] {
        let lines = |said: String| said.lines().filter(|line| line.ends_with(what)).count();
        let passes = || lines(world.say(&format!("{day} time passes")));
        assert_eq!(std::iter::repeat_with(passes).take(4).collect::<Vec<_>>(), [256, 256, 88, 0]);
    }
}

#[test]
fn the_next_instant_is_known_without_looking_at_the_lots() {
    let mut world = World::new(&slow());
    for lots in [1, 300] {
        (0..lots).for_each(|lot| drop(world.say(&format!("1997-01-01 cdnow purchase p{lots}-{lot} 1 USD"))));
        let mut due = None;
        let count = lots_looked_at(|| due = world.account.next_due());
        assert_eq!(due, Some(script::instant("1997-01-11")));
        assert!(count <= 2, "{count} lots");
    }
}

#[test]
fn points_that_never_lapse_are_never_due() {
    let mut world = World::new(MYPOINTS);
    world.say("1997-01-01 mypoints sign_up s1");
    assert_eq!(world.account.next_due(), None);
    let command = Command::TimePassed { account: world.account.id() };
    assert_eq!(world.decide(&command, Timestamp::MAX), Verdict::Nothing);
}
