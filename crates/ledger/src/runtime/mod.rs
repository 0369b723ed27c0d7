//! The shell around the core: a thread for each shard, one for its checkpoints, and the handle by which others ask.

mod answers;
mod checkpoint;
mod core;
mod distant;
mod freshness;
mod handle;
mod here;
mod lifecycle;
mod mailbox;
mod membership;
mod open;
mod orders;
mod post;
mod publish;
mod pulse;
mod questions;
mod retry;
mod seat;
mod trouble;
mod wake;
mod worker;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use coalition_journal::entry::{Genesis, NetworkId, ShardCount, ShardId, TopicId, Topics};
use coalition_journal::log::{self, Log, Partition};
use coalition_store::Store;

pub use self::distant::{Asked, Distant};
pub use self::freshness::Freshness;
pub use self::handle::{Ledger, RegistryReply, Reply, Status, Unavailable};
use self::here::Here;
use self::mailbox::Mailbox;
pub use self::membership::{MemberSettings, Membership, Taking};
use self::post::post;
use self::pulse::Pulse;
use self::worker::Worker;
use crate::metrics::Metrics;
use crate::refused::Refused;
use crate::shard::Limits;

/// The topic of the inbox: what the shards are asked.
pub const INBOX: &str = "coalition.inbox.v1";

/// The topic of the journal: what the shards decided, for ever.
pub const JOURNAL: &str = "coalition.journal.v1";

/// Told, once, whether the log has for sure what was given.
pub type Returned = Box<dyn FnOnce(bool) + Send>;

/// Brings refused events back to their partners.
pub trait Returns: Send + Sync + 'static {
    /// Takes refused events of `shard`, in order. Returns at once. When `done` was told that they are not there, or that
    /// nobody knows, they are given again.
    fn give_back(&self, shard: ShardId, refused: Vec<Arc<Refused>>, done: Returned);
}

/// How the shards of a process are run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How many shards the network has; fixed for its life.
    pub shards: u32,
    /// What each of them is allowed.
    pub limits: Limits,
    /// Commands and queries that wait for one shard, before more are refused.
    pub queue_max: usize,
    /// Changed accounts after which a checkpoint is taken, if none is under way; one is also taken when
    /// half of [`Limits::unstored_bytes_max`] is in memory alone. Rarely: what changed twice in between is stored once.
    pub checkpoint_accounts: usize,
    /// Time after which one is taken, however little has changed: what a restart has to replay. Four times as long as the last
    /// one took, if that is more.
    pub checkpoint_interval: Duration,
    /// Decided records that stay in the inbox, for those who look into a fault; older ones are deleted.
    pub inbox_keep: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            shards: 4,
            limits: Limits::default(),
            queue_max: 4_096,
            checkpoint_accounts: 50_000,
            checkpoint_interval: Duration::from_secs(5),
            inbox_keep: 10_000,
        }
    }
}

/// Why the shards could not be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The log failed.
    #[error("prepare the topics of inbox and journal")]
    Log(#[from] log::Error),
    /// A member's times don't fit each other.
    #[error(
        "the session time-out of a group has to be three heartbeats at least, and a heartbeat a millisecond"
    )]
    Times,
    /// No thread could be had.
    #[error("start a thread")]
    Thread(#[from] std::io::Error),
}

/// The shards of the network, as far as this process runs them.
pub struct Node {
    ledger: Ledger,
    threads: Vec<JoinHandle<()>>,
}

impl Node {
    /// Starts the shards of `network` on the topics of `log`, creating these if they are not there. `store` gives each
    /// shard the place of its projection; `returns` takes the events that they refuse; `membership` says which of them are
    /// this process's.
    ///
    /// # Errors
    /// See [`Error`]. What a shard finds later, it keeps to itself and logs.
    pub fn start(
        log: &Arc<dyn Log>,
        network: NetworkId,
        store: impl Fn(ShardId) -> Box<dyn Store>,
        returns: &Arc<dyn Returns>,
        settings: &Settings,
        membership: &Membership,
    ) -> Result<Self, Error> {
        let journal = log.create_topic(JOURNAL, settings.shards)?;
        let inbox = log.create_topic(INBOX, settings.shards)?;
        let topics = Topics { journal: TopicId(journal.id), inbox: TopicId(inbox.id) };
        let metrics = Arc::new(Metrics::new(settings.shards));
        let mut mailboxes = Vec::new();
        let mut threads = Vec::new();
        let mut senders = Vec::new();
        let group = membership.shared();
        for shard in (0..settings.shards).map(ShardId) {
            let genesis = Genesis { network, shard, shard_count: ShardCount(settings.shards), topics };
            let (post, postbox) = post();
            let journal = Partition::new(JOURNAL, shard.0);
            let inbox = Partition::new(INBOX, shard.0);
            let pulse = Arc::new(Pulse::new(group.patience()));
            let (mailbox, published) = Mailbox::new((post.clone(), settings.queue_max), Arc::clone(&pulse));
            let (log, returns) = (Arc::clone(log), Arc::clone(returns));
            let metrics = Arc::clone(metrics.of(shard));
            let (group, window) = (Arc::clone(&group), mailbox.window());
            let place = open::Place {
                log,
                journal,
                inbox,
                genesis,
                store: store(shard),
                returns,
                metrics,
                group,
                window,
                pulse,
            };
            let (queued, told) = (mailbox.queued(), post.clone());
            let settings = settings.clone();
            let run = move || Worker::supervise(place, &settings, (post, postbox), published, queued);
            threads.push(std::thread::Builder::new().name(format!("ledger/{shard}")).spawn(run)?);
            mailboxes.push(mailbox);
            senders.push(told);
        }
        let ledger = Ledger::new(mailboxes, Arc::clone(&metrics));
        group.attach(Box::new(Here::new(senders, ledger.clone(), metrics)));
        Ok(Self { ledger, threads })
    }

    /// The handle by which others ask.
    pub fn ledger(&self) -> Ledger {
        self.ledger.clone()
    }

    /// Finishes what is under way, writes a last checkpoint of each shard, and ends. Blocks until that is done.
    pub fn stop(self) {
        self.ledger.stop();
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a shard's thread panicked");
            }
        }
    }
}
