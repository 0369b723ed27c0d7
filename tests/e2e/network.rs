//! A network of several processes over one log, with what stands between its parts.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tokio::time::{Duration, Interval, MissedTickBehavior, interval};

use crate::brokers::Brokers;
use crate::harness::{Described, Served, binary};

/// How long the network may take for an answer, with all repeats: what takes longer hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(180);
/// After how long a process that says nothing is taken for dead.
pub(crate) const SESSION_TIMEOUT: Duration = Duration::from_millis(1_500);

/// How many blows; more are dealt by hand: docs/testing.md.
pub(crate) fn rounds(usual: u64) -> u64 {
    std::env::var("COALITION_ROUNDS").map_or(usual, |rounds| rounds.parse().expect("a number of rounds"))
}

/// How many brokers; three by hand.
pub(crate) fn brokers(usual: u16) -> u16 {
    std::env::var("COALITION_BROKERS").map_or(usual, |count| count.parse().expect("one or three"))
}

pub(crate) fn ticks(millis: u64) -> Interval {
    let mut ticks = interval(Duration::from_millis(millis));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// By which ways a process and the others reach each other, where not directly.
#[derive(Clone, Default)]
pub(crate) struct Ways {
    /// Where it finds the brokers.
    pub(crate) brokers: Option<String>,
    /// Where it answers other processes, and where they are told that it does.
    pub(crate) peers: Option<(String, String)>,
}

/// The processes of a network, and where each listens while it runs.
pub(crate) struct Processes {
    folder: PathBuf,
    /// None: one process, with its log in its folder.
    pub(crate) brokers: Option<Brokers>,
    ways: Vec<Ways>,
    /// The release of each.
    pub(crate) binaries: Vec<PathBuf>,
    served: Vec<Option<Served>>,
    /// Where clients reach each.
    pub(crate) addresses: Arc<Mutex<Vec<String>>>,
}

impl Processes {
    pub(crate) fn start(folder: &Path, brokers: Option<Brokers>, count: usize) -> Self {
        let mut processes = Self::prepare(folder, brokers, vec![Ways::default(); count]);
        (0..count).for_each(|number| processes.run(number));
        processes
    }

    /// None runs yet.
    pub(crate) fn prepare(folder: &Path, brokers: Option<Brokers>, ways: Vec<Ways>) -> Self {
        std::fs::write(folder.join("secret"), "a-secret-that-only-these-processes-know").expect("room");
        let count = ways.len();
        Self {
            folder: folder.to_owned(),
            brokers,
            ways,
            binaries: vec![binary(); count],
            served: (0..count).map(|_| None).collect(),
            addresses: Arc::new(Mutex::new(vec![String::new(); count])),
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.served.len()
    }

    pub(crate) fn data(&self, number: usize) -> PathBuf {
        self.folder.join(format!("process-{number}"))
    }

    pub(crate) fn run(&mut self, number: usize) {
        let (secret, ways) = (self.folder.join("secret"), &self.ways[number]);
        let (listen, advertise) = match &ways.peers {
            Some((listen, advertise)) => (listen.as_str(), format!("advertise = \"{advertise}\"\n")),
            None => ("127.0.0.1:0", String::new()),
        };
        let peers = format!(
            "[peers]\nlisten = \"{listen}\"\n{advertise}secret_file = \"{}\"\nheartbeat_ms = 200\nsession_timeout_ms = {}\n",
            secret.display(),
            SESSION_TIMEOUT.as_millis(),
        );
        let log = self
            .brokers
            .as_ref()
            .map(|brokers| (ways.brokers.as_deref().unwrap_or(&brokers.addresses), brokers.count));
        let more = if log.is_some() { peers.as_str() } else { "" };
        let (data, binary) = (self.data(number), &self.binaries[number]);
        let served = Served::start_as(&Described { binary, data: &data, log, more });
        self.addresses.lock().expect("no holder panics")[number].clone_from(&served.address);
        self.served[number] = Some(served);
    }

    pub(crate) fn get(&self, number: usize) -> &Served {
        self.served[number].as_ref().expect("it runs")
    }

    pub(crate) fn take(&mut self, number: usize) -> Served {
        self.served[number].take().expect("it runs")
    }

    pub(crate) fn operator_key(&self) -> String {
        let keys = (0..self.served.len()).map(|number| self.data(number).join("operator.key"));
        let mut keys = keys.filter_map(|path| std::fs::read_to_string(path).ok());
        let key = keys.next().expect("the first process has made one");
        assert!(keys.next().is_none(), "only one process has made one");
        key.trim().to_owned()
    }
}
