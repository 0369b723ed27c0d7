//! The demo on brokers: the same figures as on the embedded log.

use crate::brokers::Brokers;
use crate::demo::assert_figures;
use crate::harness::demo_on;

#[test]
fn figures_on_brokers_are_those_of_the_embedded_log() {
    let Some(brokers) = Brokers::start() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    assert_figures(&demo_on(folder.path(), &["--kafka", &brokers.addresses, "--replication-factor", "3"]));
}
