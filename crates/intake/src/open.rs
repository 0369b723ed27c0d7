//! Opening the topics of a partner.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;

use coalition_domain::PartnerId;
use coalition_journal::log::{self, Log, Offset, Partition};
use uuid::Uuid;

use crate::intake::Settings;
use crate::metrics::Metrics;
use crate::outbox::Outbox;
use crate::stream::Stream;
use crate::worker::Message;
use crate::{events_topic, rejected_topic};

/// The group under which it is committed in the log how far a partner's topic is dealt with. Frozen: under another name
/// everything is read again.
pub const GROUP: &str = "coalition-intake";

/// Opens streams, each of which wakes the thread when its topic grows.
pub(crate) struct Opener {
    log: Arc<dyn Log>,
    partitions: u32,
    append_bytes_max: usize,
    sender: Sender<Message>,
    metrics: Arc<Metrics>,
    /// Whether a wake is on its way to the thread: one is enough.
    woken: Arc<AtomicBool>,
}

/// The topics of a partner.
pub(crate) struct Topics {
    /// Which topic its events come in.
    pub(crate) id: Uuid,
    /// How many partitions that has.
    pub(crate) partitions: u32,
    events: String,
    rejected: String,
    rejected_partitions: u32,
}

impl Opener {
    pub(crate) fn new(
        log: Arc<dyn Log>,
        settings: &Settings,
        (sender, woken): (Sender<Message>, Arc<AtomicBool>),
        metrics: Arc<Metrics>,
    ) -> Self {
        let Settings { partitions, append_bytes_max, .. } = *settings;
        Self { log, partitions, append_bytes_max, sender, metrics, woken }
    }

    /// The topics of a partner. They are created if they are not there; what others made is an error where it could lose
    /// events.
    pub(crate) fn topics(&self, partner: PartnerId) -> Result<Topics, log::Error> {
        let (events, rejected) = (events_topic(&partner), rejected_topic(&partner));
        let found = self.log.open_topic(&events, self.partitions)?;
        let rejected_partitions = self.log.open_topic(&rejected, self.partitions)?.partitions;
        Ok(Topics { id: found.id, partitions: found.partitions, events, rejected, rejected_partitions })
    }

    /// Whether what the partner gets back has its topic: one that somebody deleted is made anew, as what can't go there holds up what
    /// comes behind it. Not if somebody else has made it, with other partitions.
    ///
    /// # Errors
    /// Those of the log.
    pub(crate) fn keeps_back(&self, topics: &Topics) -> Result<bool, log::Error> {
        let found = self.log.open_topic(&topics.rejected, topics.rejected_partitions)?;
        Ok(found.partitions >= topics.rejected_partitions)
    }

    /// The stream of partition `number`, from where it was left off; of a topic that was made `anew` from its start.
    pub(crate) fn open(
        &self,
        partner: PartnerId,
        topics: &Topics,
        number: u32,
        anew: bool,
    ) -> Result<Stream, log::Error> {
        let events = Partition::new(&topics.events, number);
        let rejected = Partition::new(&topics.rejected, number % topics.rejected_partitions);
        let committed = if anew { None } else { self.log.committed(GROUP, &events)? };
        let next = match committed {
            Some(next) => next,
            None => self.start(&events)?,
        };
        let returns = Outbox::new(self.append_bytes_max);
        let mut stream = Stream::new(partner, (events, rejected), returns, next);
        let (more, woken, sender) = (Arc::clone(&stream.more), Arc::clone(&self.woken), self.sender.clone());
        let wake = move || {
            more.store(true, Ordering::Release);
            if !woken.swap(true, Ordering::AcqRel) {
                // A wake that finds nobody comes after the end.
                drop(sender.send(Message::Wake));
            }
        };
        stream.watching = Some(self.log.watch(&stream.events, Arc::new(wake))?);
        Ok(stream)
    }

    /// Where a partition starts of which nothing was read yet.
    fn start(&self, events: &Partition) -> Result<Offset, log::Error> {
        let (start, _) = self.log.bounds(events)?;
        if start > Offset::default() {
            tracing::warn!(%events, %start, "records were deleted before the topic was read for the first time");
            self.metrics.trimmed(start.0);
        }
        Ok(start)
    }
}
