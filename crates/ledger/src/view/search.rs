//! The search for the account of an event of which only the id is known.

use std::sync::Arc;

use coalition_domain::{AccountId, Fingerprint, Timestamp};
use coalition_store::Reader;

use crate::finder::{self, Kind};
use crate::rows;
use crate::state::State;

/// What a shard knows of which accounts events came to.
pub struct Search {
    pub(crate) key: Fingerprint,
    pub(crate) recent: Option<AccountId>,
    pub(crate) segment: u64,
    pub(crate) since: Timestamp,
    pub(crate) reader: Arc<dyn Reader>,
}

impl Search {
    /// Of the event that counts under `key`.
    pub(crate) fn of(state: &State, reader: &Arc<dyn Reader>, key: Fingerprint) -> Self {
        let (recent, segment) = (state.events.recent(&key), state.events.in_memory());
        Self { key, recent, segment, since: state.searched_since(), reader: Arc::clone(reader) }
    }

    /// The account that the event came to last, if it came to one of this shard, and no longer ago than
    /// events may be old. May read the store: not for an async thread.
    ///
    /// # Errors
    /// The store, or what it holds, can't be read.
    pub fn account(&self) -> Result<Option<AccountId>, rows::Error> {
        let stored = || finder::find(&*self.reader, Kind::Events, &self.key, self.segment, self.since);
        self.recent.map_or_else(stored, |account| Ok(Some(account)))
    }
}
