//! An account in memory, with the journal's own bytes of what it answered.

use std::sync::Arc;

use coalition_domain::keys::KeyEntry;
use coalition_domain::lot::Lot;
use coalition_domain::{Account, AccountId, Decision, Place, ProgrammeId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::body::{self, Item};

/// Activities in a page.
const PAGE_ACTIVITIES: u32 = 16;
/// A page is full with this many bytes, too: the page that still grows lies in the account's own row.
const PAGE_BYTES: usize = 16 * 1024;

/// What an account may take in memory to count as one, in bytes; a larger one counts as several.
pub const ACCOUNT_BYTES: usize = 6 * 1024;
/// What an account takes of which little is known.
const EMPTY_BYTES: usize = 4 * 1024;

/// What lies before each activity's bytes: its place, its time and how many bytes it has.
const ITEM_HEAD_BYTES: usize = 8 + 4 + 8 + 4;

/// One answered command: the decision and where the journal has it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Activity {
    /// Its number in the account, from 0.
    pub number: u32,
    /// Where the journal has it.
    pub place: Place,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// What was asked and what became of it.
    pub decision: Decision,
}

/// A run of activities in the order of their numbers.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ActivityPage {
    /// The number of its first one.
    pub first: u32,
    /// How many there are.
    pub count: u32,
    /// Their bytes, one after the other.
    pub bytes: Vec<u8>,
}

impl ActivityPage {
    fn push(&mut self, place: Place, decided_at: Timestamp, item: &[u8]) {
        self.make_room(ITEM_HEAD_BYTES + item.len());
        self.bytes.extend_from_slice(&place.seq.to_be_bytes());
        self.bytes.extend_from_slice(&place.index.to_be_bytes());
        self.bytes.extend_from_slice(&decided_at.as_millis().to_be_bytes());
        let length = u32::try_from(item.len()).expect("an item is bounded far below 4 GiB");
        self.bytes.extend_from_slice(&length.to_be_bytes());
        self.bytes.extend_from_slice(item);
        self.count += 1;
    }

    /// Room for so many bytes, and for half as many again as there are: a page lies in memory for long, and grows a little at a time.
    fn make_room(&mut self, bytes: usize) {
        if self.bytes.capacity() - self.bytes.len() < bytes {
            self.bytes.reserve_exact(bytes.max(self.bytes.len() / 2));
        }
    }

    fn is_full(&self) -> bool {
        self.count >= PAGE_ACTIVITIES || self.bytes.len() >= PAGE_BYTES
    }

    /// The activities, read.
    pub fn read(&self) -> Result<Vec<Activity>, body::Unreadable> {
        let cut = || body::Unreadable::cut_off();
        let mut rest = self.bytes.as_slice();
        let mut activities = Vec::new();
        for number in self.first..self.first + self.count {
            let (seq, tail) = rest.split_first_chunk::<8>().ok_or_else(cut)?;
            let (index, tail) = tail.split_first_chunk::<4>().ok_or_else(cut)?;
            let (millis, tail) = tail.split_first_chunk::<8>().ok_or_else(cut)?;
            let (length, tail) = tail.split_first_chunk::<4>().ok_or_else(cut)?;
            let (item, tail) = tail.split_at_checked(u32::from_be_bytes(*length) as usize).ok_or_else(cut)?;
            rest = tail;
            let Item::Account(decision, _) = body::decode_item(item)? else { return Err(cut()) };
            let place = Place { seq: u64::from_be_bytes(*seq), index: u32::from_be_bytes(*index) };
            let decided_at = Timestamp::from_millis(i64::from_be_bytes(*millis));
            activities.push(Activity { number, place, decided_at, decision });
        }
        Ok(activities)
    }
}

/// An account with what is not in the store yet, or has to be at hand.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resident {
    /// The aggregate.
    pub account: Account,
    /// The page that still grows.
    pub tail: ActivityPage,
    /// Full pages since the last checkpoint, with the journal position that filled them.
    pub full: Vec<(u64, Arc<ActivityPage>)>,
    /// Which lot pages have rows of their own in the store.
    pub stored_lots: Vec<(ProgrammeId, u32)>,
    /// How many rows the account's own takes in the store, once it is there.
    pub own_rows: u8,
}

// Memory is full of them: with the counts of its `Arc` it fits into the 512 bytes that allocators have a size for.
const _: () = assert!(size_of::<Resident>() + 2 * size_of::<usize>() <= 512);

impl Resident {
    /// Of an account that nobody has asked anything yet.
    pub fn new(id: AccountId) -> Self {
        Self {
            account: Account::new(id),
            tail: ActivityPage::default(),
            full: Vec::new(),
            stored_lots: Vec::new(),
            own_rows: 1,
        }
    }

    /// Notes the bytes of the decision that the account takes in next.
    pub fn note(&mut self, place: Place, decided_at: Timestamp, item: &[u8]) {
        self.tail.push(place, decided_at, item);
        if self.tail.is_full() {
            let first = self.tail.first + self.tail.count;
            let full = std::mem::replace(&mut self.tail, ActivityPage { first, ..ActivityPage::default() });
            self.full.push((place.seq, Arc::new(full)));
        }
    }

    /// As how many accounts it counts where they are bounded: as it takes about so many times what a usual one may. Without a look at
    /// its lots and ids one by one, as it is asked for each account of a checkpoint.
    pub fn weight(&self) -> usize {
        let account = &self.account;
        let lots = account.purses().values().flat_map(|purse| purse.lots.pages()).map(|page| page.lots.len());
        let keys = account.keys().pages().iter().map(|page| page.entries.len());
        let orders = account.orders().pages().iter().map(|page| page.weight());
        let burns = account.burns().pages().iter().map(|page| page.weight());
        let adjustments = account.adjustments().pages().iter().map(|page| page.weight());
        let activities =
            self.full.iter().map(|(_, page)| page.bytes.capacity()).chain([self.tail.bytes.capacity()]);
        let bytes = EMPTY_BYTES
            + lots.sum::<usize>() * size_of::<Lot>()
            + keys.sum::<usize>() * size_of::<KeyEntry>()
            + orders.chain(burns).chain(adjustments).chain(activities).sum::<usize>();
        (bytes / ACCOUNT_BYTES).max(1)
    }

    /// Forgets the pages that a checkpoint of `seq` holds.
    pub fn stored(&mut self, seq: u64) {
        self.full.retain(|(changed, _)| *changed > seq);
    }

    /// Whether every lot fits into the account's own row.
    pub fn lots_inline(&self) -> bool {
        let purses = self.account.purses().values();
        purses.clone().all(|purse| purse.lots.pages().len() <= 1)
            && purses.flat_map(|purse| purse.lots.pages()).map(|page| page.lots.len()).sum::<usize>() <= 32
    }

    /// The lot pages that have to have rows of their own.
    pub fn lot_rows(&self) -> Vec<(ProgrammeId, u32)> {
        if self.lots_inline() {
            return Vec::new();
        }
        let purses = self.account.purses().iter();
        purses.flat_map(|(id, purse)| purse.lots.pages().iter().map(move |page| (*id, page.id))).collect()
    }
}
