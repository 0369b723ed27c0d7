//! What can be set about the embedded log.

use std::time::Duration;

/// Bounds of an embedded log. The byte counts are those of [`Record::bytes`](crate::log::Record::bytes), each for one
/// partition.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Settings {
    /// The largest append; a larger one is refused. At most 1 GiB, whatever is set.
    pub append_bytes_max: usize,
    /// How much may wait to be written before appends are refused. An empty queue takes any append.
    pub queue_bytes_max: usize,
    /// How much one group commit takes, if it is more than one append.
    pub commit_bytes_max: usize,
    /// How many of the last records are kept in memory for readers.
    pub tail_bytes_max: usize,
    /// The page cache of the database, in bytes.
    pub cache_bytes: usize,
    /// How long group offsets and trims wait at most for a group commit to ride with.
    pub light_delay: Duration,
}

impl Settings {
    /// Lengths in a row are 32 bits wide.
    pub(super) const APPEND_BYTES_LIMIT: usize = 1 << 30;
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            append_bytes_max: 32 << 20,
            queue_bytes_max: 64 << 20,
            commit_bytes_max: 8 << 20,
            tail_bytes_max: 16 << 20,
            cache_bytes: 16 << 20,
            light_delay: Duration::from_secs(1),
        }
    }
}
