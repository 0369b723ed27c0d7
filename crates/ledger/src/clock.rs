//! The clock of an owner: it runs monotonically from the wall clock at the start of its term, and is held against the
//! log's own.

use coalition_domain::{Span, Timestamp};

/// The time as the shell reads it for a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Now {
    /// The wall clock.
    pub wall: Timestamp,
    /// A clock that never goes back, from any origin.
    pub mono: Span,
}

/// Time in office.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TermClock {
    started: Now,
    /// The append time of the newest own record in effect, and when it was read.
    newest: Option<(Timestamp, Span)>,
}

impl TermClock {
    /// Of a term that starts now.
    pub fn start(now: Now) -> Self {
        Self { started: now, newest: None }
    }

    /// What it shows.
    pub fn read(&self, now: Now) -> Timestamp {
        self.started.wall.plus(elapsed(self.started.mono, now.mono))
    }

    /// An own record was read back, which the log took at `append_time`.
    pub fn hold_against(&mut self, append_time: Timestamp, now: Now) {
        self.newest = Some((append_time, now.mono));
    }

    /// Whether it was held against the log's.
    pub fn is_held(&self) -> bool {
        self.newest.is_some()
    }

    /// How far it is from the log's clock, aged monotonically.
    pub fn skew(&self, now: Now) -> Span {
        match self.newest {
            Some((append_time, read)) => {
                self.read(now).since(append_time.plus(elapsed(read, now.mono))).abs()
            }
            None => Span::ZERO,
        }
    }
}

fn elapsed(from: Span, to: Span) -> Span {
    Span::from_millis(to.as_millis().saturating_sub(from.as_millis()).max(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(wall: i64, mono: i64) -> Now {
        Now { wall: Timestamp::from_millis(wall), mono: Span::from_millis(mono) }
    }

    #[test]
    fn a_jump_of_the_wall_clock_does_not_move_a_term_in_progress() {
        let clock = TermClock::start(at(1_000_000, 10));
        assert_eq!(clock.read(at(9_000_000, 15)), Timestamp::from_millis(1_000_005));
    }

    #[test]
    fn the_distance_to_the_log_ages_monotonically() {
        let mut clock = TermClock::start(at(1_000_000, 0));
        clock.hold_against(Timestamp::from_millis(1_000_050), at(1_000_060, 60));
        assert_eq!(clock.skew(at(1_000_060, 60)), Span::from_millis(10));
        assert_eq!(clock.skew(at(5_000_000, 5_060)), Span::from_millis(10));
        clock.hold_against(Timestamp::from_millis(5_000_000), at(5_000_000, 5_060));
        assert_eq!(clock.skew(at(5_000_000, 5_060)), Span::from_millis(3_994_940));
    }
}
