//! Starts the binary, and makes sure that it ends.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

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
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The demo, up to its end, with its result.
pub(crate) fn demo(data: &Path) -> serde_json::Value {
    let output = demo_command(data).output().expect("the binary starts");
    assert!(output.status.success(), "the demo failed: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("the demo prints one JSON document")
}

/// The demo, under way.
pub(crate) fn start_demo(data: &Path) -> Running {
    Running(
        demo_command(data).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the binary starts"),
    )
}

fn demo_command(data: &Path) -> Command {
    let mut command = Command::new(binary());
    command.args(["demo", "--exit", "--json", "--listen", "127.0.0.1:0", "--data"]).arg(data);
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
        use std::io::BufRead;
        let mut process = Command::new(binary());
        process.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data).stdout(Stdio::piped());
        let mut process = process.spawn().expect("the binary starts");
        let out = process.stdout.take().expect("standard output is piped");
        let process = Running(process);
        let lines = std::io::BufReader::new(out).lines().map_while(Result::ok);
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
