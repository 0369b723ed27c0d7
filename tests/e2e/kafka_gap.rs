//! An inbox on Kafka that lost records which no shard had decided, and the operator who lets the shards go on.

use std::process::Command;

use crate::brokers::Brokers;
use crate::coalition::{Asking, set_up};
use crate::harness::{Served, binary, run};
use crate::kafka_topics::{decided, publish, tool};

const INBOX: &str = "coalition.inbox.v1";
const SHARDS: usize = 4;

/// What a command says that has to fail.
fn failed(arguments: &[&str]) -> String {
    let ended = Command::new(binary()).args(arguments).output().expect("the binary starts");
    assert!(!ended.status.success(), "{arguments:?} has to fail");
    String::from_utf8_lossy(&ended.stderr).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn shards_go_on_behind_a_gap_of_the_inbox_when_they_are_told_to() {
    let Some(brokers) = Brokers::start(1) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("network");
    let served = Served::start_on(&data, Some(&brokers));
    set_up(&served, folder.path(), &["shop"]);
    publish(&brokers, 0..20);
    decided(&Asking::of(&served).await, 0..20).await;
    served.stop();

    // Junk would be passed over; what matters is that it is gone before anybody looked at it.
    let junk: String = (0..200).map(|number| format!("{number}\tjunk\n")).collect();
    tool(&brokers, "kafka-console-producer", INBOX, &["--reader-property", "parse.key=true"], &junk);
    let partition = |number| format!(r#"{{"topic": "{INBOX}", "partition": {number}, "offset": -1}}"#);
    let partitions: Vec<_> = (0..SHARDS).map(partition).collect();
    let offsets = folder.path().join("offsets.json");
    std::fs::write(&offsets, format!(r#"{{"version": 1, "partitions": [{}]}}"#, partitions.join(", ")))
        .expect("room for a file");
    let deleted = brokers.tool("kafka-delete-records").arg("--offset-json-file").arg(&offsets).output();
    assert!(deleted.expect("it starts").status.success());

    let place = data.display().to_string();
    let [kafka, addresses] = brokers.arguments();
    for shard in 0..SHARDS {
        let shard = shard.to_string();
        let skip = ["journal", "skip", "--data", &place, kafka, addresses, "--shard", &shard];
        let said = failed(&skip);
        let count = said.split("--lose ").nth(1).and_then(|rest| rest.split_whitespace().next());
        let count = count.unwrap_or_else(|| panic!("it says how to go on: {said}"));
        // Not without knowing how many.
        assert!(failed(&[&skip[..], &["--lose", "1"]].concat()).contains("nothing was written"));
        let told = run(&[&skip[..], &["--lose", count]].concat());
        assert!(told.contains(&format!("without {count} records")), "{told}");
        assert!(failed(&skip).contains("nothing is missing"));
    }

    // What may have been among it is read again.
    let group = ["--group", "coalition-intake", "--reset-offsets", "--to-earliest", "--execute"];
    tool(&brokers, "kafka-consumer-groups", "coalition.partner.shop.events.v1", &group, "");

    let served = Served::start_on(&data, Some(&brokers));
    publish(&brokers, 20..40);
    decided(&Asking::of(&served).await, 20..40).await;
    // 40 points at 0.009: each counts once.
    let statement = served.command(&["statement", "shop", "--programme", "club"]);
    assert!(statement.contains("0.36"), "{statement}");
    // What shards tell each other gets through too.
    served.command(&["partner", "create", "other", "--name", "other"]);
    served.stop();
    let verified = run(&["journal", "verify", "--data", &place, kafka, addresses]);
    assert_eq!(verified.matches("equal").count(), SHARDS, "{verified}");
}
