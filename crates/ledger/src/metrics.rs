//! What is measured of the shards of this process. docs/operating/metrics.md lists it.
//!
//! A shard's thread writes to atomics that were looked up when it started. What others can read from outside without
//! troubling it is looked at only when somebody asks: how far it is, [`ShardMetrics::show`], and with a look into the log
//! how long its inbox is, [`ShardMetrics::sample`].

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use coalition_domain::Timestamp;
use coalition_journal::entry::ShardId;
use coalition_journal::metrics::{ages, counters, durations, gauges};
use prometheus::{Gauge, Histogram, IntCounter, IntGauge, Registry};

use crate::group::{Directory, Duty};
use crate::runtime::{Freshness, Status};
use crate::shard::Tally;
use crate::state::State;

/// The metrics of all shards.
pub(crate) struct Metrics {
    families: Families,
    shards: Vec<Arc<ShardMetrics>>,
    group: OfGroup,
}

macro_rules! families {
    ($($name:ident: $make:ident($metric:literal, $labels:expr, $help:literal);)*) => {
        /// One of each name, over all shards.
        struct Families {
            $($name: families!(@type $make),)*
        }

        impl Families {
            fn new() -> Self {
                Self { $($name: $make($metric, $help, &$labels),)* }
            }

            fn register(&self, registry: &Registry) -> Result<(), prometheus::Error> {
                $(registry.register(Box::new(self.$name.clone()))?;)*
                Ok(())
            }
        }
    };
    (@type counters) => { prometheus::IntCounterVec };
    (@type gauges) => { prometheus::IntGaugeVec };
    (@type ages) => { prometheus::GaugeVec };
    (@type durations) => { prometheus::HistogramVec };
}

families! {
    commit: durations("ledger_commit_duration_seconds", ["shard"],
        "From sending a batch to the journal until it was read back in effect and folded.");
    decisions: counters("ledger_decisions_total", ["shard", "outcome"],
        "Decisions in effect that this process took, by outcome: applied, refused, waiting.");
    repeats: counters("ledger_repeats_total", ["shard"],
        "Commands that had been decided before, and were not decided again.");
    terms: counters("ledger_terms_total", ["shard"], "Terms in which this process took office.");
    checkpoint: durations("ledger_checkpoint_duration_seconds", ["shard"],
        "Writing a checkpoint: its rows encoded, applied and synced.");
    accounts: gauges("ledger_accounts_in_memory", ["shard"], "Accounts in memory.");
    refused_waiting: gauges("ledger_refused_waiting", ["shard"],
        "Refused events that are not known to be back with their partners.");
    events_waiting: gauges("ledger_events_waiting", ["shard"],
        "Events that came too early, and are decided again later.");
    queued: gauges("ledger_queue_length", ["shard"],
        "Commands and questions of the gateway that wait for the shard.");
    in_office: gauges("ledger_in_office", ["shard"], "1 while this process decides in the shard, else 0.");
    stopped: gauges("ledger_stopped", ["shard"],
        "1 once the shard was stopped by a fault, else 0: a person has to act.");
    term: gauges("ledger_term", ["shard"], "The newest term in effect.");
    seq: gauges("ledger_position_seq", ["shard"], "Number of the newest record in effect that is folded.");
    inbox_lag: gauges("ledger_inbox_lag", ["shard"], "Records of the inbox that no decision in effect covers.");
    balance_age: ages("ledger_balance_age_seconds", ["shard"],
        "How old a balance is: since when the oldest record of the inbox waits that is not in it; 0 if none does.");
    checkpoint_lag: gauges("ledger_checkpoint_lag", ["shard"],
        "Records in effect that the newest checkpoint does not hold: what a restart replays.");
    members: gauges("ledger_group_members", [], "Processes of the network that live, as far as this one has heard.");
    epoch: gauges("ledger_group_epoch", [], "Number of the assignment of shards in force.");
    shards: gauges("ledger_shards", ["duty"], "Shards that are this process's, by duty: own, follow.");
    moves: counters("ledger_shard_moves_total", [],
        "Shards that went from one process to another, anywhere, since this one started.");
}

/// What is measured of the group.
struct OfGroup {
    members: IntGauge,
    epoch: IntGauge,
    owned: IntGauge,
    followed: IntGauge,
    moves: IntCounter,
}

impl OfGroup {
    fn new(all: &Families) -> Self {
        let none: [&str; 0] = [];
        Self {
            members: all.members.with_label_values(&none),
            epoch: all.epoch.with_label_values(&none),
            owned: all.shards.with_label_values(&["own"]),
            followed: all.shards.with_label_values(&["follow"]),
            moves: all.moves.with_label_values(&none),
        }
    }
}

/// The metrics of one shard, looked up.
pub(crate) struct ShardMetrics {
    pub(crate) commit: Histogram,
    pub(crate) checkpoint: Histogram,
    applied: IntCounter,
    refused: IntCounter,
    waiting: IntCounter,
    repeats: IntCounter,
    terms: IntCounter,
    accounts: IntGauge,
    refused_waiting: IntGauge,
    events_waiting: IntGauge,
    queued: IntGauge,
    in_office: IntGauge,
    stopped: IntGauge,
    term: IntGauge,
    seq: IntGauge,
    inbox_lag: IntGauge,
    balance_age: Gauge,
    checkpoint_lag: IntGauge,
    /// Of [`crate::shard::Shard::waits_since`], in milliseconds; the greatest number if there is none.
    waits_since: AtomicI64,
}

impl Metrics {
    pub(crate) fn new(shards: u32) -> Self {
        let families = Families::new();
        let shards = (0..shards).map(|shard| Arc::new(ShardMetrics::new(&families, &shard.to_string())));
        Self { shards: shards.collect(), group: OfGroup::new(&families), families }
    }

    pub(crate) fn of(&self, shard: ShardId) -> &Arc<ShardMetrics> {
        &self.shards[shard.0 as usize]
    }

    /// Shows who runs what: `duties` are this process's, and so many shards have moved since the last time.
    pub(crate) fn group(&self, directory: &Directory, duties: &[Duty], moves: usize) {
        let group = &self.group;
        let of = |duty| count(duties.iter().filter(|one| **one == duty).count() as u64);
        group.members.set(count(directory.members.len() as u64));
        group.epoch.set(count(directory.epoch));
        group.owned.set(of(Duty::Own));
        group.followed.set(of(Duty::Follow));
        group.moves.inc_by(moves as u64);
    }

    pub(crate) fn register(&self, registry: &Registry) -> Result<(), prometheus::Error> {
        self.families.register(registry)
    }
}

impl ShardMetrics {
    fn new(all: &Families, shard: &str) -> Self {
        let one = [shard];
        Self {
            commit: all.commit.with_label_values(&one),
            checkpoint: all.checkpoint.with_label_values(&one),
            applied: all.decisions.with_label_values(&[shard, "applied"]),
            refused: all.decisions.with_label_values(&[shard, "refused"]),
            waiting: all.decisions.with_label_values(&[shard, "waiting"]),
            repeats: all.repeats.with_label_values(&one),
            terms: all.terms.with_label_values(&one),
            accounts: all.accounts.with_label_values(&one),
            refused_waiting: all.refused_waiting.with_label_values(&one),
            events_waiting: all.events_waiting.with_label_values(&one),
            queued: all.queued.with_label_values(&one),
            in_office: all.in_office.with_label_values(&one),
            stopped: all.stopped.with_label_values(&one),
            term: all.term.with_label_values(&one),
            seq: all.seq.with_label_values(&one),
            inbox_lag: all.inbox_lag.with_label_values(&one),
            balance_age: all.balance_age.with_label_values(&one),
            checkpoint_lag: all.checkpoint_lag.with_label_values(&one),
            waits_since: AtomicI64::new(i64::MAX),
        }
    }

    /// What the shard has done since it was `told` last.
    pub(crate) fn worked(&self, told: &Tally, now: &Tally) {
        self.terms.inc_by(now.terms - told.terms);
        self.applied.inc_by(now.applied - told.applied);
        self.refused.inc_by(now.refused - told.refused);
        self.waiting.inc_by(now.waiting - told.waiting);
        self.repeats.inc_by(now.repeated - told.repeated);
    }

    /// What the shard holds.
    pub(crate) fn holds(&self, state: &State, waits_since: Option<Timestamp>) {
        self.accounts.set(count(state.accounts.count() as u64));
        self.refused_waiting.set(count(state.refused.count() as u64));
        self.events_waiting.set(count(state.due.count() as u64));
        self.waits_since.store(waits_since.map_or(i64::MAX, Timestamp::as_millis), Ordering::Relaxed);
    }

    /// Since when the oldest command of the inbox waits that is not in effect.
    pub(crate) fn waits_since(&self) -> Option<Timestamp> {
        let millis = self.waits_since.load(Ordering::Relaxed);
        (millis != i64::MAX).then_some(Timestamp::from_millis(millis))
    }

    /// Shows what the shard shows of itself.
    pub(crate) fn show(&self, status: &Status, queued: usize) {
        self.queued.set(count(queued as u64));
        self.in_office.set(i64::from(status.in_office));
        self.stopped.set(i64::from(status.stopped.is_some()));
        self.term.set(count(status.term.0));
        self.seq.set(count(status.position.seq.0));
        self.checkpoint_lag.set(count(status.position.seq.0.saturating_sub(status.stored.0)));
    }

    /// The shard is not run here, or not yet: what it showed last is no longer so.
    pub(crate) fn is_not_here(&self) {
        let gauges = [&self.accounts, &self.refused_waiting, &self.events_waiting, &self.queued];
        let rest = [&self.in_office, &self.stopped, &self.inbox_lag, &self.checkpoint_lag];
        gauges.into_iter().chain(rest).for_each(|gauge| gauge.set(0));
        self.balance_age.set(0.0);
        self.waits_since.store(i64::MAX, Ordering::Relaxed);
    }

    /// Shows what only the log can tell.
    pub(crate) fn sample(&self, freshness: &Freshness) {
        self.inbox_lag.set(count(freshness.inbox_lag));
        let age = u64::try_from(freshness.balance_age.as_millis()).unwrap_or(0);
        self.balance_age.set(Duration::from_millis(age).as_secs_f64());
    }
}

fn count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
