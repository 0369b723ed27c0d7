//! The log on Apache Kafka 4.1 or newer. Why it is as it is: `docs/adr/0009-the-log-on-kafka.md`.
//!
//! - Appending: one producer for the process, an explicit partition on each record. Only what never left this process is
//!   [`NotAppended`](crate::log::AppendError::NotAppended); all else that isn't success is
//!   [`Doubt`](crate::log::AppendError::Doubt).
//! - Reading: one consumer and one thread for all partitions, which fill a bounded buffer of each. A read takes from
//!   there; it waits only where it goes on elsewhere than the last one ended, or for records that are known to be there.
//! - Everything else (trims, commits) is noted at once and told to the brokers by a thread of its own.

mod block;
mod context;
mod denial;
mod distrust;
mod fetcher;
mod flight;
mod groups;
mod keeper;
mod producer;
mod reader;
mod record;
mod refused;
mod seldom;
mod settings;
mod slot;
mod tail;
mod topics;
mod wanted;

use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use rdkafka::error::KafkaError;

pub use self::settings::{READER_GROUP, Settings};
pub use self::topics::{Partitions, Ready, Topics};

use self::groups::Groups;
use self::keeper::{Keeper, Trims, Wish};
use self::producer::Producer;
use self::reader::Reader;
use self::refused::Refused;
use crate::append::Append;
use crate::log::{AppendError, Done, Error, Log, Offset, Partition, Record, Stored, Topic, Wake, Watching};

/// A log on Kafka. Dropped, it waits for the answers to what is on its way, but no longer than an append may take.
pub struct Kafka {
    topics: Arc<Topics>,
    reader: Arc<Reader>,
    /// Of those who look back, once there are any: a consumer of its own costs threads.
    back: Mutex<Option<Arc<Reader>>>,
    settings: Settings,
    producer: Arc<Producer>,
    groups: Arc<Groups>,
    trims: Arc<Trims>,
    wishes: Sender<Wish>,
    keeper: Option<JoinHandle<()>>,
}

impl Kafka {
    /// The log on the brokers that `settings` name. One of them must answer.
    ///
    /// # Errors
    /// [`Error::Misconfigured`]: a setting that can't be. [`Error::Backend`]: brokers that can't be reached.
    /// [`Error::Denied`]: brokers that don't let this process in.
    pub fn open(settings: &Settings) -> Result<Self, Error> {
        let client = |error: KafkaError| no_client(SET_UP, error);
        let topics = Arc::new(Topics::open(settings)?);
        let reader = Arc::new(Reader::start(settings)?);
        let (wishes, wished) = mpsc::channel();
        let renew = wishes.clone();
        // A wish that finds nobody comes after the end.
        let producer = Producer::new(settings, move || _ = renew.send(Wish::Renew)).map_err(client)?;
        let (producer, groups, trims) =
            (Arc::new(producer), Arc::new(Groups::new(settings)), Arc::<Trims>::default());
        let keeper = Keeper {
            topics: Arc::clone(&topics),
            reader: Arc::clone(&reader),
            producer: Arc::clone(&producer),
            groups: Arc::clone(&groups),
            trims: Arc::clone(&trims),
        };
        let run = move || keeper.run(&wished);
        let keeper = thread::Builder::new()
            .name("kafka/keeper".to_owned())
            .spawn(run)
            .map_err(|error| failed("start a thread".to_owned(), error))?;
        let (back, settings) = (Mutex::default(), settings.clone());
        Ok(Self { topics, reader, back, settings, producer, groups, trims, wishes, keeper: Some(keeper) })
    }
}

impl Drop for Kafka {
    fn drop(&mut self) {
        self.producer.flush();
        _ = self.wishes.send(Wish::Stop);
        if self.keeper.take().is_some_and(|keeper| keeper.join().is_err()) {
            tracing::error!("the thread that keeps the log on kafka panicked");
        }
    }
}

impl Log for Kafka {
    fn create_topic(&self, topic: &str, partitions: u32) -> Result<Topic, Error> {
        self.topics.ensure(topic, Partitions::Exactly(partitions)).map(|ready| ready.topic)
    }

    fn topic(&self, topic: &str) -> Result<Option<Topic>, Error> {
        let (found, before) = self.topics.look(topic)?;
        self.note(topic, before, found);
        Ok(found)
    }

    fn open_topic(&self, topic: &str, partitions: u32) -> Result<Topic, Error> {
        let before = self.topics.is_known(topic);
        let found = self.topics.open_partners(topic, partitions)?;
        self.note(topic, before, Some(found));
        Ok(found)
    }

    fn append(&self, to: &Partition, records: Vec<Record>, done: Done) {
        let (topics, name) = (Arc::clone(&self.topics), Arc::clone(&to.topic));
        let done = Box::new(move |outcome: Result<Offset, AppendError>| {
            // What was not sent, as too much is on its way, says nothing of the topic.
            if let Err(AppendError::Doubt(_)) = outcome {
                topics.doubt(&name);
            }
            done(outcome);
        });
        let append = Append::new(Vec::new(), done);
        // Asked of the brokers once for each topic, or a mistyped one could be made by a record to it.
        match self.topics.partition(to) {
            Ok(()) => self.producer.append(to, &records, append),
            Err(error) => {
                self.topics.doubt(&to.topic);
                append.answer(Err(AppendError::NotAppended(error.to_string())));
            }
        }
    }

    fn read(&self, of: &Partition, from: Offset, bytes_max: usize) -> Result<Vec<Stored>, Error> {
        self.topics.partition(of)?;
        self.reader.read(of, from, bytes_max)
    }

    fn read_back(&self, of: &Partition, from: Offset, bytes_max: usize) -> Result<Vec<Stored>, Error> {
        self.topics.partition(of)?;
        let back = self.back()?;
        let read = back.read(of, from, bytes_max)?;
        if !read.is_empty() {
            return Ok(read);
        }
        // It goes by the end that it knows, which the other reader may have passed.
        back.bounds(of)?;
        back.read(of, from, bytes_max)
    }

    fn bounds(&self, of: &Partition) -> Result<(Offset, Offset), Error> {
        self.topics.partition(of)?;
        self.reader.bounds(of)
    }

    fn watch(&self, of: &Partition, wake: Wake) -> Result<Watching, Error> {
        self.topics.partition(of)?;
        self.reader.watch(of, wake)
    }

    fn trim(&self, of: &Partition, before: Offset) -> Result<(), Error> {
        self.topics.partition(of)?;
        self.trims.note(of, before);
        self.look();
        Ok(())
    }

    fn commit(&self, group: &str, of: &Partition, next: Offset) -> Result<(), Error> {
        self.topics.partition(of)?;
        self.groups.note(group, of, next);
        self.look();
        Ok(())
    }

    fn committed(&self, group: &str, of: &Partition) -> Result<Option<Offset>, Error> {
        self.topics.partition(of)?;
        self.groups.committed(group, of)
    }
}

impl Kafka {
    /// Where another topic is found under a name than before, or none, forgets what it has of that.
    fn note(&self, topic: &str, before: Option<Topic>, found: Option<Topic>) {
        if before.is_none() || before == found {
            return;
        }
        self.reader.forget(topic);
        if let Some(back) = &*self.back.lock().unwrap_or_else(PoisonError::into_inner) {
            back.forget(topic);
        }
        self.producer.look(topic);
    }

    fn back(&self) -> Result<Arc<Reader>, Error> {
        let mut back = self.back.lock().unwrap_or_else(PoisonError::into_inner);
        let reader = match back.take() {
            Some(reader) => reader,
            None => Arc::new(Reader::start(&self.settings)?),
        };
        Ok(Arc::clone(back.insert(reader)))
    }

    fn look(&self) {
        // The thread ends after the log.
        _ = self.wishes.send(Wish::Look);
    }
}

const SET_UP: &str = "set up the log on kafka";

/// What was being done and what failed.
fn failed(doing: String, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Backend { doing, source: source.into() }
}

/// What was being done and which setting keeps it from being done.
fn misconfigured(doing: String, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Misconfigured { doing, source: source.into() }
}

/// Why there is no client. What rdkafka says of a setting shows its value, which may be a password.
fn no_client(doing: &str, error: KafkaError) -> Error {
    let doing = doing.to_owned();
    if let KafkaError::ClientConfig(_, why, key, value) = error {
        return misconfigured(doing, Refused::by_library(key, &why, &value));
    }
    misconfigured(doing, error)
}

/// The partition's number as Kafka counts.
fn number(of: &Partition) -> Result<i32, Error> {
    i32::try_from(of.number).map_err(|_| Error::NoSuchPartition(of.clone()))
}
