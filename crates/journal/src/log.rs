//! The log as a port: named topics of partitions, each a durable, totally ordered sequence of records.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use coalition_domain::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A record's place in its partition. Dense in the inbox and journal topics: the first is 0, each next one more.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Offset(pub u64);

impl Offset {
    /// The offset `count` further on.
    #[must_use]
    pub const fn plus(self, count: u64) -> Self {
        Self(self.0 + count)
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "@{}", self.0)
    }
}

/// One partition of one topic.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Partition {
    /// The topic's name: letters, digits, `.`, `-` and `_`, 1 to 200 of them.
    pub topic: Arc<str>,
    /// Counted from 0.
    pub number: u32,
}

impl Partition {
    /// Partition `number` of `topic`.
    pub fn new(topic: &str, number: u32) -> Self {
        Self { topic: topic.into(), number }
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.topic, self.number)
    }
}

/// The name that a header is read under whose own name is not UTF-8. Its value is that name's bytes, a NUL, and the
/// header's own value. Only another's client can have written it; a record with such a header should be refused.
pub const MALFORMED_HEADER: &str = "coalition.malformed-header";

/// What is appended.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Record {
    /// Says what the record is about; no adapter places by it.
    pub key: Option<Bytes>,
    /// Names and values, in order; a name may come twice.
    pub headers: Vec<(String, Bytes)>,
    /// The content.
    pub value: Bytes,
}

impl Record {
    /// A record of nothing but a value.
    pub fn of(value: impl Into<Bytes>) -> Self {
        Self { value: value.into(), ..Self::default() }
    }

    /// What it counts for wherever bytes are bounded: the lengths of its parts, and 16 for itself and each header, so
    /// that many empty ones are not free.
    pub fn bytes(&self) -> usize {
        let headers = self.headers.iter().map(|(name, value)| name.len() + value.len() + 16);
        self.key.as_ref().map_or(0, Bytes::len) + headers.sum::<usize>() + self.value.len() + 16
    }
}

/// A record as it was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stored {
    /// Where it lies.
    pub offset: Offset,
    /// When the log took it, by the log's own clock.
    pub append_time: Timestamp,
    /// What was appended.
    pub record: Record,
}

/// What a topic is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Topic {
    /// Drawn when the topic was created: another one under the same name has another id.
    pub id: Uuid,
    /// How many partitions it has. Fixed, unless it is kept by others than this process, who may add some.
    pub partitions: u32,
}

/// Why an append has no offset.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Proven: nothing of it is in the log or ever will be.
    #[error("not appended: {0}")]
    NotAppended(String),
    /// It may be in the log, now or later; only the log can tell. Whole, or any of its records in order where the log
    /// doesn't keep appends whole (see [`Log`]).
    #[error("outcome of an append unknown: {0}")]
    Doubt(String),
}

/// Told what became of an append: the offset of its first record. The others follow in order; densely where the log
/// keeps appends whole (see [`Log`]), else with records of others between them, if others write there.
pub type Done = Box<dyn FnOnce(Result<Offset, AppendError>) + Send>;

/// Woken when a partition may have grown. Called from the log's threads: it must not block.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// Keeps a watch of a partition: when it is dropped nobody is woken any more, but for a wake that is on its way.
#[must_use = "a watch ends when this is dropped"]
pub struct Watching {
    /// The log itself has it only as long as this is kept.
    _wake: Wake,
}

impl Watching {
    pub(crate) fn new(wake: Wake) -> Self {
        Self { _wake: wake }
    }
}

impl fmt::Debug for Watching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watching")
    }
}

/// A failed operation of the log.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such topic or partition.
    #[error("no partition {0}")]
    NoSuchPartition(Partition),
    /// The topic is there with another number of partitions.
    #[error("topic {topic} has {found} partitions, not {wanted}")]
    PartitionCount {
        /// The topic.
        topic: String,
        /// How many it has.
        found: u32,
        /// How many were asked for.
        wanted: u32,
    },
    /// A topic name outside the alphabet or the length.
    #[error("\"{0}\" is no topic name")]
    TopicName(String),
    /// The records asked for were deleted by a trim.
    #[error("{partition} starts at {start}, after {from}")]
    Trimmed {
        /// Which partition.
        partition: Partition,
        /// What was asked for.
        from: Offset,
        /// The first offset that is still there.
        start: Offset,
    },
    /// The partition ends before what was read of it already, and has done so for a while.
    #[error("{partition} ends at {end}, before {from}: records were lost, or the topic was made anew")]
    Lost {
        /// Which partition.
        partition: Partition,
        /// What was asked for.
        from: Offset,
        /// Where it ends.
        end: Offset,
    },
    /// What is stored there is not what was written: no further try will read it.
    #[error("{partition} is damaged")]
    Damaged {
        /// Which partition.
        partition: Partition,
        /// What is wrong.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Somebody else holds the log.
    #[error("{0} is in use by another process")]
    Locked(String),
    /// What the log stands on doesn't let this process in or isn't trusted by it, or doesn't let it do that: no further try
    /// helps before that is changed.
    #[error("{doing}")]
    Denied {
        /// What was being done.
        doing: String,
        /// What was said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A setting that can't be meant, or one that doesn't fit what the log stands on, such as more copies than there are
    /// brokers: no further try helps before that is changed.
    #[error("{doing}")]
    Misconfigured {
        /// What was being done.
        doing: String,
        /// What is wrong.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// What the log stands on failed.
    #[error("{doing}")]
    Backend {
        /// What was being done.
        doing: String,
        /// What failed.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Whether `topic` may name a topic; [`Error::TopicName`] if not.
pub(crate) fn check_topic_name(topic: &str) -> Result<(), Error> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    if (1..=200).contains(&topic.len()) && topic.bytes().all(allowed) {
        Ok(())
    } else {
        Err(Error::TopicName(topic.to_owned()))
    }
}

/// A set of topics.
///
/// Promised by every adapter, and checked by [`crate::conformance`]: records of one partition are read in the order of
/// their offsets; appends of one caller to one partition, and the records of an append, are stored in the order of the
/// calls, as long as none is in doubt; what `done` was told of is durable; a record that was read once is read again for
/// ever under its offset, until it is trimmed.
///
/// In one process besides: an append of several records is in the log whole and in one run, or not at all. Kafka keeps
/// only single records whole: others' records may come between, and of an append in doubt some may be there. Whoever
/// appends several repeats all of them after a doubt, so that each is there at least once. A record may be there twice, too,
/// even one that was acknowledged: seen when the broker that took it died. Who reads tells copies by what the record says.
pub trait Log: Send + Sync + 'static {
    /// Creates the topic, or finds it with as many partitions.
    fn create_topic(&self, topic: &str, partitions: u32) -> Result<Topic, Error>;

    /// The topic as it is now, if there is one. Where it is kept by others it is asked for anew each time: it may have been
    /// deleted, and another one have its name, with partitions that start at 0 again.
    fn topic(&self, topic: &str) -> Result<Option<Topic>, Error>;

    /// A topic that may be another's: as it is, or created with so many partitions. Where it is kept by others than this
    /// process, it is an error if it could lose what is written there, until that is mended; what was found well is not
    /// asked for again before [`topic`](Self::topic) has seen another, or an append to it has failed.
    fn open_topic(&self, topic: &str, partitions: u32) -> Result<Topic, Error> {
        match self.topic(topic)? {
            Some(found) => Ok(found),
            None => self.create_topic(topic, partitions),
        }
    }

    /// Appends `records`. Returns at once (the first time to a topic of a distant log, after it was looked for); `done`
    /// is called exactly once, from any thread.
    fn append(&self, to: &Partition, records: Vec<Record>, done: Done);

    /// Records from `from` on that are there now, in order: at least one if there is one, else as many as fit
    /// `bytes_max` of [`Record::bytes`]. Empty at the end. Records that are not durable yet are not read.
    ///
    /// What was appended a moment ago may be read a moment later, but everything before the end that the latest
    /// [`bounds`](Self::bounds) gave is there: so whoever wants all of it asks for the bounds first. Returns at once where
    /// a read goes on where the last one ended, and those bounds are reached; else a distant log may take a while, and
    /// one that can't be reached is an error. Where offsets are not dense, it is the next record at or after `from`.
    fn read(&self, of: &Partition, from: Offset, bytes_max: usize) -> Result<Vec<Stored>, Error>;

    /// As [`read`](Self::read), for those who look back: it does not disturb who reads on at the partition's end, where one
    /// reader for both would go to and fro, and everything that was read there is there. Blocks where the log is distant.
    fn read_back(&self, of: &Partition, from: Offset, bytes_max: usize) -> Result<Vec<Stored>, Error> {
        self.read(of, from, bytes_max)
    }

    /// The first offset that is still there, and the offset that the next record gets.
    fn bounds(&self, of: &Partition) -> Result<(Offset, Offset), Error>;

    /// Calls `wake` after each growth of the partition from now on, until what it gives back or the log is dropped. Where the
    /// log is distant, a partition that nobody watches or reads costs nothing after a while.
    fn watch(&self, of: &Partition, wake: Wake) -> Result<Watching, Error>;

    /// Deletes the records before `before`, now or soon. May keep some of them.
    fn trim(&self, of: &Partition, before: Offset) -> Result<(), Error>;

    /// Notes that `group` has dealt with everything before `next`. Need not be durable at once: after a crash an
    /// older value may come back.
    fn commit(&self, group: &str, of: &Partition, next: Offset) -> Result<(), Error>;

    /// What `group` noted last, if anything.
    fn committed(&self, group: &str, of: &Partition) -> Result<Option<Offset>, Error>;
}
