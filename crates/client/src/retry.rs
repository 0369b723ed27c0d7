//! When a call is tried again, and after how long.

use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::StatusExt;
use uuid::Uuid;

/// The first pause is at most this long; each further one may be twice as long as the one before, up to [`PAUSE_MAX`].
const PAUSE: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// The pauses of one call.
#[derive(Debug)]
pub(crate) struct Pauses {
    max: Duration,
}

impl Pauses {
    /// Of a call that was not tried yet.
    pub(crate) fn new() -> Self {
        Self { max: PAUSE }
    }

    /// How long to wait before the call that was answered with `status` is tried again, if that may help. Only what is no
    /// answer is tried again: `UNAVAILABLE`, and `RESOURCE_EXHAUSTED` where the network says when to come back.
    pub(crate) fn after(&mut self, status: &Status) -> Option<Duration> {
        let asked = status.get_details_retry_info().and_then(|info| info.retry_delay);
        let code = status.code();
        let helps = code == Code::Unavailable || code == Code::ResourceExhausted && asked.is_some();
        helps.then(|| self.next(asked.unwrap_or_default()))
    }

    /// The next pause: as long as the network asks for, and a part of our own that chance picks, so that callers who failed
    /// together don't come back together.
    pub(crate) fn next(&mut self, asked: Duration) -> Duration {
        let pause = asked + part(self.max, Uuid::new_v4());
        self.max = (self.max * 2).min(PAUSE_MAX);
        pause
    }
}

fn part(max: Duration, random: Uuid) -> Duration {
    let max_ms = u64::try_from(max.as_millis()).unwrap_or(u64::MAX).max(1);
    Duration::from_millis(random.as_u64_pair().1 % max_ms)
}

#[cfg(test)]
mod tests {
    use tonic_types::ErrorDetails;

    use super::*;

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let after = |code| Pauses::new().after(&Status::new(code, ""));
        assert!(after(Code::Unavailable).is_some_and(|pause| pause < PAUSE));
        for code in (0..=16).map(Code::from_i32).filter(|code| *code != Code::Unavailable) {
            assert_eq!(after(code), None, "{code}");
        }
    }

    #[test]
    fn the_networks_own_pause_is_kept() {
        let asked = Duration::from_secs(5);
        for code in [Code::ResourceExhausted, Code::Unavailable] {
            let details = ErrorDetails::with_retry_info(Some(asked));
            let status = Status::with_error_details(code, "", details);
            let pause = Pauses::new().after(&status).unwrap();
            assert!((asked..asked + PAUSE).contains(&pause), "{pause:?}");
        }
    }

    #[test]
    fn pauses_grow_up_to_a_bound() {
        assert_eq!(part(Duration::from_millis(100), Uuid::from_u128(107)), Duration::from_millis(7));
        let mut pauses = Pauses::new();
        let longest = (0..100).map(|_| pauses.next(Duration::ZERO)).max().unwrap();
        assert_eq!(pauses.max, PAUSE_MAX);
        assert!(longest > PAUSE && longest < PAUSE_MAX, "{longest:?}");
    }
}
