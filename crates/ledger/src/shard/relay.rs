//! What follows from decisions elsewhere: only what is in effect, in dense numbers, one run at a time.
//!
//! Changes of the registry go from its home shard to every other, so their numbers are those of the registry's own log. What
//! is asked of accounts goes from every shard to every shard, also to itself, in numbers of its own. Refused events go back to
//! their partners from every shard.

use bytes::Bytes;
use coalition_domain::Span;
use coalition_journal::entry::ShardId;
use serde::Serialize;

use super::time::breathed;
use super::{Output, Shard};
use crate::body::Destination;
use crate::clock::Now;
use crate::inbox::{CommandRun, RelayCommand, Request, Run};
use crate::plant::Plant;

/// The shard that decides what the whole network agrees on.
pub const HOME: ShardId = ShardId(0);

/// The most of a run, in bytes of its record, if it has more than one command.
const RUN_BYTES_MAX: usize = 256 * 1024;

/// Refused events in one run.
const REFUSED_MAX: usize = 256;

/// The way to one destination in this term.
#[derive(Default)]
pub(super) struct Link {
    /// A run is under way.
    under_way: bool,
    /// When the log refused the last one: time to breathe until the next.
    refused: Option<Span>,
    /// The log has everything up to here; a fact for the next batch.
    acknowledged: Option<u64>,
}

impl Shard {
    /// Sends the next run to every destination that has none under way.
    pub(super) fn relay_ready(&mut self, now: Now, out: &mut Vec<Output>) {
        if !self.in_office() || self.stopped.is_some() {
            return;
        }
        if self.genesis.shard == HOME {
            for to in (1..self.genesis.shard_count.0).map(ShardId) {
                let Some(sent) = self.free(Destination::Shard(to), now) else { continue };
                if let Some((upto, record)) = self.run_after(sent) {
                    let (shard, to) = (to, Destination::Shard(to));
                    out.push(Output::Relay { shard, to, upto, record });
                    self.link(to).under_way = true;
                }
            }
        }
        for shard in self.state.outbox.destinations().collect::<Vec<_>>() {
            let to = Destination::Accounts(shard);
            let Some(sent) = self.free(to, now) else { continue };
            if let Some((upto, record)) = self.commands_after(shard, sent) {
                out.push(Output::Relay { shard, to, upto, record });
                self.link(to).under_way = true;
            }
        }
        if let Some(sent) = self.free(Destination::Partners, now) {
            let refused: Vec<_> = self.state.refused.after(sent).take(REFUSED_MAX).cloned().collect();
            if !refused.is_empty() {
                out.push(Output::Return(refused));
                self.link(Destination::Partners).under_way = true;
            }
        }
    }

    fn link(&mut self, to: Destination) -> &mut Link {
        self.relay.entry(to).or_default()
    }

    /// Up to which number a destination has got everything, if the next run may go there.
    fn free(&mut self, to: Destination, now: Now) -> Option<u64> {
        let known = self.state.meta.relayed.get(&to).copied().unwrap_or(0);
        let link = self.link(to);
        let breathing = link.refused.is_some_and(|since| !breathed(since, now));
        let sent = link.acknowledged.map_or(known, |upto| upto.max(known));
        (!link.under_way && !breathing).then_some(sent)
    }

    /// The next run of changes of the registry, with the number of its last one.
    fn run_after(&self, sent: u64) -> Option<(u64, Bytes)> {
        let start = usize::try_from(sent).expect("the registry fits into memory");
        let waiting = self.state.registry_log.get(start..).unwrap_or_default();
        let commands = waiting.iter().map(|event| RelayCommand::Registry((**event).clone()));
        let commands: Vec<_> = commands.take_while(fits()).collect();
        let upto = sent + commands.len() as u64;
        let run = Run { source: self.genesis.shard, first: sent + 1, commands };
        (upto > sent).then(|| (upto, Request::Relayed(run).encode()))
    }

    /// The next run of what is asked of accounts of a shard, with the number of its last one.
    fn commands_after(&self, shard: ShardId, sent: u64) -> Option<(u64, Bytes)> {
        let waiting = self.state.outbox.after(shard, sent).cloned();
        let commands: Vec<_> = waiting.take_while(fits()).collect();
        let upto = sent + commands.len() as u64;
        let run = CommandRun { source: self.genesis.shard, first: sent + 1, commands };
        (upto > sent).then(|| (upto, Request::Commands(run).encode()))
    }

    /// A run is where it belongs, or may not be: then it is sent again, and the numbers keep it from counting twice.
    pub(super) fn relayed(&mut self, to: Destination, upto: u64, appended: bool, now: Now) {
        let assumed = to == Destination::Partners && self.planted.has(Plant::ReturnAssumed);
        let appended = appended || assumed;
        if let Some(link) = self.relay.get_mut(&to) {
            link.under_way = false;
            link.refused = (!appended).then_some(now.mono);
            if appended {
                link.acknowledged = Some(link.acknowledged.map_or(upto, |known| known.max(upto)));
            }
        }
    }

    /// Whether there are acknowledgements that the journal does not have.
    pub(super) fn relay_facts(&self) -> bool {
        self.relay.iter().any(|(to, link)| link.acknowledged > self.state.meta.relayed.get(to).copied())
    }

    /// The acknowledgements that the journal does not have.
    pub(super) fn take_relay_facts(&self) -> Vec<(Destination, u64)> {
        let news = self
            .relay
            .iter()
            .filter(|(to, link)| link.acknowledged > self.state.meta.relayed.get(to).copied());
        news.filter_map(|(to, link)| link.acknowledged.map(|upto| (*to, upto))).collect()
    }
}

/// Whether a command still belongs to a run; the first one does, whatever its size.
fn fits<T: Serialize>() -> impl FnMut(&T) -> bool {
    let mut bytes = 0;
    move |command| {
        let first = bytes == 0;
        bytes += crate::rows::encode(command).len();
        first || bytes <= RUN_BYTES_MAX
    }
}
