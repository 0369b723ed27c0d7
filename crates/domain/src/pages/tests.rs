//! The index in pages against a plain map.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// A value that weighs what it says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Heavy(usize);

impl Weigh for Heavy {
    fn weight(&self) -> usize {
        self.0
    }
}

type Index = Pages<Heavy, u32>;

fn stored(index: &Index) -> Index {
    let store = |page: &Arc<Page<Heavy, u32>>| postcard::to_stdvec(&**page).unwrap();
    let bytes = index.pages().iter().map(store);
    Index::from_pages(bytes.map(|bytes| postcard::from_bytes(&bytes).unwrap()).collect())
}

fn entries(index: &Index) -> Vec<(u32, usize)> {
    index.iter().map(|(key, value)| (*key, value.0)).collect()
}

#[test]
fn a_value_too_heavy_for_a_page_has_one_of_its_own() {
    let mut index = Index::default();
    for (key, weight) in [(1, 10), (2, 10), (3, PAGE_BYTES), (4, 10), (5, 10)] {
        index.insert(key, Heavy(weight), 7);
    }
    let pages: Vec<Vec<u32>> =
        index.pages().iter().map(|page| page.entries.iter().map(|(key, _)| *key).collect()).collect();
    assert_eq!(pages, [vec![1, 2], vec![3], vec![4, 5]]);
    assert_eq!(index.pages().iter().map(|page| page.from).collect::<Vec<_>>(), [0, 3, 4]);
}

#[test]
fn a_change_marks_the_pages_that_it_touches_and_no_other() {
    let mut index = Index::default();
    for key in 0..100 {
        index.insert(key, Heavy(1_000), 1);
    }
    assert!(index.pages().len() > 10);
    let before = index.clone();
    index.change(&50, 2, |value| value.0 = 900);
    let changed: Vec<_> = index.pages().iter().filter(|page| page.changed == 2).collect();
    assert_eq!(changed.len(), 1);
    assert!(changed[0].entries.contains(&(50, Heavy(900))));
    assert_eq!(before.get(&50), Some(&Heavy(1_000)), "a copy does not change");
    let shared = before.pages().iter().zip(index.pages()).filter(|(one, other)| Arc::ptr_eq(one, other));
    assert_eq!(shared.count(), index.pages().len() - 1);
}

#[test]
#[should_panic(expected = "a key is added once")]
fn a_key_has_one_value() {
    let mut index = Index::default();
    index.insert(1, Heavy(1), 1);
    index.insert(1, Heavy(1), 2);
}

#[test]
#[should_panic(expected = "what is changed is known")]
fn what_is_not_there_does_not_change() {
    let mut index = Index::default();
    index.insert(1, Heavy(1), 1);
    index.change(&2, 2, |_| {});
}

proptest! {
    #[test]
    fn an_index_is_a_map_in_pages_that_stay_small(
        steps in prop::collection::vec((0..200_u32, 0..4_000_usize), 0..300)
    ) {
        let (mut index, mut map) = (Index::default(), BTreeMap::new());
        for (seq, (key, weight)) in (1..).zip(steps) {
            if map.insert(key, weight).is_none() {
                index.insert(key, Heavy(weight), seq);
            } else {
                index.change(&key, seq, |value| value.0 = weight);
            }
            prop_assert_eq!(index.get(&key), Some(&Heavy(weight)));
        }
        prop_assert_eq!(entries(&index), map.clone().into_iter().collect::<Vec<_>>());
        prop_assert_eq!(entries(&stored(&index)), entries(&index));
        for key in 0..200 {
            prop_assert_eq!(index.get(&key).map(|value| value.0), map.get(&key).copied());
        }
        for page in index.pages() {
            prop_assert!(!page.entries.is_empty());
            prop_assert!(page.entries.len() == 1 || page.weight() <= PAGE_BYTES);
            prop_assert!(page.entries.iter().all(|(key, _)| page.from <= *key));
        }
    }
}
