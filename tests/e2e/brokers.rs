//! Apache Kafka for the tests that need it: brokers that are gone when the test is, however it ends.

use std::process::Command;

use self::launched::Launched;

#[path = "../../crates/journal/tests/kafka/launched.rs"]
pub(crate) mod launched;

/// One broker or three.
pub(crate) struct Brokers {
    pub(crate) addresses: String,
    /// As many copies of each record as there are brokers.
    pub(crate) count: u16,
    launched: Launched,
    /// Removed when they have stopped.
    _folder: tempfile::TempDir,
}

impl Brokers {
    /// Starts them. None, with a line that says why, where there can't be any; a failure where they are required.
    pub(crate) fn start(count: u16) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let launched = Launched::start(&folder.path().join("kafka"), &["--brokers", &count.to_string()])?;
        Some(Self { addresses: launched.addresses.clone(), count, launched, _folder: folder })
    }

    /// Arguments of the demo, and of whoever looks into its journal.
    pub(crate) fn arguments(&self) -> [&str; 2] {
        ["--kafka", &self.addresses]
    }

    /// kill -9 of a broker, counted from 1.
    pub(crate) fn kill(&self, number: u16) {
        self.launched.run("kill", &[&number.to_string()]);
    }

    /// Runs one of Kafka's own tools, to be fed and read. The launcher says where the brokers are.
    pub(crate) fn tool(&self, name: &str) -> Command {
        let mut command = self.launched.command("tool");
        command.arg(name);
        command
    }
}
