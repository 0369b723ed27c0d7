//! What follows from decisions here for accounts of other shards, numbered densely from 1 for each of them.
//!
//! It waits here until the journal knows that the other shard's inbox has it. What is sent to this very shard goes the same
//! way: so an account never changes but by a decision of its own.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use coalition_domain::handover::outgoing;
use coalition_domain::{Command, Decision};
use coalition_journal::entry::ShardId;
use coalition_store::{Checkpoint, Range, Reader};

use crate::inbox::{Sent, Source};
use crate::rows;

/// The way to one shard.
#[derive(Debug, Default)]
struct Lane {
    /// The number of the newest.
    last: u64,
    waiting: VecDeque<Waiting>,
    /// Up to which number the store has those that wait.
    stored: u64,
    /// Those of them that wait no longer.
    gone: Vec<Waiting>,
    /// What those that wait take.
    bytes: usize,
}

/// A command under its number.
#[derive(Clone, Debug)]
struct Waiting {
    number: u64,
    /// What it takes when it is stored.
    bytes: usize,
    sent: Arc<Sent>,
}

/// What waits for its way.
#[derive(Debug)]
pub struct Outbox {
    /// How many shards there are.
    shards: u32,
    lanes: BTreeMap<ShardId, Lane>,
}

/// What changed for the store.
#[derive(Default)]
pub(crate) struct Changes {
    new: Vec<(ShardId, Waiting)>,
    gone: Vec<(ShardId, Waiting)>,
}

impl Lane {
    fn push(&mut self, number: u64, bytes: usize, sent: Sent) {
        self.bytes += bytes;
        self.waiting.push_back(Waiting { number, bytes, sent: Arc::new(sent) });
    }
}

impl Outbox {
    /// Of a shard that has sent nothing yet, in a network of so many.
    pub(crate) fn new(shards: u32) -> Self {
        Self { shards, lanes: BTreeMap::new() }
    }

    /// Of a shard whose newest commands to others had these numbers.
    ///
    /// # Errors
    /// Rows that can't be read.
    pub(crate) fn load(
        reader: &dyn Reader,
        shards: u32,
        last: &BTreeMap<ShardId, u64>,
    ) -> Result<Self, rows::Error> {
        let lane = |last: &u64| Lane { last: *last, stored: *last, ..Lane::default() };
        let mut lanes: BTreeMap<_, _> = last.iter().map(|(to, last)| (*to, lane(last))).collect();
        rows::scan_parts(reader, Range::prefix(*b"o"), |key, value| {
            let (to, number) = rows::outbox_key_of(key).ok_or(rows::Error::Row('o'))?;
            let lane = lanes.get_mut(&to).ok_or(rows::Error::Row('o'))?;
            lane.push(number, value.len(), rows::decode('o', value)?);
            Ok(())
        })?;
        Ok(Self { shards, lanes })
    }

    /// Takes in what a decision asks of another account.
    pub(crate) fn note(&mut self, decision: &Decision, source: Option<Source>) {
        let Some(command) = outgoing(decision) else { return };
        // Nobody knows where an order was bought.
        let everywhere = matches!(command, Command::FindOrder { .. });
        let to = command.account().shard(self.shards);
        let to = if everywhere { 0..self.shards } else { to..to + 1 };
        let sent = Sent { command, source: if everywhere { None } else { source } };
        let bytes = rows::encode(&sent).len();
        for to in to.map(ShardId) {
            let lane = self.lanes.entry(to).or_default();
            lane.last += 1;
            lane.push(lane.last, bytes, sent.clone());
        }
    }

    /// The inbox of `to` has everything up to `number`.
    pub(crate) fn acknowledged(&mut self, to: ShardId, number: u64) {
        let Some(lane) = self.lanes.get_mut(&to) else { return };
        while let Some(gone) = lane.waiting.pop_front_if(|first| first.number <= number) {
            lane.bytes -= gone.bytes;
            if gone.number <= lane.stored {
                lane.gone.push(gone);
            }
        }
    }

    /// Where something was ever sent.
    pub fn destinations(&self) -> impl Iterator<Item = ShardId> {
        self.lanes.keys().copied()
    }

    /// The numbers of the newest commands, by where they are sent.
    pub fn last(&self) -> BTreeMap<ShardId, u64> {
        self.lanes.iter().map(|(to, lane)| (*to, lane.last)).collect()
    }

    /// How many wait.
    pub fn count(&self) -> usize {
        self.lanes.values().map(|lane| lane.waiting.len()).sum()
    }

    /// What they take, in bytes.
    pub fn bytes(&self) -> usize {
        self.lanes.values().map(|lane| lane.bytes).sum()
    }

    /// Those to a shard after `number`, in order.
    pub fn after(&self, to: ShardId, number: u64) -> impl Iterator<Item = &Sent> {
        let waiting = self.lanes.get(&to).into_iter().flat_map(|lane| &lane.waiting);
        waiting.skip_while(move |known| known.number <= number).map(|known| &*known.sent)
    }

    /// Takes out what changed since the last call, for the store.
    pub(crate) fn take_changed(&mut self) -> Changes {
        let mut changes = Changes::default();
        for (to, lane) in &mut self.lanes {
            let new = lane.waiting.iter().filter(|waiting| waiting.number > lane.stored);
            changes.new.extend(new.map(|waiting| (*to, waiting.clone())));
            changes.gone.extend(lane.gone.drain(..).map(|gone| (*to, gone)));
            lane.stored = lane.last;
        }
        changes
    }
}

impl Changes {
    pub(crate) fn put(&self, checkpoint: &mut Checkpoint) {
        for (to, Waiting { number, sent, .. }) in &self.new {
            rows::put_parts(checkpoint, &rows::outbox_key(*to, *number), &rows::encode(&**sent));
        }
        for (to, Waiting { number, bytes, .. }) in &self.gone {
            rows::delete_parts(checkpoint, &rows::outbox_key(*to, *number), *bytes);
        }
    }
}
