//! What librdkafka gives away, destroyed when it is dropped.

use std::ffi::c_int;
use std::ptr::NonNull;

use rdkafka_sys as sys;

/// Something of librdkafka's that is destroyed when dropped.
pub(crate) struct Own<T>(NonNull<T>, unsafe extern "C" fn(*mut T));

impl<T> Own<T> {
    /// # Safety
    /// `pointer` is null, or ours and to be ended by `destroy`.
    pub(crate) unsafe fn new(pointer: *mut T, destroy: unsafe extern "C" fn(*mut T)) -> Option<Self> {
        NonNull::new(pointer).map(|pointer| Self(pointer, destroy))
    }

    pub(crate) fn get(&self) -> *mut T {
        self.0.as_ptr()
    }
}

impl<T> Drop for Own<T> {
    fn drop(&mut self) {
        // SAFETY: it is ours, as `new` was promised, and not used again.
        unsafe { (self.1)(self.0.as_ptr()) };
    }
}

/// Where events wait.
pub(crate) type Queue = Own<sys::rd_kafka_queue_t>;

/// The next event of a queue, if one comes in time.
pub(crate) fn poll(queue: &Queue, timeout_ms: c_int) -> Option<Own<sys::rd_kafka_event_t>> {
    // SAFETY: the queue is alive, and what it gives is ours.
    unsafe { Own::new(sys::rd_kafka_queue_poll(queue.get(), timeout_ms), sys::rd_kafka_event_destroy) }
}
