//! The data folder of a network that is not running.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use coalition_journal::entry::{Genesis, NetworkId, ShardCount, ShardId, TopicId, Topics};
use coalition_journal::log::{Log, Offset, Partition};
use coalition_ledger::rows;
use coalition_ledger::runtime::{INBOX, JOURNAL};
use coalition_store::{Folder, Identity, Settings};

use crate::client::failure::Trouble;
use crate::client::text::quoted;
use crate::config::{Config, LogConfig};
use crate::folder::{Held, Network, Place};
use crate::log;

/// Which folder, and which of its shards.
#[derive(clap::Args)]
pub(super) struct Where {
    /// The network's data folder.
    #[arg(long, value_name = "DIR")]
    pub(super) data: PathBuf,
    /// Only this shard, counted from 0.
    #[arg(long, value_name = "NUMBER")]
    shard: Option<u32>,
    /// The configuration of the network: needed where its log is on brokers, since the folder doesn't say on which.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Its log is on these brokers of Apache Kafka, in place of what a configuration says.
    #[arg(long, value_name = "HOST:PORT")]
    kafka: Option<String>,
    /// Print one JSON document, for programs.
    #[arg(long)]
    pub(super) json: bool,
}

/// An opened data folder. Nobody else uses it as long as this lives.
pub(super) struct Offline {
    pub(super) data: PathBuf,
    pub(super) log: Arc<dyn Log>,
    pub(super) shards: Vec<ShardId>,
    network: Network,
    topics: Topics,
    _held: Held,
}

impl Where {
    /// A command of this kind for one shard of the same network.
    pub(super) fn command(&self, name: &str, shard: ShardId) -> String {
        let mut command = format!("coalition journal {name} --data {}", quoted(&self.data.to_string_lossy()));
        if let Some(config) = &self.config {
            command += &format!(" --config {}", quoted(&config.to_string_lossy()));
        }
        if let Some(brokers) = &self.kafka {
            command += &format!(" --kafka {}", quoted(brokers));
        }
        format!("{command} --shard {shard}")
    }

    /// Where the log is.
    fn log(&self) -> Result<LogConfig> {
        let mut log = Config::unchecked(self.config.as_deref())?.log;
        if let Some(brokers) = &self.kafka {
            log.kafka.clone_from(brokers);
        }
        Ok(log)
    }
}

impl Offline {
    pub(super) fn open(at: &Where) -> Result<Self> {
        let config = at.log()?;
        let network = Network::read(&at.data)?;
        let shards = match at.shard {
            Some(shard) if shard >= network.shards => {
                let last = network.shards - 1;
                let what = format!("there is no shard {shard}: the network has shards 0 to {last}");
                return Err(Trouble::Usage(what).into());
            }
            Some(shard) => vec![ShardId(shard)],
            None => (0..network.shards).map(ShardId).collect(),
        };
        network.check_place(&at.data, config.place())?;
        if config.place() == Place::Embedded && !Network::log(&at.data).exists() {
            bail!("the network in {} has no journal yet: start it first", at.data.display());
        }
        let held = Held::take(&at.data)?;
        let log = log::open(&at.data, &config)?;
        let topic = |name| -> Result<TopicId> {
            let topic = log.topic(name).with_context(|| format!("look for the topic {name}"))?;
            let found =
                topic.with_context(|| format!("the log has no topic {name}: nothing was journaled yet"))?;
            if found.partitions != network.shards {
                bail!(
                    "the topic {name} has {} partitions, but the network {} shards",
                    found.partitions,
                    network.shards
                );
            }
            Ok(TopicId(found.id))
        };
        let topics = Topics { journal: topic(JOURNAL)?, inbox: topic(INBOX)? };
        Ok(Self { data: at.data.clone(), log, shards, network, topics, _held: held })
    }

    /// The journal of a shard.
    pub(super) fn journal(&self, shard: ShardId) -> Partition {
        Partition::new(JOURNAL, shard.0)
    }

    /// The inbox of a shard.
    pub(super) fn inbox(&self, shard: ShardId) -> Partition {
        Partition::new(INBOX, shard.0)
    }

    /// The offset after the journal's last record.
    pub(super) fn end(&self, shard: ShardId) -> Result<Offset> {
        let (start, end) = self.log.bounds(&self.journal(shard))?;
        if start != Offset(0) {
            bail!("the journal of shard {shard} begins at {start}: what was before it can't be replayed");
        }
        Ok(end)
    }

    /// With what the journal of a shard has to begin.
    pub(super) fn genesis(&self, shard: ShardId) -> Genesis {
        Genesis {
            network: NetworkId(self.network.id),
            shard,
            shard_count: ShardCount(self.network.shards),
            topics: self.topics,
        }
    }

    /// Whose rows the projection of a shard holds.
    pub(super) fn identity(&self, shard: ShardId) -> Identity {
        Identity { network: self.network.id, shard: shard.0, format: rows::FORMAT }
    }

    /// Where the projection of a shard lies.
    pub(super) fn projection(&self, shard: ShardId) -> PathBuf {
        Network::store(&self.data, shard)
    }
}

/// A store in a folder.
pub(super) fn folder(path: &Path) -> Folder {
    Folder::new(path, Settings::default())
}
