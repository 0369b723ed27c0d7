//! Redemptions through the gateway, quiet and while events stream in, against a bare append that is read back. As many
//! callers as shards, each of which redeems for members of a shard of its own; as many appenders, each at a partition.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use coalition_journal::log::{Log, Partition, Record};
use coalition_ledger::runtime::JOURNAL;
use tokio::task::JoinSet;

use crate::caller::Caller;
use crate::feed::{Stream, To};
use crate::members::Stage;
use crate::report::{Report, micros, percentile};

/// Where the bare appends go.
pub(crate) const APPENDS: &str = "coalition.bench.append.v1";
/// Done before it is measured, by each.
const WARM: u32 = 50;
/// How long events stream in before it is measured, by their number.
const WARM_STREAM: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(10);
/// The longest that is measured while events stream in: each makes an account larger, and what isn't done by then says enough.
const LOADED_MAX: Duration = Duration::from_secs(60);

pub(crate) fn run(stage: &Stage, calls: u32, report: &mut Report) -> Result<()> {
    let each = calls.div_ceil(stage.shape.shards);
    redeem(stage, WARM, Duration::MAX)?;
    let bytes = record_bytes(&*stage.served.log)?;
    report.note("redemption_record_bytes", f64::from(u32::try_from(bytes)?));
    appends(&stage.served.log, stage.shape.shards, WARM, bytes)?;
    let appended = appends(&stage.served.log, stage.shape.shards, each, bytes)?;
    report.note("append_p50_us", micros(percentile(appended.clone(), 50)));
    report.note("append_p99_us", micros(percentile(appended, 99)));
    let quiet = redeem(stage, each, Duration::MAX)?;
    report.note("redeem_p50_us", micros(percentile(quiet.clone(), 50)));
    report.note("redeem_p99_us", micros(percentile(quiet, 99)));

    let rate = report.median("ledger_events_per_s").context("the ledger's rate comes first")? / 2.0;
    let from = (stage.next_purchase, stage.shape.accounts);
    let stream = Stream::start(&stage.served.log, To::Partner, rate, from)?;
    let warm = stage.served.decided() as f64 + rate * WARM_STREAM.as_secs_f64();
    while (stage.served.decided() as f64) < warm {
        std::thread::sleep(LOOK);
    }
    let (began, before) = (Instant::now(), stage.served.decided());
    let loaded = redeem(stage, each, LOADED_MAX)?;
    let decided = stage.served.decided() - before;
    report.note("redeem_loaded_events_per_s", decided as f64 / began.elapsed().as_secs_f64());
    stream.stop()?;
    report.note("redeem_p50_loaded_us", micros(percentile(loaded.clone(), 50)));
    report.note("redeem_p99_loaded_us", micros(percentile(loaded, 99)));
    Ok(())
}

/// How long each redemption took, as its caller saw it; those that begin within `limit`.
fn redeem(stage: &Stage, each: u32, limit: Duration) -> Result<Vec<Duration>> {
    stage.runtime.block_on(async {
        let mut redeeming = JoinSet::new();
        for members in stage.members.clone() {
            let caller = Caller::connect(&stage.served).await?;
            redeeming.spawn(async move {
                let (mut times, start) = (Vec::new(), Instant::now());
                for member in members.iter().cycle().take(each as usize) {
                    let began = Instant::now();
                    if began.duration_since(start) > limit {
                        break;
                    }
                    caller.redeem(member).await?;
                    times.push(began.elapsed());
                }
                anyhow::Ok(times)
            });
        }
        let mut times = Vec::new();
        while let Some(redeemed) = redeeming.join_next().await {
            times.extend(redeemed??);
        }
        Ok(times)
    })
}

/// How large a redemption's record in the journal is.
fn record_bytes(log: &dyn Log) -> Result<usize> {
    let journal = Partition::new(JOURNAL, 0);
    let (start, mut next) = log.bounds(&journal)?;
    let end = next;
    next.0 = end.0.saturating_sub(1).max(start.0);
    let records = log.read(&journal, next, 1)?;
    Ok(records.first().context("the journal has a redemption")?.record.value.len())
}

/// How long each append took until it was read back.
fn appends(log: &Arc<dyn Log>, partitions: u32, each: u32, bytes: usize) -> Result<Vec<Duration>> {
    log.create_topic(APPENDS, partitions)?;
    std::thread::scope(|scope| {
        let append = |number| {
            let log = Arc::clone(log);
            scope.spawn(move || append(&*log, &Partition::new(APPENDS, number), each, bytes))
        };
        let threads: Vec<_> = (0..partitions).map(append).collect();
        let mut times = Vec::new();
        for thread in threads {
            times.extend(thread.join().expect("an appending thread does not panic")?);
        }
        Ok(times)
    })
}

fn append(log: &dyn Log, to: &Partition, each: u32, bytes: usize) -> Result<Vec<Duration>> {
    let (wake, woken) = channel();
    let _watching = log.watch(to, Arc::new(move || wake.send(()).unwrap_or_default()))?;
    let mut times = Vec::new();
    for _ in 0..each {
        let record = Record::of(vec![0x5a; bytes]);
        let (done, told) = channel();
        let began = Instant::now();
        log.append(to, vec![record], Box::new(move |outcome| drop(done.send(outcome))));
        let offset = told.recv()?.context("append a record")?;
        while log.read(to, offset, bytes)?.is_empty() {
            woken.recv()?;
        }
        times.push(began.elapsed());
    }
    Ok(times)
}
