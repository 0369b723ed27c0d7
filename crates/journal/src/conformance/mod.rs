//! What every adapter of the log promises, as checks that run against any of them.
//!
//! A check panics where an adapter breaks a promise. Each uses topics of its own, so that one subject can go through
//! all of them.

mod appending;
mod reading;
mod topics;

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::log::{AppendError, Log, Offset, Partition, Record, Stored};

/// What an adapter promises beyond what all do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Promises {
    /// An append of several records is in the log whole and in one run, or not at all.
    pub whole: bool,
    /// The largest record that it takes, as [`Record::bytes`] counts.
    pub record_bytes_max: usize,
}

/// A log under test, and what is done to it from outside.
pub trait Subject {
    /// What it promises. By default what the adapters in one process do.
    fn promises(&self) -> Promises {
        Promises { whole: true, record_bytes_max: 4 << 20 }
    }

    /// The log.
    fn log(&self) -> &dyn Log;

    /// Ends the log and opens it again, as a new process would. Nothing if it can't outlive itself.
    fn reopen(&mut self);

    /// Deletes every topic.
    fn delete_topics(&mut self);
}

/// One promise.
pub type Check = fn(&mut dyn Subject);

/// Every promise, by name.
pub const CHECKS: &[(&str, Check)] = &[
    ("topics are created once", topics::topics),
    ("what is not there is refused", topics::absent),
    ("offsets are dense and in the order of one caller's appends", appending::order),
    ("appends of many callers stay whole and in order", appending::callers),
    ("reading starts anywhere and is bounded", reading::reading),
    ("records come back as they were", reading::content),
    ("what was told is there to be read", appending::read_back),
    ("watchers are woken", appending::waking),
    ("trimming keeps what lies behind", reading::trim),
    ("groups keep their offsets", topics::groups),
    ("append times never go back", appending::append_times),
    ("a topic made again is another one", topics::made_again),
];

/// How long anything may take before it counts as never.
const PATIENCE: Duration = Duration::from_secs(60);

/// Appends and waits for the answer.
pub fn append(log: &dyn Log, to: &Partition, records: Vec<Record>) -> Result<Offset, AppendError> {
    let (tell, told) = mpsc::channel();
    // The receiver is gone only after the wait below gave up.
    log.append(to, records, Box::new(move |outcome| _ = tell.send(outcome)));
    told.recv_timeout(PATIENCE).expect("an append is answered")
}

/// All records from `from` on, up to an end that is asked for now at least, read `bytes_max` at a time.
pub fn read_all(log: &dyn Log, of: &Partition, from: Offset, bytes_max: usize) -> Vec<Stored> {
    let mut all: Vec<Stored> = Vec::new();
    log.bounds(of).expect("bounds");
    loop {
        let next = all.last().map_or(from, |last| last.offset.plus(1));
        let more = log.read(of, next, bytes_max).expect("read");
        if more.is_empty() {
            return all;
        }
        all.extend(more);
    }
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "{what}: not in {PATIENCE:?}");
        thread::yield_now();
    }
}

fn partition(subject: &dyn Subject, topic: &str) -> Partition {
    subject.log().create_topic(topic, 1).expect("create the topic");
    Partition::new(topic, 0)
}

fn ok(log: &dyn Log, to: &Partition, records: Vec<Record>) -> Offset {
    append(log, to, records).expect("append")
}

fn numbers(stored: &[Stored]) -> Vec<u64> {
    let number = |stored: &Stored| stored.record.value[..8].try_into().map(u64::from_be_bytes);
    stored.iter().map(|stored| number(stored).expect("eight bytes")).collect()
}

/// A record that says its number, and is longer or shorter by it.
fn numbered(number: u64) -> Record {
    let mut value = number.to_be_bytes().to_vec();
    value.extend((0..number * 37 % 300).map(|_| 0x2e));
    Record::of(value)
}
