//! What librdkafka gives away, destroyed when it is dropped.

use std::ptr::NonNull;

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
