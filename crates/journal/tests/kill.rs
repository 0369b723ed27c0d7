//! A process that appends is killed at any moment: whatever it was told is durable is there, whole and in place.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;

use coalition_journal::conformance::read_all;
use coalition_journal::embedded::{Embedded, Settings};
use coalition_journal::log::{Error, Log, Offset, Partition, Record};

const FOLDER: &str = "COALITION_TEST_KILL_FOLDER";
const PARTITIONS: u32 = 2;
const ROUNDS: u64 = 20;

fn open(folder: &Path) -> Result<Embedded, Error> {
    // With an empty tail, what is read was on the disk.
    Embedded::open(folder, Settings { tail_bytes_max: 0, ..Settings::default() })
}

/// The record at an offset: its length and bytes follow from the place.
fn record(of: &Partition, offset: u64) -> Record {
    let length = usize::try_from(offset * 7919 % 3000).expect("small");
    Record::of(format!("{of}@{offset} ").repeat(1 + length / 8))
}

/// Not a test of its own: what the killed process runs. It appends one to three records at a time, up to 20 appends
/// ahead of their answers, and prints the place of each append that is answered.
#[test]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let log = open(Path::new(&folder)).expect("open");
    log.create_topic("t", PARTITIONS).expect("create");
    std::thread::scope(|scope| {
        for number in 0..PARTITIONS {
            let log = &log;
            scope.spawn(move || {
                let to = Partition::new("t", number);
                let (_, mut end) = log.bounds(&to).expect("bounds");
                let (tell, told) = mpsc::channel();
                for sent in 0_u64.. {
                    let count = 1 + sent % 3;
                    let records = (end.0..end.0 + count).map(|offset| record(&to, offset)).collect();
                    end = end.plus(count);
                    let tell = tell.clone();
                    let done = move |outcome: Result<Offset, _>| {
                        let first = outcome.expect("append");
                        let line = format!("acknowledged {number} {}\n", first.0 + count - 1);
                        std::io::stdout().write_all(line.as_bytes()).expect("print");
                        // Gone when the process is.
                        _ = tell.send(());
                    };
                    log.append(&to, records, Box::new(done));
                    if sent >= 20 {
                        told.recv().expect("an answer");
                    }
                }
            });
        }
    });
}

#[test]
fn nothing_acknowledged_is_lost() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut acknowledged = [None; PARTITIONS as usize];
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "child", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("start");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        // Another number of answers each round, so that it dies in another phase of its work; the answers that it
        // printed before it died count too.
        let mut answers_left = 1 + round * 37 % 211;
        for line in lines {
            let line = line.expect("read");
            let Some(place) = line.strip_prefix("acknowledged ") else { continue };
            let (number, offset) = place.split_once(' ').expect("two numbers");
            let (number, offset): (usize, u64) =
                (number.parse().expect("one"), offset.parse().expect("another"));
            acknowledged[number] = acknowledged[number].max(Some(offset));
            answers_left = answers_left.saturating_sub(1);
            if answers_left == 0 {
                child.kill().expect("kill");
            }
        }
        child.wait().expect("it ended");
        let log = open(folder.path()).expect("open after a kill");
        for (number, acknowledged) in (0..).zip(acknowledged) {
            let of = Partition::new("t", number);
            let stored = read_all(&log, &of, Offset(0), 100_000);
            let acknowledged = acknowledged.map_or(0, |last| last + 1);
            assert!(stored.len() as u64 >= acknowledged, "{of}: {} records of {acknowledged}", stored.len());
            for (offset, stored) in (0..).zip(stored) {
                assert_eq!(stored.offset.0, offset);
                assert!(stored.record == record(&of, offset), "{of}@{offset} is another record");
            }
        }
    }
}

#[test]
fn a_second_owner_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = open(folder.path()).expect("open");
    assert!(matches!(open(folder.path()), Err(Error::Locked(_))), "in one process");
    let other = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "child", "--nocapture"])
        .env(FOLDER, folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .expect("run");
    assert!(
        !other.status.success() && String::from_utf8_lossy(&other.stderr).contains("Locked"),
        "in another"
    );
    drop(first);
    open(folder.path()).expect("open once it is free");
}
