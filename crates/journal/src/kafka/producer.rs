//! Appending: one producer for the whole process, and a new one when that can't go on.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, Message};
use rdkafka::producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer};
use rdkafka::types::RDKafkaErrorCode;

use super::context::Watched;
use super::flight::{Flight, Part};
use super::record::headers;
use super::settings::Settings;
use crate::append::Append;
use crate::log::{AppendError, Offset, Partition, Record};

/// The producer, and what is on its way.
pub(super) struct Producer {
    settings: Settings,
    /// Nothing while it is made anew in vain.
    current: RwLock<Option<Current>>,
    /// Bytes on their way.
    queued: Arc<AtomicUsize>,
    on_error: Arc<dyn Fn() + Send + Sync>,
    renewing: Mutex<()>,
}

type Current = Arc<ThreadedProducer<Context>>;

/// A record's part of its append, and what it takes of the queue.
struct Sent {
    part: Option<Part>,
    bytes: usize,
    queued: Arc<AtomicUsize>,
}

impl Drop for Sent {
    fn drop(&mut self) {
        self.queued.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

struct Context(Watched);

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        self.0.log(level, facility, text);
    }

    fn stats_raw(&self, _: &[u8]) {}

    fn error(&self, error: KafkaError, reason: &str) {
        self.0.error(error, reason);
    }
}

impl ProducerContext for Context {
    type DeliveryOpaque = Box<Sent>;

    fn delivery(&self, result: &DeliveryResult<'_>, mut sent: Box<Sent>) {
        let Some(part) = sent.part.take() else { return };
        match result {
            // Below zero where the broker didn't say it.
            Ok(message) => part.stored(u64::try_from(message.offset()).ok().map(Offset)),
            Err((error, _)) => part.doubt(error.to_string()),
        }
    }
}

impl Producer {
    /// A producer that calls `on_error` when something is wrong: then it may have to be [renewed](Self::renew).
    pub(super) fn new(
        settings: &Settings,
        on_error: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, KafkaError> {
        let on_error: Arc<dyn Fn() + Send + Sync> = Arc::new(on_error);
        let current = create(settings, &on_error)?;
        Ok(Self {
            settings: settings.clone(),
            current: RwLock::new(Some(current)),
            queued: Arc::default(),
            on_error,
            renewing: Mutex::new(()),
        })
    }

    /// Sends `records` one after the other; those of one caller keep their order.
    pub(super) fn append(&self, to: &Partition, records: &[Record], append: Append) {
        let refuse = |append: Append, why: &str| append.answer(Err(AppendError::NotAppended(why.to_owned())));
        let Ok(number) = i32::try_from(to.number) else { return refuse(append, "no such partition") };
        let Some(largest) = records.iter().map(Record::bytes).max() else {
            return refuse(append, "no records");
        };
        if largest > self.settings.record_bytes_max {
            return refuse(append, "a record is too large");
        }
        let Some(current) = self.current() else { return refuse(append, "there is no producer") };
        let bytes: usize = records.iter().map(Record::bytes).sum();
        let room = |queued: usize| (queued + bytes <= self.settings.queue_bytes_max).then(|| queued + bytes);
        if self.queued.fetch_update(Ordering::Relaxed, Ordering::Relaxed, room).is_err() {
            return refuse(append, "too much is on its way already");
        }
        let flight = Flight::new(append, records.len());
        let mut sending = records.iter().enumerate();
        let failed = sending.find_map(|(index, record)| {
            let sent = Sent {
                part: Some(flight.part(index)),
                bytes: record.bytes(),
                queued: Arc::clone(&self.queued),
            };
            self.send(&current, (&to.topic, number), record, sent).err().map(|error| (index, error))
        });
        if let Some((index, (error, mut sent))) = failed {
            if let Some(part) = sent.part.take() {
                part.withdraw();
            }
            drop(sent);
            let unsent: usize = sending.map(|(_, record)| record.bytes()).sum();
            self.queued.fetch_sub(unsent, Ordering::Relaxed);
            let definite = [RDKafkaErrorCode::QueueFull, RDKafkaErrorCode::MessageSizeTooLarge];
            match error.rdkafka_error_code() {
                Some(code) if index == 0 && definite.contains(&code) => flight.not_sent(error.to_string()),
                code => {
                    if code == Some(RDKafkaErrorCode::Fatal) {
                        (self.on_error)();
                    }
                    flight.cut_short(records.len() - index, error.to_string());
                }
            }
        }
    }

    fn send(
        &self,
        current: &Current,
        (topic, number): (&str, i32),
        record: &Record,
        sent: Sent,
    ) -> Result<(), (KafkaError, Box<Sent>)> {
        let sending = BaseRecord {
            topic,
            partition: Some(number),
            payload: Some(record.value.as_ref()),
            key: record.key.as_deref(),
            timestamp: None,
            headers: headers(record),
            delivery_opaque: Box::new(sent),
        };
        current.send(sending).map_err(|(error, back)| (error, back.delivery_opaque))
    }

    /// Learns at once how many partitions a topic has now: librdkafka would by itself within minutes.
    pub(super) fn look(&self, topic: &str) {
        if let Some(current) = self.current()
            && let Err(error) = current.client().fetch_metadata(Some(topic), self.settings.request_timeout)
        {
            tracing::debug!(topic, %error, "the producer does not know what became of the topic yet");
        }
    }

    fn current(&self) -> Option<Current> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts a new producer in the place of one that can't go on; what was on its way is in doubt. That takes a while; where
    /// there is nothing to do, none.
    pub(super) fn renew(&self) -> Result<(), KafkaError> {
        let _one = self.renewing.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = |current: &Current| current.client().fatal_error().is_some();
        if !self.current().as_ref().is_none_or(failed) {
            return Ok(());
        }
        let created = create(&self.settings, &self.on_error);
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let (new, outcome) = match created {
            Ok(new) => (Some(new), Ok(())),
            Err(error) => (None, Err(error)),
        };
        let old = std::mem::replace(&mut *current, new);
        drop(current);
        // It answers what it has; not under the lock.
        drop(old);
        outcome
    }

    /// Waits until everything is answered, as long as an append may take.
    pub(super) fn flush(&self) {
        if let Some(current) = self.current()
            && let Err(error) = current.flush(self.settings.delivery_timeout)
        {
            tracing::warn!(%error, "appends are left in doubt");
        }
    }
}

fn create(settings: &Settings, on_error: &Arc<dyn Fn() + Send + Sync>) -> Result<Current, KafkaError> {
    let context = Context(Watched { on_error: Arc::clone(on_error) });
    Ok(Arc::new(settings.producer().create_with_context(context)?))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{self, Receiver};
    use std::time::Duration;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    /// A producer that finds no broker, and what tells of its errors.
    fn producer(settings: Settings) -> (Producer, Receiver<()>) {
        let (tell, told) = mpsc::channel();
        (Producer::new(&settings, move || _ = tell.send(())).expect("a producer"), told)
    }

    fn nowhere() -> Settings {
        // The discard port, which nobody listens on.
        Settings { delivery_timeout: Duration::from_secs(60), ..Settings::at("127.0.0.1:9") }
    }

    fn append(producer: &Producer, records: &[Record]) -> Receiver<Result<Offset, AppendError>> {
        let (tell, told) = mpsc::channel();
        let append = Append::new(Vec::new(), Box::new(move |outcome| _ = tell.send(outcome)));
        producer.append(&Partition::new("t", 0), records, append);
        told
    }

    #[test]
    fn a_producer_that_cannot_go_on_leaves_all_in_doubt_and_is_replaced() {
        let (producer, errors) = producer(nowhere());
        let waiting = append(&producer, &[Record::of("a"), Record::of("b")]);
        assert!(waiting.try_recv().is_err(), "nobody is there to answer");
        producer.renew().expect("nothing to do");
        assert!(waiting.try_recv().is_err(), "it was not renewed without need");
        let failed = producer.current().expect("one");
        coalition_kafka_native::testing::raise_fatal(failed.client());
        errors.recv_timeout(PATIENCE).expect("told");
        drop(failed);
        let outcome = waiting.recv_timeout(PATIENCE).expect("an answer");
        assert!(matches!(outcome, Err(AppendError::Doubt(_))), "{outcome:?}");
        let outcome = append(&producer, &[Record::of("c")]).recv_timeout(PATIENCE).expect("an answer");
        assert!(matches!(outcome, Err(AppendError::Doubt(_))), "{outcome:?}");
        producer.renew().expect("a new one");
        assert!(producer.current().expect("one").client().fatal_error().is_none());
        assert_eq!(producer.queued.load(Ordering::Relaxed), 0);
        assert!(append(&producer, &[Record::of("d")]).try_recv().is_err(), "it is on its way again");
    }

    #[test]
    fn what_is_never_sent_is_not_appended() {
        let (producer, _errors) =
            producer(Settings { record_bytes_max: 1000, queue_bytes_max: 2500, ..nowhere() });
        let refused = |records: &[Record]| {
            let outcome = append(&producer, records).try_recv().expect("at once");
            assert!(matches!(outcome, Err(AppendError::NotAppended(_))), "{outcome:?}");
        };
        let of = |bytes: usize| Record::of(vec![0; bytes - 16]);
        refused(&[]);
        refused(&[of(1001)]);
        refused(&[of(1000), of(1000), of(501)]);
        let _kept = append(&producer, &[of(1000), of(1000)]);
        refused(&[of(501)]);
        let last = append(&producer, &[of(500)]);
        assert!(last.try_recv().is_err(), "there was room for it");
    }

    #[test]
    fn nobody_is_left_without_an_answer() {
        let (producer, _errors) = producer(nowhere());
        let waiting = append(&producer, &[Record::of("a")]);
        drop(producer);
        let outcome = waiting.recv_timeout(PATIENCE).expect("an answer");
        assert!(matches!(outcome, Err(AppendError::Doubt(_))), "{outcome:?}");
    }
}
