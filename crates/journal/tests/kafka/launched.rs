//! Apache Kafka for tests, here and in other crates: started by `deploy/kafka/kafka`, and gone when the process is, however it
//! ends.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

/// What the launcher ends with when a tool is missing that not every machine has: Java, Maven, and where Maven looks; and
/// the shell's, where there is no Python.
const MISSING: [i32; 4] = [3, 4, 5, 127];

/// Brokers that run.
pub(crate) struct Launched {
    /// Where they are found first.
    pub(crate) addresses: String,
    pub(crate) folder: PathBuf,
    /// The brokers go when this is closed: by the end of the process at the latest.
    input: Option<ChildStdin>,
    launcher: Child,
    /// Before each of its commands: a program that runs another in surroundings of its own, with its arguments.
    within: Vec<String>,
}

impl Launched {
    /// Starts a cluster in a folder, which is removed with it. None, with a line that says why, where there can't be one; a
    /// failure where it is required.
    pub(crate) fn start(folder: &Path, arguments: &[&str]) -> Option<Self> {
        Self::start_within(&[], folder, arguments)
    }

    /// The same, by a program that runs others in surroundings of its own, named with its arguments.
    pub(crate) fn start_within(within: &[String], folder: &Path, arguments: &[&str]) -> Option<Self> {
        let script = r#"dir=$1; shift; "$0" run --now --dir "$dir" "$@"; code=$?; rm -rf "$dir"; exit $code"#;
        let mut command = program(within, Path::new("sh"));
        command.args(["-c", script]).arg(launcher()).arg(folder).args(arguments);
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut launcher = command.spawn().expect("there is a shell");
        let input = launcher.stdin.take();
        let mut line = String::new();
        BufReader::new(launcher.stdout.take().expect("piped")).read_line(&mut line).expect("read");
        if !line.is_empty() {
            let (addresses, folder) = (line.trim().to_owned(), folder.to_owned());
            return Some(Self { addresses, folder, input, launcher, within: within.to_vec() });
        }
        drop(input);
        let ended = launcher.wait_with_output().expect("it ended");
        let said = String::from_utf8_lossy(&ended.stderr).trim().to_owned();
        let code = ended.status.code().unwrap_or_default();
        let required = std::env::var_os("COALITION_REQUIRE_ALL").is_some_and(|value| value == "1");
        assert!(MISSING.contains(&code) && !required, "kafka does not start ({code}): {said}");
        // Past the test runner, which would swallow it.
        let line = format!("SKIPPED, a test on Apache Kafka: {said}\n");
        std::io::stderr().write_all(line.as_bytes()).expect("print");
        None
    }

    /// A command of the launcher for this cluster.
    pub(crate) fn command(&self, name: &str) -> Command {
        let mut command = program(&self.within, &launcher());
        command.arg(name).arg("--dir").arg(&self.folder);
        command
    }

    /// Runs one, which has to succeed; gives what it printed.
    pub(crate) fn run(&self, name: &str, arguments: &[&str]) -> String {
        let ran = self.command(name).args(arguments).output().expect("run the launcher");
        assert!(ran.status.success(), "kafka {name}: {}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8_lossy(&ran.stdout).trim().to_owned()
    }
}

impl Drop for Launched {
    fn drop(&mut self) {
        drop(self.input.take());
        drop(self.launcher.wait());
    }
}

/// A program, or another one that runs it.
fn program(within: &[String], program: &Path) -> Command {
    let Some((first, arguments)) = within.split_first() else { return Command::new(program) };
    let mut command = Command::new(first);
    command.args(arguments).arg(program);
    command
}

/// What starts brokers and their tools.
pub(crate) fn launcher() -> PathBuf {
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let mut launchers = above.map(|folder| folder.join("deploy/kafka/kafka"));
    launchers.find(|launcher| launcher.exists()).expect("it is part of the workspace")
}
