//! What only the database itself can show: rows that are lost, rows that are filled, rows that are trimmed.

use std::collections::BTreeMap;

use redb::ReadableTableMetadata;
use tempfile::TempDir;

use super::*;
use crate::embedded::file;
use crate::log::Record;

fn place(folder: &TempDir) -> Place {
    Place {
        path: folder.path().join("t-0.redb"),
        topic: Uuid::from_u128(7),
        number: 0,
        cache_bytes: 1 << 20,
        opener: file::opener(),
        sync_failed: SyncFailed::default(),
    }
}

/// Writes `commits`, each so many records of so many bytes.
fn written(place: &Place, commits: &[(u64, usize)]) -> Database {
    place.create().unwrap();
    let (database, found) = place.open().unwrap();
    assert_eq!((found.start, found.end), (Offset(0), Offset(0)));
    let mut end = 0;
    for (count, bytes) in commits {
        let record = |offset| Stored {
            offset: Offset(offset),
            append_time: Timestamp::MIN,
            record: Record::of(vec![b'x'; *bytes]),
        };
        let records: Vec<_> = (end..end + count).map(record).collect();
        assert!(database.write(&records, &BTreeMap::new(), None).is_ok());
        end += count;
    }
    database
}

fn lose(place: &Place, first: u64) {
    let file = redb::Database::open(&place.path).unwrap();
    let transaction = file.begin_write().unwrap();
    assert!(transaction.open_table(ROWS).unwrap().remove(first).unwrap().is_some());
    transaction.commit().unwrap();
}

fn check_missing(database: &Database, from: u64, end: u64, missing: u64) {
    let outcome = database.read(Offset(from), Offset(end), usize::MAX);
    assert_eq!(outcome.unwrap_err().to_string(), format!("it is damaged: record @{missing} is missing"));
}

fn check_read(database: &Database, from: u64, end: u64, expected: Range<u64>) {
    let found = database.read(Offset(from), Offset(end), usize::MAX).unwrap();
    assert!(found.iter().map(|stored| stored.offset.0).eq(expected));
}

#[test]
fn a_lost_row_is_missed() {
    let folder = tempfile::tempdir().unwrap();
    let place = place(&folder);
    drop(written(&place, &[(2, 10), (3, 10), (4, 10), (1, 10)]));
    lose(&place, 2);
    let (database, found) = place.open().unwrap();
    assert_eq!(found.end, Offset(10));
    check_read(&database, 0, 10, 0..2);
    check_missing(&database, 2, 10, 2);
    check_missing(&database, 4, 10, 2);
    check_read(&database, 5, 10, 5..10);
    drop(database);
    lose(&place, 9);
    let why = place.open().err().unwrap().to_string();
    assert_eq!(why, "it is damaged: its records end at @9, not at @10");
}

#[test]
fn an_end_beyond_the_rows_is_missed() {
    let folder = tempfile::tempdir().unwrap();
    let database = written(&place(&folder), &[(2, 10)]);
    check_read(&database, 0, 3, 0..2);
    check_missing(&database, 2, 3, 2);
}

#[test]
fn rows_are_filled_and_no_fuller() {
    let folder = tempfile::tempdir().unwrap();
    // Four small ones in one row, then two to a row, then one that is larger than a row, then the rest.
    let database = written(&place(&folder), &[(4, 100), (3, 500_000), (1, 3 << 20), (2, 10)]);
    let transaction = database.redb().begin_read().unwrap();
    let rows = transaction.open_table(ROWS).unwrap();
    let firsts: Vec<_> = rows.iter().unwrap().map(|row| row.unwrap().0.value()).collect();
    assert_eq!(firsts, [0, 4, 6, 7, 8]);
}

#[test]
fn a_trim_deletes_what_is_wholly_before_in_steps() {
    let folder = tempfile::tempdir().unwrap();
    let database = written(&place(&folder), &[(2, 10); 100]);
    let trim = |before| {
        let outcome = database.write(&[], &BTreeMap::new(), Some(Offset(before)));
        let trimmed = outcome.ok().flatten().unwrap();
        (trimmed.start.0, trimmed.more)
    };
    assert_eq!(trim(1), (0, false));
    assert_eq!(trim(2), (2, false));
    assert_eq!(trim(3), (2, false));
    assert_eq!(trim(180), (130, true));
    assert_eq!(trim(180), (180, false));
    // The last row stays.
    assert_eq!(trim(1000), (198, false));
    let transaction = database.redb().begin_read().unwrap();
    assert_eq!(transaction.open_table(ROWS).unwrap().len().unwrap(), 1);
}
