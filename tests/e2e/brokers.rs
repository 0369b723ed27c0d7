//! Apache Kafka for the tests that need it: brokers that are gone when the test is, however it ends.

use std::path::Path;
use std::process::Command;

use tokio::task::block_in_place;
use tokio::time::Instant;

use self::launched::Launched;
use crate::network::{PATIENCE, ticks};
use crate::small_disks::SmallDisks;

#[path = "../../crates/journal/tests/kafka/launched.rs"]
pub(crate) mod launched;

/// How often the launcher is asked: each time it starts programs, which take their time from the brokers.
const LOOK_MS: u64 = 250;

/// One broker or three.
pub(crate) struct Brokers {
    pub(crate) addresses: String,
    /// As many copies of each record as there are brokers.
    pub(crate) count: u16,
    launched: Launched,
    /// Removed when they have stopped.
    _folder: Option<tempfile::TempDir>,
}

impl Brokers {
    /// Starts them. None, with a line that says why, where there can't be any; a failure where they are required.
    pub(crate) fn start(count: u16) -> Option<Self> {
        Self::start_with(count, &[])
    }

    /// The same, with further arguments of the launcher.
    pub(crate) fn start_with(count: u16, arguments: &[&str]) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let brokers = count.to_string();
        let arguments = [&["--brokers", &brokers], arguments].concat();
        let launched = Launched::start(&folder.path().join("kafka"), &arguments)?;
        Some(Self { addresses: launched.addresses.clone(), count, launched, _folder: Some(folder) })
    }

    /// Each in a small file system of its own: these have to be mounted at `1` and so on in this folder.
    pub(crate) fn start_on(disks: &SmallDisks, folder: &Path, count: u16) -> Option<Self> {
        let launched = Launched::start_within(&disks.within(), folder, &["--brokers", &count.to_string()])?;
        Some(Self { addresses: launched.addresses.clone(), count, launched, _folder: None })
    }

    /// The cluster's folder, with its plan.
    pub(crate) fn folder(&self) -> &Path {
        &self.launched.folder
    }

    /// Arguments of the demo, and of whoever looks into its journal.
    pub(crate) fn arguments(&self) -> [&str; 2] {
        ["--kafka", &self.addresses]
    }

    /// kill -9 of a broker, counted from 1.
    pub(crate) fn kill(&self, number: u16) {
        self.launched.run("kill", &[&number.to_string()]);
    }

    /// Ends it in order if it runs, starts it, and waits until it serves.
    pub(crate) fn restart(&self, number: u16) {
        self.launched.run("restart", &[&number.to_string()]);
    }

    /// Waits until so many have ended.
    pub(crate) async fn until_ended(&self, wanted: usize) {
        let (until, mut look) = (Instant::now() + PATIENCE, ticks(LOOK_MS));
        while block_in_place(|| self.ended()).len() < wanted {
            assert!(Instant::now() < until, "brokers go on that should have ended");
            look.tick().await;
        }
    }

    /// Starts all that have ended, and waits until they serve.
    pub(crate) async fn start_ended(&self) {
        block_in_place(|| {
            let ended = self.ended();
            if ended.len() == usize::from(self.count) {
                // One alone would wait for the others.
                self.launched.run("start", &[]);
            } else {
                ended.into_iter().for_each(|number| self.restart(number));
            }
        });
        self.until_all_serve(true).await;
    }

    /// Those that don't run.
    fn ended(&self) -> Vec<u16> {
        let status = self.launched.command("status").output().expect("the launcher runs");
        let status = String::from_utf8_lossy(&status.stdout).into_owned();
        let ended = |number: &u16| {
            let words = status.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
            words.into_iter().any(|words| words.starts_with(&["node", &number.to_string(), "stopped"]))
        };
        (1..=self.count).filter(ended).collect()
    }

    /// SIGSTOP of a broker.
    pub(crate) fn pause(&self, number: u16) {
        self.launched.run("pause", &[&number.to_string()]);
    }

    /// SIGCONT of a broker.
    pub(crate) fn resume(&self, number: u16) {
        self.launched.run("resume", &[&number.to_string()]);
    }

    /// Waits until the controllers count on all of them, or not on all.
    pub(crate) async fn until_all_serve(&self, wanted: bool) {
        let (until, mut look) = (Instant::now() + PATIENCE, ticks(LOOK_MS));
        let all = || self.launched.command("status").output().expect("the launcher runs").status.success();
        while block_in_place(all) != wanted {
            assert!(Instant::now() < until, "brokers do not serve, or do not cease to");
            look.tick().await;
        }
    }

    /// Runs one of Kafka's own tools, to be fed and read. The launcher says where the brokers are.
    pub(crate) fn tool(&self, name: &str) -> Command {
        let mut command = self.launched.command("tool");
        command.arg(name);
        command
    }
}
