//! A partition's two sides: what callers share, and the thread that writes.

use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, mpsc};
use std::thread::{self, JoinHandle};

use super::database::{self, Cause, Database, Place};
use super::queue::Queue;
use super::settings::Settings;
use super::view::{Source, View};
use super::writer::Writer;
use crate::log::{Error, Offset, Partition, Stored, Wake, Watching};
use crate::watchers::Watchers;

/// What the callers of a partition and its writer share.
pub(super) struct Shared {
    pub(super) name: Partition,
    pub(super) queue: Queue,
    view: Mutex<View>,
    /// Readers and the writer hold it shared; only opening it again takes it alone.
    database: RwLock<Option<Database>>,
    watchers: Mutex<Watchers>,
}

impl Shared {
    // The locks below are held for moments, over nothing that leaves half a change behind should it panic.

    pub(super) fn view(&self) -> MutexGuard<'_, View> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn database(&self) -> RwLockReadGuard<'_, Option<Database>> {
        self.database.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn database_alone(&self) -> RwLockWriteGuard<'_, Option<Database>> {
        self.database.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn watchers(&self) -> MutexGuard<'_, Watchers> {
        self.watchers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls every watcher.
    pub(super) fn wake(&self) {
        let watchers = self.watchers().now();
        for wake in watchers {
            wake();
        }
    }

    /// Calls `wake` from now on.
    pub(super) fn watch(&self, wake: Wake) -> Watching {
        self.watchers().add(wake)
    }

    /// As [`crate::log::Log::read`].
    pub(super) fn read(&self, from: Offset, bytes_max: usize) -> Result<Vec<Stored>, Error> {
        let source = self.view().read(from, bytes_max);
        let cause = match source {
            Source::Memory(records) => return Ok(records),
            Source::Trimmed(start) => return Err(self.trimmed(from, start)),
            Source::Database(end) => match self.database().as_ref() {
                None => "its database is closed after a failure".into(),
                Some(database) => match database.read(from, end, bytes_max) {
                    Ok(records) => return Ok(records),
                    Err(cause) => cause,
                },
            },
        };
        // The writer may have trimmed it meanwhile.
        let (start, _) = self.view().bounds();
        if from < start {
            return Err(self.trimmed(from, start));
        }
        // redb answers nothing more after a failed read until it is opened again.
        self.queue.reopen();
        if database::is_damage(&cause) {
            return Err(Error::Damaged { partition: self.name.clone(), source: cause });
        }
        Err(failed(&self.name, "read", cause))
    }

    fn trimmed(&self, from: Offset, start: Offset) -> Error {
        Error::Trimmed { partition: self.name.clone(), from, start }
    }
}

/// A partition with its writer's thread.
pub(super) struct Running {
    pub(super) shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
}

/// A partition whose writer is opening the database.
pub(super) struct Starting {
    running: Running,
    opened: mpsc::Receiver<Result<(), Cause>>,
}

impl Starting {
    /// Starts the thread that opens and writes the partition's database. `kept` is kept until the thread ends.
    pub(super) fn start(
        name: Partition,
        place: Place,
        settings: Settings,
        kept: impl Send + 'static,
    ) -> Result<Self, Error> {
        let shared = Arc::new(Shared {
            name: name.clone(),
            queue: Queue::new(settings),
            view: Mutex::new(View::new(settings.tail_bytes_max)),
            database: RwLock::new(None),
            watchers: Mutex::default(),
        });
        let (report, opened) = mpsc::channel();
        let mut writer = Writer::new(Arc::clone(&shared), place);
        let ended = Arc::clone(&shared);
        let thread = thread::Builder::new().name(format!("log {name}")).spawn(move || {
            let _kept = kept;
            let outcome = writer.open();
            let run = outcome.is_ok();
            if report.send(outcome).is_err() || !run {
                return;
            }
            if panic::catch_unwind(AssertUnwindSafe(|| writer.run())).is_err() {
                tracing::error!(partition = %ended.name, "the partition's writer panicked");
                ended.queue.abandon();
            }
        });
        let thread = thread.map_err(|error| failed(&name, "start the writer of", error.into()))?;
        Ok(Self { running: Running { shared, writer: Some(thread) }, opened })
    }

    /// Waits until the database is open.
    pub(super) fn opened(self) -> Result<Running, Error> {
        let outcome = self.opened.recv().unwrap_or_else(|_| Err("its thread ended".into()));
        outcome.map_err(|cause| failed(&self.running.shared.name, "open", cause))?;
        Ok(self.running)
    }
}

impl Drop for Running {
    /// Writes what waits, answers it and ends the thread.
    fn drop(&mut self) {
        self.shared.queue.close();
        let Some(writer) = self.writer.take() else { return };
        // The last handle of a log may be dropped by an append's own `done`; a thread can't wait for itself.
        if writer.thread().id() != thread::current().id() {
            // A panic was logged in its thread.
            let _ = writer.join();
        }
    }
}

/// "read journal/3" and why it failed.
pub(super) fn failed(name: &Partition, doing: &str, source: Cause) -> Error {
    Error::Backend { doing: format!("{doing} {name}"), source }
}
