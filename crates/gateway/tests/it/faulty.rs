//! A log in memory whose appends fail when a test says so.

use std::sync::{Arc, Mutex};

use coalition_journal::log::{
    AppendError, Done, Error, Log, Offset, Partition, Record, Stored, Topic, Wake, Watching,
};
use coalition_journal::memory::Memory;

/// What becomes of the next appends to a topic.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fault {
    /// They are refused: nothing of them is in the log.
    Refuse,
    /// One of them is refused, and those behind it are not.
    RefuseOne,
    /// One of them is lost, and its caller is left in doubt.
    LoseOne,
    /// They are kept back until they are let go.
    Hold,
}

type Held = (Partition, Vec<Record>, Done);

/// The log.
pub(crate) struct Faulty {
    pub(crate) memory: Memory,
    fault: Mutex<Option<(&'static str, Fault)>>,
    held: Mutex<Vec<Held>>,
}

impl Faulty {
    pub(crate) fn new() -> Self {
        Self { memory: Memory::new(), fault: Mutex::default(), held: Mutex::default() }
    }

    /// From now on appends to topics whose name begins with `topic` have this fault.
    pub(crate) fn fail(&self, topic: &'static str, fault: Fault) {
        *self.fault.lock().unwrap() = Some((topic, fault));
    }

    /// Ends the fault; what was held is appended, late.
    pub(crate) fn heal(&self) {
        *self.fault.lock().unwrap() = None;
        let held = std::mem::take(&mut *self.held.lock().unwrap());
        held.into_iter().for_each(|(to, records, done)| self.memory.append(&to, records, done));
    }

    /// How many appends are held.
    pub(crate) fn held(&self) -> usize {
        self.held.lock().unwrap().len()
    }

    /// The fault that an append to this topic has.
    fn fault_of(&self, to: &Partition) -> Option<Fault> {
        let mut fault = self.fault.lock().unwrap();
        let found = fault.filter(|(topic, _)| to.topic.starts_with(topic)).map(|(_, found)| found);
        if matches!(found, Some(Fault::LoseOne | Fault::RefuseOne)) {
            *fault = None;
        }
        found
    }
}

impl Log for Faulty {
    fn create_topic(&self, topic: &str, partitions: u32) -> Result<Topic, Error> {
        self.memory.create_topic(topic, partitions)
    }

    fn topic(&self, topic: &str) -> Result<Option<Topic>, Error> {
        self.memory.topic(topic)
    }

    fn append(&self, to: &Partition, records: Vec<Record>, done: Done) {
        match self.fault_of(to) {
            None => self.memory.append(to, records, done),
            Some(Fault::Refuse | Fault::RefuseOne) => done(Err(AppendError::NotAppended("full".to_owned()))),
            Some(Fault::LoseOne) => done(Err(AppendError::Doubt("lost".to_owned()))),
            Some(Fault::Hold) => self.held.lock().unwrap().push((to.clone(), records, done)),
        }
    }

    fn read(&self, of: &Partition, from: Offset, bytes_max: usize) -> Result<Vec<Stored>, Error> {
        self.memory.read(of, from, bytes_max)
    }

    fn bounds(&self, of: &Partition) -> Result<(Offset, Offset), Error> {
        self.memory.bounds(of)
    }

    fn watch(&self, of: &Partition, wake: Wake) -> Result<Watching, Error> {
        self.memory.watch(of, wake)
    }

    fn trim(&self, of: &Partition, before: Offset) -> Result<(), Error> {
        self.memory.trim(of, before)
    }

    fn commit(&self, group: &str, of: &Partition, next: Offset) -> Result<(), Error> {
        self.memory.commit(group, of, next)
    }

    fn committed(&self, group: &str, of: &Partition) -> Result<Option<Offset>, Error> {
        self.memory.committed(group, of)
    }
}

/// The log as those who know only the port have it.
pub(crate) fn port(log: &Arc<Faulty>) -> Arc<dyn Log> {
    log.clone()
}
