//! Whether the thread of a shard gets round. In a call to a disk that neither answers nor fails it says nothing, of that either.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// When the thread came round last.
pub(super) struct Pulse {
    began: Instant,
    /// In milliseconds since then.
    last: AtomicU64,
    /// A thread that doesn't come round for so long stands still; `None` where nobody else could take over.
    most: Option<Duration>,
}

impl Pulse {
    pub(super) fn new(most: Option<Duration>) -> Self {
        Self { began: Instant::now(), last: AtomicU64::new(0), most }
    }

    /// The thread comes round.
    pub(super) fn beat(&self) {
        self.last.store(self.now(), Ordering::Relaxed);
    }

    /// Whether it has not come round for long. Of a thread that waits to be told something this is said, too.
    pub(super) fn is_still(&self) -> bool {
        let passed = Duration::from_millis(self.now().saturating_sub(self.last.load(Ordering::Relaxed)));
        self.most.is_some_and(|most| passed > most)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
