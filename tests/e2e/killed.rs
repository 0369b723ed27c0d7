//! kill -9 in the middle of the demo, then again from the same folder: the same figures.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::demo::{EVENTS, assert_figures};
use crate::harness::{UnderWay, demo, run};

/// Rounds, each with a folder of its own and a kill at another moment.
const ROUNDS: u64 = 20;

#[test]
fn a_killed_demo_goes_on_to_the_same_figures() {
    let mut kills = Vec::new();
    for round in 0..ROUNDS {
        let folder = tempfile::tempdir().expect("a folder");
        let mut running = UnderWay::start(folder.path());
        // From 4 to 80 in a hundred; the last events are decided too fast to be sure of a kill among them.
        let told = running.until_decided(EVENTS * (round + 1) / (ROUNDS + 5));
        running.kill();
        let journaled = journaled(folder.path());
        assert!(
            (told..EVENTS).contains(&journaled),
            "round {round}: killed with {journaled} of {EVENTS} events in the journal, having told of {told}"
        );
        kills.push(journaled);
        assert_figures(&demo(folder.path()));
        let verified = run(&["journal", "verify", "--data", &folder.path().display().to_string()]);
        assert_eq!(verified.matches("equal").count(), 4, "round {round}: {verified}");
    }
    let quarters: BTreeSet<u64> = kills.iter().map(|journaled| journaled * 4 / EVENTS).collect();
    assert_eq!(quarters.len(), 4, "the kills are not spread over the run: {kills:?}");
}

/// How many of the partners' events are decided in the journals of a folder.
fn journaled(data: &Path) -> u64 {
    // Asked of a copy: the first to open what the kill left has to be the demo.
    let copied = tempfile::tempdir().expect("a folder");
    fs::copy(data.join("network.toml"), copied.path().join("network.toml")).expect("room for a copy");
    fs::create_dir(copied.path().join("log")).expect("room for a copy");
    copy(&data.join("log"), &copied.path().join("log"));
    let folder = copied.path().display().to_string();
    let tail = run(&["journal", "tail", "--json", "--limit", "4294967295", "--data", &folder]);
    let tail: serde_json::Value = serde_json::from_str(&tail).expect("one JSON document");
    let records = tail["records"].as_array().expect("the records").iter();
    let in_effect = records.filter(|record| !record["seq"].is_null());
    let decisions = in_effect.filter_map(|record| record["decisions"].as_array()).flatten();
    // No two events of the demo have one id, whoever published them.
    let ids: BTreeSet<&str> = decisions.filter_map(|decision| decision["event_id"].as_str()).collect();
    ids.len().try_into().expect("a count")
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("a folder's entry");
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            fs::create_dir(&target).expect("room for a copy");
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).expect("room for a copy");
        }
    }
}
