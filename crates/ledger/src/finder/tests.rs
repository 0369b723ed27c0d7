//! The index against a plain list: what was noted last is found, whatever was stored when.

use coalition_store::{Identity, Mark, Memory, Opened, Store, digest};
use uuid::Uuid;

use super::*;

fn order(number: u64) -> Fingerprint {
    Fingerprint::of("order").field(1, &number.to_be_bytes()).done()
}

fn account(number: u64) -> AccountId {
    AccountId(Uuid::from_u128(u128::from(number)))
}

fn at(number: u64) -> Timestamp {
    Timestamp::from_millis(number.cast_signed())
}

fn store() -> Opened {
    Memory::new().open(&Identity { network: Uuid::nil(), shard: 0, format: 0 }).unwrap()
}

fn save(finder: &mut Finder, store: &mut Opened, seq: u64) {
    let mut checkpoint = Checkpoint::new(Mark { seq, head: [0; 32] });
    finder.take_changed(seq).put(&mut checkpoint);
    store.writer.apply(&checkpoint).unwrap();
}

fn found(finder: &Finder, store: &Opened, number: u64, since: Timestamp) -> Option<AccountId> {
    let stored = || find(&*store.reader, finder.kind, &order(number), finder.segment(), since).unwrap();
    finder.recent(&order(number)).or_else(stored)
}

/// Two and a half segments, an entry for each position of the journal, stored after every so many.
fn noted(every: u64) -> (Finder, Opened) {
    let (mut finder, mut store) = (Finder::new(Kind::Orders), store());
    for seq in 1..=SEGMENT * 5 / 2 {
        finder.note(order(seq), account(seq), at(seq), seq);
        if seq % every == 0 {
            save(&mut finder, &mut store, seq);
            // The store is behind by one checkpoint.
            finder.stored(seq - every);
        }
    }
    let last = finder.count();
    save(&mut finder, &mut store, last);
    (finder, store)
}

#[test]
fn what_was_noted_is_found_in_memory_or_in_the_store() {
    let (mut finder, store) = noted(1_000);
    for number in (1..=finder.count()).step_by(97) {
        assert_eq!(found(&finder, &store, number, at(0)), Some(account(number)), "{number}");
    }
    assert_eq!(found(&finder, &store, 0, at(0)), None);
    finder.stored(finder.count());
    let loaded = Finder::load(&*store.reader, Kind::Orders, finder.count()).unwrap();
    for number in (1..=finder.count()).step_by(97) {
        for finder in [&finder, &loaded] {
            assert_eq!(found(finder, &store, number, at(0)), Some(account(number)), "{number}");
        }
    }
}

#[test]
fn who_came_last_to_know_it_is_found() {
    let (mut finder, mut store) = noted(5_000);
    let seq = finder.count() + 1;
    finder.note(order(7), account(1), at(seq), seq);
    assert_eq!(found(&finder, &store, 7, at(0)), Some(account(1)));
    save(&mut finder, &mut store, seq);
    let loaded = Finder::load(&*store.reader, Kind::Orders, finder.count()).unwrap();
    assert_eq!(found(&loaded, &store, 7, at(0)), Some(account(1)));
}

#[test]
fn a_search_ends_with_segments_that_are_too_old() {
    let (finder, store) = noted(5_000);
    assert_eq!(found(&finder, &store, 7, at(SEGMENT / 2)), Some(account(7)), "its segment is not");
    assert_eq!(found(&finder, &store, 7, at(SEGMENT * 2)), None);
}

#[test]
fn rows_follow_from_what_was_noted_and_not_from_when_it_was_stored() {
    let [one, other] = [1_000, 7_001].map(noted).map(|(_, store)| digest(&*store.reader).unwrap());
    assert_eq!(one, other);
}
