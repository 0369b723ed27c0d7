//! The fold and the plan, told record by record.

mod random;

use std::time::Duration;

use coalition_domain::Timestamp;
use coalition_journal::entry::{Seq, ShardId};
use coalition_journal::log::{Offset, Record, Stored};
use uuid::Uuid;

use super::records::{Alive, Assigned, Entry, Leaving, Place, Warm};
use super::*;

pub(super) const BEAT_MS: i64 = 500;

pub(super) fn rules(shards: u32) -> Rules {
    Rules {
        shards,
        heartbeat: Duration::from_millis(500),
        session_timeout: Duration::from_secs(5),
        standby_replicas: 1,
    }
}

pub(super) fn member(n: u128) -> MemberId {
    MemberId(Uuid::from_u128(n))
}

/// A topic on paper with its reader.
struct Paper {
    group: Group,
    now: i64,
    end: u64,
    beats: u64,
}

impl Paper {
    fn new(shards: u32) -> Self {
        Self { group: Group::new(rules(shards), Offset(0)), now: 0, end: 0, beats: 0 }
    }

    fn append(&mut self, entry: &Entry) -> Read {
        let (offset, append_time) = (Offset(self.end), Timestamp::from_millis(self.now));
        self.end += 1;
        self.group.read(&Stored { offset, append_time, record: Record::of(entry.encode()) }).unwrap()
    }

    /// Member `n` lives, and is at `seq` with everything that it has.
    fn says(&mut self, n: u128, seq: u64) -> Read {
        self.beats += 1;
        let mine = |place: &Place| place.owner == Some(member(n)) || place.followers.contains(&member(n));
        let shards = (0..).map(ShardId).zip(self.group.shards()).filter(|(_, place)| mine(place));
        let warm = shards.map(|(shard, _)| Warm { shard, seq: Seq(seq) }).collect();
        let alive = Alive { warm, ..alive(n, 1, self.beats) };
        self.append(&Entry::Alive(alive))
    }

    /// All of `members` live, for so many beats.
    fn pass(&mut self, members: &[u128], beats: usize) {
        for _ in 0..beats {
            self.now += BEAT_MS;
            for n in members {
                self.says(*n, 10);
            }
        }
    }

    /// Lets `n` write what it has to, until there is nothing left.
    fn settle(&mut self, members: &[u128]) -> usize {
        let mut written = 0;
        while let Some(next) = self.group.proposal(member(members[0])) {
            assert_eq!(self.append(&Entry::Assigned(next)), Read::InEffect { by: member(members[0]) });
            self.pass(members, 1);
            written += 1;
            assert!(written < 50, "it never settles: {:?}", self.group);
        }
        written
    }

    /// Owners and followers, in letters.
    fn shown(&self) -> String {
        let letter =
            |member: &MemberId| char::from_digit(u32::try_from(member.0.as_u128()).unwrap() + 9, 36).unwrap();
        let place = |place: &Place| {
            let owner = place.owner.as_ref().map_or('-', letter).to_ascii_uppercase();
            let mut followers: Vec<_> = place.followers.iter().map(letter).collect();
            followers.sort_unstable();
            format!("{owner}{}", followers.into_iter().collect::<String>())
        };
        self.group.shards().iter().map(place).collect::<Vec<_>>().join(" ")
    }

    fn slots(&self) -> String {
        let number = |member: &Option<MemberId>| member.map_or(0, |member| member.0.as_u128()).to_string();
        self.group.intake().iter().map(number).collect()
    }
}

pub(super) fn alive(n: u128, incarnation: u128, beat: u64) -> Alive {
    Alive {
        member: member(n),
        incarnation: Uuid::from_u128(incarnation),
        beat,
        endpoint: format!("host-{n}:1"),
        roles: Roles::ALL,
        formats: Formats::default(),
        warm: Vec::new(),
        unable: Vec::new(),
    }
}

#[test]
fn the_first_member_has_everything_and_the_second_gets_half_once_it_is_warm() {
    let mut paper = Paper::new(4);
    paper.pass(&[1], 1);
    paper.settle(&[1]);
    assert_eq!(paper.shown(), "A A A A");
    assert_eq!(paper.slots(), "1111");

    paper.says(2, 0);
    let next = paper.group.proposal(member(2)).unwrap();
    paper.append(&Entry::Assigned(next));
    assert_eq!((paper.shown(), paper.slots()), ("Ab Ab Ab Ab".to_owned(), "2211".to_owned()));
    // It is far behind: nothing moves.
    paper.says(1, 5_000);
    paper.says(2, 3_999);
    assert_eq!(paper.group.proposal(member(1)), None);
    paper.says(2, 4_000);
    paper.settle(&[1, 2]);
    assert_eq!(paper.shown(), "Ba Ba Ab Ab");
}

#[test]
fn who_says_nothing_for_longer_than_the_time_out_loses_its_shards_to_its_followers() {
    let mut paper = Paper::new(4);
    paper.pass(&[1, 2], 1);
    paper.settle(&[1, 2]);
    assert_eq!(paper.shown(), "Ab Ba Ab Ba");
    // 5,000 ms are not longer than 5 s.
    paper.pass(&[1], 5);
    assert!(!paper.group.has_suspects());
    paper.pass(&[1], 1);
    assert!(paper.group.has_suspects());
    paper.pass(&[1], 4);
    assert!(paper.group.lives(member(2)));
    assert_eq!(paper.group.proposal(member(1)), None);
    paper.pass(&[1], 1);
    assert!(!paper.group.lives(member(2)));
    paper.settle(&[1]);
    assert_eq!(paper.shown(), "A A A A");
    assert_eq!(paper.slots(), "1111");
}

#[test]
fn a_late_copy_keeps_nobody_alive() {
    let mut paper = Paper::new(1);
    paper.pass(&[1], 1);
    let word = Entry::Alive(alive(2, 1, 2));
    assert!(matches!(paper.append(&word), Read::Alive { .. }));
    paper.pass(&[1], 9);
    assert_eq!(paper.append(&word), Read::Void);
    assert_eq!(paper.append(&Entry::Alive(alive(2, 1, 1))), Read::Void);
    paper.pass(&[1], 2);
    assert!(!paper.group.lives(member(2)));
}

#[test]
fn a_log_that_stood_still_lets_nobody_die() {
    let mut paper = Paper::new(2);
    paper.pass(&[1, 2], 1);
    paper.settle(&[1, 2]);
    paper.now += 3_600_000;
    paper.says(1, 10);
    assert!(paper.group.lives(member(2)));
    assert_eq!(paper.group.proposal(member(1)), None);
}

#[test]
fn a_clock_that_steps_back_stands_still_once_and_goes_on() {
    let mut paper = Paper::new(2);
    paper.now = 3_600_000;
    paper.pass(&[1, 2], 1);
    paper.settle(&[1, 2]);
    // The next leader's clock is an hour behind.
    paper.now -= 3_600_000;
    paper.says(2, 10);
    paper.pass(&[1], 10);
    assert!(paper.group.lives(member(2)));
    paper.pass(&[1], 1);
    assert!(!paper.group.lives(member(2)));
}

#[test]
fn who_leaves_is_relieved_at_once_and_comes_back_in_another_life() {
    let mut paper = Paper::new(2);
    paper.pass(&[1, 2], 1);
    paper.settle(&[1, 2]);
    assert_eq!(paper.shown(), "Ab Ba");
    let incarnation = Uuid::from_u128(1);
    let leaving = Entry::Leaving(Leaving { member: member(2), incarnation });
    assert_eq!(paper.append(&leaving), Read::Left { member: member(2), incarnation });
    assert_eq!(paper.append(&leaving), Read::Void);
    assert!(!paper.group.is_relieved(member(2)));
    // A late word of the same life changes nothing.
    assert_eq!(paper.says(2, 10), Read::Void);
    assert_eq!(paper.group.proposal(member(2)), None);
    paper.settle(&[1]);
    assert_eq!(paper.shown(), "A A");
    assert!(paper.group.is_relieved(member(2)));
    // Nobody is there who could relieve the last one.
    assert!(paper.group.is_relieved(member(1)));

    let word = Entry::Alive(alive(2, 7, 1));
    assert!(matches!(paper.append(&word), Read::Alive { .. }));
    // Its last life is over for good.
    assert_eq!(paper.says(2, 10), Read::Outlived { member: member(2), incarnation });
    assert!(paper.group.was_replaced(member(2), incarnation));
    assert!(!paper.group.was_replaced(member(2), Uuid::from_u128(7)));
}

#[test]
fn a_restart_keeps_its_shards() {
    let mut paper = Paper::new(2);
    paper.pass(&[1, 2], 1);
    paper.settle(&[1, 2]);
    paper.append(&Entry::Alive(alive(2, 7, 1)));
    assert_eq!(paper.group.proposal(member(1)), None);
    assert_eq!(paper.group.directory().shards[1].as_ref().unwrap().member, member(2));
}

#[test]
fn who_comes_back_with_an_empty_store_leaves_its_shards_to_who_is_warm_until_it_is_warm_again() {
    let mut paper = Paper::new(2);
    paper.pass(&[1, 2], 1);
    paper.settle(&[1, 2]);
    assert_eq!(paper.shown(), "Ab Ba");
    paper.says(2, 50_000);
    // As far as words may be apart while it decides.
    paper.says(1, 40_000);
    assert_eq!(paper.group.proposal(member(2)), None);
    // Nothing is known of it while it opens its store.
    paper.append(&Entry::Alive(alive(1, 2, 1)));
    assert_eq!(paper.group.proposal(member(2)), None);
    let replays = |seq, beat| {
        let warm = [0, 1].map(|shard| Warm { shard: ShardId(shard), seq: Seq(seq) }).to_vec();
        Entry::Alive(Alive { warm, ..alive(1, 2, beat) })
    };
    paper.append(&replays(39_999, 2));
    let next = paper.group.proposal(member(2)).unwrap();
    paper.append(&Entry::Assigned(next));
    assert_eq!(paper.shown(), "Ba Ba");
    assert_eq!(paper.group.proposal(member(2)), None);
    paper.append(&replays(50_000, 3));
    let next = paper.group.proposal(member(2)).unwrap();
    paper.append(&Entry::Assigned(next));
    assert_eq!(paper.shown(), "Ab Ba");
}

#[test]
fn of_two_assignments_with_one_number_the_first_takes_effect() {
    let mut paper = Paper::new(2);
    paper.pass(&[1, 2], 1);
    let of = |n: u128| paper.group.proposal(member(n)).map(Entry::Assigned).unwrap();
    let (first, second) = (of(1), of(2));
    assert_eq!(paper.append(&first), Read::InEffect { by: member(1) });
    assert_eq!(paper.append(&second), Read::Void);
    assert_eq!(paper.append(&first), Read::Void);
    assert_eq!(paper.group.epoch(), 1);
    // One of another number of shards is no assignment of this network.
    let foreign = Assigned { epoch: 2, by: member(1), shards: vec![Place::default()], intake: vec![None] };
    assert_eq!(paper.append(&Entry::Assigned(foreign)), Read::Void);
}

#[test]
fn a_third_member_follows_first_and_a_shard_that_somebody_cannot_run_goes_elsewhere() {
    let mut paper = Paper::new(6);
    paper.pass(&[1, 2], 1);
    paper.settle(&[1, 2]);
    assert_eq!(paper.shown(), "Ab Ba Ab Ba Ab Ba");
    paper.pass(&[1, 2, 3], 1);
    let next = paper.group.proposal(member(3)).unwrap();
    paper.append(&Entry::Assigned(next));
    // Each of the two is to give one; it keeps its follower meanwhile.
    assert_eq!(paper.shown(), "Abc Bac Ab Ba Ab Ba");
    paper.pass(&[1, 2, 3], 1);
    paper.settle(&[1, 2, 3]);
    assert_eq!(owners(&paper), "CCABAB");

    let unable = Alive { unable: vec![ShardId(2)], ..alive(1, 1, paper.beats + 1) };
    paper.beats += 1;
    paper.append(&Entry::Alive(unable));
    let next = paper.group.proposal(member(2)).unwrap();
    assert_ne!(next.shards[2].owner, Some(member(1)));
    assert!(!next.shards[2].followers.contains(&member(1)));
}

fn owners(paper: &Paper) -> String {
    paper.shown().split(' ').filter_map(|place| place.chars().next()).collect()
}

#[test]
fn roles_are_kept_to_and_a_shard_that_nobody_can_run_stays_where_it_is() {
    let mut paper = Paper::new(2);
    paper.pass(&[1], 1);
    paper.settle(&[1]);
    let roles = Roles { intake: true, ledger: false, gateway: true };
    for beat in 1..=20 {
        paper.now += BEAT_MS;
        paper.append(&Entry::Alive(Alive { roles, ..alive(2, 9, beat) }));
        if let Some(next) = paper.group.proposal(member(2)) {
            paper.append(&Entry::Assigned(next));
        }
    }
    assert!(!paper.group.lives(member(1)));
    assert_eq!((paper.shown(), paper.slots()), ("A A".to_owned(), "22".to_owned()));
    assert_eq!(paper.group.directory().members.len(), 1);
}

#[test]
fn a_trimmed_topic_begins_with_an_assignment_in_effect_and_its_members_are_given_time() {
    let mut paper = Paper::new(2);
    paper.pass(&[1, 2], 1);
    paper.settle(&[1, 2]);
    let next = Assigned {
        epoch: 70,
        by: member(1),
        shards: paper.group.shards().to_vec(),
        intake: paper.group.intake().to_vec(),
    };
    let mut late = Group::new(rules(2), Offset(500));
    let at = |offset: u64, now: i64, entry: Entry| Stored {
        offset: Offset(offset),
        append_time: Timestamp::from_millis(now),
        record: Record::of(entry.encode()),
    };
    assert_eq!(late.read(&at(500, 0, Entry::Assigned(next))).unwrap(), Read::InEffect { by: member(1) });
    assert_eq!((late.epoch(), late.assigned_at()), (70, Offset(500)));
    // It has heard of nobody yet, and judges nobody.
    late.read(&at(501, 0, Entry::Alive(alive(3, 1, 1)))).unwrap();
    assert!(late.lives(member(1)) && late.lives(member(2)));
    assert_eq!(late.proposal(member(3)), None);
    for beat in 2..=12 {
        let now = i64::try_from(beat).unwrap() * BEAT_MS;
        late.read(&at(500 + beat, now, Entry::Alive(alive(3, 1, beat)))).unwrap();
        late.read(&at(500 + beat, now, Entry::Alive(alive(1, 1, beat)))).unwrap();
    }
    assert!(late.lives(member(1)) && !late.lives(member(2)));
    assert!(late.proposal(member(3)).is_some());
}

/// Seen in the test of those who leave: one that was leaving gave itself shards, as others had trimmed its farewell before it read it.
#[test]
fn who_was_behind_a_trim_counts_for_living_only_when_it_was_heard_again() {
    let mut paper = Paper::new(2);
    paper.pass(&[1, 2], 1);
    paper.settle(&[1, 2]);
    let mut behind = paper.group.clone();
    let incarnation = Uuid::from_u128(1);
    paper.append(&Entry::Leaving(Leaving { member: member(2), incarnation }));
    let next = paper.group.proposal(member(1)).unwrap();
    let (at, now) = (paper.end, Timestamp::from_millis(paper.now));
    let record = Record::of(Entry::Assigned(next).encode());

    behind = behind.begun_again(Offset(at));
    behind.read(&Stored { offset: Offset(at), append_time: now, record }).unwrap();
    assert_eq!(behind.proposal(member(2)), None);
    assert_eq!(behind.directory().shards[0].as_ref().unwrap().endpoint, "host-1:1");
    let record = Record::of(Entry::Alive(alive(1, 1, paper.beats + 1)).encode());
    behind.read(&Stored { offset: Offset(at + 1), append_time: now, record }).unwrap();
    assert_eq!(behind.proposal(member(2)), None);
    assert_eq!(behind.directory().members.len(), 1);
}

#[test]
fn after_ten_thousand_records_an_assignment_is_written_anew() {
    let mut paper = Paper::new(1);
    paper.pass(&[1], 1);
    paper.settle(&[1]);
    let (epoch, since) = (paper.group.epoch(), paper.end);
    while paper.group.proposal(member(1)).is_none() {
        paper.pass(&[1], 1);
    }
    assert_eq!(paper.end - since, 10_000 - 1);
    assert_eq!(paper.settle(&[1]), 1);
    assert_eq!(paper.group.epoch(), epoch + 1);
}
