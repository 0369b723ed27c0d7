//! The log's clock: the machine's wall clock, unless that leaps ahead.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use coalition_domain::Timestamp;

/// The furthest that the wall clock may get ahead of the time that went by since it was last believed. A machine that
/// stood still for a while is behind by so much; more is a clock that was set wrong, or set right, which only a person
/// can tell.
const LEAP_MAX: Duration = Duration::from_secs(3_600);

/// The clock.
pub(super) struct Clock {
    believed: SystemTime,
    at: Instant,
    leapt: bool,
}

impl Clock {
    /// One that believes the wall clock as it is.
    pub(super) fn start() -> Self {
        Self { believed: SystemTime::now(), at: Instant::now(), leapt: false }
    }

    /// The time. A leap ahead is not followed before the process is started again: one by mistake would let points
    /// expire for good.
    pub(super) fn now(&mut self) -> Timestamp {
        self.read(SystemTime::now(), Instant::now())
    }

    fn read(&mut self, wall: SystemTime, mono: Instant) -> Timestamp {
        let expected = self.believed + mono.saturating_duration_since(self.at);
        let leapt = wall > expected + LEAP_MAX;
        if leapt && !self.leapt {
            let ahead_s = wall.duration_since(expected).unwrap_or_default().as_secs();
            tracing::error!(
                ahead_s,
                "the machine's clock leapt ahead; the log goes on with the time before: set the clock right, or start again to have it believed"
            );
        }
        self.leapt = leapt;
        if leapt {
            return timestamp(expected);
        }
        (self.believed, self.at) = (wall, mono);
        timestamp(wall)
    }
}

fn timestamp(time: SystemTime) -> Timestamp {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leap_ahead_is_not_followed_and_everything_else_is() {
        let (wall, mono) = (UNIX_EPOCH + Duration::from_secs(1_000_000), Instant::now());
        let mut clock = Clock { believed: wall, at: mono, leapt: false };
        let mut read = |wall_s: u64, mono_s: u64| {
            let read = clock.read(wall + Duration::from_secs(wall_s), mono + Duration::from_secs(mono_s));
            read.as_millis() / 1_000 - 1_000_000
        };
        assert_eq!(read(10, 10), 10);
        // The machine stood still for an hour: believed.
        assert_eq!(read(3_620, 20), 3_620);
        // A day ahead: time goes on as it did.
        assert_eq!(read(90_000, 21), 3_621);
        assert_eq!(read(90_010, 31), 3_631);
        // Set right again, and then back by more than it ever was ahead.
        assert_eq!(read(3_640, 40), 3_640);
        assert_eq!(read(100, 41), 100);
        assert_eq!(read(3_701, 42), 3_701);
        assert_eq!(read(7_303, 43), 3_702);
    }
}
