//! The thread for what nobody waits for: it trims, tells how far groups have got, and makes a producer anew.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::groups::Groups;
use super::producer::Producer;
use super::reader::Reader;
use super::topics::Topics;
use crate::log::{Error, Offset, Partition};

/// How often it is looked for what is due, and how long to wait before what failed is tried again.
const TICK: Duration = Duration::from_secs(1);
/// What comes within this time is done together.
const GATHER: Duration = Duration::from_millis(20);

/// What the thread is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Wish {
    /// There is something to trim or to commit.
    Look,
    /// The producer may not be able to go on.
    Renew,
    /// Do what is left once more, and end.
    Stop,
}

/// What is to be trimmed: for each partition the furthest.
#[derive(Default)]
pub(super) struct Trims(Mutex<BTreeMap<Partition, Offset>>);

impl Trims {
    pub(super) fn note(&self, of: &Partition, before: Offset) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let noted = all.entry(of.clone()).or_default();
        *noted = before.max(*noted);
    }

    fn take(&self) -> BTreeMap<Partition, Offset> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What the thread works with.
pub(super) struct Keeper {
    pub(super) topics: Arc<Topics>,
    pub(super) reader: Arc<Reader>,
    pub(super) producer: Arc<Producer>,
    pub(super) groups: Arc<Groups>,
    pub(super) trims: Arc<Trims>,
}

impl Keeper {
    pub(super) fn run(self, wishes: &Receiver<Wish>) {
        let mut renew = false;
        // What failed is tried again no sooner.
        let mut not_before = Instant::now();
        loop {
            let mut wish = wishes.recv_timeout(TICK);
            if wish == Ok(Wish::Look) {
                wish = wishes.recv_timeout(GATHER);
            }
            match wish {
                Ok(Wish::Renew) => renew = true,
                Ok(Wish::Look) | Err(RecvTimeoutError::Timeout) => {}
                Ok(Wish::Stop) | Err(RecvTimeoutError::Disconnected) => break,
            }
            if renew {
                renew = self
                    .producer
                    .renew()
                    .inspect_err(|error| tracing::error!(%error, "no new producer"))
                    .is_err();
            }
            if Instant::now() >= not_before && !self.look() {
                not_before = Instant::now() + TICK;
            }
        }
        self.look();
    }

    /// Does what is due; whether all went well.
    fn look(&self) -> bool {
        let mut well = true;
        self.topics.lines();
        // First what keeps a next start short: a trim waits for brokers that are away.
        if self.groups.is_due()
            && let Err(error) = self.groups.flush()
        {
            warn(&error, "how far a group has got could not be told; it is tried again");
            well = false;
        }
        for (partition, before) in self.trims.take() {
            match self.trim(&partition, before) {
                Ok(start) => self.reader.trimmed(&partition, start),
                Err(error) => {
                    warn(&error, "a partition could not be trimmed; it is tried again");
                    self.trims.note(&partition, before);
                    well = false;
                }
            }
        }
        well
    }

    /// No further than the end: brokers refuse that.
    fn trim(&self, partition: &Partition, before: Offset) -> Result<Offset, Error> {
        let (start, end) = self.reader.bounds(partition)?;
        let before = before.min(end);
        if before <= start { Ok(start) } else { self.topics.trim(partition, before) }
    }
}

fn warn(error: &Error, what: &str) {
    let source = std::error::Error::source(error).map(ToString::to_string);
    tracing::warn!(%error, source, "{what}");
}
