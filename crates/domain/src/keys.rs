//! The index of ids and once-limits of an account: what was asked before, and what became of it.
//!
//! Pages in the order of their keys, each split in its middle when it is full, as the leaves of a B-tree: an insert
//! touches two pages at the most, and no page outgrows its row, whatever ids a partner picks. Hashed into buckets, ids
//! could be picked to lie in one.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::few::insert_with_little_room;
use crate::{Fingerprint, Timestamp};

/// Entries of a page; with more of them it is split.
const PAGE_ENTRIES: usize = 64;

/// Contents remembered under one id. They all lie in one page, so what is refused beyond them is not remembered: it is
/// refused again, as its id is used up.
const CONTENTS_MAX: usize = 32;

// A page that is too full has two keys at least, so that it can be split between them: one key has the refused contents,
// and what was applied or claimed.
const _: () = assert!(PAGE_ENTRIES > CONTENTS_MAX + 2);

/// What a key stands for. Frozen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum KeyState {
    /// A command that took effect.
    Applied,
    /// A command that was refused.
    Refused,
    /// What a rule grants once.
    Claimed,
    /// A command that came too early, and is decided again later.
    Waiting,
    /// An event that the account which this one is linked to decides.
    Forwarded,
}

/// One known key. Frozen in stored data.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct KeyEntry {
    /// The id's or once-limit's fingerprint.
    pub key: Fingerprint,
    /// The fingerprint of what the command said.
    pub content: Fingerprint,
    /// The account's activity that says what became of it.
    pub activity: u32,
    /// What became of it.
    pub state: KeyState,
    /// Until when it has to be known; older entries may be forgotten.
    pub keep_until: Timestamp,
}

/// A page of entries, stored as one.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct KeyPage {
    /// The journal position of the last change.
    #[serde(skip)]
    pub changed: u64,
    /// The lowest key that belongs here; it never changes and names the page. 0 for the first page.
    pub from: Fingerprint,
    /// In the order of their keys; those of one key in the order in which they came.
    pub entries: Vec<KeyEntry>,
}

/// Whether a command is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Seen {
    /// No: it has to be decided.
    New,
    /// Yes, word for word: this activity holds its outcome.
    Repeat(u32),
    /// The id took effect or waits with other content, or was refused with so much of it that it is used up.
    Taken,
    /// The id was refused with other content.
    RefusedBefore,
}

/// The index.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct KeyIndex {
    pages: Vec<Arc<KeyPage>>,
}

impl KeyIndex {
    /// Puts stored pages together again, in their order.
    pub fn from_pages(pages: Vec<KeyPage>) -> Self {
        Self { pages: pages.into_iter().map(Arc::new).collect() }
    }

    /// The pages, in the order of their keys.
    pub fn pages(&self) -> &[Arc<KeyPage>] {
        &self.pages
    }

    /// What is known of a command. What was forwarded before the activity `own_since` was so to an account that decides for
    /// this one no more. What was forwarded and `comes_back` is not a repeat: nobody has decided it yet.
    pub fn seen(&self, key: &Fingerprint, content: &Fingerprint, own_since: u32, comes_back: bool) -> Seen {
        let mut seen = Seen::New;
        let mut contents = 0;
        for entry in self.of(key) {
            if entry.content == *content {
                if comes_back && entry.state == KeyState::Forwarded {
                    continue;
                }
                return Seen::Repeat(entry.activity);
            }
            seen = match (seen, entry.state) {
                (_, KeyState::Applied | KeyState::Claimed | KeyState::Waiting)
                | (Seen::Taken, KeyState::Refused | KeyState::Forwarded) => Seen::Taken,
                // It may have taken effect there, which nobody says here.
                (_, KeyState::Forwarded) if entry.activity < own_since => Seen::Taken,
                // Whoever decides what was forwarded knows whether its id is taken.
                (_, KeyState::Refused | KeyState::Forwarded) => Seen::RefusedBefore,
            };
            contents += 1;
        }
        if contents < CONTENTS_MAX { seen } else { Seen::Taken }
    }

    /// The activity that decided the id last: the one in effect or waiting, else the last one that was forwarded, else the last
    /// refusal.
    pub fn activity(&self, key: &Fingerprint) -> Option<u32> {
        let stands = |entry: &&KeyEntry| matches!(entry.state, KeyState::Applied | KeyState::Waiting);
        let rank = |entry: &&KeyEntry| (entry.state == KeyState::Forwarded, entry.activity);
        let other = || self.of(key).max_by_key(rank);
        self.of(key).find(stands).or_else(other).map(|entry| entry.activity)
    }

    /// Whether a once-limit was used up.
    pub fn claimed(&self, claim: &Fingerprint) -> bool {
        self.of(claim).any(|entry| entry.state == KeyState::Claimed)
    }

    /// The once-limits that were used up, from this one on and in order.
    pub fn claims(&self, from: Fingerprint) -> impl Iterator<Item = &Fingerprint> {
        let first = self.page_of(&from).unwrap_or(0);
        let entries = self.pages[first..].iter().flat_map(|page| &page.entries);
        let claimed = entries.filter(|entry| entry.state == KeyState::Claimed).map(|entry| &entry.key);
        claimed.skip_while(move |key| **key < from)
    }

    /// Adds an entry, and forgets those of its page that nobody has to know at `now` any more.
    pub(crate) fn insert(&mut self, entry: KeyEntry, now: Timestamp, seq: u64) {
        let repeatable = matches!(entry.state, KeyState::Refused | KeyState::Forwarded);
        if repeatable && self.of(&entry.key).count() >= CONTENTS_MAX {
            return;
        }
        if self.pages.is_empty() {
            insert_with_little_room(&mut self.pages, 0, Arc::default());
        }
        let number = self.page_of(&entry.key).expect("there is a page");
        let page = Arc::make_mut(&mut self.pages[number]);
        page.changed = seq;
        if page.entries.len() >= PAGE_ENTRIES {
            // What waits is decided again, however long the shard stood still.
            page.entries.retain(|known| known.state == KeyState::Waiting || known.keep_until >= now);
        }
        let at = page.entries.partition_point(|known| known.key <= entry.key);
        insert_with_little_room(&mut page.entries, at, entry);
        if page.entries.len() > PAGE_ENTRIES {
            let upper = page.split(seq);
            insert_with_little_room(&mut self.pages, number + 1, Arc::new(upper));
        }
    }

    /// A command that waited, or that was forwarded and came back, was decided again: its entry is this one now. False if there
    /// is none.
    pub(crate) fn settle(&mut self, entry: KeyEntry, seq: u64) -> bool {
        let Some(number) = self.page_of(&entry.key) else { return false };
        let waits = |known: &KeyEntry| {
            matches!(known.state, KeyState::Waiting | KeyState::Forwarded)
                && known.key == entry.key
                && known.content == entry.content
        };
        let Some(at) = self.pages[number].entries.iter().position(waits) else { return false };
        let page = Arc::make_mut(&mut self.pages[number]);
        page.changed = seq;
        page.entries[at] = entry;
        true
    }

    /// The number of the page that `key` belongs to; `None` as long as there is none.
    fn page_of(&self, key: &Fingerprint) -> Option<usize> {
        self.pages.partition_point(|page| page.from <= *key).checked_sub(1)
    }

    fn of<'a>(&'a self, key: &'a Fingerprint) -> impl Iterator<Item = &'a KeyEntry> {
        let entries = self.page_of(key).map_or(&[][..], |number| &self.pages[number].entries);
        let first = entries.partition_point(|entry| entry.key < *key);
        entries[first..].iter().take_while(move |entry| entry.key == *key)
    }
}

impl KeyPage {
    /// Cuts off the upper half, at the border between two keys that is next to the middle.
    fn split(&mut self, seq: u64) -> Self {
        let middle = self.entries.len() / 2;
        let border = |at: &usize| self.entries[at - 1].key != self.entries[*at].key;
        let at = (1..self.entries.len()).filter(border).min_by_key(|at| at.abs_diff(middle));
        let upper = self.entries.split_off(at.expect("a page that is too full has two keys"));
        Self { changed: seq, from: upper[0].key, entries: upper }
    }
}

#[cfg(test)]
mod tests;
