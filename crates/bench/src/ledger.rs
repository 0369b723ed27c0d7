//! The ledger: everything in the inbox decided, in the journal, and in the store by the end.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use coalition_journal::entry::ShardId;
use coalition_journal::log::Partition;
use coalition_ledger::runtime::INBOX;

use crate::place::Place;
use crate::workload::{Shape, start};

pub(crate) fn run(place: &Place, folder: &Path, shape: &Shape) -> Result<Duration> {
    let log = place.open(folder)?;
    let ends: Vec<_> = (0..shape.shards)
        .map(|shard| Ok(log.bounds(&Partition::new(INBOX, shard))?.1))
        .collect::<Result<_>>()?;
    let began = Instant::now();
    let node = start(folder, &log, shape)?;
    let ledger = node.ledger();
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    for (shard, end) in (0..).map(ShardId).zip(&ends) {
        runtime.block_on(ledger.wait(shard, |status| status.inbox_next >= *end))?;
    }
    eprintln!("  decided after {:?}", began.elapsed());
    node.stop();
    let took = began.elapsed();
    eprintln!("  stored after  {took:?}");
    Ok(took)
}
