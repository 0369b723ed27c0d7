//! The demo on three brokers that are killed: the same figures and decisions as on the embedded log.

use std::path::Path;

use crate::brokers::Brokers;
use crate::demo::{EVENTS, assert_figures, check_balances};
use crate::digest::{decisions, digest};
use crate::harness::{Served, UnderWay, demo, demo_on, run};

/// Arguments of the demo on brokers.
fn on(brokers: &Brokers) -> Vec<String> {
    let mut arguments: Vec<String> = brokers.arguments().map(str::to_owned).into();
    arguments.extend(["--replication-factor".to_owned(), brokers.count.to_string()]);
    arguments
}

fn start(data: &Path, brokers: &Brokers) -> UnderWay {
    let arguments = on(brokers);
    UnderWay::start_on(data, &arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

/// What is in the journal gives what is stored.
fn verify(data: &Path, brokers: &Brokers) {
    let folder = data.display().to_string();
    let verified = run(&[&["journal", "verify", "--data", &folder][..], &brokers.arguments()].concat());
    assert_eq!(verified.matches("equal").count(), 4, "{verified}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_killed_in_the_middle_of_the_demo_changes_nothing() {
    let Some(brokers) = Brokers::start(3) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("network");
    let mut running = start(&data, &brokers);
    running.until_decided(EVENTS / 2);
    brokers.kill(2);
    let on_brokers = running.finish();
    assert_figures(&on_brokers);
    verify(&data, &brokers);
    let decided = decisions(&data, &brokers.arguments());
    let served = Served::start_on(&data, Some(&brokers));
    check_balances(&served).await;
    drop((served, brokers));

    // The same input on the embedded log.
    let data = folder.path().join("embedded");
    let embedded = demo(&data);
    let of_embedded = decisions(&data, &[]);
    let differs = decided.iter().find(|(text, count)| of_embedded.get(*text) != Some(*count));
    assert_eq!(digest(&decided), digest(&of_embedded), "{differs:?} is not in the embedded log");
    for figure in ["member", "net_positions", "total_points"] {
        assert_eq!(on_brokers[figure], embedded[figure], "{figure}");
    }
}

#[test]
fn a_broker_and_the_process_killed_leave_nothing_undone() {
    let Some(brokers) = Brokers::start(3) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("network");
    let mut running = start(&data, &brokers);
    running.until_decided(EVENTS * 2 / 5);
    // The next start finds brokers that don't yet agree on who leads.
    brokers.kill(1);
    running.kill();
    let arguments = on(&brokers);
    assert_figures(&demo_on(&data, &arguments.iter().map(String::as_str).collect::<Vec<_>>()));
    verify(&data, &brokers);
    let folder = data.display().to_string();
    run(&[&["journal", "rebuild", "--data", &folder][..], &brokers.arguments()].concat());
    verify(&data, &brokers);
}
