//! A network of a test's own, and commands run on it.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    /// What it printed; it has to have succeeded.
    #[track_caller]
    pub(crate) fn good(self) -> String {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        self.out
    }

    /// The JSON document that it printed; it has to have succeeded.
    #[track_caller]
    pub(crate) fn json(self) -> serde_json::Value {
        serde_json::from_str(&self.good()).unwrap()
    }

    /// What it complained of; it has to have failed with `code` and said `words`.
    #[track_caller]
    pub(crate) fn failed(self, code: i32, words: &str) {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        assert!(self.err.contains(words), "\"{words}\" is not in: {}", self.err);
    }
}

/// The command with `args` divided at blanks, in an environment of its own.
pub(crate) fn command(args: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_coalition"));
    // Networks of several tests run at once, and there is one default port for whoever watches.
    let unwatched: &[&str] = if args.starts_with("serve") { &["--observe", "off"] } else { &[] };
    let mut args = args.split_whitespace();
    command.args(args.next()).args(unwatched).args(args);
    for variable in ["COALITION_SERVER", "COALITION_KEY_FILE", "COALITION_KEY", "COALITION_TLS_CA"] {
        command.env_remove(variable);
    }
    command
}

/// Runs a command to its end.
pub(crate) fn end(mut command: Command) -> Ended {
    let output = command.output().unwrap();
    Ended {
        code: output.status.code().unwrap(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The command that serves the network whose data lies in `folder`.
pub(crate) fn serve(folder: &Path) -> Command {
    let mut serve = command("serve --listen 127.0.0.1:0 --data");
    serve.arg(folder.join("data"));
    serve
}

/// Runs a command that has to end by itself without serving anybody.
#[track_caller]
pub(crate) fn refused(mut command: Command) -> Ended {
    let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut out = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut out).unwrap();
    if !out.is_empty() {
        process.kill().unwrap();
    }
    let ended = process.wait_with_output().unwrap();
    assert!(out.is_empty(), "it was not refused: {out}");
    Ended { code: ended.status.code().unwrap(), out, err: String::from_utf8(ended.stderr).unwrap() }
}

/// Runs commands of which one serves and all others are refused, at once. Gives how the others ended.
pub(crate) fn race(mut commands: Vec<Command>) -> Vec<Ended> {
    let start =
        |command: &mut Command| command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let processes: Vec<Child> = commands.iter_mut().map(start).collect();
    let mut ended = Vec::new();
    let mut serving = Vec::new();
    for mut process in processes {
        let mut out = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut out).unwrap();
        if !out.is_empty() {
            serving.push(process);
            continue;
        }
        let mut err = String::new();
        process.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        ended.push(Ended { code: process.wait().unwrap().code().unwrap(), out, err });
    }
    // Not before: the next one would find the folder free.
    for mut process in serving {
        process.kill().unwrap();
        process.wait().unwrap();
    }
    ended
}

/// Starts the command `serve`, and gives the address once somebody listens there.
fn listening(mut serve: Command) -> (Child, String) {
    let mut process = serve.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let server = line.trim().strip_prefix("listening on ").unwrap().to_owned();
    (process, server)
}

/// A served network in a folder of its own.
pub(crate) struct Network {
    pub(crate) folder: TempDir,
    pub(crate) server: String,
    process: Child,
}

impl Network {
    pub(crate) fn start() -> Self {
        Self::start_in(tempfile::tempdir().unwrap())
    }

    /// Serves what lies in the folder, or a new network.
    pub(crate) fn start_in(folder: TempDir) -> Self {
        let (process, server) = listening(serve(folder.path()));
        Self { folder, server, process }
    }

    /// Serves, by the command `serve`, what lies in the folder `data` in `folder`.
    pub(crate) fn start_by(serve: Command, folder: TempDir) -> Self {
        let (process, server) = listening(serve);
        Self { folder, server, process }
    }

    /// Serves it again by the command `serve`, after it was stopped.
    pub(crate) fn again(&mut self, serve: Command) {
        (self.process, self.server) = listening(serve);
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Runs a command with the operator's key.
    pub(crate) fn run(&self, args: &str) -> Ended {
        self.run_as(&self.data().join("operator.key"), args)
    }

    /// Runs a command with the key of a file.
    pub(crate) fn run_as(&self, key: &Path, args: &str) -> Ended {
        let mut command = command(args);
        command.current_dir(self.folder.path());
        command.env("COALITION_SERVER", &self.server).env("COALITION_KEY_FILE", key);
        end(command)
    }

    /// Runs a command on the data folder, which follows `args`.
    pub(crate) fn offline(&self, args: &str) -> Ended {
        let mut command = command(args);
        command.arg("--data").arg(self.data());
        end(command)
    }

    /// Sends the process a signal.
    pub(crate) fn signal(&self, name: &str) {
        let kill = Command::new("kill").arg(format!("-{name}")).arg(self.process.id().to_string()).status();
        assert!(kill.unwrap().success());
    }

    /// Ends the network as an operator would.
    pub(crate) fn stop(&mut self) {
        self.signal("TERM");
        assert!(self.process.wait().unwrap().success());
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
