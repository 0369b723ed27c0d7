//! The data folder: what network lies in it, and who may use it.

mod place;

use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use coalition_journal::embedded::{self, Embedded};
use coalition_journal::entry::{Genesis, ShardId};
use coalition_journal::log;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub(crate) use self::place::Place;
use crate::client::failure::Trouble;

/// Where the operator's first key lies, for whoever may read the data folder.
pub(crate) const OPERATOR_KEY: &str = "operator.key";

const NETWORK: &str = "network.toml";
const LOCK: &str = "lock";

/// What may lie in a folder in which a network is made: a key that the operator brings along, what a start leaves that did
/// not come far, and what a file system of its own has at its root.
const NEW_FOLDER: [&str; 5] = [OPERATOR_KEY, LOCK, "network.new", "operator.new", "lost+found"];

/// What to do where a demo finds brokers in use: most likely by one before, in a folder that is gone.
const HELD_ALREADY: &str = "where it is a demo's that was given --data, name that folder again; else take brokers that hold none: \
                            `deploy/kafka/kafka delete` and `start` make those that it started new ones, without any of their data";

/// What a network is for its life; written once, when its folder is made.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Network {
    /// Drawn when the folder was made.
    pub(crate) id: Uuid,
    /// Accounts are placed by it.
    pub(crate) shards: u32,
    /// Whether it was made for the demo, which fills no other network.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) demo: bool,
    /// Where its log is; not said by files of earlier releases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) log: Option<Place>,
}

/// For what a network is started.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Purpose {
    /// To serve whoever asks.
    Serve,
    /// To have the demo's events published on it.
    Demo,
}

impl Network {
    /// The network of a folder, or none where one can be made, whose log is sought at `place`. Writes nothing.
    pub(crate) fn look(data: &Path, purpose: Purpose, place: Place) -> Result<Option<Self>> {
        if let Some(network) = Self::there(data, purpose, place)? {
            return Ok(Some(network));
        }
        if Self::log(data).exists() {
            bail!(
                "{} holds a log, but its {NETWORK} is missing, which says whose it is; put that back from a backup: with a new one the journal would be another network's",
                data.display()
            );
        }
        let entries = match std::fs::read_dir(data) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("read the folder {}", data.display())),
        };
        for entry in entries {
            let name = entry.with_context(|| format!("read the folder {}", data.display()))?.file_name();
            if !NEW_FOLDER.iter().any(|known| name == *known) {
                bail!("{} is not empty and holds no network; name a new folder", data.display());
            }
        }
        Ok(None)
    }

    /// The network of a folder that is held; a folder without one gets the one that the journal on brokers begins with, or a
    /// new one by the id `fresh`.
    pub(crate) fn open(
        held: &Held,
        shards: u32,
        purpose: Purpose,
        place: Place,
        found: Option<Genesis>,
        fresh: Uuid,
    ) -> Result<Self> {
        // Looked at once more: another process may have been here before the lock was taken.
        if let Some(network) = Self::there(&held.data, purpose, place)? {
            return Ok(network);
        }
        let network = match found {
            Some(_) if purpose == Purpose::Demo => {
                let what = "the brokers hold a network already, and this folder is not its own".to_owned();
                return Err(Trouble::advised(what, HELD_ALREADY).into());
            }
            Some(Genesis { network, shard_count, .. }) => {
                Self { id: network.0, shards: shard_count.0, demo: false, log: Some(place) }
            }
            None => Self { id: fresh, shards, demo: purpose == Purpose::Demo, log: Some(place) },
        };
        write_durably(&held.data.join(NETWORK), toml::to_string(&network)?.as_bytes(), 0o644)?;
        Ok(network)
    }

    /// The network that a folder has, if it has one.
    fn there(data: &Path, purpose: Purpose, place: Place) -> Result<Option<Self>> {
        if !data.join(NETWORK).exists() {
            return Ok(None);
        }
        let network = Self::read(data)?;
        if purpose == Purpose::Demo && !network.demo {
            bail!("{} holds a network that is not the demo's; choose another folder", data.display());
        }
        network.check_place(data, place)?;
        Ok(Some(network))
    }

    /// The network of a folder that has one.
    pub(crate) fn read(data: &Path) -> Result<Self> {
        let path = data.join(NETWORK);
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("read {}; is {} a data folder?", path.display(), data.display()))?;
        toml::from_str(&text).with_context(|| format!("read {}", path.display()))
    }

    /// Where the projection of a shard lies.
    pub(crate) fn store(data: &Path, shard: ShardId) -> PathBuf {
        data.join("store").join(shard.to_string())
    }

    /// Where the log lies.
    pub(crate) fn log(data: &Path) -> PathBuf {
        data.join("log")
    }
}

/// A data folder that nobody else uses as long as this lives.
pub(crate) struct Held {
    data: PathBuf,
    lock: File,
}

impl Drop for Held {
    fn drop(&mut self) {
        // Closing the file is not enough: a process that this one starts just then has it open, too, until it runs its program.
        let _ = self.lock.unlock();
    }
}

impl Held {
    /// Takes the folder, which is made if it is not there.
    pub(crate) fn take(data: &Path) -> Result<Self> {
        let doing = || format!("make the data folder {}", data.display());
        std::fs::create_dir_all(data).with_context(doing)?;
        let lock = File::create(data.join(LOCK)).with_context(doing)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { data: data.to_owned(), lock }),
            Err(TryLockError::WouldBlock) => Err(in_use(data)),
            Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("lock {}", data.display())),
        }
    }
}

/// Opens the log of a network.
pub(crate) fn open_log(data: &Path, settings: embedded::Settings) -> Result<Embedded> {
    Embedded::open(&Network::log(data), settings).map_err(|error| match error {
        log::Error::Locked(_) => in_use(data),
        log::Error::Damaged { .. } | log::Error::Denied { .. } | log::Error::Backend { .. } => Trouble::advised(
            format!("{:#}", anyhow::Error::new(error)),
            format!(
                "see to the disk; a damaged file in {} has to be restored from a backup: what it holds can't be made anew",
                Network::log(data).display()
            ),
        )
        .into(),
        log::Error::NoSuchPartition(_)
        | log::Error::PartitionCount { .. }
        | log::Error::Misconfigured { .. }
        | log::Error::TopicName(_)
        | log::Error::Trimmed { .. }
        | log::Error::Lost { .. } => error.into(),
    })
}

/// Another process has the folder.
fn in_use(data: &Path) -> anyhow::Error {
    anyhow!(
        "the network in {} is running, and only one process may use its folder: stop it first, with Ctrl-C where it runs or with SIGTERM",
        data.display()
    )
}

/// Writes a small file that is there whole, or not at all, whenever the machine stops.
pub(crate) fn write_durably(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let doing = || format!("write {}", path.display());
    let new = path.with_extension("new");
    let options = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(mode).clone();
    let mut file = options.open(&new).with_context(doing)?;
    file.write_all(bytes).with_context(doing)?;
    file.sync_all().with_context(doing)?;
    std::fs::rename(&new, path).with_context(doing)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::File::open(folder).and_then(|folder| folder.sync_all()).with_context(doing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_made_in_a_new_folder_only() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        assert!(Network::look(&data, Purpose::Serve, Place::Embedded).unwrap().is_none());
        assert!(!data.exists(), "looking made it");
        let held = Held::take(&data).unwrap();
        std::fs::write(data.join(OPERATOR_KEY), "ck_a_b").unwrap();
        let made = Network::open(&held, 4, Purpose::Serve, Place::Embedded, None, Uuid::nil()).unwrap();
        assert_eq!(
            Network::open(&held, 8, Purpose::Serve, Place::Embedded, None, Uuid::nil()).unwrap().id,
            made.id
        );

        let other = folder.path().join("checkout");
        std::fs::create_dir_all(other.join(".git")).unwrap();
        let refused = Network::look(&other, Purpose::Serve, Place::Embedded).err().unwrap().to_string();
        assert!(refused.ends_with("is not empty and holds no network; name a new folder"), "{refused}");
        assert!(
            Network::look(&folder.path().join("checkout/.git/no/folder"), Purpose::Demo, Place::Embedded)
                .unwrap()
                .is_none()
        );
    }

    #[test]
    fn one_at_a_time_holds_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let held = Held::take(folder.path()).unwrap();
        assert!(Held::take(folder.path()).err().unwrap().to_string().contains("is running"));
        drop(held);
        Held::take(folder.path()).unwrap();
    }

    #[test]
    fn the_demo_goes_on_with_its_own_network_only() {
        let folder = tempfile::tempdir().unwrap();
        let made = |name: &str, purpose| {
            let data = folder.path().join(name);
            Network::open(&Held::take(&data).unwrap(), 4, purpose, Place::Embedded, None, Uuid::nil())
                .unwrap();
            data
        };
        let (demos, served) = (made("demo", Purpose::Demo), made("served", Purpose::Serve));
        assert!(
            Network::look(&demos, Purpose::Demo, Place::Embedded)
                .unwrap()
                .is_some_and(|network| network.demo)
        );
        assert!(
            Network::look(&demos, Purpose::Serve, Place::Embedded).unwrap().is_some(),
            "it may be served too"
        );
        let refused = Network::look(&served, Purpose::Demo, Place::Embedded).err().unwrap().to_string();
        assert!(
            refused.ends_with("holds a network that is not the demo's; choose another folder"),
            "{refused}"
        );
    }

    #[test]
    fn a_demo_on_brokers_that_hold_a_network_is_told_how_to_begin_anew() {
        use coalition_journal::entry::{NetworkId, ShardCount, TopicId, Topics};
        let topics = Topics { journal: TopicId(Uuid::nil()), inbox: TopicId(Uuid::nil()) };
        let (network, shard, shard_count) = (NetworkId(Uuid::from_u128(7)), ShardId(0), ShardCount(2));
        let found = Some(Genesis { network, shard, shard_count, topics });
        let folder = tempfile::tempdir().unwrap();
        let held = Held::take(folder.path()).unwrap();
        let refused = Network::open(&held, 4, Purpose::Demo, Place::Kafka, found, Uuid::nil()).err().unwrap();
        let Some(Trouble::Advised { advice, .. }) = refused.downcast_ref() else { panic!("{refused:?}") };
        assert!(advice.contains("`deploy/kafka/kafka delete`"), "{advice}");
        let served = Network::open(&held, 4, Purpose::Serve, Place::Kafka, found, Uuid::nil()).unwrap();
        assert_eq!((served.id, served.shards), (Uuid::from_u128(7), 2), "it is served as it is");
    }
}
