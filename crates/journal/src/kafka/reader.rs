//! Reading: what readers ask for, and the thread that fetches it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

use super::context::Lines;
use super::denial::{answered, is_denied};
use super::fetcher::{Ask, Fetcher};
use super::settings::Settings;
use super::slot::{Fetch, Found, Slot};
use super::{failed, no_client, number};
use crate::log::{Error, Offset, Partition, Stored, Wake, Watching};

/// How long to wait before a question is asked again.
pub(super) const PAUSE: Duration = Duration::from_millis(50);

/// The partitions that are read, by one consumer and one thread for all.
pub(super) struct Reader {
    settings: Settings,
    consumer: Arc<BaseConsumer<Lines>>,
    slots: Arc<Mutex<BTreeMap<Partition, Arc<Slot>>>>,
    /// Partitions that were waited for in vain: nobody waits for them again.
    missing: Mutex<BTreeSet<Partition>>,
    sender: Sender<Ask>,
    thread: Option<JoinHandle<()>>,
}

impl Reader {
    pub(super) fn start(settings: &Settings) -> Result<Self, Error> {
        let create = |error: KafkaError| no_client("create a consumer", error);
        let mut consumer: BaseConsumer<Lines> =
            settings.reader().create_with_context(Lines).map_err(create)?;
        let (sender, asked) = mpsc::channel();
        let nonempty = sender.clone();
        // Whoever wakes nobody comes after the end.
        consumer.set_nonempty_callback(move || _ = nonempty.send(Ask::Look));
        let consumer = Arc::new(consumer);
        let slots = Arc::<Mutex<BTreeMap<_, _>>>::default();
        let fetcher = Fetcher::new(Arc::clone(&consumer), Arc::clone(&slots))
            .ok_or_else(|| failed("create a consumer".to_owned(), "it has no queue"))?;
        let run = move || fetcher.run(&asked);
        let thread = thread::Builder::new()
            .name("kafka/reader".to_owned())
            .spawn(run)
            .map_err(|error| failed("start a thread".to_owned(), error))?;
        Ok(Self {
            settings: settings.clone(),
            consumer,
            slots,
            missing: Mutex::default(),
            sender,
            thread: Some(thread),
        })
    }

    /// See [`crate::log::Log::read`]. The partition is there.
    pub(super) fn read(&self, of: &Partition, from: Offset, bytes_max: usize) -> Result<Vec<Stored>, Error> {
        let slot = self.slot(of);
        if let Some(read) = self.read_slot(&slot, from, bytes_max)? {
            return Ok(read);
        }
        let _turn = slot.moving.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(read) = self.read_slot(&slot, from, bytes_max)? {
                return Ok(read);
            }
            if !self.move_to(&slot, from)? {
                return Ok(Vec::new());
            }
        }
    }

    /// Reads if what is asked for is there or on its way.
    fn read_slot(
        &self,
        slot: &Arc<Slot>,
        from: Offset,
        bytes_max: usize,
    ) -> Result<Option<Vec<Stored>>, Error> {
        match slot.read(from, bytes_max, self.settings.read_timeout)? {
            Found::Records(read, again) => {
                if again {
                    self.ask(slot);
                }
                Ok(Some(read))
            }
            Found::Elsewhere => Ok(None),
        }
    }

    /// Has it fetched from `from` on. False if the partition ends before: it may be a broker that is behind.
    fn move_to(&self, slot: &Arc<Slot>, from: Offset) -> Result<bool, Error> {
        let partition = &slot.partition;
        let (start, end) = self.bounds(partition)?;
        if from < start {
            return Err(Error::Trimmed { partition: partition.clone(), from, start });
        }
        if from > end {
            let since = *slot.state().behind.get_or_insert_with(Instant::now);
            if since.elapsed() < self.settings.behind_timeout {
                return Ok(false);
            }
            return Err(Error::Lost { partition: partition.clone(), from, end });
        }
        slot.place(from, self.settings.buffer_bytes_max);
        self.ask(slot);
        Ok(true)
    }

    /// See [`crate::log::Log::bounds`]. The partition is there.
    pub(super) fn bounds(&self, of: &Partition) -> Result<(Offset, Offset), Error> {
        let timeout = self.settings.request_timeout;
        let (began, mut asked_anew) = (Instant::now(), false);
        loop {
            // A leader that is gone may take no more than half of the time.
            let left = timeout.saturating_sub(began.elapsed()).min(timeout / 2);
            let error = match self.consumer.fetch_watermarks(&of.topic, number(of)?, left) {
                Ok((start, end)) => {
                    let offset = |raw: i64| u64::try_from(raw).map(Offset);
                    let (Ok(start), Ok(end)) = (offset(start), offset(end)) else {
                        return Err(failed(format!("ask for the bounds of {of}"), "they are not known"));
                    };
                    if let Some(slot) = self.lock().get(of) {
                        slot.bounds_are(start, end);
                    }
                    self.missing().remove(of);
                    return Ok((start, end));
                }
                Err(error) => error,
            };
            let code = error.rdkafka_error_code();
            // All else may pass: a broker that hasn't heard of the topic yet, or of a partition's new leader.
            let unknown = [RDKafkaErrorCode::UnknownTopicOrPartition, RDKafkaErrorCode::UnknownPartition];
            let gone = code.is_some_and(|code| unknown.contains(&code));
            let denied = is_denied(&error);
            if !denied && !asked_anew {
                // librdkafka goes on believing what it was told: for minutes that a broker leads which has died since, and
                // for up to 15 that a topic is unknown (it means to for 100 ms, but forgets in the order of arrival, and
                // stops at what is to stay). The answer to this takes the place of that.
                drop(self.consumer.fetch_metadata(Some(&of.topic), timeout / 2));
                asked_anew = true;
                continue;
            }
            asked_anew = false;
            let final_answer =
                denied || gone && self.missing().contains(of) || began.elapsed() + PAUSE >= timeout;
            if final_answer && gone {
                self.missing().insert(of.clone());
                return Err(Error::NoSuchPartition(of.clone()));
            }
            if final_answer {
                return Err(answered(format!("ask for the bounds of {of}"), error));
            }
            thread::sleep(PAUSE);
        }
    }

    /// See [`crate::log::Log::watch`]. The partition is there.
    pub(super) fn watch(&self, of: &Partition, wake: Wake) -> Result<Watching, Error> {
        let slot = self.slot(of);
        let _turn = slot.moving.lock().unwrap_or_else(PoisonError::into_inner);
        let unplaced = slot.state().tail.is_none();
        let end = if unplaced { Some(self.bounds(of)?.1) } else { None };
        let watching = slot.state().watchers.add(wake);
        if let Some(end) = end {
            slot.place(end, self.settings.buffer_bytes_max);
            self.ask(&slot);
        }
        Ok(watching)
    }

    /// Nothing before `start` is there any more.
    pub(super) fn trimmed(&self, of: &Partition, start: Offset) {
        if let Some(slot) = self.lock().get(of)
            && let Some(tail) = &mut slot.state().tail
        {
            tail.trimmed(start);
        }
    }

    /// What is in memory of the topic may be of another one that had its name: it is fetched again.
    pub(super) fn forget(&self, topic: &str) {
        let slots = self.lock();
        let of_topic = slots.iter().filter(|(partition, _)| partition.topic.as_ref() == topic);
        of_topic.for_each(|(_, slot)| slot.state().tail = None);
    }

    fn slot(&self, of: &Partition) -> Arc<Slot> {
        let mut slots = self.lock();
        if let Some(slot) = slots.get(of) {
            return Arc::clone(slot);
        }
        let slot = Arc::new(Slot::new(of.clone()));
        slots.insert(of.clone(), Arc::clone(&slot));
        slot
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Partition, Arc<Slot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn missing(&self) -> MutexGuard<'_, BTreeSet<Partition>> {
        self.missing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the thread that the slot wants to be fetched.
    fn ask(&self, slot: &Arc<Slot>) {
        debug_assert_eq!(slot.state().fetch, Fetch::Asked);
        // The thread ends after this.
        _ = self.sender.send(Ask::Fetch(Arc::clone(slot)));
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        _ = self.sender.send(Ask::Stop);
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that reads from kafka panicked");
        }
    }
}
