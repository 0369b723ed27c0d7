//! Apache Kafka for the tests of this process: one cluster, started by the first test that asks and gone when the
//! process is, however it ends.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use coalition_journal::kafka::Settings;

/// What the launcher ends with when a tool is missing that not every machine has: Java, Maven, and where Maven looks.
const MISSING: [i32; 3] = [3, 4, 5];

/// A cluster of one broker or three.
pub(crate) struct Cluster {
    pub(crate) bootstrap_servers: String,
    brokers: u16,
    folder: PathBuf,
    /// The brokers go when this is closed: by the end of the process at the latest.
    _input: ChildStdin,
    _child: Child,
    /// Held by all tests; alone by one that disturbs the brokers.
    calm: RwLock<()>,
}

/// A test's use of the cluster.
pub(crate) struct Calm(&'static Cluster, #[allow(dead_code, reason = "held")] RwLockReadGuard<'static, ()>);

/// The use of the cluster by a test that disturbs the brokers.
pub(crate) struct Storm(&'static Cluster, #[allow(dead_code, reason = "held")] RwLockWriteGuard<'static, ()>);

impl std::ops::Deref for Calm {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        self.0
    }
}

impl std::ops::Deref for Storm {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        self.0
    }
}

/// The cluster, for a test that leaves its brokers alone; nothing, and a line that says why, where there can't be one.
pub(crate) fn calm(brokers: u16) -> Option<Calm> {
    let cluster = cluster(brokers)?;
    Some(Calm(cluster, cluster.calm.read().unwrap_or_else(PoisonError::into_inner)))
}

/// The cluster, for a test that kills or stops its brokers.
pub(crate) fn storm(brokers: u16) -> Option<Storm> {
    let cluster = cluster(brokers)?;
    Some(Storm(cluster, cluster.calm.write().unwrap_or_else(PoisonError::into_inner)))
}

fn cluster(brokers: u16) -> Option<&'static Cluster> {
    static CLUSTER: OnceLock<Result<Cluster, String>> = OnceLock::new();
    match CLUSTER.get_or_init(|| Cluster::start(brokers)) {
        Ok(cluster) => Some(cluster),
        Err(missing) if std::env::var_os("COALITION_REQUIRE_ALL").is_some_and(|value| value == "1") => {
            panic!("a test on Apache Kafka is required, but {missing}");
        }
        Err(missing) => {
            // Past the test runner, which would swallow it.
            let line = format!("SKIPPED, a test on Apache Kafka: {missing}\n");
            std::io::stderr().write_all(line.as_bytes()).expect("print");
            None
        }
    }
}

fn launcher() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/kafka/kafka")
}

impl Cluster {
    /// A cluster, or what is missing for one.
    fn start(brokers: u16) -> Result<Self, String> {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("kafka-{}", std::process::id()));
        // The shell removes the files when the launcher has ended with its input.
        let mut child = Command::new("sh")
            .args(["-c", r#""$0" run --now --brokers "$1" --dir "$2"; code=$?; rm -rf "$2"; exit $code"#])
            .arg(launcher())
            .arg(brokers.to_string())
            .arg(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("there is no shell: {error}"))?;
        let input = child.stdin.take().expect("piped");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("read");
        if line.is_empty() {
            drop(input);
            let ended = child.wait_with_output().expect("it ended");
            let said = String::from_utf8_lossy(&ended.stderr).trim().to_owned();
            let code = ended.status.code().unwrap_or_default();
            // 127: what runs the launcher is not there.
            assert!(MISSING.contains(&code) || code == 127, "kafka does not start ({code}): {said}");
            return Err(said);
        }
        let bootstrap_servers = line.trim().to_owned();
        Ok(Self { bootstrap_servers, brokers, folder, _input: input, _child: child, calm: RwLock::new(()) })
    }

    /// For the log on this cluster.
    pub(crate) fn settings(&self) -> Settings {
        let (replication_factor, min_insync_replicas) = if self.brokers == 3 { (3, 2) } else { (1, 1) };
        Settings { replication_factor, min_insync_replicas, ..Settings::at(&self.bootstrap_servers) }
    }

    /// Runs a command of the launcher.
    pub(crate) fn launcher(&self, command: &[&str]) {
        let (name, rest) = command.split_first().expect("a command");
        let ran = Command::new(launcher()).arg(name).arg("--dir").arg(&self.folder).args(rest).output();
        let ran = ran.expect("run the launcher");
        assert!(ran.status.success(), "{command:?}: {}", String::from_utf8_lossy(&ran.stderr));
    }

    /// The file that a broker keeps a partition's first records in.
    pub(crate) fn segment(&self, broker: u16, topic: &str, partition: u32) -> PathBuf {
        self.folder.join(format!("{broker}/data/{topic}-{partition}/00000000000000000000.log"))
    }
}
