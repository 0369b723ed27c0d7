//! How far something long is, on standard error: a bar on a terminal, lines elsewhere.

use std::fmt::Write;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use anyhow::Result;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use super::note;
use super::text::grouped;

/// Where standard error is no terminal, a line for each such part of the whole.
const PARTS: u64 = 50;

/// In what the whole is counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Unit {
    Events,
    Bytes,
}

impl Unit {
    fn bar(self) -> &'static str {
        match self {
            Self::Events => "{msg} {wide_bar} {human_pos}/{human_len} events  {rate}/s  {elapsed}",
            Self::Bytes => "{msg} {wide_bar} {bytes}/{total_bytes}  {elapsed}",
        }
    }
}

/// What is shown.
pub(crate) enum Progress {
    Bar(ProgressBar),
    Lines { total: u64, parts_told: u64, told: Instant, between: Duration },
}

impl Progress {
    /// Of `total` units; `doing` is what the bar says, such as "replaying".
    pub(crate) fn new(total: u64, unit: Unit, doing: &'static str) -> Result<Self> {
        if !std::io::stderr().is_terminal() {
            return Ok(Self::lines(total));
        }
        let style = ProgressStyle::with_template(unit.bar())?.with_key(
            "rate",
            |state: &ProgressState, to: &mut dyn Write| {
                // What can't be written is not shown.
                let _ = to.write_str(&grouped(state.per_sec() as u64));
            },
        );
        Ok(Self::Bar(ProgressBar::new(total).with_style(style).with_message(doing)))
    }

    fn lines(total: u64) -> Self {
        Self::Lines { total, parts_told: 0, told: Instant::now(), between: Duration::ZERO }
    }

    /// With so much time before the first line and between two: what is quick is not told part by part.
    pub(crate) fn seldom(mut self, time: Duration) -> Self {
        if let Self::Lines { between, .. } = &mut self {
            *between = time;
        }
        self
    }

    /// So many units are done; `line` says it where there is no bar.
    pub(crate) fn reached(&mut self, done: u64, line: impl FnOnce() -> String) {
        match self {
            Self::Bar(bar) => bar.set_position(done),
            Self::Lines { total, parts_told, told, between } => {
                let parts = (done * PARTS).checked_div(*total).unwrap_or(PARTS);
                if parts > *parts_told && told.elapsed() >= *between {
                    (*parts_told, *told) = (parts, Instant::now());
                    note(&line());
                }
            }
        }
    }

    /// Tells something else meanwhile.
    pub(crate) fn note(&self, text: &str) {
        match self {
            Self::Bar(bar) => bar.suspend(|| note(text)),
            Self::Lines { .. } => note(text),
        }
    }

    /// It is over.
    pub(crate) fn finish(self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many lines come of a whole that is done unit by unit.
    fn told(mut progress: Progress) -> u64 {
        let mut lines = 0;
        for done in 0..=1_000 {
            progress.reached(done, || {
                lines += 1;
                String::new()
            });
        }
        lines
    }

    #[test]
    fn a_line_for_each_part_unless_it_is_quick() {
        assert_eq!(told(Progress::lines(1_000)), PARTS);
        assert_eq!(told(Progress::lines(1_000).seldom(Duration::from_secs(3_600))), 0);
    }
}
