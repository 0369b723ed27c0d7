//! Checkpoints whose rows follow from their number, so that a test knows what any store has to hold.

use std::collections::BTreeMap;
use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use coalition_store::{Checkpoint, Folder, Identity, Mark, Opened, Order, Range, Reader, Settings, Store};
use uuid::Uuid;

pub(crate) type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

pub(crate) fn identity() -> Identity {
    Identity { network: Uuid::from_bytes([7; 16]), shard: 1, format: 1 }
}

pub(crate) fn mark(seq: u64) -> Mark {
    Mark { seq, head: [seq as u8; 32] }
}

/// Rewrites a third of some rows and adds others for good, so that rows of all ages lie side by side; adds and removes one.
pub(crate) fn checkpoint(seq: u64) -> Checkpoint {
    let mut checkpoint = Checkpoint::new(mark(seq));
    for row in (0..300_u64).filter(|row| (row * 7 + seq).is_multiple_of(3)) {
        checkpoint.put(key(b'a', row), [seq.to_be_bytes().as_slice(), &[row as u8; 300]].concat());
    }
    for row in 0..100 {
        checkpoint.put(key(b'b', row << 32 | seq), [seq as u8; 400]);
    }
    checkpoint.put(key(b'n', seq), seq.to_be_bytes());
    checkpoint.delete(key(b'n', seq.saturating_sub(3)));
    checkpoint
}

fn key(kind: u8, number: u64) -> Vec<u8> {
    [&[kind][..], &number.to_be_bytes()].concat()
}

/// The rows after checkpoints 1 to `seq`.
pub(crate) fn rows_at(seq: u64) -> Rows {
    let mut rows = Rows::new();
    for seq in 1..=seq {
        for (key, value) in checkpoint(seq).rows() {
            match value {
                Some(value) => rows.insert(key.to_vec(), value.to_vec()),
                None => rows.remove(key),
            };
        }
    }
    rows
}

pub(crate) fn all(reader: &dyn Reader) -> Rows {
    let rows = reader.scan(&Range::all(), Order::Ascending, usize::MAX).unwrap();
    rows.into_iter().map(|row| (row.key, row.value)).collect()
}

pub(crate) fn open(folder: &Path, identity: &Identity) -> Opened {
    Folder::new(folder, Settings::default()).open(identity).unwrap()
}

/// A session that writes the checkpoints `seqs` and closes the store.
pub(crate) fn write(folder: &Path, identity: &Identity, seqs: RangeInclusive<u64>) {
    let mut opened = open(folder, identity);
    seqs.for_each(|seq| opened.writer.apply(&checkpoint(seq)).unwrap());
}

pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), &to).unwrap();
        }
    }
}

/// The files of a folder, in the order of their names.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.is_file());
    files.sort();
    files
}
