//! Apache Kafka for the tests that need it: brokers that are gone when the test is, however it ends.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

use crate::missing;

/// What the launcher ends with when a tool is missing that not every machine has: Java, Maven, and where Maven looks; and
/// the shell's, where there is no Python.
const MISSING: [i32; 4] = [3, 4, 5, 127];

/// One broker or three.
pub(crate) struct Brokers {
    pub(crate) addresses: String,
    /// As many copies of each record as there are brokers.
    pub(crate) count: u16,
    /// Removed when they have stopped.
    folder: tempfile::TempDir,
    input: Option<ChildStdin>,
    launcher: Child,
}

impl Brokers {
    /// Starts them. None, with a line that says why, where there can't be any; a failure where they are required.
    pub(crate) fn start(count: u16) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let mut launcher = Command::new("sh")
            .args(["-c", r#""$0" run --now --brokers "$1" --dir "$2""#])
            .arg(launcher())
            .arg(count.to_string())
            .arg(folder.path().join("kafka"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("there is a shell");
        // They stop when this is closed.
        let input = launcher.stdin.take();
        let mut line = String::new();
        BufReader::new(launcher.stdout.take().expect("piped")).read_line(&mut line).expect("read");
        if line.is_empty() {
            drop(input);
            let ended = launcher.wait_with_output().expect("it ended");
            let said = String::from_utf8_lossy(&ended.stderr).trim().to_owned();
            let code = ended.status.code().unwrap_or_default();
            assert!(MISSING.contains(&code), "kafka does not start ({code}): {said}");
            missing::tell("Apache Kafka", &said);
            return None;
        }
        Some(Self { addresses: line.trim().to_owned(), count, folder, input, launcher })
    }

    /// Arguments of the demo, and of whoever looks into its journal.
    pub(crate) fn arguments(&self) -> [&str; 2] {
        ["--kafka", &self.addresses]
    }

    /// kill -9 of a broker, counted from 1.
    pub(crate) fn kill(&self, number: u16) {
        self.run("kill", &[&number.to_string()]);
    }

    /// Runs one of Kafka's own tools, to be fed and read. The launcher says where the brokers are.
    pub(crate) fn tool(&self, name: &str) -> Command {
        let mut command = Command::new(launcher());
        command.arg("tool").arg("--dir").arg(self.folder.path().join("kafka")).arg(name);
        command
    }

    fn run(&self, command: &str, arguments: &[&str]) {
        let folder = self.folder.path().join("kafka");
        let mut launcher = Command::new(launcher());
        let ended = launcher.arg(command).args(arguments).arg("--dir").arg(folder).output();
        let ended = ended.expect("the launcher starts");
        assert!(ended.status.success(), "kafka {command}: {}", String::from_utf8_lossy(&ended.stderr));
    }
}

impl Drop for Brokers {
    fn drop(&mut self) {
        drop(self.input.take());
        drop(self.launcher.wait());
    }
}

/// What starts brokers and their tools.
pub(crate) fn launcher() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/kafka/kafka")
}
