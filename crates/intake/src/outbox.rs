//! Records on their way to one partition, in order whatever fails.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use coalition_journal::log::Record;

use crate::stream::RoundId;

/// How long to wait before an append that failed is tried again.
const PAUSE: Duration = Duration::from_millis(100);

/// What waits for one partition. One append is under way at a time and what comes meanwhile gathers for the next one: a
/// second append could take effect although the first failed, and then overtake it.
pub(crate) struct Outbox {
    append_bytes_max: usize,
    /// The first of them is the one under way.
    batches: VecDeque<Batch>,
    bytes: usize,
    state: State,
}

/// The records of one append.
#[derive(Default)]
struct Batch {
    records: Vec<Record>,
    bytes: usize,
    rounds: Vec<RoundId>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Idle,
    UnderWay,
    /// The append failed, or may have.
    Failed {
        until: Instant,
    },
}

impl Outbox {
    /// Nothing waits.
    pub(crate) fn new(append_bytes_max: usize) -> Self {
        Self { append_bytes_max, batches: VecDeque::new(), bytes: 0, state: State::Idle }
    }

    /// Takes a record of `round`; whether the round has to wait for one more append because of it.
    pub(crate) fn push(&mut self, record: Record, round: RoundId) -> bool {
        let bytes = record.bytes();
        let under_way = usize::from(self.state != State::Idle);
        let gathers = self.batches.len() > under_way
            && self.batches.back().is_some_and(|batch| batch.bytes + bytes <= self.append_bytes_max);
        if !gathers {
            self.batches.push_back(Batch::default());
        }
        let batch = self.batches.back_mut().expect("put there if there was none");
        batch.records.push(record);
        batch.bytes += bytes;
        self.bytes += bytes;
        let first = batch.rounds.last() != Some(&round);
        if first {
            batch.rounds.push(round);
        }
        first
    }

    /// The records to append now, if it is time for that. An append that failed is repeated before all else: what it
    /// put there twice, the ledger drops.
    pub(crate) fn take(&mut self, now: Instant) -> Option<Vec<Record>> {
        match self.state {
            State::UnderWay => return None,
            State::Failed { until } if now < until => return None,
            State::Failed { .. } | State::Idle => {}
        }
        let records = self.batches.front()?.records.clone();
        self.state = State::UnderWay;
        Some(records)
    }

    /// The append under way is in the partition; gives the rounds that waited for it.
    pub(crate) fn acknowledged(&mut self) -> Vec<RoundId> {
        assert_eq!(self.state, State::UnderWay, "an append is answered once");
        self.state = State::Idle;
        let batch = self.batches.pop_front().expect("one is under way");
        self.bytes -= batch.bytes;
        batch.rounds
    }

    /// The records of the append under way.
    pub(crate) fn under_way(&self) -> &[Record] {
        self.batches.front().map_or(&[], |batch| &batch.records)
    }

    /// The append under way failed, or may have.
    pub(crate) fn failed(&mut self, now: Instant) {
        assert_eq!(self.state, State::UnderWay, "an append is answered once");
        self.state = State::Failed { until: now + PAUSE };
    }

    /// How many bytes wait or are under way.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}
