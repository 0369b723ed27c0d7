//! The log of a network: embedded in its data folder, or on brokers.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use coalition_journal::entry::{Entry, Genesis};
use coalition_journal::log::{self, Log, Partition};
use coalition_ledger::runtime::{INBOX, JOURNAL};
use uuid::Uuid;

use crate::client::failure::Trouble;
use crate::client::note;
use crate::config::LogConfig;
use crate::folder::{self, Place};

/// How long to wait for a log that can't be reached.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long to wait before it is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// Opens the log that the configuration names.
pub(crate) fn open(data: &Path, config: &LogConfig) -> Result<Arc<dyn Log>> {
    match config.place() {
        Place::Embedded => Ok(Arc::new(folder::open_log(data, config.embedded())?)),
        Place::Kafka => on_brokers(config),
    }
}

#[cfg(feature = "kafka")]
fn on_brokers(config: &LogConfig) -> Result<Arc<dyn Log>> {
    let doing = || format!("open the log on the brokers at {}", config.kafka);
    let opened = patiently(|| coalition_journal::kafka::Kafka::open(&config.brokers())).map_err(advise_first);
    Ok(Arc::new(opened.with_context(doing)?))
}

#[cfg(not(feature = "kafka"))]
fn on_brokers(config: &LogConfig) -> Result<Arc<dyn Log>> {
    anyhow::bail!(
        "open the log on the brokers at {}: this program was built without Kafka; build it with the feature `kafka`",
        config.kafka
    )
}

/// Makes sure that the topics of inbox and journal are there, or makes them.
pub(crate) fn prepare(log: &dyn Log, shards: u32) -> Result<()> {
    for topic in [JOURNAL, INBOX] {
        patiently(|| log.create_topic(topic, shards))
            .map_err(advise)
            .context("prepare the topics of inbox and journal")?;
        // Each partition has a leader when it says how far it goes: what comes after this is not made to wait.
        for number in 0..shards {
            patiently(|| log.bounds(&Partition::new(topic, number)))
                .map_err(advise)
                .context("find the leaders of inbox and journal")?;
        }
    }
    Ok(())
}

/// What to do where no further try helps: brokers don't let this process do what it has to, or settings don't.
pub(crate) fn advise(error: log::Error) -> anyhow::Error {
    let advice = match &error {
        log::Error::Denied { .. } => {
            "check how it logs in (security.protocol, sasl.* and ssl.* in [log.librdkafka]) and what that principal may do: \
             `coalition topics acls` prints the commands that grant what is needed"
                .to_owned()
        }
        log::Error::Misconfigured { .. } => {
            "correct the sections [log] and [log.librdkafka] of the configuration, or the brokers: docs/operating/kafka.md says \
             what has to be"
                .to_owned()
        }
        log::Error::PartitionCount { found, .. } => format!(
            "journal and inbox have a partition for each shard, and their number is fixed: say so many, with network.shards = \
             {found} in the configuration or `topics create --shards {found}`; a network of another number needs other brokers"
        ),
        log::Error::Backend { .. }
        | log::Error::Damaged { .. }
        | log::Error::Locked(_)
        | log::Error::NoSuchPartition(_)
        | log::Error::TopicName(_)
        | log::Error::Trimmed { .. }
        | log::Error::Lost { .. } => return error.into(),
    };
    Trouble::advised(in_full(error), advice).into()
}

/// As [`advise`], and what to do where brokers don't answer.
#[cfg(feature = "kafka")]
pub(crate) fn advise_first(error: log::Error) -> anyhow::Error {
    if !matches!(error, log::Error::Backend { .. }) {
        return advise(error);
    }
    let advice = "check where the brokers are (`kafka` in the section [log] of the configuration, --kafka), that they run, and \
                  try again; `deploy/kafka/kafka start` starts one to try things on, and prints where it is";
    Trouble::Advised {
        what: in_full(error),
        advice: advice.to_owned(),
        code: crate::client::failure::UNAVAILABLE,
    }
    .into()
}

fn in_full(error: log::Error) -> String {
    format!("{:#}", anyhow::Error::new(error))
}

/// Tries for a while: brokers that have just lost one of them need seconds to agree on who leads.
pub(crate) fn patiently<T>(attempt: impl Fn() -> Result<T, log::Error>) -> Result<T, log::Error> {
    let until = Instant::now() + PATIENCE;
    loop {
        match attempt() {
            // A broker that hasn't heard of a new topic yet says that it isn't there.
            Err(error @ (log::Error::Backend { .. } | log::Error::NoSuchPartition(_)))
                if Instant::now() < until =>
            {
                note(&format!("waiting for the log: {:#}", anyhow::Error::new(error)));
                std::thread::park_timeout(PAUSE);
            }
            tried => return tried,
        }
    }
}

/// The id of a network that begins in the journal that lies there. Several processes may be the first to come: the topic is
/// made once, and names the network for all of them.
pub(crate) fn network(log: &dyn Log) -> Result<Uuid> {
    let topic = patiently(|| log.topic(JOURNAL)).map_err(advise).context("look for the journal")?;
    Ok(Uuid::new_v5(&topic.context("the journal's topic is gone")?.id, b"network"))
}

/// How the journal that lies there begins, if there is one: a network on brokers outlives the folder of a process.
pub(crate) fn genesis(log: &dyn Log) -> Result<Option<Genesis>> {
    const DOING: &str = "look for a network on the brokers";
    if patiently(|| log.topic(JOURNAL)).map_err(advise).context(DOING)?.is_none() {
        return Ok(None);
    }
    let journal = Partition::new(JOURNAL, 0);
    let (start, end) = patiently(|| log.bounds(&journal)).map_err(advise).context(DOING)?;
    let mut next = start;
    while next < end {
        let read = patiently(|| log.read(&journal, next, 1)).map_err(advise).context(DOING)?;
        let Some(stored) = read.into_iter().next() else { break };
        next = stored.offset.plus(1);
        if let Some(Entry::Genesis(genesis)) = Entry::decode(&stored.record.value)? {
            return Ok(Some(genesis));
        }
    }
    Ok(None)
}
