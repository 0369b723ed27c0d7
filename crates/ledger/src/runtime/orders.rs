//! What the thread of a shard was told and has to keep, however a run of it ends.

use std::cell::Cell;

use super::worker::Message;
use crate::group::Duty;

/// Outlives each run of the shard: who forgot a stop in a fault would never end, as nobody says so again.
pub(super) struct Orders {
    /// What this process is to the shard.
    pub(super) duty: Cell<Duty>,
    /// Whether the shard is to end.
    pub(super) stop: Cell<bool>,
}

impl Orders {
    /// Those of a shard of which nothing was said yet.
    pub(super) fn none() -> Self {
        Self { duty: Cell::new(Duty::Nothing), stop: Cell::new(false) }
    }

    /// Keeps a stop that stands behind messages of which one may be a run's last.
    pub(super) fn note(&self, message: &Message) {
        if matches!(message, Message::Stop) {
            self.stop.set(true);
        }
    }
}
