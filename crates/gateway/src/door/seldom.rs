//! A warning that is said now and then, however often there is cause.

use std::time::Duration;

use tokio::time::Instant;

/// Between two of the same.
const BETWEEN: Duration = Duration::from_secs(60);

/// One warning.
pub(super) struct Seldom {
    said: Option<Instant>,
}

impl Seldom {
    pub(super) fn new() -> Self {
        Self { said: None }
    }

    pub(super) fn warn(&mut self, message: &str) {
        if self.due(Instant::now()) {
            tracing::warn!("{message}");
        }
    }

    fn due(&mut self, now: Instant) -> bool {
        let due = self.said.is_none_or(|said| now.duration_since(said) >= BETWEEN);
        if due {
            self.said = Some(now);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_said_once_a_minute() {
        let (mut warning, begin) = (Seldom::new(), Instant::now());
        let due: Vec<_> = [0, 59, 60, 61, 120].map(|s| warning.due(begin + Duration::from_secs(s))).into();
        assert_eq!(due, [true, false, true, false, true]);
    }
}
