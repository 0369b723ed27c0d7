//! The index of ids and once-limits of an account: what was asked before, and what became of it.
//!
//! Linear hashing (Litwin, 1980): pages split one at a time, in a fixed order, as entries come, so that an insert
//! touches two pages at the most and storage needs no directory.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Fingerprint, Timestamp};

/// Entries for each page on average, before the next page is split.
const PAGE_ENTRIES: usize = 48;

/// Contents remembered under one id. They all lie in one page, so what is refused beyond them is not remembered: it is
/// refused again, as its id is used up.
const CONTENTS_MAX: usize = 32;

/// What a key stands for. Frozen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum KeyState {
    /// A command that took effect.
    Applied,
    /// A command that was refused.
    Refused,
    /// What a rule grants once.
    Claimed,
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
    /// In the order in which they came.
    pub entries: Vec<KeyEntry>,
}

/// Whether a command is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Seen {
    /// No: it has to be decided.
    New,
    /// Yes, word for word: this activity holds its outcome.
    Repeat(u32),
    /// The id took effect with other content, or was refused with so much of it that it is used up.
    Taken,
    /// The id was refused with other content.
    RefusedBefore,
}

/// The index.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct KeyIndex {
    pages: Vec<Arc<KeyPage>>,
    entries: usize,
}

impl KeyIndex {
    /// Puts stored pages together again, in the order of their numbers.
    pub fn from_pages(pages: Vec<KeyPage>) -> Self {
        let entries = pages.iter().map(|page| page.entries.len()).sum();
        Self { pages: pages.into_iter().map(Arc::new).collect(), entries }
    }

    /// The pages, by number.
    pub fn pages(&self) -> &[Arc<KeyPage>] {
        &self.pages
    }

    /// What is known of a command.
    pub fn seen(&self, key: &Fingerprint, content: &Fingerprint) -> Seen {
        let mut seen = Seen::New;
        let mut contents = 0;
        for entry in self.of(key) {
            if entry.content == *content {
                return Seen::Repeat(entry.activity);
            }
            seen = match (seen, entry.state) {
                (_, KeyState::Applied | KeyState::Claimed) | (Seen::Taken, KeyState::Refused) => Seen::Taken,
                (_, KeyState::Refused) => Seen::RefusedBefore,
            };
            contents += 1;
        }
        if contents < CONTENTS_MAX { seen } else { Seen::Taken }
    }

    /// The activity that decided the id last: the one in effect, else the last refusal.
    pub fn activity(&self, key: &Fingerprint) -> Option<u32> {
        let applied = self.of(key).find(|entry| entry.state == KeyState::Applied);
        applied.or_else(|| self.of(key).last()).map(|entry| entry.activity)
    }

    /// Whether a once-limit was used up.
    pub fn claimed(&self, claim: &Fingerprint) -> bool {
        self.of(claim).any(|entry| entry.state == KeyState::Claimed)
    }

    /// Adds an entry, and forgets those of its page that nobody has to know at `now` any more.
    pub(crate) fn insert(&mut self, entry: KeyEntry, now: Timestamp, seq: u64) {
        if entry.state == KeyState::Refused && self.of(&entry.key).count() >= CONTENTS_MAX {
            return;
        }
        if self.pages.is_empty() {
            self.pages.push(Arc::default());
        }
        let number = page_of(&entry.key, self.pages.len());
        let page = Arc::make_mut(&mut self.pages[number]);
        page.changed = seq;
        if page.entries.len() >= PAGE_ENTRIES {
            let before = page.entries.len();
            page.entries.retain(|known| known.keep_until >= now);
            self.entries -= before - page.entries.len();
        }
        page.entries.push(entry);
        self.entries += 1;
        if self.entries > self.pages.len() * PAGE_ENTRIES {
            self.split(seq);
        }
    }

    fn split(&mut self, seq: u64) {
        let new = self.pages.len();
        let source = new - (1 << new.ilog2());
        let page = Arc::make_mut(&mut self.pages[source]);
        page.changed = seq;
        let (stay, go) = page.entries.iter().partition(|entry| page_of(&entry.key, new + 1) == source);
        page.entries = stay;
        self.pages.push(Arc::new(KeyPage { changed: seq, entries: go }));
    }

    fn of<'a>(&'a self, key: &'a Fingerprint) -> impl Iterator<Item = &'a KeyEntry> {
        let page =
            if self.pages.is_empty() { None } else { Some(&self.pages[page_of(key, self.pages.len())]) };
        page.into_iter().flat_map(|page| &page.entries).filter(move |entry| entry.key == *key)
    }
}

/// The page of `pages` that holds `key`. Frozen: stored pages are found by it.
fn page_of(key: &Fingerprint, pages: usize) -> usize {
    let bytes = key.bytes();
    let hash = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize;
    let level = 1_usize << pages.ilog2();
    let wide = hash % (level * 2);
    if wide < pages { wide } else { hash % level }
}

#[cfg(test)]
mod tests;
