//! Apache Kafka for the tests of this process: one cluster, started by the first test that asks and gone when the
//! process is, however it ends.

use std::path::{Path, PathBuf};
use std::sync::{OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use coalition_journal::kafka::Settings;

use self::launched::Launched;

#[path = "launched.rs"]
mod launched;

/// A cluster of one broker or three.
pub(crate) struct Cluster {
    pub(crate) bootstrap_servers: String,
    brokers: u16,
    launched: Launched,
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
    static CLUSTER: OnceLock<Option<Cluster>> = OnceLock::new();
    CLUSTER.get_or_init(|| Cluster::start(brokers)).as_ref()
}

impl Cluster {
    fn start(brokers: u16) -> Option<Self> {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("kafka-{}", std::process::id()));
        let launched = Launched::start(&folder, &["--brokers", &brokers.to_string()])?;
        let bootstrap_servers = launched.addresses.clone();
        Some(Self { bootstrap_servers, brokers, launched, calm: RwLock::new(()) })
    }

    /// For the log on this cluster.
    pub(crate) fn settings(&self) -> Settings {
        let (replication_factor, min_insync_replicas) = if self.brokers == 3 { (3, 2) } else { (1, 1) };
        Settings { replication_factor, min_insync_replicas, ..Settings::at(&self.bootstrap_servers) }
    }

    /// Runs a command of the launcher.
    pub(crate) fn launcher(&self, command: &[&str]) {
        let (name, rest) = command.split_first().expect("a command");
        self.launched.run(name, rest);
    }

    /// The file that a broker keeps a partition's first records in.
    pub(crate) fn segment(&self, broker: u16, topic: &str, partition: u32) -> PathBuf {
        self.launched.folder.join(format!("{broker}/data/{topic}-{partition}/00000000000000000000.log"))
    }
}
