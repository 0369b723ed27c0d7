//! Waking a shard's thread: however often the log grows, one wake is on its way at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A wake on its way; the next one is sent only after it was dropped.
pub(super) struct Wake(Arc<AtomicBool>);

/// Whether one is on its way.
#[derive(Clone, Default)]
pub(super) struct Waker(Arc<AtomicBool>);

impl Waker {
    /// A wake to send, unless one is on its way.
    pub(super) fn wake(&self) -> Option<Wake> {
        (!self.0.swap(true, Ordering::AcqRel)).then(|| Wake(Arc::clone(&self.0)))
    }
}

impl Drop for Wake {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}
