//! What an account had at an instant that is over, figures by hand.

use super::MYPOINTS;
use super::script::{instant, member, read};
use super::world::World;
use crate::account::Balance;
use crate::account::past::{
    DateBasis::{self, EventTime, RecordedTime},
    Past,
};

fn told(document: &str, script: &str) -> World {
    let mut world = World::new(document);
    super::lines(script).for_each(|line| drop(world.say(line)));
    world
}

fn past(world: &World, at: &str, basis: DateBasis) -> Balance {
    let mut past = Past::new(member().account(), instant(at), basis);
    for (decision, moment) in &world.journal {
        if past.take_in(decision, moment.place, moment.decided_at).is_break() {
            break;
        }
    }
    past.account().unwrap().balance(&read("mypoints"), instant(at))
}

/// `available pending held debt`.
fn figures(balance: &Balance) -> [u64; 4] {
    [balance.available, balance.pending, balance.held, balance.debt].map(|points| points.get())
}

fn check(world: &World, rows: &[(&str, [u64; 4], [u64; 4])]) {
    for (at, recorded, happened) in rows {
        assert_eq!(figures(&past(world, at, RecordedTime)), *recorded, "recorded by {at}");
        assert_eq!(figures(&past(world, at, EventTime)), *happened, "happened by {at}");
    }
}

/// A purchase and a hold, a late purchase, a return that makes a debt of 450, and a late purchase that repays it.
const YEAR: &str = "
    1997-01-01 operator enrol 1
    1997-01-10 cdnow purchase p1 600 USD order=o1
    1997-01-12 member hold 2 voucher ttl=172800
    1997-01-13 cdnow capture 3 2
    1997-01-15 cdnow purchase p2 50 USD at=1997-01-11
    1997-01-20 cdnow return r1 o1 at=1997-01-14
    1997-01-25 bank purchase p3 460 USD at=1997-01-20T12:00:00Z
";

#[test]
fn late_events_count_from_when_they_happened_and_all_else_from_when_it_was_decided() {
    check(
        &told(MYPOINTS, YEAR),
        &[
            ("1997-01-09T23:59:59.999Z", [0, 0, 0, 0], [0, 0, 0, 0]),
            ("1997-01-10", [600, 0, 0, 0], [600, 0, 0, 0]),
            ("1997-01-11", [600, 0, 0, 0], [650, 0, 0, 0]),
            ("1997-01-12", [100, 0, 500, 0], [150, 0, 500, 0]),
            ("1997-01-13", [100, 0, 0, 0], [150, 0, 0, 0]),
            ("1997-01-15", [150, 0, 0, 0], [150, 0, 0, 0]),
            ("1997-01-20", [0, 0, 0, 450], [0, 0, 0, 450]),
            ("1997-01-20T12:00:00Z", [0, 0, 0, 450], [10, 0, 0, 0]),
            ("1997-01-25", [10, 0, 0, 0], [10, 0, 0, 0]),
        ],
    );
}

#[test]
fn late_points_wait_and_lapse_as_their_decision_said() {
    let slow = MYPOINTS
        .replace("id = \"dollars\"", "id = \"dollars\"\navailable_after_days = 10\nexpires_after_days = 30");
    check(
        &told(&slow, "1997-01-20 cdnow purchase p1 600 USD at=1997-01-01\n1997-02-10 time passes"),
        &[
            ("1997-01-01", [0, 0, 0, 0], [0, 600, 0, 0]),
            ("1997-01-19T23:59:59.999Z", [0, 0, 0, 0], [0, 600, 0, 0]),
            ("1997-01-20", [0, 600, 0, 0], [0, 600, 0, 0]),
            ("1997-01-30", [600, 0, 0, 0], [600, 0, 0, 0]),
            ("1997-01-31", [0, 0, 0, 0], [0, 0, 0, 0]),
            ("1997-02-10", [0, 0, 0, 0], [0, 0, 0, 0]),
        ],
    );
}

#[test]
fn what_was_recorded_by_then_is_what_was_shown_then() {
    let mut world = World::new(MYPOINTS);
    let mut shown = Vec::new();
    for line in super::lines(YEAR) {
        world.say(line);
        let at = line.split_whitespace().next().unwrap();
        shown.push((at, world.account.balance(&read("mypoints"), instant(at))));
    }
    for (at, balance) in shown {
        assert_eq!(past(&world, at, RecordedTime), balance, "{at}");
    }
}
