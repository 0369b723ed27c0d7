//! Brokers that are killed, stopped, and robbed of their data.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use coalition_journal::conformance::{append, read_all};
use coalition_journal::kafka::{Kafka, Settings};
use coalition_journal::log::{AppendError, Error, Log, Offset, Partition, Record};

use super::cluster;
use super::subject::{PATIENCE, open, until};
use super::through::through;

#[test]
fn a_killed_broker_loses_nothing_that_was_acknowledged() {
    let Some(cluster) = cluster::storm(1) else { return };
    let doubts = through(&cluster.settings(), "stops.killed", |_| {
        cluster.launcher(&["kill", "1"]);
        cluster.launcher(&["restart", "1"]);
    });
    println!("{doubts} doubts");
}

#[test]
fn a_broker_that_stands_still_leaves_doubts_in_good_time() {
    let Some(cluster) = cluster::storm(1) else { return };
    let settings = Settings {
        delivery_timeout: Duration::from_secs(2),
        request_timeout: Duration::from_secs(2),
        ..cluster.settings()
    };
    let doubts = through(&settings, "stops.paused", |progress| {
        cluster.launcher(&["pause", "1"]);
        let other = Partition::new("stops.paused", 0);
        let log = std::panic::catch_unwind(|| Kafka::open(&settings));
        assert!(matches!(log, Ok(Err(Error::Backend { .. }))), "nobody answers");
        // Longer than an append may take.
        let began = Instant::now();
        progress.doubtful(1);
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
        cluster.launcher(&["resume", "1"]);
        until("it goes on", || Kafka::open(&settings).is_ok_and(|log| log.bounds(&other).is_ok()));
    });
    assert!(doubts >= 2, "{doubts}");
}

#[test]
fn a_log_ends_without_its_brokers() {
    let Some(cluster) = cluster::storm(1) else { return };
    let settings = Settings { delivery_timeout: Duration::from_secs(2), ..cluster.settings() };
    let log = open(&settings);
    let at = Partition::new("stops.ends", 0);
    log.create_topic(&at.topic, 1).expect("create");
    append(&log, &at, vec![Record::of("a")]).expect("append");
    assert_eq!(log.committed("stops", &at).expect("ask"), None);
    cluster.launcher(&["kill", "1"]);
    let (tell, told) = mpsc::channel();
    log.append(&at, vec![Record::of("b")], Box::new(move |outcome| _ = tell.send(outcome)));
    log.commit("stops", &at, Offset(1)).expect("note");
    log.trim(&at, Offset(1)).expect("note");
    let began = Instant::now();
    drop(log);
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    let outcome = told.try_recv().expect("answered");
    assert!(matches!(outcome, Err(AppendError::Doubt(_))), "{outcome:?}");
    cluster.launcher(&["restart", "1"]);
}

#[test]
fn records_that_are_not_what_was_written_are_damage() {
    let Some(cluster) = cluster::storm(1) else { return };
    let settings = cluster.settings();
    let log = open(&settings);
    let at = Partition::new("stops.damaged", 0);
    log.create_topic(&at.topic, 1).expect("create");
    for number in 0..10 {
        append(&log, &at, vec![Record::of(format!("{number} {}", "-".repeat(1000)))]).expect("append");
    }
    drop(log);
    cluster.launcher(&["stop"]);
    let segment = OpenOptions::new().write(true).open(cluster.segment(1, &at.topic, 0)).expect("open");
    // All are of one length, so the middle is where the sixth begins; what follows its head is covered by its checksum.
    let middle = segment.metadata().expect("look").len() / 2;
    segment.write_all_at(b"damage", middle + 100).expect("write");
    drop(segment);
    cluster.launcher(&["start"]);
    let log = open(&settings);
    let mut next = Offset(0);
    assert_eq!(log.bounds(&at).expect("bounds"), (Offset(0), Offset(10)));
    let error = loop {
        match log.read(&at, next, 1) {
            Ok(read) => next = read.last().expect("more is known to be there").offset.plus(1),
            Err(error) => break error,
        }
    };
    assert!(matches!(&error, Error::Damaged { partition, .. } if *partition == at), "{error:?}");
    assert_eq!(next, Offset(5), "all before was read");
    let again = log.read(&at, next, 1);
    assert!(
        matches!(again, Err(Error::Damaged { .. })),
        "and nothing is left out by trying again: {again:?}"
    );
}

#[test]
fn a_reader_whose_records_are_lost_is_told() {
    let Some(cluster) = cluster::storm(1) else { return };
    let settings = Settings { behind_timeout: Duration::from_secs(2), ..cluster.settings() };
    let log = open(&settings);
    let at = Partition::new("stops.lost", 0);
    log.create_topic(&at.topic, 1).expect("create");
    for number in 0..10 {
        append(&log, &at, vec![Record::of(number.to_string())]).expect("append");
    }
    assert_eq!(read_all(&log, &at, Offset(0), 1_000_000).len(), 10);
    cluster.launcher(&["kill", "1"]);
    let segment = OpenOptions::new().write(true).open(cluster.segment(1, &at.topic, 0)).expect("open");
    let length = segment.metadata().expect("look").len();
    segment.set_len(length / 2).expect("cut");
    drop(segment);
    cluster.launcher(&["restart", "1"]);
    let began = Instant::now();
    let error = loop {
        match log.read(&at, Offset(10), 1) {
            Ok(read) => assert!(read.is_empty(), "nothing is there to read"),
            Err(error @ Error::Lost { .. }) => break error,
            // While the broker is away.
            Err(Error::Backend { .. }) => {}
            Err(error) => panic!("{error}"),
        }
        assert!(began.elapsed() < PATIENCE, "not told");
    };
    assert!(error.to_string().starts_with("stops.lost/0 ends at @"), "{error}");
}
