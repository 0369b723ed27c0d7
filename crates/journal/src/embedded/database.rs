//! One partition's redb database: rows of records, group offsets, and whose file it is.

use std::any::Any;
use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;

use bytes::Bytes;
use coalition_domain::Timestamp;
use redb::{Durability, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};
use uuid::Uuid;

use super::file::{Opener, SyncFailed, Watched};
use super::row::{self, Damaged, Row};
use crate::append::Fit;
use crate::log::{Offset, Stored};

/// Whatever made an operation fail.
pub(super) type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Rows by the offset of their first record, which see [`row`].
const ROWS: TableDefinition<u64, &[u8]> = TableDefinition::new("rows");
/// The offset that each group noted.
const GROUPS: TableDefinition<&str, u64> = TableDefinition::new("groups");
/// Whose file this is and where it ends. Written with every change of [`ROWS`], so that rows that a damaged file lost
/// are missed.
const ABOUT: TableDefinition<&str, u128> = TableDefinition::new("about");
const FORMAT: u128 = 1;

/// The size that rows are filled to. Less than 1 MiB by the head of a redb page: pages are powers of two.
const ROW_BYTES: usize = (1 << 20) - 4096;
/// How many rows one transaction deletes at most, so that a long trim does not keep appends waiting.
const TRIM_ROWS_MAX: usize = 64;

/// What is wrong with a database that redb itself took.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("the file is missing or empty")]
    Empty,
    #[error("it is the file of another partition, or of another format")]
    Foreign,
    #[error("it is damaged: its records end at {found}, not at {expected}")]
    End { found: Offset, expected: Offset },
    #[error("it is damaged: record {0} is missing")]
    Missing(Offset),
    #[error("the database panicked: {0}")]
    Panicked(String),
}

/// Whether a read found something else than what was written, which no further try will mend.
pub(super) fn is_damage(cause: &Cause) -> bool {
    let fault = match cause.downcast_ref::<Fault>() {
        Some(Fault::End { .. } | Fault::Missing(_) | Fault::Empty | Fault::Foreign) => true,
        Some(Fault::Panicked(_)) | None => false,
    };
    fault || cause.is::<Damaged>()
}

/// Where a partition's file is, and whose it is.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) path: PathBuf,
    pub(super) topic: Uuid,
    pub(super) number: u32,
    pub(super) cache_bytes: usize,
    pub(super) opener: Opener,
    pub(super) sync_failed: SyncFailed,
}

/// What a database held when it was opened.
pub(super) struct Found {
    pub(super) start: Offset,
    pub(super) end: Offset,
    /// Of the last record.
    pub(super) append_time: Timestamp,
    pub(super) groups: BTreeMap<String, Offset>,
}

/// A failed transaction.
pub(super) enum Failed {
    /// Its commit was never begun, so nothing of it will ever be in the file.
    Before(Cause),
    /// Its commit was begun: only the file can tell.
    Doubt(Cause),
}

/// What a trim did.
pub(super) struct Trimmed {
    pub(super) start: Offset,
    /// There is more to delete.
    pub(super) more: bool,
}

/// An open database. After a failed operation redb refuses all others: open it again.
pub(super) struct Database(Option<redb::Database>);

impl Place {
    /// Makes the file, durably but for its name in the folder.
    pub(super) fn create(&self) -> Result<(), Cause> {
        caught(|| {
            let database = self.redb()?;
            let transaction = begin(&database)?;
            transaction.open_table(ROWS)?;
            transaction.open_table(GROUPS)?;
            {
                let mut about = transaction.open_table(ABOUT)?;
                about.insert("format", FORMAT)?;
                about.insert("topic", self.topic.as_u128())?;
                about.insert("partition", u128::from(self.number))?;
                about.insert("end", 0)?;
            }
            transaction.commit()?;
            database.close()?;
            Ok(())
        })
    }

    /// Opens the file and checks that it is this partition's, as far as that costs no reading of all of it.
    pub(super) fn open(&self) -> Result<(Database, Found), Cause> {
        caught(|| {
            // redb takes an empty file for a new database; here it is one that lost its content.
            if std::fs::metadata(&self.path).map_or(0, |file| file.len()) == 0 {
                return Err(Fault::Empty.into());
            }
            let database = Database(Some(self.redb()?));
            let found = self.look(&database)?;
            Ok((database, found))
        })
    }

    fn redb(&self) -> Result<redb::Database, Cause> {
        let inner = (self.opener)(&self.path)?;
        let storage = Watched { inner, sync_failed: self.sync_failed.clone() };
        Ok(redb::Builder::new().set_cache_size(self.cache_bytes).create_with_backend(storage)?)
    }

    fn look(&self, database: &Database) -> Result<Found, Cause> {
        let transaction = database.redb().begin_read()?;
        let about = transaction.open_table(ABOUT)?;
        let entry = |name: &str| Ok::<_, Cause>(about.get(name)?.map(|entry| entry.value()));
        let whose = (entry("format")?, entry("topic")?, entry("partition")?);
        if whose != (Some(FORMAT), Some(self.topic.as_u128()), Some(self.number.into())) {
            return Err(Fault::Foreign.into());
        }
        let expected = entry("end")?.and_then(|end| u64::try_from(end).ok()).map(Offset);
        let expected = expected.ok_or(Fault::Foreign)?;
        let rows = transaction.open_table(ROWS)?;
        let (mut found, mut append_time) = (Offset(0), Timestamp::MIN);
        if let Some((first, row)) = rows.last()? {
            let row = Row::decode(Offset(first.value()), Bytes::copy_from_slice(row.value()))?;
            (found, append_time) = (row.end(), row.append_time());
        }
        if found != expected {
            return Err(Fault::End { found, expected }.into());
        }
        let start = rows.first()?.map_or(Offset(0), |(first, _)| Offset(first.value()));
        let mut groups = BTreeMap::new();
        for entry in transaction.open_table(GROUPS)?.iter()? {
            let (group, next) = entry?;
            groups.insert(group.value().to_owned(), Offset(next.value()));
        }
        Ok(Found { start, end: found, append_time, groups })
    }
}

impl Database {
    fn redb(&self) -> &redb::Database {
        self.0.as_ref().expect("taken by drop alone")
    }

    /// In one durable transaction: appends `records`, which begin at the end, notes the groups' offsets and deletes
    /// rows wholly before `trim`. The last row stays.
    pub(super) fn write(
        &self,
        records: &[Stored],
        groups: &BTreeMap<String, Offset>,
        trim: Option<Offset>,
    ) -> Result<Option<Trimmed>, Failed> {
        let (transaction, trimmed) = caught(|| {
            let transaction = begin(self.redb())?;
            append(&transaction, records)?;
            note(&transaction, groups)?;
            let trimmed = trim.map(|before| delete(&transaction, before)).transpose()?;
            Ok((transaction, trimmed.flatten()))
        })
        .map_err(Failed::Before)?;
        caught(|| Ok(transaction.commit()?)).map_err(Failed::Doubt)?;
        Ok(trimmed)
    }

    /// Records from `from` on and before `end`, as [`crate::log::Log::read`] says. What lies before a damage is read.
    pub(super) fn read(&self, from: Offset, end: Offset, bytes_max: usize) -> Result<Vec<Stored>, Cause> {
        caught(|| {
            let rows = self.redb().begin_read()?.open_table(ROWS)?;
            let mut records = Vec::new();
            let outcome = collect(&rows, from..end, bytes_max, &mut records);
            if records.is_empty() {
                outcome?;
            }
            Ok(records)
        })
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // Closing writes, and after a failure redb may panic on its own broken state: nobody is left to be told.
        let closed = caught(|| {
            drop(self.0.take());
            Ok(())
        });
        if let Err(cause) = closed {
            tracing::warn!(%cause, "close a partition's database");
        }
    }
}

/// Collects the records of `wanted` that fit.
fn collect(
    rows: &impl ReadableTable<u64, &'static [u8]>,
    wanted: Range<Offset>,
    bytes_max: usize,
    records: &mut Vec<Stored>,
) -> Result<(), Cause> {
    let from = wanted.start;
    let first = rows.range(..=from.0)?.next_back().transpose()?.ok_or(Fault::Missing(from))?.0;
    let (mut fit, mut next) = (Fit::new(bytes_max), Offset(first.value()));
    for entry in rows.range(first.value()..wanted.end.0)? {
        let (first, row) = entry?;
        if first.value() != next.0 {
            break;
        }
        let row = Row::decode(next, Bytes::copy_from_slice(row.value()))?;
        next = row.end();
        for stored in row {
            let stored = stored?;
            if stored.offset >= wanted.end || (stored.offset >= from && !fit.takes(&stored)) {
                return Ok(());
            }
            if stored.offset >= from {
                records.push(stored);
            }
        }
    }
    if next < wanted.end { Err(Fault::Missing(next).into()) } else { Ok(()) }
}

fn begin(database: &redb::Database) -> Result<WriteTransaction, Cause> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::Immediate)?;
    // Without it a start after a crash reads the whole file, and a journal is kept for ever.
    transaction.set_quick_repair(true);
    Ok(transaction)
}

fn append(transaction: &WriteTransaction, records: &[Stored]) -> Result<(), Cause> {
    let Some(last) = records.last() else { return Ok(()) };
    let mut rows = transaction.open_table(ROWS)?;
    let mut rest = records;
    while let Some(first) = rest.first() {
        let mut fit = Fit::new(ROW_BYTES);
        let (row, behind) = rest.split_at(rest.iter().take_while(|stored| fit.takes(stored)).count());
        rows.insert(first.offset.0, row::encode(row).as_slice())?;
        rest = behind;
    }
    transaction.open_table(ABOUT)?.insert("end", u128::from(last.offset.plus(1).0))?;
    Ok(())
}

fn note(transaction: &WriteTransaction, groups: &BTreeMap<String, Offset>) -> Result<(), Cause> {
    if groups.is_empty() {
        return Ok(());
    }
    let mut table = transaction.open_table(GROUPS)?;
    for (group, next) in groups {
        table.insert(group.as_str(), next.0)?;
    }
    Ok(())
}

fn delete(transaction: &WriteTransaction, before: Offset) -> Result<Option<Trimmed>, Cause> {
    let mut rows = transaction.open_table(ROWS)?;
    let firsts = rows
        .range(..=before.0)?
        .take(TRIM_ROWS_MAX + 1)
        .map(|entry| Ok(entry?.0.value()))
        .collect::<Result<Vec<_>, Cause>>()?;
    // A row is wholly before the offset iff the next row begins at or before it.
    let Some((start, gone)) = firsts.split_last() else { return Ok(None) };
    for first in gone {
        rows.remove(first)?;
    }
    Ok(Some(Trimmed { start: Offset(*start), more: gone.len() == TRIM_ROWS_MAX }))
}

/// redb reports most damage and failures as errors, but not all: some it meets with a panic.
fn caught<T>(operation: impl FnOnce() -> Result<T, Cause>) -> Result<T, Cause> {
    panic::catch_unwind(AssertUnwindSafe(operation))
        .unwrap_or_else(|panic| Err(Fault::Panicked(message(panic.as_ref())).into()))
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message").to_owned()
}

#[cfg(test)]
mod tests;
