//! When time will change something of an account: the shard's index of due times, one entry an account.
//!
//! The accounts say themselves what is due, and when first; the index finds them. It is a row of the store for each account,
//! in the order of their instants, of which memory holds the first ones and those that the store has not got yet: however
//! many accounts there are, and however many are due at one midnight.

use std::collections::{BTreeMap, BTreeSet};

use coalition_domain::{AccountId, Span, Timestamp};
use coalition_store::{Checkpoint, Order, Range, Reader};
use uuid::Uuid;

use crate::rows;

/// The instant at which something of an account is due first, and the account.
pub type Entry = (Timestamp, AccountId);

/// Accounts whose instants are held in memory, unless [`crate::shard::Limits`] say otherwise; twice as many at the most.
pub(crate) const WINDOW: usize = 4_096;

/// How long before time comes to the end of what is in memory the next entries are asked for.
const AHEAD: Span = Span::from_secs(60);

/// Up to where memory holds all entries.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Upto {
    /// It holds none.
    Nothing,
    /// To this one, which is in it or was.
    Entry(Entry),
    /// It holds all.
    End,
}

/// The index.
#[derive(Debug)]
pub struct Timers {
    window: usize,
    /// All entries up to `upto`.
    near: BTreeSet<Entry>,
    upto: Upto,
    /// What the store has not got, or might not have had when it was asked: whether the entry is there, and the journal
    /// position of the last change.
    unstored: BTreeMap<Entry, (bool, u64)>,
    /// Up to which position changes were handed to the store.
    taken: u64,
    /// Up to which it holds them.
    stored: u64,
    /// The next entries are on their way from the store.
    asked: bool,
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            window: WINDOW,
            near: BTreeSet::new(),
            upto: Upto::Nothing,
            unstored: BTreeMap::new(),
            taken: 0,
            stored: 0,
            asked: false,
        }
    }
}

/// What changed for the store: entries that are there now, or no longer.
#[derive(Default)]
pub(crate) struct Changes(Vec<(Entry, bool)>);

impl Timers {
    /// Holds so many entries in memory, twice as many at the most.
    pub(crate) fn bound(&mut self, window: usize) {
        self.window = window.max(1);
    }

    /// As if the store had none.
    #[cfg(any(test, feature = "plants"))]
    pub(crate) fn forgotten() -> Self {
        Self { upto: Upto::End, ..Self::default() }
    }

    /// How many entries are in memory.
    pub fn count(&self) -> usize {
        self.near.len() + self.unstored.len()
    }

    /// Whether an account is due at `now`, or may be as memory doesn't hold so many entries.
    pub fn is_due(&self, now: Timestamp) -> bool {
        let unseen = match self.upto {
            Upto::Nothing => true,
            Upto::Entry((last, _)) => last <= now,
            Upto::End => false,
        };
        unseen || self.at(now).next().is_some()
    }

    /// The accounts that are due at `now`, the longest due first, as far as memory holds them.
    pub fn at(&self, now: Timestamp) -> impl Iterator<Item = AccountId> {
        self.near.iter().take_while(move |(due, _)| *due <= now).map(|(_, account)| *account)
    }

    /// By the change at position `seq` the account is due at another instant than before; `None`: never.
    pub(crate) fn moved(
        &mut self,
        account: AccountId,
        before: Option<Timestamp>,
        after: Option<Timestamp>,
        seq: u64,
    ) {
        if before == after {
            return;
        }
        for (due, there) in [(before, false), (after, true)] {
            let Some(due) = due else { continue };
            self.unstored.insert((due, account), (there, seq));
            self.set((due, account), there);
        }
        self.trim();
    }

    fn set(&mut self, entry: Entry, there: bool) {
        if Upto::Entry(entry) > self.upto {
            return;
        }
        if there {
            self.near.insert(entry);
        } else {
            self.near.remove(&entry);
        }
    }

    /// What comes last can go, as the store has it or `unstored`; but not while what comes behind it is on its way.
    fn trim(&mut self) {
        if self.asked || self.near.len() <= 2 * self.window {
            return;
        }
        while self.near.len() > self.window {
            self.near.pop_last();
        }
        self.upto = self.near.last().map_or(Upto::Nothing, |last| Upto::Entry(*last));
    }

    /// Behind which entry the store has to be asked for the next ones, how many, as `now` comes near the end of what is in
    /// memory. It counts as asked then.
    pub(crate) fn ask(&mut self, now: Timestamp) -> Option<(Option<Entry>, usize)> {
        let after = match self.upto {
            Upto::Nothing => None,
            Upto::Entry(last) if last.0 <= now.plus(AHEAD) => Some(last),
            Upto::Entry(_) | Upto::End => return None,
        };
        if self.asked || self.near.len() > self.window / 2 {
            return None;
        }
        self.asked = true;
        Some((after, self.window))
    }

    /// Takes in what the store had behind the entry that it was asked for.
    pub(crate) fn answered(&mut self, entries: Vec<Entry>) {
        if !std::mem::take(&mut self.asked) {
            return;
        }
        let after = self.upto;
        self.upto = match entries.last() {
            Some(last) if entries.len() >= self.window => Upto::Entry(*last),
            Some(_) | None => Upto::End,
        };
        self.near.extend(entries);
        let newer: Vec<_> = self.unstored.iter().map(|(entry, (there, _))| (*entry, *there)).collect();
        for (entry, there) in newer.into_iter().filter(|(entry, _)| Upto::Entry(*entry) > after) {
            self.set(entry, there);
        }
        self.forget_stored();
        self.trim();
    }

    /// Takes out what changed since the last call, for the store, which will be at `seq` with it.
    pub(crate) fn take_changed(&mut self, seq: u64) -> Changes {
        let changed = self.unstored.iter().filter(|(_, (_, changed))| *changed > self.taken);
        let changed = changed.map(|(entry, (there, _))| (*entry, *there)).collect();
        self.taken = seq;
        Changes(changed)
    }

    /// The store holds everything up to `seq`.
    pub(crate) fn stored(&mut self, seq: u64) {
        self.stored = seq;
        // The answer that is on its way may have been read before.
        if !self.asked {
            self.forget_stored();
        }
    }

    fn forget_stored(&mut self) {
        let stored = self.stored;
        self.unstored.retain(|_, (_, changed)| *changed > stored);
    }
}

impl Changes {
    pub(crate) fn put(&self, checkpoint: &mut Checkpoint) {
        for (entry, there) in &self.0 {
            if *there {
                checkpoint.put(key(entry), []);
            } else {
                checkpoint.delete(key(entry));
            }
        }
    }
}

/// The first entries behind `after`, `most` of them, in the order of their instants.
///
/// # Errors
/// Rows that can't be read.
pub fn load(reader: &dyn Reader, after: Option<Entry>, most: usize) -> Result<Vec<Entry>, rows::Error> {
    let mut range = Range::prefix(*b"d");
    if let Some(after) = after {
        range = range.after(&key(&after), Order::Ascending);
    }
    let rows = reader.scan(&range, Order::Ascending, most)?;
    rows.iter().map(|row| entry(&row.key).ok_or(rows::Error::Row('d'))).collect()
}

fn key((due, account): &Entry) -> Vec<u8> {
    [b"d".as_slice(), &rows::sorted(due.as_millis()), account.0.as_bytes()].concat()
}

fn entry(key: &[u8]) -> Option<Entry> {
    let (due, account) = key.get(1..)?.split_first_chunk::<8>()?;
    let account = AccountId(Uuid::from_slice(account).ok()?);
    Some((Timestamp::from_millis(rows::unsorted(*due)), account))
}

#[cfg(test)]
mod tests;
