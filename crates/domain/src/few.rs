//! A map of few keys that takes no more memory than they do.
//!
//! A `BTreeMap` has a node with room for eleven entries from its first one on; most accounts have one programme and a handful
//! of consents, and there are very many accounts.

use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Index;
use std::sync::Arc;

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Values by key, in the order of the keys. A further key costs time and memory in proportion to those that there are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Few<K, V>(Vec<(K, V)>);

impl<K, V> Default for Few<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Ord, V> Few<K, V> {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The value of `key`.
    pub fn get(&self, key: &K) -> Option<&V> {
        self.place(key).ok().map(|at| &self.0[at].1)
    }

    /// The value of `key`, to be changed.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.place(key).ok().map(|at| &mut self.0[at].1)
    }

    /// Whether `key` has a value.
    pub fn contains_key(&self, key: &K) -> bool {
        self.place(key).is_ok()
    }

    /// Keys and values, in the order of the keys.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> + Clone {
        self.0.iter().map(|(key, value)| (key, value))
    }

    /// The keys, in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &K> + Clone {
        self.0.iter().map(|(key, _)| key)
    }

    /// The values, in the order of their keys.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> + Clone {
        self.0.iter().map(|(_, value)| value)
    }

    /// Sets the value of `key`; the one that it had.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.place(&key) {
            Ok(at) => Some(std::mem::replace(&mut self.0[at].1, value)),
            Err(at) => {
                self.add(at, key, value);
                None
            }
        }
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    fn add(&mut self, at: usize, key: K, value: V) {
        self.0.reserve_exact(1);
        self.0.insert(at, (key, value));
    }

    fn place(&self, key: &K) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| known.cmp(key))
    }
}

impl<K: Ord, V: Default> Few<K, V> {
    /// The value of `key`, which is the default one if it had none.
    pub fn or_default(&mut self, key: K) -> &mut V {
        let at = self.place(&key).unwrap_or_else(|at| {
            self.add(at, key, V::default());
            at
        });
        &mut self.0[at].1
    }
}

impl<K: Ord, V> Index<&K> for Few<K, V> {
    type Output = V;

    /// The value of `key`.
    ///
    /// # Panics
    /// If it has none.
    fn index(&self, key: &K) -> &V {
        self.get(key).expect("the key has a value")
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for Few<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut few = Self::default();
        for (key, value) in entries {
            few.insert(key, value);
        }
        few
    }
}

/// As a map.
impl<K: Serialize, V: Serialize> Serialize for Few<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in &self.0 {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

impl<'de, K: Deserialize<'de> + Ord, V: Deserialize<'de>> Deserialize<'de> for Few<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Entries(PhantomData))
    }
}

struct Entries<K, V>(PhantomData<(K, V)>);

impl<'de, K: Deserialize<'de> + Ord, V: Deserialize<'de>> Visitor<'de> for Entries<K, V> {
    type Value = Few<K, V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Few<K, V>, A::Error> {
        // How many there are is what the bytes say: they get room as they come.
        let mut few = Few::default();
        while let Some((key, value)) = map.next_entry()? {
            few.insert(key, value);
        }
        Ok(few)
    }
}

/// A sorted set that is empty in most accounts, and shared between copies: an empty one takes no memory of its own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct RareSet<T>(
    /// Never empty.
    Option<Arc<BTreeSet<T>>>,
);

impl<T> Default for RareSet<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Clone + Ord> RareSet<T> {
    pub(crate) fn first(&self) -> Option<&T> {
        self.0.as_ref().and_then(|set| set.first())
    }

    pub(crate) fn contains(&self, value: &T) -> bool {
        self.0.as_ref().is_some_and(|set| set.contains(value))
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.0.iter().flat_map(|set| set.iter())
    }

    pub(crate) fn insert(&mut self, value: T) {
        Arc::make_mut(self.0.get_or_insert_default()).insert(value);
    }

    pub(crate) fn remove(&mut self, value: &T) {
        if let Some(set) = &mut self.0 {
            let set = Arc::make_mut(set);
            set.remove(value);
            if set.is_empty() {
                self.0 = None;
            }
        }
    }
}

impl<T: Ord> FromIterator<T> for RareSet<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        let set: BTreeSet<T> = values.into_iter().collect();
        Self(if set.is_empty() { None } else { Some(Arc::new(set)) })
    }
}

/// Adds `value` at `at`, with room for half as many more at the most, where a vector starts with room for four and doubles: pages
/// of accounts hold one value for long.
pub(crate) fn insert_with_little_room<T>(values: &mut Vec<T>, at: usize, value: T) {
    if values.len() == values.capacity() {
        values.reserve_exact((values.len() / 2).max(1));
    }
    values.insert(at, value);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_map(changes in prop::collection::vec((0_u8..12, 0_u16..4, any::<bool>()), 0..40)) {
            let (mut few, mut map) = (Few::default(), BTreeMap::new());
            for (key, value, add) in changes {
                if add {
                    *few.or_default(key) += value;
                    *map.entry(key).or_default() += value;
                } else {
                    prop_assert_eq!(few.insert(key, value), map.insert(key, value));
                }
            }
            for key in 0..12 {
                prop_assert_eq!(few.get(&key), map.get(&key));
                prop_assert_eq!(few.contains_key(&key), map.contains_key(&key));
            }
            prop_assert!(few.iter().eq(&map));
            prop_assert!(few.keys().eq(map.keys()));
            prop_assert!(few.values().eq(map.values()));
            prop_assert_eq!((few.len(), few.is_empty()), (map.len(), map.is_empty()));
            prop_assert_eq!(&map.clone().into_iter().rev().collect::<Few<_, _>>(), &few);
            // Stored alike, and read from what is out of order.
            let bytes = postcard::to_stdvec(&map).unwrap();
            prop_assert_eq!(&postcard::to_stdvec(&few).unwrap(), &bytes);
            prop_assert_eq!(postcard::from_bytes::<Few<u8, u16>>(&bytes).unwrap(), few);
        }
    }

    #[test]
    fn a_rare_set_is_a_set_and_its_copies_are_apart() {
        let mut set = RareSet::default();
        [3, 1, 2].into_iter().for_each(|value| set.insert(value));
        let copy = set.clone();
        [1, 2, 2, 7].iter().for_each(|value| set.remove(value));
        assert_eq!((set.first(), set.contains(&3), set.contains(&1)), (Some(&3), true, false));
        assert!(copy.iter().rev().eq(&[3, 2, 1]));
        assert_eq!(copy, [1, 2, 3].into_iter().collect());
        set.remove(&3);
        assert_eq!(set, RareSet::default());
        assert_eq!(set, [].into_iter().collect());
    }

    #[test]
    fn one_entry_takes_the_room_of_one() {
        let mut few = Few::default();
        few.insert(1, [0_u64; 16]);
        assert_eq!(few.0.capacity(), 1);
        let mut values = Vec::new();
        let rooms: Vec<usize> = (0..8)
            .map(|value| {
                insert_with_little_room(&mut values, 0, value);
                values.capacity()
            })
            .collect();
        assert_eq!(rooms, [1, 2, 3, 4, 6, 6, 9, 9]);
    }
}
