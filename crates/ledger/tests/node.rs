//! The shell around the shards, as its handle shows it.

#![allow(clippy::unwrap_used, reason = "helpers of tests, which may")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use coalition_domain::Timestamp;
use coalition_journal::entry::{NetworkId, ShardId};
use coalition_journal::log::{self, Done, Log, Offset, Partition, Record, Stored, Topic, Wake, Watching};
use coalition_journal::memory::Memory;
use coalition_ledger::refused::Refused;
use coalition_ledger::runtime::{
    INBOX, Ledger, Membership, Node, Returned, Returns, Settings, Taking, Unavailable,
};
use coalition_ledger::shard::relay::HOME;
use coalition_store::{Identity, Opened, Store};
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn a_shard_that_is_no_longer_run_does_not_show_itself_in_office() {
    let (_, node) = start(&Settings { shards: 1, ..Settings::default() });
    let ledger = node.ledger();
    let position = ledger.wait(HOME, |status| status.in_office).await.unwrap().position;
    tokio::task::block_in_place(|| node.stop());
    let status = ledger.status(HOME).unwrap();
    assert_eq!((status.in_office, status.position), (false, position));
    let waited = ledger.wait(HOME, |status| status.in_office).await;
    assert!(matches!(waited, Err(Unavailable::Stopped(HOME, _))), "{waited:?}");
}

/// No log is asked: an operator wants to know when it doesn't answer.
#[tokio::test(flavor = "multi_thread")]
async fn what_shards_show_of_themselves_is_current_without_a_look_at_the_log() {
    let settings = Settings { shards: 1, ..Settings::default() };
    let store = coalition_store::Memory::new();
    let node = start_on(&log(), 1, &store, &settings);
    let (ledger, registry) = (node.ledger(), prometheus::Registry::new());
    ledger.register(&registry).unwrap();
    ledger.wait(HOME, |status| status.in_office).await.unwrap();
    assert_eq!(
        shown(&ledger, &registry),
        ["ledger_in_office{shard=\"0\"} 1", "ledger_stopped{shard=\"0\"} 0"]
    );
    tokio::task::block_in_place(|| node.stop());
    assert_eq!(
        shown(&ledger, &registry),
        ["ledger_in_office{shard=\"0\"} 0", "ledger_stopped{shard=\"0\"} 0"]
    );

    // Its journal is gone.
    let node = start_on(&log(), 1, &store, &settings);
    let (ledger, registry) = (node.ledger(), prometheus::Registry::new());
    ledger.register(&registry).unwrap();
    ledger.wait(HOME, |status| status.in_office).await.unwrap_err();
    assert_eq!(
        shown(&ledger, &registry),
        ["ledger_in_office{shard=\"0\"} 0", "ledger_stopped{shard=\"0\"} 1"]
    );
    tokio::task::block_in_place(|| node.stop());
}

/// The lines of two metrics.
fn shown(ledger: &Ledger, registry: &prometheus::Registry) -> Vec<String> {
    ledger.show();
    let text = prometheus::TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
    let wanted = |line: &&str| line.starts_with("ledger_in_office{") || line.starts_with("ledger_stopped{");
    text.lines().filter(wanted).map(str::to_owned).collect()
}

fn start(settings: &Settings) -> (Arc<dyn Log>, Node) {
    let log = log();
    let node = start_on(&log, 1, &coalition_store::Memory::new(), settings);
    (log, node)
}

fn log() -> Arc<dyn Log> {
    let memory = Memory::new();
    memory.set_now(now());
    Arc::new(memory)
}

/// One shard of a network with its store.
fn start_on(log: &Arc<dyn Log>, network: u128, store: &coalition_store::Memory, settings: &Settings) -> Node {
    let store = |_| Box::new(store.clone()) as Box<dyn Store>;
    let alone = Membership::start(log, settings.shards, Taking::Alone).unwrap();
    Node::start(log, NetworkId(Uuid::from_u128(network)), store, &returns(), settings, &alone).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_projection_whose_journal_is_gone_is_kept_and_its_shard_stops() {
    let settings = Settings { shards: 1, ..Settings::default() };
    let (store, kept) = (coalition_store::Memory::new(), log());
    let node = start_on(&kept, 1, &store, &settings);
    node.ledger().wait(HOME, |status| status.in_office).await.unwrap();
    tokio::task::block_in_place(|| node.stop());
    let other = log();
    let node = start_on(&other, 2, &coalition_store::Memory::new(), &settings);
    node.ledger().wait(HOME, |status| status.in_office).await.unwrap();
    tokio::task::block_in_place(|| node.stop());
    for (log, words) in [(log(), "the journal here is empty"), (other, "the journal here is of shard 0")] {
        let node = start_on(&log, 1, &store, &settings);
        let stopped = node.ledger().wait(HOME, |status| status.in_office).await;
        let Err(Unavailable::Stopped(HOME, why)) = stopped else { panic!("{stopped:?}") };
        assert!(why.contains(words), "{why}");
        tokio::task::block_in_place(|| node.stop());
    }
    // Nothing was thrown away: with its own journal it goes on.
    let node = start_on(&kept, 1, &store, &settings);
    let status = node.ledger().wait(HOME, |status| status.in_office).await.unwrap();
    assert!(status.stored.0 > 0);
    tokio::task::block_in_place(|| node.stop());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inbox_that_lost_what_was_not_decided_stops_its_shard() {
    let log = log();
    log.create_topic(INBOX, 1).unwrap();
    let inbox = Partition::new(INBOX, 0);
    let records = (0..5).map(|_| Record::of(Bytes::from_static(b"junk"))).collect();
    log.append(&inbox, records, Box::new(|outcome| assert!(outcome.is_ok())));
    log.trim(&inbox, Offset(3)).unwrap();
    let node =
        start_on(&log, 1, &coalition_store::Memory::new(), &Settings { shards: 1, ..Settings::default() });
    let stopped = node.ledger().wait(HOME, |status| status.position.seq.0 > 1_000).await;
    let Err(Unavailable::Stopped(HOME, why)) = stopped else { panic!("{stopped:?}") };
    assert!(why.contains("starts at @3, after @0"), "{why}");
    tokio::task::block_in_place(|| node.stop());
}

/// A log as one process has it: for a while it doesn't get to read it, as if it stood still, or can't read the inbox.
struct Held {
    log: Arc<dyn Log>,
    still: AtomicBool,
    inbox_fails: AtomicBool,
}

impl Held {
    fn new(log: &Arc<dyn Log>) -> Arc<Self> {
        Arc::new(Self {
            log: Arc::clone(log),
            still: AtomicBool::default(),
            inbox_fails: AtomicBool::default(),
        })
    }
}

impl Log for Held {
    fn create_topic(&self, topic: &str, partitions: u32) -> Result<Topic, log::Error> {
        self.log.create_topic(topic, partitions)
    }

    fn topic(&self, topic: &str) -> Result<Option<Topic>, log::Error> {
        self.log.topic(topic)
    }

    fn append(&self, to: &Partition, records: Vec<Record>, done: Done) {
        self.log.append(to, records, done);
    }

    fn read(&self, of: &Partition, from: Offset, bytes_max: usize) -> Result<Vec<Stored>, log::Error> {
        if *of.topic == *INBOX && self.inbox_fails.load(Ordering::SeqCst) {
            let (doing, source) = ("read the inbox".to_owned(), "planted by a test".into());
            return Err(log::Error::Backend { doing, source });
        }
        let still = self.still.load(Ordering::SeqCst);
        if still { Ok(Vec::new()) } else { self.log.read(of, from, bytes_max) }
    }

    fn bounds(&self, of: &Partition) -> Result<(Offset, Offset), log::Error> {
        self.log.bounds(of)
    }

    fn watch(&self, of: &Partition, wake: Wake) -> Result<Watching, log::Error> {
        self.log.watch(of, wake)
    }

    fn trim(&self, of: &Partition, before: Offset) -> Result<(), log::Error> {
        self.log.trim(of, before)
    }

    fn commit(&self, group: &str, of: &Partition, next: Offset) -> Result<(), log::Error> {
        self.log.commit(group, of, next)
    }

    fn committed(&self, group: &str, of: &Partition) -> Result<Option<Offset>, log::Error> {
        self.log.committed(group, of)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_stood_still_outlives_that_its_inbox_was_trimmed_by_the_next() {
    let log = log();
    let checkpoint_interval = Duration::from_millis(1);
    let settings = Settings { shards: 1, inbox_keep: 0, checkpoint_interval, ..Settings::default() };
    let held = Held::new(&log);
    let shown: Arc<dyn Log> = Arc::<Held>::clone(&held);
    let old = start_on(&shown, 1, &coalition_store::Memory::new(), &settings);
    let first = old.ledger().wait(HOME, |status| status.in_office).await.unwrap().position;
    held.still.store(true, Ordering::SeqCst);

    let new = start_on(&log, 1, &coalition_store::Memory::new(), &settings);
    new.ledger().wait(HOME, |status| status.in_office).await.unwrap();
    let inbox = Partition::new(INBOX, 0);
    let records = (0..5).map(|_| Record::of(Bytes::from_static(b"junk"))).collect();
    log.append(&inbox, records, Box::new(|outcome| assert!(outcome.is_ok())));
    let trimmed = async {
        while log.bounds(&inbox).unwrap().0 == Offset(0) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), trimmed).await.expect("the inbox is trimmed");
    tokio::task::block_in_place(|| new.stop());

    // The journal tells it first what became of what it had not read.
    held.still.store(false, Ordering::SeqCst);
    let ledger = old.ledger();
    let deposed = ledger.wait(HOME, |status| !status.in_office && status.position.seq > first.seq);
    tokio::time::timeout(Duration::from_secs(60), deposed).await.expect("it hears of it").unwrap();
    let began = Instant::now();
    let again = ledger.wait(HOME, |status| status.in_office && status.position.seq > first.seq);
    tokio::time::timeout(Duration::from_secs(60), again).await.expect("it goes on").unwrap();
    // Not at once: the next one may live, and would be deposed in turn.
    assert!(began.elapsed() >= Duration::from_secs(4), "{:?}", began.elapsed());
    tokio::task::block_in_place(|| old.stop());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_effect_is_folded_though_the_inbox_cannot_be_read() {
    let log = log();
    let settings = Settings { shards: 1, ..Settings::default() };
    let held = Held::new(&log);
    let shown: Arc<dyn Log> = Arc::<Held>::clone(&held);
    let old = start_on(&shown, 1, &coalition_store::Memory::new(), &settings);
    let term = old.ledger().wait(HOME, |status| status.in_office).await.unwrap().term;
    held.inbox_fails.store(true, Ordering::SeqCst);

    let new = start_on(&log, 1, &coalition_store::Memory::new(), &settings);
    let ledger = old.ledger();
    let deposed = ledger.wait(HOME, |status| status.term > term);
    tokio::time::timeout(Duration::from_secs(60), deposed).await.expect("it hears of it").unwrap();
    for node in [new, old] {
        tokio::task::block_in_place(|| node.stop());
    }
}

/// Nobody looks at what these tests have refused.
struct Nowhere;

impl Returns for Nowhere {
    fn give_back(&self, _: ShardId, _: Vec<Arc<Refused>>, done: Returned) {
        done(true);
    }
}

fn returns() -> Arc<dyn Returns> {
    Arc::new(Nowhere)
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_that_nobody_waits_for_hold_no_place() {
    let (_, node) = start(&Settings { shards: 1, queue_max: 4, ..Settings::default() });
    let ledger = node.ledger();
    ledger.wait(HOME, |status| status.in_office).await.unwrap();
    let never = Some(coalition_journal::entry::Seq(1_000_000));
    for _ in 0..4 {
        let asked = tokio::time::timeout(std::time::Duration::from_millis(1), ledger.sums(HOME, never)).await;
        assert!(asked.is_err(), "a position that is not reached has no answer");
    }
    // The places come free once the shard has looked: until then it says that too many wait.
    let sums = async {
        loop {
            match ledger.sums(HOME, None).await {
                Err(Unavailable::Overloaded(_)) => tokio::task::yield_now().await,
                answered => break answered,
            }
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), sums)
        .await
        .expect("a place comes free")
        .unwrap();
    tokio::task::block_in_place(|| node.stop());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_inbox_forgets_what_is_decided_but_for_the_last_records() {
    let settings = Settings {
        shards: 1,
        inbox_keep: 10,
        checkpoint_interval: std::time::Duration::ZERO,
        ..Settings::default()
    };
    let (log, node) = start(&settings);
    let inbox = Partition::new(INBOX, 0);
    // Nobody can read these; the shard journals that it has passed them over.
    let records = (0..100).map(|_| Record::of(Bytes::from_static(b"junk"))).collect();
    log.append(&inbox, records, Box::new(|outcome| assert!(outcome.is_ok())));
    let trimmed = async {
        while log.bounds(&inbox).unwrap() != (Offset(90), Offset(100)) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), trimmed).await.expect("the inbox is trimmed");
    assert_eq!(node.ledger().status(HOME).unwrap().inbox_next, Offset(100));
    tokio::task::block_in_place(|| node.stop());
}

/// A store whose shard finds a fault that nobody thought of.
struct Panics;

impl Store for Panics {
    fn open(&self, _: &Identity) -> Result<Opened, coalition_store::Error> {
        panic!("planted by a test")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_stops_its_shard_and_no_other() {
    let memory = Memory::new();
    memory.set_now(now());
    let log: Arc<dyn Log> = Arc::new(memory);
    let store = |shard| match shard {
        HOME => Box::new(coalition_store::Memory::new()) as Box<dyn Store>,
        _ => Box::new(Panics),
    };
    let settings = Settings { shards: 2, ..Settings::default() };
    let alone = Membership::start(&log, settings.shards, Taking::Alone).unwrap();
    let node =
        Node::start(&log, NetworkId(Uuid::from_u128(1)), store, &returns(), &settings, &alone).unwrap();
    let ledger = node.ledger();
    let stopped = ledger.wait(ShardId(1), |status| status.in_office).await;
    assert!(matches!(stopped, Err(Unavailable::Stopped(ShardId(1), _))), "{stopped:?}");
    ledger.wait(HOME, |status| status.in_office).await.unwrap();
    assert!(matches!(ledger.sums(ShardId(1), None).await, Err(Unavailable::Rebuilding(ShardId(1)))));
    ledger.sums(HOME, None).await.unwrap();
    tokio::task::block_in_place(|| node.stop());
}
