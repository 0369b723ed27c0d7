//! Topics: found, created with the settings that they must have, checked, trimmed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use coalition_kafka_native::{Description, Event, describe_topic, drain};
use rdkafka::admin::{
    AdminClient, AdminOptions, ConfigResource, NewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::{Offset as Place, TopicPartitionList};
use rdkafka::types::RDKafkaErrorCode;

use super::context::{Lines, line};
use super::denial::{answered, denied, is_denial, is_denied};
use super::distrust::Distrust;
use super::reader::PAUSE;
use super::settings::Settings;
use super::wanted::Whose;
use super::{SET_UP, block, failed, misconfigured, no_client, number, wanted};
use crate::log::{Error, Offset, Partition, Topic, check_topic_name};

/// The topics of a cluster. Alone, it is for whoever creates them beforehand: it needs nothing of the rest of the log.
pub struct Topics {
    settings: Settings,
    admin: AdminClient<Lines>,
    /// Those that were found, as they were when somebody last looked.
    known: Mutex<BTreeMap<String, Topic>>,
    /// Those among them that were found to have what they must, or made with it.
    fit: Mutex<BTreeSet<String>>,
}

/// How many partitions a topic is to have, which depends on whose it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Partitions {
    /// The network's own has so many; one that has another number is refused.
    Exactly(u32),
    /// A partner's, so many if it is created. One that is there keeps what it has, and may have other settings too, as long
    /// as they lose nothing.
    IfNew(u32),
}

/// A topic that is there, with the settings that the log relies on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ready {
    /// What it is.
    pub topic: Topic,
    /// How many copies the partition with the fewest has.
    pub replicas: usize,
    /// Whether it was not there before.
    pub is_new: bool,
}

impl Topics {
    /// The topics of the brokers that `settings` name. One of them must answer.
    ///
    /// # Errors
    /// [`Error::Misconfigured`]: a setting that can't be. [`Error::Backend`]: brokers that can't be reached.
    /// [`Error::Denied`]: brokers that don't let this process in.
    pub fn open(settings: &Settings) -> Result<Self, Error> {
        settings.check().map_err(|refused| misconfigured(SET_UP.to_owned(), refused))?;
        let admin = settings.admin().create_with_context(Lines);
        let admin = admin.map_err(|error| no_client(SET_UP, error))?;
        let topics =
            Self { settings: settings.clone(), admin, known: Mutex::default(), fit: Mutex::default() };
        topics.reach()?;
        Ok(topics)
    }

    /// Whether a broker answers. One that is away is waited for, and so is the next one where a log-in is refused: that
    /// shows soon, and is final once all of them have said so.
    fn reach(&self) -> Result<(), Error> {
        let (began, timeout) = (Instant::now(), self.settings.request_timeout);
        let mut patience = SOON;
        let mut why = None;
        let mut distrust = Distrust::of(&self.settings.bootstrap_servers);
        loop {
            let rest = timeout.saturating_sub(began.elapsed());
            let asked = describe_topic(self.admin.inner(), PROBE, patience.min(rest));
            let Err((error, reason)) = asked else { return Ok(()) };
            // Why a connection fails, a wrong password too, is said in lines only.
            why = self.listen(Some(&mut distrust)).or(why);
            let doing = || format!("reach kafka at {} within {timeout:?}", self.settings.bootstrap_servers);
            let source = || {
                let why = why.as_ref().map(|line| format!("; {line}")).unwrap_or_default();
                format!("{error}: {reason}{why}")
            };
            if distrust.is_everybodys() || is_denied(&error) {
                return Err(denied(doing(), source()));
            }
            let late = matches!(error, KafkaError::AdminOp(RDKafkaErrorCode::OperationTimedOut));
            // The client counts in milliseconds: with less than one left it would answer at once, again and again.
            if !late || began.elapsed() + Duration::from_millis(1) >= timeout {
                return Err(failed(doing(), source()));
            }
            patience = patience.saturating_mul(2).min(timeout);
        }
    }

    /// Passes the client's lines on to the log; gives the last that says why a connection failed.
    fn listen(&self, mut distrust: Option<&mut Distrust>) -> Option<String> {
        let mut why = None;
        drain(self.admin.inner(), |event| match event {
            Event::Log { level, facility, text } => {
                line(level, &facility, &text);
                why = (facility == "FAIL").then_some(text).or(why.take());
            }
            Event::Fault { code, text, .. } => {
                if let Some(distrust) = &mut distrust {
                    distrust.heard(code, &text);
                }
            }
            Event::Record(_) | Event::End { .. } | Event::Other => {}
        });
        why
    }

    /// Passes the client's lines on to the log.
    pub(super) fn lines(&self) {
        self.listen(None);
    }

    /// See [`crate::log::Log::topic`]. Gives besides what was known under this name before.
    pub(super) fn look(&self, name: &str) -> Result<(Option<Topic>, Option<Topic>), Error> {
        let found = match check_topic_name(name) {
            Ok(()) => self.describe(name)?.map(topic).transpose()?,
            Err(_) => None,
        };
        let mut known = self.known();
        let before = match found {
            Some(topic) => known.insert(name.to_owned(), topic),
            None => known.remove(name),
        };
        if found.map(|topic| topic.id) != before.map(|topic| topic.id) {
            self.fit().remove(name);
        }
        Ok((found, before))
    }

    /// What was found under this name last.
    pub(super) fn is_known(&self, name: &str) -> Option<Topic> {
        self.known().get(name).copied()
    }

    /// An append to it failed: it may be there no more, or be another one.
    pub(super) fn doubt(&self, name: &str) {
        self.fit().remove(name);
    }

    /// See [`crate::log::Log::open_topic`]. Asked of the brokers until it is as it must be, and then no more until an append
    /// to it fails.
    pub(super) fn open_partners(&self, name: &str, partitions: u32) -> Result<Topic, Error> {
        if self.fit().contains(name)
            && let Some(topic) = self.known().get(name)
        {
            return Ok(*topic);
        }
        self.ensure(name, Partitions::IfNew(partitions)).map(|ready| ready.topic)
    }

    /// [`Error::NoSuchPartition`] if it isn't there.
    pub(super) fn partition(&self, of: &Partition) -> Result<(), Error> {
        let known = self.known().get(of.topic.as_ref()).copied();
        let found = if known.is_some() { known } else { self.look(&of.topic)?.0 };
        match found {
            Some(topic) if of.number < topic.partitions => Ok(()),
            Some(_) | None => Err(Error::NoSuchPartition(of.clone())),
        }
    }

    /// Creates a topic with the settings that the log relies on, or finds it: then it must have them.
    ///
    /// # Errors
    /// [`Error::TopicName`], [`Error::PartitionCount`]; [`Error::Misconfigured`] with what is wrong with the settings, and the
    /// command that mends it; [`Error::Denied`] where this process may not look, or not create.
    pub fn ensure(&self, name: &str, partitions: Partitions) -> Result<Ready, Error> {
        check_topic_name(name)?;
        let (wanted, whose) = match partitions {
            Partitions::Exactly(wanted) => (wanted, Whose::Networks),
            Partitions::IfNew(wanted) => (wanted, Whose::Partners),
        };
        let before = self.describe(name)?;
        let (found, is_new) = match before {
            Some(found) => (found, false),
            None => {
                let is_new = self.create(name, wanted)?;
                (self.seen(name, || self.describe(name))?, is_new)
            }
        };
        let topic = topic(found)?;
        if partitions == Partitions::Exactly(wanted) && topic.partitions != wanted {
            let (topic, found) = (name.to_owned(), topic.partitions);
            return Err(Error::PartitionCount { topic, found, wanted });
        }
        // Another broker may be asked than the one that knew of it: what another process has just made is seen late, too.
        let described = self.seen(name, || self.described(name))?;
        let found_setting = |setting: &str| described.get(setting).and_then(|entry| entry.value.clone());
        if let Some(faults) = wanted::faults(&self.settings, (name, whose), found.replicas, found_setting) {
            return Err(misconfigured(check_settings(name), faults));
        }
        self.known().insert(name.to_owned(), topic);
        self.fit().insert(name.to_owned());
        Ok(Ready { topic, replicas: found.replicas, is_new })
    }

    /// Whether it was this process that created it.
    fn create(&self, name: &str, partitions: u32) -> Result<bool, Error> {
        let doing = || format!("create topic {name}");
        let count = i32::try_from(partitions).map_err(|error| failed(doing(), error))?;
        let copies = TopicReplication::Fixed(i32::from(self.settings.replication_factor));
        let mut place = Vec::new();
        let topic = wanted::give(&self.settings, NewTopic::new(name, count, copies), &mut place);
        let created = block::on(self.admin.create_topics([&topic], &self.options()));
        match created.map_err(|error| answered(doing(), error))?.into_iter().next() {
            None | Some(Ok(_)) => Ok(true),
            // Another process was quicker; what it made is checked.
            Some(Err((_, RDKafkaErrorCode::TopicAlreadyExists))) => Ok(false),
            Some(Err((_, code))) if is_denial(code) => Err(denied(doing(), format!("{code}; {BEFOREHAND}"))),
            Some(Err((_, RDKafkaErrorCode::InvalidReplicationFactor))) => {
                Err(misconfigured(doing(), too_few(self.settings.replication_factor)))
            }
            Some(Err((_, code))) => Err(failed(doing(), KafkaError::AdminOp(code))),
        }
    }

    /// Waits until what was just created is seen: each broker gets to know of it in its own time.
    fn seen<T>(&self, name: &str, look: impl Fn() -> Result<Option<T>, Error>) -> Result<T, Error> {
        let began = Instant::now();
        loop {
            if let Some(seen) = look()? {
                return Ok(seen);
            }
            if began.elapsed() > self.settings.request_timeout {
                return Err(failed(format!("look at topic {name}"), UNSEEN));
            }
            thread::sleep(PAUSE);
        }
    }

    /// The settings of a topic; nothing from a broker that doesn't know it yet.
    fn described(&self, name: &str) -> Result<Option<ConfigResource>, Error> {
        let described =
            block::on(self.admin.describe_configs([&ResourceSpecifier::Topic(name)], &self.options()));
        let described = described.map_err(|error| answered(check_settings(name), error))?.into_iter().next();
        match described {
            // rdkafka doesn't tell the error that stands beside a topic: what shows is that nothing is set.
            Some(Ok(described)) => Ok((!described.entries.is_empty()).then_some(described)),
            Some(Err(code)) => Err(answered(check_settings(name), KafkaError::AdminOp(code))),
            None => Err(failed(check_settings(name), "there was no answer")),
        }
    }

    fn describe(&self, name: &str) -> Result<Option<Description>, Error> {
        describe_topic(self.admin.inner(), name, self.settings.request_timeout)
            .map_err(|(error, reason)| answered(format!("look for topic {name}: {reason}"), error))
    }

    /// Deletes the records before `before`; gives where the partition starts now.
    pub(super) fn trim(&self, of: &Partition, before: Offset) -> Result<Offset, Error> {
        let doing = || format!("trim {of} before {before}");
        let mut list = TopicPartitionList::with_capacity(1);
        let place = Place::Offset(i64::try_from(before.0).map_err(|error| failed(doing(), error))?);
        list.add_partition_offset(&of.topic, number(of)?, place).map_err(|error| failed(doing(), error))?;
        let trimmed = block::on(self.admin.delete_records(&list, &self.options()));
        let trimmed = trimmed.map_err(|error| answered(doing(), error))?;
        let one =
            trimmed.elements().into_iter().next().ok_or_else(|| failed(doing(), "there was no answer"))?;
        one.error().map_err(|error| answered(doing(), error))?;
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

    fn fit(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.fit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long it may take until it shows that brokers refuse a log-in.
const SOON: Duration = Duration::from_secs(1);

/// Any name will do; it need not be there.
const PROBE: &str = "coalition.journal.v1";

/// A principal without the right to see settings is told the same as one who looks too early.
const UNSEEN: &str = "it is there, but it or its settings are not to be seen; a principal needs the right DescribeConfigs on it";

/// What to do where a topic may not be created.
const BEFOREHAND: &str =
    "have it created by one who may, with `coalition topics create` (a partner's with --partner)";

/// Fewer brokers than copies.
fn too_few(copies: u16) -> String {
    format!(
        "replication_factor is {copies}, and there are fewer brokers: start the others, or set replication_factor = 1 and \
         min_insync_replicas = 1 for a single broker"
    )
}

fn check_settings(name: &str) -> String {
    format!("check the settings of topic {name}")
}

fn topic(found: Description) -> Result<Topic, Error> {
    let partitions =
        u32::try_from(found.partitions).map_err(|error| failed("count partitions".to_owned(), error))?;
    Ok(Topic { id: found.id, partitions })
}
