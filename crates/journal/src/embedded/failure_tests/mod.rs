//! Failing and slow disks under a real log, and callers that misbehave.

mod disk;
mod power;

use std::fs::OpenOptions;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use redb::StorageBackend;
use redb::backends::FileBackend;
use tempfile::TempDir;

use self::disk::{Disk, OnDisk};
use super::{Embedded, Settings};
use crate::conformance::{append, read_all};
use crate::log::{AppendError, Log, Offset, Partition, Record};

/// A log on a disk that fails on demand, with one partition. Its tail is empty: all reading is from the disk.
struct Bench {
    folder: TempDir,
    disk: Arc<Disk>,
    log: Embedded,
    to: Partition,
    /// What every append so far came to, by its number.
    outcomes: Vec<Result<Offset, AppendError>>,
}

fn settings() -> Settings {
    Settings { tail_bytes_max: 0, light_delay: Duration::from_millis(1), ..Settings::default() }
}

fn open(folder: &Path, disk: &Arc<Disk>, settings: Settings) -> Embedded {
    let disk = Arc::clone(disk);
    let opener = move |path: &Path| {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        Ok(Box::new(OnDisk { file: FileBackend::new(file)?, disk: Arc::clone(&disk) })
            as Box<dyn StorageBackend>)
    };
    Embedded::open_on(folder, settings, Arc::new(opener)).unwrap()
}

impl Bench {
    fn new() -> Self {
        let (folder, disk) = (tempfile::tempdir().unwrap(), Arc::<Disk>::default());
        let log = open(folder.path(), &disk, settings());
        log.create_topic("t", 1).unwrap();
        Self { log, folder, disk, to: Partition::new("t", 0), outcomes: Vec::new() }
    }

    fn record(number: usize) -> Record {
        Record::of(number.to_string().repeat(20_000))
    }

    fn append(&mut self) -> &Result<Offset, AppendError> {
        let record = Self::record(self.outcomes.len());
        self.outcomes.push(append(&self.log, &self.to, vec![record]));
        self.outcomes.last().unwrap()
    }

    fn file_len(&self) -> u64 {
        self.folder.path().join("t-0.redb").metadata().unwrap().len()
    }

    /// What was acknowledged is there, what was refused is not.
    fn check(&self, log: &Embedded) {
        let stored = read_all(log, &self.to, Offset(0), 100_000);
        assert!(stored.iter().map(|stored| stored.offset.0).eq(0..stored.len() as u64));
        assert_eq!(log.bounds(&self.to).unwrap().1, Offset(stored.len() as u64));
        for (number, outcome) in self.outcomes.iter().enumerate() {
            let record = Self::record(number);
            let places = stored.iter().filter(|stored| stored.record == record).map(|stored| stored.offset);
            let places: Vec<_> = places.collect();
            match outcome {
                Ok(offset) => assert_eq!(places, [*offset], "append {number}"),
                Err(AppendError::NotAppended(_)) => assert_eq!(places, [], "append {number}"),
                Err(AppendError::Doubt(_)) => assert!(places.len() <= 1, "append {number}"),
            }
        }
    }

    /// As [`Self::check`], after the process was started again on a disk in good order.
    fn check_after_restart(self) {
        let Self { folder, log, to, outcomes, .. } = self;
        drop(log);
        let log = Embedded::open(folder.path(), settings()).unwrap();
        let again = Self { folder, log, disk: Arc::default(), to, outcomes };
        again.check(&again.log);
    }
}

fn until(mut holds: impl FnMut() -> bool) {
    for _ in 0..60_000 {
        if holds() {
            return;
        }
        thread::park_timeout(Duration::from_millis(1));
    }
    panic!("not in a minute");
}

#[test]
fn works_again_when_a_full_disk_has_space() {
    for refuses_length in [false, true] {
        let mut bench = Bench::new();
        for _ in 0..5 {
            bench.append().as_ref().unwrap();
        }
        bench.disk.refuses_length.store(refuses_length, Ordering::Relaxed);
        bench.disk.fill(bench.file_len());
        let mut refused = 0;
        while refused < 5 {
            refused += u32::from(bench.append().is_err());
            bench.check(&bench.log);
        }
        bench.disk.fill(None);
        for _ in 0..5 {
            bench.append().as_ref().unwrap();
        }
        bench.check(&bench.log);
        bench.check_after_restart();
    }
}

#[test]
fn what_waits_behind_an_append_that_fails_is_not_stored() {
    let (folder, disk) = (tempfile::tempdir().unwrap(), Arc::<Disk>::default());
    let log = open(folder.path(), &disk, Settings { commit_bytes_max: 1, ..settings() });
    log.create_topic("t", 1).unwrap();
    let to = Partition::new("t", 0);
    append(&log, &to, vec![Bench::record(0)]).unwrap();
    let (tell, told) = mpsc::channel();
    disk.hold_syncs(true);
    for (number, bytes) in [(1, 10), (2, 2_000_000), (3, 10)] {
        let (tell, disk) = (tell.clone(), Arc::clone(&disk));
        let done = move |outcome: Result<_, _>| {
            if outcome.is_err() {
                disk.fill(None);
            }
            tell.send((number, outcome.is_ok())).unwrap();
        };
        log.append(&to, vec![Record::of("x".repeat(bytes))], Box::new(done));
    }
    disk.fill(folder.path().join("t-0.redb").metadata().unwrap().len());
    disk.hold_syncs(false);
    let outcomes: Vec<_> = told.iter().take(3).collect();
    assert_eq!(outcomes, [(1, true), (2, false), (3, false)]);
    assert_eq!(read_all(&log, &to, Offset(0), 100_000).len(), 2);
}

/// One failure, at each of the operations that some appends take.
#[test]
fn any_one_failure_loses_nothing() {
    let mut failures = 0;
    for operation in 0.. {
        let mut bench = Bench::new();
        bench.append().as_ref().unwrap();
        *bench.disk.operations_left.lock().unwrap() = Some(operation.into());
        for _ in 0..3 {
            _ = bench.append();
        }
        let left = bench.disk.operations_left.lock().unwrap().take().unwrap().into_inner();
        let failed = bench.outcomes.iter().any(Result::is_err);
        failures += u32::from(failed);
        bench.check(&bench.log);
        bench.check_after_restart();
        if left >= 0 {
            break;
        }
    }
    assert!(failures > 5, "{failures} failures were met");
}

#[test]
fn a_failed_sync_stops_the_partition() {
    let mut bench = Bench::new();
    bench.append().as_ref().unwrap();
    bench.disk.syncs_fail.store(true, Ordering::Relaxed);
    assert!(matches!(bench.append(), Err(AppendError::Doubt(_))));
    bench.disk.syncs_fail.store(false, Ordering::Relaxed);
    for _ in 0..3 {
        let Err(AppendError::NotAppended(why)) = bench.append() else { panic!("the disk can't be trusted") };
        assert!(why.contains("sync"), "{why}");
    }
    bench.check(&bench.log);
    bench.check_after_restart();
}

#[test]
fn reads_again_after_a_failed_read() {
    let mut bench = Bench::new();
    for _ in 0..3 {
        bench.append().as_ref().unwrap();
    }
    // Without a cache every read is one of the disk.
    let Bench { folder, disk, log, to, outcomes } = bench;
    drop(log);
    let log = open(folder.path(), &disk, Settings { cache_bytes: 0, ..settings() });
    let mut bench = Bench { folder, disk, log, to, outcomes };
    bench.disk.reads_fail.store(true, Ordering::Relaxed);
    assert!(bench.log.read(&bench.to, Offset(1), 1).is_err());
    bench.disk.reads_fail.store(false, Ordering::Relaxed);
    until(|| bench.log.read(&bench.to, Offset(1), 1).is_ok());
    bench.append().as_ref().unwrap();
    bench.check(&bench.log);
}

#[test]
fn a_full_queue_refuses_and_does_not_block() {
    let mut bench = Bench::new();
    bench.disk.hold_syncs(true);
    let (tell, told) = mpsc::channel();
    let size = settings().queue_bytes_max / 4;
    for _ in 0..10 {
        let tell = tell.clone();
        let record = Record::of(vec![b'x'; size]);
        bench.log.append(&bench.to, vec![record], Box::new(move |outcome| tell.send(outcome).unwrap()));
    }
    // At least six are refused, while nothing can be written: the first may be with the writer already.
    for _ in 0..6 {
        let Err(AppendError::NotAppended(why)) = told.recv().unwrap() else { panic!("there is no room") };
        assert!(why.contains("queue full"), "{why}");
    }
    bench.disk.hold_syncs(false);
    drop(tell);
    assert!(told.iter().filter(Result::is_ok).count() >= 3);
    bench.outcomes.clear();
    bench.append().as_ref().unwrap();
}

#[test]
fn dropped_it_answers_what_waits() {
    let bench = Bench::new();
    bench.disk.hold_syncs(true);
    let (tell, told) = mpsc::channel();
    for number in 0..20 {
        let tell = tell.clone();
        let done = Box::new(move |outcome| tell.send(outcome).unwrap());
        bench.log.append(&bench.to, vec![Bench::record(number)], done);
    }
    drop(tell);
    let disk = Arc::clone(&bench.disk);
    let dropper = thread::spawn(move || bench.check_after_restart());
    disk.hold_syncs(false);
    assert!(told.iter().map(Result::unwrap).eq((0..20).map(Offset)));
    dropper.join().unwrap();
}

#[test]
fn a_panicking_caller_harms_nobody_else() {
    let mut bench = Bench::new();
    let _watching = bench.log.watch(&bench.to, Arc::new(|| panic!("planted"))).unwrap();
    bench.log.append(&bench.to, vec![Bench::record(0)], Box::new(|_| panic!("planted")));
    bench.outcomes.push(Ok(Offset(0)));
    bench.append().as_ref().unwrap();
    bench.check(&bench.log);
}

/// The last handle may go with an append's own answer, on the writer's thread.
#[test]
fn a_caller_may_drop_the_log() {
    let Bench { folder, log, to, .. } = Bench::new();
    let log = Arc::new(log);
    let last = Arc::clone(&log);
    let (tell, told) = mpsc::channel();
    let done = move |outcome: Result<_, _>| {
        tell.send(outcome.is_ok()).unwrap();
        // Waits until it is the last.
        until(|| Arc::strong_count(&last) == 1);
        drop(last);
    };
    log.append(&to, vec![Bench::record(0)], Box::new(done));
    drop(log);
    assert!(told.recv().unwrap());
    until(|| Embedded::open(folder.path(), settings()).is_ok());
}

/// Group offsets ride with group commits, and else become durable by themselves, if later.
#[test]
fn group_offsets_become_durable_without_appends() {
    let bench = Bench::new();
    let before = bench.disk.syncs.load(Ordering::Relaxed);
    bench.log.commit("group", &bench.to, Offset(0)).unwrap();
    until(|| bench.disk.syncs.load(Ordering::Relaxed) > before);
}
