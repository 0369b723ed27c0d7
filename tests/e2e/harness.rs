//! Starts the binary, and makes sure that it ends.

use std::io::{BufRead, BufReader, Lines};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};

use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;

/// The binary under test: `COALITION_BIN`, or the one beside this test.
pub(crate) fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("COALITION_BIN") {
        return path.into();
    }
    let test = std::env::current_exe().expect("a test knows its own path");
    let beside = test.parent().and_then(Path::parent).expect("a test lies in deps").join("coalition");
    assert!(beside.exists(), "{} is missing: run `cargo build`, or set COALITION_BIN", beside.display());
    beside
}

/// A child process that is killed when the test ends, however it ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The demo, up to its end, with its result.
pub(crate) fn demo(data: &Path) -> serde_json::Value {
    demo_on(data, &[])
}

/// The same, with further arguments.
pub(crate) fn demo_on(data: &Path, arguments: &[&str]) -> serde_json::Value {
    let output = demo_command(data, true).args(arguments).output().expect("the binary starts");
    assert!(output.status.success(), "the demo failed: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("the demo prints one JSON document")
}

/// The demo, under way.
pub(crate) struct UnderWay {
    process: Running,
    told: Lines<BufReader<ChildStderr>>,
}

impl UnderWay {
    pub(crate) fn start(data: &Path) -> Self {
        let mut command = demo_command(data, true);
        let mut process =
            command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the binary starts");
        let told = BufReader::new(process.stderr.take().expect("standard error is piped")).lines();
        Self { process: Running(process), told }
    }

    /// Waits until the demo says that so many events are decided, and gives how many it says.
    pub(crate) fn until_decided(&mut self, events: u64) -> u64 {
        let decided = |line: &str| -> Option<u64> {
            line.strip_prefix("decided ")?.split(' ').next()?.replace(',', "").parse().ok()
        };
        let mut others = Vec::new();
        for line in self.told.by_ref().map_while(Result::ok) {
            match decided(&line) {
                Some(decided) if decided >= events => return decided,
                Some(_) => {}
                None => others.push(line),
            }
        }
        panic!("the demo ended before it had decided {events} events: {}", others.join("\n"))
    }

    /// kill -9, which has to be what ends it.
    pub(crate) fn kill(mut self) {
        self.process.0.kill().expect("it can be killed");
        let ended = self.process.0.wait().expect("it is a child");
        assert_eq!(ended.signal(), Some(9), "the demo was not killed, but ended by itself: {ended}");
    }
}

/// The demo for a program, which ends it when it has the result, or for a person.
pub(crate) fn demo_command(data: &Path, json: bool) -> Command {
    let mut command = Command::new(binary());
    command.args(["demo", "--listen", "127.0.0.1:0", "--data"]).arg(data);
    if json {
        command.args(["--exit", "--json"]);
    }
    command
}

/// Runs a command of the binary, which has to succeed; gives what it printed.
pub(crate) fn run(args: &[&str]) -> String {
    let output = Command::new(binary()).args(args).output().expect("the binary starts");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "coalition {} failed: {out}{err}", args.join(" "));
    out.into_owned()
}

/// A network that was made by the demo, served again.
pub(crate) struct Served {
    _process: Running,
    pub(crate) address: String,
    key: String,
}

impl Served {
    pub(crate) fn start(data: &Path) -> Self {
        let mut process = Command::new(binary());
        process
            .args(["serve", "--listen", "127.0.0.1:0", "--observe", "off", "--data"])
            .arg(data)
            .stdout(Stdio::piped());
        let mut process = process.spawn().expect("the binary starts");
        let out = process.stdout.take().expect("standard output is piped");
        let process = Running(process);
        let lines = BufReader::new(out).lines().map_while(Result::ok);
        let address = lines.filter_map(|line| line.strip_prefix("listening on ").map(str::to_owned)).next();
        let key = std::fs::read_to_string(data.join("operator.key"))
            .expect("the operator's key lies in the folder");
        Self {
            _process: process,
            address: address.expect("it says where it listens"),
            key: key.trim().to_owned(),
        }
    }

    pub(crate) async fn connect(&self) -> Channel {
        Channel::from_shared(self.address.clone()).expect("an address").connect().await.expect("it listens")
    }

    /// A request of the operator.
    pub(crate) fn operator<T>(&self, message: T) -> tonic::Request<T> {
        let mut request = tonic::Request::new(message);
        let value: MetadataValue<Ascii> =
            format!("Bearer {}", self.key).parse().expect("a key is plain text");
        request.metadata_mut().insert("authorization", value);
        request
    }
}
