//! A producer of partner events, which loses none and doubles none.
//!
//! [`Producer::send`] takes an event in, and a task of the producer's publishes it: in order, in calls of up to 1,000 events,
//! one call at a time, each repeated until it is done. It publishes by gRPC ([`Grpc`]) or, with the feature `kafka`, by Kafka
//! (`Kafka`). An event counts once per event id however often it is published, so
//! repeats do no harm; an event without an id gets one from its content ([`content_id`]).
//!
//! With a [`Spool`](SpoolSettings) an event is on disk before `send` returns, and stays there until the network has it: what
//! this process doesn't come to publish, the next one does. Without one, events are in memory only.
//!
//! When more is sent than gets published, `send` waits for room: at most [`Settings::in_flight_max`] events are taken in and
//! not published. While the network is away, a producer with a spool goes on taking in until the spool is full, and then
//! says so at once.

mod check;
mod grpc;
#[cfg(feature = "kafka")]
mod kafka;
mod keeper;
mod pump;
mod queue;
mod transport;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use coalition_domain::Reference;
use coalition_proto::event::v1::PartnerEvent;
use coalition_proto::r#type::v1::{ErrorReason, Refusal};
use tokio::sync::{mpsc, oneshot, watch};

pub use self::check::{BadEvent, content_id};
pub use self::grpc::Grpc;
#[cfg(feature = "kafka")]
pub use self::kafka::{Kafka, NoKafka};
pub use self::transport::{Transport, Trouble};
pub use crate::spool::{Error as SpoolError, SPOOL_BYTES_MIN};

use self::keeper::{Input, Keeper};
use self::queue::Queue;
use crate::spool::Spool;

/// What is on its way to the keeper's thread.
const INPUTS: usize = 1_024;

/// Hears of each event that was refused, with the reason.
pub type OnRefused = Arc<dyn Fn(&PartnerEvent, &Refusal) + Send + Sync>;

/// How a producer works.
#[derive(Clone)]
pub struct Settings {
    /// How many events may be taken in and not published before [`Producer::send`] waits; 1 or more.
    pub in_flight_max: u32,
    /// Where events are kept until they are published; `None`: in memory, where a process that ends loses them.
    pub spool: Option<SpoolSettings>,
    /// Called on the producer's task with each event that was refused: it must not block. After a crash it may be called
    /// again with the same event. Unless set otherwise a refusal is a line in the log.
    pub on_refused: OnRefused,
}

impl Default for Settings {
    fn default() -> Self {
        Self { in_flight_max: 10_000, spool: None, on_refused: Arc::new(log_refused) }
    }
}

fn log_refused(event: &PartnerEvent, refusal: &Refusal) {
    let reason = ErrorReason::try_from(refusal.reason).unwrap_or_default().reason();
    tracing::warn!(event_id = event.event_id, reason, field = refusal.field, "an event was refused");
}

/// A spool on disk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SpoolSettings {
    /// A folder of the producer's own; it is made if it is not there. One producer at a time uses it.
    pub folder: PathBuf,
    /// How many bytes it may take, [`SPOOL_BYTES_MIN`] or more. An event takes some 200.
    pub bytes_max: u64,
    /// What events in it survive.
    pub survives: Survives,
}

impl SpoolSettings {
    /// A spool of 64 MiB whose events survive the process.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), bytes_max: 64 << 20, survives: Survives::Process }
    }
}

/// What an event survives once [`Producer::send`] has returned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Survives {
    /// The end of this process, by kill -9 too. It was written, but nobody waited for the disk: when the machine loses its
    /// power, those of the last half minute or so can be lost.
    Process,
    /// The end of the machine: the disk has confirmed it (fsync). Those sent at the same time share a confirmation.
    Machine,
}

/// Why an event was not taken in, or won't be published by this producer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SendError {
    /// The event can't be meant. Correct it.
    #[error(transparent)]
    Bad(#[from] BadEvent),
    /// The network is away and the spool has no room. Send it again later, or let it go.
    #[error(transparent)]
    Full(Arc<SpoolError>),
    /// The spool can't be written or read. The event may be published all the same.
    #[error("the spool failed")]
    Spool(#[source] Arc<SpoolError>),
    /// The network said no to this producer, such as to its key, and not to an event. What is in a spool stays there for
    /// the next producer.
    #[error("nothing is published any more: {0}")]
    Ended(String),
    /// The producer was closed.
    #[error("the producer is closed")]
    Closed,
}

impl From<SpoolError> for SendError {
    fn from(error: SpoolError) -> Self {
        match error {
            SpoolError::Full { .. } => Self::Full(Arc::new(error)),
            SpoolError::InUse(_)
            | SpoolError::Damaged { .. }
            | SpoolError::Broken
            | SpoolError::Io { .. } => Self::Spool(Arc::new(error)),
        }
    }
}

/// Why not all events are published.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Unfinished {
    /// Time was over. Those in a spool stay there for the next producer; others are lost if this one was closed.
    #[error("{waiting} events were not published in time")]
    Late {
        /// How many.
        waiting: u64,
    },
    /// They can't be.
    #[error(transparent)]
    Failed(#[from] SendError),
}

/// What a producer has done.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Events that [`Producer::send`] took in.
    pub taken: u64,
    /// Events that the topic has, with those that were in the spool before.
    pub published: u64,
    /// Events that were refused.
    pub refused: u64,
    /// Events that wait to be published.
    pub waiting: u64,
    /// Bytes that the spool takes.
    pub spool_bytes: u64,
    /// Tries to publish that failed, and were or are repeated.
    pub failures: u64,
}

/// Publishes a partner's events. See the [module](self).
pub struct Producer {
    inputs: mpsc::Sender<Input>,
    counts: watch::Receiver<Counts>,
    pump: tokio::task::JoinHandle<()>,
    keeper: Option<JoinHandle<()>>,
}

impl Producer {
    /// Starts a producer, which first publishes what is left in the spool. Call it on a tokio runtime with timers.
    ///
    /// # Errors
    /// Those of opening the spool.
    pub async fn start(transport: impl Transport, settings: Settings) -> Result<Self, SpoolError> {
        let Settings { in_flight_max, spool, on_refused } = settings;
        let queue = match spool {
            None => Queue::Memory(Default::default()),
            Some(SpoolSettings { folder, bytes_max, survives }) => {
                let open = move || Spool::open(&folder, bytes_max.max(SPOOL_BYTES_MIN));
                let spool = tokio::task::spawn_blocking(open).await.expect("opening doesn't panic")?;
                Queue::Disk { spool, sync: survives == Survives::Machine }
            }
        };
        let (inputs, mut heard) = mpsc::channel(INPUTS);
        let (tell, counts) = watch::channel(Counts::default());
        let keeper = Keeper::new(queue, u64::from(in_flight_max.max(1)), tell);
        let keeper = std::thread::Builder::new()
            .name("event-keeper".to_owned())
            .spawn(move || keeper.run(&mut heard))
            .expect("the system has a thread to spare");
        let pump = tokio::spawn(pump::pump(inputs.clone(), transport, on_refused));
        Ok(Self { inputs, counts, pump, keeper: Some(keeper) })
    }

    /// Takes an event in, and gives its id. Waits while there is no room; one whose future is dropped before may be taken in
    /// or not.
    ///
    /// # Errors
    /// See [`SendError`].
    pub async fn send(&self, mut event: PartnerEvent) -> Result<Reference, SendError> {
        let (id, event) = check::prepare(&mut event)?;
        let (taken, outcome) = oneshot::channel();
        self.tell(Input::Take { event, taken }).await?;
        outcome.await.map_err(|_| SendError::Closed)??;
        Ok(id)
    }

    /// Waits until all events that were taken in before are published or refused.
    ///
    /// # Errors
    /// See [`Unfinished`].
    pub async fn flush(&self, within: Duration) -> Result<(), Unfinished> {
        let flushed = async {
            let (done, outcome) = oneshot::channel();
            self.tell(Input::Flush { done }).await?;
            outcome.await.map_err(|_| SendError::Closed)?
        };
        match tokio::time::timeout(within, flushed).await {
            Ok(outcome) => Ok(outcome?),
            Err(_) => Err(Unfinished::Late { waiting: self.counts().waiting }),
        }
    }

    /// [Flushes](Self::flush), and ends the producer: after it another one may use the spool.
    ///
    /// # Errors
    /// See [`Unfinished`].
    pub async fn close(mut self, within: Duration) -> Result<Counts, Unfinished> {
        let flushed = self.flush(within).await;
        self.pump.abort();
        // It may have ended by itself.
        drop(self.tell(Input::Stop).await);
        if let Some(keeper) = self.keeper.take() {
            let joined = tokio::task::spawn_blocking(move || keeper.join()).await;
            assert!(matches!(joined, Ok(Ok(()))), "the keeper of the events panicked");
        }
        flushed.map(|()| self.counts())
    }

    /// What it has done so far.
    pub fn counts(&self) -> Counts {
        *self.counts.borrow()
    }

    async fn tell(&self, input: Input) -> Result<(), SendError> {
        self.inputs.send(input).await.map_err(|_| SendError::Closed)
    }
}

impl Drop for Producer {
    /// Ends it without waiting: what is in a spool is published by the next producer, all else is lost.
    fn drop(&mut self) {
        self.pump.abort();
    }
}
