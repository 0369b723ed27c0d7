//! Folders that are another's, older, in use or unusable.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use coalition_store::{Checkpoint, Damage, Error, Folder, Found, Identity, Mark, Opened, Settings, Store};

use crate::common::{all, checkpoint, copy, files, identity, mark, open, rows_at, write};

fn other_shard() -> Identity {
    Identity { shard: identity().shard + 1, ..identity() }
}

fn foreign(found: &Found) -> bool {
    let why = Damage::Foreign { expected: identity(), found: other_shard() };
    matches!(found, Found::SetAside { why: seen, .. } if *seen == why)
}

#[test]
fn another_shards_folder_is_set_aside_and_kept() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("shard-1");
    write(&folder, &other_shard(), 1..=3);
    let before: Vec<_> = files(&folder).iter().map(|path| path.file_name().unwrap().to_owned()).collect();
    let opened = open(&folder, &identity());
    assert!(foreign(&opened.found), "{:?}", opened.found);
    let Found::SetAside { kept, .. } = opened.found else { unreachable!() };
    assert_eq!(kept, root.path().join("shard-1.damaged-1"));
    drop(opened.writer);
    assert!(before.iter().all(|name| kept.join(name).exists()), "{before:?}");
    write(&kept, &other_shard(), 4..=4);
    assert!(all(&*open(&kept, &other_shard()).reader) == rows_at(4), "what was kept is whole");

    fs::remove_dir_all(&folder).unwrap();
    fs::rename(&kept, &folder).unwrap();
    fs::create_dir(&kept).unwrap();
    let Found::SetAside { kept, .. } = open(&folder, &identity()).found else { panic!("not set aside") };
    assert_eq!(kept, root.path().join("shard-1.damaged-2"), "nothing kept is overwritten");
}

#[test]
fn another_shards_database_beside_our_sidecar_is_set_aside() {
    let root = tempfile::tempdir().unwrap();
    let (ours, theirs) = (root.path().join("shard-1"), root.path().join("shard-2"));
    write(&ours, &identity(), 1..=3);
    write(&theirs, &other_shard(), 1..=3);
    fs::copy(ours.join("durable"), theirs.join("durable")).unwrap();
    assert!(foreign(&open(&theirs, &identity()).found));
}

#[test]
fn old_files_are_told_where_the_sidecar_is_newer() {
    let root = tempfile::tempdir().unwrap();
    let (live, old) = (root.path().join("live"), root.path().join("old"));
    write(&live, &identity(), 1..=3);
    copy(&live, &old);
    write(&live, &identity(), 4..=5);

    let rolled_back = root.path().join("all-old");
    copy(&old, &rolled_back);
    let opened = open(&rolled_back, &identity());
    assert_eq!(
        opened.found,
        Found::At(mark(3)),
        "whether 3 is on the journal's chain is the caller's to check"
    );
    assert!(all(&*opened.reader) == rows_at(3));

    let behind = root.path().join("rows-old");
    copy(&old, &behind);
    fs::copy(live.join("durable"), behind.join("durable")).unwrap();
    let found = open(&behind, &identity()).found;
    let why = Damage::Behind { durable: mark(5), found: Some(mark(3)) };
    assert!(matches!(&found, Found::SetAside { why: seen, .. } if *seen == why), "{found:?}");

    // A process that died between the rows and the sidecar leaves this.
    fs::copy(old.join("durable"), live.join("durable")).unwrap();
    let opened = open(&live, &identity());
    assert_eq!(opened.found, Found::At(mark(5)));
    assert!(all(&*opened.reader) == rows_at(5));
}

#[test]
fn one_position_with_another_head_is_not_what_was_durable() {
    let root = tempfile::tempdir().unwrap();
    let (ours, fork) = (root.path().join("ours"), root.path().join("fork"));
    write(&ours, &identity(), 1..=1);
    let other = Mark { head: [0xff; 32], ..mark(1) };
    open(&fork, &identity()).writer.apply(&Checkpoint::new(other)).unwrap();
    fs::copy(fork.join("durable"), ours.join("durable")).unwrap();
    let found = open(&ours, &identity()).found;
    let why = Damage::Behind { durable: other, found: Some(mark(1)) };
    assert!(matches!(&found, Found::SetAside { why: seen, .. } if *seen == why), "{found:?}");
}

#[test]
fn a_snapshot_that_was_never_finished_does_not_matter() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("shard-1");
    write(&folder, &identity(), 1..=2);
    // sled writes over such a file without truncating it: a longer one spoils what it writes next.
    for snapshot in 0..64 {
        fs::write(folder.join(format!("snap.{snapshot:016X}.generating")), [0; 9000]).unwrap();
    }
    assert_eq!(open(&folder, &identity()).found, Found::At(mark(2)));
    assert!(!files(&folder).iter().any(|path| path.to_string_lossy().ends_with(".generating")));
}

#[test]
fn a_folder_is_opened_once() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("shard-1");
    let opened = open(&path, &identity());
    let at_once = Folder::new(&path, Settings { lock_wait: Duration::ZERO, ..Settings::default() });
    assert!(matches!(at_once.open(&identity()), Err(Error::Locked)));
    let sidecar = fs::read(path.join("durable")).unwrap();
    fs::write(path.join("durable"), "damaged").unwrap();
    assert!(matches!(at_once.open(&identity()), Err(Error::Locked)), "what is in use is not set aside");
    fs::write(path.join("durable"), sidecar).unwrap();
    drop(opened.writer);
    // With patience: a process that another test starts just now has the locks open, too, until it runs its program.
    assert_eq!(open(&path, &identity()).found, Found::Empty, "free while a reader is still held");
}

#[test]
fn a_place_that_cannot_be_used_is_an_error() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("shard-1");
    fs::write(&path, "a file").unwrap();
    let opened = Folder::new(&path, Settings::default()).open(&identity());
    assert!(matches!(opened, Err(Error::Io { .. })));
    assert_eq!(fs::read(&path).unwrap(), b"a file");
}

#[test]
fn a_failed_checkpoint_stops_the_store_until_it_is_opened_again() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("shard-1");
    write(&folder, &identity(), 1..=2);
    let Opened { reader, mut writer, .. } = open(&folder, &identity());
    // The sidecar can't be written: the batch is in, but never acknowledged.
    fs::create_dir(folder.join("durable.next")).unwrap();
    assert!(matches!(writer.apply(&checkpoint(3)), Err(Error::Io { .. })));
    assert!(matches!(writer.apply(&checkpoint(3)), Err(Error::Stopped)));
    assert!(matches!(reader.get(b"a"), Err(Error::Stopped)));
    drop(writer);
    fs::remove_dir(folder.join("durable.next")).unwrap();
    let mut opened = open(&folder, &identity());
    assert_eq!(opened.found, Found::At(mark(3)));
    assert!(all(&*opened.reader) == rows_at(3));
    opened.writer.apply(&checkpoint(4)).unwrap();
}

#[test]
fn rows_of_the_largest_size_come_back() {
    // More than 128 KiB on a page: files of their own, beside sled's log.
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("shard-1");
    let value = |seq: u64, row: u8| vec![row ^ seq as u8; coalition_store::MAX_VALUE];
    let mut opened = open(&folder, &identity());
    for seq in 1..=20 {
        let mut large = Checkpoint::new(mark(seq));
        (1..=40).for_each(|row| large.put([row], value(seq, row)));
        opened.writer.apply(&large).unwrap();
    }
    drop(opened);
    assert!(fs::read_dir(folder.join("blobs")).unwrap().count() > 0, "no such file was made");
    let opened = open(&folder, &identity());
    assert_eq!(opened.found, Found::At(mark(20)));
    (1..=40).for_each(|row| assert!(opened.reader.get(&[row]).unwrap() == Some(value(20, row)), "row {row}"));
}

#[test]
fn what_a_mark_stands_for_is_there_while_the_next_is_written() {
    let root = tempfile::tempdir().unwrap();
    let Opened { reader, mut writer, .. } = open(&root.path().join("shard-1"), &identity());
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reading = scope.spawn(|| {
            let (mut last, mut reads) = ([0; 2], 0);
            while !done.load(Ordering::Relaxed) || reads == 0 {
                let stands = match reader.mark() {
                    Ok(mark) => mark.map_or(0, |mark| mark.seq),
                    Err(Error::Moved) => 0,
                    Err(error) => panic!("{error}"),
                };
                let rows = [b"first".as_slice(), b"second"].map(|key| number(reader.get(key).unwrap()));
                for (row, last) in rows.into_iter().zip(last) {
                    assert!(row >= last && row >= stands, "{row} after {last} at {stands}");
                }
                (last, reads) = (rows, reads + u64::from(stands > 0));
            }
            reads
        });
        for seq in 1..=50_u64 {
            let mut checkpoint = checkpoint(seq);
            checkpoint.put(*b"first", seq.to_be_bytes());
            checkpoint.put(*b"second", seq.to_be_bytes());
            writer.apply(&checkpoint).unwrap();
        }
        done.store(true, Ordering::Relaxed);
        assert!(reading.join().unwrap() > 0);
    });
}

fn number(value: Option<Vec<u8>>) -> u64 {
    value.map_or(0, |value| u64::from_be_bytes(value.try_into().unwrap()))
}
