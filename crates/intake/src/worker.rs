//! The thread: reads what partners wrote, places it, and notes how far it is dealt with.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender};
use std::time::{Duration, Instant};

use coalition_domain::PartnerId;
use coalition_journal::entry::ShardId;
use coalition_journal::log::{self, AppendError, Log, Offset, Partition};
use coalition_ledger::runtime::Ledger;

use crate::intake::Settings;
use crate::judge::judge;
use crate::metrics::Metrics;
use crate::open::GROUP;
use crate::outbox::Outbox;
use crate::quota::{Meter, units_of};
use crate::rejected::rejected;
use crate::stream::{RoundId, Stream, StreamId};
use crate::survey::chain;
use crate::trace;
use crate::undecided::Undecided;

/// How often the shards are looked at when nothing else happens.
const TICK: Duration = Duration::from_millis(20);
/// The same while somebody's records wait until a shard has decided others of theirs, or for the partner's quota.
const HELD_TICK: Duration = Duration::from_millis(2);
/// What one read takes at least, however many share a shard.
const READ_BYTES_MIN: usize = 4 << 10;
/// How long to wait before what failed is tried again.
const PAUSE: Duration = Duration::from_millis(200);
/// How long a stop waits for what is under way.
const STOP_WAIT: Duration = Duration::from_secs(2);

/// What the thread is told.
pub(crate) enum Message {
    /// A partner's topic may have grown.
    Wake,
    /// A stream is to be read.
    Opened(Box<Stream>),
    /// What is read of a partner is there no more: another topic has its name, or none.
    Gone(PartnerId),
    /// It is read by somebody else from now on, from where all was dealt with: one partition of its topic, or all.
    Moved(PartnerId, Option<u32>),
    /// What became of an append.
    Answered(Way, Result<Offset, AppendError>),
    /// Read nothing more, and end when everything is where it belongs.
    Stop,
    /// End.
    End,
}

/// Where an append goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Way {
    /// To the inbox of a shard.
    Inbox(usize),
    /// Back to the partner of a stream.
    Back(StreamId),
}

/// The way to a shard.
pub(crate) struct Inbox {
    to: Partition,
    outbox: Outbox,
    undecided: Undecided,
}

impl Inbox {
    /// Nothing is on its way to it.
    pub(crate) fn new(to: Partition, append_bytes_max: usize) -> Self {
        Self { to, outbox: Outbox::new(append_bytes_max), undecided: Undecided::default() }
    }
}

/// How fast a partner's topic was read, and which stream of it last.
#[derive(Default)]
struct Pace {
    meter: Meter,
    last: Option<StreamId>,
}

pub(crate) struct Worker {
    log: Arc<dyn Log>,
    ledger: Ledger,
    settings: Settings,
    metrics: Arc<Metrics>,
    messages: Receiver<Message>,
    sender: Sender<Message>,
    /// Who is told whose topics have lost records that were read.
    lost: Sender<PartnerId>,
    woken: Arc<AtomicBool>,
    shards: Vec<Inbox>,
    streams: BTreeMap<StreamId, Stream>,
    /// The next one's id.
    next_id: StreamId,
    /// Which stream is read first, if it is still there.
    turn: StreamId,
    /// Of whom a shard has enough.
    enough: BTreeSet<PartnerId>,
    /// What was read of each partner.
    paces: BTreeMap<PartnerId, Pace>,
    /// How much is read at once.
    read_bytes: usize,
    /// After how long to look again at what is not read on, as a shard has enough of its partner, or it comes too fast.
    held: Option<Duration>,
    stop_at: Option<Instant>,
}

impl Worker {
    pub(crate) fn new(
        (log, ledger): (Arc<dyn Log>, Ledger),
        settings: Settings,
        shards: Vec<Inbox>,
        (sender, messages): (Sender<Message>, Receiver<Message>),
        (lost, woken): (Sender<PartnerId>, Arc<AtomicBool>),
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            log,
            ledger,
            settings,
            metrics,
            messages,
            sender,
            lost,
            woken,
            shards,
            streams: BTreeMap::new(),
            next_id: StreamId(0),
            turn: StreamId(0),
            enough: BTreeSet::new(),
            paces: BTreeMap::new(),
            read_bytes: 0,
            held: None,
            stop_at: None,
        }
    }

    pub(crate) fn run(mut self) {
        let mut busy = true;
        while self.listen(busy) {
            busy = self.stop_at.is_none() && self.read();
            self.append();
            if self.stop_at.is_some_and(|at| at <= Instant::now() || self.is_settled()) {
                return;
            }
        }
    }

    /// Takes all messages in, waiting for one unless there is something else to do. Whether to go on.
    fn listen(&mut self, busy: bool) -> bool {
        let tick = self.held.unwrap_or(TICK);
        let first = if busy { None } else { self.messages.recv_timeout(tick).ok() };
        let mut next = first.or_else(|| self.messages.try_recv().ok());
        while let Some(message) = next {
            match message {
                // What grows from now on sends another one.
                Message::Wake => self.woken.store(false, Ordering::Release),
                Message::Opened(stream) => self.adopt(*stream),
                Message::Gone(partner) => self.leave(partner, None, false),
                Message::Moved(partner, number) => self.leave(partner, number, true),
                Message::Answered(way, outcome) => self.answered(way, outcome),
                Message::Stop => self.stop_at = Some(Instant::now() + STOP_WAIT),
                Message::End => return false,
            }
            next = self.messages.try_recv().ok();
        }
        true
    }

    fn adopt(&mut self, mut stream: Stream) {
        stream.id = self.next_id;
        self.next_id = StreamId(self.next_id.0 + 1);
        self.metrics.follow(&stream);
        // At once: or the place in a topic before this one could come back, or a first one not be known for the first.
        self.commit(&stream.events, stream.next);
        self.streams.insert(stream.id, stream);
    }

    /// Reads no more of a partition of the partner's topic, or of all. What is under way of it says no more how far the topic was
    /// read, and when nothing is, it is forgotten. It `moves` if somebody comes upon the same again.
    fn leave(&mut self, partner: PartnerId, number: Option<u32>, moves: bool) {
        self.metrics.leave(partner, number);
        self.streams.retain(|_, stream| {
            let left =
                stream.partner == partner && number.is_none_or(|number| stream.events.number == number);
            stream.gone |= left;
            stream.moved |= left && moves;
            !stream.is_over()
        });
    }

    /// Reads each stream once, in turn, while there is room. Whether anything was read.
    fn read(&mut self) -> bool {
        let mut busy = false;
        self.held = None;
        self.look_at_shards();
        let mut from = Bound::Included(self.turn);
        for place in 0..self.streams.len() {
            if self.shards.iter().any(|inbox| inbox.outbox.bytes() >= self.settings.waiting_bytes_max) {
                break;
            }
            let next = self.streams.range((from, Bound::Unbounded)).chain(&self.streams).next();
            let Some((&id, _)) = next else { break };
            if place == 0 {
                self.turn = StreamId(id.0 + 1);
            }
            from = Bound::Excluded(id);
            busy |= self.read_stream(id);
        }
        busy
    }

    /// Learns what the shards have decided, and with it who is not read on. One that has not opened yet, or has stopped by a fault,
    /// is none that anybody should wait for.
    fn look_at_shards(&mut self) {
        self.enough.clear();
        let mut sharing = 1;
        for (shard, inbox) in (0..).map(ShardId).zip(&mut self.shards) {
            match self.ledger.status(shard).filter(|status| status.stopped.is_none()) {
                Some(status) => {
                    inbox.undecided.pauses = !status.in_office;
                    inbox.undecided.decided(status.inbox_next);
                }
                None => inbox.undecided.stands(),
            }
            sharing = sharing.max(inbox.undecided.sharing());
            self.enough.extend(inbox.undecided.enough(self.settings.undecided_max));
        }
        let most = self.settings.read_bytes_max;
        let some = (most / sharing).min(self.settings.partner_quota.bytes_at_once());
        self.read_bytes = some.max(READ_BYTES_MIN.min(most));
    }

    fn read_stream(&mut self, id: StreamId) -> bool {
        let Some(stream) = self.streams.get_mut(&id) else { return false };
        let (now, partner) = (Instant::now(), stream.partner);
        if !stream.may_be_read(&self.settings, now) {
            return false;
        }
        if let Some(wait) = self.holds(id, partner, now) {
            self.held = Some(self.held.unwrap_or(TICK).min(wait.clamp(HELD_TICK, TICK)));
            return false;
        }
        let Some(stream) = self.streams.get_mut(&id) else { return false };
        stream.more.store(false, Ordering::Release);
        let read = match self.log.read(&stream.events, stream.next, self.read_bytes) {
            Ok(read) => read,
            Err(log::Error::Trimmed { start, .. }) => {
                tracing::error!(events = %stream.events, next = %stream.next, %start, "records were deleted before they were read");
                self.metrics.trimmed(start.0.saturating_sub(stream.next.0));
                stream.next = start;
                stream.more.store(true, Ordering::Release);
                return true;
            }
            Err(error @ log::Error::Lost { .. }) => {
                tracing::error!(events = %stream.events, %error, "the partner's topic is read from its start");
                let partner = stream.partner;
                self.leave(partner, None, false);
                // It ends after this thread.
                _ = self.lost.send(partner);
                return false;
            }
            Err(error) => {
                if stream.failed.is_none() {
                    tracing::warn!(events = %stream.events, error = chain(&error), "the partner's topic can't be read; tried again");
                }
                stream.failed = Some(now + PAUSE);
                stream.more.store(true, Ordering::Release);
                return false;
            }
        };
        stream.failed = None;
        let Some(last) = read.last() else { return false };
        stream.more.store(true, Ordering::Release);
        let round = stream.begin(last.offset.plus(1));
        let (mut appends, mut accepted, mut bytes) = (0, 0, 0);
        let (quota, pace) = (self.settings.partner_quota, self.paces.entry(partner).or_default());
        quota.take(&mut pace.meter, read.iter().map(|stored| units_of(&stored.record)).sum(), now);
        pace.last = Some(id);
        self.metrics.paced(partner, quota.wait(&pace.meter, now));
        let shard_count = self.ledger.shards();
        for stored in read {
            bytes += stored.record.value.len() as u64;
            let (outbox, record) = match judge(stream.partner, stream.events.number, &stored) {
                Ok(judged) => {
                    accepted += 1;
                    let shard = judged.account.shard(shard_count);
                    trace::accepted(&stream.events, stored.offset, &judged.record, ShardId(shard));
                    let inbox = &mut self.shards[shard as usize];
                    inbox.undecided.push(partner);
                    (&mut inbox.outbox, judged.record)
                }
                Err(refused) => {
                    self.metrics.rejected(refused.refusal.reason);
                    trace::refused(stream.partner, &stream.events, &stored, &refused);
                    (&mut stream.returns, rejected(&stream.events, &stored, &refused))
                }
            };
            appends += usize::from(outbox.push(record, round));
        }
        stream.wait(round, appends);
        self.metrics.judged(accepted, bytes);
        true
    }

    /// How long a stream is not read on: until a shard has less of its partner, its partner may send more, or another stream
    /// of that partner has had its turn.
    fn holds(&self, id: StreamId, partner: PartnerId, now: Instant) -> Option<Duration> {
        if self.enough.contains(&partner) {
            return Some(HELD_TICK);
        }
        let pace = self.paces.get(&partner).filter(|_| self.settings.partner_quota.per_second().is_some())?;
        let wait = self.settings.partner_quota.wait(&pace.meter, now);
        let after = pace.last.map_or(Bound::Unbounded, Bound::Excluded);
        let next = self.streams.range((after, Bound::Unbounded)).chain(&self.streams);
        let mut next =
            next.filter(|(_, stream)| stream.partner == partner && stream.may_be_read(&self.settings, now));
        let others_turn = next.next().is_some_and(|(next, _)| *next != id);
        (others_turn || !wait.is_zero()).then_some(wait)
    }

    /// Appends what waits, wherever no append is under way.
    fn append(&mut self) {
        let now = Instant::now();
        let inboxes = self.shards.iter_mut().enumerate();
        let inboxes = inboxes.map(|(shard, inbox)| (Way::Inbox(shard), &inbox.to, &mut inbox.outbox));
        let back = self.streams.values_mut().map(|it| (Way::Back(it.id), &it.rejected, &mut it.returns));
        for (way, to, outbox) in inboxes.chain(back) {
            let Some(records) = outbox.take(now) else { continue };
            let sender = self.sender.clone();
            // An answer that finds nobody comes after the end.
            let done = move |outcome| drop(sender.send(Message::Answered(way, outcome)));
            self.log.append(to, records, Box::new(done));
        }
    }

    fn answered(&mut self, way: Way, outcome: Result<Offset, AppendError>) {
        let (to, outbox, undecided) = match way {
            Way::Inbox(shard) => {
                let inbox = &mut self.shards[shard];
                (&inbox.to, &mut inbox.outbox, Some(&mut inbox.undecided))
            }
            Way::Back(stream) => {
                // It stays until everything of it is answered.
                let Some(stream) = self.streams.get_mut(&stream) else { return };
                (&stream.rejected, &mut stream.returns, None)
            }
        };
        match outcome {
            Ok(first) => {
                if let Some(undecided) = undecided {
                    let records = outbox.under_way();
                    trace::placed(ShardId(to.number), first, records);
                    undecided.placed(first, u64::try_from(records.len()).expect("a length fits"));
                }
                let rounds = outbox.acknowledged();
                rounds.into_iter().for_each(|round| self.done(round));
            }
            Err(error) => {
                tracing::warn!(%to, %error, "an append failed; it is repeated");
                outbox.failed(Instant::now());
                // Whoever reads on in its place comes upon the same again, and may have another place for it.
                if let Way::Back(stream) = way
                    && self.streams.get(&stream).is_some_and(|stream| stream.moved)
                {
                    self.streams.remove(&stream);
                }
            }
        }
    }

    fn done(&mut self, round: RoundId) {
        let Some(stream) = self.streams.get_mut(&round.stream) else { return };
        let next = stream.done(round);
        if stream.is_over() {
            self.streams.remove(&round.stream);
        } else if let Some(next) = next.filter(|_| !stream.gone) {
            let stream = &self.streams[&round.stream];
            self.commit(&stream.events, next);
        }
    }

    fn commit(&self, events: &Partition, next: Offset) {
        if let Err(error) = self.log.commit(GROUP, events, next) {
            tracing::warn!(%events, error = chain(&error), "how far the topic was read could not be noted");
        }
    }

    fn is_settled(&self) -> bool {
        self.streams.values().all(Stream::is_settled)
    }
}
