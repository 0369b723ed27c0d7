//! Power cuts: images of a partition's file as a disk may leave it that lost its power at any moment.
//!
//! What the log writes to the file, and when it syncs it, is recorded. Of what was not synced when the power went each piece
//! of 4 KiB is there or not, as any of the writes left it, in no order; a new length of the file is there or not.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, mpsc};

use redb::StorageBackend;
use redb::backends::FileBackend;

use super::settings;
use crate::conformance::{append, read_all};
use crate::embedded::Embedded;
use crate::log::{Log, Offset, Partition, Record};

const IMAGES: u64 = 100;
const PIECE: usize = 4096;
const FILE: &str = "t-0.redb";

/// What became of the file, in order.
#[derive(Debug)]
enum Step {
    Write(usize, Vec<u8>),
    Length(usize),
    /// All steps before this one are durable.
    Synced(usize),
    /// So many appends are answered.
    Answered(usize),
}

type Trace = Arc<Mutex<Vec<Step>>>;

fn note(trace: &Trace, step: Step) {
    trace.lock().unwrap().push(step);
}

fn place(offset: u64) -> usize {
    usize::try_from(offset).unwrap()
}

#[derive(Debug)]
struct Recorded {
    file: FileBackend,
    trace: Trace,
}

impl StorageBackend for Recorded {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        note(&self.trace, Step::Length(place(len)));
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        let before = self.trace.lock().unwrap().len();
        note(&self.trace, Step::Synced(before));
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        note(&self.trace, Step::Write(place(offset), data.to_vec()));
        self.file.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }
}

/// Chance by a seed: splitmix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % limit.max(1) as u64).unwrap()
    }
}

fn record(number: usize) -> Record {
    Record::of(format!("{number} ").repeat(1 + number * 977 % 9_000))
}

/// A log that took `count` appends, some of them at once, and its trace.
fn recorded(folder: &Path, count: usize) -> Vec<Step> {
    let trace = Trace::default();
    let opener = {
        let trace = Arc::clone(&trace);
        move |path: &Path| {
            let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
            Ok(Box::new(Recorded { file: FileBackend::new(file)?, trace: Arc::clone(&trace) })
                as Box<dyn StorageBackend>)
        }
    };
    let log = Embedded::open_on(folder, settings(), Arc::new(opener)).unwrap();
    log.create_topic("t", 1).unwrap();
    note(&trace, Step::Answered(0));
    let (tell, told) = mpsc::channel();
    for number in 0..count {
        let (tell, trace) = (tell.clone(), Arc::clone(&trace));
        let done = move |outcome: Result<Offset, _>| {
            assert_eq!(outcome.unwrap(), Offset(number as u64));
            note(&trace, Step::Answered(number + 1));
            // Gone at the end.
            _ = tell.send(());
        };
        log.append(&Partition::new("t", 0), vec![record(number)], Box::new(done));
        if number % 7 != 0 {
            told.recv().unwrap();
        }
    }
    drop(log);
    std::mem::take(&mut *trace.lock().unwrap())
}

/// The file after a power cut behind the first `cut` steps.
fn image(steps: &[Step], cut: usize, dice: &mut Dice) -> Vec<u8> {
    let durable = |step: &Step| if let Step::Synced(before) = step { Some(*before) } else { None };
    let durable = steps[..cut].iter().rev().find_map(durable).unwrap_or(0);
    let mut bytes = Vec::new();
    for step in &steps[..durable] {
        apply(&mut bytes, step);
    }
    // Each piece as it is after each of the writes to it, and the lengths.
    let mut pieces: BTreeMap<usize, Vec<Vec<u8>>> = BTreeMap::new();
    let mut lengths = vec![bytes.len()];
    let mut newest = bytes.clone();
    for step in &steps[durable..cut] {
        apply(&mut newest, step);
        lengths.push(newest.len());
        let Step::Write(at, data) = step else { continue };
        for piece in at / PIECE..(at + data.len()).div_ceil(PIECE) {
            let end = newest.len().min((piece + 1) * PIECE);
            pieces.entry(piece).or_default().push(newest[piece * PIECE..end].to_vec());
        }
    }
    // At times everything that was written is there, or nothing of it.
    let all = dice.below(4);
    for (piece, versions) in pieces {
        let version = match all {
            0 => versions.len(),
            1 => 0,
            _ => dice.below(versions.len() + 1),
        };
        if let Some(version) = version.checked_sub(1).map(|version| &versions[version]) {
            let at = piece * PIECE;
            bytes.resize(bytes.len().max(at + version.len()), 0);
            bytes[at..at + version.len()].copy_from_slice(version);
        }
    }
    // What was written beyond the length that is known is lost, too.
    bytes.resize(lengths[dice.below(lengths.len())], 0);
    bytes
}

fn apply(bytes: &mut Vec<u8>, step: &Step) {
    match step {
        Step::Write(at, data) => {
            bytes.resize(bytes.len().max(at + data.len()), 0);
            bytes[*at..at + data.len()].copy_from_slice(data);
        }
        Step::Length(length) => bytes.resize(*length, 0),
        Step::Synced(_) | Step::Answered(_) => {}
    }
}

#[test]
fn nothing_acknowledged_is_lost_in_a_power_cut() {
    let folder = tempfile::tempdir().unwrap();
    let steps = recorded(folder.path(), 60);
    let created = steps.iter().position(|step| matches!(step, Step::Answered(0))).unwrap();
    let (mut behind, mut torn) = (0, 0);
    for seed in 0..IMAGES {
        let mut dice = Dice(seed);
        let cut = created + 1 + dice.below(steps.len() - created);
        let answered = |step: &Step| if let Step::Answered(count) = step { Some(*count) } else { None };
        let answered = steps[..cut].iter().rev().find_map(answered).unwrap();
        let lost = tempfile::tempdir().unwrap();
        for entry in fs::read_dir(folder.path()).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), lost.path().join(entry.file_name())).unwrap();
        }
        fs::write(lost.path().join(FILE), image(&steps, cut, &mut dice)).unwrap();
        let what = format!("image {seed}: power gone behind step {cut} of {}", steps.len());
        let log = Embedded::open(lost.path(), settings()).unwrap_or_else(|error| panic!("{what}: {error}"));
        let of = Partition::new("t", 0);
        let stored = read_all(&log, &of, Offset(0), 100_000);
        assert!(stored.len() >= answered, "{what}: {} of {answered} answered appends", stored.len());
        for (number, stored) in stored.iter().enumerate() {
            assert_eq!((stored.offset, &stored.record), (Offset(number as u64), &record(number)), "{what}");
        }
        let next = append(&log, &of, vec![record(stored.len())]).unwrap();
        assert_eq!(next, Offset(stored.len() as u64), "{what}");
        behind += usize::from(stored.len() > answered);
        let pending = steps[..cut].iter().rev().take_while(|step| !matches!(step, Step::Synced(_)));
        torn += usize::from(pending.filter(|step| matches!(step, Step::Write(..))).count() > 1);
    }
    println!(
        "{IMAGES} images: {torn} with several writes that were not synced, {behind} with an append that was not answered"
    );
    assert!(torn > 10 && behind > 0, "the cuts are met: {torn}, {behind}");
}
