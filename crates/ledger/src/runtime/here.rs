//! The shards here, as the group sees them: each is told what this process is to it, and shows how far it is.

use std::sync::Arc;
use std::sync::mpsc::Sender;

use coalition_journal::entry::ShardId;

use super::handle::Ledger;
use super::membership::{Shell, Standing};
use super::worker::Message;
use crate::group::{Directory, Duty, Holder, MemberId};
use crate::metrics::Metrics;

/// All shards of the network, whatever this process is to them.
pub(super) struct Here {
    shards: Vec<Sender<Message>>,
    duties: Vec<Duty>,
    owners: Vec<Option<MemberId>>,
    ledger: Ledger,
    metrics: Arc<Metrics>,
}

impl Here {
    pub(super) fn new(shards: Vec<Sender<Message>>, ledger: Ledger, metrics: Arc<Metrics>) -> Self {
        Self { duties: vec![Duty::Nothing; shards.len()], owners: Vec::new(), shards, ledger, metrics }
    }
}

impl Shell for Here {
    fn told(&mut self, directory: &Directory, me: Option<MemberId>) {
        for ((shard, sender), known) in (0..).map(ShardId).zip(&self.shards).zip(&mut self.duties) {
            let duty = me.map_or(Duty::Nothing, |me| directory.duty(me, shard));
            if std::mem::replace(known, duty) != duty {
                // A shard that has ended hears nothing.
                drop(sender.send(Message::Duty(duty)));
            }
        }
        let member = |holder: &Option<Holder>| holder.as_ref().map(|holder| holder.member);
        let now: Vec<_> = directory.shards.iter().map(member).collect();
        let moved = |(old, new): &(&Option<MemberId>, &Option<MemberId>)| {
            old.is_some() && new.is_some() && old != new
        };
        let moves = self.owners.iter().zip(&now).filter(moved).count();
        self.owners = now;
        self.metrics.group(directory, &self.duties, moves);
    }

    fn standing(&self) -> Vec<(ShardId, Standing)> {
        let shards = (0..self.ledger.shards()).map(ShardId);
        let shown = shards.filter_map(|shard| Some((shard, self.ledger.status_here(shard)?)));
        let standing = shown.map(|(shard, status)| match status.stopped {
            Some(_) => (shard, Standing::Unable),
            None => (shard, Standing::At(status.position.seq)),
        });
        standing.collect()
    }
}
