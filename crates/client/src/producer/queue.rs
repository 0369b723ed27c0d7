//! What waits to be published, in memory or on disk.

use std::collections::VecDeque;

use crate::spool::{Error, Spool};

/// Events in one call.
const EVENTS_MAX: usize = 1_000;

/// Bytes of events in one call; a gateway takes messages of 4 MiB.
const BYTES_MAX: usize = 1 << 20;

/// A queue of events.
pub(super) enum Queue {
    /// Gone with the process.
    Memory(VecDeque<Vec<u8>>),
    /// Outlives the process; and the machine, if `sync`.
    Disk { spool: Spool, sync: bool },
}

impl Queue {
    /// Puts an event behind the others.
    pub(super) fn push(&mut self, event: Vec<u8>) -> Result<(), Error> {
        match self {
            Self::Memory(events) => {
                events.push_back(event);
                Ok(())
            }
            Self::Disk { spool, .. } => spool.push(&event),
        }
    }

    /// Keeps what was pushed as safe as it is promised.
    pub(super) fn sync(&mut self) -> Result<(), Error> {
        match self {
            Self::Memory(_) | Self::Disk { sync: false, .. } => Ok(()),
            Self::Disk { spool, sync: true } => spool.sync(),
        }
    }

    /// The first events, for one call.
    pub(super) fn first(&mut self) -> Result<Vec<Vec<u8>>, Error> {
        match self {
            Self::Memory(events) => {
                let mut bytes = 0;
                let fits = |event: &&Vec<u8>| {
                    let first = bytes == 0;
                    bytes += event.len();
                    first || bytes <= BYTES_MAX
                };
                Ok(events.iter().take(EVENTS_MAX).take_while(fits).cloned().collect())
            }
            Self::Disk { spool, .. } => spool.first_events(EVENTS_MAX, BYTES_MAX),
        }
    }

    /// The first `count` events are dealt with.
    pub(super) fn settle(&mut self, count: usize) -> Result<(), Error> {
        match self {
            Self::Memory(events) => {
                events.drain(..count.min(events.len()));
                Ok(())
            }
            Self::Disk { spool, .. } => spool.settle(count),
        }
    }

    /// How many events wait.
    pub(super) fn waiting(&self) -> u64 {
        match self {
            Self::Memory(events) => events.len() as u64,
            Self::Disk { spool, .. } => spool.waiting(),
        }
    }

    /// How many bytes they take on disk.
    pub(super) fn disk_bytes(&self) -> u64 {
        match self {
            Self::Memory(_) => 0,
            Self::Disk { spool, .. } => spool.bytes(),
        }
    }

    /// Whether it takes nothing more in, ever.
    pub(super) fn is_broken(&self) -> bool {
        match self {
            Self::Memory(_) => false,
            Self::Disk { spool, .. } => spool.is_broken(),
        }
    }

    pub(super) fn is_on_disk(&self) -> bool {
        matches!(self, Self::Disk { .. })
    }
}
