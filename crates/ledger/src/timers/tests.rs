//! The index against a plain map, with answers of the store that are as old as they may be.

use std::collections::{BTreeMap, BTreeSet};

use coalition_domain::{AccountId, Span, Timestamp};
use coalition_store::{Checkpoint, Identity, Mark, Memory, Opened, Store};
use uuid::Uuid;

use super::{Changes, Entry, Timers, Upto, load};

/// As in [`Timers::bound`].
const WINDOW: usize = 4;

fn at(minutes: u64) -> Timestamp {
    Timestamp::from_millis(0).plus(Span::from_secs(minutes.cast_signed() * 60))
}

fn account(number: u64) -> AccountId {
    AccountId(Uuid::from_u128(u128::from(number)))
}

/// The index with a store, and what it should say.
struct World {
    timers: Timers,
    store: Opened,
    expected: BTreeMap<AccountId, Timestamp>,
    seq: u64,
    taken: Option<(Changes, u64)>,
    applied: Option<u64>,
    read: Option<Vec<Entry>>,
}

impl World {
    fn new() -> Self {
        let identity = Identity { network: Uuid::nil(), shard: 0, format: 0 };
        let store = Memory::new().open(&identity).unwrap();
        let mut timers = Timers::default();
        timers.bound(WINDOW);
        let (expected, taken, applied, read) = (BTreeMap::new(), None, None, None);
        Self { timers, store, expected, seq: 0, taken, applied, read }
    }

    fn change(&mut self, number: u64, due: Option<Timestamp>) {
        self.seq += 1;
        let before = match due {
            Some(due) => self.expected.insert(account(number), due),
            None => self.expected.remove(&account(number)),
        };
        self.timers.moved(account(number), before, due, self.seq);
    }

    fn take(&mut self) {
        if self.taken.is_none() && self.applied.is_none() {
            self.taken = Some((self.timers.take_changed(self.seq), self.seq));
        }
    }

    fn apply(&mut self) {
        if let Some((changes, seq)) = self.taken.take() {
            let mut checkpoint = Checkpoint::new(Mark { seq, head: [0; 32] });
            changes.put(&mut checkpoint);
            self.store.writer.apply(&checkpoint).unwrap();
            self.applied = Some(seq);
        }
    }

    fn hear_of_it(&mut self) {
        if let Some(seq) = self.applied.take() {
            self.timers.stored(seq);
        }
    }

    /// Asks and reads at once; the answer may come much later.
    fn ask(&mut self, now: Timestamp) {
        if let Some((after, most)) = self.timers.ask(now) {
            self.read = Some(load(&*self.store.reader, after, most).unwrap());
        }
    }

    fn answer(&mut self) {
        if let Some(read) = self.read.take() {
            self.timers.answered(read);
        }
    }

    /// The process ends and starts again with what the store has.
    fn restart(&mut self) {
        self.take();
        self.apply();
        self.hear_of_it();
        self.take();
        self.apply();
        (self.timers, self.read, self.applied) = (Timers::default(), None, None);
        self.timers.bound(WINDOW);
    }

    /// What memory holds is all there is up to where it says so.
    fn check(&self) {
        let all = self.expected.iter().map(|(account, due)| (*due, *account));
        let near: BTreeSet<Entry> = all.filter(|entry| Upto::Entry(*entry) <= self.timers.upto).collect();
        assert_eq!(self.timers.near, near, "up to {:?}", self.timers.upto);
    }
}

fn random(seed: &mut u64, below: u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) % below
}

#[test]
fn memory_holds_the_first_of_all_whatever_comes_between() {
    for seed in 0..300 {
        let (mut world, mut random_of) = (World::new(), seed);
        let mut pick = |below| random(&mut random_of, below);
        for _ in 0..200 {
            match pick(12) {
                0..5 => {
                    let due = (pick(4) > 0).then(|| at(pick(40)));
                    world.change(pick(30), due);
                }
                5 => world.take(),
                6 => world.apply(),
                7 => world.hear_of_it(),
                8..10 => world.ask(at(pick(40))),
                10 => world.answer(),
                _ if pick(10) == 0 => world.restart(),
                _ => {}
            }
            world.check();
            let bound = 2 * WINDOW + usize::from(world.timers.asked) * 30;
            assert!(world.timers.near.len() <= bound, "seed {seed}: {}", world.timers.near.len());
        }
    }
}

#[test]
fn all_that_is_due_is_found_a_window_at_a_time() {
    let mut world = World::new();
    // A midnight on which all lapses, and a day on which nothing does.
    (0..100).for_each(|number| world.change(number, Some(at(10))));
    world.change(100, Some(at(10_000)));
    world.restart();
    let (mut found, mut windows) = (0, 0);
    loop {
        windows += usize::from(world.timers.ask(at(10)).is_some_and(|(after, most)| {
            world.read = Some(load(&*world.store.reader, after, most).unwrap());
            true
        }));
        world.answer();
        let Some(due) = world.timers.at(at(10)).next() else { break };
        world.change(u64::try_from(due.0.as_u128()).unwrap(), None);
        found += 1;
        assert!(world.timers.near.len() <= 2 * WINDOW);
    }
    assert_eq!((found, windows), (100, 26));
    assert!(!world.timers.is_due(at(10)));
    world.restart();
    assert_eq!(load(&*world.store.reader, None, 100).unwrap(), [(at(10_000), account(100))]);
}

#[test]
fn the_next_window_is_asked_for_a_minute_ahead() {
    let mut world = World::new();
    (0..8).for_each(|number| world.change(number, Some(at(10 * number))));
    world.restart();
    world.ask(at(0));
    assert_eq!(world.timers.ask(at(0)), None, "it is asked for once");
    world.answer();
    assert_eq!(world.timers.near.len(), WINDOW);
    (0..3).for_each(|number| world.change(number, None));
    assert_eq!(world.timers.ask(at(28)), None);
    assert_eq!(world.timers.ask(at(29)), Some((Some((at(30), account(3))), WINDOW)));
}
