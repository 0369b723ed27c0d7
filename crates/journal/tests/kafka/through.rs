//! Writers and readers of a log whose brokers are disturbed.

use std::collections::BTreeMap;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use coalition_journal::conformance::{append, read_all};
use coalition_journal::kafka::{Kafka, Settings};
use coalition_journal::log::{AppendError, Error, Log, Offset, Partition, Record, Stored};

use super::subject::{open, until};

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

/// How far a writer has got.
#[derive(Default)]
struct Count {
    stored: AtomicU64,
    doubtful: AtomicU64,
}

/// How far all writers have got, for who disturbs them.
pub(crate) struct Progress(Vec<Count>);

impl Progress {
    /// Waits until each writer has stored as many more.
    pub(crate) fn stored(&self, more: u64) {
        self.wait("more is stored", |count| &count.stored, more);
    }

    /// Waits until each writer is in doubt about as many more.
    pub(crate) fn doubtful(&self, more: u64) {
        self.wait("more is in doubt", |count| &count.doubtful, more);
    }

    fn wait(&self, what: &str, of: fn(&Count) -> &AtomicU64, more: u64) {
        let now = || self.0.iter().map(|count| of(count).load(Ordering::Relaxed));
        let before: Vec<_> = now().collect();
        until(what, || now().zip(&before).all(|(now, before)| now >= before + more));
    }
}

/// Appends numbers one after the other, each once, until told to stop.
fn write(log: &Kafka, to: &Partition, count: &Count, stop: &AtomicBool) -> Told {
    let mut told = Told::default();
    for next in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        match append(log, to, vec![Record::of(next.to_string())]) {
            Ok(offset) => {
                told.stored.insert(next, offset);
                count.stored.fetch_add(1, Ordering::Relaxed);
            }
            Err(AppendError::Doubt(_)) => {
                told.doubtful.push(next);
                count.doubtful.fetch_add(1, Ordering::Relaxed);
            }
            Err(AppendError::NotAppended(why)) => panic!("it was sent: {why}"),
        }
    }
    told
}

/// Follows a partition until told to stop, and then to its end. Errors are those of a broker that is away.
fn follow(log: &Kafka, of: &Partition, stop: &AtomicBool) -> Vec<Stored> {
    let (tell, woken) = mpsc::channel();
    let _watching = log.watch(of, Arc::new(move || _ = tell.send(()))).expect("watch");
    let mut all: Vec<Stored> = Vec::new();
    let mut stopped = false;
    while !stopped {
        // Now and then without a wake too, as the ledger does.
        _ = woken.recv_timeout(Duration::from_millis(50));
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
    }
    all
}

/// What was acknowledged is there, where it was said, and in order; what is in doubt is there, or not. A copy of either is
/// no fault: a broker that took a record and died before it said so is sent it again.
fn check(told: &Told, stored: &[Stored]) {
    let mut at: BTreeMap<u64, Vec<Offset>> = BTreeMap::new();
    for (place, stored) in (0..).zip(stored) {
        assert_eq!(stored.offset, Offset(place), "offsets are dense");
        at.entry(number(stored)).or_default().push(stored.offset);
    }
    for (number, offset) in &told.stored {
        let places = at.remove(number).unwrap_or_default();
        assert!(places.contains(offset), "{number} was acknowledged at {offset}, and is at {places:?}");
    }
    assert!(told.stored.values().is_sorted(), "in the order of the calls");
    for (number, places) in at {
        assert!(told.doubtful.contains(&number), "{number} at {places:?}");
    }
}

/// Writers and readers of two partitions, while `disturb` does what it does between their first records and more. How
/// many appends were left in doubt.
pub(crate) fn through(settings: &Settings, topic: &str, disturb: impl FnOnce(&Progress)) -> usize {
    let log = open(settings);
    log.create_topic(topic, PARTITIONS).expect("create");
    let partitions: Vec<_> = (0..PARTITIONS).map(|number| Partition::new(topic, number)).collect();
    let progress = Progress(partitions.iter().map(|_| Count::default()).collect());
    let (stop, stop_reading) = (AtomicBool::new(false), AtomicBool::new(false));
    let (told, followed) = thread::scope(|scope| {
        let (log, stop, stop_reading) = (&log, &stop, &stop_reading);
        let writers = partitions.iter().zip(&progress.0);
        let writers = writers.map(|(to, count)| scope.spawn(move || write(log, to, count, stop)));
        let writers: Vec<_> = writers.collect();
        let readers = partitions.iter().map(|of| scope.spawn(move || follow(log, of, stop_reading)));
        let readers: Vec<_> = readers.collect();
        // Whoever panics here must not leave the others running.
        let disturbed = panic::catch_unwind(AssertUnwindSafe(|| {
            progress.stored(100);
            disturb(&progress);
            progress.stored(100);
        }));
        stop.store(true, Ordering::Relaxed);
        let told: Vec<_> = writers.into_iter().map(|writer| writer.join().expect("a writer")).collect();
        stop_reading.store(true, Ordering::Relaxed);
        let followed: Vec<_> = readers.into_iter().map(|reader| reader.join().expect("a reader")).collect();
        disturbed.unwrap_or_else(|panic| panic::resume_unwind(panic));
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
