//! Apache Kafka for the tests that need it: brokers that are gone when the test is, however it ends.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

/// What the launcher ends with when a tool is missing that not every machine has: Java, Maven, and where Maven looks; and
/// the shell's, where there is no Python.
const MISSING: [i32; 4] = [3, 4, 5, 127];

/// Three brokers.
pub(crate) struct Brokers {
    pub(crate) addresses: String,
    /// Removed when they have stopped.
    _folder: tempfile::TempDir,
    input: Option<ChildStdin>,
    launcher: Child,
}

impl Brokers {
    /// Starts them. None, with a line that says why, where there can't be any; a failure where they are required.
    pub(crate) fn start() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let mut launcher = Command::new("sh")
            .args(["-c", r#""$0" run --now --brokers 3 --dir "$1""#])
            .arg(launcher())
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
            let required = std::env::var_os("COALITION_REQUIRE_ALL").is_some_and(|value| value == "1");
            assert!(MISSING.contains(&code) && !required, "kafka does not start ({code}): {said}");
            // Past the test runner, which would swallow it.
            let line = format!("SKIPPED, a test on Apache Kafka: {said}\n");
            std::io::stderr().write_all(line.as_bytes()).expect("print");
            return None;
        }
        Some(Self { addresses: line.trim().to_owned(), _folder: folder, input, launcher })
    }
}

impl Drop for Brokers {
    fn drop(&mut self) {
        drop(self.input.take());
        drop(self.launcher.wait());
    }
}

fn launcher() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/kafka/kafka")
}
