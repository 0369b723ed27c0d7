//! Many members in any order of what can happen: they agree, nobody dead keeps a shard, and in the end loads are even.

use std::collections::BTreeMap;

use coalition_domain::Timestamp;
use coalition_journal::entry::{Seq, ShardId};
use coalition_journal::log::{Offset, Record, Stored};
use uuid::Uuid;

use super::super::records::{Alive, Assigned, Entry, Leaving, Place, Warm};
use super::super::{Group, MemberId, Read};
use super::{alive, member, rules};

/// splitmix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % most
    }

    fn happens(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

struct Process {
    group: Group,
    incarnation: u128,
    beat: u64,
    up: bool,
    said: i64,
}

struct World {
    dice: Dice,
    shards: u32,
    now: i64,
    topic: Vec<Stored>,
    start: Offset,
    /// Appends that are late.
    flying: Vec<Record>,
    processes: BTreeMap<MemberId, Process>,
    lives: u128,
    /// What took effect, as whoever read it says.
    history: BTreeMap<u64, (Vec<Place>, Vec<Option<MemberId>>)>,
}

const MEMBERS: u128 = 4;

impl World {
    fn new(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let shards = u32::try_from(1 + dice.below(9)).unwrap();
        Self {
            dice,
            shards,
            now: 0,
            topic: Vec::new(),
            start: Offset(0),
            flying: Vec::new(),
            processes: BTreeMap::new(),
            lives: 0,
            history: BTreeMap::new(),
        }
    }

    fn store(&mut self, record: Record) {
        let (offset, append_time) = (Offset(self.topic.len() as u64), Timestamp::from_millis(self.now));
        self.topic.push(Stored { offset, append_time, record });
    }

    fn append(&mut self, entry: &Entry, calm: bool) {
        let record = Record::of(entry.encode());
        match self.dice.below(100) {
            0..5 if !calm => {}
            5..10 if !calm => self.flying.push(record),
            10..15 if !calm => {
                self.store(record.clone());
                self.flying.push(record);
            }
            _ => self.store(record),
        }
    }

    fn start(&mut self, id: MemberId) {
        self.lives += 1;
        let group = Group::new(rules(self.shards), self.start);
        let process = Process { group, incarnation: self.lives, beat: 0, up: true, said: i64::MIN };
        self.processes.insert(id, process);
    }

    /// The process reads up to `most` records; all agree on what takes effect.
    fn read(&mut self, id: MemberId, most: u64) {
        let process = self.processes.get_mut(&id).unwrap();
        if process.group.next() < self.start {
            process.group = process.group.clone().begun_again(self.start);
        }
        let from = usize::try_from(process.group.next().0).unwrap();
        for stored in self.topic[from..].iter().take(usize::try_from(most).unwrap()) {
            if let Read::InEffect { by } = process.group.read(stored).unwrap() {
                let found = (process.group.shards().to_vec(), process.group.intake().to_vec());
                let known = self.history.entry(process.group.epoch()).or_insert_with(|| found.clone());
                assert_eq!(*known, found, "two assignments in effect");
                if by == id && self.start < stored.offset {
                    self.start = stored.offset;
                }
            }
        }
    }

    fn beat(&mut self, id: MemberId, calm: bool) {
        let seq = u64::try_from(self.now).unwrap() / 100;
        let process = self.processes.get_mut(&id).unwrap();
        process.beat += 1;
        process.said = self.now;
        let mine = |place: &Place| place.owner == Some(id) || place.followers.contains(&id);
        let warm = (0..).map(ShardId).zip(process.group.shards()).filter(|(_, place)| mine(place));
        let warm = warm.map(|(shard, _)| Warm { shard, seq: Seq(seq) }).collect();
        let alive = Alive { warm, ..alive(id.0.as_u128(), process.incarnation, process.beat) };
        self.append(&Entry::Alive(alive), calm);
    }

    fn turn(&mut self, calm: bool) {
        self.now += i64::try_from(self.dice.below(100)).unwrap();
        let id = member(u128::from(self.dice.below(u64::try_from(MEMBERS).unwrap())) + 1);
        let up = self.processes.get(&id).is_some_and(|process| process.up);
        if !calm && !self.flying.is_empty() && self.dice.happens(5) {
            let chosen = self.dice.below(self.flying.len() as u64);
            let record = self.flying.swap_remove(usize::try_from(chosen).unwrap());
            self.store(record);
        }
        if !up {
            if !calm && self.dice.happens(2) || self.processes.is_empty() {
                self.start(id);
            }
            return;
        }
        if !calm && self.dice.happens(1) {
            let process = self.processes.get_mut(&id).unwrap();
            process.up = false;
            let incarnation = Uuid::from_u128(process.incarnation);
            if self.dice.happens(50) {
                self.append(&Entry::Leaving(Leaving { member: id, incarnation }), calm);
            }
            return;
        }
        let most = if calm { u64::MAX >> 1 } else { self.dice.below(20) };
        self.read(id, most);
        if self.processes[&id].said + super::BEAT_MS <= self.now {
            self.beat(id, calm);
        }
        if self.dice.happens(30)
            && let Some(next) = self.processes[&id].group.proposal(id)
        {
            self.append(&Entry::Assigned(next), calm);
        }
    }

    /// What holds once everything was quiet for a while.
    fn check_end(&mut self) {
        let up: Vec<_> = self.processes.iter().filter(|(_, process)| process.up).map(|(id, _)| *id).collect();
        for id in &up {
            self.read(*id, u64::MAX >> 1);
        }
        let Some(first) = up.first() else { return };
        let told = &self.processes[first].group;
        for id in &up {
            let group = &self.processes[id].group;
            assert_eq!((group.epoch(), group.shards()), (told.epoch(), told.shards()));
            assert_eq!(group.proposal(*id), None, "it never comes to rest");
            assert_eq!(group.directory(), told.directory());
        }
        let owned = |id: &MemberId| told.shards().iter().filter(|place| place.owner == Some(*id)).count();
        let slots = |id: &MemberId| told.intake().iter().filter(|slot| **slot == Some(*id)).count();
        for loads in [up.iter().map(owned).collect::<Vec<_>>(), up.iter().map(slots).collect()] {
            assert_eq!(loads.iter().sum::<usize>(), self.shards as usize, "all are with those that live");
            assert!(loads.iter().max().unwrap() - loads.iter().min().unwrap() <= 1, "{loads:?}");
        }
        for place in told.shards() {
            assert_eq!(place.followers.len(), 1.min(up.len() - 1), "{place:?}");
            assert!(place.followers.iter().all(|id| up.contains(id) && place.owner != Some(*id)));
        }
    }
}

#[test]
fn in_any_order_of_events_all_agree_and_in_the_end_loads_are_even() {
    let mut moves = 0;
    for seed in 0..400 {
        let run = std::panic::catch_unwind(|| {
            let mut world = World::new(seed);
            (0..3_000).for_each(|_| world.turn(false));
            // Longer than the time-out, and then as long as it takes to be warm and to move.
            (0..2_500).for_each(|_| world.turn(true));
            world.check_end();
            world.history.len()
        });
        moves += run.unwrap_or_else(|_| panic!("seed {seed}"));
    }
    assert!(moves > 400 * 10, "too little happened: {moves} assignments");
}

#[test]
fn nobody_dead_keeps_a_shard_for_long_while_somebody_lives() {
    for seed in 0..100 {
        let mut world = World::new(seed);
        (1..=MEMBERS).for_each(|n| world.start(member(n)));
        (0..1_000).for_each(|_| world.turn(true));
        let dead = member(u128::from(world.dice.below(u64::try_from(MEMBERS).unwrap())) + 1);
        world.processes.get_mut(&dead).unwrap().up = false;
        let died = world.now;
        // The time-out, a beat that had just been, the next ones of the others, and their turns.
        while world.now < died + 5_000 + 1_500 + 1_000 {
            world.turn(true);
        }
        let witness = *world.processes.iter().find(|(_, process)| process.up).unwrap().0;
        world.read(witness, u64::MAX >> 1);
        let group = &world.processes[&witness].group;
        assert!(group.shards().iter().all(|place| place.owner != Some(dead)), "seed {seed}");
        assert!(group.intake().iter().all(|slot| *slot != Some(dead)), "seed {seed}");
    }
}

#[test]
fn an_assignment_that_is_not_the_next_is_void_whoever_reads_it() {
    let mut world = World::new(1);
    world.start(member(1));
    (0..50).for_each(|_| world.turn(true));
    let group = &world.processes[&member(1)].group;
    let (epoch, shards, intake) = (group.epoch(), group.shards().to_vec(), group.intake().to_vec());
    for wrong in [epoch, epoch + 2, 0, u64::MAX] {
        let assigned =
            Assigned { epoch: wrong, by: member(9), shards: shards.clone(), intake: intake.clone() };
        world.append(&Entry::Assigned(assigned), true);
        world.read(member(1), u64::MAX >> 1);
        assert_eq!(world.processes[&member(1)].group.epoch(), epoch);
    }
}
