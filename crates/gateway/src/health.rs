//! Health as `grpc.health.v1` tells it: serving while every shard is in office, or was a moment ago.

use std::sync::Arc;

use coalition_ledger::runtime::{Ledger, Unavailable};
use tokio::task::JoinSet;
use tokio::time::{Duration, timeout};
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

/// Follows the shards until one stops for good; the empty name stands for the whole server.
pub(crate) async fn follow(
    ledger: Ledger,
    unowned_max: Duration,
    reporter: HealthReporter,
    names: Arc<[&'static str]>,
) {
    loop {
        if every(&ledger).await.is_err() {
            break;
        }
        set(&reporter, &names, ServingStatus::Serving).await;
        let left = any_leaves(&ledger).await;
        // While others take a shard over, calls for it wait, and those for the rest are answered.
        if left.is_ok() && !unowned_max.is_zero() && timeout(unowned_max, every(&ledger)).await == Ok(Ok(()))
        {
            continue;
        }
        set(&reporter, &names, ServingStatus::NotServing).await;
        if left.is_err() {
            break;
        }
    }
    tracing::warn!("a shard has stopped; the gateway no longer says that it serves");
}

/// Says the same of the server and all of its services.
pub(crate) async fn set(reporter: &HealthReporter, names: &[&'static str], status: ServingStatus) {
    for name in std::iter::once(&"").chain(names) {
        reporter.set_service_status(*name, status).await;
    }
}

async fn every(ledger: &Ledger) -> Result<(), Unavailable> {
    for shard in shards(ledger) {
        ledger.wait(shard, |status| status.in_office).await?;
    }
    Ok(())
}

async fn any_leaves(ledger: &Ledger) -> Result<(), Unavailable> {
    let mut waits = JoinSet::new();
    for shard in shards(ledger) {
        let ledger = ledger.clone();
        waits.spawn(async move { ledger.wait(shard, |status| !status.in_office).await.map(drop) });
    }
    match waits.join_next().await {
        Some(Ok(left)) => left,
        Some(Err(_)) | None => Ok(()),
    }
}

fn shards(ledger: &Ledger) -> impl Iterator<Item = coalition_journal::entry::ShardId> + use<> {
    (0..ledger.shards()).map(coalition_journal::entry::ShardId)
}
