//! What librdkafka can do and rdkafka doesn't show: records whose headers are any bytes, errors and ends that name their
//! partition, the ids of topics, and commits that end in time.
//!
//! All of the workspace's own unsafe code is in here; elsewhere it is forbidden. Called by the journal's Kafka adapter
//! only.

mod commit;
mod event;
mod own;
pub mod testing;
mod topic;

pub use commit::commit;
pub use event::{Event, Events, Fetched, drain};
pub use topic::{Description, describe_topic};

use std::ffi::{CStr, c_char};

/// The text at `pointer`, or nothing if it is null. What is not UTF-8 is replaced.
///
/// # Safety
/// `pointer` is null or leads to bytes that end with a NUL.
unsafe fn text(pointer: *const c_char) -> String {
    if pointer.is_null() {
        return String::new();
    }
    // SAFETY: the caller promises it.
    unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned()
}
