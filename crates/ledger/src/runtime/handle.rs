//! The handle: cheap to clone, asked from async code.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Sender;

use coalition_domain::decide::{RegistryCommand, RegistryDecision};
use coalition_domain::{AccountId, Command, Fingerprint, Registry, Timestamp};
use coalition_journal::entry::{Hash, Seq, ShardId, Term};
use coalition_journal::log::Offset;
use tokio::sync::{oneshot, watch};
use tracing::Span;

use super::worker::Message;
use crate::metrics::Metrics;
use crate::resident::Activity;
use crate::shard::relay::HOME;
use crate::shard::{Decided, Direct, Unanswered};
use crate::view::{AccountView, Position, Search, SumsView};

/// Why there is no answer. All but the last mean: try again, with the same request id.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
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
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reply {
    /// Where the journal has it.
    pub position: Position,
    /// The decision, as the account remembers it.
    pub activity: Activity,
    /// Whether the command was decided by an earlier request with the same id.
    pub repeated: bool,
}

/// The answer to a command of the registry: a decision in effect in every shard.
#[derive(Clone, PartialEq, Eq, Debug)]
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
            stopped: None,
        }
    }
}

/// The way to one shard.
#[derive(Clone)]
pub(super) struct Mailbox {
    sender: Sender<Message>,
    queued: Arc<AtomicUsize>,
    queue_max: usize,
    status: watch::Receiver<Option<Status>>,
}

impl Mailbox {
    pub(super) fn new(sender: Sender<Message>, queue_max: usize) -> (Self, watch::Sender<Option<Status>>) {
        let (publish, status) = watch::channel(None);
        (Self { sender, queued: Arc::default(), queue_max, status }, publish)
    }

    /// How many commands and queries wait; the worker counts down.
    pub(super) fn queued(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.queued)
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

/// The handle.
#[derive(Clone)]
pub struct Ledger {
    pub(super) shards: Arc<[Mailbox]>,
    pub(super) metrics: Arc<Metrics>,
}

impl Ledger {
    pub(super) fn new(mailboxes: Vec<Mailbox>, metrics: Arc<Metrics>) -> Self {
        Self { shards: mailboxes.into(), metrics }
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
        let (reply, answer) = oneshot::channel();
        self.send(
            shard,
            Message::Command { direct: Box::new(Direct::Account(command)), reply, span: Span::current() },
        )?;
        answer.await.unwrap_or(Err(Unavailable::OutcomeUnknown))
    }

    /// Has a command to the registry decided; answers when the decision is in effect and every shard has heard of it.
    ///
    /// # Errors
    /// See [`Unavailable`].
    pub async fn change(&self, command: RegistryCommand) -> Result<RegistryReply, Unavailable> {
        let (reply, answer) = oneshot::channel();
        self.send(
            HOME,
            Message::Change { direct: Box::new(Direct::Registry(command)), reply, span: Span::current() },
        )?;
        let reply = answer.await.unwrap_or(Err(Unavailable::OutcomeUnknown))?;
        let seen = self.wait(HOME, |status| status.position >= reply.position).await?.registry.changes();
        for shard in (0..self.shards()).map(ShardId) {
            self.wait(shard, |status| status.registry.changes() >= seen).await?;
        }
        Ok(reply)
    }

    /// An account as it is, or as it will be once `min` is folded.
    ///
    /// # Errors
    /// See [`Unavailable`].
    pub async fn account(&self, id: AccountId, min: Option<Seq>) -> Result<AccountView, Unavailable> {
        let shard = self.shard_of(&id);
        let (reply, answer) = oneshot::channel();
        self.send(shard, Message::View { id, min: min.unwrap_or_default(), reply })?;
        answer.await.unwrap_or(Err(Unavailable::Rebuilding(shard)))
    }

    /// The sums of a shard as they are, or as they will be once `min` is folded.
    ///
    /// # Errors
    /// See [`Unavailable`].
    pub async fn sums(&self, shard: ShardId, min: Option<Seq>) -> Result<SumsView, Unavailable> {
        let (reply, answer) = oneshot::channel();
        self.send(shard, Message::Sums { min: min.unwrap_or_default(), reply })?;
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
        let (reply, answer) = oneshot::channel();
        self.send(shard, Message::Search { key, min: min.unwrap_or_default(), reply })?;
        answer.await.unwrap_or(Err(Unavailable::Rebuilding(shard)))
    }

    /// What the network agrees on, as its home shard knows it; `None` while that shard is starting.
    pub fn registry(&self) -> Option<Arc<Registry>> {
        self.status(HOME).map(|status| status.registry)
    }

    /// What a shard shows of itself; `None` while it is starting.
    pub fn status(&self, shard: ShardId) -> Option<Status> {
        self.shards[shard.0 as usize].status.borrow().clone()
    }

    /// Waits until a shard shows what `until` asks for.
    ///
    /// # Errors
    /// [`Unavailable::Stopped`] if that can't come any more.
    pub async fn wait(&self, shard: ShardId, until: impl Fn(&Status) -> bool) -> Result<Status, Unavailable> {
        let mut status = self.shards[shard.0 as usize].status.clone();
        let shown = |status: &Option<Status>| {
            status.as_ref().is_some_and(|status| status.stopped.is_some() || until(status))
        };
        let status = status.wait_for(shown).await.map(|status| status.clone()).ok().flatten();
        match status {
            Some(Status { stopped: Some(why), .. }) => Err(Unavailable::Stopped(shard, why)),
            Some(status) => Ok(status),
            None => Err(Unavailable::Stopped(shard, "the process is ending".to_owned())),
        }
    }

    pub(super) fn stop(&self) {
        for mailbox in &*self.shards {
            drop(mailbox.sender.send(Message::Stop));
        }
    }

    fn send(&self, shard: ShardId, message: Message) -> Result<(), Unavailable> {
        let mailbox = self.shards.get(shard.0 as usize).ok_or(Unavailable::NotOwner(shard))?;
        if mailbox.queued.fetch_add(1, Ordering::Relaxed) >= mailbox.queue_max {
            mailbox.queued.fetch_sub(1, Ordering::Relaxed);
            return Err(Unavailable::Overloaded(shard));
        }
        mailbox
            .sender
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
