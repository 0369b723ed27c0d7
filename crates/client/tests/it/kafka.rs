//! A producer that writes straight to the partner's topic on brokers, which stop for a while.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use coalition_client::Producer;
use coalition_client::producer::{Kafka, Settings, SpoolSettings};
use coalition_domain::PartnerId;
use coalition_journal::kafka::Kafka as Log;
use coalition_journal::log::{Log as _, Partition};

use crate::cluster;
use crate::network::{Network, purchase};

const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_by_kafka_count_once() {
    let started = tokio::task::block_in_place(|| {
        let storm = cluster::storm(1)?;
        let log = Arc::new(Log::open(&storm.settings()).unwrap());
        log.create_topic("coalition.partner.shop.events.v1", 4).unwrap();
        Some((storm, log))
    });
    let Some((storm, log)) = started else { return };
    let network = Network::start_on_kafka(log.clone()).await;
    let member = network.enrol().await;
    let folder = tempfile::tempdir().unwrap();
    let shop = PartnerId::new("shop").unwrap();
    let producer = async || {
        // An event that can't be confirmed is soon sent again.
        let settings = BTreeMap::from([("delivery.timeout.ms".to_owned(), "3000".to_owned())]);
        let transport = Kafka::new(&storm.bootstrap_servers, &shop, &settings).unwrap();
        let settings = Settings { spool: Some(SpoolSettings::new(folder.path())), ..Settings::default() };
        Producer::start(transport, settings).await.unwrap()
    };
    let first = producer().await;
    for number in 0..500 {
        first.send(purchase(number)).await.unwrap();
    }
    first.flush(PATIENCE).await.unwrap();
    // A broker that hangs: nothing is confirmed until it goes on.
    tokio::task::block_in_place(|| storm.launcher(&["pause", "1"]));
    for number in 500..1_000 {
        first.send(purchase(number)).await.unwrap();
    }
    // Until a try has failed; then the broker goes on.
    let failed = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(10));
        while first.counts().failures == 0 {
            ticks.tick().await;
        }
    };
    tokio::time::timeout(PATIENCE, failed).await.expect("a try fails");
    first.close(Duration::ZERO).await.unwrap_err();
    tokio::task::block_in_place(|| storm.launcher(&["resume", "1"]));
    let second = producer().await;
    second.close(PATIENCE).await.unwrap();
    network.has_points(&member, 1_000).await;
    // All of one customer, so in one partition.
    let ends = (0..4)
        .map(|number| log.bounds(&Partition::new("coalition.partner.shop.events.v1", number)).unwrap().1.0);
    let ends: Vec<u64> = tokio::task::block_in_place(|| ends.collect());
    assert_eq!(ends.iter().filter(|end| **end > 0).count(), 1, "{ends:?}");
    tokio::task::block_in_place(|| drop(network));
}
