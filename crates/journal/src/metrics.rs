//! What is measured of a log, and how metrics are made in every crate. docs/operating/metrics.md lists all of them.
//!
//! Whatever a shard, intake or the log's own threads touch is an atomic that was looked up beforehand: no locks, nothing
//! that grows.

use std::time::Duration;

use prometheus::{
    CounterVec, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGaugeVec,
    Opts, Registry,
};

use crate::log::AppendError;

/// Upper ends of the buckets of every duration, in seconds.
pub const DURATION_BUCKETS: [f64; 14] =
    [0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

const WELL_FORMED: &str = "names and labels are well formed: the test of the list scrapes them";

/// Counters of one name, by these labels.
pub fn counters(name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    IntCounterVec::new(Opts::new(name, help), labels).expect(WELL_FORMED)
}

/// Sums of time in seconds, by these labels.
pub fn seconds(name: &str, help: &str, labels: &[&str]) -> CounterVec {
    CounterVec::new(Opts::new(name, help), labels).expect(WELL_FORMED)
}

/// Gauges of one name, by these labels.
pub fn gauges(name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
    IntGaugeVec::new(Opts::new(name, help), labels).expect(WELL_FORMED)
}

/// Ages of one name in seconds, by these labels.
pub fn ages(name: &str, help: &str, labels: &[&str]) -> GaugeVec {
    GaugeVec::new(Opts::new(name, help), labels).expect(WELL_FORMED)
}

/// Durations of one name in seconds, by these labels.
pub fn durations(name: &str, help: &str, labels: &[&str]) -> HistogramVec {
    let options = HistogramOpts::new(name, help).buckets(DURATION_BUCKETS.to_vec());
    HistogramVec::new(options, labels).expect(WELL_FORMED)
}

/// What the records of a topic are: label `topic`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TopicKind {
    /// Commands for the shards.
    Inbox,
    /// Decisions.
    Journal,
    /// What partners wrote.
    Events,
    /// What goes back to partners.
    Rejected,
    /// Anything else.
    Other,
}

impl TopicKind {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Inbox, "inbox"),
        (Self::Journal, "journal"),
        (Self::Events, "events"),
        (Self::Rejected, "rejected"),
        (Self::Other, "other"),
    ];
}

/// The metrics of a log.
pub(crate) struct Metrics {
    families: (HistogramVec, IntCounterVec, IntCounterVec),
    /// By kind, in the order of [`TopicKind::ALL`].
    kinds: [Kind; 5],
}

/// The metrics of one kind of topic.
#[derive(Clone)]
pub(crate) struct Kind {
    duration: Histogram,
    bytes: IntCounter,
    appended: IntCounter,
    not_appended: IntCounter,
    doubt: IntCounter,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let duration = durations(
            "log_append_duration_seconds",
            "From an append's call until the log said what became of it, by kind of topic.",
            &["topic"],
        );
        let bytes = counters("log_append_bytes_total", "Bytes of the records of all appends.", &["topic"]);
        let appends = counters(
            "log_appends_total",
            "Appends, by outcome: appended, not_appended (proven), doubt.",
            &["topic", "outcome"],
        );
        let kinds = TopicKind::ALL.map(|(_, kind)| Kind {
            duration: duration.with_label_values(&[kind]),
            bytes: bytes.with_label_values(&[kind]),
            appended: appends.with_label_values(&[kind, "appended"]),
            not_appended: appends.with_label_values(&[kind, "not_appended"]),
            doubt: appends.with_label_values(&[kind, "doubt"]),
        });
        Self { families: (duration, bytes, appends), kinds }
    }

    pub(crate) fn register(&self, registry: &Registry) -> Result<(), prometheus::Error> {
        let (duration, bytes, appends) = self.families.clone();
        registry.register(Box::new(duration))?;
        registry.register(Box::new(bytes))?;
        registry.register(Box::new(appends))
    }

    pub(crate) fn of(&self, kind: TopicKind) -> &Kind {
        match kind {
            TopicKind::Inbox => &self.kinds[0],
            TopicKind::Journal => &self.kinds[1],
            TopicKind::Events => &self.kinds[2],
            TopicKind::Rejected => &self.kinds[3],
            TopicKind::Other => &self.kinds[4],
        }
    }
}

impl Kind {
    /// An append of so many bytes begins.
    pub(crate) fn begun(&self, bytes: usize) {
        self.bytes.inc_by(bytes as u64);
    }

    /// It was answered.
    pub(crate) fn answered<T>(&self, outcome: &Result<T, AppendError>, took: Duration) {
        self.duration.observe(took.as_secs_f64());
        match outcome {
            Ok(_) => self.appended.inc(),
            Err(AppendError::NotAppended(_)) => self.not_appended.inc(),
            Err(AppendError::Doubt(_)) => self.doubt.inc(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_own() {
        let metrics = Metrics::new();
        for (kind, name) in TopicKind::ALL {
            metrics.of(kind).begun(name.len());
            let counted = metrics.families.1.with_label_values(&[name]).get();
            assert_eq!(counted, name.len() as u64, "{kind:?}");
        }
    }
}
