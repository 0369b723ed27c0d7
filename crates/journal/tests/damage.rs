//! Damaged files: opening or reading gives an error, or what was acknowledged; never a panic or another record.

use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::panic;
use std::path::Path;
use std::sync::{Arc, Mutex};

use coalition_journal::conformance::append;
use coalition_journal::embedded::{Embedded, Settings};
use coalition_journal::log::{Error, Log, Offset, Partition, Record, Stored};
use tempfile::TempDir;

const FILE: &str = "t-0.redb";

fn open(folder: &Path) -> Option<Embedded> {
    Embedded::open(folder, Settings { tail_bytes_max: 0, ..Settings::default() }).ok()
}

/// A log whose process was killed, and one that was closed, with the records that they hold.
fn samples() -> Vec<(TempDir, Vec<Record>)> {
    let folder = tempfile::tempdir().expect("a folder");
    let log = open(folder.path()).expect("open");
    log.create_topic("t", 1).expect("create");
    let to = Partition::new("t", 0);
    let mut records: Vec<Record> = Vec::new();
    for number in 0_usize..60 {
        let run: Vec<_> = (0..1 + number % 3)
            .map(|index| Record::of(format!("{number}.{index} ").repeat(1 + number * 977 % 5000)))
            .collect();
        append(&log, &to, run.clone()).expect("append");
        records.extend(run);
    }
    // While it is open the files are as a kill leaves them.
    let killed = copy(folder.path());
    drop(log);
    vec![(killed, records.clone()), (folder, records)]
}

fn copy(from: &Path) -> TempDir {
    let to = tempfile::tempdir().expect("a folder");
    for entry in fs::read_dir(from).expect("list") {
        let entry = entry.expect("list");
        fs::copy(entry.path(), to.path().join(entry.file_name())).expect("copy");
    }
    to
}

/// What came of a damage.
#[derive(Default, Debug)]
struct Tally {
    refused: u32,
    unreadable: u32,
    /// Of these, by rows that are not what was written.
    by_rows: u32,
    whole: u32,
}

fn check(folder: &Path, records: &[Record], what: &str, tally: &mut Tally) {
    let Some(log) = open(folder) else {
        tally.refused += 1;
        return;
    };
    let of = Partition::new("t", 0);
    let (start, end) = log.bounds(&of).expect("bounds");
    assert_eq!((start, end.0), (Offset(0), records.len() as u64), "{what}: acknowledged records are missing");
    let right = |stored: &Stored| {
        records.get(usize::try_from(stored.offset.0).expect("small")) == Some(&stored.record)
    };
    let mut next = Offset(0);
    while next < end {
        match log.read(&of, next, 30_000) {
            Ok(found) => {
                assert!(found.first().is_some_and(|first| first.offset == next), "{what}: {next} is missing");
                assert!(found.iter().all(right), "{what}: another record after {next}");
                next = found.last().expect("one at least").offset.plus(1);
            }
            Err(error) => {
                tally.unreadable += 1;
                tally.by_rows += u32::from(matches!(error, Error::Damaged { .. }));
                break;
            }
        }
    }
    tally.whole += u32::from(next == end);
    // Whatever comes of an append, it is told, and true.
    let record = Record::of("after the damage");
    if let Ok(offset) = append(&log, &of, vec![record.clone()]) {
        assert_eq!(offset, end, "{what}");
        assert!(
            log.read(&of, offset, 1).is_ok_and(|found| found[0].record == record),
            "{what}: not read back"
        );
    }
}

fn damaged(
    sample: &Path,
    what: &str,
    records: &[Record],
    tally: &mut Tally,
    damage: impl FnOnce(&mut fs::File),
) {
    let folder = copy(sample);
    let path = folder.path().join(FILE);
    let mut file = OpenOptions::new().read(true).write(true).open(path).expect("open the file");
    damage(&mut file);
    drop(file);
    check(folder.path(), records, what, tally);
}

fn overwrite(file: &mut fs::File, at: u64, bytes: &[u8]) {
    file.seek(SeekFrom::Start(at)).expect("seek");
    file.write_all(bytes).expect("write");
}

#[test]
fn torn_and_flipped_files() {
    // The database panics on some damage; that is caught where it happens, and is noise here.
    let panics = Arc::new(Mutex::new(0));
    let (counted, usual) = (Arc::clone(&panics), panic::take_hook());
    panic::set_hook(Box::new(move |info| {
        let below = info.location().is_some_and(|place| !place.file().contains("journal"));
        if below {
            *counted.lock().expect("count") += 1;
        } else {
            usual(info);
        }
    }));
    for (sample, records) in samples() {
        let sample = sample.path();
        let length = fs::metadata(sample.join(FILE)).expect("look").len();
        let bytes = fs::read(sample.join(FILE)).expect("read");
        let used = bytes.iter().rposition(|byte| *byte != 0).expect("something") as u64;
        let mut tally = Tally::default();
        check(copy(sample).path(), &records, "no damage", &mut tally);
        assert_eq!(tally.whole, 1, "without damage it is whole");
        for part in 0..25 {
            let at = used * part / 25;
            let what = format!("cut off at {at}");
            damaged(sample, &what, &records, &mut tally, |file| file.set_len(at).expect("cut"));
            let what = format!("zeros from {at}");
            damaged(sample, &what, &records, &mut tally, |file| {
                file.set_len(at).expect("cut");
                file.set_len(length).expect("lengthen");
            });
        }
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        for round in 0..100_u64 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // Every third in the first pages, where the header and the roots are.
            let at = (random >> 20) % if round % 3 == 0 { 16 << 10 } else { used };
            let flipped = bytes[usize::try_from(at).expect("small")] ^ (1 << (round % 8));
            let what = format!("bit {} of byte {at} flipped", round % 8);
            damaged(sample, &what, &records, &mut tally, |file| overwrite(file, at, &[flipped]));
            let page = at & !4095;
            let what = format!("page {page} zeroed");
            damaged(sample, &what, &records, &mut tally, |file| overwrite(file, page, &[0; 4096]));
        }
        println!("{tally:?}, {} panics of the database caught", panics.lock().expect("count"));
        assert!(
            tally.refused > 10 && tally.unreadable > 10 && tally.by_rows > 5,
            "the damage is met: {tally:?}"
        );
    }
}

#[test]
fn lost_and_swapped_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |number: u32| folder.path().join(format!("t-{number}.redb"));
    // Left by a creation that was cut short: no topic names it.
    fs::write(path(0), "torn").expect("write");
    assert!(open(folder.path()).is_none(), "partitions without a registry");
    fs::remove_file(path(0)).expect("remove");
    drop(open(folder.path()).expect("open"));
    fs::write(path(0), "torn").expect("write");
    let log = open(folder.path()).expect("open with leavings");
    log.create_topic("t", 2).expect("create over the leavings");
    append(&log, &Partition::new("t", 0), vec![Record::of("here")]).expect("append");
    drop(log);
    let aside = folder.path().join("aside");
    fs::rename(path(0), &aside).expect("rename");
    assert!(open(folder.path()).is_none(), "a lost file");
    fs::write(path(0), "").expect("write");
    assert!(open(folder.path()).is_none(), "an empty file");
    fs::copy(path(1), path(0)).expect("copy");
    assert!(open(folder.path()).is_none(), "another partition's file");
    fs::rename(&aside, path(0)).expect("rename");
    open(folder.path()).expect("open what is whole again");
}
