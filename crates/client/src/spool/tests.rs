//! The queue as its users meet it, whole and torn.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use super::found::files;
use super::*;

mod failing;

fn open(folder: &TempDir) -> Spool {
    Spool::open(folder.path(), SPOOL_BYTES_MIN).unwrap()
}

fn push(spool: &mut Spool, numbers: impl IntoIterator<Item = u32>) {
    numbers.into_iter().for_each(|number| spool.push(&event(number)).unwrap());
}

/// Some 1,000 bytes that tell their number.
fn event(number: u32) -> Vec<u8> {
    [&number.to_be_bytes()[..], &[0xee; 1_000]].concat()
}

/// The numbers of the first events.
fn first(spool: &mut Spool, events_max: usize) -> Vec<u32> {
    let events = spool.first_events(events_max, 1 << 20).unwrap();
    let number = |event: Vec<u8>| {
        let number = u32::from_be_bytes(*event.first_chunk().unwrap());
        assert_eq!(event, self::event(number));
        number
    };
    events.into_iter().map(number).collect()
}

/// Takes everything out, in pieces; the numbers.
fn drain(spool: &mut Spool, piece: usize) -> Vec<u32> {
    let mut all = Vec::new();
    while spool.waiting() > 0 {
        let events = first(spool, piece);
        spool.settle(events.len()).unwrap();
        all.extend(events);
    }
    all
}

fn files_of(folder: &TempDir) -> Vec<PathBuf> {
    files(folder.path()).unwrap().into_iter().map(|(path, _)| path).collect()
}

#[test]
fn events_come_out_in_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = open(&folder);
    assert_eq!(first(&mut spool, 10), Vec::<u32>::new());
    push(&mut spool, 0..500);
    assert_eq!(first(&mut spool, 3), [0, 1, 2]);
    assert_eq!(first(&mut spool, 2), [0, 1], "what isn't dealt with is handed out again");
    spool.settle(1).unwrap();
    assert_eq!(first(&mut spool, 2), [1, 2]);
    assert_eq!(spool.first_events(10, 1_500).unwrap().len(), 2, "bounded by bytes");
    assert_eq!(spool.first_events(10, 1).unwrap().len(), 1, "one at least");
    assert_eq!(drain(&mut spool, 7), (1..500).collect::<Vec<_>>());
}

#[test]
fn the_next_process_goes_on_where_this_one_was() {
    let folder = tempfile::tempdir().unwrap();
    for settled in [0, 1, 127, 128, 129, 400, 499, 500] {
        let mut spool = open(&folder);
        push(&mut spool, 0..500);
        if settled > 0 {
            assert_eq!(first(&mut spool, settled).len(), settled);
            spool.settle(settled).unwrap();
        }
        drop(spool);
        let mut spool = open(&folder);
        assert_eq!(spool.waiting(), 500 - settled as u64);
        let left: Vec<_> = (u32::try_from(settled).unwrap()..500).collect();
        assert_eq!(drain(&mut spool, 100), left, "{settled}");
    }
    assert_eq!(drain(&mut open(&folder), 1), Vec::<u32>::new());
}

#[test]
fn it_is_bounded_and_room_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = open(&folder);
    let mut pushed = 0;
    let full = loop {
        match spool.push(&event(pushed)) {
            Ok(()) => pushed += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(full, Error::Full { bytes_max: SPOOL_BYTES_MIN }), "{full}");
    assert!(spool.bytes() <= SPOOL_BYTES_MIN && pushed > 1_000, "{pushed}");
    // Eight that have no room for one more event, and what these leave over.
    assert_eq!(files_of(&folder).len(), 9);
    // A file's worth of events gives its room back.
    assert_eq!(first(&mut spool, 200).len(), 200);
    spool.settle(200).unwrap();
    assert!(spool.bytes() < SPOOL_BYTES_MIN * 7 / 8 + 2_000);
    push(&mut spool, pushed..pushed + 100);
    assert_eq!(drain(&mut spool, 1_000), (200..pushed + 100).collect::<Vec<_>>());
    assert_eq!(files_of(&folder).len(), 1);
    assert!(spool.bytes() <= CLEAR_BYTES, "{}", spool.bytes());
    push(&mut spool, 0..3);
    drop(spool);
    assert_eq!(drain(&mut open(&folder), 2), [0, 1, 2]);
}

#[test]
fn one_process_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let spool = open(&folder);
    assert!(matches!(Spool::open(folder.path(), SPOOL_BYTES_MIN), Err(Error::InUse(_))));
    drop(spool);
    open(&folder);
}

/// A process, or its machine, can stop in the middle of a write.
#[test]
fn a_torn_end_is_cut_off_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = open(&folder);
    push(&mut spool, 0..3);
    drop(spool);
    let path = files_of(&folder).remove(0);
    let whole = std::fs::read(&path).unwrap();
    // In the head of the file, and now in the head of an entry, now in its body.
    for end in (0..40).chain((40..whole.len()).step_by(97)) {
        std::fs::write(&path, &whole[..end]).unwrap();
        let mut spool = open(&folder);
        let expected: Vec<u32> = (0..3).take(end.saturating_sub(8) / 1_013).collect();
        assert_eq!(first(&mut spool, 9), expected, "{end}");
        if end % 5 == 0 {
            push(&mut spool, 7..8);
            let more = [&expected[..], &[7]].concat();
            drop(spool);
            assert_eq!(first(&mut open(&folder), 9), more, "{end}");
        }
    }
}

#[test]
fn each_torn_end_is_kept_for_itself_and_for_its_owner() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(&folder));
    let path = files_of(&folder).remove(0);
    for (rubbish, extension) in [("rubbish", "torn"), ("more of it", "2.torn"), ("all", "3.torn")] {
        OpenOptions::new().append(true).open(&path).unwrap().write_all(rubbish.as_bytes()).unwrap();
        drop(open(&folder));
        let kept = path.with_extension(extension);
        assert_eq!(std::fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_to_string(kept).unwrap(), rubbish);
    }
    assert_eq!(std::fs::read_to_string(path.with_extension("torn")).unwrap(), "rubbish");
}

/// A disk that lost some bytes, not a process that stopped.
#[test]
fn damage_before_whole_entries_is_no_torn_end() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = open(&folder);
    push(&mut spool, 0..3);
    drop(spool);
    let path = files_of(&folder).remove(0);
    let whole = std::fs::read(&path).unwrap();
    // In the head of the first entry, which seems to be longer or shorter then, in its body, and in the head
    // of the second.
    for at in [8, 9, 10, 11, 12, 16, 17, 1_020, 1_021, 1_024, 1_025] {
        for flipped in [1, 0x80] {
            let mut bytes = whole.clone();
            bytes[at] ^= flipped;
            std::fs::write(&path, &bytes).unwrap();
            let error = Spool::open(folder.path(), SPOOL_BYTES_MIN).unwrap_err();
            let before = if at < 1_021 { 8 } else { 1_021 };
            assert!(matches!(&error, Error::Damaged { at, .. } if *at == before), "{at}: {error:?}");
            assert_eq!(std::fs::read(&path).unwrap(), bytes, "nothing is changed");
        }
    }
}

/// Of what was not synced when a machine stopped, any page may be there without the one before it.
#[test]
fn a_page_that_was_not_written_ends_what_there_is() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = open(&folder);
    push(&mut spool, 0..20);
    drop(spool);
    let path = files_of(&folder).remove(0);
    let whole = std::fs::read(&path).unwrap();
    // A page of its own, and the rest of one of which the beginning was synced.
    for from in [4_096, 6_000] {
        let mut bytes = whole.clone();
        bytes[from..8_192].fill(0);
        std::fs::write(&path, &bytes).unwrap();
        let spool = Spool::open(folder.path(), SPOOL_BYTES_MIN).unwrap();
        assert!(std::fs::read(&path).unwrap().len() <= from, "what is behind it is cut off");
        drop(spool);
    }
    let torn = std::fs::read(path.with_extension("torn")).unwrap();
    assert!(whole.ends_with(&torn[torn.len() - 8_000..]), "and kept");
}

#[test]
fn damage_elsewhere_is_told_and_nothing_is_changed() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = open(&folder);
    push(&mut spool, 0..500);
    drop(spool);
    let paths = files_of(&folder);
    let whole = std::fs::read(&paths[1]).unwrap();
    let mut bytes = whole.clone();
    bytes[5_000] ^= 1;
    std::fs::write(&paths[1], &bytes).unwrap();
    let error = Spool::open(folder.path(), SPOOL_BYTES_MIN).unwrap_err();
    // The entry before it ends at 8 + 4 * 1013.
    assert!(matches!(&error, Error::Damaged { path, at: 4_060 } if *path == paths[1]), "{error:?}");
    assert_eq!(std::fs::read(&paths[1]).unwrap(), bytes);
    std::fs::write(&paths[1], &whole[..whole.len() - 1_013]).unwrap();
    assert!(matches!(Spool::open(folder.path(), SPOOL_BYTES_MIN), Err(Error::Damaged { .. })));
    std::fs::write(&paths[1], b"something else").unwrap();
    assert!(matches!(Spool::open(folder.path(), SPOOL_BYTES_MIN), Err(Error::Damaged { at: 0, .. })));
    // One that is missing in between.
    std::fs::remove_file(&paths[1]).unwrap();
    assert!(matches!(Spool::open(folder.path(), SPOOL_BYTES_MIN), Err(Error::Damaged { .. })));
}

#[test]
fn what_could_not_be_written_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = open(&folder);
    push(&mut spool, 0..2);
    spool.broken = true;
    assert!(matches!(spool.push(&event(2)), Err(Error::Broken)));
    assert!(matches!(spool.sync(), Err(Error::Broken)));
    assert_eq!(drain(&mut spool, 9), [0, 1]);
}
