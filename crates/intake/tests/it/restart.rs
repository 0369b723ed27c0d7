use std::collections::BTreeSet;
use std::sync::Arc;

use coalition_domain::PartnerId;
use coalition_intake::{Intake, Settings};
use coalition_journal::log::{Log, Offset};

use crate::faulty::{Fate, Faulty};
use crate::flow::placed;
use crate::network::{Network, committed, event, inboxes, memory, publish_events, until};

/// Small appends, many of them.
fn small() -> Settings {
    Settings { read_bytes_max: 4_096, append_bytes_max: 1_024, ..Settings::default() }
}

fn publish_numbers(log: &dyn Log, partner: PartnerId, numbers: std::ops::Range<u32>) {
    publish_events(log, partner, numbers.map(|number| event(&number.to_string(), number % 50)));
}

/// Checks that each event is in an inbox, and that those of a shard are there in order when repeats are passed over;
/// returns how many repeats there are.
fn check_complete_and_in_order(log: &dyn Log, events: u32) -> usize {
    let (mut all, mut repeats) = (BTreeSet::new(), 0);
    for inbox in inboxes(log) {
        let mut last = None;
        for (_, id) in inbox.iter().filter_map(placed) {
            let number: u32 = id.parse().unwrap();
            if all.insert(number) {
                assert!(last < Some(number), "{number} after {last:?}");
                last = Some(number);
            } else {
                repeats += 1;
            }
        }
    }
    assert_eq!(all, (0..events).collect());
    repeats
}

#[test]
fn a_stop_repeats_and_loses_nothing() {
    let log: Arc<dyn Log> = memory();
    let network = Network::start(&log);
    let partner = network.create_partner("a");
    for round in 0..5 {
        publish_numbers(&*log, partner, round * 200..(round + 1) * 200);
        let intake = Intake::start(Arc::clone(&log), network.ledger(), small()).unwrap();
        let some = Offset(u64::from(round * 200));
        until("some are dealt with", || committed(&*log, partner) > Some(some));
        intake.stop();
    }
    let intake = Intake::start(Arc::clone(&log), network.ledger(), small()).unwrap();
    until("all is dealt with", || committed(&*log, partner) == Some(Offset(1_000)));
    assert_eq!(check_complete_and_in_order(&*log, 1_000), 0);
    intake.stop();
    network.stop();
}

#[test]
fn an_end_in_the_middle_loses_nothing() {
    let faulty = Arc::new(Faulty::new(memory()));
    let log: Arc<dyn Log> = faulty.clone();
    let network = Network::start(&log);
    let partner = network.create_partner("a");
    for round in 1..=3 {
        // Of the fourth append and those after it nothing is heard any more.
        faulty.fates(&[Fate::Done, Fate::Done, Fate::Done]);
        faulty.fates(&[Fate::Silent; 3]);
        publish_numbers(&*log, partner, (round - 1) * 300..round * 300);
        let intake = Intake::start(Arc::clone(&log), network.ledger(), small()).unwrap();
        until("an append is in doubt", || faulty.to_come() == 0);
        drop(intake);
        assert!(committed(&*log, partner) < Some(Offset(u64::from(round) * 300)));
    }
    let intake = Intake::start(Arc::clone(&log), network.ledger(), small()).unwrap();
    until("all is dealt with", || committed(&*log, partner) == Some(Offset(900)));
    assert!(check_complete_and_in_order(&*log, 900) > 0, "nothing was in doubt");
    intake.stop();
    network.stop();
}

#[test]
fn appends_that_fail_are_repeated_before_what_follows() {
    let faulty = Arc::new(Faulty::new(memory()));
    let log: Arc<dyn Log> = faulty.clone();
    let network = Network::start(&log);
    let partner = network.create_partner("a");
    faulty.fates(&[Fate::Refused, Fate::Lost, Fate::AnswerLost, Fate::Done, Fate::AnswerLost, Fate::Lost]);
    publish_numbers(&*log, partner, 0..600);
    let intake = Intake::start(Arc::clone(&log), network.ledger(), small()).unwrap();
    until("all is dealt with", || committed(&*log, partner) == Some(Offset(600)));
    assert_eq!(faulty.to_come(), 0);
    assert!(check_complete_and_in_order(&*log, 600) > 0, "an answer was lost, and nothing repeated");
    intake.stop();
    network.stop();
}

#[test]
fn nothing_is_committed_before_it_is_placed() {
    let faulty = Arc::new(Faulty::new(memory()));
    let log: Arc<dyn Log> = faulty.clone();
    let network = Network::start(&log);
    let partner = network.create_partner("a");
    // One shard answers never, the others always.
    faulty.fates(&[Fate::Silent]);
    publish_numbers(&*log, partner, 0..600);
    let intake = Intake::start(Arc::clone(&log), network.ledger(), small()).unwrap();
    until("the other shards have theirs", || inboxes(&*log).concat().iter().filter_map(placed).count() > 300);
    assert_eq!(committed(&*log, partner), Some(Offset(0)));
    drop(intake);
    network.stop();
}
