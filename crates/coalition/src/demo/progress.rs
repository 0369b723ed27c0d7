//! How far the replay is: a bar on a terminal, lines elsewhere.

use std::fmt::Write;
use std::io::IsTerminal;

use anyhow::Result;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use crate::client::note;
use crate::client::text::grouped;

/// Where standard error is no terminal, a line for each such part of the events.
const PARTS: u64 = 50;

/// What is shown on standard error.
pub(super) enum Progress {
    Bar(ProgressBar),
    Lines { events: u64, parts_told: u64 },
}

impl Progress {
    pub(super) fn new(events: u64) -> Result<Self> {
        if !std::io::stderr().is_terminal() {
            return Ok(Self::Lines { events, parts_told: 0 });
        }
        let style = ProgressStyle::with_template(
            "{msg} {wide_bar} {human_pos}/{human_len} events  {rate}/s  {elapsed}",
        )?
        .with_key("rate", |state: &ProgressState, to: &mut dyn Write| {
            // What can't be written is not shown.
            let _ = to.write_str(&grouped(state.per_sec() as u64));
        });
        Ok(Self::Bar(ProgressBar::new(events).with_style(style).with_message("replaying")))
    }

    /// So many events are decided.
    pub(super) fn decided(&mut self, decided: u64) {
        match self {
            Self::Bar(bar) => bar.set_position(decided),
            Self::Lines { events, parts_told } => {
                let parts = (decided * PARTS).checked_div(*events).unwrap_or(PARTS);
                if parts > *parts_told {
                    *parts_told = parts;
                    note(&format!("decided {} of {} events", grouped(decided), grouped(*events)));
                }
            }
        }
    }

    /// All of them are.
    pub(super) fn finish(mut self, events: u64) {
        self.decided(events);
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}
