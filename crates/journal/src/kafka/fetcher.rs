//! The thread that fetches for all partitions that are read.
//!
//! A partition starts and goes on by being assigned at an offset, and stops by being unassigned: librdkafka's own pause
//! and seek keep positions of their own, which this needs no second time.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use coalition_domain::Timestamp;
use coalition_kafka_native::{Event, Events, Fetched};
use rdkafka::ClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::{Offset as Place, TopicPartitionList};
use rdkafka::types::RDKafkaErrorCode;

use super::context::{Lines, line};
use super::denial::{denied, is_denial};
use super::record::stored;
use super::slot::{Fetch, Slot};
use super::{failed, number};
use crate::log::{Error, Partition};

/// How often the consumer is looked at when it says nothing.
const TICK: Duration = Duration::from_millis(200);
/// How many events are taken before readers are woken and their wishes heard.
const EVENTS_MAX: usize = 1000;
/// A partition that nobody watches or reads for so long is fetched no more.
const IDLE: Duration = Duration::from_secs(60);

/// What the thread is told.
pub(super) enum Ask {
    /// The consumer has something.
    Look,
    /// Fetch this one from its tail's end.
    Fetch(Arc<Slot>),
    /// End.
    Stop,
}

type Slots = Arc<Mutex<BTreeMap<Partition, Arc<Slot>>>>;

pub(super) struct Fetcher {
    events: Events<Lines>,
    consumer: Arc<BaseConsumer<Lines>>,
    slots: Slots,
    /// What is assigned, by topic and number.
    assigned: BTreeMap<String, BTreeMap<i32, Arc<Slot>>>,
    /// To be woken.
    changed: BTreeMap<Partition, Arc<Slot>>,
    swept: Instant,
}

impl Fetcher {
    pub(super) fn new(consumer: Arc<BaseConsumer<Lines>>, slots: Slots) -> Option<Self> {
        let events = Events::of(Arc::clone(&consumer))?;
        let (assigned, changed) = (BTreeMap::new(), BTreeMap::new());
        Some(Self { events, consumer, slots, assigned, changed, swept: Instant::now() })
    }

    pub(super) fn run(mut self, asked: &Receiver<Ask>) {
        let mut more = false;
        loop {
            let timeout = if more { Duration::ZERO } else { TICK };
            match asked.recv_timeout(timeout) {
                Ok(Ask::Fetch(slot)) => self.fetch(&slot),
                Ok(Ask::Look) | Err(RecvTimeoutError::Timeout) => {}
                Ok(Ask::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            }
            more = self.take_events(EVENTS_MAX);
            self.wake();
            self.sweep();
        }
    }

    /// Takes what the consumer has, up to a number of events; whether there may be more.
    fn take_events(&mut self, events_max: usize) -> bool {
        let now = wall();
        for _ in 0..events_max {
            // What is to be stopped can't be while the event is lent.
            let mut stop = None;
            let (assigned, changed) = (&self.assigned, &mut self.changed);
            let mut touch = |slot: &Arc<Slot>| _ = changed.insert(slot.partition.clone(), Arc::clone(slot));
            let taken = self.events.next(Duration::ZERO, |event| match event {
                Event::Record(fetched) => {
                    let Some(slot) = find(assigned, fetched.topic, fetched.partition) else { return };
                    touch(slot);
                    if take(slot, &fetched, now) {
                        stop = Some(Arc::clone(slot));
                    }
                }
                Event::End { topic, partition, offset } => {
                    let Some(slot) = find(assigned, &topic, partition) else { return };
                    touch(slot);
                    let mut state = slot.state();
                    if state.fetch == Fetch::Runs {
                        state.no_more_at = u64::try_from(offset).ok().map(crate::log::Offset);
                    }
                }
                Event::Fault { of: Some((topic, partition)), code, text } => {
                    let Some(slot) = find(assigned, &topic, partition) else { return };
                    touch(slot);
                    stop = Some(Arc::clone(slot));
                    fault(slot, code, text);
                }
                Event::Fault { of: None, code, text } => Lines.error(KafkaError::Global(code), &text),
                Event::Log { level, facility, text } => line(level, &facility, &text),
                Event::Other => {}
            });
            if let Some(slot) = stop {
                self.stop(&slot);
            }
            if taken.is_none() {
                return false;
            }
        }
        true
    }

    /// Fetches a slot from its tail's end on, and from nowhere else.
    fn fetch(&mut self, slot: &Arc<Slot>) {
        if slot.state().fetch != Fetch::Asked {
            // It was asked for twice in the meantime, and the first time was enough.
            return;
        }
        self.stop(slot);
        // What was fetched before the stop comes out now, and not behind the start.
        while self.take_events(EVENTS_MAX) {}
        let mut state = slot.state();
        let Some(tail) = state.tail.as_ref().filter(|_| state.fetch == Fetch::Asked) else { return };
        let from = tail.next();
        let assigned = one(&slot.partition, i64::try_from(from.0).map_or(Place::Invalid, Place::Offset))
            .and_then(|one| {
                self.consumer.incremental_assign(&one).map_err(|error| failed("assign it".to_owned(), error))
            });
        match assigned {
            Ok(()) => {
                state.fetch = Fetch::Runs;
                if let Ok(number) = number(&slot.partition) {
                    let topic = slot.partition.topic.to_string();
                    self.assigned.entry(topic).or_default().insert(number, Arc::clone(slot));
                }
            }
            Err(error) => {
                state.fetch = Fetch::Not;
                state.fault = Some(error);
                self.changed.insert(slot.partition.clone(), Arc::clone(slot));
            }
        }
    }

    /// Fetches a slot no more.
    fn stop(&mut self, slot: &Arc<Slot>) {
        let Ok(number) = number(&slot.partition) else { return };
        let of_topic = self.assigned.get_mut(slot.partition.topic.as_ref());
        if of_topic.and_then(|of_topic| of_topic.remove(&number)).is_none() {
            return;
        }
        let unassigned = one(&slot.partition, Place::Invalid).and_then(|one| {
            self.consumer.incremental_unassign(&one).map_err(|error| failed("unassign it".to_owned(), error))
        });
        if let Err(error) = unassigned {
            tracing::warn!(partition = %slot.partition, %error, "a partition can't be stopped");
        }
        let mut state = slot.state();
        if state.fetch == Fetch::Runs {
            state.fetch = Fetch::Not;
        }
    }

    fn wake(&mut self) {
        for slot in std::mem::take(&mut self.changed).into_values() {
            slot.wake();
        }
    }

    /// Forgets what nobody reads.
    fn sweep(&mut self) {
        if self.swept.elapsed() < IDLE / 4 {
            return;
        }
        self.swept = Instant::now();
        let slots = Arc::clone(&self.slots);
        let mut slots = slots.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = slots.extract_if(.., |_, slot| {
            let mut state = slot.state();
            // Whoever holds it besides is about to use it.
            state.watchers.is_empty() && state.used.elapsed() >= IDLE && Arc::strong_count(slot) <= 2
        });
        let idle: Vec<_> = idle.collect();
        drop(slots);
        idle.into_iter().for_each(|(_, slot)| self.stop(&slot));
    }
}

fn find<'a>(
    assigned: &'a BTreeMap<String, BTreeMap<i32, Arc<Slot>>>,
    topic: &str,
    number: i32,
) -> Option<&'a Arc<Slot>> {
    assigned.get(topic)?.get(&number)
}

/// Takes a record; whether the slot has enough now.
fn take(slot: &Slot, fetched: &Fetched<'_>, now: Timestamp) -> bool {
    let mut state = slot.state();
    if state.fetch != Fetch::Runs {
        return false;
    }
    let Some(tail) = &mut state.tail else { return true };
    if let Some(stored) = stored(fetched, now) {
        tail.push(stored);
    }
    tail.is_full()
}

/// Notes what is wrong for the next reader who gets there.
fn fault(slot: &Slot, code: RDKafkaErrorCode, text: String) {
    let mut state = slot.state();
    if state.fetch != Fetch::Runs {
        return;
    }
    let partition = slot.partition.clone();
    let damage = [RDKafkaErrorCode::BadMessage, RDKafkaErrorCode::BadCompression];
    let out_of_range = [RDKafkaErrorCode::AutoOffsetReset, RDKafkaErrorCode::OffsetOutOfRange];
    if out_of_range.contains(&code) {
        // The reader asks for the bounds, and learns which way it is out.
        tracing::warn!(%partition, text, "the partition doesn't go on where it was read");
        state.tail = None;
    } else if damage.contains(&code) {
        state.fault = Some(Error::Damaged { partition, source: text.into() });
    } else if is_denial(code) {
        state.fault = Some(denied(format!("read {partition}"), text));
    } else {
        state.fault = Some(failed(format!("read {partition}"), text));
    }
}

fn one(partition: &Partition, place: Place) -> Result<TopicPartitionList, Error> {
    let mut one = TopicPartitionList::with_capacity(1);
    one.add_partition_offset(&partition.topic, number(partition)?, place)
        .map_err(|error| failed(format!("name {partition}"), error))?;
    Ok(one)
}

fn wall() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    Timestamp::from_millis(i64::try_from(since).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::Settings;
    use crate::log::Offset;

    /// Without a broker: what is assigned is known to the client.
    fn fetcher() -> Fetcher {
        let consumer: BaseConsumer<Lines> =
            Settings::at("127.0.0.1:9").reader().create_with_context(Lines).expect("a consumer");
        Fetcher::new(Arc::new(consumer), Slots::default()).expect("it has a queue")
    }

    fn check(fetcher: &Fetcher, expected: &[(&str, i32, i64)]) {
        let assigned = fetcher.consumer.assignment().expect("asked");
        let found: Vec<_> = assigned
            .elements()
            .iter()
            .map(|one| (one.topic().to_owned(), one.partition(), one.offset().to_raw().expect("an offset")))
            .collect();
        let found: Vec<_> = found.iter().map(|(topic, number, at)| (topic.as_str(), *number, *at)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn asked_for_twice_it_is_fetched_from_the_last_place() {
        let mut fetcher = fetcher();
        let slot = Arc::new(Slot::new(Partition::new("t", 3)));
        slot.place(Offset(5), 1000);
        slot.place(Offset(2), 1000);
        for _ in 0..2 {
            fetcher.fetch(&slot);
            assert_eq!(slot.state().fetch, Fetch::Runs);
            check(&fetcher, &[("t", 3, 2)]);
        }
        slot.place(Offset(7), 1000);
        assert_eq!(slot.state().fetch, Fetch::Asked, "what comes now is of another place");
        fetcher.fetch(&slot);
        check(&fetcher, &[("t", 3, 7)]);
        fetcher.stop(&slot);
        assert_eq!(slot.state().fetch, Fetch::Not);
        check(&fetcher, &[]);
    }

    /// A reader that is paced leaves its tail full for most of the time. What it has not read may be deleted meanwhile.
    #[test]
    fn what_was_trimmed_away_while_nothing_was_fetched_is_looked_for_anew() {
        let mut fetcher = fetcher();
        let slot = Arc::new(Slot::new(Partition::new("t", 0)));
        slot.place(Offset(0), 1000);
        fetcher.fetch(&slot);
        fetcher.stop(&slot);
        slot.bounds_are(Offset(1000), Offset(2000));
        let read = slot.read(Offset(1000), 1, Duration::ZERO);
        assert!(matches!(read, Ok(super::super::slot::Found::Elsewhere)));
    }

    #[test]
    fn a_fault_ends_the_fetching_and_is_told_once() {
        let mut fetcher = fetcher();
        let slot = Arc::new(Slot::new(Partition::new("t", 0)));
        slot.place(Offset(0), 1000);
        fault(&slot, RDKafkaErrorCode::BadMessage, "of another place".to_owned());
        assert!(slot.state().fault.is_none());
        fetcher.fetch(&slot);
        fault(&slot, RDKafkaErrorCode::BadMessage, "bad".to_owned());
        let read = |slot: &Slot| slot.read(Offset(0), 1, Duration::ZERO);
        assert!(matches!(read(&slot), Err(Error::Damaged { .. })));
        assert!(matches!(read(&slot), Ok(super::super::slot::Found::Elsewhere)), "it is looked at anew");
        slot.place(Offset(0), 1000);
        fetcher.fetch(&slot);
        fault(&slot, RDKafkaErrorCode::TopicAuthorizationFailed, "not yours".to_owned());
        assert!(matches!(read(&slot), Err(Error::Denied { .. })), "no further try helps");
    }
}
