//! Records of the journal with the bodies of batches, and of the inbox.

use bytes::Bytes;
use coalition_domain::Timestamp;
use coalition_journal::entry::Entry;
use coalition_journal::entry::ShardId;
use coalition_journal::log::Offset;
use coalition_ledger::body::{self, Item, Terms, Writer};
use coalition_ledger::inbox::{CommandRun, RelayCommand, Request, Run, Sent, Source};

use crate::samples::{lines, unhex};

/// There is one way to write an entry. A body that is read and written says the same; an item's bytes are those of the item.
pub(crate) fn journal(input: &[u8]) {
    let raw = Bytes::copy_from_slice(input);
    let body = match Entry::decode(&raw) {
        Ok(Some(entry)) => {
            assert_eq!(entry.encode(), raw, "another way to write {entry:?}");
            match entry {
                Entry::Batch(batch) => batch.body,
                Entry::Genesis(_) | Entry::TermStarted(_) | Entry::Rebase(_) => return,
            }
        }
        // What is no entry is tried as a body.
        Ok(None) => raw,
        Err(_) => return,
    };
    let Ok((terms, items)) = body::decode(&body) else { return };
    let mut writer = Writer::default();
    for (item, bytes) in &items {
        assert_eq!(body::decode_item(bytes).as_ref(), Ok(item));
        writer.push(&body::encode_item(item));
    }
    let written = writer.finish(&terms, Vec::new());
    let (terms_again, items_again) = body::decode(&written).expect("what was written is read");
    assert_eq!(terms_again, terms);
    assert!(items_again.iter().map(|(item, _)| item).eq(items.iter().map(|(item, _)| item)));
}

/// A request that is read and written is the same.
pub(crate) fn inbox(input: &[u8]) {
    if let Ok(request) = Request::decode(input) {
        assert_eq!(Request::decode(&request.encode()), Ok(request));
    }
}

const COMMANDS: &str = include_str!("../../domain/testdata/events/command.txt");
const DECISIONS: &str = include_str!("../../domain/testdata/events/decision.txt");
const REGISTRY_DECISIONS: &str = include_str!("../../domain/testdata/events/registry_decision.txt");
const REGISTRY_EVENTS: &str = include_str!("../../domain/testdata/events/registry_event.txt");

/// Those samples of a file that can be read as a `T`.
fn samples<T: serde::de::DeserializeOwned>(text: &str) -> Vec<T> {
    lines(text).iter().filter_map(|(_, bytes)| postcard::from_bytes(bytes).ok()).collect()
}

const SOURCE: Source = Source { partition: 1, offset: Offset(300) };

fn run() -> Run {
    let commands = samples(REGISTRY_EVENTS).into_iter().map(RelayCommand::Registry).collect();
    Run { source: ShardId(3), first: 300, commands }
}

pub(crate) fn journal_seeds() -> Vec<Vec<u8>> {
    let batch = unhex(include_str!("../../journal/testdata/batch-1.hex"));
    let at = Timestamp::from_millis(853_027_200_000);
    let terms = Terms { decided_at: at, inbox_next: Offset(7), horizon: at, relayed: Vec::new() };
    let decisions = samples(DECISIONS).into_iter().map(|decision| Item::Account(decision, Some(SOURCE)));
    let registry = samples(REGISTRY_DECISIONS).into_iter().map(Item::Registry);
    let items: Vec<_> =
        decisions.chain(registry).chain([Item::Relayed(run()), Item::Taken(ShardId(1), 300)]).collect();
    let body = |items: &[Item]| {
        let mut writer = Writer::default();
        items.iter().for_each(|item| writer.push(&body::encode_item(item)));
        writer.finish(&terms, Vec::new()).to_vec()
    };
    let head = batch.strip_suffix(b"decisions").unwrap_or_default();
    let mut seeds: Vec<_> = items.iter().map(|item| body(std::slice::from_ref(item))).collect();
    seeds.push([head, &body(&items)].concat());
    seeds.extend(
        [
            include_str!("../../journal/testdata/genesis-1.hex"),
            include_str!("../../journal/testdata/term-started-1.hex"),
            include_str!("../../journal/testdata/rebase-1.hex"),
        ]
        .map(unhex),
    );
    seeds
}

pub(crate) fn inbox_seeds() -> Vec<Vec<u8>> {
    let commands: Vec<coalition_domain::Command> = samples(COMMANDS);
    let mut seeds = vec![Request::Relayed(run()).encode().to_vec()];
    for command in commands {
        let sent = Sent { command: command.clone(), source: Some(SOURCE) };
        let run = CommandRun { source: ShardId(0), first: 1, commands: vec![sent] };
        seeds.push(Request::Commands(run).encode().to_vec());
        if let coalition_domain::Command::PartnerEvent(event) = command {
            seeds.push(Request::Event(event, SOURCE).encode().to_vec());
        }
    }
    seeds
}
