//! How far a replay is, on a terminal.

use coalition_journal::entry::ShardId;
use coalition_journal::log::Offset;
use indicatif::{ProgressBar, ProgressStyle};

/// A bar over the records of a journal; where standard error is no terminal it shows nothing.
pub(super) fn bar(shard: ShardId, until: Offset) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix}  {bar:40}  {human_pos} of {human_len} records");
    let bar = ProgressBar::new(until.0).with_prefix(format!("shard {shard}"));
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
