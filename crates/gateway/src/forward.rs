//! Asking the ledger on behalf of a call: within its deadline, and again while a shard changes hands.

use std::sync::Arc;
use std::time::Duration;

use coalition_domain::decide::{RegistryChange, RegistryCommand};
use coalition_domain::{AccountId, Command, Fingerprint, Registry, RequestId, Timestamp};
use coalition_journal::entry::{Seq, ShardId};
use coalition_journal::log;
use coalition_ledger::runtime::{RegistryReply, Reply, Status, Unavailable};
use coalition_ledger::shard::relay::HOME;
use coalition_ledger::view::{AccountView, Search, SumsView};
use coalition_ledger::{lookback, rows};
use coalition_proto::r#type::v1::ErrorReason;
use tokio::time::{Instant, timeout_at};

use crate::call::Call;
use crate::convert::position::{MinPositions, Stand};
use crate::service::Gateway;
use crate::status::{self, Failure};

/// Between two tries of a command.
const PAUSE: Duration = Duration::from_millis(10);

/// The registry at a position of its home shard.
pub(crate) struct RegistryView {
    pub(crate) registry: Arc<Registry>,
    pub(crate) status: Status,
}

/// What became of the tries so far, should the deadline end them.
enum Tried {
    /// Nothing was sent, or what was sent is known not to have taken effect.
    InVain(Unavailable),
    /// A try is under way, or one ended in doubt.
    InDoubt,
}

impl Gateway {
    /// Has a command of an account decided.
    pub(crate) async fn command(&self, call: &Call, command: Command) -> Result<Reply, Failure> {
        let shard = self.ledger.shard_of(&command.account());
        let attempt = || {
            let (ledger, command) = (self.ledger.clone(), command.clone());
            async move { ledger.command(command).await }
        };
        self.insist(call, shard, attempt).await
    }

    /// Has a change of the registry decided; every shard has heard of it when this answers.
    pub(crate) async fn change(
        &self,
        call: &Call,
        request: RequestId,
        change: RegistryChange,
    ) -> Result<RegistryReply, Failure> {
        let command = RegistryCommand { caller: Some(call.caller), request, change };
        let attempt = || {
            let (ledger, command) = (self.ledger.clone(), command.clone());
            async move { ledger.change(command).await }
        };
        self.insist(call, HOME, attempt).await
    }

    /// Tries until there is an answer or the deadline. The command carries the caller's request id or event id, so it takes
    /// effect once, however often it is tried.
    async fn insist<T, F: Future<Output = Result<T, Unavailable>>>(
        &self,
        call: &Call,
        shard: ShardId,
        attempt: impl Fn() -> F,
    ) -> Result<T, Failure> {
        tracing::Span::current().record("shard", shard.0);
        let mut tried = Tried::InVain(Unavailable::NotOwner(shard));
        let mut doubt = false;
        let tries = async {
            loop {
                let ready = self.ledger.wait(shard, |status| status.in_office).await;
                ready.map_err(|why| if doubt { Unavailable::OutcomeUnknown } else { why })?;
                tried = Tried::InDoubt;
                match attempt().await {
                    Ok(answer) => return Ok(answer),
                    Err(Unavailable::OutcomeUnknown) => doubt = true,
                    Err(
                        why @ (Unavailable::NotOwner(_)
                        | Unavailable::NotApplied
                        | Unavailable::Rebuilding(_)),
                    ) => {
                        // Another try may have taken effect though this one did not.
                        tried = if doubt { Tried::InDoubt } else { Tried::InVain(why) };
                    }
                    Err(why @ (Unavailable::Overloaded(_) | Unavailable::Stopped(..))) => {
                        return Err(if doubt { Unavailable::OutcomeUnknown } else { why });
                    }
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        match timeout_at(call.deadline, tries).await {
            Ok(answer) => answer.map_err(Failure::from),
            Err(_) => Err(match tried {
                Tried::InVain(why) => why.into(),
                Tried::InDoubt => status::unknown(
                    "the deadline passed before the outcome was known; repeat with the same request id",
                ),
            }),
        }
    }

    /// An account, at `min` or later if that is a position of its shard.
    pub(crate) async fn account(
        &self,
        call: &Call,
        id: AccountId,
        min: &MinPositions,
    ) -> Result<AccountView, Failure> {
        let shard = self.ledger.shard_of(&id);
        tracing::Span::current().record("shard", shard.0);
        let min = min.of(shard);
        self.ask(call, (shard, min), || self.ledger.account(id, min)).await
    }

    /// What a shard knows of where an event came.
    pub(crate) async fn search(
        &self,
        call: &Call,
        shard: ShardId,
        key: Fingerprint,
        min: &MinPositions,
    ) -> Result<Search, Failure> {
        let min = min.of(shard);
        self.ask(call, (shard, min), || self.ledger.search(shard, key, min)).await
    }

    /// The sums of all shards, each at its position in `min` or later.
    pub(crate) async fn sums(&self, call: &Call, min: &MinPositions) -> Result<Vec<SumsView>, Failure> {
        let mut sums = Vec::new();
        for shard in self.shards() {
            let min = min.of(shard);
            sums.push(self.ask(call, (shard, min), || self.ledger.sums(shard, min)).await?);
        }
        Ok(sums)
    }

    /// The sums of all shards, each with the position up to which it counts.
    pub(crate) async fn sums_on(&self, call: &Call, stand: &Stand) -> Result<Vec<(SumsView, Seq)>, Failure> {
        let mut sums = Vec::new();
        for shard in self.shards() {
            let (min, at) = match stand {
                Stand::Newest(min) => (min.of(shard), None),
                Stand::At(at) => (at.get(shard.0 as usize).copied(), at.get(shard.0 as usize).copied()),
            };
            let view = self.ask(call, (shard, min), || self.ledger.sums(shard, min)).await?;
            let at = at.unwrap_or(view.position.seq);
            sums.push((view, at));
        }
        Ok(sums)
    }

    /// The registry, at `min` or later if that is a position of its home shard.
    pub(crate) async fn registry(&self, call: &Call, min: &MinPositions) -> Result<RegistryView, Failure> {
        let status = self.reached(call.deadline, HOME, min.of(HOME)).await?;
        Ok(RegistryView { registry: Arc::clone(&status.registry), status })
    }

    /// The registry, as soon as the home shard knows all of it.
    pub(crate) async fn registry_now(&self, deadline: Instant) -> Result<Arc<Registry>, Failure> {
        Ok(self.reached(deadline, HOME, None).await?.registry)
    }

    /// The registry with all that the home shard knows of it when this is called, wherever that is run.
    pub(crate) async fn registry_newest(&self, deadline: Instant) -> Result<Arc<Registry>, Failure> {
        let newest = async {
            loop {
                match self.newest.ask(self.ledger.registry_newest()).await {
                    Err(
                        Unavailable::NotOwner(_)
                        | Unavailable::NotApplied
                        | Unavailable::OutcomeUnknown
                        | Unavailable::Rebuilding(_),
                    ) => tokio::time::sleep(PAUSE).await,
                    other => return other,
                }
            }
        };
        match timeout_at(deadline, newest).await {
            Ok(registry) => Ok(registry?),
            Err(_) => Err(Unavailable::NotOwner(HOME).into()),
        }
    }

    /// Waits until a shard shows what is in effect, and is at `min` or later. While it is out of office it may not know
    /// what others were told, so nothing is read from it.
    async fn reached(&self, deadline: Instant, shard: ShardId, min: Option<Seq>) -> Result<Status, Failure> {
        let min = min.unwrap_or_default();
        // Asked for here and not of the shard: a wait that is given up leaves nothing behind.
        let wait = self.ledger.wait(shard, |status| status.in_office && status.position.seq >= min);
        match timeout_at(deadline, wait).await {
            Ok(status) => Ok(status?),
            Err(_) => match self.ledger.status(shard) {
                Some(status) if status.in_office => Err(status::not_reached()),
                Some(_) | None => Err(Unavailable::NotOwner(shard).into()),
            },
        }
    }

    /// Asks a shard that is at a position until there is an answer or the deadline: questions change nothing, so they are
    /// repeated while the shard changes hands.
    async fn ask<T, F: Future<Output = Result<T, Unavailable>>>(
        &self,
        call: &Call,
        (shard, min): (ShardId, Option<Seq>),
        question: impl Fn() -> F,
    ) -> Result<T, Failure> {
        loop {
            self.reached(call.deadline, shard, min).await?;
            match timeout_at(call.deadline, question()).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(
                    why @ (Unavailable::NotOwner(_)
                    | Unavailable::NotApplied
                    | Unavailable::OutcomeUnknown
                    | Unavailable::Rebuilding(_)),
                )) => {
                    if timeout_at(call.deadline, tokio::time::sleep(PAUSE)).await.is_err() {
                        // There is no outcome of a question.
                        let unknown = why == Unavailable::OutcomeUnknown;
                        return Err(if unknown { Unavailable::NotOwner(shard) } else { why }.into());
                    }
                }
                Ok(Err(why @ (Unavailable::Overloaded(_) | Unavailable::Stopped(..)))) => {
                    return Err(why.into());
                }
                Err(_) => return Err(status::deadline()),
            }
        }
    }

    /// All shards, by number.
    pub(crate) fn shards(&self) -> impl Iterator<Item = ShardId> + use<> {
        (0..self.ledger.shards()).map(ShardId)
    }
}

/// Does what reads the store or the log on a thread for that, within the call's deadline.
pub(crate) async fn blocking<T: Send + 'static>(
    call: &Call,
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let span = tracing::Span::current();
    let task = tokio::task::spawn_blocking(move || span.in_scope(work));
    match timeout_at(call.deadline, task).await {
        Ok(Ok(done)) => done,
        Ok(Err(panicked)) => Err(Failure::internal(&panicked)),
        Err(_) => Err(status::deadline()),
    }
}

impl From<rows::Error> for Failure {
    fn from(error: rows::Error) -> Self {
        match error {
            rows::Error::Store(coalition_store::Error::Stopped) => Failure::new(
                ErrorReason::NotOwner,
                "the shard changes hands, or is rebuilt; repeat the call as it was",
            )
            .passing(),
            rows::Error::Store(_) | rows::Error::Row(_) => Failure::internal(&error),
        }
    }
}

impl From<lookback::Error> for Failure {
    fn from(error: lookback::Error) -> Self {
        match error {
            lookback::Error::Log(error) => error.into(),
            lookback::Error::Rows(error) => error.into(),
            lookback::Error::GivenUp => status::deadline(),
            lookback::Error::NewerFormat(_) | lookback::Error::Unreadable(_) | lookback::Error::Short(_) => {
                Self::internal(&error)
            }
        }
    }
}

impl From<log::Error> for Failure {
    fn from(error: log::Error) -> Self {
        match error {
            // Brokers go away and come back, and who asks the log on behalf of a call has changed nothing yet.
            log::Error::Backend { .. } | log::Error::Misconfigured { .. } | log::Error::Denied { .. } => {
                tracing::warn!(error = %error, "a call met a log that can't be asked");
                Failure::new(
                    ErrorReason::NotApplied,
                    "the log can't be asked at this moment; repeat the call as it was",
                )
                .passing()
            }
            log::Error::Damaged { .. }
            | log::Error::Locked(_)
            | log::Error::NoSuchPartition(_)
            | log::Error::PartitionCount { .. }
            | log::Error::TopicName(_)
            | log::Error::Trimmed { .. }
            | log::Error::Lost { .. } => Failure::internal(&error),
        }
    }
}

/// The wall clock: what is judged by it is not decided here.
pub(crate) fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let millis = since.map_or(0, |since| since.as_millis());
    Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
}
