//! The demo on brokers: the same figures as on the embedded log, whatever falls down.

use crate::brokers::Brokers;
use crate::demo::{EVENTS, assert_figures};
use crate::harness::{UnderWay, demo_on};

#[test]
fn figures_are_right_though_a_broker_and_the_process_are_killed() {
    let Some(brokers) = Brokers::start() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let on_brokers = ["--kafka", &brokers.addresses, "--replication-factor", "3"];
    let mut running = UnderWay::start_with(folder.path(), &on_brokers);
    running.until_decided(EVENTS / 4);
    brokers.kill(2);
    running.until_decided(EVENTS / 2);
    running.kill();
    // The projection is there, and then it isn't: all of it is in the journal on the brokers.
    assert_figures(&demo_on(folder.path(), &on_brokers));
    std::fs::remove_dir_all(folder.path().join("store")).expect("the projection is there");
    assert_figures(&demo_on(folder.path(), &on_brokers));
}
