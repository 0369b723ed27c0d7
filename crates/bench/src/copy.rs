//! The limit: the bytes of the inbox read and appended to another topic, a thread for each partition.

use std::path::Path;
use std::sync::mpsc;
use std::time::Instant;

use anyhow::{Context, Result};
use coalition_journal::log::{Log, Partition};
use coalition_ledger::runtime::INBOX;

use crate::place::Place;
use crate::report::Report;
use crate::workload::Shape;

pub(crate) const COPY: &str = "coalition.bench.copy.v1";
/// As much as a batch of the ledger.
const READ_BYTES: usize = 768 * 1024;

pub(crate) fn run(place: &Place, folder: &Path, shape: &Shape, report: &mut Report) -> Result<()> {
    let log = place.open(folder)?;
    log.create_topic(COPY, shape.shards)?;
    let began = Instant::now();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..shape.shards)
            .map(|shard| {
                scope.spawn({
                    let log = &log;
                    move || copy(&**log, shard)
                })
            })
            .collect();
        threads.into_iter().try_for_each(|thread| thread.join().expect("a copying thread does not panic"))
    })?;
    report.rate("copy_events_per_s", shape.events, began.elapsed());
    Ok(())
}

fn copy(log: &dyn Log, shard: u32) -> Result<()> {
    let (from, to) = (Partition::new(INBOX, shard), Partition::new(COPY, shard));
    let (mut next, end) = log.bounds(&from)?;
    while next < end {
        let records = log.read(&from, next, READ_BYTES)?;
        let last = records.last().context("the inbox ends before its end")?;
        next = last.offset.plus(1);
        let (done, told) = mpsc::channel();
        log.append(
            &to,
            records.into_iter().map(|stored| stored.record).collect(),
            Box::new(move |outcome| drop(done.send(outcome))),
        );
        told.recv()?.context("append a copy")?;
    }
    Ok(())
}
