//! A core alone with a log that a test fills by hand.

mod clock;
mod inbox;
mod lookback;
mod measured;
mod orders;
mod passing;
mod refused;
mod searching;
mod waiting;
mod wire;

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use coalition_domain::{EventBody, Identifier, PartnerEvent, PartnerId, Reference, Scheme, Span, Timestamp};
use coalition_journal::effect::Attempt;
use coalition_journal::entry::{Entry, Genesis, NetworkId, OwnerId, ShardCount, ShardId, TopicId, Topics};
use coalition_journal::log::{Offset, Record, Stored};
use coalition_store::{Identity, Opened, Reader, Store};
use uuid::Uuid;

use super::{Input, Limits, Output, Shard, Tally};
use crate::body::{self, Body, Destination};
use crate::clock::Now;
use crate::finder::{self, Kind};
use crate::inbox::{Request, Source};
use crate::refused::Refused;
use crate::resident::Resident;
use crate::rows;
use crate::state::State;
use crate::timers;

const NOW: Timestamp = Timestamp::from_millis(1_767_225_600_000);

const GENESIS: Genesis = Genesis {
    network: NetworkId(Uuid::from_u128(1)),
    shard: ShardId(0),
    shard_count: ShardCount(1),
    topics: Topics { journal: TopicId(Uuid::nil()), inbox: TopicId(Uuid::nil()) },
};

/// A core with its journal. Appends are taken at once, unless they are held.
struct Alone {
    core: Shard,
    store: Opened,
    journal: Vec<Stored>,
    /// Batches that the log has not taken.
    held: Option<Vec<(Attempt, Bytes)>>,
    /// Runs to inboxes, which are not there yet.
    relays: VecDeque<(Destination, u64, Bytes)>,
    /// Runs of refused events that were given back.
    returns: Vec<Vec<Arc<Refused>>>,
    owners: u128,
    /// How far the wall clock is off.
    wall_offset: Span,
    mono: Span,
}

/// A core in office, of the shard 0 of one, that knows what `loaded` says; with its store.
pub(crate) fn in_office(loaded: Vec<Resident>) -> (Shard, Arc<dyn Reader>) {
    let mut alone = Alone::in_office();
    alone.say(Input::Loaded(loaded));
    (alone.core, alone.store.reader)
}

impl Alone {
    /// In office.
    fn in_office() -> Self {
        let mut alone = Self {
            core: Shard::new(GENESIS, State::new(100, GENESIS.shard_count), Limits::default()),
            store: store(),
            journal: Vec::new(),
            held: None,
            relays: VecDeque::new(),
            returns: Vec::new(),
            owners: 0,
            wall_offset: Span::ZERO,
            mono: Span::ZERO,
        };
        alone.say(Input::Assigned);
        assert!(alone.core.in_office());
        alone
    }

    /// The process ends and starts again, with its store or without.
    fn restart(&mut self, with_store: bool) {
        if with_store {
            let mut taking = self.core.take_changes().unwrap();
            self.store.writer.apply(&taking.rows()).unwrap();
        } else {
            self.store = store();
        }
        self.core = Shard::new(
            GENESIS,
            State::load(&*self.store.reader, 100, GENESIS.shard_count).unwrap(),
            Limits::default(),
        );
        self.say(Input::Assigned);
        while let Some(from) = self.core.wants_journal()
            && from.0 < self.journal.len() as u64
        {
            self.say(Input::Journal(self.journal[from.0 as usize..].to_vec()));
        }
        assert!(self.core.in_office());
    }

    /// Tells the core something and does what it asks for, until it asks for nothing.
    fn say(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            self.owners += 1;
            let now = Now { wall: NOW.plus(self.wall_offset).plus(self.mono), mono: self.mono };
            for output in self.core.step(input, now, OwnerId(Uuid::from_u128(self.owners))) {
                match output {
                    Output::NeedEnd { .. } => inputs.push_back(Input::End(Offset(self.journal.len() as u64))),
                    Output::NeedConfirmation(of) => inputs.push_back(Input::Confirmed(of)),
                    Output::Append { attempt, record } => match (&mut self.held, attempt) {
                        (Some(held), Some(attempt)) => held.push((attempt, record)),
                        _ => inputs.push_back(self.take(record)),
                    },
                    Output::Load(ids) => {
                        let load = |id| rows::load_account(&*self.store.reader, id).unwrap();
                        inputs.push_back(Input::Loaded(ids.iter().map(load).collect()));
                    }
                    Output::LoadTimers { after, most } => {
                        let entries = timers::load(&*self.store.reader, after, most).unwrap();
                        inputs.push_back(Input::Timers(entries));
                    }
                    Output::FindOrder { order, segment, since } => {
                        let reader = &*self.store.reader;
                        let found = finder::find(reader, Kind::Orders, &order, segment, since).unwrap();
                        inputs.push_back(Input::Order(order, found));
                    }
                    Output::Answer(..) => {}
                    Output::Relay { to, upto, record, .. } => self.relays.push_back((to, upto, record)),
                    Output::Return(refused) => self.returns.push(refused),
                }
            }
        }
    }

    /// The log takes a record, which is read back.
    fn take(&mut self, record: Bytes) -> Input {
        let stored = Stored { append_time: NOW.plus(self.mono), ..stored(self.journal.len() as u64, record) };
        self.journal.push(stored.clone());
        Input::Journal(vec![stored])
    }

    /// How many terms were started.
    fn terms(&self) -> usize {
        let entries = self.journal.iter().map(|stored| Entry::decode(&stored.record.value).unwrap().unwrap());
        entries.filter(|entry| matches!(entry, Entry::TermStarted(_))).count()
    }

    /// The bodies of all batches.
    fn bodies(&self) -> Vec<Body> {
        let entry = |stored: &Stored| Entry::decode(&stored.record.value).unwrap().unwrap();
        let body = |entry| match entry {
            Entry::Batch(batch) => Some(body::decode(&batch.body).unwrap()),
            Entry::Genesis(_) | Entry::TermStarted(_) | Entry::Rebase(_) => None,
        };
        self.journal.iter().map(entry).filter_map(body).collect()
    }
}

fn store() -> Opened {
    let identity = Identity { network: GENESIS.network.0, shard: GENESIS.shard.0, format: rows::FORMAT };
    coalition_store::Memory::new().open(&identity).unwrap()
}

fn stored(offset: u64, value: Bytes) -> Stored {
    Stored { offset: Offset(offset), append_time: NOW, record: Record::of(value) }
}

/// An event in the inbox, refused since nothing is set up, but decided.
fn event(offset: u64) -> Stored {
    repeat(offset, offset)
}

/// The event that lies at `of` once more.
fn repeat(offset: u64, of: u64) -> Stored {
    let event = PartnerEvent {
        partner: PartnerId::new("cdnow").unwrap(),
        event_id: Reference::new(format!("e{of}")).unwrap(),
        programme: None,
        identifier: Identifier::new(Scheme::CardToken, "tok_1").unwrap(),
        event_time: NOW,
        channel: None,
        revision: 0,
        body: EventBody::SignUp { consents: Vec::new() },
    };
    stored(offset, Request::Event(event, Source { partition: 0, offset: Offset(of) }).encode())
}
