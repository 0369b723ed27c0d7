//! What processes of one network say to each other: in the group's topic, and about shards.

use std::time::Duration;

use coalition_domain::Timestamp;
use coalition_journal::log::{Offset, Record, Stored};
use coalition_ledger::group::records::Entry;
use coalition_ledger::group::{Group, Rules};
use coalition_ledger::wire::{self, Answer};

use crate::samples::{lines, piece, unhex};

const RULES: Rules = Rules {
    shards: 2,
    heartbeat: Duration::from_secs(1),
    session_timeout: Duration::from_secs(5),
    standby_replicas: 1,
};

/// Records that are read and written are the same. All readers of a topic agree, each step and what is made of it is total, and what a
/// member proposes takes effect if it is the next record.
pub(crate) fn group(mut input: &[u8]) {
    let mut groups = [(); 2].map(|()| Group::new(RULES, Offset(0)));
    let mut time = 0_i64;
    for offset in 0.. {
        let Some((&pause, rest)) = input.split_first() else { break };
        input = rest;
        let Some(value) = piece(&mut input) else { break };
        // Up to half an hour, and now and then back.
        time += (i64::from(pause) - 16) * i64::from(pause) * 30;
        let record = Record::of(value.to_vec());
        let stored = Stored { offset: Offset(offset), append_time: Timestamp::from_millis(time), record };
        if let Ok(Some(entry)) = Entry::decode(value) {
            assert_eq!(Entry::decode(&entry.encode()), Ok(Some(entry)));
        }
        let [one, other] = &mut groups;
        let read = one.read(&stored);
        assert_eq!(read, other.read(&stored));
        if read.is_err() {
            return;
        }
        assert_eq!(one, other);
        let directory = one.directory();
        assert_eq!(directory.shards.len(), RULES.shards as usize);
        for member in directory.members.keys() {
            let _ = (one.has_suspects(), one.is_relieved(*member));
            assert!(one.lives(*member) && one.rank(*member) < directory.members.len());
            let Some(proposal) = one.proposal(*member) else { continue };
            let epoch = proposal.epoch;
            let mut next = one.clone();
            let record = Record::of(Entry::Assigned(proposal.clone()).encode());
            let stored = Stored { offset: Offset(offset + 1), record, ..stored.clone() };
            next.read(&stored).expect("of this format");
            let now = next.directory();
            assert_eq!((now.epoch, next.shards()), (epoch, &proposal.shards[..]), "a proposal takes effect");
        }
    }
}

pub(crate) fn group_seeds() -> Vec<Vec<u8>> {
    let [alive, assigned, leaving] = [
        include_str!("../../ledger/testdata/group-alive-1.hex"),
        include_str!("../../ledger/testdata/group-assigned-1.hex"),
        include_str!("../../ledger/testdata/group-leaving-1.hex"),
    ]
    .map(unhex);
    // With the epoch after none: 300 is 0xac 0x02.
    let mut first = assigned.clone();
    drop(first.splice(5..7, [1]));
    // The other member is 3, in its third life; the version before it stays.
    let mut other = alive.clone();
    other.iter_mut().skip(5).filter(|byte| **byte == 1).for_each(|byte| *byte = 3);
    let topic = |records: &[&Vec<u8>]| {
        let piece = |record: &&Vec<u8>| [&[40, u8::try_from(record.len()).unwrap_or(0)][..], record].concat();
        records.iter().flat_map(piece).collect::<Vec<u8>>()
    };
    vec![
        topic(&[&alive]),
        topic(&[&assigned]),
        topic(&[&leaving]),
        topic(&[&alive, &first, &alive, &assigned, &leaving, &alive]),
        topic(&[&alive, &other, &first, &other, &leaving, &other]),
    ]
}

/// The first byte says what it is read as. What is read and written is the same, and an account that came is readable or refused.
pub(crate) fn wire(input: &[u8]) {
    let Some((kind, bytes)) = input.split_first() else { return };
    match kind % 3 {
        0 => {
            if let Ok(question) = wire::question(bytes) {
                assert_eq!(wire::question(&wire::encode(&question)), Ok(question));
            }
        }
        1 => {
            let Ok(answer) = wire::answer(bytes) else { return };
            assert_eq!(wire::answer(&wire::encode(&answer)).as_ref(), Ok(&answer));
            if let Ok(Answer::Account(account)) = answer {
                let _ = account.is_readable();
            }
        }
        _ => {
            if let Ok(status) = wire::status(bytes) {
                assert_eq!(wire::status(&wire::encode(&status)), Ok(status));
            }
        }
    }
}

pub(crate) fn wire_seeds() -> Vec<Vec<u8>> {
    let kind =
        |name: &str| if name.starts_with("question") { 0 } else { u8::from(name.starts_with("status")) + 1 };
    lines(include_str!("../../ledger/testdata/wire-1.txt"))
        .into_iter()
        .map(|(name, bytes)| [&[kind(name)], &bytes[..]].concat())
        .collect()
}
