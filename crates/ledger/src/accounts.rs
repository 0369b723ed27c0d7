//! The accounts in memory: a bounded cache over the store, whose newest part is never given up.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use coalition_domain::AccountId;

use crate::resident::Resident;

/// Account ids are hashes themselves (uuid v5): the first 64 bits do.
#[derive(Default)]
pub struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 = self.0.rotate_left(5) ^ u64::from_le_bytes(word);
        }
    }
}

/// A map by account. Its order never reaches a result: whoever goes through it sorts.
pub type ByAccount<T> = HashMap<AccountId, T, BuildHasherDefault<IdHasher>>;

struct Slot {
    resident: Arc<Resident>,
    used: bool,
    /// As how many accounts it counts: as it was loaded, or taken for the store last.
    weight: usize,
}

/// The cache.
pub struct Accounts {
    capacity: usize,
    /// As how many accounts those in memory count.
    weight: usize,
    slots: ByAccount<Slot>,
    /// In the order in which they were loaded, for a second-chance eviction.
    queue: VecDeque<AccountId>,
    dirty: Vec<AccountId>,
    /// As how many they count.
    dirty_weight: usize,
    /// Up to which journal position changes were handed to the store.
    taken: u64,
    /// Up to which it holds them.
    stored: u64,
}

impl Accounts {
    /// Empty, for so many accounts of usual size, over a store that holds everything up to `stored`.
    pub fn new(capacity: usize, stored: u64) -> Self {
        Self {
            capacity,
            weight: 0,
            slots: ByAccount::default(),
            queue: VecDeque::new(),
            dirty: Vec::new(),
            dirty_weight: 0,
            taken: stored,
            stored,
        }
    }

    /// Whether the account is in memory.
    pub fn contains(&self, id: &AccountId) -> bool {
        self.slots.contains_key(id)
    }

    /// The account, if it is in memory.
    pub fn get(&self, id: &AccountId) -> Option<&Arc<Resident>> {
        self.slots.get(id).map(|slot| &slot.resident)
    }

    /// Notes that the account is going to be needed.
    pub fn touch(&mut self, id: &AccountId) -> bool {
        self.slots.get_mut(id).map(|slot| slot.used = true).is_some()
    }

    /// Takes in what was loaded, unless the account is in memory already: then that is newer.
    pub fn insert(&mut self, resident: Resident) {
        let id = resident.account.id();
        self.slots.entry(id).or_insert_with(|| {
            self.queue.push_back(id);
            let weight = resident.weight();
            self.weight += weight;
            Slot { resident: Arc::new(resident), used: true, weight }
        });
    }

    /// Changes an account that is in memory; a copy is made only while somebody else holds the old state.
    pub fn change(&mut self, id: &AccountId, change: impl FnOnce(&mut Resident)) {
        let slot = self.slots.get_mut(id).expect("an account is loaded before it changes");
        if slot.resident.account.changed() <= self.taken {
            self.dirty.push(*id);
            self.dirty_weight += slot.weight;
        }
        slot.used = true;
        change(Arc::make_mut(&mut slot.resident));
    }

    /// The account that was loaded last.
    #[cfg(test)]
    pub(crate) fn newest(&self) -> Option<AccountId> {
        self.queue.back().copied()
    }

    /// How many accounts are in memory.
    pub fn count(&self) -> usize {
        self.slots.len()
    }

    /// As how many accounts those count that changed since the last checkpoint was taken.
    pub fn dirty(&self) -> usize {
        self.dirty_weight
    }

    /// The accounts that changed since the last call, sorted, each as it is now and with the lot rows that the store
    /// has of it. They count as handed to the store up to `seq`.
    pub fn take_dirty(&mut self, seq: u64) -> Vec<Taken> {
        self.taken = seq;
        let mut ids = std::mem::take(&mut self.dirty);
        self.dirty_weight = 0;
        ids.sort_unstable();
        let take = |id: &AccountId| {
            let slot = self.slots.get_mut(id).expect("what is newer than the store is never evicted");
            let before = std::mem::replace(&mut slot.weight, slot.resident.weight());
            self.weight = self.weight - before + slot.weight;
            let rows = slot.resident.lot_rows();
            let before = if rows == slot.resident.stored_lots {
                rows
            } else {
                std::mem::replace(&mut Arc::make_mut(&mut slot.resident).stored_lots, rows)
            };
            Taken { resident: Arc::clone(&slot.resident), lot_rows_before: before }
        };
        ids.iter().map(take).collect()
    }

    /// The store holds everything up to `seq`; what is beyond the capacity and not needed can go.
    pub fn stored(&mut self, seq: u64, written: &Written) {
        self.stored = seq;
        for (id, rows) in &written.own_rows {
            if let Some(slot) = self.slots.get_mut(id) {
                Arc::make_mut(&mut slot.resident).own_rows = *rows;
            }
        }
        for id in &written.paged {
            if let Some(slot) = self.slots.get_mut(id)
                && !slot.resident.full.is_empty()
            {
                Arc::make_mut(&mut slot.resident).stored(seq);
            }
        }
    }

    /// Gives up accounts beyond the capacity, oldest first: those that were not used since they were looked at last,
    /// and that the store has.
    pub fn evict(&mut self) {
        let mut looks = self.queue.len();
        while self.weight > self.capacity && looks > 0 {
            looks -= 1;
            let Some(id) = self.queue.pop_front() else { return };
            let slot = self.slots.get_mut(&id).expect("the queue names what is in memory");
            if slot.used || slot.resident.account.changed() > self.stored {
                slot.used = false;
                self.queue.push_back(id);
            } else {
                self.weight -= slot.weight;
                self.slots.remove(&id);
            }
        }
    }
}

/// What changes in memory once the store has a checkpoint.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Written {
    /// Accounts with pages that memory holds only until then.
    pub paged: Vec<AccountId>,
    /// Accounts whose own row takes so many there, and took another number before.
    pub own_rows: Vec<(AccountId, u8)>,
}

/// An account on its way to the store.
pub struct Taken {
    /// As it was when the checkpoint was taken.
    pub resident: Arc<Resident>,
    /// The lot pages that had rows of their own before.
    pub lot_rows_before: Vec<(coalition_domain::ProgrammeId, u32)>,
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_takes_much_memory_counts_for_many() {
        let id = |number| AccountId(Uuid::from_u128(number));
        let mut accounts = Accounts::new(10, 5);
        (1..=10).for_each(|number| accounts.insert(Resident::new(id(number))));
        accounts.evict();
        assert_eq!(accounts.count(), 10);
        // 60 KiB of activities are as much as ten accounts of 6.
        let mut heavy = Resident::new(id(11));
        heavy.tail.bytes = Vec::with_capacity(60 * 1024);
        accounts.insert(heavy);
        // At its first look none is given up that was used.
        accounts.evict();
        accounts.evict();
        assert!(accounts.count() < 3, "{}", accounts.count());
        // Those that the store has not got stay, and count as what they are.
        accounts.insert(Resident::new(id(12)));
        accounts.change(&id(12), |resident| resident.tail.bytes = Vec::with_capacity(60 * 1024));
        assert_eq!(accounts.dirty(), 1);
    }
}
