//! Events that came too early, by when their time is over: the shard's index of due times.
//!
//! The accounts themselves keep what waits; here is what finds them, and where their partners' topics have the events.

use std::collections::{BTreeMap, BTreeSet};

use coalition_domain::waiting::WaitingEvent;
use coalition_domain::{AccountId, Place, Timestamp};
use coalition_store::{Checkpoint, Range, Reader};
use serde::{Deserialize, Serialize};

use crate::inbox::Source;
use crate::rows;

/// Events that may wait in a shard at a time, so that the index fits into memory; what comes beyond them is refused.
pub const WAITING_MAX: usize = 100_000;

/// When the time of an event is over, and where the journal has the decision that it waits.
pub type DueKey = (Timestamp, Place);

/// An event that waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Due {
    /// Whose.
    pub account: AccountId,
    /// Where the partner's topic has it.
    pub source: Option<Source>,
}

/// The index.
#[derive(Debug, Default)]
pub struct DueTimes {
    waiting: BTreeMap<DueKey, Due>,
    changed: BTreeSet<DueKey>,
}

/// What changed for the store: what waits now, or no longer.
#[derive(Default)]
pub(crate) struct Changes(Vec<(DueKey, Option<Due>)>);

/// Under which key an event waits.
pub fn key(waiting: &WaitingEvent) -> DueKey {
    (waiting.wait.until, waiting.place)
}

impl DueTimes {
    /// What the store has.
    ///
    /// # Errors
    /// Rows that can't be read.
    pub(crate) fn load(reader: &dyn Reader) -> Result<Self, rows::Error> {
        let mut waiting = BTreeMap::new();
        rows::scan(reader, Range::prefix(*b"t"), |row| {
            let key = rows::due_key_of(&row.key).ok_or(rows::Error::Row('t'))?;
            waiting.insert(key, rows::decode('t', &row.value)?);
            Ok(())
        })?;
        Ok(Self { waiting, changed: BTreeSet::new() })
    }

    /// How many events wait.
    pub fn count(&self) -> usize {
        self.waiting.len()
    }

    /// One that waits.
    pub fn get(&self, key: &DueKey) -> Option<&Due> {
        self.waiting.get(key)
    }

    /// Those whose time is over at `now`, the longest over first.
    pub fn at(&self, now: Timestamp) -> impl Iterator<Item = (DueKey, AccountId)> {
        let over = self.waiting.iter().take_while(move |((until, _), _)| *until <= now);
        over.map(|(key, due)| (*key, due.account))
    }

    pub(crate) fn insert(&mut self, key: DueKey, due: Due) {
        self.waiting.insert(key, due);
        self.changed.insert(key);
    }

    pub(crate) fn remove(&mut self, key: DueKey) {
        self.waiting.remove(&key);
        self.changed.insert(key);
    }

    /// Takes out what changed since the last call, for the store.
    pub(crate) fn take_changed(&mut self) -> Changes {
        let changed = std::mem::take(&mut self.changed).into_iter();
        Changes(changed.map(|key| (key, self.waiting.get(&key).copied())).collect())
    }
}

impl Changes {
    pub(crate) fn put(&self, checkpoint: &mut Checkpoint) {
        for (key, due) in &self.0 {
            match due {
                Some(due) => checkpoint.put(rows::due_key(key), rows::encode(due)),
                None => checkpoint.delete(rows::due_key(key)),
            }
        }
    }
}
