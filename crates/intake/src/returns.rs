//! Events that the ledger refused, on their way back to the partners that sent them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use coalition_domain::{Outcome, PartnerEvent, PartnerId};
use coalition_journal::entry::ShardId;
use coalition_journal::log::{self, Log, Offset, Partition, Record, Stored};
use coalition_ledger::refused::Refused;
use coalition_ledger::runtime::{Returned, Returns};
use coalition_proto::r#type::v1::ErrorReason;

use crate::judge::{self, Stage};
use crate::rejected::rejected;
use crate::{Refusal, decode, events_topic, personal, rejected_topic};

/// How long the log may take to show a record that it has, or to say what became of an append.
const LOG_WAIT: Duration = Duration::from_secs(10);
/// How long to wait before the log is asked again.
const PAUSE: Duration = Duration::from_millis(5);
/// How long to wait after a failure, before the shard is told.
const FAILED_PAUSE: Duration = Duration::from_millis(200);

/// A piece of what is brought back has so many bytes, and the rest of its last record.
const PIECE_BYTES: usize = 4 << 20;

/// What the thread is given.
struct Job {
    shard: ShardId,
    refused: Vec<Arc<Refused>>,
    done: Returned,
}

/// Brings them back, on a thread of its own that ends when this is dropped.
///
/// A record of the rejected topic is what the partner wrote, with the reason in headers; `coalition.errors.number` tells
/// copies apart, as each is brought back once at least.
pub struct Returner {
    jobs: Sender<Job>,
}

impl Returner {
    /// Starts the thread.
    ///
    /// # Errors
    /// No thread could be had.
    pub fn start(log: Arc<dyn Log>) -> std::io::Result<Self> {
        let (jobs, queue) = channel();
        std::thread::Builder::new().name("returns".to_owned()).spawn(move || run(&*log, &queue))?;
        Ok(Self { jobs })
    }
}

impl Returns for Returner {
    fn give_back(&self, shard: ShardId, refused: Vec<Arc<Refused>>, done: Returned) {
        if let Err(unsent) = self.jobs.send(Job { shard, refused, done }) {
            (unsent.0.done)(false);
        }
    }
}

fn run(log: &dyn Log, queue: &Receiver<Job>) {
    while let Ok(Job { shard, refused, done }) = queue.recv() {
        let outcome = give_back(log, shard, &refused);
        if let Err(error) = &outcome {
            tracing::warn!(%shard, error = %error, "refused events can't be brought back; tried again");
            std::thread::park_timeout(FAILED_PAUSE);
        }
        done(outcome.is_ok());
    }
}

/// Why a run is not where it belongs for sure.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("read what the partner wrote: {0}")]
    Read(#[from] log::Error),
    #[error("{0} does not show its record {1}")]
    NotShown(Partition, Offset),
    #[error("append to the rejected topic: {0}")]
    Append(#[from] log::AppendError),
    #[error("the log does not say what became of an append")]
    Silent,
}

/// Brings back what was refused, a piece at a time: partners' records may be large, and no log takes any number of bytes at once.
/// Where one piece can't be brought back, those before it are tried again, too.
fn give_back(log: &dyn Log, shard: ShardId, refused: &[Arc<Refused>]) -> Result<(), Error> {
    let (mut piece, mut bytes) = (Piece::new(), 0);
    for refused in refused {
        if let Some(event) = refused.decision.command.event() {
            let record = record(log, shard, event, refused)?;
            bytes += record.bytes();
            piece.entry((event.partner, refused.source.partition)).or_default().push(record);
            if bytes >= PIECE_BYTES {
                append(log, std::mem::take(&mut piece))?;
                bytes = 0;
            }
        }
    }
    append(log, piece)
}

/// Records by the partner and partition that they came from.
type Piece = BTreeMap<(PartnerId, u32), Vec<Record>>;

fn append(log: &dyn Log, piece: Piece) -> Result<(), Error> {
    let (told, outcomes) = channel();
    let appends = piece.len();
    for ((partner, number), records) in piece {
        let told = told.clone();
        let to = back(log, &partner, number)?;
        // Nobody listens any more once one has failed: all of it is tried again.
        log.append(&to, records, Box::new(move |outcome| drop(told.send(outcome))));
    }
    for _ in 0..appends {
        outcomes.recv_timeout(LOG_WAIT).map_err(|_| Error::Silent)??;
    }
    Ok(())
}

/// Where what came in a partition goes back to: the two topics need not have as many. A topic that somebody deleted is made anew: what
/// can't be brought back holds up what comes behind it, of all partners.
fn back(log: &dyn Log, partner: &PartnerId, number: u32) -> Result<Partition, Error> {
    let topic = rejected_topic(partner);
    // As many as its events have: where intake wants more, it goes over to those that it finds.
    let as_many = log.topic(&events_topic(partner))?.map_or(1, |events| events.partitions);
    let partitions = log.open_topic(&topic, as_many)?.partitions;
    Ok(Partition::new(&topic, number % partitions))
}

fn record(log: &dyn Log, shard: ShardId, event: &PartnerEvent, refused: &Refused) -> Result<Record, Error> {
    let Outcome::Refused(rejection) = &refused.decision.outcome else {
        unreachable!("only what was refused goes back")
    };
    let from = Partition::new(&events_topic(&event.partner), refused.source.partition);
    // A topic that was made anew has other records there.
    let is_it =
        |stored: &Stored| decode(&stored.record).is_ok_and(|it| it.event.event_id == event.event_id.as_str());
    let original = original(log, &from, refused.source.offset)?.filter(is_it);
    // The list of the API has every code of the domain's: a test of the gateway holds them together.
    let reason = ErrorReason::from_reason(rejection.code());
    let refusal = Refusal::new(reason.unwrap_or_default(), "", rejection.to_string());
    // Of what the topic has deleted meanwhile nothing but the place is left to tell.
    let hidden = original.as_ref().is_none_or(|stored| personal::is_in_record(&stored.record));
    let stored = original.unwrap_or_else(|| Stored {
        offset: refused.source.offset,
        append_time: refused.decided_at,
        record: Record::default(),
    });
    // It was good enough for the journal.
    let event_id = Some(event.event_id.clone());
    let told = judge::Refused { stage: Stage::Decide, refusal, hidden, event_id };
    let mut record = rejected(&from, &stored, &told);
    let mut head = |name: &str, value: String| record.headers.push((name.to_owned(), value.into()));
    head("coalition.errors.number", format!("{shard}/{}", refused.number));
    head("coalition.errors.position", format!("{shard}/{}", refused.place.seq));
    Ok(record)
}

/// What the partner wrote; `None` if its topic has deleted it, or is another one of which it is no partition.
fn original(log: &dyn Log, from: &Partition, offset: Offset) -> Result<Option<Stored>, Error> {
    let until = Instant::now() + LOG_WAIT;
    // A distant log shows what is before an end that it was asked for.
    match log.bounds(from) {
        Ok(_) => {}
        Err(log::Error::NoSuchPartition(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    loop {
        // Far behind where intake reads on: the one reader that it has would go to and fro.
        match log.read_back(from, offset, 1) {
            Ok(found) => match found.into_iter().next() {
                Some(stored) => return Ok(Some(stored).filter(|stored| stored.offset == offset)),
                None if Instant::now() >= until => return Err(Error::NotShown(from.clone(), offset)),
                None => std::thread::park_timeout(PAUSE),
            },
            Err(log::Error::Trimmed { .. } | log::Error::Lost { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use coalition_domain::{Decision, Place, Rejection, Timestamp};
    use coalition_journal::memory::Memory;
    use coalition_ledger::inbox::Source;
    use coalition_proto::event::v1::{EmailRead, PartnerEvent as Written, partner_event::Body};
    use coalition_proto::r#type::v1::{Identifier, IdentifierScheme};
    use prost::Message;

    use super::*;
    use crate::rejected::Rejected;
    use crate::translate;

    fn written(event_id: &str) -> Written {
        let identifier = Identifier {
            scheme: IdentifierScheme::CardToken.into(),
            value: "token".to_owned(),
            ..Identifier::default()
        };
        Written {
            event_id: event_id.to_owned(),
            identifier: Some(identifier),
            event_time: Some(prost_types::Timestamp::default()),
            body: Some(Body::EmailRead(EmailRead { message_id: "1".to_owned() })),
            ..Written::default()
        }
    }

    fn network(partner: &PartnerId) -> Memory {
        let log = Memory::new();
        log.create_topic(&events_topic(partner), 2).unwrap();
        log.create_topic(&rejected_topic(partner), 1).unwrap();
        log
    }

    /// Event `1` of a partner, refused, that stood there.
    fn refused(partner: PartnerId, number: u64, source: Source) -> Arc<Refused> {
        let event = translate(partner, &written("1"), Timestamp::from_millis(0)).unwrap();
        Arc::new(Refused {
            number,
            place: Place { seq: 7, index: 0 },
            decided_at: Timestamp::from_millis(0),
            decision: Decision {
                command: coalition_domain::Command::PartnerEvent(event),
                outcome: Outcome::Refused(Rejection::NoProgramme(partner)),
            },
            source,
        })
    }

    /// Gives event `1` back, which stood at the start of a partition, with `there` in its place now; what the partner gets.
    fn given_back(partition: u32, there: &Written) -> Record {
        let partner = PartnerId::new("a").unwrap();
        let log = network(&partner);
        for number in 0..2 {
            let events = Partition::new(&events_topic(&partner), number);
            log.append(&events, vec![Record::of(there.encode_to_vec())], Box::new(|it| assert!(it.is_ok())));
        }
        let refused = refused(partner, 1, Source { partition, offset: Offset(0) });
        give_back(&log, ShardId(0), &[refused]).unwrap();
        let back = Partition::new(&rejected_topic(&partner), 0);
        log.read(&back, Offset(0), usize::MAX).unwrap().remove(0).record
    }

    /// A log that takes so many bytes at once, as the queue of Kafka's client does: more is refused however often it is tried.
    /// Whoever looks for what partners sent has to look back.
    struct Narrow(Memory, usize);

    impl Log for Narrow {
        fn create_topic(&self, topic: &str, partitions: u32) -> Result<log::Topic, log::Error> {
            self.0.create_topic(topic, partitions)
        }

        fn topic(&self, topic: &str) -> Result<Option<log::Topic>, log::Error> {
            self.0.topic(topic)
        }

        fn append(&self, to: &Partition, records: Vec<Record>, done: log::Done) {
            if records.iter().map(Record::bytes).sum::<usize>() > self.1 {
                done(Err(log::AppendError::NotAppended("too much".to_owned())));
            } else {
                self.0.append(to, records, done);
            }
        }

        fn read(&self, of: &Partition, from: Offset, bytes_max: usize) -> Result<Vec<Stored>, log::Error> {
            assert!(!of.topic.contains(".events."), "the reader of intake is at {of}");
            self.0.read(of, from, bytes_max)
        }

        fn read_back(
            &self,
            of: &Partition,
            from: Offset,
            bytes_max: usize,
        ) -> Result<Vec<Stored>, log::Error> {
            self.0.read(of, from, bytes_max)
        }

        fn bounds(&self, of: &Partition) -> Result<(Offset, Offset), log::Error> {
            self.0.bounds(of)
        }

        fn watch(&self, of: &Partition, wake: log::Wake) -> Result<log::Watching, log::Error> {
            self.0.watch(of, wake)
        }

        fn trim(&self, of: &Partition, before: Offset) -> Result<(), log::Error> {
            self.0.trim(of, before)
        }

        fn commit(&self, group: &str, of: &Partition, next: Offset) -> Result<(), log::Error> {
            self.0.commit(group, of, next)
        }

        fn committed(&self, group: &str, of: &Partition) -> Result<Option<Offset>, log::Error> {
            self.0.committed(group, of)
        }
    }

    #[test]
    fn a_topic_that_somebody_deleted_is_made_anew() {
        let (log, partner) = (Memory::new(), PartnerId::new("a").unwrap());
        log.create_topic(&events_topic(&partner), 1).unwrap();
        let events = Partition::new(&events_topic(&partner), 0);
        let there = Record::of(written("1").encode_to_vec());
        log.append(&events, vec![there], Box::new(|it| assert!(it.is_ok())));
        let refused = refused(partner, 1, Source { partition: 0, offset: Offset(0) });
        give_back(&log, ShardId(0), &[refused]).unwrap();
        let back = Partition::new(&rejected_topic(&partner), 0);
        assert_eq!(log.read(&back, Offset(0), usize::MAX).unwrap().len(), 1);
    }

    #[test]
    fn many_large_events_go_back_in_pieces_and_in_order() {
        let partner = PartnerId::new("a").unwrap();
        let log = Narrow(network(&partner), PIECE_BYTES + (1 << 20));
        let events = Partition::new(&events_topic(&partner), 0);
        let mut large = Record::of(written("1").encode_to_vec());
        large.headers.push(("note".to_owned(), vec![b'x'; 900_000].into()));
        for _ in 0..20 {
            log.append(&events, vec![large.clone()], Box::new(|it| assert!(it.is_ok())));
        }
        let run: Vec<_> = (0..20)
            .map(|nth| refused(partner, nth + 1, Source { partition: 0, offset: Offset(nth) }))
            .collect();
        give_back(&log, ShardId(0), &run).unwrap();
        let back = log.read(&Partition::new(&rejected_topic(&partner), 0), Offset(0), usize::MAX).unwrap();
        let came: Vec<_> = back.iter().map(|stored| Rejected::read(&stored.record).unwrap().offset).collect();
        assert_eq!(came, (0..20).map(Offset).collect::<Vec<_>>());
    }

    #[test]
    fn an_event_goes_back_as_it_came_from_whichever_partition() {
        for partition in [0, 1] {
            let record = given_back(partition, &written("1"));
            assert_eq!(record.value, written("1").encode_to_vec());
            assert_eq!(Rejected::read(&record).unwrap().partition, partition);
        }
    }

    #[test]
    fn of_an_event_whose_topic_was_made_anew_only_the_place_is_told() {
        for record in [given_back(0, &written("2")), given_back(2, &written("1"))] {
            let told = Rejected::read(&record).unwrap();
            assert_eq!((told.event_id.as_str(), told.redacted, record.value.len()), ("1", true, 0));
        }
    }
}
