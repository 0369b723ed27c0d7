//! How far one partition of a partner's topic was read, and how far it was dealt with.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use coalition_domain::PartnerId;
use coalition_journal::log::{Offset, Partition, Watching};

use crate::intake::Settings;
use crate::outbox::Outbox;

/// Names a stream; in the order of their opening.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct StreamId(pub(crate) u64);

/// Names a round: one read of one stream. Counted from 0 within its stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct RoundId {
    pub(crate) stream: StreamId,
    number: u64,
}

/// A round whose records are not all where they belong.
struct Round {
    /// Behind its last record.
    next: Offset,
    /// Appends that it waits for.
    open: usize,
}

/// One partition of a partner's topic.
pub(crate) struct Stream {
    /// Given by the thread that reads it.
    pub(crate) id: StreamId,
    pub(crate) partner: PartnerId,
    pub(crate) events: Partition,
    pub(crate) rejected: Partition,
    /// On the way to `rejected`.
    pub(crate) returns: Outbox,
    /// The next offset to read.
    pub(crate) next: Offset,
    /// Set when the partition may hold more than was read.
    pub(crate) more: Arc<AtomicBool>,
    /// Sets it, for as long as this is read here.
    pub(crate) watching: Option<Watching>,
    /// The offset before which everything is dealt with, for whoever measures.
    pub(crate) settled: Arc<AtomicU64>,
    /// It could not be read, and is not tried before this instant.
    pub(crate) failed: Option<Instant>,
    /// Its topic is there no more, or another one of the same name; or it is others' to read.
    pub(crate) gone: bool,
    /// Whoever reads it now comes upon all of it again that was not dealt with.
    pub(crate) moved: bool,
    rounds: VecDeque<Round>,
    /// Number of the first of `rounds`.
    first: u64,
}

impl Stream {
    /// The stream of `events`, to be read from `next` on; what it can't accept goes to `rejected`.
    pub(crate) fn new(
        partner: PartnerId,
        (events, rejected): (Partition, Partition),
        returns: Outbox,
        next: Offset,
    ) -> Self {
        Self {
            id: StreamId(0),
            partner,
            events,
            rejected,
            returns,
            next,
            more: Arc::new(AtomicBool::new(true)),
            watching: None,
            settled: Arc::new(AtomicU64::new(next.0)),
            failed: None,
            gone: false,
            moved: false,
            rounds: VecDeque::new(),
            first: 0,
        }
    }

    /// Whether it may be read now, and there may be something. Who reads takes that news, and gives it back with what it finds.
    pub(crate) fn may_be_read(&self, settings: &Settings, now: Instant) -> bool {
        !self.gone
            && self.rounds.len() < settings.reads_open_max
            && self.returns.bytes() < settings.waiting_bytes_max
            && self.failed.is_none_or(|until| until <= now)
            && self.more.load(Ordering::Acquire)
    }

    /// Begins a round that ends at `next`.
    pub(crate) fn begin(&mut self, next: Offset) -> RoundId {
        let number = self.first + u64::try_from(self.rounds.len()).expect("a length fits");
        self.rounds.push_back(Round { next, open: 0 });
        self.next = next;
        RoundId { stream: self.id, number }
    }

    /// The round waits for `appends` of its records.
    pub(crate) fn wait(&mut self, round: RoundId, appends: usize) {
        self.round(round).open += appends;
    }

    /// One of the appends that the round waited for is done; gives the offset to commit, if it is another one now.
    /// Rounds end in their order: before what is committed, everything is where it belongs.
    pub(crate) fn done(&mut self, round: RoundId) -> Option<Offset> {
        self.round(round).open -= 1;
        let mut commit = None;
        while let Some(ended) = self.rounds.pop_front_if(|round| round.open == 0) {
            self.first += 1;
            self.settled.store(ended.next.0, Ordering::Relaxed);
            commit = Some(ended.next);
        }
        commit
    }

    /// Whether everything that was read is where it belongs.
    pub(crate) fn is_settled(&self) -> bool {
        self.rounds.is_empty()
    }

    /// Whether nothing will come of it any more.
    pub(crate) fn is_over(&self) -> bool {
        self.gone && self.is_settled()
    }

    fn round(&mut self, id: RoundId) -> &mut Round {
        let place = usize::try_from(id.number - self.first).expect("few are open");
        &mut self.rounds[place]
    }
}
