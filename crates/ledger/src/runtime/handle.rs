//! The handle: cheap to clone, asked from async code.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use coalition_domain::decide::{RegistryCommand, RegistryDecision};
use coalition_domain::{AccountId, Command, Fingerprint, Registry, Timestamp};
use coalition_journal::entry::{Hash, Seq, ShardId, Term};
use coalition_journal::log::Offset;
use serde::{Deserialize, Serialize};
use tokio::sync::{oneshot, watch};
use tracing::Span;

use super::distant::{Behind, Distant, Way};
use super::mailbox::Mailbox;
use super::questions::Question;
use super::worker::Message;
use crate::metrics::Metrics;
use crate::resident::Activity;
use crate::shard::relay::HOME;
use crate::shard::{Decided, Direct, Unanswered};
use crate::view::{AccountView, Position, Search, SumsView};
use crate::wire::StatusWire;

/// Why there is no answer. All but the last mean: try again, with the same request id.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, Deserialize)]
pub enum Unavailable {
    /// The shard is not run here at this moment: it is starting, catching up, or moving.
    #[error("shard {0} is not ready")]
    NotOwner(ShardId),
    /// This attempt did not take effect.
    #[error("this attempt did not take effect; repeat it with the same request id")]
    NotApplied,
    /// The process ended while the command was under way.
    #[error("the outcome is unknown; repeat it with the same request id")]
    OutcomeUnknown,
    /// Too many wait already.
    #[error("too many requests wait for shard {0}")]
    Overloaded(ShardId),
    /// The projection could not be read; it is being rebuilt.
    #[error("the projection of shard {0} is being rebuilt")]
    Rebuilding(ShardId),
    /// The shard stopped for good: a person has to act.
    #[error("shard {0} has stopped: {1}")]
    Stopped(ShardId, String),
}

/// The answer to a command of an account: a decision in effect.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Reply {
    /// Where the journal has it.
    pub position: Position,
    /// The decision, as the account remembers it.
    pub activity: Activity,
    /// Whether the command was decided by an earlier request with the same id.
    pub repeated: bool,
}

/// The answer to a command of the registry: a decision in effect in every shard.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RegistryReply {
    /// Where the journal of the home shard has it.
    pub position: Position,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// The decision.
    pub decision: RegistryDecision,
}

/// What a shard shows of itself.
#[derive(Clone, Debug)]
pub struct Status {
    /// Everything up to here is in effect and folded.
    pub position: Position,
    /// The running hash there.
    pub head: Hash,
    /// The newest term.
    pub term: Term,
    /// Whether this process decides.
    pub in_office: bool,
    /// What the shard has heard of the network.
    pub registry: Arc<Registry>,
    /// Up to where the store holds it.
    pub stored: Seq,
    /// The next offset of the inbox to decide.
    pub inbox_next: Offset,
    /// When the log took the newest record of the inbox that is decided, or a little earlier.
    pub horizon: Option<Timestamp>,
    /// When the log took the oldest command that waits, as another process said with the rest of this; of a shard of this
    /// process its metrics know.
    pub waits_since: Option<Timestamp>,
    /// Why it stopped for good, if it did.
    pub stopped: Option<String>,
}

impl Status {
    /// Of a shard of which nothing is known yet.
    pub(super) fn starting(shard: ShardId) -> Self {
        Self {
            position: Position { shard, seq: Seq::default() },
            head: Hash::default(),
            term: Term::default(),
            in_office: false,
            registry: Arc::default(),
            stored: Seq::default(),
            inbox_next: Offset::default(),
            horizon: None,
            waits_since: None,
            stopped: None,
        }
    }
}

/// Shows, when it is dropped, that the shard is no longer run: however its run ended.
pub(super) struct LeavesOffice<'a>(pub(super) &'a watch::Sender<Option<Status>>);

impl Drop for LeavesOffice<'_> {
    fn drop(&mut self) {
        self.0.send_if_modified(|status| match status {
            Some(status) => std::mem::replace(&mut status.in_office, false),
            None => false,
        });
    }
}

/// How a shard is reached: in this process, in another, or wherever it is at the moment.
#[derive(Clone)]
pub(super) struct Route {
    pub(super) here: Option<Mailbox>,
    away: Option<Way>,
}

impl Route {
    fn is_here(&self) -> bool {
        self.here.as_ref().is_some_and(Mailbox::in_office)
    }

    /// The other process, if it is to be asked: one that is in office, or may be soon.
    fn elsewhere(&self) -> Option<&Way> {
        self.away.as_ref().filter(|_| !self.is_here())
    }
}

/// Which of two processes to believe of a shard: who is in office, else who is further.
fn newer(here: Option<Status>, away: Option<Status>) -> Option<Status> {
    let rank = |status: &Status| (status.in_office, status.stopped.is_none(), status.position.seq);
    match (here, away) {
        (Some(here), Some(away)) => Some(if rank(&away) > rank(&here) { away } else { here }),
        (here, away) => here.or(away),
    }
}

/// Waits for news. What will never have any is taken away.
async fn changed(status: &mut Option<watch::Receiver<Option<Status>>>) {
    match status {
        Some(receiver) => {
            if receiver.changed().await.is_err() {
                *status = None;
            }
        }
        None => std::future::pending().await,
    }
}

/// The handle.
#[derive(Clone)]
pub struct Ledger {
    pub(super) shards: Arc<[Route]>,
    pub(super) metrics: Arc<Metrics>,
}

impl Ledger {
    pub(super) fn new(mailboxes: Vec<Mailbox>, metrics: Arc<Metrics>) -> Self {
        let here = |mailbox| Route { here: Some(mailbox), away: None };
        Self { shards: mailboxes.into_iter().map(here).collect(), metrics }
    }

    /// Of a process that runs no shards: `distant` is the way to each of them.
    #[must_use]
    pub fn of_others(distant: Vec<Arc<dyn Distant>>) -> Self {
        let metrics = Arc::new(Metrics::new(u32::try_from(distant.len()).unwrap_or(u32::MAX)));
        let none =
            Self { shards: distant.iter().map(|_| Route { here: None, away: None }).collect(), metrics };
        none.beside(distant)
    }

    /// The same, with `distant` the ways to the shards while others run them.
    #[must_use]
    pub fn beside(self, distant: Vec<Arc<dyn Distant>>) -> Self {
        let with = |((shard, route), distant): ((u32, &Route), _)| Route {
            here: route.here.clone(),
            away: Some(Way::new(ShardId(shard), distant)),
        };
        Self { shards: (0..).zip(&*self.shards).zip(distant).map(with).collect(), metrics: self.metrics }
    }

    /// How many shards the network has.
    pub fn shards(&self) -> u32 {
        u32::try_from(self.shards.len()).expect("as many as were started")
    }

    /// The shard of an account.
    pub fn shard_of(&self, account: &AccountId) -> ShardId {
        ShardId(account.shard(self.shards()))
    }

    /// Has a command decided; answers when the decision is in effect.
    ///
    /// # Errors
    /// See [`Unavailable`].
    pub async fn command(&self, command: Command) -> Result<Reply, Unavailable> {
        let shard = self.shard_of(&command.account());
        match self.elsewhere(shard) {
            Some(way) => way.command(command).await,
            None => self.command_here(shard, command).await,
        }
    }

    pub(super) async fn command_here(&self, shard: ShardId, command: Command) -> Result<Reply, Unavailable> {
        let (reply, answer) = oneshot::channel();
        let direct = Box::new(Direct::Account(command));
        self.send(shard, Message::Command { direct, reply, span: Span::current() })?;
        answer.await.unwrap_or(Err(Unavailable::OutcomeUnknown))
    }

    /// Has a command to the registry decided; answers when the decision is in effect and every shard has heard of it.
    ///
    /// # Errors
    /// See [`Unavailable`].
    pub async fn change(&self, command: RegistryCommand) -> Result<RegistryReply, Unavailable> {
        let reply = match self.elsewhere(HOME) {
            Some(way) => way.change(command).await?,
            None => self.change_here(command).await?,
        };
        // It is in effect: what can't be learnt from here on is when every shard has heard of it.
        let unknown = |_| Unavailable::OutcomeUnknown;
        let home = self.wait(HOME, |status| status.position >= reply.position).await.map_err(unknown)?;
        let seen = home.registry.changes();
        for shard in (0..self.shards()).map(ShardId) {
            self.wait(shard, |status| status.registry.changes() >= seen).await.map_err(unknown)?;
        }
        Ok(reply)
    }

    pub(super) async fn change_here(&self, command: RegistryCommand) -> Result<RegistryReply, Unavailable> {
        let (reply, answer) = oneshot::channel();
        let direct = Box::new(Direct::Registry(command));
        self.send(HOME, Message::Change { direct, reply, span: Span::current() })?;
        answer.await.unwrap_or(Err(Unavailable::OutcomeUnknown))
    }

    /// An account as it is, or as it will be once `min` is folded.
    ///
    /// # Errors
    /// See [`Unavailable`].
    pub async fn account(&self, id: AccountId, min: Option<Seq>) -> Result<AccountView, Unavailable> {
        let (shard, min) = (self.shard_of(&id), min.unwrap_or_default());
        match self.elsewhere(shard) {
            Some(way) => way.account(id, min).await,
            None => self.account_here(shard, id, min).await,
        }
    }

    pub(super) async fn account_here(
        &self,
        shard: ShardId,
        id: AccountId,
        min: Seq,
    ) -> Result<AccountView, Unavailable> {
        if let Some(view) = self.mailbox(shard).and_then(|mailbox| mailbox.look(shard, id, min)) {
            return Ok(view);
        }
        let (reply, answer) = oneshot::channel();
        self.send(shard, Message::Question(min, Question::View(id, reply)))?;
        answer.await.unwrap_or(Err(Unavailable::Rebuilding(shard)))
    }

    /// The sums of a shard as they are, or as they will be once `min` is folded.
    ///
    /// # Errors
    /// See [`Unavailable`].
    pub async fn sums(&self, shard: ShardId, min: Option<Seq>) -> Result<SumsView, Unavailable> {
        let min = min.unwrap_or_default();
        match self.elsewhere(shard) {
            Some(way) => way.sums(min).await,
            None => self.sums_here(shard, min).await,
        }
    }

    pub(super) async fn sums_here(&self, shard: ShardId, min: Seq) -> Result<SumsView, Unavailable> {
        let (reply, answer) = oneshot::channel();
        self.send(shard, Message::Question(min, Question::Sums(reply)))?;
        answer.await.unwrap_or(Err(Unavailable::Rebuilding(shard)))
    }

    /// Which account of a shard the event came to that counts under `key`, as of now, or once `min` is folded.
    ///
    /// # Errors
    /// See [`Unavailable`].
    pub async fn search(
        &self,
        shard: ShardId,
        key: Fingerprint,
        min: Option<Seq>,
    ) -> Result<Search, Unavailable> {
        let min = min.unwrap_or_default();
        match self.elsewhere(shard) {
            Some(way) => way.search(key, min).await,
            None => self.search_here(shard, key, min).await,
        }
    }

    pub(super) async fn search_here(
        &self,
        shard: ShardId,
        key: Fingerprint,
        min: Seq,
    ) -> Result<Search, Unavailable> {
        let (reply, answer) = oneshot::channel();
        self.send(shard, Message::Question(min, Question::Search(key, reply)))?;
        answer.await.unwrap_or(Err(Unavailable::Rebuilding(shard)))
    }

    /// What lies behind the views of a shard of this process, with the registry's changes after so many.
    pub(super) async fn behind_here(&self, shard: ShardId, after: u64) -> Result<Behind, Unavailable> {
        let (reply, answer) = oneshot::channel();
        self.send(shard, Message::Behind { after, reply })?;
        answer.await.map_err(|_| Unavailable::Rebuilding(shard))
    }

    /// What the network agrees on, as its home shard knows it; `None` while that shard is starting.
    pub fn registry(&self) -> Option<Arc<Registry>> {
        self.status(HOME).map(|status| status.registry)
    }

    /// The same, once this process has heard of every change that the home shard knew when this was called.
    ///
    /// # Errors
    /// See [`Unavailable`].
    pub async fn registry_newest(&self) -> Result<Arc<Registry>, Unavailable> {
        let known = self.registry().map_or(0, |registry| registry.changes());
        let newest = match self.elsewhere(HOME) {
            Some(way) => known + way.changes(known).await?,
            None => known,
        };
        Ok(self.wait(HOME, |status| status.registry.changes() >= newest).await?.registry)
    }

    /// What a shard shows of itself, wherever it is run; `None` while it is starting.
    pub fn status(&self, shard: ShardId) -> Option<Status> {
        let route = &self.shards[shard.0 as usize];
        let away = route.away.as_ref().and_then(|way| way.status.borrow().clone());
        newer(self.status_here(shard), away)
    }

    /// What a shard shows of itself in this process, if that runs it.
    pub fn status_here(&self, shard: ShardId) -> Option<Status> {
        self.mailbox(shard).and_then(Mailbox::status)
    }

    /// Whether the thread of a shard that this process runs, or ran, does not come back from what it does.
    pub(super) fn hangs_here(&self, shard: ShardId) -> bool {
        self.mailbox(shard).is_some_and(Mailbox::hangs)
    }

    /// News of what a shard shows of itself in this process; `None` for one that this process can't run.
    pub fn follow_here(&self, shard: ShardId) -> Option<watch::Receiver<Option<Status>>> {
        self.shards.get(shard.0 as usize)?.here.as_ref().map(|mailbox| mailbox.published.clone())
    }

    /// What another process is told of a shard of this one; `None` while it is starting.
    pub fn tell(&self, shard: ShardId) -> Option<StatusWire> {
        let status = self.status_here(shard)?;
        Some(StatusWire::of(&status, self.metrics.of(shard).waits_since()))
    }

    /// Waits until a shard shows what `until` asks for.
    ///
    /// # Errors
    /// [`Unavailable::Stopped`] if that can't come any more.
    pub async fn wait(&self, shard: ShardId, until: impl Fn(&Status) -> bool) -> Result<Status, Unavailable> {
        let route = &self.shards[shard.0 as usize];
        let mut here = route.here.as_ref().map(|mailbox| mailbox.published.clone());
        let mut away = route.away.as_ref().map(|way| way.status.clone());
        while here.is_some() || away.is_some() {
            let look = |status: &mut Option<watch::Receiver<Option<Status>>>| {
                status.as_mut().and_then(|status| status.borrow_and_update().clone())
            };
            match newer(look(&mut here), look(&mut away)) {
                // Where there are others, one of them takes the shard over.
                Some(Status { stopped: Some(why), .. }) if route.away.is_none() => {
                    return Err(Unavailable::Stopped(shard, why));
                }
                Some(status) if status.stopped.is_none() && until(&status) => return Ok(status),
                Some(_) | None => {}
            }
            tokio::select! {
                () = changed(&mut here) => {}
                () = changed(&mut away) => {}
            }
        }
        Err(Unavailable::Stopped(shard, "the process is ending".to_owned()))
    }

    pub(super) fn stop(&self) {
        for mailbox in self.shards.iter().filter_map(|route| route.here.as_ref()) {
            drop(mailbox.post.send(Message::Stop));
        }
    }

    fn elsewhere(&self, shard: ShardId) -> Option<&Way> {
        self.shards.get(shard.0 as usize)?.elsewhere()
    }

    fn mailbox(&self, shard: ShardId) -> Option<&Mailbox> {
        self.shards.get(shard.0 as usize)?.here.as_ref()
    }

    fn send(&self, shard: ShardId, message: Message) -> Result<(), Unavailable> {
        let mailbox = self.mailbox(shard).ok_or(Unavailable::NotOwner(shard))?;
        if mailbox.queued.fetch_add(1, Ordering::Relaxed) >= mailbox.queue_max {
            mailbox.queued.fetch_sub(1, Ordering::Relaxed);
            return Err(Unavailable::Overloaded(shard));
        }
        mailbox
            .post
            .send(message)
            .map_err(|_| Unavailable::Stopped(shard, "the process is ending".to_owned()))
    }
}

/// What a shard said of a command, as the caller hears it.
pub(super) fn unavailable(shard: ShardId, why: Unanswered) -> Unavailable {
    match why {
        Unanswered::NotOwner => Unavailable::NotOwner(shard),
        Unanswered::NotApplied => Unavailable::NotApplied,
    }
}

/// A decision of an account, out of what a shard decided.
pub(super) fn account_decision(decided: Decided) -> coalition_domain::Decision {
    match decided {
        Decided::Account(decision) => decision,
        Decided::Registry(_) => unreachable!("a command of an account is answered by one"),
    }
}

/// A decision of the registry, out of what a shard decided.
pub(super) fn registry_decision(decided: Decided) -> RegistryDecision {
    match decided {
        Decided::Registry(decision) => decision,
        Decided::Account(_) => unreachable!("a command of the registry is answered by one"),
    }
}
