//! Where the log lies: in the round's folder, or on brokers.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use coalition_domain::PartnerId;
use coalition_intake::{events_topic, rejected_topic};
use coalition_journal::embedded::{self, Embedded};
use coalition_journal::kafka::{Kafka, Settings};
use coalition_journal::log::Log;
use coalition_ledger::group::GROUP;
use coalition_ledger::runtime::{INBOX, JOURNAL};
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::types::RDKafkaErrorCode;

use crate::copy::COPY;
use crate::redeem::APPENDS;
use crate::workload::SHOP;

/// How long brokers may take for what they do at once.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(50);

/// Where the log of each round lies.
pub(crate) enum Place {
    /// In the round's folder.
    Folder,
    /// On brokers, which have nothing of a network when a round begins.
    Brokers(Brokers),
}

/// Brokers of Apache Kafka.
pub(crate) struct Brokers {
    settings: Settings,
    /// The one that was started for this run; it goes with its input.
    _own: Option<Own>,
}

struct Own {
    input: Option<ChildStdin>,
    launcher: Child,
    _folder: tempfile::TempDir,
}

impl Drop for Own {
    fn drop(&mut self) {
        drop(self.input.take());
        // Its end is all that is waited for.
        drop(self.launcher.wait());
    }
}

impl Place {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Folder => "embedded",
            Self::Brokers(_) => "kafka",
        }
    }

    /// The log of a round whose files are in `folder`.
    pub(crate) fn open(&self, folder: &Path) -> Result<Arc<dyn Log>> {
        match self {
            Self::Folder => Ok(Arc::new(Embedded::open(&folder.join("log"), embedded::Settings::default())?)),
            Self::Brokers(brokers) => Ok(Arc::new(Kafka::open(&brokers.settings)?)),
        }
    }

    /// Takes away what a round left outside of its folder.
    pub(crate) fn clear(&self) -> Result<()> {
        match self {
            Self::Folder => Ok(()),
            Self::Brokers(brokers) => brokers.clear(),
        }
    }
}

impl Brokers {
    /// Those at `bootstrap_servers`, or one of its own.
    pub(crate) fn at(bootstrap_servers: &str, replication_factor: u16) -> Result<Self> {
        let (bootstrap_servers, own) = if bootstrap_servers.is_empty() {
            let (own, address) = start()?;
            (address, Some(own))
        } else {
            (bootstrap_servers.to_owned(), None)
        };
        let min_insync_replicas = replication_factor.min(2);
        let settings =
            Settings { replication_factor, min_insync_replicas, ..Settings::at(&bootstrap_servers) };
        // What is deleted at the end of a round is what this run has made.
        let log = Kafka::open(&settings)?;
        for topic in &topics()? {
            ensure!(
                log.topic(topic)?.is_none(),
                "the brokers at {bootstrap_servers} have a topic {topic}: name others"
            );
        }
        Ok(Self { settings, _own: own })
    }

    fn clear(&self) -> Result<()> {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.settings.bootstrap_servers);
        let admin: AdminClient<DefaultClientContext> = config.create()?;
        let options = AdminOptions::new().operation_timeout(Some(PATIENCE));
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let topics = topics()?;
        let names: Vec<&str> = topics.iter().map(String::as_str).collect();
        let deleted = runtime.block_on(admin.delete_topics(&names, &options))?;
        for one in deleted {
            match one {
                Ok(_) | Err((_, RDKafkaErrorCode::UnknownTopicOrPartition)) => {}
                Err((topic, code)) => bail!("delete topic {topic}: {code}"),
            }
        }
        let began = Instant::now();
        let log = Kafka::open(&self.settings)?;
        for topic in &topics {
            while log.topic(topic)?.is_some() {
                ensure!(began.elapsed() < PATIENCE, "topic {topic} is still there after it was deleted");
                std::thread::sleep(PAUSE);
            }
        }
        Ok(())
    }
}

/// All topics that a round may make.
fn topics() -> Result<Vec<String>> {
    let shop = PartnerId::new(SHOP)?;
    let named = [JOURNAL, INBOX, COPY, APPENDS, GROUP].map(str::to_owned);
    Ok(named.into_iter().chain([events_topic(&shop), rejected_topic(&shop)]).collect())
}

/// Starts a broker, and gives its address.
fn start() -> Result<(Own, String)> {
    const DOING: &str = "start a broker with deploy/kafka/kafka";
    let folder = tempfile::tempdir()?;
    let mut launcher = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/kafka/kafka"))
        .args(["run", "--now", "--brokers", "1", "--heap", "1024", "--dir"])
        .arg(folder.path().join("kafka"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context(DOING)?;
    let input = launcher.stdin.take();
    let stdout = launcher.stdout.take().context(DOING)?;
    let own = Own { input, launcher, _folder: folder };
    let mut address = String::new();
    BufReader::new(stdout).read_line(&mut address).context(DOING)?;
    ensure!(!address.is_empty(), DOING);
    Ok((own, address.trim().to_owned()))
}
