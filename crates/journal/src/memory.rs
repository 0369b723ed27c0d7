//! The log in memory, for tests and the simulator: no thread, no clock, nothing random. Everything happens in the
//! calls, in their order, and callbacks run inside them, on the caller's thread and under no lock of the log.
//!
//! A [`steered`](Memory::steered) log does nothing by itself with an append: it is in flight until its owner says what
//! becomes of it. Delivery and answer are apart, as on a network:
//!
//! | fault | calls |
//! | --- | --- |
//! | none | `deliver`, `answer(Ok)` |
//! | lost | `answer(Doubt)`, `forget` |
//! | answer lost | `deliver`, `answer(Doubt)`, `forget` |
//! | duplicated | `deliver`, `deliver`, `answer(Ok)` |
//! | late | `answer(Doubt)`, and `deliver` when others were |
//! | out of order | `deliver` of a later one first |

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use coalition_domain::Timestamp;
use uuid::Uuid;

use crate::append::{Append, Fit};
use crate::log::{
    AppendError, Done, Error, Log, Offset, Partition, Record, Stored, Topic, Wake, Watching, check_topic_name,
};
use crate::watchers::Watchers;

/// An append to a steered log.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FlightId(u64);

impl fmt::Display for FlightId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "flight {}", self.0)
    }
}

/// An append in flight, as its steerer sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InFlight {
    /// Names it, in the order of the appends.
    pub id: FlightId,
    /// Where it is to go.
    pub to: Partition,
    /// What it carries.
    pub records: Vec<Record>,
    /// The offset of its first record in each copy that was delivered.
    pub delivered: Vec<Offset>,
    /// Whether its caller was told.
    pub answered: bool,
}

struct Flight {
    shown: InFlight,
    waiting: Option<Append>,
}

#[derive(Default)]
struct Kept {
    start: Offset,
    records: Vec<Stored>,
    /// Of the last record, even if it was trimmed.
    append_time: Option<Timestamp>,
    groups: BTreeMap<String, Offset>,
    watchers: Watchers,
}

impl Kept {
    fn end(&self) -> Offset {
        self.start.plus(u64::try_from(self.records.len()).expect("a length fits"))
    }

    fn append(&mut self, now: Timestamp, records: Vec<Record>) -> Offset {
        let first = self.end();
        let append_time = self.append_time.map_or(now, |last| last.max(now));
        self.append_time = Some(append_time);
        for record in records {
            let offset = self.end();
            self.records.push(Stored { offset, append_time, record });
        }
        first
    }
}

struct Held {
    now: Timestamp,
    topics: BTreeMap<String, (Topic, Vec<Kept>)>,
    topics_created: u128,
    flights: BTreeMap<FlightId, Flight>,
    flights_begun: u64,
}

impl Held {
    fn kept(&mut self, of: &Partition) -> Result<&mut Kept, Error> {
        let partitions = self.topics.get_mut(of.topic.as_ref()).map(|(_, partitions)| partitions);
        let kept = partitions.and_then(|partitions| partitions.get_mut(usize::try_from(of.number).ok()?));
        kept.ok_or_else(|| Error::NoSuchPartition(of.clone()))
    }

    fn flight(&mut self, id: FlightId) -> &mut Flight {
        self.flights.get_mut(&id).unwrap_or_else(|| panic!("{id} is not in flight"))
    }
}

/// A log in memory. See the [module](self).
pub struct Memory {
    steered: bool,
    held: Mutex<Held>,
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl Memory {
    /// A log that takes and answers appends at once.
    pub fn new() -> Self {
        Self {
            steered: false,
            held: Mutex::new(Held {
                now: Timestamp::from_millis(0),
                topics: BTreeMap::new(),
                topics_created: 0,
                flights: BTreeMap::new(),
                flights_begun: 0,
            }),
        }
    }

    /// A log whose owner says what becomes of each append.
    pub fn steered() -> Self {
        Self { steered: true, ..Self::new() }
    }

    /// Sets the log's clock, by which append times are taken; in a partition they never go back. At first it shows
    /// the epoch.
    pub fn set_now(&self, now: Timestamp) {
        self.held().now = now;
    }

    /// Deletes a topic; what is in flight to it can't be delivered any more, even to a new one of the same name.
    pub fn delete_topic(&self, topic: &str) {
        let mut held = self.held();
        held.topics.remove(topic);
        let lost = held.flights.extract_if(.., |_, flight| flight.shown.to.topic.as_ref() == topic);
        let lost: Vec<_> = lost.collect();
        drop(held);
        drop(lost);
    }

    /// All appends in flight, oldest first.
    pub fn in_flight(&self) -> Vec<InFlight> {
        self.held().flights.values().map(|flight| flight.shown.clone()).collect()
    }

    /// The names of the appends in flight to partitions that `may` be chosen, oldest first.
    pub fn flights(&self, may: impl Fn(&Partition) -> bool) -> Vec<FlightId> {
        let held = self.held();
        held.flights.iter().filter(|(_, flight)| may(&flight.shown.to)).map(|(id, _)| *id).collect()
    }

    /// Whether nothing is in flight.
    pub fn is_calm(&self) -> bool {
        self.held().flights.is_empty()
    }

    /// An append in flight. Panics if it is not.
    pub fn flight(&self, id: FlightId) -> InFlight {
        self.held().flight(id).shown.clone()
    }

    /// Puts a copy of the append at the end of its partition now and wakes the watchers; the first copy's offset.
    /// Panics if it is not in flight.
    pub fn deliver(&self, id: FlightId) -> Offset {
        let mut held = self.held();
        let InFlight { to, records, .. } = held.flight(id).shown.clone();
        let now = held.now;
        let kept = held.kept(&to).expect("flights end with their topic");
        let offset = kept.append(now, records);
        let watchers = kept.watchers.now();
        held.flight(id).shown.delivered.push(offset);
        drop(held);
        watchers.iter().for_each(|wake| wake());
        offset
    }

    /// Tells the caller of the append `outcome`, true or not. Panics if it is not in flight or was answered.
    pub fn answer(&self, id: FlightId, outcome: Result<Offset, AppendError>) {
        let mut held = self.held();
        let flight = held.flight(id);
        flight.shown.answered = true;
        let append = flight.waiting.take();
        drop(held);
        append.unwrap_or_else(|| panic!("{id} was answered")).answer(outcome);
    }

    /// Ends the flight: no copy will be delivered any more. Its caller, if not answered, is left in doubt. Panics if
    /// it is not in flight.
    pub fn forget(&self, id: FlightId) {
        let flight = self.held().flights.remove(&id);
        assert!(flight.is_some(), "{id} is not in flight");
    }

    // A callback's panic can't poison what it doesn't hold; should a test's own panic, the state is whole.
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log for Memory {
    fn create_topic(&self, topic: &str, partitions: u32) -> Result<Topic, Error> {
        check_topic_name(topic)?;
        let mut held = self.held();
        if let Some((found, _)) = held.topics.get(topic) {
            return if found.partitions == partitions {
                Ok(*found)
            } else {
                Err(Error::PartitionCount {
                    topic: topic.to_owned(),
                    found: found.partitions,
                    wanted: partitions,
                })
            };
        }
        if partitions == 0 {
            let doing = format!("create topic {topic}");
            return Err(Error::Backend { doing, source: "0 partitions".into() });
        }
        // Counted and not drawn: a run of the simulator repeats.
        held.topics_created += 1;
        let created = Topic { id: Uuid::from_u128(held.topics_created), partitions };
        let kept = (0..partitions).map(|_| Kept::default()).collect();
        held.topics.insert(topic.to_owned(), (created, kept));
        Ok(created)
    }

    fn topic(&self, topic: &str) -> Result<Option<Topic>, Error> {
        Ok(self.held().topics.get(topic).map(|(topic, _)| *topic))
    }

    fn append(&self, to: &Partition, records: Vec<Record>, done: Done) {
        let append = Append::new(records, done);
        let mut held = self.held();
        let now = held.now;
        let refusal = match held.kept(to) {
            Err(error) => error.to_string(),
            Ok(_) if append.records.is_empty() => "no records".to_owned(),
            Ok(kept) if !self.steered => {
                let offset = kept.append(now, append.records.clone());
                let watchers = kept.watchers.now();
                drop(held);
                append.answer(Ok(offset));
                watchers.iter().for_each(|wake| wake());
                return;
            }
            Ok(_) => {
                held.flights_begun += 1;
                let id = FlightId(held.flights_begun);
                let (to, records) = (to.clone(), append.records.clone());
                let shown = InFlight { id, to, records, delivered: Vec::new(), answered: false };
                held.flights.insert(id, Flight { shown, waiting: Some(append) });
                return;
            }
        };
        drop(held);
        append.answer(Err(AppendError::NotAppended(refusal)));
    }

    fn read(&self, of: &Partition, from: Offset, bytes_max: usize) -> Result<Vec<Stored>, Error> {
        let mut held = self.held();
        let kept = held.kept(of)?;
        let Some(skipped) = from.0.checked_sub(kept.start.0) else {
            return Err(Error::Trimmed { partition: of.clone(), from, start: kept.start });
        };
        let rest =
            usize::try_from(skipped).ok().and_then(|skipped| kept.records.get(skipped..)).unwrap_or_default();
        let mut fit = Fit::new(bytes_max);
        Ok(rest.iter().take_while(|stored| fit.takes(stored)).cloned().collect())
    }

    fn bounds(&self, of: &Partition) -> Result<(Offset, Offset), Error> {
        self.held().kept(of).map(|kept| (kept.start, kept.end()))
    }

    fn watch(&self, of: &Partition, wake: Wake) -> Result<Watching, Error> {
        Ok(self.held().kept(of)?.watchers.add(wake))
    }

    fn trim(&self, of: &Partition, before: Offset) -> Result<(), Error> {
        let mut held = self.held();
        let kept = held.kept(of)?;
        let start = before.clamp(kept.start, kept.end());
        kept.records.retain(|stored| stored.offset >= start);
        kept.start = start;
        Ok(())
    }

    fn commit(&self, group: &str, of: &Partition, next: Offset) -> Result<(), Error> {
        self.held().kept(of)?.groups.insert(group.to_owned(), next);
        Ok(())
    }

    fn committed(&self, group: &str, of: &Partition) -> Result<Option<Offset>, Error> {
        Ok(self.held().kept(of)?.groups.get(group).copied())
    }
}
