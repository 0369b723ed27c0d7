//! The index of ids against a plain map.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn hash(number: u64) -> Fingerprint {
    Fingerprint::of("test").field(1, &number.to_be_bytes()).done()
}

fn entry(key: u64, content: u64, activity: u32, state: KeyState, keep_until: i64) -> KeyEntry {
    let keep_until = Timestamp::from_millis(keep_until);
    KeyEntry { key: hash(key), content: hash(content), activity, state, keep_until }
}

fn stored(index: &KeyIndex) -> Vec<KeyPage> {
    let store = |page: &Arc<KeyPage>| postcard::to_stdvec(&**page).unwrap();
    index.pages().iter().map(store).map(|bytes| postcard::from_bytes(&bytes).unwrap()).collect()
}

fn index_of(entries: impl IntoIterator<Item = KeyEntry>) -> KeyIndex {
    let mut index = KeyIndex::default();
    for (seq, entry) in (1..).zip(entries) {
        index.insert(entry, Timestamp::MIN, seq);
    }
    index
}

#[test]
fn what_is_known_of_a_key() {
    use KeyState::{Applied, Claimed, Forwarded, Refused};
    for (states, same, other, activity) in [
        (&[][..], Seen::New, Seen::New, None),
        (&[Applied], Seen::Repeat(0), Seen::Taken, Some(0)),
        (&[Refused], Seen::Repeat(0), Seen::RefusedBefore, Some(0)),
        (&[Refused, Refused], Seen::Repeat(0), Seen::RefusedBefore, Some(1)),
        (&[Refused, Applied], Seen::Repeat(0), Seen::Taken, Some(1)),
        (&[Applied, Refused], Seen::Repeat(0), Seen::Taken, Some(0)),
        (&[Refused, Applied, Refused], Seen::Repeat(0), Seen::Taken, Some(1)),
    ] {
        // The nth entry says the content n, so the first one's content is 0, and 9 is nobody's.
        let index = index_of((0..).zip(states).map(|(nth, state)| entry(1, nth, nth as u32, *state, 0)));
        assert_eq!(index.seen(&hash(1), &hash(0), 0, false), same, "{states:?}");
        assert_eq!(index.seen(&hash(1), &hash(9), 0, false), other, "{states:?}");
        assert_eq!(index.activity(&hash(1)), activity, "{states:?}");
        assert!(!index.claimed(&hash(1)));
    }
    // What was forwarded to an account that decides no more is taken, and still where it went.
    let index = index_of([entry(1, 0, 5, Forwarded, 0), entry(1, 1, 7, Refused, 0)]);
    assert_eq!(index.seen(&hash(1), &hash(9), 5, false), Seen::RefusedBefore);
    assert_eq!(index.seen(&hash(1), &hash(9), 6, false), Seen::Taken);
    assert_eq!(index.seen(&hash(1), &hash(0), 6, false), Seen::Repeat(5));
    assert_eq!(index.activity(&hash(1)), Some(5));
    assert_eq!(index.seen(&hash(1), &hash(0), 0, true), Seen::RefusedBefore, "it comes back");
    let index = index_of([entry(1, 1, 0, Claimed, 0)]);
    assert!(index.claimed(&hash(1)) && !index.claimed(&hash(2)));
}

#[test]
fn an_entry_is_forgotten_only_once_its_time_is_over_and_its_page_is_full() {
    let mut index =
        index_of((0..PAGE_ENTRIES as u64).map(|key| entry(key, key, 0, KeyState::Applied, key as i64)));
    let known = |index: &KeyIndex| {
        let known = |key: &u64| index.seen(&hash(*key), &hash(*key), 0, false) == Seen::Repeat(0);
        (0..PAGE_ENTRIES as u64).filter(known).collect::<Vec<_>>()
    };
    assert_eq!(known(&index).len(), PAGE_ENTRIES);
    // Key 10 has to be known until the instant 10, inclusive.
    index.insert(entry(100, 100, 0, KeyState::Applied, 1_000), Timestamp::from_millis(10), 99);
    assert_eq!(known(&index), (10..PAGE_ENTRIES as u64).collect::<Vec<_>>());
    // The page has room again, so nothing is forgotten.
    index.insert(entry(101, 101, 0, KeyState::Applied, 1_000), Timestamp::from_millis(40), 100);
    assert_eq!(known(&index), (10..PAGE_ENTRIES as u64).collect::<Vec<_>>());
}

#[test]
fn an_index_does_not_grow_with_what_may_be_forgotten() {
    let (mut index, window) = (KeyIndex::default(), 1_000);
    for now in 0..30_000_u64 {
        let at = Timestamp::from_millis(now as i64);
        index.insert(entry(now, now, now as u32, KeyState::Applied, now as i64 + window), at, now);
    }
    for live in 29_000..30_000_u64 {
        assert_eq!(index.seen(&hash(live), &hash(live), 0, false), Seen::Repeat(live as u32));
    }
    let entries: usize = index.pages().iter().map(|page| page.entries.len()).sum();
    assert!(entries <= 4 * window as usize, "{entries} entries for {window} that count");
}

#[test]
fn ids_can_not_be_picked_so_that_a_page_grows() {
    // Those whose keys have the same first 12 bits: about 4,096 tries for each.
    let picked = (0..).map(hash).filter(|key| key.bytes()[0] == 7 && key.bytes()[1] >> 4 == 7);
    let mut index = KeyIndex::default();
    for (seq, key) in (1..).zip(picked.take(1_000)) {
        index.insert(KeyEntry { key, ..entry(0, 0, 0, KeyState::Applied, 0) }, Timestamp::MIN, seq);
        let longest = index.pages().iter().map(|page| page.entries.len()).max();
        assert!(longest <= Some(PAGE_ENTRIES), "{longest:?} entries in a page");
    }
    let entries: usize = index.pages().iter().map(|page| page.entries.len()).sum();
    assert_eq!(entries, 1_000);
    assert!(index.pages().len() <= 1_000_usize.div_ceil(PAGE_ENTRIES / 2), "pages are half full at least");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn an_index_is_a_map_in_pages(
        inserts in proptest::collection::vec((0..3_000_u64, 0..3_u64, 0..3_u8), 0..5_000),
        reload_at in 0..5_000_usize,
    ) {
        let (mut index, mut model) = (KeyIndex::default(), BTreeMap::<u64, Vec<(u64, u32, KeyState)>>::new());
        for (nth, (key, content, state)) in inserts.into_iter().enumerate() {
            let (activity, seq) = (nth as u32, nth as u64 + 1);
            let state = [KeyState::Applied, KeyState::Refused, KeyState::Claimed][usize::from(state)];
            if nth == reload_at {
                let again = KeyIndex::from_pages(stored(&index));
                prop_assert_eq!(stored(&again), stored(&index));
                index = again;
            }
            let before = index.clone();
            index.insert(entry(key, content, activity, state, 0), Timestamp::MIN, seq);
            model.entry(key).or_default().push((content, activity, state));
            let changed = index.pages().iter().filter(|page| page.changed == seq).count();
            prop_assert!((1..=2).contains(&changed), "an insert touches its page and the one that is cut off from it");
            for page in index.pages().iter().filter(|page| page.changed != seq) {
                let before = before.pages().iter().any(|old| Arc::ptr_eq(page, old));
                prop_assert!(before, "a page changed in silence");
            }
        }
        let pages = index.pages();
        for (number, page) in pages.iter().enumerate() {
            prop_assert!(page.entries.len() <= PAGE_ENTRIES, "{} entries in a page", page.entries.len());
            let until = pages.get(number + 1).map(|next| next.from);
            let here = |entry: &KeyEntry| page.from <= entry.key && until.is_none_or(|until| entry.key < until);
            prop_assert!(page.entries.iter().all(here));
        }
        let entries: usize = model.values().map(Vec::len).sum();
        prop_assert_eq!(pages.iter().map(|page| page.entries.len()).sum::<usize>(), entries);
        for key in 0..3_000 {
            let known = model.get(&key).map_or(&[][..], Vec::as_slice);
            for content in 0..4 {
                let expected = match known.iter().find(|(said, ..)| *said == content) {
                    Some((_, activity, _)) => Seen::Repeat(*activity),
                    None if known.is_empty() => Seen::New,
                    None if known.iter().all(|(.., state)| *state == KeyState::Refused) => Seen::RefusedBefore,
                    None => Seen::Taken,
                };
                prop_assert_eq!(index.seen(&hash(key), &hash(content), 0, false), expected);
            }
            let claimed = known.iter().any(|(.., state)| *state == KeyState::Claimed);
            prop_assert_eq!(index.claimed(&hash(key)), claimed);
            let applied = known.iter().find(|(.., state)| *state == KeyState::Applied).or(known.last());
            prop_assert_eq!(index.activity(&hash(key)), applied.map(|(_, activity, _)| *activity));
        }
    }
}
