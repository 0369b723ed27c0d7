//! How fast a partner may send. What comes faster waits, so that others find the machine as they do when it is quiet.

use std::time::{Duration, Instant};

use coalition_journal::log::Record;

/// What may come at once, after a silence, in time at the quota's rate.
const BURST: Duration = Duration::from_millis(100);
/// An event counts as many units as it has of these bytes, and one at least.
const UNIT_BYTES: usize = 1024;

/// What an event has of bytes, mostly.
const EVENT_BYTES: usize = 160;

/// What each partner may send, in units a second: an event of up to a kibibyte is one, a larger one is as many as it has kibibytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Quota {
    per_second: Option<u32>,
}

/// What one partner has sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Meter {
    /// When all of it would have been sent at the rate of the quota.
    paid: Option<Instant>,
}

/// What may be beside an event in its record and counts nothing: key and headers, such as those of a trace.
const HEAD_BYTES: usize = 1024;

/// What a record counts.
pub(crate) fn units_of(record: &Record) -> u64 {
    let event = record.value.len();
    units(event + (record.bytes() - event).saturating_sub(HEAD_BYTES))
}

/// What an event of so many bytes counts.
pub fn units(bytes: usize) -> u64 {
    u64::try_from(bytes.div_ceil(UNIT_BYTES).max(1)).unwrap_or(u64::MAX)
}

impl Quota {
    /// So many units a second; 0: as many as there are.
    #[must_use]
    pub fn of(per_second: u32) -> Self {
        Self { per_second: (per_second > 0).then_some(per_second) }
    }

    /// Units a second, if they are bounded.
    pub fn per_second(&self) -> Option<u32> {
        self.per_second
    }

    /// About as many bytes as may come at once: who reads more has to wait the longer, and others wait for all of it.
    pub(crate) fn bytes_at_once(&self) -> usize {
        let at_once = |per_second| per_second as usize * BURST.as_millis() as usize / 1_000;
        self.per_second.map_or(usize::MAX, |per_second| at_once(per_second).saturating_mul(EVENT_BYTES))
    }

    /// How long a partner has to wait at `now` before it sends more.
    pub fn wait(&self, meter: &Meter, now: Instant) -> Duration {
        meter.paid.map_or(Duration::ZERO, |paid| paid.saturating_duration_since(now).saturating_sub(BURST))
    }

    /// The partner sends `units` now, or as soon as it may. However many: who sends much at once waits the longer afterwards.
    pub fn take(&self, meter: &mut Meter, units: u64, now: Instant) {
        if let Some(time) = self.time(units) {
            let from = meter.paid.map_or(now, |paid| paid.max(now));
            meter.paid = from.checked_add(time);
        }
    }

    /// The partner doesn't send what it was to send as soon as it might.
    pub fn give_back(&self, meter: &mut Meter, units: u64) {
        if let (Some(time), Some(paid)) = (self.time(units), meter.paid) {
            meter.paid = paid.checked_sub(time);
        }
    }

    /// How long so many units take at its rate.
    fn time(&self, units: u64) -> Option<Duration> {
        let nanos = |per_second| units.saturating_mul(1_000_000_000) / u64::from(per_second);
        self.per_second.map(|per_second| Duration::from_nanos(nanos(per_second)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_sends_at_the_rate_never_waits_and_who_sends_more_waits_until_it_is_the_rate() {
        let (quota, start) = (Quota::of(1_000), Instant::now());
        let at = |millis| start + Duration::from_millis(millis);
        let mut meter = Meter::default();
        for millis in 0..500 {
            assert_eq!(quota.wait(&meter, at(millis)), Duration::ZERO);
            quota.take(&mut meter, 1, at(millis));
        }
        // At 500 ms all is paid; 100 may come at once, and 250 are 150 ms too many.
        quota.take(&mut meter, 250, at(500));
        assert_eq!(quota.wait(&meter, at(500)), Duration::from_millis(150));
        assert_eq!(quota.wait(&meter, at(649)), Duration::from_millis(1));
        assert_eq!(quota.wait(&meter, at(650)), Duration::ZERO);
        // A silence is not saved up.
        quota.take(&mut meter, 101, at(60_000));
        assert_eq!(quota.wait(&meter, at(60_000)), Duration::from_millis(1));
    }

    #[test]
    fn without_a_quota_nobody_waits() {
        let (quota, now, mut meter) = (Quota::of(0), Instant::now(), Meter::default());
        quota.take(&mut meter, u64::MAX, now);
        assert_eq!((quota.wait(&meter, now), quota), (Duration::ZERO, Quota::default()));
    }

    #[test]
    fn what_lies_beside_an_event_counts_if_it_is_much() {
        let mut record = Record::of(vec![0; 1_024]);
        record.headers.push(("traceparent".to_owned(), vec![0; 55].into()));
        assert_eq!(units_of(&record), 1);
        record.headers.push(("note".to_owned(), vec![0; 1 << 20].into()));
        assert_eq!(units_of(&record), 1_025);
    }

    #[test]
    fn a_large_event_counts_as_its_kibibytes() {
        for (bytes, expected) in [(0, 1), (1, 1), (1_024, 1), (1_025, 2), (1 << 20, 1_024)] {
            assert_eq!(units(bytes), expected);
        }
    }
}
