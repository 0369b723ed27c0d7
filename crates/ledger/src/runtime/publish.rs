//! What a shard shows of itself: its status to whoever waits for it, its figures to whoever measures.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use coalition_domain::Timestamp;
use coalition_journal::entry::ShardId;
use coalition_journal::log::{self, Log};

use super::handle::{Ledger, Status};
use super::worker::Worker;
use crate::view::Position;

impl Worker<'_> {
    /// Shows the status if there is news, and what was done since the last time.
    pub(super) fn publish(&mut self) {
        self.measure();
        let state = self.core.shard.state();
        let (seq, in_office) = (state.meta.chain.seq(), self.core.serves());
        let stopped = self.core.shard.stopped().map(ToString::to_string);
        let news = |known: &Option<Status>| {
            known.as_ref().is_none_or(|known| {
                (known.position.seq, known.in_office, known.stored) != (seq, in_office, self.stored)
                    || known.stopped != stopped
            })
        };
        if !news(&self.published.borrow()) {
            return;
        }
        if let Some(why) = &stopped {
            tracing::error!(shard = %self.place.genesis.shard, why, "the shard has stopped");
        }
        self.published.send_replace(Some(Status {
            position: Position { shard: self.place.genesis.shard, seq },
            head: state.meta.chain.head(),
            term: state.meta.chain.term(),
            in_office,
            registry: Arc::clone(&state.registry),
            stored: self.stored,
            inbox_next: state.meta.inbox_next,
            horizon: state.meta.horizon,
            waits_since: None,
            stopped,
        }));
    }

    fn measure(&mut self) {
        let (tally, metrics) = (*self.core.shard.tally(), &self.place.metrics);
        metrics.worked(&std::mem::replace(&mut self.told, tally), &tally);
        metrics.holds(self.core.shard.state(), self.core.shard.waits_since());
    }

    /// Notes how long a batch took that the last step found in effect.
    pub(super) fn measure_commit(&mut self, batches_before: u64) {
        if self.core.shard.tally().batches > batches_before
            && let Some(sent) = self.commit_sent.take()
        {
            self.place.metrics.commit.observe(sent.elapsed().as_secs_f64());
        }
    }
}

impl Ledger {
    /// Has the metrics of all shards shown.
    ///
    /// # Errors
    /// The registry shows metrics of these names already.
    pub fn register(&self, registry: &prometheus::Registry) -> Result<(), prometheus::Error> {
        self.metrics.register(registry)
    }

    /// Brings those metrics up to date that tell what the shards show of themselves. No log is asked, and nothing waited
    /// for: they are current while the log is away, which is when they matter.
    pub fn show(&self) {
        for (shard, route) in (0..).map(ShardId).zip(&*self.shards) {
            let (Some(mailbox), metrics) = (&route.here, self.metrics.of(shard)) else { continue };
            let queued = mailbox.queued().load(Ordering::Relaxed);
            match self.status_here(shard) {
                Some(status) => metrics.show(&status, queued),
                None => metrics.is_not_here(),
            }
        }
    }

    /// Brings those metrics up to date for which the log has to be asked. As [`Self::freshness`].
    ///
    /// # Errors
    /// Those of the log; what comes after is left as it was.
    pub fn sample(&self, log: &dyn Log, now: Timestamp) -> Result<(), log::Error> {
        for shard in (0..self.shards()).map(ShardId) {
            if self.status_here(shard).is_some()
                && let Some(freshness) = self.freshness(shard, log, now)?
            {
                self.metrics.of(shard).sample(&freshness);
            }
        }
        Ok(())
    }
}
