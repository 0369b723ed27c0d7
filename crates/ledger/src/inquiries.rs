//! Orders that accounts of any shard wait for: the questions that this shard was asked and has not answered yet.
//!
//! A question is remembered until the time of the event is over that waits: the order may be bought later. What the index of
//! orders or a purchase answers is decided by the account that knows the order, which takes the question away.

use std::collections::{BTreeMap, BTreeSet};

use coalition_domain::{AccountId, Fingerprint, Timestamp};
use coalition_store::{Checkpoint, Range, Reader};
use uuid::Uuid;

use crate::rows;

/// Questions that a shard remembers at a time, so that they fit into memory. Those beyond them are not answered: what waits
/// there waits its time out.
const INQUIRIES_MAX: usize = 100_000;

/// Under which key an account would know the order, and the account where something waits for it.
pub(crate) type Inquiry = (Fingerprint, AccountId);

/// The questions.
#[derive(Debug, Default)]
pub(crate) struct Inquiries {
    /// Until when each waits.
    open: BTreeMap<Inquiry, Timestamp>,
    until: BTreeSet<(Timestamp, Inquiry)>,
    /// Those for which the index of orders was not searched yet.
    unsearched: BTreeSet<Inquiry>,
    /// A search is under way.
    searching: bool,
    /// Those whose answer is to be decided, by which account.
    found: BTreeMap<Inquiry, AccountId>,
    changed: BTreeSet<Inquiry>,
}

/// What changed for the store: questions that are there now, or no longer.
#[derive(Default)]
pub(crate) struct Changes(Vec<(Inquiry, Option<Timestamp>)>);

impl Inquiries {
    /// What the store has.
    ///
    /// # Errors
    /// Rows that can't be read.
    pub(crate) fn load(reader: &dyn Reader) -> Result<Self, rows::Error> {
        let mut inquiries = Self::default();
        rows::scan(reader, Range::prefix(*b"w"), |row| {
            let (inquiry, until) =
                of_row(&row.key).zip(rows::decode('w', &row.value).ok()).ok_or(rows::Error::Row('w'))?;
            inquiries.ask(inquiry, until);
            Ok(())
        })?;
        inquiries.changed.clear();
        Ok(inquiries)
    }

    /// How many wait for an answer.
    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.open.len()
    }

    /// Takes a question in.
    pub(crate) fn ask(&mut self, inquiry: Inquiry, until: Timestamp) {
        if self.open.len() >= INQUIRIES_MAX && !self.open.contains_key(&inquiry) {
            tracing::warn!("too many orders are searched for; one more is not");
            return;
        }
        self.answered(inquiry);
        self.open.insert(inquiry, until);
        self.until.insert((until, inquiry));
        self.unsearched.insert(inquiry);
    }

    /// Takes a question away.
    pub(crate) fn answered(&mut self, inquiry: Inquiry) {
        if let Some(until) = self.open.remove(&inquiry) {
            self.until.remove(&(until, inquiry));
        }
        self.unsearched.remove(&inquiry);
        self.found.remove(&inquiry);
        self.changed.insert(inquiry);
    }

    /// Takes those away whose time is over.
    pub(crate) fn forget_before(&mut self, now: Timestamp) {
        while let Some((_, inquiry)) = self.until.first().filter(|(until, _)| *until < now).copied() {
            self.answered(inquiry);
        }
    }

    /// The account may know the order.
    pub(crate) fn found(&mut self, order: Fingerprint, account: AccountId) {
        let askers = self.open.range((order, FIRST)..).take_while(|((of, _), _)| *of == order);
        for (inquiry, _) in askers {
            self.found.insert(*inquiry, account);
        }
    }

    /// The account does not know the order, after all.
    pub(crate) fn not_there(&mut self, inquiry: Inquiry) {
        self.found.remove(&inquiry);
    }

    /// What may be known, by which account.
    pub(crate) fn to_decide(&self) -> impl Iterator<Item = (Inquiry, AccountId)> {
        self.found.iter().map(|(inquiry, account)| (*inquiry, *account))
    }

    /// An order for which the index is to be searched now, unless a search is under way.
    pub(crate) fn take_unsearched(&mut self) -> Option<Fingerprint> {
        if self.searching { None } else { self.unsearched.pop_first().map(|(order, _)| order) }
    }

    /// Whether a search of the index is under way from now on: one at a time, as each reads a row for each segment.
    pub(crate) fn search(&mut self, under_way: bool) {
        self.searching = under_way;
    }

    /// Takes out what changed since the last call, for the store.
    pub(crate) fn take_changed(&mut self) -> Changes {
        let changed = std::mem::take(&mut self.changed).into_iter();
        Changes(changed.map(|inquiry| (inquiry, self.open.get(&inquiry).copied())).collect())
    }
}

/// The least account.
const FIRST: AccountId = AccountId(Uuid::nil());

impl Changes {
    pub(crate) fn put(&self, checkpoint: &mut Checkpoint) {
        for ((order, asker), until) in &self.0 {
            let key = [b"w".as_slice(), order.bytes(), asker.0.as_bytes()].concat();
            match until {
                Some(until) => checkpoint.put(key, rows::encode(until)),
                None => checkpoint.delete(key),
            }
        }
    }
}

fn of_row(key: &[u8]) -> Option<Inquiry> {
    let (order, asker) = key.get(1..)?.split_first_chunk::<16>()?;
    Some((Fingerprint::from_bytes(*order), AccountId(Uuid::from_slice(asker).ok()?)))
}
