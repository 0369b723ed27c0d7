//! What processes say to each other: it comes over whole, and what was once said is understood for ever.

use std::sync::Arc;

use coalition_domain::decide::{RegistryChange, RegistryCommand};
use coalition_domain::registry::Settings;
use coalition_domain::{AccountId, Fingerprint, Timestamp};
use coalition_journal::entry::{Seq, Term};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::lookback::{bought, view as sums};
use super::orders::DOCUMENT;
use super::waiting::network_by;
use super::*;
use crate::runtime::Unavailable;
use crate::view::AccountView;
use crate::wire::{AccountWire, Answer, Question, SearchWire, StatusWire, SumsWire, encode};

/// Version 1: a name and the bytes in hex. Lines are never changed or removed.
const SAMPLES: &str = include_str!("../../../testdata/wire-1.txt");

fn of_last(alone: &Alone) -> AccountView {
    let state = alone.core.state();
    let id = state.accounts.newest().unwrap();
    AccountView::of(GENESIS.shard, state, &alone.store.reader, id).unwrap()
}

#[test]
fn an_account_comes_over_whole() {
    // More than a page of activities, of ids and of orders, some of them in the store.
    let mut alone = network_by(DOCUMENT);
    for nth in 0..400 {
        alone.say(Input::Inbox(vec![bought(nth)]));
        if nth == 100 {
            let mut taking = alone.core.take_changes().unwrap();
            alone.store.writer.apply(&taking.rows()).unwrap();
            alone.say(Input::Stored(taking.mark.seq, taking.written()));
        }
    }
    let view = of_last(&alone);
    let wire: AccountWire = postcard::from_bytes(&encode(&AccountWire::of(&view, Term(2)))).unwrap();
    let resident = wire.resident().unwrap();
    // As the store would give it back.
    let mut store = store();
    store.writer.apply(&alone.core.take_changes().unwrap().rows()).unwrap();
    let loaded = rows::load_account(&*store.reader, &view.account().id()).unwrap();
    assert_eq!(loaded.account, resident.account);
    assert_eq!((&resident.tail, &resident.full), (&view.resident.tail, &view.resident.full));
    assert!(!resident.full.is_empty());
    // And as whoever takes the shard over has it: nothing of it has changed since it was loaded.
    let taken_over = AccountView { resident: Arc::new(loaded), ..view.clone() };
    let resident = AccountWire::of(&taken_over, Term(3)).resident().unwrap();
    assert!(resident.account == *taken_over.account(), "something of it stayed behind");
    assert!(view.account().keys().pages().len() > 1 && view.account().orders().pages().len() > 1);
}

#[test]
fn what_was_said_once_is_understood_for_ever() {
    let mut alone = network_by(DOCUMENT);
    for nth in 0..8 {
        alone.say(Input::Inbox(vec![bought(nth)]));
    }
    let (view, sums) = (of_last(&alone), sums(&alone));
    let activity = view.activity(0).unwrap().unwrap();
    let command = activity.decision.command.clone();
    let reply = crate::runtime::Reply { position: view.position, activity, repeated: true };
    let id = AccountId(Uuid::from_u128(7));
    let key = Fingerprint::from_bytes([9; 16]);
    let change = RegistryCommand {
        caller: None,
        request: coalition_domain::RequestId::new(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001))
            .unwrap(),
        change: RegistryChange::SetUp {
            settings: Settings { max_event_age: Span::from_days(400), max_request_age: Span::from_days(7) },
            key: coalition_domain::KeyId::new("key1").unwrap(),
            secret_hash: [3; 32],
        },
    };
    let mut missing = String::new();
    for (name, question) in [
        ("command", Question::Command(Box::new(command))),
        ("change", Question::Change(Box::new(change))),
        ("account", Question::Account(id, Seq(5))),
        ("sums", Question::Sums(Seq(6))),
        ("search", Question::Search(key, Seq(7))),
        ("changes", Question::Changes(8)),
        ("row", Question::Row(Term(2), b"m".to_vec())),
        (
            "rows",
            Question::Rows {
                term: Term(2),
                from: b"a".to_vec(),
                to: Some(b"b".to_vec()),
                descending: true,
                limit: 9,
            },
        ),
    ] {
        check(&format!("question-{name}"), &question, &mut missing);
    }
    let changed = alone.core.state().registry_log.clone();
    let sums = SumsWire {
        term: Term(2),
        seq: sums.position.seq,
        books: sums.books.clone(),
        lines: sums.lines.clone(),
    };
    let search = SearchWire { term: Term(2), recent: Some(id), segment: 2, since: Timestamp::from_millis(3) };
    for (name, answer) in [
        ("decided", Ok(Answer::Decided(Box::new(reply)))),
        ("account", Ok(Answer::Account(Box::new(AccountWire::of(&view, Term(2)))))),
        ("sums", Ok(Answer::Sums(Box::new(sums)))),
        ("search", Ok(Answer::Search(search))),
        ("changes", Ok(Answer::Changes(changed.iter().take(1).map(Arc::clone).collect()))),
        ("row", Ok(Answer::Row(Some(b"value".to_vec())))),
        ("rows", Ok(Answer::Rows(vec![(b"key".to_vec(), b"value".to_vec())]))),
        ("not-owner", Err(Unavailable::NotOwner(ShardId(1)))),
        ("not-applied", Err(Unavailable::NotApplied)),
        ("unknown", Err(Unavailable::OutcomeUnknown)),
        ("overloaded", Err(Unavailable::Overloaded(ShardId(2)))),
        ("rebuilding", Err(Unavailable::Rebuilding(ShardId(3)))),
        ("stopped", Err(Unavailable::Stopped(ShardId(4), "why".to_owned()))),
    ] {
        check(&format!("answer-{name}"), &answer, &mut missing);
    }
    let status = StatusWire {
        seq: Seq(1),
        head: coalition_journal::entry::Hash([2; 32]),
        term: Term(3),
        in_office: true,
        changes: 4,
        stored: Seq(5),
        inbox_next: Offset(6),
        horizon: Some(Timestamp::from_millis(7)),
        waits_since: Some(Timestamp::from_millis(8)),
        stopped: Some("why".to_owned()),
    };
    check("status", &status, &mut missing);
    assert!(missing.is_empty(), "add these lines:\n{missing}");
}

/// The sample of this name is these bytes, and reads as this.
fn check<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(
    name: &str,
    sample: &T,
    missing: &mut String,
) {
    let hex: String = encode(sample).iter().map(|byte| format!("{byte:02x}")).collect();
    let Some(stored) = SAMPLES.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')) else {
        *missing += &format!("{name} {hex}\n");
        return;
    };
    assert_eq!(stored, hex, "{name}: another form than the stored one");
    let byte = |at: usize| u8::from_str_radix(&stored[at..at + 2], 16).unwrap();
    let bytes: Vec<u8> = (0..stored.len()).step_by(2).map(byte).collect();
    assert_eq!(postcard::from_bytes::<T>(&bytes).as_ref(), Ok(sample), "{name}");
}
