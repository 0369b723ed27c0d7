//! Purchases on their way into the log: as fast as it takes them, or at a rate.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use coalition_domain::PartnerId;
use coalition_intake::events_topic;
use coalition_journal::log::{AppendError, Log, Offset, Partition, Record};
use coalition_ledger::runtime::INBOX;

use crate::workload::{Purchase, SHOP, Shape};

/// Records in an append.
const CHUNK: usize = 2_000;
/// Appends under way.
const UNDER_WAY_MAX: u32 = 8;
/// Between two appends of a stream.
const TICK: Duration = Duration::from_millis(5);

/// Where they go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum To {
    /// The inbox, as intake puts them there, by the shard of the account.
    Inbox { shards: u32 },
    /// The partner's topic.
    Partner,
}

/// Appends purchases.
pub(crate) struct Feed<'a> {
    log: &'a dyn Log,
    to: To,
    topic: String,
    chunks: Vec<Vec<Record>>,
    under_way: u32,
    done: Sender<Result<Offset, AppendError>>,
    acknowledged: Receiver<Result<Offset, AppendError>>,
}

impl<'a> Feed<'a> {
    pub(crate) fn new(log: &'a dyn Log, to: To) -> Result<Self> {
        let (topic, partitions) = match to {
            To::Inbox { shards } => (INBOX.to_owned(), shards),
            To::Partner => (events_topic(&PartnerId::new(SHOP)?), 1),
        };
        if to == To::Partner {
            log.open_topic(&topic, partitions)?;
        }
        let (done, acknowledged) = channel();
        let chunks = (0..partitions).map(|_| Vec::new()).collect();
        Ok(Self { log, to, topic, chunks, under_way: 0, done, acknowledged })
    }

    pub(crate) fn push(&mut self, purchase: &Purchase) -> Result<()> {
        let (partition, record) = match self.to {
            To::Inbox { shards } => {
                let (identifier, record) = purchase.request()?;
                (identifier.account().shard(shards), record)
            }
            To::Partner => (0, purchase.message()?),
        };
        let chunk = &mut self.chunks[partition as usize];
        chunk.push(record);
        if chunk.len() < CHUNK {
            return Ok(());
        }
        self.send(partition);
        // All are waited for, so that the log finds many at once.
        if self.under_way >= UNDER_WAY_MAX { self.wait() } else { Ok(()) }
    }

    /// Sends what there is, and waits until the log has it.
    pub(crate) fn flush(&mut self) -> Result<()> {
        for partition in (0..).take(self.chunks.len()) {
            self.send(partition);
        }
        self.wait()
    }

    fn send(&mut self, partition: u32) {
        let chunk = std::mem::take(&mut self.chunks[partition as usize]);
        if !chunk.is_empty() {
            let done = self.done.clone();
            self.under_way += 1;
            let told = Box::new(move |told| drop(done.send(told)));
            self.log.append(&Partition::new(&self.topic, partition), chunk, told);
        }
    }

    fn wait(&mut self) -> Result<()> {
        while self.under_way > 0 {
            self.acknowledged.recv()?.with_context(|| format!("fill {}", self.topic))?;
            self.under_way -= 1;
        }
        Ok(())
    }
}

/// Appends all purchases of `shape`.
pub(crate) fn fill(log: &dyn Log, to: To, shape: &Shape) -> Result<()> {
    let mut feed = Feed::new(log, to)?;
    for number in 0..shape.events {
        feed.push(&Purchase::nth(number, shape.accounts))?;
    }
    feed.flush()
}

/// A thread that appends purchases at a rate, for as long as it is not stopped.
pub(crate) struct Stream {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<u32>>,
}

impl Stream {
    /// Begins with the purchase of number `from`, of `accounts` accounts.
    pub(crate) fn start(
        log: &Arc<dyn Log>,
        to: To,
        per_second: f64,
        (from, accounts): (u32, u32),
    ) -> Result<Self> {
        let (log, stop) = (Arc::clone(log), Arc::<AtomicBool>::default());
        let stopped = Arc::clone(&stop);
        let run = move || {
            let mut feed = Feed::new(&*log, to)?;
            let (began, mut sent) = (Instant::now(), 0);
            while !stopped.load(Ordering::Relaxed) {
                let due = began.elapsed().as_secs_f64() * per_second;
                while f64::from(sent) < due {
                    feed.push(&Purchase::nth(from + sent, accounts))?;
                    sent += 1;
                }
                feed.flush()?;
                std::thread::sleep(TICK);
            }
            Ok(sent)
        };
        let thread = std::thread::Builder::new().name("stream".to_owned()).spawn(run)?;
        Ok(Self { stop, thread })
    }

    /// Ends it; how many it has appended.
    pub(crate) fn stop(self) -> Result<u32> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("a stream does not panic")
    }
}
