//! Lines that librdkafka's clients say again and again: each is passed on now and then.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Between two of the same.
const BETWEEN: Duration = Duration::from_secs(60);

/// More different lines than these are not told from one another for a while.
const LINES_MAX: usize = 256;

/// What was said lately, by any client of this process: each broker that is away is told by each client.
pub(super) struct Seldom {
    said: BTreeMap<String, Instant>,
}

impl Seldom {
    pub(super) const fn new() -> Self {
        Self { said: BTreeMap::new() }
    }

    /// Whether a line is to be said once more.
    pub(super) fn due(&mut self, text: &str, now: Instant) -> bool {
        let lately = |said: Instant| now.saturating_duration_since(said) < BETWEEN;
        let what = what(text);
        if self.said.get(what).is_some_and(|said| lately(*said)) {
            return false;
        }
        if self.said.len() >= LINES_MAX {
            self.said.retain(|_, said| lately(*said));
        }
        if self.said.len() < LINES_MAX {
            self.said.insert(what.to_owned(), now);
        }
        true
    }
}

/// A line without the thread that says it, `[thrd:NAME]: `, and how long it took how often, ` (after 3ms in state CONNECT, ...)`.
fn what(text: &str) -> &str {
    let text =
        text.strip_prefix("[thrd:").and_then(|text| text.split_once("]: ")).map_or(text, |(_, text)| text);
    text.rsplit_once(" (after ").map_or(text, |(text, _)| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_of_any_client_is_said_once_a_minute() {
        let (mut lines, began) = (Seldom::new(), Instant::now());
        let due: Vec<bool> = [
            ("[thrd:b:9092/bootstrap]: 1/1 brokers are down", 0),
            ("[thrd:main]: 1/1 brokers are down", 1),
            ("[thrd:main]: b:9092/1: Connect to ipv4#b:9092 failed: Connection refused (after 0ms in state CONNECT)", 2),
            (
                "[thrd:main]: b:9092/1: Connect to ipv4#b:9092 failed: Connection refused (after 1ms in state CONNECT, 30 \
                 identical error(s) suppressed)",
                59,
            ),
            ("[thrd:main]: 1/1 brokers are down", 59),
            ("[thrd:main]: 1/1 brokers are down", 60),
            ("[thrd:main]: 1/1 brokers are down", 61),
        ]
        .into_iter()
        .map(|(text, second)| lines.due(text, began + Duration::from_secs(second)))
        .collect();
        assert_eq!(due, [true, false, true, false, false, true, false]);
    }

    #[test]
    fn ever_new_lines_take_no_more_room() {
        let (mut lines, now) = (Seldom::new(), Instant::now());
        assert!((0..LINES_MAX + 10).all(|number| lines.due(&number.to_string(), now)));
        assert_eq!(lines.said.len(), LINES_MAX);
        assert!(lines.due("x", now + BETWEEN) && !lines.due("x", now + BETWEEN));
        assert_eq!(lines.said.len(), 1);
    }
}
