//! The work that waits for a partition's writer.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::settings::Settings;
use crate::append::Append;
use crate::log::{AppendError, Offset};

const ABANDONED: &str = "the partition's writer panicked";

/// Work that costs no transaction of its own while there are appends to ride with.
#[derive(Default)]
pub(super) struct Light {
    /// Group offsets that are not durable yet.
    pub(super) groups: BTreeMap<String, Offset>,
    /// Delete what lies before.
    pub(super) trim: Option<Offset>,
}

impl Light {
    pub(super) fn is_empty(&self) -> bool {
        self.groups.is_empty() && self.trim.is_none()
    }
}

/// What the writer is to do next.
pub(super) struct Work {
    pub(super) appends: Vec<Append>,
    pub(super) light: Light,
    /// A reader found the database closed or failing.
    pub(super) reopen: bool,
    /// The log is being dropped, and this is the last of the work.
    pub(super) last: bool,
}

#[derive(Default)]
struct Waiting {
    appends: VecDeque<Append>,
    bytes: usize,
    light: Light,
    /// When the light work is done at the latest.
    light_due: Option<Instant>,
    reopen: bool,
    closing: bool,
    /// There is no writer any more.
    abandoned: bool,
}

/// A bounded queue with many callers and one writer.
pub(super) struct Queue {
    settings: Settings,
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

impl Queue {
    pub(super) fn new(settings: Settings) -> Self {
        Self { settings, waiting: Mutex::default(), changed: Condvar::new() }
    }

    // Nothing that can panic runs under the lock; should it be poisoned, what it holds is whole.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the append, or tells its caller why not.
    pub(super) fn append(&self, append: Append) {
        let bytes = append.bytes();
        let bytes_max = self.settings.append_bytes_max.min(Settings::APPEND_BYTES_LIMIT);
        let refusal = if append.records.is_empty() {
            "no records".to_owned()
        } else if bytes > bytes_max {
            format!("{bytes} bytes in one append, more than {bytes_max}")
        } else {
            let mut waiting = self.lock();
            let room = waiting.appends.is_empty()
                || waiting.bytes.saturating_add(bytes) <= self.settings.queue_bytes_max;
            if waiting.abandoned {
                ABANDONED.to_owned()
            } else if room {
                waiting.bytes += bytes;
                waiting.appends.push_back(append);
                self.changed.notify_one();
                return;
            } else {
                format!("queue full: {} bytes wait already", waiting.bytes)
            }
        };
        append.answer(Err(AppendError::NotAppended(refusal)));
    }

    /// Notes a group's offset.
    pub(super) fn commit(&self, group: &str, next: Offset) {
        let mut waiting = self.lock();
        waiting.light.groups.insert(group.to_owned(), next);
        self.light_waits(&mut waiting);
    }

    /// Notes a trim.
    pub(super) fn trim(&self, before: Offset) {
        let mut waiting = self.lock();
        waiting.light.trim = waiting.light.trim.max(Some(before));
        self.light_waits(&mut waiting);
    }

    /// Goes on with a trim that one transaction did not finish, at once.
    pub(super) fn trim_on(&self, before: Option<Offset>) {
        let mut waiting = self.lock();
        waiting.light.trim = waiting.light.trim.max(before);
        waiting.light_due = Some(Instant::now());
    }

    fn light_waits(&self, waiting: &mut Waiting) {
        if waiting.light_due.is_none() {
            waiting.light_due = Some(Instant::now() + self.settings.light_delay);
            self.changed.notify_one();
        }
    }

    /// Asks the writer to open the database again.
    pub(super) fn reopen(&self) {
        self.lock().reopen = true;
        self.changed.notify_one();
    }

    /// Makes what waits the last work.
    pub(super) fn close(&self) {
        self.lock().closing = true;
        self.changed.notify_one();
    }

    /// Refuses what waits and what comes, because the writer ended before the log did.
    pub(super) fn abandon(&self) {
        let mut waiting = self.lock();
        waiting.abandoned = true;
        drop(waiting);
        for append in self.take_waiting() {
            append.answer(Err(AppendError::NotAppended(ABANDONED.to_owned())));
        }
    }

    /// Takes all appends that wait.
    pub(super) fn take_waiting(&self) -> VecDeque<Append> {
        let mut waiting = self.lock();
        waiting.bytes = 0;
        std::mem::take(&mut waiting.appends)
    }

    /// Gives back light work that a failed transaction did not do.
    pub(super) fn put_back(&self, light: Light) {
        let mut waiting = self.lock();
        for (group, next) in light.groups {
            waiting.light.groups.entry(group).or_insert(next);
        }
        waiting.light.trim = waiting.light.trim.max(light.trim);
        self.light_waits(&mut waiting);
    }

    /// Waits for work and takes as much as one group commit holds.
    pub(super) fn take(&self) -> Work {
        let mut waiting = self.lock();
        loop {
            if !waiting.appends.is_empty() || waiting.reopen || waiting.closing {
                break;
            }
            waiting = match waiting.light_due.map(|due| due.saturating_duration_since(Instant::now())) {
                None => self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner),
                Some(left) if left.is_zero() => break,
                Some(left) => {
                    self.changed.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        let mut appends: Vec<Append> = Vec::new();
        let mut bytes = 0;
        while let Some(next) = waiting.appends.front().map(Append::bytes)
            && (appends.is_empty() || bytes + next <= self.settings.commit_bytes_max)
        {
            bytes += next;
            appends.extend(waiting.appends.pop_front());
        }
        waiting.bytes -= bytes;
        waiting.light_due = None;
        Work {
            appends,
            light: std::mem::take(&mut waiting.light),
            reopen: std::mem::take(&mut waiting.reopen),
            last: waiting.closing && waiting.appends.is_empty(),
        }
    }
}
