//! Reading from Kafka: several readers, little memory, and nothing that is behind.

use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use coalition_journal::conformance::{append, read_all};
use coalition_journal::kafka::{Kafka, Settings};
use coalition_journal::log::{Error, Log, Offset, Partition, Record};
use rdkafka::admin::{AdminOptions, NewPartitions};

use super::cluster;
use super::records::values;
use super::subject::{PATIENCE, admin, block_on, delete, open, until};

/// A partition of `count` records of about a kilobyte, each of which begins with its number.
fn filled(log: &Kafka, topic: &str, count: usize) -> Partition {
    let at = Partition::new(topic, 0);
    log.create_topic(topic, 1).expect("create");
    let record = |number: usize| Record::of(format!("{number} {}", "-".repeat(1000)));
    append(log, &at, (0..count).map(record).collect()).expect("append");
    at
}

fn check_from(log: &Kafka, at: &Partition, from: usize, count: usize, bytes_max: usize) {
    let read = values(&read_all(log, at, Offset(from as u64), bytes_max));
    let numbers = read.iter().map(|value| value.split(' ').next().and_then(|number| number.parse().ok()));
    assert!(numbers.eq((from..count).map(Some)), "from {from}");
}

#[test]
fn more_than_fits_in_memory_is_read() {
    let Some(cluster) = cluster::calm(1) else { return };
    let log = open(&Settings { buffer_bytes_max: 20_000, read_timeout: PATIENCE, ..cluster.settings() });
    let at = filled(&log, "reading.memory", 3000);
    check_from(&log, &at, 0, 3000, 5000);
    check_from(&log, &at, 1500, 3000, 100_000);
    check_from(&log, &at, 0, 3000, 1);
}

#[test]
fn readers_at_different_places_of_one_partition_all_get_on() {
    let Some(cluster) = cluster::calm(1) else { return };
    let log = open(&Settings { buffer_bytes_max: 20_000, read_timeout: PATIENCE, ..cluster.settings() });
    let at = filled(&log, "reading.several", 400);
    thread::scope(|scope| {
        for from in [0, 100, 390] {
            let (log, at) = (&log, &at);
            scope.spawn(move || check_from(log, at, from, 400, 50_000));
        }
    });
}

/// A live reader's thread has more to do than to wait for the log.
#[test]
fn a_read_at_the_end_does_not_wait() {
    let Some(cluster) = cluster::calm(1) else { return };
    let log = open(&cluster.settings());
    let at = filled(&log, "reading.live", 1);
    let (tell, woken) = mpsc::channel();
    let _watching = log.watch(&at, Arc::new(move || _ = tell.send(()))).expect("watch");
    check_from(&log, &at, 0, 1, 1_000_000);
    let mut slowest = Duration::ZERO;
    let mut next = Offset(1);
    for _ in 0..20 {
        // Empty, or the last one: it may have come by now.
        let mut read = |log: &Kafka| {
            let began = Instant::now();
            let read = log.read(&at, next, 1_000_000).expect("read");
            slowest = slowest.max(began.elapsed());
            next = next.plus(read.len() as u64);
            read.len()
        };
        assert_eq!(read(&log), 0);
        append(&log, &at, vec![Record::of("x")]).expect("append");
        while read(&log) == 0 {
            woken.recv_timeout(PATIENCE).expect("woken");
        }
    }
    assert!(slowest < Duration::from_millis(20), "{slowest:?}");
}

/// Whoever watches says where to begin; who reads then begins elsewhere, before or after that was heard.
#[test]
fn a_partition_is_read_from_where_it_is_asked_for_last() {
    let Some(cluster) = cluster::calm(1) else { return };
    const PARTITIONS: u32 = 40;
    let log = open(&cluster.settings());
    log.create_topic("reading.watched", PARTITIONS).expect("create");
    let partitions = (0..PARTITIONS).map(|number| Partition::new("reading.watched", number));
    // All at once, so that the thread that fetches has more to do than it gets done in between.
    thread::scope(|scope| {
        for at in partitions {
            let log = &log;
            scope.spawn(move || {
                append(log, &at, vec![Record::of("a"), Record::of("b")]).expect("append");
                let _watching = log.watch(&at, Arc::new(|| ())).expect("watch");
                assert_eq!(values(&read_all(log, &at, Offset(1), 1)), ["b"], "{at}");
                assert_eq!(values(&read_all(log, &at, Offset(0), 1)), ["a", "b"], "{at}");
            });
        }
    });
}

#[test]
fn a_topic_that_is_deleted_is_waited_for_once() {
    let Some(cluster) = cluster::calm(1) else { return };
    let settings = Settings { request_timeout: Duration::from_secs(2), ..cluster.settings() };
    let log = open(&settings);
    let at = filled(&log, "reading.deleted", 3);
    check_from(&log, &at, 0, 3, 1_000_000);
    delete(&settings, &at.topic);
    until("it is missed", || matches!(log.bounds(&at), Err(Error::NoSuchPartition(_))));
    let began = Instant::now();
    for _ in 0..5 {
        assert!(matches!(log.bounds(&at), Err(Error::NoSuchPartition(_))));
        // Somewhere else than before: the end of it is read from memory.
        assert!(log.read(&at, Offset(7), 1).is_err());
    }
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

#[test]
fn a_topic_that_comes_after_it_was_missed_is_found() {
    let Some(cluster) = cluster::calm(1) else { return };
    let settings = Settings { request_timeout: Duration::from_secs(2), ..cluster.settings() };
    let log = open(&settings);
    // Known before the other one is missed, and for long: librdkafka forgets in the order in which it got to know.
    let other = filled(&log, "reading.known", 1);
    check_from(&log, &other, 0, 1, 1_000_000);
    let at = filled(&log, "reading.missed", 3);
    delete(&settings, &at.topic);
    until("it is missed", || matches!(log.bounds(&at), Err(Error::NoSuchPartition(_))));
    filled(&open(&settings), "reading.missed", 5);
    until("it is found", || log.bounds(&at).is_ok_and(|bounds| bounds == (Offset(0), Offset(5))));
}

/// Others may delete a topic of theirs and make it anew while it is read.
#[test]
fn another_topic_of_the_same_name_is_read_once_it_is_seen() {
    let Some(cluster) = cluster::calm(1) else { return };
    let settings = cluster.settings();
    let log = open(&settings);
    let at = filled(&log, "reading.anew", 3);
    check_from(&log, &at, 0, 3, 1_000_000);
    delete(&settings, &at.topic);
    let others = open(&settings);
    let anew = others.create_topic(&at.topic, 2).expect("create");
    let records = ["a", "b", "c", "d", "e"].map(Record::of).to_vec();
    append(&others, &at, records).expect("append");
    until("it is seen", || log.topic(&at.topic).is_ok_and(|found| found == Some(anew)));
    until("it is reached", || log.bounds(&at).is_ok_and(|bounds| bounds == (Offset(0), Offset(5))));
    assert_eq!(values(&read_all(&log, &at, Offset(0), 1_000_000)), ["a", "b", "c", "d", "e"]);
    append(&log, &Partition::new(&at.topic, 1), vec![Record::of("f")]).expect("it has two partitions");
    // One that isn't there is made by whoever opens it.
    delete(&settings, &at.topic);
    until("it is missed", || log.topic(&at.topic).is_ok_and(|found| found.is_none()));
    assert_eq!(log.open_topic(&at.topic, 1).expect("create").partitions, 1);
    append(&log, &at, vec![Record::of("g")]).expect("append");
    assert_eq!(values(&read_all(&log, &at, Offset(0), 1)), ["g"]);
}

/// Nobody tells who writes to it, and it was opened long ago.
#[test]
fn a_topic_that_somebody_deleted_is_made_anew_once_an_append_to_it_has_failed() {
    let Some(cluster) = cluster::calm(1) else { return };
    let settings = cluster.settings();
    let log = open(&settings);
    let at = Partition::new("reading.remade", 0);
    log.open_topic(&at.topic, 1).expect("create");
    append(&log, &at, vec![Record::of("a")]).expect("append");
    delete(&settings, &at.topic);
    append(&log, &at, vec![Record::of("b")]).expect_err("there is no topic");
    log.open_topic(&at.topic, 1).expect("create");
    append(&log, &at, vec![Record::of("c")]).expect("append");
    assert_eq!(values(&read_all(&log, &at, Offset(0), 1)), ["c"]);
}

#[test]
fn partitions_that_a_topic_gets_are_there_once_they_are_seen() {
    let Some(cluster) = cluster::calm(1) else { return };
    let settings = cluster.settings();
    let log = open(&settings);
    filled(&log, "reading.grown", 1);
    let at = Partition::new("reading.grown", 2);
    assert!(matches!(log.bounds(&at), Err(Error::NoSuchPartition(_))));
    let grown = NewPartitions::new(&at.topic, 3);
    block_on(admin(&settings).create_partitions([&grown], &AdminOptions::new())).expect("they are made");
    until("they are seen", || {
        log.topic(&at.topic).is_ok_and(|found| found.is_some_and(|it| it.partitions == 3))
    });
    append(&log, &at, vec![Record::of("a")]).expect("append");
    assert_eq!(values(&read_all(&log, &at, Offset(0), 1)), ["a"]);
}

#[test]
fn what_lies_behind_the_end_is_waited_for_and_then_an_error() {
    let Some(cluster) = cluster::calm(1) else { return };
    let log = open(&Settings { behind_timeout: Duration::from_secs(1), ..cluster.settings() });
    let at = filled(&log, "reading.behind", 5);
    let began = Instant::now();
    let error = loop {
        match log.read(&at, Offset(6), 1) {
            Ok(read) => assert!(read.is_empty() && began.elapsed() < PATIENCE),
            Err(error) => break error,
        }
    };
    assert!(began.elapsed() >= Duration::from_secs(1), "it waited");
    let said = "reading.behind/0 ends at @5, before @6: records were lost, or the topic was made anew";
    assert!(matches!(error, Error::Lost { .. }) && error.to_string() == said, "{error}");
    // It gets there after all.
    append(&log, &at, vec![Record::of("5"), Record::of("6")]).expect("append");
    assert_eq!(values(&read_all(&log, &at, Offset(6), 1)), ["6"]);
}
