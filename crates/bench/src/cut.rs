//! A process's way to the log, which can be cut: from then on nothing of it reaches the others, as when it was killed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use coalition_domain::Timestamp;
use coalition_journal::log::{
    AppendError, Done, Error, Log, Offset, Partition, Record, Stored, Topic, Wake, Watching,
};
use coalition_journal::memory::Memory;

/// The way.
pub(crate) struct Cut {
    log: Arc<dyn Log>,
    /// A log in memory, which has no clock of its own.
    clockless: Option<Arc<Memory>>,
    cut: AtomicBool,
    /// Whoever waits for what was said into the void.
    unheard: Mutex<Vec<Done>>,
}

impl Cut {
    /// A way to a log that has a clock.
    pub(crate) fn new(log: Arc<dyn Log>) -> Self {
        Self { log, clockless: None, cut: AtomicBool::new(false), unheard: Mutex::default() }
    }

    /// A way to a log in memory, which others have, too.
    pub(crate) fn to_memory(log: &Arc<Memory>) -> Self {
        let mut way = Self::new(Arc::clone(log) as Arc<dyn Log>);
        way.clockless = Some(Arc::clone(log));
        way
    }

    pub(crate) fn cut(&self) {
        self.cut.store(true, Ordering::Release);
    }

    fn is_cut(&self) -> bool {
        self.cut.load(Ordering::Acquire)
    }
}

impl Drop for Cut {
    fn drop(&mut self) {
        let unheard = self.unheard.get_mut().unwrap_or_else(PoisonError::into_inner);
        unheard.drain(..).for_each(|done| done(Err(AppendError::Doubt("cut off".to_owned()))));
    }
}

impl Log for Cut {
    fn create_topic(&self, topic: &str, partitions: u32) -> Result<Topic, Error> {
        self.log.create_topic(topic, partitions)
    }

    fn topic(&self, topic: &str) -> Result<Option<Topic>, Error> {
        self.log.topic(topic)
    }

    fn append(&self, to: &Partition, records: Vec<Record>, done: Done) {
        if self.is_cut() {
            self.unheard.lock().unwrap_or_else(PoisonError::into_inner).push(done);
            return;
        }
        if let Some(memory) = &self.clockless {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            memory.set_now(Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)));
        }
        self.log.append(to, records, done);
    }

    fn read(&self, of: &Partition, from: Offset, bytes_max: usize) -> Result<Vec<Stored>, Error> {
        if self.is_cut() { Ok(Vec::new()) } else { self.log.read(of, from, bytes_max) }
    }

    fn bounds(&self, of: &Partition) -> Result<(Offset, Offset), Error> {
        self.log.bounds(of)
    }

    fn watch(&self, of: &Partition, wake: Wake) -> Result<Watching, Error> {
        self.log.watch(of, wake)
    }

    fn trim(&self, of: &Partition, before: Offset) -> Result<(), Error> {
        if self.is_cut() { Ok(()) } else { self.log.trim(of, before) }
    }

    fn commit(&self, group: &str, of: &Partition, next: Offset) -> Result<(), Error> {
        if self.is_cut() { Ok(()) } else { self.log.commit(group, of, next) }
    }

    fn committed(&self, group: &str, of: &Partition) -> Result<Option<Offset>, Error> {
        self.log.committed(group, of)
    }
}
