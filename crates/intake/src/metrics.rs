//! What is measured of intake. docs/operating/metrics.md lists it. Since the start of the process; a record that is read
//! again after a restart counts again.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use coalition_domain::PartnerId;
use coalition_journal::log::{self, Log, Partition};
use coalition_journal::metrics::{counters, gauges, seconds};
use coalition_proto::r#type::v1::ErrorReason;
use prometheus::core::Collector;
use prometheus::{CounterVec, IntCounter, IntCounterVec, IntGaugeVec, Registry};

use crate::stream::Stream;

/// A log that is there says sooner that it refuses to be asked.
const REFUSED_MAX: Duration = Duration::from_secs(1);

/// Counters that the thread adds to and others read.
pub(crate) struct Metrics {
    records: IntCounterVec,
    reasons: IntCounterVec,
    bytes: IntCounterVec,
    trimmed: IntCounterVec,
    paced: CounterVec,
    lag: IntGaugeVec,
    unopened: IntGaugeVec,
    accepted: IntCounter,
    rejected: IntCounter,
    bytes_all: IntCounter,
    /// The partitions that are read, each with the offset before which everything is dealt with.
    streams: Mutex<Vec<(PartnerId, Partition, Arc<AtomicU64>)>>,
}

/// The counters at one moment.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Records that were translated and put, or are about to be put, into the inbox.
    pub accepted: u64,
    /// Records that went to a rejected topic, by reason; reasons that never occurred are left out.
    pub rejected: BTreeMap<ErrorReason, u64>,
    /// Bytes in the values of all of these records.
    pub bytes: u64,
    /// Partners of whom not all partitions are read yet, or can be.
    pub unopened: u64,
    /// Records that were deleted before they were read.
    pub trimmed: u64,
}

impl Default for Metrics {
    fn default() -> Self {
        let records = counters(
            "intake_records_total",
            "Records of partners' topics that were judged, by outcome: accepted, rejected.",
            &["outcome"],
        );
        let bytes = counters("intake_bytes_total", "Bytes in the values of these records.", &[]);
        Self {
            accepted: records.with_label_values(&["accepted"]),
            rejected: records.with_label_values(&["rejected"]),
            bytes_all: bytes.with_label_values::<&str>(&[]),
            records,
            reasons: reasons(),
            bytes,
            trimmed: trimmed(),
            paced: seconds(
                "intake_paced_seconds_total",
                "Time for which a partner's topic was not to be read on, as it was filled faster than a partner may send.",
                &["partner"],
            ),
            lag: gauges(
                "intake_lag",
                "Records of a partner's topic that are not dealt with: neither in the inbox nor sent back.",
                &["partner"],
            ),
            unopened: unopened(),
            streams: Mutex::default(),
        }
    }
}

fn unopened() -> IntGaugeVec {
    let unopened = gauges(
        "intake_partners_unopened",
        "Partners of whom something is not read: their topics are still to be opened, can't be, or could lose events.",
        &[],
    );
    unopened.with_label_values::<&str>(&[]);
    unopened
}

fn trimmed() -> IntCounterVec {
    let trimmed = counters(
        "intake_trimmed_records_total",
        "Records of partners' topics that were deleted before they were read.",
        &[],
    );
    trimmed.with_label_values::<&str>(&[]);
    trimmed
}

/// By reason. One is there from the start, so that the metric is shown before anything was rejected.
fn reasons() -> IntCounterVec {
    let reasons = counters(
        "intake_rejected_total",
        "Records that went back to their partners by intake, by reason (docs/errors.md).",
        &["reason"],
    );
    reasons.with_label_values(&[ErrorReason::Malformed.reason()]);
    reasons
}

impl Metrics {
    pub(crate) fn register(&self, registry: &Registry) -> Result<(), prometheus::Error> {
        registry.register(Box::new(self.records.clone()))?;
        registry.register(Box::new(self.reasons.clone()))?;
        registry.register(Box::new(self.bytes.clone()))?;
        registry.register(Box::new(self.trimmed.clone()))?;
        registry.register(Box::new(self.paced.clone()))?;
        registry.register(Box::new(self.lag.clone()))?;
        registry.register(Box::new(self.unopened.clone()))
    }

    pub(crate) fn judged(&self, accepted: u64, bytes: u64) {
        self.accepted.inc_by(accepted);
        self.bytes_all.inc_by(bytes);
    }

    pub(crate) fn rejected(&self, reason: ErrorReason) {
        self.rejected.inc();
        self.reasons.with_label_values(&[reason.reason()]).inc();
    }

    /// So many records were deleted before they were read.
    pub(crate) fn trimmed(&self, records: u64) {
        self.trimmed.with_label_values::<&str>(&[]).inc_by(records);
    }

    /// The partner's topic is not read on for so long.
    pub(crate) fn paced(&self, partner: PartnerId, wait: Duration) {
        if !wait.is_zero() {
            self.paced.with_label_values(&[partner.as_str()]).inc_by(wait.as_secs_f64());
        }
    }

    /// Of so many partners not all that there is is read.
    pub(crate) fn unopened(&self, partners: usize) {
        let partners = i64::try_from(partners).unwrap_or(i64::MAX);
        self.unopened.with_label_values::<&str>(&[]).set(partners);
    }

    /// Measures how far a stream is from now on.
    pub(crate) fn follow(&self, stream: &Stream) {
        let followed = (stream.partner, stream.events.clone(), Arc::clone(&stream.settled));
        self.streams.lock().unwrap_or_else(PoisonError::into_inner).push(followed);
        // Shown from the start, so that it can be seen to grow.
        self.paced.with_label_values(&[stream.partner.as_str()]);
    }

    /// The streams of a partner are read no more, or the one of a partition of its topic.
    pub(crate) fn leave(&self, partner: PartnerId, number: Option<u32>) {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams
            .retain(|(of, events, _)| *of != partner || number.is_some_and(|number| events.number != number));
        // How far it is behind isn't known before it is read again; there may be nothing to take away.
        _ = self.lag.remove_label_values(&[partner.as_str()]);
    }

    /// Looks how far all streams are behind. Of a partner whose topic can't be asked it stays what it was, and the first reason is
    /// given.
    pub(crate) fn sample(&self, log: &dyn Log) -> Result<(), log::Error> {
        let streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut lags: BTreeMap<PartnerId, Result<u64, log::Error>> = BTreeMap::new();
        for (partner, events, settled) in streams {
            let lag = lags.entry(partner).or_insert(Ok(0));
            if let Ok(sum) = lag {
                let (settled, began) = (settled.load(Ordering::Relaxed), Instant::now());
                *lag = match log.bounds(&events) {
                    Ok((_, end)) => Ok(*sum + end.0.saturating_sub(settled)),
                    // A log that is away takes its time to say so, and would for each of them; what is summed up is not all.
                    Err(error) if began.elapsed() > REFUSED_MAX => return Err(error),
                    Err(error) => Err(error),
                };
            }
        }
        let mut all = Ok(());
        for (partner, lag) in lags {
            match lag {
                Ok(lag) => {
                    let lag = i64::try_from(lag).unwrap_or(i64::MAX);
                    self.lag.with_label_values(&[partner.as_str()]).set(lag);
                }
                Err(error) => all = all.and(Err(error)),
            }
        }
        all
    }

    pub(crate) fn counts(&self) -> Counts {
        // Only reasons that occurred have a counter, and asking for one would make it.
        let families = self.reasons.collect();
        let labels = families.iter().flat_map(|family| family.get_metric()).flat_map(|one| one.get_label());
        let reasons = labels.filter_map(|label| ErrorReason::from_reason(label.value()));
        let count = |reason: ErrorReason| self.reasons.with_label_values(&[reason.reason()]).get();
        Counts {
            accepted: self.accepted.get(),
            rejected: reasons.map(|reason| (reason, count(reason))).filter(|(_, count)| *count > 0).collect(),
            bytes: self.bytes_all.get(),
            trimmed: self.trimmed.with_label_values::<&str>(&[]).get(),
            unopened: u64::try_from(self.unopened.with_label_values::<&str>(&[]).get()).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use coalition_journal::log::{Offset, Record};
    use coalition_journal::memory::Memory;

    use super::*;
    use crate::outbox::Outbox;

    #[test]
    fn the_lag_of_who_is_not_read_is_not_shown() {
        let (metrics, log) = (Metrics::default(), Memory::new());
        let [left, read] = ["left", "read"].map(|id| PartnerId::new(id).unwrap());
        for partner in [left, read] {
            let events = Partition::new(&crate::events_topic(&partner), 0);
            log.create_topic(&events.topic, 1).unwrap();
            log.append(&events, vec![Record::of("1")], Box::new(|it| assert!(it.is_ok())));
            let returns = Outbox::new(1);
            metrics.follow(&Stream::new(partner, (events.clone(), events), returns, Offset::default()));
        }
        let shown = || {
            metrics.sample(&log).unwrap();
            let families = metrics.lag.collect();
            let series = families.iter().flat_map(|family| family.get_metric());
            series.map(|one| one.get_label()[0].value().to_owned()).collect::<BTreeSet<_>>()
        };
        assert_eq!(shown(), BTreeSet::from(["left", "read"].map(str::to_owned)));
        metrics.leave(left, None);
        assert_eq!(shown(), BTreeSet::from(["read".to_owned()]));
    }

    #[test]
    fn every_reason_has_a_counter_of_its_own() {
        let metrics = Metrics::default();
        let reasons = (0..i32::MAX).map_while(|number| ErrorReason::try_from(number).ok());
        let reasons: Vec<_> = reasons.collect();
        assert!(reasons.contains(&ErrorReason::EffectiveTooEarly));
        reasons.iter().for_each(|reason| metrics.rejected(*reason));
        metrics.rejected(ErrorReason::Malformed);
        metrics.judged(2, 300);
        let counts = metrics.counts();
        assert_eq!((counts.accepted, counts.bytes), (2, 300));
        assert_eq!(counts.rejected.len(), reasons.len());
        assert_eq!(counts.rejected[&ErrorReason::Malformed], 2);
        assert_eq!(counts.rejected[&ErrorReason::EventInFuture], 1);
    }
}
