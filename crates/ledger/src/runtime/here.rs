//! The shards here, as the group sees them: each is told what this process is to it, and shows how far it is.

use std::sync::Arc;
use std::time::{Duration, Instant};

use coalition_journal::entry::ShardId;

use super::handle::Ledger;
use super::membership::{Shell, Standing};
use super::post::Post;
use super::trouble::{Health, Trouble};
use super::worker::Message;
use crate::group::{Directory, Duty, Holder, MemberId};
use crate::metrics::Metrics;

/// All shards of the network, whatever this process is to them.
pub(super) struct Here {
    shards: Vec<Post>,
    duties: Vec<Duty>,
    troubles: Vec<Trouble>,
    owners: Vec<Option<MemberId>>,
    /// Whether the owner of each lives.
    owners_live: Vec<bool>,
    ledger: Ledger,
    metrics: Arc<Metrics>,
}

impl Here {
    pub(super) fn new(shards: Vec<Post>, ledger: Ledger, metrics: Arc<Metrics>) -> Self {
        let duties = vec![Duty::Nothing; shards.len()];
        let troubles = shards.iter().map(|_| Trouble::default()).collect();
        let owners_live = vec![false; shards.len()];
        Self { duties, troubles, owners: Vec::new(), owners_live, shards, ledger, metrics }
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
        let lives =
            |owner: &Option<MemberId>| owner.is_some_and(|owner| directory.members.contains_key(&owner));
        self.owners_live = now.iter().map(lives).collect();
        self.owners = now;
        self.metrics.group(directory, &self.duties, moves);
    }

    fn standing(&mut self, patience: Option<Duration>) -> Vec<(ShardId, Standing)> {
        let now = Instant::now();
        let known = (0..).map(ShardId).zip(&self.duties).zip(&self.owners_live).zip(&mut self.troubles);
        let standing = known.filter_map(|(((shard, duty), owner_lives), trouble)| {
            let status = self.ledger.status_here(shard);
            let health = match (duty, patience) {
                (Duty::Own, Some(patience)) => {
                    let shown = status.as_ref().map(|status| (status.in_office, status.position.seq));
                    trouble.as_owner(now, shown, patience)
                }
                (Duty::Follow | Duty::Nothing, Some(patience)) => {
                    trouble.as_others(now, *owner_lives, self.ledger.hangs_here(shard), patience)
                }
                (Duty::Own | Duty::Follow | Duty::Nothing, None) => {
                    trouble.forget();
                    Health::Well
                }
            };
            let at = status.as_ref().map(|status| status.position.seq);
            let stopped = status.is_some_and(|status| status.stopped.is_some());
            match health {
                Health::Well | Health::Failing if stopped => Some(Standing::Unable),
                Health::Well => at.map(Standing::At),
                Health::Failing => Some(Standing::Failing(trouble.furthest(at))),
                Health::GivenUp => Some(Standing::Unable),
            }
            .map(|standing| (shard, standing))
        });
        standing.collect()
    }
}
