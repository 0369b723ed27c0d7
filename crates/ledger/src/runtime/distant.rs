//! Shards that another process runs: asking them, and answering for one's own.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use coalition_domain::decide::RegistryCommand;
use coalition_domain::{AccountId, Command, Fingerprint, Registry};
use coalition_journal::entry::{Seq, ShardId, Term};
use coalition_store::{Mark, Order, Range, Reader, Row};
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::handle::{Ledger, RegistryReply, Reply, Status, Unavailable};
use crate::view::{AccountView, Position, Search, SumsView};
use crate::wire::{Answer, Question, SearchWire, StatusWire, SumsWire};

/// Rows in one answer at most, so that it stays far below what a message may have.
const ROWS_MAX: u32 = 1_024;
/// How long rows are waited for.
const ROWS_WAIT: Duration = Duration::from_secs(10);
/// Changes of the registry in one answer.
const CHANGES_MAX: usize = 1_024;

/// What is on its way.
pub type Asked = Pin<Box<dyn Future<Output = Result<Answer, Unavailable>> + Send>>;

/// The way to whatever process runs a shard.
pub trait Distant: Send + Sync + 'static {
    /// What the shard's owner shows of it, with the registry; `None` while no owner is known.
    fn status(&self) -> watch::Receiver<Option<Status>>;

    /// Asks the owner. [`Unavailable::OutcomeUnknown`] if it may have heard the question and its answer is lost.
    fn ask(&self, question: Question) -> Asked;
}

/// A shard behind its way.
#[derive(Clone)]
pub(super) struct Way {
    pub(super) shard: ShardId,
    pub(super) distant: Arc<dyn Distant>,
    pub(super) status: watch::Receiver<Option<Status>>,
}

impl Way {
    pub(super) fn new(shard: ShardId, distant: Arc<dyn Distant>) -> Self {
        let status = distant.status();
        Self { shard, distant, status }
    }

    /// A fault of the other side: it says something, but not what was asked.
    fn amiss(&self) -> Unavailable {
        Unavailable::Rebuilding(self.shard)
    }

    pub(super) async fn command(&self, command: Command) -> Result<Reply, Unavailable> {
        let Answer::Decided(reply) = self.distant.ask(Question::Command(Box::new(command))).await? else {
            return Err(Unavailable::OutcomeUnknown);
        };
        Ok(*reply)
    }

    pub(super) async fn change(&self, command: RegistryCommand) -> Result<RegistryReply, Unavailable> {
        let Answer::Changed(reply) = self.distant.ask(Question::Change(Box::new(command))).await? else {
            return Err(Unavailable::OutcomeUnknown);
        };
        Ok(*reply)
    }

    pub(super) async fn account(&self, id: AccountId, min: Seq) -> Result<AccountView, Unavailable> {
        let Answer::Account(wire) = self.distant.ask(Question::Account(id, min)).await? else {
            return Err(self.amiss());
        };
        let (term, seq, decided_at, changes) = (wire.term, wire.seq, wire.decided_at, wire.changes);
        let resident = Arc::new(wire.resident().map_err(|_| self.amiss())?);
        let registry = self.registry(changes).await?;
        let position = Position { shard: self.shard, seq };
        Ok(AccountView { position, decided_at, registry, resident, reader: self.reader(term) })
    }

    /// The registry with so many changes, or more.
    async fn registry(&self, changes: u64) -> Result<Arc<Registry>, Unavailable> {
        let mut status = self.status.clone();
        let heard = |status: &Option<Status>| {
            status.as_ref().is_some_and(|status| status.registry.changes() >= changes)
        };
        let status = status.wait_for(heard).await.map(|status| status.clone()).ok().flatten();
        status.map(|status| status.registry).ok_or(Unavailable::NotOwner(self.shard))
    }

    pub(super) async fn sums(&self, min: Seq) -> Result<SumsView, Unavailable> {
        let Answer::Sums(wire) = self.distant.ask(Question::Sums(min)).await? else {
            return Err(self.amiss());
        };
        let SumsWire { term, seq, books, lines } = *wire;
        Ok(SumsView {
            position: Position { shard: self.shard, seq },
            books,
            lines,
            reader: self.reader(term),
        })
    }

    pub(super) async fn search(&self, key: Fingerprint, min: Seq) -> Result<Search, Unavailable> {
        let Answer::Search(wire) = self.distant.ask(Question::Search(key, min)).await? else {
            return Err(self.amiss());
        };
        let SearchWire { term, recent, segment, since } = wire;
        Ok(Search { key, recent, segment, since, reader: self.reader(term) })
    }

    /// How many changes of the registry the owner has behind so many, or a part of them.
    pub(super) async fn changes(&self, after: u64) -> Result<u64, Unavailable> {
        let Answer::Changes(changes) = self.distant.ask(Question::Changes(after)).await? else {
            return Err(self.amiss());
        };
        Ok(u64::try_from(changes.len()).expect("a part of them is bounded"))
    }

    fn reader(&self, term: Term) -> Arc<dyn Reader> {
        Arc::new(DistantReader { term, distant: Arc::clone(&self.distant), runtime: Handle::current() })
    }
}

/// The store of a shard that another process runs. Blocks: not for an async thread.
struct DistantReader {
    term: Term,
    distant: Arc<dyn Distant>,
    runtime: Handle,
}

impl DistantReader {
    fn ask(&self, question: Question) -> coalition_store::Result<Answer> {
        // Whose shard it is now has another store, or will have: the view that this stands behind is over. One that says nothing
        // does not hold a thread for ever.
        let asked = async { tokio::time::timeout(ROWS_WAIT, self.distant.ask(question)).await };
        let answered = self.runtime.block_on(asked).ok().and_then(Result::ok);
        answered.ok_or(coalition_store::Error::Stopped)
    }
}

impl Reader for DistantReader {
    fn mark(&self) -> coalition_store::Result<Option<Mark>> {
        // Those that are asked from afar are behind views, which have a position of their own.
        Ok(None)
    }

    fn get(&self, key: &[u8]) -> coalition_store::Result<Option<Vec<u8>>> {
        match self.ask(Question::Row(self.term, key.to_vec()))? {
            Answer::Row(value) => Ok(value),
            Answer::Decided(_)
            | Answer::Changed(_)
            | Answer::Account(_)
            | Answer::Sums(_)
            | Answer::Search(_)
            | Answer::Changes(_)
            | Answer::Rows(_) => Err(coalition_store::Error::Stopped),
        }
    }

    fn scan(&self, range: &Range, order: Order, limit: usize) -> coalition_store::Result<Vec<Row>> {
        let (mut found, mut range) = (Vec::new(), range.clone());
        while found.len() < limit {
            let most = u32::try_from(limit - found.len()).unwrap_or(ROWS_MAX).min(ROWS_MAX);
            let (from, to) = range.bounds();
            let (from, to) = (from.to_vec(), to.map(<[u8]>::to_vec));
            let descending = order == Order::Descending;
            let Answer::Rows(rows) =
                self.ask(Question::Rows { term: self.term, from, to, descending, limit: most })?
            else {
                return Err(coalition_store::Error::Stopped);
            };
            let all = rows.len() < most as usize;
            found.extend(rows.into_iter().map(|(key, value)| Row { key, value }));
            match found.last().filter(|_| !all) {
                Some(last) => range = range.after(&last.key, order),
                None => break,
            }
        }
        Ok(found)
    }
}

impl Status {
    /// As another process says it, with the registry as far as it was heard of.
    #[must_use]
    pub fn of_wire(shard: ShardId, wire: StatusWire, registry: Arc<Registry>) -> Self {
        Self {
            position: Position { shard, seq: wire.seq },
            head: wire.head,
            term: wire.term,
            in_office: wire.in_office,
            registry,
            stored: wire.stored,
            inbox_next: wire.inbox_next,
            horizon: wire.horizon,
            waits_since: wire.waits_since,
            stopped: wire.stopped,
        }
    }
}

impl Ledger {
    /// Answers for a shard of this process what another one asks; never by asking others.
    ///
    /// # Errors
    /// See [`Unavailable`]: [`Unavailable::NotOwner`] if it is not run here.
    pub async fn answer(&self, shard: ShardId, question: Question) -> Result<Answer, Unavailable> {
        match question {
            Question::Command(command) => {
                let reply = self.command_here(shard, *command).await?;
                Ok(Answer::Decided(Box::new(reply)))
            }
            Question::Change(command) => {
                let reply = self.change_here(*command).await?;
                Ok(Answer::Changed(Box::new(reply)))
            }
            Question::Account(id, min) => {
                let (term, view) = self.in_one_term(shard, self.account_here(shard, id, min)).await?;
                Ok(Answer::Account(Box::new(crate::wire::AccountWire::of(&view, term))))
            }
            Question::Sums(min) => {
                let (term, view) = self.in_one_term(shard, self.sums_here(shard, min)).await?;
                let SumsView { position, books, lines, .. } = view;
                Ok(Answer::Sums(Box::new(SumsWire { term, seq: position.seq, books, lines })))
            }
            Question::Search(key, min) => {
                let (term, search) = self.in_one_term(shard, self.search_here(shard, key, min)).await?;
                let Search { recent, segment, since, .. } = search;
                Ok(Answer::Search(SearchWire { term, recent, segment, since }))
            }
            Question::Changes(after) => {
                let behind = self.behind_here(shard, after).await?;
                Ok(Answer::Changes(behind.changes.into_iter().take(CHANGES_MAX).collect()))
            }
            Question::Row(term, key) => {
                let value = self.read_here((shard, term), move |reader| reader.get(&key)).await?;
                Ok(Answer::Row(value))
            }
            Question::Rows { term, from, to, descending, limit } => {
                let range = match to {
                    Some(to) => Range::between(from, to),
                    None => Range::starting(from),
                };
                let order = if descending { Order::Descending } else { Order::Ascending };
                let limit = limit.min(ROWS_MAX) as usize;
                let rows =
                    self.read_here((shard, term), move |reader| reader.scan(&range, order, limit)).await?;
                Ok(Answer::Rows(rows.into_iter().map(|Row { key, value }| (key, value)).collect()))
            }
        }
    }

    /// What a shard of this process says, and in which of its terms: with each it begins with what its store holds then.
    async fn in_one_term<T>(
        &self,
        shard: ShardId,
        said: impl Future<Output = Result<T, Unavailable>>,
    ) -> Result<(Term, T), Unavailable> {
        let term = || self.status_here(shard).filter(|status| status.in_office).map(|status| status.term);
        let (before, said) = (term(), said.await?);
        match before {
            Some(term_before) if term() == before => Ok((term_before, said)),
            Some(_) | None => Err(Unavailable::NotOwner(shard)),
        }
    }

    /// Reads the store of a shard of this process on a thread for that.
    async fn read_here<T: Send + 'static>(
        &self,
        (shard, term): (ShardId, Term),
        read: impl FnOnce(&dyn Reader) -> coalition_store::Result<T> + Send + 'static,
    ) -> Result<T, Unavailable> {
        let (now, behind) = self.in_one_term(shard, self.behind_here(shard, u64::MAX)).await?;
        if now != term {
            return Err(Unavailable::NotOwner(shard));
        }
        let reader = behind.reader;
        let read = tokio::task::spawn_blocking(move || read(&*reader)).await;
        // A store that failed is opened again by whoever owns it.
        read.ok().and_then(Result::ok).ok_or(Unavailable::Rebuilding(shard))
    }
}

/// What lies behind a shard's views.
pub(super) struct Behind {
    pub(super) reader: Arc<dyn Reader>,
    /// The changes of the registry behind those that were named.
    pub(super) changes: Vec<Arc<coalition_domain::RegistryEvent>>,
}
