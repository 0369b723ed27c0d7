//! The thread that keeps the queue: it takes events in when there is room, hands them out to be published, and strikes off
//! what was. It alone touches the disk.

use std::collections::VecDeque;

use tokio::sync::{mpsc, oneshot, watch};

use super::queue::Queue;
use super::{Counts, SendError};

/// Hears how it went.
type Hears = oneshot::Sender<Result<(), SendError>>;

/// More senders than this that wait for room are looked through for those that have given up.
const ENTRANCE: usize = 1_024;

/// What the keeper is told.
pub(super) enum Input {
    /// An event is to be taken in.
    Take { event: Vec<u8>, taken: Hears },
    /// The next events are wanted, as soon as there are any.
    Next { events: oneshot::Sender<Vec<Vec<u8>>> },
    /// The first events are dealt with: so many, of which so many were refused.
    Settled { events: usize, refused: u64 },
    /// Publishing failed, for now.
    Away,
    /// Nothing will be published any more.
    Ended { why: String },
    /// Somebody waits until all that was taken in before is dealt with.
    Flush { done: Hears },
    /// Go.
    Stop,
}

/// What the keeper knows.
pub(super) struct Keeper {
    queue: Queue,
    in_flight_max: u64,
    counts: watch::Sender<Counts>,
    /// Events that there was no room for yet.
    entrance: VecDeque<(Vec<u8>, Hears)>,
    wanted: Option<oneshot::Sender<Vec<Vec<u8>>>>,
    /// Those who wait until so many events of this process' life are settled.
    flushes: VecDeque<(u64, Hears)>,
    /// Whether the last try to publish failed.
    away: bool,
    ended: Option<SendError>,
    /// Events that were in the queue or came into it, and those of them that are dealt with.
    entered: u64,
    settled: u64,
}

impl Keeper {
    pub(super) fn new(queue: Queue, in_flight_max: u64, counts: watch::Sender<Counts>) -> Self {
        let entered = queue.waiting();
        let keeper = Self {
            queue,
            in_flight_max,
            counts,
            entrance: VecDeque::new(),
            wanted: None,
            flushes: VecDeque::new(),
            away: false,
            ended: None,
            entered,
            settled: 0,
        };
        keeper.tell();
        keeper
    }

    /// Works until it is told to stop, or nobody is left to tell it anything.
    pub(super) fn run(mut self, inputs: &mut mpsc::Receiver<Input>) {
        while let Some(input) = inputs.blocking_recv() {
            // Whatever else is there already is done with it: so one sync of the disk is for many.
            let mut next = Some(input);
            while let Some(input) = next {
                if !self.hear(input) {
                    return;
                }
                next = inputs.try_recv().ok();
            }
            self.step();
        }
    }

    /// False if it is to stop.
    fn hear(&mut self, input: Input) -> bool {
        match input {
            Input::Take { event, taken } => self.entrance.push_back((event, taken)),
            Input::Next { events } => self.wanted = Some(events),
            Input::Settled { events, refused } => {
                if let Err(error) = self.queue.settle(events) {
                    self.unmarked(error);
                }
                (self.away, self.settled) = (false, self.settled + events as u64);
                self.counts.send_modify(|counts| {
                    counts.published += events as u64 - refused;
                    counts.refused += refused;
                });
            }
            Input::Away => {
                self.away = true;
                self.counts.send_modify(|counts| counts.failures += 1);
            }
            Input::Ended { why } => self.end(SendError::Ended(why)),
            Input::Flush { done } => self.flushes.push_back((self.entered, done)),
            Input::Stop => return false,
        }
        true
    }

    fn step(&mut self) {
        self.take_in();
        if self.queue.waiting() > 0
            && let Some(wanted) = self.wanted.take()
        {
            let first = self.queue.first();
            // Nobody takes them when the producer goes.
            self.or_end(first).map(|events| wanted.send(events));
        }
        while self.flushes.front().is_some_and(|(target, _)| *target <= self.settled || self.ended.is_some())
        {
            let Some((target, done)) = self.flushes.pop_front() else { break };
            let outcome =
                if target <= self.settled { Ok(()) } else { self.ended.clone().map_or(Ok(()), Err) };
            drop(done.send(outcome));
        }
        self.tell();
    }

    /// Takes in what there is room for.
    fn take_in(&mut self) {
        let mut pushed = Vec::new();
        while self.has_room()
            && let Some((event, taken)) = self.entrance.pop_front()
        {
            // A sender that gave up while it waited didn't send.
            if taken.is_closed() {
                continue;
            }
            if let Some(ended) = &self.ended {
                drop(taken.send(Err(ended.clone())));
                continue;
            }
            match self.queue.push(event) {
                Ok(()) => {
                    self.entered += 1;
                    pushed.push(taken);
                }
                Err(error) => drop(taken.send(Err(error.into()))),
            }
        }
        if self.entrance.len() > ENTRANCE {
            self.entrance.retain(|(_, taken)| !taken.is_closed());
        }
        if pushed.is_empty() {
            return;
        }
        let synced = self.queue.sync().map_err(SendError::from);
        self.counts.send_modify(|counts| counts.taken += pushed.len() as u64);
        for taken in pushed {
            drop(taken.send(synced.clone()));
        }
    }

    /// Whether one more event can be taken in now, or be told no. With a disk an absent network leaves room: that of the
    /// disk.
    fn has_room(&self) -> bool {
        self.ended.is_some()
            || self.queue.waiting() < self.in_flight_max
            || self.away && self.queue.is_on_disk()
    }

    /// The disk doesn't know that events are dealt with. The next process publishes them again, which is
    /// harmless, so a disk that is full ends nothing.
    fn unmarked(&mut self, error: crate::spool::Error) {
        if self.queue.is_broken() {
            return self.end(error.into());
        }
        tracing::warn!(
            error = &error as &(dyn std::error::Error + 'static),
            "what is published could not be struck off; the next process may publish it again"
        );
    }

    fn or_end<T>(&mut self, outcome: Result<T, crate::spool::Error>) -> Option<T> {
        outcome.map_err(|error| self.end(error.into())).ok()
    }

    fn end(&mut self, why: SendError) {
        tracing::error!(error = &why as &(dyn std::error::Error + 'static), "nothing is published any more");
        self.ended.get_or_insert(why);
    }

    fn tell(&self) {
        self.counts.send_modify(|counts| {
            counts.waiting = self.queue.waiting();
            counts.spool_bytes = self.queue.disk_bytes();
        });
    }
}
