//! What a reader is shown: committed state at a position, with the store behind it.

mod search;
mod sums;

use std::fmt;
use std::sync::Arc;

use coalition_domain::account::past::{DateBasis, Past};
use coalition_domain::{Account, AccountId, Fingerprint, OutOfRange, Registry, Timestamp};
use coalition_journal::entry::{Seq, ShardId};
use coalition_store::Reader;
use serde::{Deserialize, Serialize};

use crate::lookback;
use crate::resident::{Activity, ActivityPage, Resident};
use crate::rows;
use crate::state::State;

pub use self::search::Search;
pub use self::sums::{Hours, Part, PartKey, Parts, SumsView};

/// (shard, seq in effect): it survives copying a journal and changing the log's adapter.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Position {
    /// Which shard.
    pub shard: ShardId,
    /// The number of a record among those in effect in its journal.
    pub seq: Seq,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.shard, self.seq)
    }
}

/// An account at a position.
#[derive(Clone)]
pub struct AccountView {
    /// Everything up to here is in it.
    pub position: Position,
    /// When the newest decision of the shard was taken; a clock beside it may be behind.
    pub decided_at: Timestamp,
    /// What the shard had heard of the network.
    pub registry: Arc<Registry>,
    pub(crate) resident: Arc<Resident>,
    pub(crate) reader: Arc<dyn Reader>,
}

impl AccountView {
    /// The account `id` in `state`, with `reader` the store behind it.
    ///
    /// # Errors
    /// The store, or what it holds, can't be read.
    pub fn of(
        shard: ShardId,
        state: &State,
        reader: &Arc<dyn Reader>,
        id: AccountId,
    ) -> Result<Self, rows::Error> {
        let resident = match state.accounts.get(&id) {
            Some(resident) => Arc::clone(resident),
            None => Arc::new(rows::load_account(&**reader, &id)?),
        };
        let position = Position { shard, seq: state.meta.chain.seq() };
        let decided_at = state.meta.decided_at.unwrap_or(Timestamp::MIN);
        let (registry, reader) = (Arc::clone(&state.registry), Arc::clone(reader));
        Ok(Self { position, decided_at, registry, resident, reader })
    }

    /// The aggregate.
    pub fn account(&self) -> &Account {
        &self.resident.account
    }

    /// Up to `limit` activities with numbers below `before`, newest first. May read the store: not for an async thread.
    ///
    /// # Errors
    /// The store, or what it holds, can't be read.
    pub fn activities(&self, before: u32, limit: usize) -> Result<Vec<Activity>, rows::Error> {
        let mut next = before.min(self.account().activities());
        let mut found = Vec::new();
        while next > 0 && found.len() < limit {
            let page = self.page(next - 1)?;
            let activities = page.read().map_err(|_| rows::Error::Row('h'))?;
            found.extend(activities.into_iter().rev().filter(|activity| activity.number < next));
            next = page.first;
        }
        found.truncate(limit);
        Ok(found)
    }

    /// The activity of this number. May read the store: not for an async thread.
    ///
    /// # Errors
    /// The store, or what it holds, can't be read.
    pub fn activity(&self, number: u32) -> Result<Option<Activity>, rows::Error> {
        if number >= self.account().activities() {
            return Ok(None);
        }
        let activities = self.page(number)?.read().map_err(|_| rows::Error::Row('h'))?;
        Ok(activities.into_iter().find(|activity| activity.number == number))
    }

    /// The account as it was at `until`, made anew from its first activity on, a page of them at a time; `Err` within if it had
    /// more points than an account can have. Reads the store: not for an async thread.
    ///
    /// # Errors
    /// The store, or what it holds, can't be read.
    pub fn past(
        &self,
        until: Timestamp,
        basis: DateBasis,
        given_up: &dyn Fn() -> bool,
    ) -> Result<Result<Account, OutOfRange>, lookback::Error> {
        let (mut past, mut next) = (Past::new(self.account().id(), until, basis), 0);
        while next < self.account().activities() {
            if given_up() {
                return Err(lookback::Error::GivenUp);
            }
            let page = self.page(next)?;
            for activity in page.read().map_err(|_| rows::Error::Row('h'))? {
                if past.take_in(&activity.decision, activity.place, activity.decided_at).is_break() {
                    return Ok(past.account());
                }
            }
            next = page.first + page.count;
        }
        Ok(past.account())
    }

    /// What became of the command that counts under `key`. May read the store: not for an async thread.
    ///
    /// # Errors
    /// The store, or what it holds, can't be read.
    pub fn outcome(&self, key: &Fingerprint) -> Result<Option<Activity>, rows::Error> {
        self.account().keys().activity(key).map_or(Ok(None), |number| self.activity(number))
    }

    fn page(&self, number: u32) -> Result<Arc<ActivityPage>, rows::Error> {
        let resident = &self.resident;
        if number >= resident.tail.first {
            return Ok(Arc::new(resident.tail.clone()));
        }
        let holds = |page: &ActivityPage| page.first <= number && number < page.first + page.count;
        if let Some((_, page)) = resident.full.iter().find(|(_, page)| holds(page)) {
            return Ok(Arc::clone(page));
        }
        let id = resident.account.id();
        let first = rows::activity_page_of(&*self.reader, &id, number)?;
        let page = first.map_or(Ok(None), |first| rows::load_activities(&*self.reader, &id, first))?;
        page.filter(|page| holds(page)).map(Arc::new).ok_or(rows::Error::Row('h'))
    }
}
