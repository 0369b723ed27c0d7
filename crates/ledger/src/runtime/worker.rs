//! The thread of a shard: reads for the core, carries out what it asks for, and passes questions and answers on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use coalition_domain::{Span, Timestamp};
use coalition_journal::entry::{OwnerId, Seq};
use coalition_journal::log::{self, Offset, Record, Stored};
use tokio::sync::{oneshot, watch};
use uuid::Uuid;

use super::answers::{Caller, Waiting};
use super::checkpoint::Checkpointer;
use super::core::{Core, Held};
use super::distant::Behind;
use super::handle::{LeavesOffice, RegistryReply, Reply, Status, Unavailable};
use super::open::{Place, Projection};
use super::orders::Orders;
use super::post::{Post, Postbox};
use super::questions::Question;
use super::retry::{PAUSE, backoff, chain};
use super::wake::Wake;
use super::{INBOX, Settings};
use crate::body::Destination;
use crate::clock::Now;
use crate::finder::{self, Kind};
use crate::group::Duty;
use crate::rows;
use crate::shard::{Direct, Input, Output, Shard, Tally, Token};
use crate::timers;

/// How often the core is told that time has passed, at least.
pub(super) const TICK: Duration = Duration::from_millis(50);
/// Bytes read at once from inbox or journal.
const READ_BYTES: usize = 2 * 1024 * 1024;
/// The same from the inbox while somebody asks.
const READ_BYTES_ATTENDED: usize = 64 * 1024;
/// Messages taken in before the log is looked at again.
const MESSAGES_MAX: usize = 1_024;

/// What the thread is told.
pub(super) enum Message {
    /// A partition may have grown.
    Wake(Wake),
    /// Something for the core of this life.
    Input(Life, Input),
    /// A command of an account.
    Command {
        direct: Box<Direct>,
        reply: oneshot::Sender<Result<Reply, Unavailable>>,
        /// In which it is asked.
        span: tracing::Span,
    },
    /// A command of the registry.
    Change {
        direct: Box<Direct>,
        reply: oneshot::Sender<Result<RegistryReply, Unavailable>>,
        /// In which it is asked.
        span: tracing::Span,
    },
    /// A question, to be answered at this position or later.
    Question(Seq, Question),
    /// Show what lies behind the views, and the changes of the registry after so many.
    Behind { after: u64, reply: oneshot::Sender<Behind> },
    /// The store of this life has failed.
    StoreFailed(Life, String),
    /// What this process is to the shard from now on.
    Duty(Duty),
    /// Finish.
    Stop,
}

/// Counts the cores that a thread has run: what was said to one is nothing to the next, which has asked for nothing yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Life(pub(super) u64);

/// How a run of the thread ended.
pub(super) enum Exit {
    /// It was told to stop, or the shard is others' now.
    Done,
    /// Nothing that could be tried again would help: a person has to act.
    Broken(String),
    /// The projection can't be trusted or used any more.
    StoreFailed(String),
}

pub(super) struct Worker<'a> {
    pub(super) place: &'a Place,
    settings: &'a Settings,
    pub(super) core: Held<'a>,
    pub(super) checkpointer: Checkpointer,
    pub(super) messages: &'a Postbox,
    post: &'a Post,
    pub(super) published: &'a watch::Sender<Option<Status>>,
    pub(super) queued: &'a AtomicUsize,
    pub(super) orders: &'a Orders,
    life: Life,
    /// Since when the shard is others'.
    pub(super) released: Option<Instant>,
    started: Instant,
    pub(super) waiting: BTreeMap<Token, Waiting>,
    pub(super) next_token: u64,
    /// Questions about a position that is not folded yet.
    pub(super) questions: Vec<(Seq, Question)>,
    end_due: Option<Instant>,
    paused: Option<Instant>,
    pub(super) stored: Seq,
    trimmed: Offset,
    /// When the batch under way was sent.
    pub(super) commit_sent: Option<Instant>,
    /// What of the core's work was shown already.
    pub(super) told: Tally,
    pub(super) failed: Option<Exit>,
}

impl Worker<'_> {
    /// Runs one core until it ends. All that it is told as `life` is for it.
    pub(super) fn run(
        place: &Place,
        settings: &Settings,
        projection: Projection,
        (post, messages, life): (&Post, &Postbox, Life),
        published: &watch::Sender<Option<Status>>,
        queued: &AtomicUsize,
        orders: &Orders,
    ) -> Exit {
        let _leaves = LeavesOffice(published);
        let Projection { state, reader, writer } = projection;
        let name = format!("checkpoint/{}", place.genesis.shard);
        let took = place.metrics.checkpoint.clone();
        let checkpointer = match Checkpointer::start(writer, (post.clone(), life), name, took) {
            Ok(checkpointer) => checkpointer,
            Err(error) => return Exit::StoreFailed(error.to_string()),
        };
        let stored = state.meta.chain.seq();
        let shard = Shard::new(place.genesis, state, settings.limits.clone());
        let core = Core { shard, reader, group: Arc::clone(&place.group), unread_since: None };
        let worker = Worker {
            place,
            settings,
            core: Held::new(&place.window, core),
            checkpointer,
            messages,
            post,
            published,
            queued,
            orders,
            life,
            released: None,
            started: Instant::now(),
            waiting: BTreeMap::new(),
            next_token: 0,
            questions: Vec::new(),
            end_due: None,
            paused: None,
            stored,
            trimmed: Offset(0),
            commit_sent: None,
            told: Tally::default(),
            failed: None,
        };
        worker.turn()
    }

    fn turn(mut self) -> Exit {
        if self.orders.duty.get() == Duty::Own {
            self.step(Input::Assigned);
        }
        loop {
            self.place.pulse.beat();
            let stopping = self.orders.stop.get();
            if stopping {
                self.core.shard.end();
            }
            let read = self.pump();
            self.answer_questions();
            self.publish();
            if let Some(exit) = self.failed.take() {
                self.queued.fetch_sub(self.questions.len(), Ordering::Relaxed);
                drop(self.checkpointer.end());
                return exit;
            }
            if stopping && (self.core.shard.is_idle() || self.core.shard.stopped().is_some())
                || self.is_released()
            {
                return self.finish();
            }
            match self.next(read) {
                Ok(message) => {
                    self.take(message);
                    // Of what was taken out nothing comes back where one of them ends in a fault.
                    let next = self.messages.try_iter().take(MESSAGES_MAX);
                    for message in next.inspect(|message| self.orders.note(message)).collect::<Vec<_>>() {
                        self.take(message);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => self.orders.stop.set(true),
            }
            self.step(Input::Tick);
        }
    }

    /// The next message. Where there is nothing to read and nothing to do, others may look at the core until it comes.
    fn next(&mut self, read: bool) -> Result<Message, RecvTimeoutError> {
        if read {
            return self.messages.recv_timeout(Duration::ZERO);
        }
        self.messages.settle();
        self.core.show(|| self.messages.recv_timeout(TICK))
    }

    pub(super) fn take(&mut self, message: Message) {
        self.place.pulse.beat();
        match message {
            Message::Wake(wake) => drop(wake),
            Message::Input(life, _) | Message::StoreFailed(life, _) if life != self.life => {}
            Message::Input(_, input) => {
                if let Input::Stored(seq, _) = &input {
                    self.checkpointer.done();
                    self.stored = Seq(*seq);
                    // Who only follows leaves that to the owner.
                    if self.core.shard.in_office() {
                        self.trim_inbox();
                    }
                }
                self.step(input);
            }
            Message::Command { direct, reply, span } => {
                self.command(direct, Waiting { caller: Caller::Account(reply), span });
            }
            Message::Change { direct, reply, span } => {
                self.command(direct, Waiting { caller: Caller::Registry(reply), span });
            }
            Message::Question(min, question) => {
                let now = self.now();
                self.core.shard.asked(now);
                self.questions.push((min, question));
            }
            Message::Behind { after, reply } => {
                self.queued.fetch_sub(1, Ordering::Relaxed);
                // Dropping the reply tells the caller.
                if let Some(behind) = self.behind(after) {
                    drop(reply.send(behind));
                }
            }
            Message::StoreFailed(_, why) => self.failed = Some(Exit::StoreFailed(why)),
            Message::Duty(now) => self.duty(now),
            Message::Stop => self.orders.stop.set(true),
        }
    }

    /// Reads once what the core wants, and keeps the checkpoints going. False if there was nothing.
    fn pump(&mut self) -> bool {
        if self.paused.is_some_and(|until| Instant::now() < until) {
            return false;
        }
        self.paused = None;
        if self.end_due.is_some_and(|due| due <= Instant::now()) {
            self.end_due = None;
            match self.place.log.bounds(&self.place.journal) {
                Ok((_, end)) => self.step(Input::End(end)),
                Err(error) => {
                    self.end_due = Some(Instant::now() + PAUSE);
                    self.pause(&error);
                }
            }
        }
        let journal = self.core.shard.wants_journal().map(|from| (&self.place.journal, from));
        let inbox = self
            .core
            .shard
            .wants_inbox()
            .filter(|_| !self.orders.stop.get())
            .map(|from| (&self.place.inbox, from));
        let attended = self.core.shard.is_attended(self.now());
        let inbox_bytes = if attended { READ_BYTES_ATTENDED } else { READ_BYTES };
        let read = |(partition, from), bytes| self.place.log.read(partition, from, bytes);
        let journal = journal.map(|from| read(from, READ_BYTES)).transpose();
        let inbox = match inbox.map(|from| read(from, inbox_bytes)).transpose() {
            // Whoever owns the shard by now has decided what was there: the journal says so, and it comes first.
            Err(log::Error::Trimmed { .. }) if self.has_journal_to_fold() => Ok(None),
            inbox => inbox,
        };
        let Some(journal) = self.or_pause(journal) else { return false };
        let idle = journal.is_empty();
        // What it holds is in effect, whatever becomes of the inbox.
        self.feed(journal, Input::Journal);
        self.checkpoint();
        let Some(inbox) = self.or_pause(inbox) else { return false };
        self.core.unread_since = None;
        let idle = idle && inbox.is_empty();
        self.feed(inbox, Input::Inbox);
        !idle
    }

    /// Whether the journal holds more than is folded. An inbox is trimmed only behind a record that is in the journal already.
    fn has_journal_to_fold(&self) -> bool {
        let end = self.place.log.bounds(&self.place.journal).map(|(_, end)| end);
        end.is_ok_and(|end| self.core.shard.state().meta.journal_next < end)
    }

    fn feed(&mut self, records: Vec<Stored>, input: fn(Vec<Stored>) -> Input) {
        if !records.is_empty() {
            self.step(input(records));
        }
    }

    /// What was read, if anything was to be; `None` if it could not be, which is tried again later.
    fn or_pause(&mut self, read: Result<Option<Vec<Stored>>, log::Error>) -> Option<Vec<Stored>> {
        read.map(Option::unwrap_or_default).map_err(|error| self.pause(&error)).ok()
    }

    fn pause(&mut self, error: &log::Error) {
        // What is damaged or lost, or was deleted before it was read, does not come back by waiting.
        if let log::Error::Damaged { .. } | log::Error::Trimmed { .. } | log::Error::Lost { .. } = error {
            self.failed = Some(Exit::Broken(chain(error)));
            return;
        }
        self.core.unread_since.get_or_insert_with(Instant::now);
        tracing::warn!(shard = %self.place.genesis.shard, error = chain(error), "the log can't be read; it is tried again");
        self.paused = Some(Instant::now() + PAUSE);
    }

    fn checkpoint(&mut self) {
        let due = self.core.shard.state().accounts.dirty() >= self.settings.checkpoint_accounts
            || self.core.shard.has_much_for_store()
            || self.checkpointer.is_due(self.settings.checkpoint_interval);
        if !self.checkpointer.is_busy()
            && due
            && let Some(taking) = self.core.shard.take_changes()
        {
            self.checkpointer.hand_over(taking);
        }
    }

    /// Lets the log forget what is decided: the journal has each command with its decision.
    fn trim_inbox(&mut self) {
        let next = self.core.shard.state().meta.inbox_next.0;
        let before = Offset(next.saturating_sub(self.settings.inbox_keep));
        if before > self.trimmed {
            match self.place.log.trim(&self.place.inbox, before) {
                Ok(()) => self.trimmed = before,
                Err(error) => {
                    tracing::warn!(shard = %self.place.genesis.shard, error = chain(&error), "the inbox can't be trimmed");
                }
            }
        }
    }

    /// Takes a step of the core, and whatever follows from it here and now.
    pub(super) fn step(&mut self, input: Input) {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            let (now, fresh) = (self.now(), OwnerId(Uuid::new_v4()));
            let batches = self.core.shard.tally().batches;
            let outputs = self.core.shard.step(input, now, fresh);
            self.measure_commit(batches);
            for output in outputs {
                if let Some(input) = self.carry_out(output) {
                    inputs.insert(0, input);
                }
            }
        }
    }

    fn carry_out(&mut self, output: Output) -> Option<Input> {
        // A disk that is slow gets on.
        self.place.pulse.beat();
        match output {
            Output::NeedEnd { tries } => {
                self.end_due = Some(Instant::now() + backoff(tries));
                None
            }
            Output::NeedConfirmation(of) => {
                let (post, life) = (self.post.clone(), self.life);
                let confirmed = move || drop(post.send(Message::Input(life, Input::Confirmed(of))));
                let held = self.core.shard.tally().terms > 0;
                self.place.group.confirm(self.place.genesis.shard, held, Box::new(confirmed));
                None
            }
            Output::Append { attempt, record } => {
                self.commit_sent = Some(Instant::now());
                let (post, life) = (self.post.clone(), self.life);
                let done = Box::new(move |outcome| {
                    if let Some(attempt) = attempt {
                        drop(post.send(Message::Input(life, Input::Appended(attempt, outcome))));
                    }
                });
                self.place.log.append(&self.place.journal, vec![Record::of(record)], done);
                None
            }
            Output::Load(ids) => {
                let load = |id| rows::load_account(&*self.core.reader, id);
                let residents: Result<Vec<_>, _> =
                    ids.iter().inspect(|_| self.place.pulse.beat()).map(load).collect();
                match residents {
                    Ok(residents) => Some(Input::Loaded(residents)),
                    Err(error) => {
                        self.failed = Some(Exit::StoreFailed(chain(&error)));
                        None
                    }
                }
            }
            Output::LoadTimers { after, most } => match timers::load(&*self.core.reader, after, most) {
                Ok(entries) => Some(Input::Timers(entries)),
                Err(error) => {
                    self.failed = Some(Exit::StoreFailed(chain(&error)));
                    None
                }
            },
            Output::FindOrder { order, segment, since } => {
                match finder::find(&*self.core.reader, Kind::Orders, &order, segment, since) {
                    // By the mailbox, so that others come between two searches.
                    Ok(account) => {
                        drop(self.post.send(Message::Input(self.life, Input::Order(order, account))))
                    }
                    Err(error) => self.failed = Some(Exit::StoreFailed(chain(&error))),
                }
                None
            }
            Output::Answer(token, answer) => {
                self.answer(token, answer);
                None
            }
            Output::Relay { shard, to, upto, record } => {
                let (post, life) = (self.post.clone(), self.life);
                let partition = log::Partition::new(INBOX, shard.0);
                let done =
                    Box::new(move |outcome: Result<_, _>| {
                        drop(post.send(Message::Input(
                            life,
                            Input::Relayed { to, upto, appended: outcome.is_ok() },
                        )));
                    });
                self.place.log.append(&partition, vec![Record::of(record)], done);
                None
            }
            Output::Return(refused) => {
                let (post, life) = (self.post.clone(), self.life);
                let (to, upto) = (Destination::Partners, refused.last().map_or(0, |last| last.number));
                let done = Box::new(move |appended| {
                    drop(post.send(Message::Input(life, Input::Relayed { to, upto, appended })));
                });
                self.place.returns.give_back(self.place.genesis.shard, refused, done);
                None
            }
        }
    }

    fn now(&self) -> Now {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        let mono = self.started.elapsed().as_millis();
        Now {
            wall: Timestamp::from_millis(i64::try_from(wall).unwrap_or(i64::MAX)),
            mono: Span::from_millis(i64::try_from(mono).unwrap_or(i64::MAX)),
        }
    }
}
