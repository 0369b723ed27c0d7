//! The log in a folder of this machine, for one process: durable, and nothing else to install.
//!
//! Each partition is a redb database of its own, written by a thread of its own, because writers that share one
//! database starve each other. A group commit is one transaction: its records are durable, in the order of their
//! calls and each append whole, when the first `done` of it is called.
//!
//! What it does about failures:
//!
//! - A full queue, an append that is too large or empty, and a failure before the commit are
//!   [`NotAppended`](AppendError::NotAppended). A failed commit is in [`Doubt`](AppendError::Doubt).
//! - After a failure the database is opened again, at once for the readers and then with each append, so that a
//!   partition works again when a full disk has space.
//! - After a failed sync, or when records that were acknowledged are missing, a partition refuses all appends until
//!   the process is started again: what the disk holds is not known.
//! - A damaged file is an error when it is opened or when the damage is read. Rows are checksummed and their number
//!   is kept, so that neither wrong records nor missing ones are read as right. Nothing panics.

mod clock;
mod database;
mod file;
mod partition;
mod queue;
mod registry;
mod row;
mod settings;
mod view;
mod writer;

#[cfg(test)]
mod failure_tests;

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use uuid::Uuid;

pub use self::settings::Settings;

use self::database::Place;
use self::file::{Opener, SyncFailed};
use self::partition::{Running, Shared, Starting, failed};
use self::registry::Registry;
use crate::append::Append;
use crate::log::{
    AppendError, Done, Error, Log, Offset, Partition, Record, Stored, Topic, Wake, Watching, check_topic_name,
};

/// More threads and files than this for one topic are a mistake.
const PARTITIONS_MAX: u32 = 4096;

/// A log in a folder. Dropped, it writes and answers what waits, and ends its threads.
pub struct Embedded {
    settings: Settings,
    opener: Opener,
    registry: Mutex<Registry>,
    topics: RwLock<BTreeMap<String, Open>>,
    /// Every writer holds it too.
    lock: Arc<Lock>,
}

/// The folder is locked as long as this lives.
struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file is not enough: a process that this one starts just then has it open, too, until it runs its program.
        let _ = self.0.unlock();
    }
}

struct Open {
    topic: Topic,
    partitions: Vec<Running>,
}

impl Embedded {
    /// Opens the log in `folder`, or makes one there, with all its partitions.
    ///
    /// [`Error::Locked`] if it is open already, by any process.
    pub fn open(folder: &Path, settings: Settings) -> Result<Self, Error> {
        Self::open_on(folder, settings, file::opener())
    }

    fn open_on(folder: &Path, settings: Settings, opener: Opener) -> Result<Self, Error> {
        let failed =
            |source| Error::Backend { doing: format!("open the log in {}", folder.display()), source };
        fs::create_dir_all(folder).map_err(|error| failed(error.into()))?;
        let lock = File::create(folder.join("lock")).map_err(|error| failed(error.into()))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => Error::Locked(folder.display().to_string()),
            TryLockError::Error(error) => failed(error.into()),
        })?;
        let registry = Registry::open(folder).map_err(failed)?;
        let known = registry.topics().clone();
        let log = Self {
            settings,
            opener,
            registry: Mutex::new(registry),
            topics: RwLock::default(),
            lock: Arc::new(Lock(lock)),
        };
        // All start before the first is waited for: each reads its own file.
        let starting = known
            .into_iter()
            .map(|(name, topic)| Ok((log.start(&log.registry(), &name, topic)?, name, topic)))
            .collect::<Result<Vec<_>, Error>>()?;
        for (starting, name, topic) in starting {
            log.add(name, topic, starting)?;
        }
        Ok(log)
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn place(&self, registry: &Registry, name: &str, number: u32, topic: Topic) -> Place {
        Place {
            path: registry.path(name, number),
            topic: topic.id,
            number,
            cache_bytes: self.settings.cache_bytes,
            opener: Arc::clone(&self.opener),
            sync_failed: SyncFailed::default(),
        }
    }

    /// Starts the writers of a topic.
    fn start(&self, registry: &Registry, name: &str, topic: Topic) -> Result<Vec<Starting>, Error> {
        let start = |number| {
            let place = self.place(registry, name, number, topic);
            Starting::start(Partition::new(name, number), place, self.settings, Arc::clone(&self.lock))
        };
        (0..topic.partitions).map(start).collect()
    }

    /// Waits until the writers of a topic are ready, and shows it.
    fn add(&self, name: String, topic: Topic, starting: Vec<Starting>) -> Result<(), Error> {
        let partitions = starting.into_iter().map(Starting::opened).collect::<Result<_, _>>()?;
        let mut topics = self.topics.write().unwrap_or_else(PoisonError::into_inner);
        topics.insert(name, Open { topic, partitions });
        Ok(())
    }

    fn found(&self, name: &str) -> Option<Topic> {
        let topics = self.topics.read().unwrap_or_else(PoisonError::into_inner);
        topics.get(name).map(|open| open.topic)
    }

    fn partition(&self, of: &Partition) -> Result<Arc<Shared>, Error> {
        let topics = self.topics.read().unwrap_or_else(PoisonError::into_inner);
        let partitions = topics.get(of.topic.as_ref()).map_or(&[][..], |open| &open.partitions);
        let running = usize::try_from(of.number).ok().and_then(|number| partitions.get(number));
        running.map(|running| Arc::clone(&running.shared)).ok_or_else(|| Error::NoSuchPartition(of.clone()))
    }
}

impl Log for Embedded {
    fn create_topic(&self, topic: &str, partitions: u32) -> Result<Topic, Error> {
        check_topic_name(topic)?;
        // Held to the end: two callers must not make the same files.
        let mut registry = self.registry();
        if let Some(found) = self.found(topic) {
            return if found.partitions == partitions {
                Ok(found)
            } else {
                Err(Error::PartitionCount {
                    topic: topic.to_owned(),
                    found: found.partitions,
                    wanted: partitions,
                })
            };
        }
        let backend = |source| Error::Backend { doing: format!("create topic {topic}"), source };
        if partitions == 0 || partitions > PARTITIONS_MAX {
            let reason = format!("{partitions} partitions, not 1 to {PARTITIONS_MAX}");
            return Err(backend(reason.into()));
        }
        let created = Topic { id: Uuid::new_v4(), partitions };
        for number in 0..partitions {
            let place = self.place(&registry, topic, number, created);
            // Left by a creation that did not come to its end; nothing was ever appended to it.
            match fs::remove_file(&place.path) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(backend(error.into())),
                Ok(()) | Err(_) => {}
            }
            place.create().map_err(|cause| failed(&Partition::new(topic, number), "create", cause))?;
        }
        // The partitions first, then the registry: a registered topic whose file is missing has lost it.
        registry.add(topic, created).map_err(backend)?;
        let starting = self.start(&registry, topic, created)?;
        self.add(topic.to_owned(), created, starting)?;
        Ok(created)
    }

    fn topic(&self, topic: &str) -> Result<Option<Topic>, Error> {
        Ok(self.found(topic))
    }

    fn append(&self, to: &Partition, records: Vec<Record>, done: Done) {
        match self.partition(to) {
            Ok(partition) => partition.queue.append(Append::new(records, done)),
            Err(error) => done(Err(AppendError::NotAppended(error.to_string()))),
        }
    }

    fn read(&self, of: &Partition, from: Offset, bytes_max: usize) -> Result<Vec<Stored>, Error> {
        self.partition(of)?.read(from, bytes_max)
    }

    fn bounds(&self, of: &Partition) -> Result<(Offset, Offset), Error> {
        Ok(self.partition(of)?.view().bounds())
    }

    fn watch(&self, of: &Partition, wake: Wake) -> Result<Watching, Error> {
        Ok(self.partition(of)?.watch(wake))
    }

    /// Deletes whole rows, in the background; their space is used again, the file does not shrink.
    fn trim(&self, of: &Partition, before: Offset) -> Result<(), Error> {
        self.partition(of)?.queue.trim(before);
        Ok(())
    }

    fn commit(&self, group: &str, of: &Partition, next: Offset) -> Result<(), Error> {
        let partition = self.partition(of)?;
        partition.view().groups.insert(group.to_owned(), next);
        partition.queue.commit(group, next);
        Ok(())
    }

    fn committed(&self, group: &str, of: &Partition) -> Result<Option<Offset>, Error> {
        Ok(self.partition(of)?.view().groups.get(group).copied())
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        // All are told to end before the first is waited for.
        let topics = self.topics.get_mut().unwrap_or_else(PoisonError::into_inner);
        for running in topics.values().flat_map(|open| &open.partitions) {
            running.shared.queue.close();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a process has it for a moment that this one starts: between its fork and its program.
    #[test]
    fn a_folder_is_free_once_its_log_is_gone_whoever_still_has_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let log = Embedded::open(folder.path(), Settings::default()).unwrap();
        let inherited = log.lock.0.try_clone().unwrap();
        assert!(matches!(Embedded::open(folder.path(), Settings::default()), Err(Error::Locked(_))));
        drop(log);
        drop(Embedded::open(folder.path(), Settings::default()).unwrap());
        drop(inherited);
    }
}
