//! How far groups have got: kept in memory, and with the brokers a little later.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use coalition_kafka_native::commit;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::{Offset as Place, TopicPartitionList};

use super::context::Lines;
use super::denial::{answered, is_denied};
use super::reader::PAUSE;
use super::settings::Settings;
use super::{failed, number};
use crate::log::{Error, Offset, Partition};

/// Brokers forget what a group without members committed longer ago than `offsets.retention.minutes`, a week by default.
const AGAIN: Duration = Duration::from_secs(12 * 60 * 60);

/// The groups, each a name that offsets are committed under: none has members.
pub(super) struct Groups {
    settings: Settings,
    clients: Mutex<BTreeMap<String, Arc<BaseConsumer<Lines>>>>,
    noted: Mutex<BTreeMap<String, BTreeMap<Partition, Noted>>>,
}

impl Drop for Groups {
    fn drop(&mut self) {
        // Due still: a commit had no answer in time.
        if self.is_due() {
            // A client's end waits for the answer to each of its commits, for as long as brokers are away. The log ends with
            // its process, which takes the client along.
            std::mem::take(&mut *self.clients()).into_values().for_each(std::mem::forget);
        }
    }
}

struct Noted {
    next: Offset,
    /// When the brokers were last told of it, if of this one.
    committed: Option<Instant>,
}

impl Groups {
    pub(super) fn new(settings: &Settings) -> Self {
        Self { settings: settings.clone(), clients: Mutex::default(), noted: Mutex::default() }
    }

    /// Notes it; [`flush`](Self::flush) tells the brokers.
    pub(super) fn note(&self, group: &str, of: &Partition, next: Offset) {
        self.noted().entry(group.to_owned()).or_default().insert(of.clone(), Noted { next, committed: None });
    }

    /// What was noted last, here or by another process: the brokers are asked unless they haven't heard yet of what was noted here.
    pub(super) fn committed(&self, group: &str, of: &Partition) -> Result<Option<Offset>, Error> {
        let own = || {
            let noted = self.noted();
            let noted = noted.get(group).and_then(|of_group| of_group.get(of));
            noted.filter(|noted| noted.committed.is_none()).map(|noted| noted.next)
        };
        if let Some(next) = own() {
            return Ok(Some(next));
        }
        let found = self.ask(group, of)?;
        // What was noted meanwhile is newer.
        if let Some(next) = own() {
            return Ok(Some(next));
        }
        if let Some(next) = found {
            // Told again now and then, or it would be forgotten.
            let noted = Noted { next, committed: Some(Instant::now()) };
            self.noted().entry(group.to_owned()).or_default().insert(of.clone(), noted);
        }
        Ok(found)
    }

    /// What the brokers were told last.
    fn ask(&self, group: &str, of: &Partition) -> Result<Option<Offset>, Error> {
        let doing = || format!("ask how far {group} has got in {of}");
        let client = self.client(group).map_err(|error| failed(doing(), error))?;
        let began = Instant::now();
        let found = loop {
            let mut list = TopicPartitionList::with_capacity(1);
            list.add_partition(&of.topic, number(of)?);
            let error = match client.committed_offsets(list, self.settings.request_timeout) {
                Ok(found) => break found,
                Err(error) => error,
            };
            // All else may pass: the first to ask for a group has its coordinator chosen.
            if is_denied(&error) || began.elapsed() + PAUSE >= self.settings.request_timeout {
                return Err(answered(doing(), error));
            }
            thread::sleep(PAUSE);
        };
        let Some(one) = found.elements().into_iter().next() else { return Ok(None) };
        one.error().map_err(|error| answered(doing(), error))?;
        let Place::Offset(raw) = one.offset() else { return Ok(None) };
        let next = u64::try_from(raw).map_err(|error| failed(doing(), error))?;
        Ok(Some(Offset(next)))
    }

    /// Whether the brokers have something to be told.
    pub(super) fn is_due(&self) -> bool {
        self.noted().values().flat_map(BTreeMap::values).any(Noted::is_due)
    }

    /// Tells the brokers. What fails is due still.
    pub(super) fn flush(&self) -> Result<(), Error> {
        let groups: Vec<_> = self.noted().keys().cloned().collect();
        groups.iter().try_for_each(|group| self.flush_group(group))
    }

    fn flush_group(&self, group: &str) -> Result<(), Error> {
        let due: Vec<_> = self.noted().get(group).map_or_else(Vec::new, |of_group| {
            let due = of_group.iter().filter(|(_, noted)| noted.is_due());
            due.map(|(partition, noted)| (partition.clone(), noted.next, noted.committed.is_some())).collect()
        });
        if due.is_empty() {
            return Ok(());
        }
        // Another process may have gone on since: what is only told again is what the brokers have.
        let (mut due_now, mut reached) = (Vec::with_capacity(due.len()), true);
        for (partition, next, again) in due {
            if !again {
                due_now.push((partition, next, next));
                continue;
            }
            if !reached {
                continue;
            }
            match self.ask(group, &partition) {
                Ok(theirs) => due_now.push((partition, next, theirs.unwrap_or(next))),
                // There is time: it is due still. Nobody is asked for the others, each of whom could take as long.
                Err(error) => {
                    tracing::debug!(%partition, %error, "how far a group has got could not be asked");
                    reached = false;
                }
            }
        }
        let doing = || format!("commit for {group}");
        let client = self.client(group).map_err(|error| failed(doing(), error))?;
        let mut list = TopicPartitionList::with_capacity(due_now.len());
        for (partition, _, told) in &due_now {
            let place = Place::Offset(i64::try_from(told.0).map_err(|error| failed(doing(), error))?);
            list.add_partition_offset(&partition.topic, number(partition)?, place)
                .map_err(|error| failed(doing(), error))?;
        }
        let told = commit(client.client(), &list, self.settings.request_timeout);
        // Nothing comes but lines for the log.
        while client.poll(Duration::ZERO).is_some() {}
        told.map_err(|error| answered(doing(), error))?;
        let mut noted = self.noted();
        for (partition, next, told) in due_now {
            let same = noted.get_mut(group).and_then(|of_group| of_group.get_mut(&partition));
            if let Some(same) = same.filter(|noted| noted.next == next) {
                *same = Noted { next: told, committed: Some(Instant::now()) };
            }
        }
        Ok(())
    }

    fn client(&self, group: &str) -> Result<Arc<BaseConsumer<Lines>>, KafkaError> {
        let mut clients = self.clients();
        if let Some(client) = clients.get(group) {
            return Ok(Arc::clone(client));
        }
        let client = Arc::new(self.settings.group(group).create_with_context(Lines)?);
        clients.insert(group.to_owned(), Arc::clone(&client));
        Ok(client)
    }

    fn clients(&self) -> MutexGuard<'_, BTreeMap<String, Arc<BaseConsumer<Lines>>>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn noted(&self) -> MutexGuard<'_, BTreeMap<String, BTreeMap<Partition, Noted>>> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Noted {
    fn is_due(&self) -> bool {
        self.committed.is_none_or(|at| at.elapsed() >= AGAIN)
    }
}
