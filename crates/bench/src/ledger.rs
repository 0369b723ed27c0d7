//! The ledger: everything in the inbox decided, in the journal, and in the store by the end.

use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use coalition_journal::entry::ShardId;
use coalition_journal::log::{Log, Offset, Partition};
use coalition_ledger::runtime::INBOX;

use crate::network::start_alone;
use crate::place::Place;
use crate::report::Report;
use crate::workload::Shape;

pub(crate) fn run(place: &Place, folder: &Path, shape: &Shape, report: &mut Report) -> Result<()> {
    let log = place.open(folder)?;
    let ends = inbox_ends(&*log, shape.shards)?;
    let began = Instant::now();
    let node = start_alone(folder, &log, shape.shards)?;
    let ledger = node.ledger();
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    for (shard, end) in &ends {
        runtime.block_on(ledger.wait(*shard, |status| status.inbox_next >= *end))?;
    }
    report.rate("decided_events_per_s", shape.events, began.elapsed());
    node.stop();
    report.rate("ledger_events_per_s", shape.events, began.elapsed());
    Ok(())
}

/// Where the inbox of each shard ends.
pub(crate) fn inbox_ends(log: &dyn Log, shards: u32) -> Result<Vec<(ShardId, Offset)>> {
    let end = |shard| Ok((ShardId(shard), log.bounds(&Partition::new(INBOX, shard))?.1));
    (0..shards).map(end).collect()
}
