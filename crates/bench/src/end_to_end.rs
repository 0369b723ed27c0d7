//! End to end: from the partner's topic through intake and ledger to a balance that the gateway shows.

use std::path::Path;
use std::time::Instant;

use anyhow::Result;

use crate::caller::Caller;
use crate::feed::{To, fill};
use crate::members::until_balance;
use crate::network::Served;
use crate::place::Place;
use crate::report::Report;
use crate::workload::{Purchase, Shape};

pub(crate) fn run(place: &Place, folder: &Path, shape: &Shape, report: &mut Report) -> Result<()> {
    let mut served = Served::start(place, folder, shape.shards)?;
    fill(&*served.log, To::Partner, shape)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let took = runtime.block_on(async {
        let caller = Caller::connect(&served).await?;
        let mut awaited = Vec::new();
        for last in last_of_each_shard(shape)? {
            let member = caller.enrol(last.token()).await?;
            awaited.push((member, points(shape, last.token())));
        }
        let began = Instant::now();
        served.take_in()?;
        for (member, points) in &awaited {
            until_balance(&caller, member, *points).await?;
        }
        anyhow::Ok(began.elapsed())
    })?;
    // With it go the connections, for whose end the gateway would wait.
    drop(runtime);
    report.rate("end_to_end_events_per_s", shape.events, took);
    served.stop()
}

/// The last purchase of each shard that gives points: when it shows, all before it are decided, as one partition is read in its
/// order.
fn last_of_each_shard(shape: &Shape) -> Result<Vec<Purchase>> {
    let mut found = vec![None; shape.shards as usize];
    for number in (0..shape.events).rev() {
        let purchase = Purchase::nth(number, shape.accounts);
        let shard = purchase.identifier()?.account().shard(shape.shards) as usize;
        if purchase.points() > 0 && found[shard].is_none() {
            found[shard] = Some(number);
        }
        if found.iter().all(Option::is_some) {
            break;
        }
    }
    Ok(found.into_iter().flatten().map(|number| Purchase::nth(number, shape.accounts)).collect())
}

/// What all purchases with a token give.
fn points(shape: &Shape, token: &str) -> i64 {
    let purchases = (0..shape.events).map(|number| Purchase::nth(number, shape.accounts));
    purchases.filter(|purchase| purchase.token() == token).map(|purchase| purchase.points()).sum()
}
