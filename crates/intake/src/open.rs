//! Opening the topics of a partner.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;

use coalition_domain::PartnerId;
use coalition_journal::log::{self, Log, Offset, Partition};

use crate::intake::Settings;
use crate::outbox::Outbox;
use crate::stream::{Stream, StreamId};
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
    /// Whether a wake is on its way to the thread: one is enough.
    woken: Arc<AtomicBool>,
}

impl Opener {
    pub(crate) fn new(log: Arc<dyn Log>, settings: &Settings, sender: Sender<Message>) -> Self {
        let Settings { partitions, append_bytes_max, .. } = *settings;
        Self { log, partitions, append_bytes_max, sender, woken: Arc::default() }
    }

    /// The wake that was on its way is there; what grows from now on sends another one.
    pub(crate) fn wake_heard(&self) {
        self.woken.store(false, Ordering::Release);
    }

    /// The streams of a partner, numbered from `first` on. Its topics are created if they are not there; what others made is
    /// an error where it could lose events.
    pub(crate) fn open(&self, partner: PartnerId, first: usize) -> Result<Vec<Stream>, log::Error> {
        let events = self.partitions(&events_topic(&partner))?;
        let rejected = self.partitions(&rejected_topic(&partner))?;
        let mut streams = Vec::new();
        for (number, events) in events.into_iter().enumerate() {
            let rejected = rejected[number % rejected.len()].clone();
            streams.push(self.open_stream(StreamId(first + number), partner, (events, rejected))?);
        }
        Ok(streams)
    }

    fn partitions(&self, topic: &str) -> Result<Vec<Partition>, log::Error> {
        let found = self.log.open_topic(topic, self.partitions)?;
        Ok((0..found.partitions).map(|number| Partition::new(topic, number)).collect())
    }

    fn open_stream(
        &self,
        id: StreamId,
        partner: PartnerId,
        (events, rejected): (Partition, Partition),
    ) -> Result<Stream, log::Error> {
        let (start, end) = self.log.bounds(&events)?;
        let next = self.log.committed(GROUP, &events)?.unwrap_or(start);
        if next > end {
            tracing::error!(%events, %next, %end, "the topic ends before what was read of it: was it made anew? if it stays so, it is read from its start");
        }
        let returns = Outbox::new(self.append_bytes_max, Offset::default());
        let stream = Stream::new(id, partner, (events, rejected), returns, next);
        let (more, woken, sender) = (Arc::clone(&stream.more), Arc::clone(&self.woken), self.sender.clone());
        let wake = move || {
            more.store(true, Ordering::Release);
            if !woken.swap(true, Ordering::AcqRel) {
                // A wake that finds nobody comes after the end.
                drop(sender.send(Message::Wake));
            }
        };
        self.log.watch(&stream.events, Arc::new(wake))?;
        Ok(stream)
    }
}
