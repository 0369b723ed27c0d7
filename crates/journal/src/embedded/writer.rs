//! The thread that writes a partition: group commits, and what follows a failure.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;

use coalition_domain::Timestamp;

use super::clock::Clock;
use super::database::{Cause, Failed, Place};
use super::partition::Shared;
use super::queue::{Light, Work};
use crate::append::Append;
use crate::log::{AppendError, Stored};

/// The only one that writes to a partition's database.
pub(super) struct Writer {
    shared: Arc<Shared>,
    place: Place,
    clock: Clock,
    /// Of the last record.
    append_time: Timestamp,
    /// Why no append will succeed any more in this process.
    stopped: Option<&'static str>,
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, place: Place) -> Self {
        Self { shared, place, clock: Clock::start(), append_time: Timestamp::MIN, stopped: None }
    }

    /// Opens the database for the first time.
    pub(super) fn open(&mut self) -> Result<(), Cause> {
        let (database, found) = self.place.open()?;
        self.append_time = found.append_time;
        let mut view = self.shared.view();
        view.opened(found.start, found.end);
        view.groups = found.groups;
        drop(view);
        *self.shared.database_alone() = Some(database);
        Ok(())
    }

    /// Works until the log is dropped.
    pub(super) fn run(mut self) {
        loop {
            let Work { appends, light, reopen, last } = self.shared.queue.take();
            if reopen {
                *self.shared.database_alone() = None;
            }
            match self.ready() {
                Ok(()) => self.commit(appends, light),
                Err(cause) => {
                    self.answer_all(appends, || AppendError::NotAppended(cause.to_string()));
                    self.later(light, &cause);
                }
            }
            if last {
                break;
            }
        }
        // Here and not when the last caller drops its share, so that the file is closed when the log is.
        *self.shared.database_alone() = None;
    }

    /// Opens the database again if it is not open, and says why there can be no appends if so.
    fn ready(&mut self) -> Result<(), Cause> {
        if self.shared.database().is_none() {
            self.reopen()?;
        }
        self.stopped.map_or(Ok(()), |why| Err(why.into()))
    }

    /// Opens the database again after a failure, and settles what a doubtful commit left in it.
    fn reopen(&mut self) -> Result<(), Cause> {
        let (database, found) = self.place.open()?;
        let (_, end) = self.shared.view().bounds();
        if found.end < end {
            self.stopped = Some("acknowledged records are missing from the partition's file");
        } else if self.place.sync_failed.get() {
            // What was acknowledged was synced before and can be read; what was found beyond may not be on the disk.
            self.stopped = Some("a sync of the partition's file failed: check the disk and start again");
        } else {
            if found.end > end {
                // The doubtful commit is in the file but may not be durable; a commit that succeeds makes it so.
                database.write(&[], &found.groups, None).map_err(|failed| match failed {
                    Failed::Before(cause) | Failed::Doubt(cause) => cause,
                })?;
            }
            self.append_time = self.append_time.max(found.append_time);
            self.shared.view().opened(found.start, found.end);
        }
        *self.shared.database_alone() = Some(database);
        if found.end > end && self.stopped.is_none() {
            self.wake();
        }
        Ok(())
    }

    /// One transaction for all of it; then readers see it, then its callers hear of it.
    fn commit(&mut self, mut appends: Vec<Append>, light: Light) {
        if appends.is_empty() && light.is_empty() {
            return;
        }
        let append_time = self.append_time.max(self.clock.now());
        let (_, mut offset) = self.shared.view().bounds();
        let mut firsts = Vec::with_capacity(appends.len());
        let mut records = Vec::new();
        for append in &mut appends {
            firsts.push(offset);
            for record in std::mem::take(&mut append.records) {
                records.push(Stored { offset, append_time, record });
                offset = offset.plus(1);
            }
        }
        let outcome = match self.shared.database().as_ref() {
            Some(database) => database.write(&records, &light.groups, light.trim),
            None => Err(Failed::Before("its database is closed".into())),
        };
        match outcome {
            Ok(trimmed) => {
                if !records.is_empty() {
                    self.append_time = append_time;
                }
                let mut view = self.shared.view();
                view.grew(records);
                if let Some(trimmed) = &trimmed {
                    view.trimmed(trimmed.start);
                }
                drop(view);
                if trimmed.is_some_and(|trimmed| trimmed.more) {
                    self.shared.queue.trim_on(light.trim);
                }
                let grown = !appends.is_empty();
                for (append, first) in appends.into_iter().zip(firsts) {
                    self.guarded("be told of an append", || append.answer(Ok(first)));
                }
                if grown {
                    self.wake();
                }
            }
            Err(failed) => self.failed(appends, light, failed),
        }
    }

    /// Opens the database again, so that there is something to read, and tells the callers.
    fn failed(&mut self, appends: Vec<Append>, light: Light, failed: Failed) {
        *self.shared.database_alone() = None;
        if let Err(cause) = self.ready() {
            tracing::error!(partition = %self.shared.name, %cause, "open the partition again after a failure");
        }
        let cause = match &failed {
            Failed::Before(cause) | Failed::Doubt(cause) => cause,
        };
        self.later(light, cause);
        // Their callers could not know of it: what is said in an order is not stored with a hole in it.
        let behind = self.shared.queue.take_waiting();
        self.answer_all(appends, || match &failed {
            Failed::Before(cause) => AppendError::NotAppended(cause.to_string()),
            Failed::Doubt(cause) => AppendError::Doubt(cause.to_string()),
        });
        self.answer_all(behind, || {
            AppendError::NotAppended(format!("behind an append that failed: {cause}"))
        });
    }

    /// Puts off light work after a failure.
    fn later(&self, light: Light, cause: &Cause) {
        if light.is_empty() {
            return;
        }
        tracing::warn!(partition = %self.shared.name, %cause, "write group offsets and trims");
        if self.stopped.is_none() {
            self.shared.queue.put_back(light);
        }
    }

    fn answer_all(&self, appends: impl IntoIterator<Item = Append>, why: impl Fn() -> AppendError) {
        for append in appends {
            self.guarded("be told of an append", || append.answer(Err(why())));
        }
    }

    fn wake(&self) {
        self.guarded("be woken", || self.shared.wake());
    }

    /// Calls into the users' code, whose panic must not end the writer for everybody else.
    fn guarded(&self, doing: &str, call: impl FnOnce()) {
        if panic::catch_unwind(AssertUnwindSafe(call)).is_err() {
            tracing::error!(partition = %self.shared.name, "a caller panicked when it was to {doing}");
        }
    }
}
