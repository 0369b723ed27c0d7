//! Partners' topics that change while they are read.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use coalition_domain::PartnerId;
use coalition_intake::{Intake, Settings, Share, events_topic, rejected_topic};
use coalition_journal::log::{Log, Offset, Partition, Record, Topic};
use prost::Message;
use tokio::sync::watch;
use uuid::Uuid;

use crate::faulty::Faulty;
use crate::flow::placed;
use crate::network::{Network, committed, event, inboxes, memory, publish_events, until};

fn settings() -> Settings {
    Settings { survey_interval: Duration::from_millis(1), ..Settings::default() }
}

fn publish(log: &dyn Log, partner: PartnerId, numbers: std::ops::Range<u32>) {
    publish_events(log, partner, numbers.map(|number| event(&number.to_string(), number)));
}

#[test]
fn a_topic_that_was_made_anew_is_read_from_its_start_however_far_it_has_grown() {
    let memory = memory();
    let log: Arc<dyn Log> = memory.clone();
    let network = Network::start(&log);
    let partner = network.create_partner("a");
    publish(&*log, partner, 0..5);
    let intake = Intake::start(Arc::clone(&log), network.ledger(), settings()).unwrap();
    until("it is read", || committed(&*log, partner) == Some(Offset(5)));
    memory.delete_topic(&events_topic(&partner));
    publish(&*log, partner, 10..20);
    until("all that it has now is read", || {
        let ids =
            inboxes(&*log).concat().iter().filter_map(placed).map(|(_, id)| id).collect::<BTreeSet<_>>();
        (10..20).all(|number| ids.contains(&number.to_string()))
    });
    publish(&*log, partner, 20..21);
    until("it goes on", || committed(&*log, partner) == Some(Offset(11)));
    intake.stop();
}

/// What can't go back holds up what comes behind it.
#[test]
fn a_topic_of_rejected_events_that_was_deleted_or_made_anew_holds_nothing_up() {
    for partitions in [None, Some(1)] {
        let memory = memory();
        let log: Arc<dyn Log> = memory.clone();
        let network = Network::start(&log);
        let partner = network.create_partner("a");
        let (events, back) = (events_topic(&partner), rejected_topic(&partner));
        for topic in [&events, &back] {
            log.create_topic(topic, 4).unwrap();
        }
        let intake = Intake::start(Arc::clone(&log), network.ledger(), settings()).unwrap();
        let junk = || {
            let to = Partition::new(&events, 3);
            log.append(&to, vec![Record::of("junk")], Box::new(|outcome| assert!(outcome.is_ok())));
        };
        let came = |number| {
            let back = Partition::new(&back, number);
            log.read(&back, Offset(0), usize::MAX).map_or(0, |records| records.len())
        };
        junk();
        until("it is given back", || came(3) == 1);
        memory.delete_topic(&back);
        let to = partitions.map_or(3, |partitions| {
            log.create_topic(&back, partitions).unwrap();
            0
        });
        // More than are read on while one of them is not dealt with.
        for number in 0..40 {
            junk();
            publish(&*log, partner, number..number + 1);
        }
        until("all of them are given back", || came(to) >= 40);
        until("the others are placed", || intake.counts().accepted >= 40);
        intake.stop();
    }
}

#[test]
fn one_wrong_answer_has_nothing_read_twice() {
    let faulty = Arc::new(Faulty::new(memory()));
    let log: Arc<dyn Log> = faulty.clone();
    let network = Network::start(&log);
    let partner = network.create_partner("a");
    publish(&*log, partner, 0..5);
    let intake = Intake::start(Arc::clone(&log), network.ledger(), settings()).unwrap();
    until("it is read", || committed(&*log, partner) == Some(Offset(5)));
    let looks = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&looks);
    faulty.lie(events_topic(&partner), move |found| match count.fetch_add(1, Ordering::Relaxed) {
        // None, and then others, of which none is seen at two looks in a row.
        0 | 4 => None,
        look @ (2 | 5 | 6) => found.map(|found| Topic { id: Uuid::from_u128(look as u128), ..found }),
        _ => found,
    });
    until("it was looked at often enough", || looks.load(Ordering::Relaxed) > 10);
    publish(&*log, partner, 5..6);
    until("it goes on", || committed(&*log, partner) == Some(Offset(6)));
    assert_eq!(intake.counts().accepted, 6);
    intake.stop();
}

#[test]
fn partitions_that_a_topic_gets_are_read() {
    let faulty = Arc::new(Faulty::new(memory()));
    let log: Arc<dyn Log> = faulty.clone();
    let network = Network::start(&log);
    let partner = network.create_partner("a");
    let topic = events_topic(&partner);
    log.create_topic(&topic, 40).unwrap();
    faulty.lie(topic.clone(), |found| found.map(|found| Topic { partitions: 1, ..found }));
    let intake = Intake::start(Arc::clone(&log), network.ledger(), settings()).unwrap();
    publish(&*log, partner, 0..1);
    until("it is read", || intake.counts().accepted == 1);
    for number in 1..40 {
        let record = Record::of(event(&number.to_string(), number).encode_to_vec());
        let to = Partition::new(&topic, number);
        log.append(&to, vec![record], Box::new(|outcome| assert!(outcome.is_ok(), "{outcome:?}")));
    }
    assert_eq!(intake.counts().accepted, 1);
    faulty.lie(topic, |found| found);
    until("all of them are read", || intake.counts().accepted == 40 && intake.counts().unopened == 0);
    intake.stop();
}

#[test]
fn records_that_are_gone_before_they_are_read_are_counted() {
    let log: Arc<dyn Log> = memory();
    let network = Network::start(&log);
    let partner = network.create_partner("a");
    publish(&*log, partner, 0..5);
    let events = Partition::new(&events_topic(&partner), 0);
    log.trim(&events, Offset(3)).unwrap();
    let start = || Intake::start(Arc::clone(&log), network.ledger(), settings()).unwrap();
    let intake = start();
    until("the rest is read", || committed(&*log, partner) == Some(Offset(5)));
    assert_eq!((intake.counts().accepted, intake.counts().trimmed), (2, 3));
    intake.stop();
    // Some more while it is away.
    publish(&*log, partner, 5..10);
    log.trim(&events, Offset(9)).unwrap();
    let intake = start();
    until("the rest is read", || committed(&*log, partner) == Some(Offset(10)));
    assert_eq!((intake.counts().accepted, intake.counts().trimmed), (1, 4));
    intake.stop();
}

#[test]
fn a_partner_with_many_partitions_holds_up_no_other() {
    let faulty = Arc::new(Faulty::new(memory()));
    let log: Arc<dyn Log> = faulty.clone();
    let network = Network::start(&log);
    let (many, few) = (network.create_partner("a"), network.create_partner("b"));
    log.create_topic(&events_topic(&many), 200).unwrap();
    publish(&*log, few, 0..3);
    let intake = Intake::start(Arc::clone(&log), network.ledger(), settings()).unwrap();
    until("the other is read", || committed(&*log, few) == Some(Offset(3)));
    let last = Partition::new(&events_topic(&many), 199);
    until("all of them are read", || log.committed("coalition-intake", &last).unwrap().is_some());
    let opened = faulty.opened();
    let turn = |partner| opened.iter().position(|of| *of.topic == *events_topic(partner)).unwrap();
    assert!(turn(&few) <= 16, "it came behind {} partitions", turn(&few));
    assert_eq!(opened.len(), 201);
    intake.stop();
}

/// Those of eight partitions of partner `a` that lie in the third of four slots. Two releases have to agree on that.
const MOVED: [u32; 3] = [0, 1, 2];

#[test]
fn a_slot_that_moves_takes_its_partitions_along_and_leaves_the_others_alone() {
    let faulty = Arc::new(Faulty::new(memory()));
    let log: Arc<dyn Log> = faulty.clone();
    let network = Network::start(&log);
    let partner = network.create_partner("a");
    log.create_topic(&events_topic(&partner), 8).unwrap();
    let slots = |mine: &[bool]| -> Arc<[bool]> { Arc::from(mine) };
    // Two processes, and what of four slots each of them has.
    let here = watch::Sender::new(slots(&[false, false, true, true]));
    let there = watch::Sender::new(slots(&[true, true, false, false]));
    let start = |share: &watch::Sender<Arc<[bool]>>| {
        let settings = Settings { share: Share::of(share.subscribe()), ..settings() };
        Intake::start(Arc::clone(&log), network.ledger(), settings).unwrap()
    };
    let (first, second) = (start(&here), start(&there));
    let mut number = 0;
    let mut all_are_read = || {
        for partition in 0..8 {
            number += 1;
            let record = Record::of(event(&number.to_string(), number).encode_to_vec());
            let to = Partition::new(&events_topic(&partner), partition);
            log.append(&to, vec![record], Box::new(|outcome| assert!(outcome.is_ok(), "{outcome:?}")));
        }
        until("each event is placed", || {
            let ids =
                inboxes(&*log).concat().iter().filter_map(placed).map(|(_, id)| id).collect::<BTreeSet<_>>();
            (1..=number).all(|number| ids.contains(&number.to_string()))
        });
    };
    all_are_read();
    let before = faulty.opened().len();
    // One slot goes over, and comes back: what is in it was worked out apart from the code.
    let opened_again = |times: usize| {
        until("they are opened", || faulty.opened().len() >= before + times * MOVED.len());
        let mut opened: Vec<_> = faulty.opened()[before..].iter().map(|of| of.number).collect();
        opened.sort_unstable();
        assert_eq!(opened, MOVED.iter().flat_map(|number| vec![*number; times]).collect::<Vec<_>>());
    };
    here.send_replace(slots(&[false, false, false, true]));
    there.send_replace(slots(&[true, true, true, false]));
    opened_again(1);
    all_are_read();
    // Before it has seen that it lost the slot, it would not see that it gets it back, and would just go on.
    until("the first lets go of them", || faulty.watched() == 8);
    there.send_replace(slots(&[true, true, false, false]));
    here.send_replace(slots(&[false, false, true, true]));
    opened_again(2);
    all_are_read();
    opened_again(2);
    first.stop();
    second.stop();
}
