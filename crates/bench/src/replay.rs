//! Replay: the journal into empty stores, as after the loss of a disk, up to the last checkpoint.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::ledger::inbox_ends;
use crate::network::start_alone;
use crate::place::Place;
use crate::report::Report;
use crate::workload::Shape;

pub(crate) fn run(place: &Place, folder: &Path, shape: &Shape, report: &mut Report) -> Result<()> {
    std::fs::remove_dir_all(folder.join("store")).context("take the stores away")?;
    let log = place.open(folder)?;
    let ends = inbox_ends(&*log, shape.shards)?;
    let began = Instant::now();
    let node = start_alone(folder, &log, shape.shards)?;
    let ledger = node.ledger();
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    for (shard, end) in &ends {
        // Folded to the end of the journal, and ready to decide.
        runtime.block_on(ledger.wait(*shard, |status| status.in_office && status.inbox_next >= *end))?;
    }
    report.rate("folded_events_per_s", shape.events, began.elapsed());
    node.stop();
    report.rate("replay_events_per_s", shape.events, began.elapsed());
    Ok(())
}
