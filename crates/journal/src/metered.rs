//! A log that is measured.

use std::sync::Arc;
use std::time::Instant;

use prometheus::Registry;

use crate::log::{Done, Error, Log, Offset, Partition, Record, Stored, Topic, Wake, Watching};
use crate::metrics::{Metrics, TopicKind};

/// Measures the appends of any adapter from outside, so that figures of different ones mean the same.
pub struct Metered {
    log: Arc<dyn Log>,
    kind: fn(&str) -> TopicKind,
    metrics: Metrics,
}

impl Metered {
    /// Measures `log`; `kind` says what a topic of this name is.
    pub fn new(log: Arc<dyn Log>, kind: fn(&str) -> TopicKind) -> Self {
        Self { log, kind, metrics: Metrics::new() }
    }

    /// Has the metrics shown.
    ///
    /// # Errors
    /// The registry shows metrics of these names already.
    pub fn register(&self, registry: &Registry) -> Result<(), prometheus::Error> {
        self.metrics.register(registry)
    }
}

impl Log for Metered {
    fn create_topic(&self, topic: &str, partitions: u32) -> Result<Topic, Error> {
        self.log.create_topic(topic, partitions)
    }

    fn topic(&self, topic: &str) -> Result<Option<Topic>, Error> {
        self.log.topic(topic)
    }

    fn open_topic(&self, topic: &str, partitions: u32) -> Result<Topic, Error> {
        self.log.open_topic(topic, partitions)
    }

    fn append(&self, to: &Partition, records: Vec<Record>, done: Done) {
        let kind = self.metrics.of((self.kind)(&to.topic)).clone();
        kind.begun(records.iter().map(Record::bytes).sum());
        let began = Instant::now();
        let done = move |outcome| {
            kind.answered(&outcome, began.elapsed());
            done(outcome);
        };
        self.log.append(to, records, Box::new(done));
    }

    fn read(&self, of: &Partition, from: Offset, bytes_max: usize) -> Result<Vec<Stored>, Error> {
        self.log.read(of, from, bytes_max)
    }

    fn read_back(&self, of: &Partition, from: Offset, bytes_max: usize) -> Result<Vec<Stored>, Error> {
        self.log.read_back(of, from, bytes_max)
    }

    fn bounds(&self, of: &Partition) -> Result<(Offset, Offset), Error> {
        self.log.bounds(of)
    }

    fn watch(&self, of: &Partition, wake: Wake) -> Result<Watching, Error> {
        self.log.watch(of, wake)
    }

    fn trim(&self, of: &Partition, before: Offset) -> Result<(), Error> {
        self.log.trim(of, before)
    }

    fn commit(&self, group: &str, of: &Partition, next: Offset) -> Result<(), Error> {
        self.log.commit(group, of, next)
    }

    fn committed(&self, group: &str, of: &Partition) -> Result<Option<Offset>, Error> {
        self.log.committed(group, of)
    }
}
