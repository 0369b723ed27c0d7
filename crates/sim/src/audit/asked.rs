//! What was asked: the records of an inbox, and the requests of clients, each looked up by its name.

use std::collections::{BTreeMap, BTreeSet};

use coalition_domain::decide::RegistryCommand;
use coalition_domain::{Command, RequestId, Timestamp};
use coalition_journal::entry::ShardId;
use coalition_journal::log::{Offset, Stored};
use coalition_ledger::inbox::{self, Sent};
use coalition_ledger::shard::Direct;

use super::same;
use crate::world::Request;

/// The inbox of a shard.
pub(super) struct Inbox {
    /// What its records ask, in order; nothing, of junk.
    pub(super) records: Vec<Option<inbox::Request>>,
    /// When they were appended.
    pub(super) times: BTreeSet<Timestamp>,
    /// What shards ask of accounts here, by their numbers.
    pub(super) commands: BTreeMap<(ShardId, u64), Sent>,
}

impl Inbox {
    /// Reads the whole of it. Of what one shard asks each number says one thing, however often it was sent.
    pub(super) fn read<'a>(stored: impl Iterator<Item = &'a Stored>) -> Result<Self, String> {
        let (mut times, mut records, mut commands) = (BTreeSet::new(), Vec::new(), BTreeMap::new());
        for record in stored {
            times.insert(record.append_time);
            same("the offset of a record of the inbox", &record.offset.0, &(records.len() as u64))?;
            let request = match inbox::Request::decode(&record.record.value) {
                Ok(request) => Some(request),
                Err(inbox::Unreadable::NoRequest) => None,
                Err(newer @ inbox::Unreadable::NewerFormat(_)) => return Err(newer.to_string()),
            };
            if let Some(inbox::Request::Commands(run)) = &request {
                for (number, sent) in (run.first..).zip(&run.commands) {
                    let of = (run.source, number);
                    let known = commands.entry(of).or_insert_with(|| sent.clone());
                    same(&format!("what is asked by {of:?}"), sent, known)?;
                }
            }
            records.push(request);
        }
        Ok(Self { records, times, commands })
    }
}

/// The requests of clients, by their ids.
pub(super) struct Asked<'a>(BTreeMap<RequestId, Vec<&'a Request>>);

impl<'a> Asked<'a> {
    pub(super) fn of(requests: &'a [Request]) -> Self {
        let mut by_id: BTreeMap<RequestId, Vec<&Request>> = BTreeMap::new();
        for request in requests {
            let id = match &request.direct {
                Direct::Account(command) => command.request().map(|(_, request)| request),
                Direct::Registry(command) => Some(command.request),
            };
            by_id.entry(id.expect("a request has an id")).or_default().push(request);
        }
        Self(by_id)
    }

    /// All requests for this very thing.
    pub(super) fn like(&self, direct: &Direct) -> impl Iterator<Item = &'a Request> {
        let id = match direct {
            Direct::Account(command) => command.request().map(|(_, request)| request),
            Direct::Registry(command) => Some(command.request),
        };
        let of_id = id.and_then(|id| self.0.get(&id)).into_iter().flatten();
        of_id.copied().filter(move |request| request.direct == *direct)
    }

    /// Where the journal of a shard ended when it was asked for this first, if somebody has asked.
    pub(super) fn account(&self, shard: ShardId, command: &Command) -> Option<Offset> {
        let of_id = command.request().and_then(|(_, id)| self.0.get(&id)).into_iter().flatten();
        let of_shard = of_id.filter(|request| request.shard == shard);
        let is = |request: &&&Request| matches!(&request.direct, Direct::Account(asked) if asked == command);
        of_shard.filter(is).filter_map(|request| request.asked_at).min()
    }

    /// The same for a change of the registry.
    pub(super) fn registry(&self, command: &RegistryCommand) -> Option<Offset> {
        let of_id = self.0.get(&command.request).into_iter().flatten();
        let is = |request: &&&Request| matches!(&request.direct, Direct::Registry(asked) if asked == command);
        of_id.filter(is).filter_map(|request| request.asked_at).min()
    }
}
