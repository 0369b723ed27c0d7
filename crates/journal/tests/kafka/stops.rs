//! Brokers that are killed, stopped, and robbed of their data.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use coalition_journal::conformance::{append, read_all};
use coalition_journal::kafka::{Kafka, Settings};
use coalition_journal::log::{AppendError, Error, Log, Offset, Partition, Record, Stored};

use super::cluster::{self, Cluster};
use super::subject::{PATIENCE, open, until};

const PARTITIONS: u32 = 2;

fn number(stored: &Stored) -> u64 {
    String::from_utf8_lossy(&stored.record.value).parse().expect("a number")
}

/// What one caller was told.
#[derive(Default)]
struct Told {
    stored: BTreeMap<u64, Offset>,
    doubtful: Vec<u64>,
}

/// Appends numbers one after the other, each once, until told to stop.
fn write(log: &Kafka, to: &Partition, acknowledged: &AtomicU64, stop: &AtomicBool) -> Told {
    let mut told = Told::default();
    for next in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        match append(log, to, vec![Record::of(next.to_string())]) {
            Ok(offset) => {
                told.stored.insert(next, offset);
                acknowledged.fetch_add(1, Ordering::Relaxed);
            }
            Err(AppendError::Doubt(_)) => told.doubtful.push(next),
            Err(AppendError::NotAppended(why)) => panic!("it was sent: {why}"),
        }
    }
    told
}

/// Follows a partition until told to stop, and then to its end. Errors are those of a broker that is away.
fn follow(log: &Kafka, of: &Partition, stop: &AtomicBool) -> Vec<Stored> {
    let mut all: Vec<Stored> = Vec::new();
    let mut stopped = false;
    while !stopped {
        stopped = stop.load(Ordering::Relaxed);
        if stopped {
            log.bounds(of).expect("bounds");
        }
        loop {
            let next = all.last().map_or(Offset(0), |last| last.offset.plus(1));
            match log.read(of, next, 100_000) {
                Ok(read) if read.is_empty() => break,
                Ok(read) => all.extend(read),
                Err(Error::Backend { .. }) if !stopped => break,
                Err(error) => panic!("{error}"),
            }
        }
        thread::yield_now();
    }
    all
}

/// What was acknowledged is there, where it was said, and in order; what is in doubt is there once, or not.
fn check(told: &Told, stored: &[Stored]) {
    let mut at: BTreeMap<u64, Vec<Offset>> = BTreeMap::new();
    for (place, stored) in (0..).zip(stored) {
        assert_eq!(stored.offset, Offset(place), "offsets are dense");
        at.entry(number(stored)).or_default().push(stored.offset);
    }
    for (number, offset) in &told.stored {
        assert_eq!(at.remove(number), Some(vec![*offset]), "{number} was acknowledged at {offset}");
    }
    assert!(told.stored.values().is_sorted(), "in the order of the calls");
    for (number, places) in at {
        assert!(told.doubtful.contains(&number) && places.len() == 1, "{number} at {places:?}");
    }
}

/// Writers and readers of two partitions, while `disturb` does what it does between their first records and more.
pub(crate) fn through(
    cluster: &Cluster,
    settings: &Settings,
    topic: &str,
    disturb: impl FnOnce(&Cluster),
) -> usize {
    let log = open(settings);
    log.create_topic(topic, PARTITIONS).expect("create");
    let partitions: Vec<_> = (0..PARTITIONS).map(|number| Partition::new(topic, number)).collect();
    let counts: Vec<_> = partitions.iter().map(|_| AtomicU64::new(0)).collect();
    let (stop, stop_reading) = (AtomicBool::new(false), AtomicBool::new(false));
    let (told, followed) = thread::scope(|scope| {
        let (log, stop, stop_reading) = (&log, &stop, &stop_reading);
        let writers: Vec<_> = partitions.iter().zip(&counts).collect();
        let writers = writers.into_iter().map(|(to, count)| scope.spawn(move || write(log, to, count, stop)));
        let writers: Vec<_> = writers.collect();
        let readers = partitions.iter().map(|of| scope.spawn(move || follow(log, of, stop_reading)));
        let readers: Vec<_> = readers.collect();
        let passed = |least: u64| counts.iter().all(|count| count.load(Ordering::Relaxed) >= least);
        // Whoever panics here must not leave the others running.
        let disturbed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            until("the first are stored", || passed(100));
            disturb(cluster);
            let before = counts.iter().map(|count| count.load(Ordering::Relaxed)).max().unwrap_or_default();
            until("more are stored", || passed(before + 100));
        }));
        stop.store(true, Ordering::Relaxed);
        let told: Vec<_> = writers.into_iter().map(|writer| writer.join().expect("a writer")).collect();
        stop_reading.store(true, Ordering::Relaxed);
        let followed: Vec<_> = readers.into_iter().map(|reader| reader.join().expect("a reader")).collect();
        disturbed.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (told, followed)
    });
    let again = open(settings);
    for ((of, told), followed) in partitions.iter().zip(&told).zip(followed) {
        let stored = read_all(&again, of, Offset(0), 1_000_000);
        assert!(stored == followed, "{of}: a live reader saw the same");
        check(told, &stored);
    }
    told.iter().map(|told| told.doubtful.len()).sum()
}

#[test]
fn a_killed_broker_loses_nothing_that_was_acknowledged() {
    let Some(cluster) = cluster::storm(1) else { return };
    let doubts = through(&cluster, &cluster.settings(), "stops.killed", |cluster| {
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
    let doubts = through(&cluster, &settings, "stops.paused", |cluster| {
        cluster.launcher(&["pause", "1"]);
        let other = Partition::new("stops.paused", 0);
        let log = std::panic::catch_unwind(|| Kafka::open(&settings));
        assert!(matches!(log, Ok(Err(Error::Backend { .. }))), "nobody answers");
        // Longer than an append may take: both writers are in doubt.
        let began = Instant::now();
        until("appends time out", || began.elapsed() > Duration::from_secs(4));
        cluster.launcher(&["resume", "1"]);
        until("it goes on", || Kafka::open(&settings).is_ok_and(|log| log.bounds(&other).is_ok()));
    });
    assert!(doubts >= 2, "{doubts}");
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
            // While the broker is away.
            Err(error)
                if std::error::Error::source(&error).is_some_and(|it| it.to_string().contains("ends at")) =>
            {
                break error;
            }
            Err(Error::Backend { .. }) => {}
            Err(error) => panic!("{error}"),
        }
        assert!(began.elapsed() < PATIENCE, "not told");
    };
    assert_eq!(error.to_string(), "read stops.lost/0 from @10");
}
