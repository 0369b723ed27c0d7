//! What was seen, as medians, each beside its limit.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::parts::Part;

/// A figure, and what it is held against.
pub(crate) struct Figure {
    what: &'static str,
    pub(crate) part: Part,
    key: &'static str,
    /// Its limit from the same run.
    limit: Option<&'static str>,
    /// The key of figure / limit.
    ratio: Option<&'static str>,
    reach: &'static str,
}

/// All figures, in the order in which they are shown.
const FIGURES: &[Figure] = &[
    Figure {
        what: "ledger, events/s",
        part: Part::Ledger,
        key: "ledger_events_per_s",
        limit: Some("copy_events_per_s"),
        ratio: Some("ledger_vs_copy"),
        reach: "0.25, and 100000/s",
    },
    Figure {
        what: "end to end, events/s",
        part: Part::EndToEnd,
        key: "end_to_end_events_per_s",
        limit: Some("ledger_events_per_s"),
        ratio: Some("end_to_end_vs_ledger"),
        reach: "0.6",
    },
    Figure {
        what: "redeem, quiet, p99 in us",
        part: Part::Redeem,
        key: "redeem_p99_us",
        limit: Some("append_p99_us"),
        ratio: Some("redeem_p99_vs_append"),
        reach: "at most 2",
    },
    Figure {
        what: "redeem, loaded, p99 in us",
        part: Part::Redeem,
        key: "redeem_p99_loaded_us",
        limit: Some("append_p99_us"),
        ratio: Some("redeem_p99_loaded_vs_append"),
        reach: "at most 4",
    },
    Figure {
        what: "GetBalance, calls/s",
        part: Part::Balance,
        key: "get_balance_per_s",
        limit: Some("empty_per_s"),
        ratio: Some("get_balance_vs_empty"),
        reach: "0.7",
    },
    Figure {
        what: "replay, events/s",
        part: Part::Replay,
        key: "replay_events_per_s",
        limit: None,
        ratio: None,
        reach: "400000/s",
    },
    Figure {
        what: "take-over, ms",
        part: Part::TakeOver,
        key: "takeover_ms",
        limit: Some("session_timeout_ms"),
        ratio: None,
        reach: "at most the limit + 500",
    },
    Figure {
        what: "peak memory, MiB",
        part: Part::Size,
        key: "peak_rss_mib",
        limit: Some("rss_bound_mib"),
        ratio: None,
        reach: "at most the limit",
    },
    Figure {
        what: "disk, bytes per account",
        part: Part::Size,
        key: "bytes_per_account",
        limit: None,
        ratio: None,
        reach: "the same at any size",
    },
];

/// The keys by which figures can be asked for.
pub(crate) fn keys() -> Vec<&'static str> {
    FIGURES.iter().flat_map(|figure| [Some(figure.key), figure.ratio]).flatten().collect()
}

/// The figures that these keys ask for.
pub(crate) fn figures(keys: &[String]) -> impl Iterator<Item = &'static Figure> {
    FIGURES.iter().filter(|figure| {
        keys.iter().any(|key| key == figure.key || figure.ratio.is_some_and(|ratio| ratio == key))
    })
}

/// What was seen in each round.
#[derive(Default)]
pub(crate) struct Report {
    seen: BTreeMap<String, Vec<f64>>,
}

impl Report {
    /// Notes what was seen in a round.
    pub(crate) fn note(&mut self, key: impl Into<String>, value: f64) {
        let key = key.into();
        eprintln!("  {key}: {}", rounded(value));
        self.seen.entry(key).or_default().push(value);
    }

    /// Notes a rate.
    pub(crate) fn rate(&mut self, key: &str, things: u32, took: Duration) {
        self.note(key, f64::from(things) / took.as_secs_f64());
    }

    /// What was noted under `of` is all that counts for `key`.
    pub(crate) fn stands(&mut self, key: &str, of: &str) {
        if let Some(seen) = self.seen.get(of).cloned() {
            self.seen.insert(key.to_owned(), seen);
        }
    }

    /// Forgets what was noted under `key`, of which only the last counts.
    pub(crate) fn replace(&mut self, key: &str, value: f64) {
        self.seen.remove(key);
        self.note(key, value);
    }

    /// The median of the rounds so far; of an even number the greater of both in the middle.
    pub(crate) fn median(&self, key: &str) -> Option<f64> {
        let mut seen = self.seen.get(key)?.clone();
        seen.sort_by(f64::total_cmp);
        seen.get(seen.len() / 2).copied()
    }

    fn ratio(&self, figure: &Figure) -> Option<f64> {
        Some(thousandths(self.median(figure.key)? / self.median(figure.limit?)?))
    }

    /// All medians and ratios, by their keys.
    pub(crate) fn json(&self, log: &str) -> serde_json::Value {
        let mut all = serde_json::Map::new();
        all.insert("log".to_owned(), log.into());
        for key in self.seen.keys() {
            all.insert(key.clone(), self.median(key).map(rounded).into());
        }
        for figure in FIGURES {
            if let (Some(key), Some(ratio)) = (figure.ratio, self.ratio(figure)) {
                all.insert(key.to_owned(), ratio.into());
            }
        }
        all.into()
    }

    /// A table for people.
    pub(crate) fn table(&self) -> String {
        let show = |value: Option<f64>| value.map_or_else(String::new, |value| rounded(value).to_string());
        let mut text = format!("{:<26}{:>12}{:>12}{:>9}  to reach\n", "", "figure", "limit", "ratio");
        for figure in FIGURES {
            let Some(seen) = self.median(figure.key) else { continue };
            let limit = figure.limit.and_then(|limit| self.median(limit));
            let ratio =
                figure.ratio.and_then(|_| self.ratio(figure)).map_or_else(String::new, |it| it.to_string());
            text += &format!(
                "{:<26}{:>12}{:>12}{ratio:>9}  {}\n",
                figure.what,
                show(Some(seen)),
                show(limit),
                figure.reach
            );
        }
        let shown = |key: &&String| {
            !FIGURES.iter().any(|figure| figure.key == key.as_str() || figure.limit == Some(key.as_str()))
        };
        for key in self.seen.keys().filter(shown) {
            text += &format!("{key:<26}{:>12}\n", show(self.median(key)));
        }
        text
    }
}

/// Whole, as nothing here is known better.
#[expect(clippy::cast_possible_truncation, reason = "saturates, and no figure comes near")]
fn rounded(value: f64) -> i64 {
    value.round() as i64
}

fn thousandths(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

/// The value below which `share` of them lie; of none, nothing.
pub(crate) fn percentile(mut times: Vec<Duration>, per_cent: usize) -> Duration {
    times.sort_unstable();
    let rank = (times.len() * per_cent).div_ceil(100).saturating_sub(1);
    times.get(rank).copied().unwrap_or_default()
}

/// In microseconds.
pub(crate) fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
