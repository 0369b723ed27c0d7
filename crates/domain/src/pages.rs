//! An index of values by key that is stored in pages: what an account keeps for ever, and changes a little at a time.
//!
//! As in [`crate::keys`], pages lie in the order of their keys and are split when they are full, so a change touches two
//! at the most, and copies share the rest. Values differ in size, so a page is full by weight: a row that holds one stays
//! small, unless a single value is heavier than that.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Fingerprint;
use crate::few::insert_with_little_room;

/// The weight of a page, in bytes; with more, and two values at least, it is split.
pub const PAGE_BYTES: usize = 8 * 1024;

/// What knows about how many bytes it takes when it is stored.
pub trait Weigh {
    /// The bytes, estimated: a page is split by them, so they must follow from the value alone.
    fn weight(&self) -> usize;
}

/// A run of values that is stored, and copied when it changes, as one.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Page<V, K = Fingerprint> {
    /// The journal position of the last change; what is stored is not newer than the checkpoint that holds it.
    #[serde(skip)]
    pub changed: u64,
    /// The lowest key that belongs here; it never changes and names the page. The lowest of all for the first page.
    pub from: K,
    /// In the order of their keys; empty only if the index was cleared.
    pub entries: Vec<(K, V)>,
}

/// The index: one value a key. None leaves it, but for those that [`Pages::insert_forgetting`] lets go, and for all at once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pages<V, K = Fingerprint> {
    pages: Vec<Arc<Page<V, K>>>,
}

impl<V, K> Default for Pages<V, K> {
    fn default() -> Self {
        Self { pages: Vec::new() }
    }
}

impl<V: Weigh, K> Page<V, K> {
    /// About how many bytes it takes when it is stored.
    pub fn weight(&self) -> usize {
        self.entries.iter().map(|(_, value)| size_of::<K>() + value.weight()).sum()
    }
}

impl<V: Clone + Weigh, K: Copy + Ord + Default> Pages<V, K> {
    /// Puts stored pages together again, in their order.
    pub fn from_pages(pages: Vec<Page<V, K>>) -> Self {
        Self { pages: pages.into_iter().map(Arc::new).collect() }
    }

    /// The pages, in the order of their keys.
    pub fn pages(&self) -> &[Arc<Page<V, K>>] {
        &self.pages
    }

    /// The value of `key`.
    pub fn get(&self, key: &K) -> Option<&V> {
        let entries = &self.pages[self.page_of(key)?].entries;
        let at = entries.binary_search_by_key(key, |(known, _)| *known).ok()?;
        Some(&entries[at].1)
    }

    /// Keys and values, in the order of the keys; from either end.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.pages.iter().flat_map(|page| &page.entries).map(|(key, value)| (key, value))
    }

    /// Adds a value; where its page is full, those go that `may`. The only page of an index loses none, so that one that has
    /// outgrown its account's row doesn't fit there again.
    ///
    /// # Panics
    /// If the key has one: a broken invariant.
    pub fn insert_forgetting(&mut self, key: K, value: V, seq: u64, may: impl Fn(&V) -> bool) {
        if let Some(number) = self.page_of(&key)
            && self.pages.len() > 1
            && self.pages[number].weight() + value.weight() > PAGE_BYTES
        {
            Arc::make_mut(&mut self.pages[number]).entries.retain(|(_, known)| !may(known));
        }
        self.insert(key, value, seq);
    }

    /// Adds a value.
    ///
    /// # Panics
    /// If the key has one: a broken invariant.
    pub fn insert(&mut self, key: K, value: V, seq: u64) {
        if self.pages.is_empty() {
            let first = Page { changed: seq, from: K::default(), entries: Vec::new() };
            insert_with_little_room(&mut self.pages, 0, Arc::new(first));
        }
        self.touch(&key, seq, |page| {
            let place = page.entries.binary_search_by_key(&key, |(known, _)| *known);
            let place = place.expect_err("a key is added once");
            insert_with_little_room(&mut page.entries, place, (key, value));
        });
    }

    /// Changes the value of `key`.
    ///
    /// # Panics
    /// If there is none: a broken invariant.
    pub fn change(&mut self, key: &K, seq: u64, change: impl FnOnce(&mut V)) {
        self.touch(key, seq, |page| {
            let place = page.entries.binary_search_by_key(key, |(known, _)| *known);
            change(&mut page.entries[place.expect("what is changed is known")].1);
        });
    }

    /// Forgets all values. The pages stay, as each may have a row of its own.
    pub fn clear(&mut self, seq: u64) {
        for page in &mut self.pages {
            let page = Arc::make_mut(page);
            page.changed = seq;
            page.entries.clear();
        }
    }

    fn touch(&mut self, key: &K, seq: u64, change: impl FnOnce(&mut Page<V, K>)) {
        let number = self.page_of(key).expect("the first page starts at the lowest key");
        let page = Arc::make_mut(&mut self.pages[number]);
        page.changed = seq;
        change(page);
        self.split(number, seq);
    }

    /// Splits a page that is too full; next to a heavy value, a half of it can be too full again.
    fn split(&mut self, number: usize, seq: u64) {
        let page = &mut self.pages[number];
        if page.entries.len() > 1 && page.weight() > PAGE_BYTES {
            let upper = Arc::make_mut(page).split(seq);
            insert_with_little_room(&mut self.pages, number + 1, Arc::new(upper));
            self.split(number + 1, seq);
            self.split(number, seq);
        }
    }

    /// The number of the page that `key` belongs to; `None` as long as there is none.
    fn page_of(&self, key: &K) -> Option<usize> {
        self.pages.partition_point(|page| page.from <= *key).checked_sub(1)
    }
}

impl<V: Weigh, K: Copy> Page<V, K> {
    /// Cuts off the upper part, where the lower one comes closest to half of the weight from below; it keeps one value at
    /// least, however heavy.
    fn split(&mut self, seq: u64) -> Self {
        let half = self.weight() / 2;
        let mut below = 0;
        let fits = |(_, value): &&(K, V)| {
            below += size_of::<K>() + value.weight();
            below <= half
        };
        let keep = self.entries.iter().take_while(fits).count().max(1);
        let entries = self.entries.split_off(keep);
        Self { changed: seq, from: entries[0].0, entries }
    }
}

#[cfg(test)]
mod tests;
