//! Topics: found, created with the settings that they must have, checked, trimmed.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use coalition_kafka_native::{Description, Event, describe_topic, drain};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::{Offset as Place, TopicPartitionList};
use rdkafka::types::RDKafkaErrorCode;

use super::context::{Lines, line};
use super::reader::PAUSE;
use super::settings::Settings;
use super::{block, failed, number, wanted};
use crate::log::{Error, Offset, Partition, Topic, check_topic_name};

/// The topics of the cluster.
pub(super) struct Topics {
    settings: Settings,
    admin: AdminClient<Lines>,
    /// Those that were found. One that is deleted while the log is open is found until it is opened again.
    known: Mutex<BTreeMap<String, Topic>>,
}

impl Topics {
    pub(super) fn new(settings: &Settings) -> Result<Self, KafkaError> {
        let admin = settings.admin().create_with_context(Lines)?;
        Ok(Self { settings: settings.clone(), admin, known: Mutex::default() })
    }

    /// Whether a broker answers.
    pub(super) fn reach(&self) -> Result<(), Error> {
        let timeout = self.settings.request_timeout;
        describe_topic(self.admin.inner(), PROBE, timeout).map(drop).map_err(|(error, reason)| {
            let servers = &self.settings.bootstrap_servers;
            // Why a connection fails, a wrong password too, is said in lines only.
            let why = self.lines().map(|line| format!("; {line}")).unwrap_or_default();
            failed(format!("reach kafka at {servers} within {timeout:?}"), format!("{error}: {reason}{why}"))
        })
    }

    /// Passes the client's lines on to the log; gives the last one that says why a connection failed.
    pub(super) fn lines(&self) -> Option<String> {
        let mut last = None;
        drain(self.admin.inner(), |event| {
            if let Event::Log { level, facility, text } = event {
                line(level, &facility, &text);
                last = (facility == "FAIL").then_some(text).or(last.take());
            }
        });
        last
    }

    /// See [`crate::log::Log::topic`].
    pub(super) fn find(&self, name: &str) -> Result<Option<Topic>, Error> {
        if let Some(topic) = self.known().get(name) {
            return Ok(Some(*topic));
        }
        if check_topic_name(name).is_err() {
            return Ok(None);
        }
        let found = self.describe(name)?.map(topic).transpose()?;
        if let Some(topic) = found {
            self.known().insert(name.to_owned(), topic);
        }
        Ok(found)
    }

    /// [`Error::NoSuchPartition`] if it isn't there.
    pub(super) fn partition(&self, of: &Partition) -> Result<(), Error> {
        match self.find(&of.topic)? {
            Some(topic) if of.number < topic.partitions => Ok(()),
            Some(_) | None => Err(Error::NoSuchPartition(of.clone())),
        }
    }

    /// See [`crate::log::Log::create_topic`]. One that is there must have the settings that it would be created with.
    pub(super) fn create(&self, name: &str, partitions: u32) -> Result<Topic, Error> {
        check_topic_name(name)?;
        let mut found = self.describe(name)?;
        if found.is_none() {
            self.create_new(name, partitions)?;
            let began = Instant::now();
            while found.is_none() {
                if began.elapsed() > self.settings.request_timeout {
                    return Err(failed(
                        format!("create topic {name}"),
                        "it was created, but is not to be seen",
                    ));
                }
                thread::sleep(PAUSE);
                found = self.describe(name)?;
            }
        }
        let Some(found) = found else { unreachable!("waited for") };
        let topic = topic(found)?;
        if topic.partitions != partitions {
            let (topic, found) = (name.to_owned(), topic.partitions);
            return Err(Error::PartitionCount { topic, found, wanted: partitions });
        }
        self.check(name, found.replicas)?;
        self.known().insert(name.to_owned(), topic);
        Ok(topic)
    }

    fn create_new(&self, name: &str, partitions: u32) -> Result<(), Error> {
        let doing = || format!("create topic {name}");
        let count = i32::try_from(partitions).map_err(|error| failed(doing(), error))?;
        let copies = TopicReplication::Fixed(i32::from(self.settings.replication_factor));
        let mut place = Vec::new();
        let topic = wanted::give(&self.settings, NewTopic::new(name, count, copies), &mut place);
        let created = block::on(self.admin.create_topics([&topic], &self.options()));
        match created.map_err(|error| failed(doing(), error))?.into_iter().next() {
            // Another process was quicker; what it made is checked.
            None | Some(Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => Ok(()),
            Some(Err((_, code))) => Err(failed(doing(), KafkaError::AdminOp(code))),
        }
    }

    /// Refuses a topic that could not keep what the log promises.
    fn check(&self, name: &str, replicas: usize) -> Result<(), Error> {
        let doing = || format!("check the settings of topic {name}");
        let described =
            block::on(self.admin.describe_configs([&ResourceSpecifier::Topic(name)], &self.options()));
        let described = described.map_err(|error| failed(doing(), error))?.into_iter().next();
        let described = match described {
            Some(Ok(described)) => described,
            Some(Err(code)) => return Err(failed(doing(), KafkaError::AdminOp(code))),
            None => return Err(failed(doing(), "there was no answer")),
        };
        let found = |setting: &str| described.get(setting).and_then(|entry| entry.value.clone());
        match wanted::faults(&self.settings, name, replicas, found) {
            None => Ok(()),
            Some(faults) => Err(failed(doing(), faults)),
        }
    }

    fn describe(&self, name: &str) -> Result<Option<Description>, Error> {
        describe_topic(self.admin.inner(), name, self.settings.request_timeout)
            .map_err(|(error, reason)| failed(format!("look for topic {name}: {reason}"), error))
    }

    /// Deletes the records before `before`; gives where the partition starts now.
    pub(super) fn trim(&self, of: &Partition, before: Offset) -> Result<Offset, Error> {
        let doing = || format!("trim {of} before {before}");
        let mut list = TopicPartitionList::with_capacity(1);
        let place = Place::Offset(i64::try_from(before.0).map_err(|error| failed(doing(), error))?);
        list.add_partition_offset(&of.topic, number(of)?, place).map_err(|error| failed(doing(), error))?;
        let trimmed = block::on(self.admin.delete_records(&list, &self.options()));
        let trimmed = trimmed.map_err(|error| failed(doing(), error))?;
        let one =
            trimmed.elements().into_iter().next().ok_or_else(|| failed(doing(), "there was no answer"))?;
        one.error().map_err(|error| failed(doing(), error))?;
        let start = one.offset().to_raw().and_then(|raw| u64::try_from(raw).ok());
        start.map(Offset).ok_or_else(|| failed(doing(), "it was not said where it starts now"))
    }

    fn options(&self) -> AdminOptions {
        let timeout = Some(self.settings.request_timeout);
        AdminOptions::new().request_timeout(timeout).operation_timeout(timeout)
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Topic>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Any name will do; it need not be there.
const PROBE: &str = "coalition.journal.v1";

fn topic(found: Description) -> Result<Topic, Error> {
    let partitions =
        u32::try_from(found.partitions).map_err(|error| failed("count partitions".to_owned(), error))?;
    Ok(Topic { id: found.id, partitions })
}
