//! The log on three brokers of Apache Kafka, of which two must have a record before it is acknowledged.

#[path = "kafka/cluster.rs"]
#[allow(dead_code, reason = "the tests on one broker use more of it")]
mod cluster;
#[path = "kafka/subject.rs"]
#[allow(dead_code, reason = "the tests on one broker use more of it")]
mod subject;
#[path = "kafka/through.rs"]
#[allow(dead_code, reason = "the tests on one broker use more of it")]
mod through;

use std::time::Duration;

use coalition_journal::kafka::Settings;
use coalition_journal::log::Log;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::metadata::MetadataTopic;

/// Waits until every copy of the topic's partitions is up to date again.
fn in_sync(cluster: &cluster::Cluster, topic: &str) {
    let client: BaseConsumer =
        ClientConfig::new().set("bootstrap.servers", &cluster.bootstrap_servers).create().expect("a client");
    subject::until("all copies are up to date", || {
        let told = client.fetch_metadata(Some(topic), Duration::from_secs(5));
        told.is_ok_and(|told| {
            let mut partitions = told.topics().iter().flat_map(MetadataTopic::partitions);
            partitions.all(|partition| partition.isr().len() == 3)
        })
    });
}

#[test]
fn keeps_what_the_log_promises() {
    let Some(cluster) = cluster::calm(3) else { return };
    subject::check_all(cluster.settings());
}

/// A broker that is asked about a topic may not have heard of it yet.
#[test]
fn topics_are_there_once_they_are_created() {
    let Some(cluster) = cluster::calm(3) else { return };
    let log = subject::open(&cluster.settings());
    for number in 0..40 {
        log.create_topic(&format!("replicated.new.{number}"), 1).expect("create");
    }
}

/// Each of them leads some partitions, holds copies of the others, and is a controller too.
#[test]
fn brokers_killed_one_after_the_other_lose_nothing_that_was_acknowledged() {
    let Some(cluster) = cluster::storm(3) else { return };
    let doubts = through::through(&cluster.settings(), "replicated.killed", |_| {
        for broker in ["1", "2", "3"] {
            cluster.launcher(&["kill", broker]);
            cluster.launcher(&["restart", broker]);
            in_sync(&cluster, "replicated.killed");
        }
    });
    println!("{doubts} doubts");
}

#[test]
fn a_leader_that_stands_still_is_followed_by_another() {
    let Some(cluster) = cluster::storm(3) else { return };
    let settings = Settings { delivery_timeout: Duration::from_secs(3), ..cluster.settings() };
    through::through(&settings, "replicated.paused", |progress| {
        for broker in ["1", "2", "3"] {
            cluster.launcher(&["pause", broker]);
            progress.stored(20);
            cluster.launcher(&["resume", broker]);
            in_sync(&cluster, "replicated.paused");
        }
    });
}
