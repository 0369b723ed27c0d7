//! What intake counts. Since the start of the process; a record that is read again after a restart counts again.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use coalition_proto::r#type::v1::ErrorReason;

/// One more than the greatest number of a reason that intake can give; others are counted as the unspecified one.
const REASONS: usize = 64;

/// Counters that the thread adds to and others read.
pub(crate) struct Metrics {
    /// `intake_records_total{outcome="accepted"}`: put, or about to be put, into the inbox.
    accepted: AtomicU64,
    /// `intake_records_total{outcome="rejected",reason}`: by the reason's number.
    rejected: [AtomicU64; REASONS],
    /// `intake_bytes_total`: values of the records that were judged.
    bytes: AtomicU64,
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
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            accepted: AtomicU64::default(),
            rejected: std::array::from_fn(|_| AtomicU64::default()),
            bytes: AtomicU64::default(),
        }
    }
}

impl Metrics {
    pub(crate) fn judged(&self, accepted: u64, bytes: u64) {
        self.accepted.fetch_add(accepted, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn rejected(&self, reason: ErrorReason) {
        let place = usize::try_from(i32::from(reason)).ok().filter(|place| *place < REASONS);
        self.rejected[place.unwrap_or(0)].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn counts(&self) -> Counts {
        let reason = |place: usize| i32::try_from(place).ok().and_then(|number| number.try_into().ok());
        let rejected = self.rejected.iter().enumerate().filter_map(|(place, count)| {
            let count = count.load(Ordering::Relaxed);
            reason(place).filter(|_| count > 0).map(|reason| (reason, count))
        });
        Counts {
            accepted: self.accepted.load(Ordering::Relaxed),
            rejected: rejected.collect(),
            bytes: self.bytes.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
