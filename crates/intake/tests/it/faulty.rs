//! A log whose appends from intake to the inbox fail as the test says.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, Weak};

use coalition_journal::log::{
    AppendError, Done, Error, Log, Offset, Partition, Record, Stored, Topic, Wake, Watching,
};
use coalition_journal::memory::Memory;
use coalition_ledger::runtime::INBOX;

/// What becomes of an append.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fate {
    /// It is there, and said to be.
    Done,
    /// It is proven not to be there.
    Refused,
    /// It is not there, and nobody knows.
    Lost,
    /// It is there, and nobody knows.
    AnswerLost,
    /// It is there, and there is never an answer.
    Silent,
}

/// A memory log with fates.
pub(crate) struct Faulty {
    inner: Arc<Memory>,
    fates: Mutex<VecDeque<Fate>>,
    /// Callbacks that are never called.
    silent: Mutex<Vec<Done>>,
    /// A topic that others made, and that is set to lose events.
    unfit: Mutex<Option<String>>,
    /// A topic that has lost its records, and which place of it nobody finds once.
    lost: Mutex<Option<(String, Offset)>>,
    /// What is said of a topic in place of what it is.
    lie: Mutex<Option<(String, Lie)>>,
    /// Partitions in the order in which they were watched.
    opened: Mutex<Vec<Partition>>,
    /// Of each of them, as long as it is watched.
    watched: Mutex<Vec<(Partition, Watched)>>,
}

/// A wake, as long as who watches keeps it.
type Watched = Weak<dyn Fn() + Send + Sync>;

/// Made of what is so.
type Lie = Box<dyn FnMut(Option<Topic>) -> Option<Topic> + Send>;

impl Faulty {
    pub(crate) fn new(inner: Arc<Memory>) -> Self {
        Self {
            inner,
            fates: Mutex::default(),
            silent: Mutex::default(),
            unfit: Mutex::default(),
            lost: Mutex::default(),
            lie: Mutex::default(),
            opened: Mutex::default(),
            watched: Mutex::default(),
        }
    }

    /// The fates of intake's next appends to the inbox; those after them are done.
    pub(crate) fn fates(&self, fates: &[Fate]) {
        self.fates.lock().unwrap().extend(fates);
    }

    /// Which topic could lose events from now on.
    pub(crate) fn unfit(&self, topic: Option<String>) {
        *self.unfit.lock().unwrap() = topic;
    }

    /// The next read of the topic from here on finds that it was made anew.
    pub(crate) fn lose(&self, topic: String, at: Offset) {
        *self.lost.lock().unwrap() = Some((topic, at));
    }

    /// What a topic is said to be from now on.
    pub(crate) fn lie(
        &self,
        topic: String,
        lie: impl FnMut(Option<Topic>) -> Option<Topic> + Send + 'static,
    ) {
        *self.lie.lock().unwrap() = Some((topic, Box::new(lie)));
    }

    /// Partitions of partners in the order in which intake opened them.
    pub(crate) fn opened(&self) -> Vec<Partition> {
        let opened = self.opened.lock().unwrap();
        opened.iter().filter(|of| of.topic.ends_with(".events.v1")).cloned().collect()
    }

    /// How often partitions of partners are watched now.
    pub(crate) fn watched(&self) -> usize {
        let mut watched = self.watched.lock().unwrap();
        watched.retain(|(_, wake)| wake.strong_count() > 0);
        watched.iter().filter(|(of, _)| of.topic.ends_with(".events.v1")).count()
    }

    /// How many of these fates are still to come.
    pub(crate) fn to_come(&self) -> usize {
        self.fates.lock().unwrap().len()
    }
}

impl Log for Faulty {
    fn append(&self, to: &Partition, records: Vec<Record>, done: Done) {
        // What shards relay to each other has no key.
        let intakes = to.topic.as_ref() == INBOX && records.iter().any(|record| record.key.is_some());
        let fate = if intakes { self.fates.lock().unwrap().pop_front() } else { None };
        let doubt = || Err(AppendError::Doubt("as the test says".to_owned()));
        let fate = fate.unwrap_or(Fate::Done);
        match fate {
            Fate::Done => return self.inner.append(to, records, done),
            Fate::Refused => return done(Err(AppendError::NotAppended("as the test says".to_owned()))),
            Fate::Lost => return done(doubt()),
            Fate::AnswerLost | Fate::Silent => {}
        }
        self.inner.append(to, records, Box::new(|outcome| assert!(outcome.is_ok())));
        if fate == Fate::AnswerLost {
            done(doubt());
        } else {
            self.silent.lock().unwrap().push(done);
        }
    }

    fn create_topic(&self, topic: &str, partitions: u32) -> Result<Topic, Error> {
        self.inner.create_topic(topic, partitions)
    }

    fn topic(&self, topic: &str) -> Result<Option<Topic>, Error> {
        let found = self.inner.topic(topic)?;
        match self.lie.lock().unwrap().as_mut() {
            Some((of, lie)) if of == topic => Ok(lie(found)),
            Some(_) | None => Ok(found),
        }
    }

    fn open_topic(&self, topic: &str, partitions: u32) -> Result<Topic, Error> {
        if self.unfit.lock().unwrap().as_deref() == Some(topic) {
            let (doing, source) = ("check a topic".to_owned(), "as the test says".into());
            return Err(Error::Backend { doing, source });
        }
        match self.topic(topic)? {
            Some(found) => Ok(found),
            None => self.inner.create_topic(topic, partitions),
        }
    }

    fn read(&self, of: &Partition, from: Offset, bytes_max: usize) -> Result<Vec<Stored>, Error> {
        let here = |(topic, at): &mut (String, Offset)| *topic == *of.topic && from >= *at;
        if self.lost.lock().unwrap().take_if(here).is_some() {
            return Err(Error::Lost { partition: of.clone(), from, end: Offset(0) });
        }
        self.inner.read(of, from, bytes_max)
    }

    fn bounds(&self, of: &Partition) -> Result<(Offset, Offset), Error> {
        self.inner.bounds(of)
    }

    fn watch(&self, of: &Partition, wake: Wake) -> Result<Watching, Error> {
        self.opened.lock().unwrap().push(of.clone());
        self.watched.lock().unwrap().push((of.clone(), Arc::downgrade(&wake)));
        self.inner.watch(of, wake)
    }

    fn trim(&self, of: &Partition, before: Offset) -> Result<(), Error> {
        self.inner.trim(of, before)
    }

    fn commit(&self, group: &str, of: &Partition, next: Offset) -> Result<(), Error> {
        self.inner.commit(group, of, next)
    }

    fn committed(&self, group: &str, of: &Partition) -> Result<Option<Offset>, Error> {
        self.inner.committed(group, of)
    }
}
