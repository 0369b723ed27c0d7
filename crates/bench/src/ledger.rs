//! The ledger: everything in the inbox decided, in the journal, and in the store by the end.

use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use coalition_journal::entry::ShardId;
use coalition_journal::log::{Log, Offset, Partition};
use coalition_ledger::runtime::{INBOX, JOURNAL};

use crate::network::start_alone;
use crate::place::Place;
use crate::report::Report;
use crate::workload::Shape;

/// Bytes read at once.
const READ_BYTES: usize = 1024 * 1024;

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
    let (bytes, records) = weigh(&*log, INBOX, shape.shards)?;
    report.note("inbox_bytes_per_event", bytes as f64 / records.max(1) as f64);
    let (bytes, _) = weigh(&*log, JOURNAL, shape.shards)?;
    report.note("journal_bytes_per_event", bytes as f64 / f64::from(shape.events));
    Ok(())
}

/// The bytes of the records of a topic that are still there, and how many these are.
fn weigh(log: &dyn Log, topic: &str, shards: u32) -> Result<(u64, u64)> {
    let (mut bytes, mut count) = (0, 0);
    for partition in (0..shards).map(|shard| Partition::new(topic, shard)) {
        let (mut next, end) = log.bounds(&partition)?;
        while next < end {
            for stored in log.read(&partition, next, READ_BYTES)? {
                (next, count) = (stored.offset.plus(1), count + 1);
                bytes += stored.record.bytes() as u64;
            }
        }
    }
    Ok((bytes, count))
}

/// Where the inbox of each shard ends.
pub(crate) fn inbox_ends(log: &dyn Log, shards: u32) -> Result<Vec<(ShardId, Offset)>> {
    let end = |shard| Ok((ShardId(shard), log.bounds(&Partition::new(INBOX, shard))?.1));
    (0..shards).map(end).collect()
}
