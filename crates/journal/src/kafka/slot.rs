//! A partition that is read: what is in memory of it, who waits for it, and what went wrong.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::tail::Tail;
use crate::log::{Error, Offset, Partition, Stored};
use crate::watchers::Watchers;

/// A partition that is read, shared by its readers and the thread that fetches.
pub(super) struct Slot {
    pub(super) partition: Partition,
    state: Mutex<State>,
    changed: Condvar,
    /// Held by who reads elsewhere than where is being fetched: one after the other.
    pub(super) moving: Mutex<()>,
}

pub(super) struct State {
    /// Nothing until it is known where to fetch, and after a fault.
    pub(super) tail: Option<Tail>,
    /// What the thread does with what it gets.
    pub(super) fetch: Fetch,
    /// The end, as somebody was told who asked for the bounds: before it there are records.
    pub(super) known_end: Offset,
    /// Where the brokers last had no more.
    pub(super) no_more_at: Option<Offset>,
    /// What went wrong behind the last record that is there.
    pub(super) fault: Option<Error>,
    /// Since when the partition ends before what is to be read.
    pub(super) behind: Option<Instant>,
    /// A reader has waited in vain for records that are known to be there.
    overdue: bool,
    pub(super) watchers: Watchers,
    pub(super) used: Instant,
}

/// Whether records are fetched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fetch {
    /// No.
    Not,
    /// The thread was asked to. What it still gets is of another place.
    Asked,
    /// From the tail's end.
    Runs,
}

/// How a read ended that found nothing in memory.
pub(super) enum Found {
    /// These records, or none at the end; and whether to fetch again.
    Records(Vec<Stored>, bool),
    /// What is asked for lies elsewhere.
    Elsewhere,
}

impl Slot {
    pub(super) fn new(partition: Partition) -> Self {
        Self {
            partition,
            state: Mutex::new(State {
                tail: None,
                fetch: Fetch::Not,
                known_end: Offset(0),
                no_more_at: None,
                fault: None,
                behind: None,
                overdue: false,
                watchers: Watchers::default(),
                used: Instant::now(),
            }),
            changed: Condvar::new(),
            moving: Mutex::new(()),
        }
    }

    /// The state is whole whatever panicked: each change is one assignment.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has it fetched from `from` on; the thread must be told.
    pub(super) fn place(&self, from: Offset, bytes_max: usize) {
        let mut state = self.state();
        state.tail = Some(Tail::new(from, bytes_max));
        state.fetch = Fetch::Asked;
        (state.no_more_at, state.fault, state.behind) = (None, None, None);
        state.overdue = false;
    }

    /// The bounds, as the brokers have just told them.
    pub(super) fn bounds_are(&self, start: Offset, end: Offset) {
        let mut state = self.state();
        state.known_end = end;
        if let Some(tail) = &mut state.tail {
            tail.trimmed(start);
        }
    }

    /// Reads what is in memory. Waits for it only if it is known to be on its way, and no longer than `timeout`.
    pub(super) fn read(&self, from: Offset, bytes_max: usize, timeout: Duration) -> Result<Found, Error> {
        let began = Instant::now();
        let mut state = self.state();
        state.used = began;
        loop {
            let known_end = state.known_end;
            let Some(tail) = state.tail.as_mut().filter(|tail| tail.covers(from)) else {
                return Ok(Found::Elsewhere);
            };
            let read = tail.read(from, bytes_max);
            let room = tail.has_room();
            if !read.is_empty() {
                state.overdue = false;
                let again = room && state.fetch == Fetch::Not && state.fault.is_none();
                if again {
                    state.fetch = Fetch::Asked;
                }
                return Ok(Found::Records(read, again));
            }
            if let Some(fault) = state.fault.take() {
                // The next read looks at it anew.
                state.tail = None;
                return Err(fault);
            }
            let reached = from >= known_end || state.no_more_at.is_some_and(|at| at >= known_end);
            if reached {
                return Ok(Found::Records(read, false));
            }
            // What it had was trimmed away while it was full, and nothing is on its way.
            if state.fetch == Fetch::Not {
                return Ok(Found::Elsewhere);
            }
            let left = timeout.saturating_sub(began.elapsed());
            if state.overdue || left.is_zero() {
                state.overdue = true;
                let doing = format!("read {} from {from}", self.partition);
                let source = format!("it goes on to {known_end}, but nothing came in {timeout:?}").into();
                return Err(Error::Backend { doing, source });
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Something changed: wakes who reads and who watches.
    pub(super) fn wake(&self) {
        let watchers = self.state().watchers.now();
        self.changed.notify_all();
        watchers.iter().for_each(|wake| wake());
    }
}
