//! How far something long is, on standard error: a bar on a terminal, lines elsewhere.

use std::fmt::Write;
use std::io::IsTerminal;

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
    Lines { total: u64, parts_told: u64 },
}

impl Progress {
    /// Of `total` units; `doing` is what the bar says, such as "replaying".
    pub(crate) fn new(total: u64, unit: Unit, doing: &'static str) -> Result<Self> {
        if !std::io::stderr().is_terminal() {
            return Ok(Self::Lines { total, parts_told: 0 });
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

    /// So many units are done; `line` says it where there is no bar.
    pub(crate) fn reached(&mut self, done: u64, line: impl FnOnce() -> String) {
        match self {
            Self::Bar(bar) => bar.set_position(done),
            Self::Lines { total, parts_told } => {
                let parts = (done * PARTS).checked_div(*total).unwrap_or(PARTS);
                if parts > *parts_told {
                    *parts_told = parts;
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
