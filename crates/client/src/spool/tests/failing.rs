//! The queue on a disk that fails for a moment, and what is left of that when it is opened again.

use std::os::unix::fs::symlink;

use super::*;

/// How many events of [`event`] are in a file.
const FILE: u32 = 129;

impl Spool {
    /// Its disk takes no byte more, and cuts none off. Gives the file that was written to before.
    pub(crate) fn fail_writes(&mut self) -> File {
        let full = OpenOptions::new().read(true).write(true).open("/dev/full").unwrap();
        std::mem::replace(&mut self.segments.back_mut().unwrap().file, full)
    }

    /// Its disk works again.
    fn mend_writes(&mut self, file: File) {
        self.segments.back_mut().unwrap().file = file;
    }
}

fn path_of(folder: &TempDir, first: u32) -> PathBuf {
    folder.path().join(format!("{first:020}.spool"))
}

#[test]
fn a_file_that_can_not_be_begun_is_not_left_behind() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = open(&folder);
    push(&mut spool, 0..FILE);
    // It opens, and takes no length.
    symlink("/dev/null", path_of(&folder, FILE)).unwrap();
    assert!(matches!(spool.push(&event(FILE)), Err(Error::Io { doing: "write", .. })));
    assert_eq!(files_of(&folder), [path_of(&folder, 0)]);
    // A short one still has room in the file before.
    spool.push(b"four").unwrap();
    drop(spool);
    let mut spool = open(&folder);
    assert_eq!(spool.waiting(), u64::from(FILE) + 1);
    push(&mut spool, FILE..FILE + 2);
    assert_eq!(files_of(&folder), [path_of(&folder, 0), path_of(&folder, FILE + 1)]);
    drop(spool);
    let mut spool = open(&folder);
    assert_eq!(first(&mut spool, 129).len(), 129);
    spool.settle(129).unwrap();
    assert_eq!(spool.first_events(1, 1).unwrap(), [b"four"]);
    spool.settle(1).unwrap();
    assert_eq!(drain(&mut spool, 9), [FILE, FILE + 1]);
}

#[test]
fn blank_files_that_were_left_behind_are_passed_over() {
    for blank in ["", "coal", "coalspl1"] {
        for (pushed, left) in [(5, [3, 4]), (5, [2, 5]), (300, [7, 100]), (300, [140, 290])] {
            let folder = tempfile::tempdir().unwrap();
            let mut spool = open(&folder);
            push(&mut spool, 0..pushed);
            drop(spool);
            let before = files_of(&folder);
            // The last entry is torn, too.
            let mut file = OpenOptions::new().append(true).open(before.last().unwrap()).unwrap();
            file.write_all(&[0, 0, 0]).unwrap();
            for first in left {
                std::fs::write(path_of(&folder, first), blank).unwrap();
            }
            let mut spool = open(&folder);
            assert_eq!(spool.waiting(), u64::from(pushed), "{blank} {left:?}");
            assert_eq!(files_of(&folder), before);
            push(&mut spool, pushed..pushed + 1);
            assert_eq!(drain(&mut spool, 100), (0..=pushed).collect::<Vec<_>>());
        }
    }
}

/// Nothing is changed then, whatever else is there.
#[test]
fn a_blank_file_hides_no_gap() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = open(&folder);
    push(&mut spool, 0..300);
    drop(spool);
    std::fs::remove_file(path_of(&folder, 2 * FILE)).unwrap();
    std::fs::write(path_of(&folder, 7), "").unwrap();
    std::fs::write(path_of(&folder, 2 * FILE + 1), "").unwrap();
    let before = files_of(&folder);
    assert!(matches!(Spool::open(folder.path(), SPOOL_BYTES_MIN), Err(Error::Damaged { .. })));
    assert_eq!(files_of(&folder), before);
}

#[test]
fn a_file_that_can_not_be_removed_stays_known() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = open(&folder);
    push(&mut spool, 0..500);
    let (path, aside) = (path_of(&folder, 0), folder.path().join("aside"));
    std::fs::rename(&path, &aside).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert_eq!(first(&mut spool, 300).len(), 300);
    assert!(matches!(spool.settle(300), Err(Error::Io { doing: "remove", .. })));
    assert_eq!(first(&mut spool, 2), [300, 301], "it goes on where it was");
    assert_eq!(spool.waiting(), 200);
    std::fs::remove_dir(&path).unwrap();
    std::fs::rename(&aside, &path).unwrap();
    spool.settle(1).unwrap();
    assert_eq!(files_of(&folder), [2, 3].map(|number| path_of(&folder, number * FILE)));
    drop(spool);
    let mut spool = open(&folder);
    assert_eq!(drain(&mut spool, 100), (301..500).collect::<Vec<_>>());
}

#[test]
fn a_file_that_was_left_behind_a_gap_is_removed_if_it_is_settled() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = open(&folder);
    push(&mut spool, 0..300);
    let oldest = std::fs::read(path_of(&folder, 0)).unwrap();
    assert_eq!(first(&mut spool, 299).len(), 299);
    spool.settle(299).unwrap();
    drop(spool);
    std::fs::write(path_of(&folder, 0), &oldest).unwrap();
    assert_eq!(first(&mut open(&folder), 9), [299]);
    assert_eq!(files_of(&folder), [path_of(&folder, 2 * FILE)]);
    // One more than what is there says to be settled.
    std::fs::write(path_of(&folder, 299 - FILE), &oldest).unwrap();
    assert_eq!(first(&mut open(&folder), 9), [299]);
    std::fs::write(path_of(&folder, 300 - FILE), &oldest).unwrap();
    assert!(matches!(Spool::open(folder.path(), SPOOL_BYTES_MIN), Err(Error::Damaged { .. })));
}

#[test]
fn nothing_is_appended_behind_the_rest_of_an_entry() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = open(&folder);
    push(&mut spool, 0..3);
    let mut file = spool.fail_writes();
    assert!(matches!(spool.push(&event(3)), Err(Error::Io { doing: "write", .. })));
    // As far as it came.
    file.write_all(&[0, 0, 3]).unwrap();
    spool.mend_writes(file);
    assert!(matches!(spool.push(&event(3)), Err(Error::Broken)));
    assert_eq!(first(&mut spool, 2), [0, 1]);
    spool.settle(2).unwrap();
    drop(spool);
    let mut spool = open(&folder);
    push(&mut spool, 3..4);
    assert_eq!(drain(&mut spool, 9), [0, 1, 2, 3], "nothing was written behind it");
}

#[test]
fn a_mark_that_is_written_in_part_is_the_last() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = open(&folder);
    push(&mut spool, 0..3);
    assert_eq!(first(&mut spool, 1), [0]);
    let file = spool.fail_writes();
    assert!(matches!(spool.settle(1), Err(Error::Io { doing: "write", .. })));
    assert!(spool.is_broken());
    spool.mend_writes(file);
    assert_eq!(drain(&mut spool, 9), [1, 2], "its events are handed out all the same");
}

#[test]
fn a_file_that_can_not_be_used_from_its_start_again_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = open(&folder);
    push(&mut spool, 0..100);
    assert_eq!(first(&mut spool, 100).len(), 100);
    let file = spool.fail_writes();
    assert!(matches!(spool.settle(100), Err(Error::Io { .. })));
    spool.mend_writes(file);
    push(&mut spool, 100..103);
    assert_eq!(drain(&mut spool, 2), [100, 101, 102]);
}
