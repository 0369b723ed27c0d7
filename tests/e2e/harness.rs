//! Starts the binary, and makes sure that it ends.

use std::io::{BufRead, BufReader, Lines, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};

use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Channel;

use crate::brokers::Brokers;

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
    UnderWay::start_on(data, arguments).finish()
}

/// The demo, under way.
pub(crate) struct UnderWay {
    process: Running,
    told: Lines<BufReader<ChildStderr>>,
    /// What it told beside how far it is.
    others: Vec<String>,
}

impl UnderWay {
    pub(crate) fn start(data: &Path) -> Self {
        Self::start_on(data, &[])
    }

    /// The same, with further arguments.
    pub(crate) fn start_on(data: &Path, arguments: &[&str]) -> Self {
        let mut command = demo_command(data, true);
        command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().expect("the binary starts");
        let told = BufReader::new(process.stderr.take().expect("standard error is piped")).lines();
        Self { process: Running(process), told, others: Vec::new() }
    }

    /// Waits until the demo says that so many events are decided, and gives how many it says.
    pub(crate) fn until_decided(&mut self, events: u64) -> u64 {
        let decided = |line: &str| -> Option<u64> {
            line.strip_prefix("decided ")?.split(' ').next()?.replace(',', "").parse().ok()
        };
        for line in self.told.by_ref().map_while(Result::ok) {
            match decided(&line) {
                Some(decided) if decided >= events => return decided,
                Some(_) => {}
                None => self.others.push(line),
            }
        }
        panic!("the demo ended before it had decided {events} events: {}", self.others.join("\n"))
    }

    /// Waits for its end, and gives its result.
    pub(crate) fn finish(mut self) -> serde_json::Value {
        self.others.extend(self.told.by_ref().map_while(Result::ok));
        let mut result = String::new();
        let out = self.process.0.stdout.as_mut().expect("standard output is piped");
        out.read_to_string(&mut result).expect("it prints text");
        let ended = self.process.0.wait().expect("it is a child");
        assert!(ended.success(), "the demo failed: {}", self.others.join("\n"));
        serde_json::from_str(&result).expect("the demo prints one JSON document")
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

/// A network that is served.
pub(crate) struct Served {
    process: Running,
    pub(crate) address: String,
    key: String,
}

impl Served {
    /// That of a folder, or a new one there.
    pub(crate) fn start(data: &Path) -> Self {
        Self::start_on(data, None)
    }

    /// The same, with its log on brokers if there are any.
    pub(crate) fn start_on(data: &Path, brokers: Option<&Brokers>) -> Self {
        Self::run(data, serve_command(data, brokers, ""))
    }

    /// One that is described, which may be one of several.
    pub(crate) fn start_as(described: &Described) -> Self {
        Self::run(described.data, described.command())
    }

    fn run(data: &Path, mut command: Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).spawn().expect("the binary starts");
        let out = process.stdout.take().expect("standard output is piped");
        let process = Running(process);
        let lines = BufReader::new(out).lines().map_while(Result::ok);
        let address = lines.filter_map(|line| line.strip_prefix("listening on ").map(str::to_owned)).next();
        let address = address.expect("it says where it listens");
        // Of several processes one has made it.
        let folders = std::iter::once(data.to_owned()).chain(
            std::fs::read_dir(data.parent().expect("a folder"))
                .expect("a folder")
                .filter_map(|entry| Some(entry.ok()?.path())),
        );
        let key =
            folders.filter_map(|folder| std::fs::read_to_string(folder.join("operator.key")).ok()).next();
        let key = key.expect("the operator's key lies in the folder");
        Self { process, address, key: key.trim().to_owned() }
    }

    pub(crate) async fn connect(&self) -> Channel {
        connect(self.address.clone()).await
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// A request of the operator.
    pub(crate) fn operator<T>(&self, message: T) -> tonic::Request<T> {
        signed(message, &self.key)
    }

    /// Runs a command of the operator at this network, which has to succeed; gives what it printed.
    pub(crate) fn command(&self, args: &[&str]) -> String {
        let mut command = Command::new(binary());
        command.args(args).env("COALITION_SERVER", &self.address).env("COALITION_KEY", &self.key);
        let output = command.output().expect("the binary starts");
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "coalition {} failed: {out}{err}", args.join(" "));
        out.into_owned()
    }

    /// Runs a program of a guide, in one shell, as the operator; it has to succeed. Gives what it printed.
    pub(crate) fn shell(&self, program: &str) -> String {
        let beside = binary().parent().expect("a binary lies in a folder").display().to_string();
        let path = format!("{beside}:{}", std::env::var("PATH").expect("there is a path"));
        let mut shell = Command::new("sh");
        shell.args(["-euc", program]).env("PATH", path);
        let output = shell.env("COALITION_SERVER", &self.address).env("COALITION_KEY", &self.key).output();
        let output = output.expect("there is a shell");
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "a program of a guide failed: {program}\n{out}{err}");
        out.into_owned()
    }

    /// Sends it a signal, by its name.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.process.0.id().to_string();
        let told = Command::new("sh").args(["-c", r#"kill -"$1" "$0""#, &pid, name]).status();
        assert!(told.expect("there is a shell").success());
    }

    /// Ends it in order.
    pub(crate) fn stop(mut self) {
        self.signal("TERM");
        let ended = self.process.0.wait().expect("it is a child");
        assert!(ended.success(), "it did not end in order: {ended}");
    }

    /// kill -9, which has to be what ends it.
    pub(crate) fn kill(mut self) {
        self.process.0.kill().expect("it can be killed");
        let ended = self.process.0.wait().expect("it is a child");
        assert_eq!(ended.signal(), Some(9), "the network was not killed, but ended by itself: {ended}");
    }
}

pub(crate) async fn connect(address: String) -> Channel {
    Channel::from_shared(address).expect("an address").connect().await.expect("it listens")
}

/// A request of whoever has this key.
pub(crate) fn signed<T>(message: T, key: &str) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    let value: MetadataValue<Ascii> = format!("Bearer {key}").parse().expect("a key is plain text");
    request.metadata_mut().insert("authorization", value);
    request
}

/// `coalition serve`, with the configuration of a log on brokers beside the folder if there are any.
pub(crate) fn serve_command(data: &Path, brokers: Option<&Brokers>, more: &str) -> Command {
    let log = brokers.map(|brokers| (brokers.addresses.as_str(), brokers.count));
    Described { binary: &binary(), data, log, more }.command()
}

/// A process that serves.
pub(crate) struct Described<'a> {
    /// Of which release.
    pub(crate) binary: &'a Path,
    pub(crate) data: &'a Path,
    /// Where brokers are found first, and how many copies they keep; none: the log lies in the folder.
    pub(crate) log: Option<(&'a str, u16)>,
    /// Further sections of its configuration.
    pub(crate) more: &'a str,
}

impl Described<'_> {
    fn command(&self) -> Command {
        let mut command = Command::new(self.binary);
        command.args(["serve", "--listen", "127.0.0.1:0", "--observe", "off", "--data"]).arg(self.data);
        let config = self.data.with_extension("toml");
        // Events of scenarios are as old as the scenarios say.
        let mut text = "[network]\nmax_event_age_days = 36500\n".to_owned();
        if let Some((addresses, copies)) = self.log {
            text += &format!(
                "[log]\nkafka = \"{addresses}\"\nreplication_factor = {copies}\nmin_insync_replicas = {}\n",
                copies.div_ceil(2)
            );
        }
        text += self.more;
        std::fs::write(&config, text).expect("room for a configuration");
        command.arg("--config").arg(config);
        command
    }
}
