//! Several processes over one log: who runs a shard, who follows, who takes over.

#![allow(clippy::unwrap_used, reason = "helpers of tests, which may")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use coalition_domain::{AccountId, Timestamp};
use coalition_journal::entry::{Entry, NetworkId, OwnerId, ShardId, TermStarted};
use coalition_journal::log::{
    AppendError, Done, Error, Log, Offset, Partition, Record, Stored, Topic, Wake, Watching,
};
use coalition_journal::memory::Memory;
use coalition_ledger::group::{Directory, Duty, GROUP, MemberId, Roles};
use coalition_ledger::refused::Refused;
use coalition_ledger::runtime::{
    INBOX, JOURNAL, Ledger, MemberSettings, Membership, Node, Returned, Returns, Settings, Taking,
    Unavailable,
};
use coalition_store::{Checkpoint, Identity, Mark, Opened, Order, Range, Reader, Row, Store, Writer};
use tokio::runtime::Handle;
use uuid::Uuid;

const SHARDS: u32 = 4;

/// A log in memory by the wall clock. It may be cut off: then nothing reaches it, and reads find what was there, and no fault,
/// as those of a client that no broker tells of anything new. It knows who watches what.
struct Clocked(Memory, AtomicBool, Mutex<Vec<Watch>>);

type Watch = (Partition, Weak<dyn Fn() + Send + Sync>);

impl Clocked {
    fn new() -> Self {
        Self(Memory::new(), AtomicBool::new(false), Mutex::default())
    }

    /// How often a topic's partitions are watched.
    fn watches(&self, topic: &str) -> usize {
        let kept = self.2.lock().unwrap();
        kept.iter().filter(|(of, wake)| &*of.topic == topic && wake.strong_count() > 0).count()
    }
}

impl Log for Clocked {
    fn create_topic(&self, topic: &str, partitions: u32) -> Result<Topic, Error> {
        self.0.create_topic(topic, partitions)
    }

    fn topic(&self, topic: &str) -> Result<Option<Topic>, Error> {
        self.0.topic(topic)
    }

    fn append(&self, to: &Partition, records: Vec<Record>, done: Done) {
        if self.1.load(Ordering::Acquire) {
            return done(Err(AppendError::Doubt("cut off".to_owned())));
        }
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        self.0.set_now(Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap()));
        self.0.append(to, records, done);
    }

    fn read(&self, of: &Partition, from: Offset, bytes_max: usize) -> Result<Vec<Stored>, Error> {
        self.0.read(of, from, bytes_max)
    }

    fn bounds(&self, of: &Partition) -> Result<(Offset, Offset), Error> {
        self.0.bounds(of)
    }

    fn watch(&self, of: &Partition, wake: Wake) -> Result<Watching, Error> {
        self.2.lock().unwrap().push((of.clone(), Arc::downgrade(&wake)));
        self.0.watch(of, wake)
    }

    fn trim(&self, of: &Partition, before: Offset) -> Result<(), Error> {
        self.0.trim(of, before)
    }

    fn commit(&self, group: &str, of: &Partition, next: Offset) -> Result<(), Error> {
        self.0.commit(group, of, next)
    }

    fn committed(&self, group: &str, of: &Partition) -> Result<Option<Offset>, Error> {
        self.0.committed(group, of)
    }
}

/// Nobody looks at what these tests have refused.
struct Nowhere;

impl Returns for Nowhere {
    fn give_back(&self, _: ShardId, _: Vec<Arc<Refused>>, done: Returned) {
        done(true);
    }
}

/// What is wrong with the disk of a process.
#[derive(Default)]
struct Disk {
    /// It takes no checkpoints.
    fails: AtomicBool,
    /// Held by a test, it does not answer.
    hangs: Mutex<()>,
}

struct OnDisk(coalition_store::Memory, Arc<Disk>);

impl Store for OnDisk {
    fn open(&self, identity: &Identity) -> Result<Opened, coalition_store::Error> {
        let Opened { found, reader, writer } = self.0.open(identity)?;
        let reader = Arc::new(MayHang(reader, Arc::clone(&self.1)));
        let writer = Box::new(FailsToWrite(writer, Arc::clone(&self.1)));
        Ok(Opened { found, reader, writer })
    }
}

struct MayHang(Arc<dyn Reader>, Arc<Disk>);

impl Reader for MayHang {
    fn mark(&self) -> Result<Option<Mark>, coalition_store::Error> {
        self.0.mark()
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, coalition_store::Error> {
        self.0.get(key)
    }

    fn scan(&self, range: &Range, order: Order, limit: usize) -> Result<Vec<Row>, coalition_store::Error> {
        drop(self.1.hangs.lock());
        self.0.scan(range, order, limit)
    }
}

struct FailsToWrite(Box<dyn Writer>, Arc<Disk>);

impl Writer for FailsToWrite {
    fn apply(&mut self, checkpoint: &Checkpoint) -> Result<(), coalition_store::Error> {
        if self.1.fails.load(Ordering::Acquire) {
            return Err(coalition_store::Error::Stopped);
        }
        self.0.apply(checkpoint)
    }

    fn discard(self: Box<Self>, why: &str) -> Result<(), coalition_store::Error> {
        self.0.discard(why)
    }
}

struct Process {
    disk: Arc<Disk>,
    membership: Membership,
    node: Node,
}

impl Process {
    fn start(log: &Arc<dyn Log>, n: u128, standby_replicas: u32) -> Self {
        let settings = MemberSettings {
            heartbeat: Duration::from_millis(20),
            session_timeout: Duration::from_millis(600),
            standby_replicas,
            ..MemberSettings::new(member(n), format!("host-{n}:1"), Roles::ALL)
        };
        let membership = Membership::start(log, SHARDS, Taking::Member(settings)).unwrap();
        let returns: Arc<dyn Returns> = Arc::new(Nowhere);
        let stores: Vec<_> = (0..SHARDS).map(|_| coalition_store::Memory::new()).collect();
        let disk = Arc::new(Disk::default());
        let store = |shard: ShardId| {
            Box::new(OnDisk(stores[shard.0 as usize].clone(), Arc::clone(&disk))) as Box<dyn Store>
        };
        let checkpoint_interval = Duration::from_millis(100);
        let settings = Settings { shards: SHARDS, checkpoint_interval, ..Settings::default() };
        let network = NetworkId(Uuid::from_u128(1));
        let node = Node::start(log, network, store, &returns, &settings, &membership).unwrap();
        Self { disk, membership, node }
    }

    fn stop(self) {
        tokio::task::block_in_place(|| self.node.stop());
    }

    /// Waits until the directory shows what `until` asks for.
    async fn sees(&self, until: impl Fn(&Directory) -> bool) -> Arc<Directory> {
        let mut directory = self.membership.directory();
        let seen = soon(directory.wait_for(|directory| until(directory))).await.unwrap();
        Arc::clone(&seen)
    }

    /// Waits until it is in office in all that it owns by `directory`.
    async fn serves(&self, directory: &Arc<Directory>) {
        let me = self.membership.me().unwrap();
        let mine = shards().filter(|shard| directory.duty(me, *shard) == Duty::Own);
        for shard in mine {
            soon(self.node.ledger().wait(shard, |status| status.in_office)).await.unwrap();
        }
    }
}

fn log() -> Arc<dyn Log> {
    Arc::new(Clocked::new())
}

fn member(n: u128) -> MemberId {
    MemberId(Uuid::from_u128(n))
}

fn shards() -> impl Iterator<Item = ShardId> {
    (0..SHARDS).map(ShardId)
}

fn owned(directory: &Directory, n: u128) -> usize {
    shards().filter(|shard| directory.duty(member(n), *shard) == Duty::Own).count()
}

fn followed(directory: &Directory, n: u128) -> usize {
    shards().filter(|shard| directory.duty(member(n), *shard) == Duty::Follow).count()
}

/// Whether members 1 and 2 own half of the shards each, and follow the other's.
fn are_even(directory: &Directory) -> bool {
    (owned(directory, 1), owned(directory, 2), followed(directory, 1), followed(directory, 2)) == (2, 2, 2, 2)
}

async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), what).await.expect("it comes about")
}

/// Waits until a shard shows nothing here.
async fn is_let_go(ledger: &Ledger, shard: ShardId) {
    soon(async {
        while ledger.status(shard).is_some() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[test]
fn a_time_out_below_three_heartbeats_is_refused() {
    let settings = |session_timeout| MemberSettings {
        heartbeat: Duration::from_millis(20),
        session_timeout,
        ..MemberSettings::new(member(1), String::new(), Roles::ALL)
    };
    let start = |session_timeout| Membership::start(&log(), 1, Taking::Member(settings(session_timeout)));
    assert!(start(Duration::from_millis(59)).is_err());
    assert!(start(Duration::from_millis(60)).is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_share_the_shards_and_one_who_leaves_is_relieved_before_it_ends() {
    let clocked = Arc::new(Clocked::new());
    let log: Arc<dyn Log> = Arc::clone(&clocked) as _;
    let watches = || (clocked.watches(JOURNAL), clocked.watches(INBOX));
    let first = Process::start(&log, 1, 1);
    let alone = first.sees(|directory| owned(directory, 1) == 4).await;
    assert_eq!(alone.intake, vec![Some(member(1)); 4]);
    first.serves(&alone).await;

    let second = Process::start(&log, 2, 1);
    let shared = second.sees(are_even).await;
    second.serves(&shared).await;
    first.serves(&first.sees(are_even).await).await;
    for shard in shards() {
        let holder = shared.shards[shard.0 as usize].as_ref().unwrap();
        let (owner, follower) =
            if holder.member == member(1) { (&first, &second) } else { (&second, &first) };
        assert_eq!(holder.endpoint, if holder.member == member(1) { "host-1:1" } else { "host-2:1" });
        // Who follows comes to see what the other decides, and decides nothing.
        let decided = owner.node.ledger().status(shard).unwrap().position.seq;
        let follows =
            |status: &coalition_ledger::runtime::Status| !status.in_office && status.position.seq >= decided;
        soon(follower.node.ledger().wait(shard, follows)).await.unwrap();
    }
    assert_eq!(watches(), (8, 8));

    tokio::task::block_in_place(|| second.membership.leave());
    let left = first.sees(|directory| owned(directory, 1) == 4).await;
    assert!(left.intake.iter().all(|slot| *slot == Some(member(1))));
    first.serves(&left).await;
    for shard in shards() {
        is_let_go(&second.node.ledger(), shard).await;
        let sums = second.node.ledger().sums(shard, None).await.map(drop);
        assert!(matches!(sums, Err(Unavailable::NotOwner(found)) if found == shard), "{sums:?}");
    }
    // Nor does it have fetched what others run.
    assert_eq!(watches(), (4, 4));
    second.stop();
    // Nobody could relieve the last one.
    tokio::task::block_in_place(|| first.membership.leave());
    first.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_cannot_read_what_others_agree_on_lets_go_of_everything_and_says_so() {
    let log = log();
    let process = Process::start(&log, 1, 1);
    process.serves(&process.sees(|directory| owned(directory, 1) == 4).await).await;
    // A release to come writes the second version of these records.
    let later = vec![Record::of(&b"CPG\x02whatever it says"[..])];
    log.append(&Partition::new(GROUP, 0), later, Box::new(|outcome| assert!(outcome.is_ok())));
    let seen = process.sees(|directory| directory.outdated == Some(2)).await;
    // How others are reached stands as it was; its own part is over.
    assert_eq!((owned(&seen, 1), &seen.intake), (4, &vec![None; 4]));
    for shard in shards() {
        is_let_go(&process.node.ledger(), shard).await;
    }
    tokio::task::block_in_place(|| process.membership.leave());
    process.stop();
    // The same from the start: nothing is begun of what stood there before.
    let again = Process::start(&log, 1, 1);
    again.sees(|directory| directory.outdated == Some(2)).await;
    assert!(shards().all(|shard| again.node.ledger().status(shard).is_none()));
    again.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_falls_silent_loses_its_shards_though_it_goes_on_and_gets_none_back() {
    let log = log();
    let (first, second) = (Process::start(&log, 1, 1), Process::start(&log, 2, 1));
    let shared = first.sees(are_even).await;
    second.serves(&second.sees(are_even).await).await;
    first.serves(&shared).await;
    // Its shards run on, and hear nothing of the group: so does a process that was stopped, and goes on.
    let Process { membership, node: zombie, .. } = second;
    drop(membership);
    let taken = first.sees(|directory| owned(directory, 1) == 4).await;
    assert_eq!(taken.members.len(), 1);
    first.serves(&taken).await;
    let ledger = zombie.ledger();
    for shard in shards() {
        let term = first.node.ledger().status(shard).unwrap().term;
        let status = soon(ledger.wait(shard, |status| status.term >= term)).await.unwrap();
        assert!(!status.in_office, "shard {shard}");
    }
    tokio::task::block_in_place(|| zombie.stop());
    first.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_whose_stores_fail_leaves_its_shards_to_who_is_warm() {
    let log = log();
    let (first, second) = (Process::start(&log, 1, 1), Process::start(&log, 2, 1));
    second.serves(&second.sees(are_even).await).await;
    first.serves(&first.sees(are_even).await).await;
    first.disk.fails.store(true, Ordering::Release);
    // Something to store: that there was junk.
    for shard in 0..SHARDS {
        let junk = vec![Record::of(vec![1, 2, 3])];
        log.append(&Partition::new(INBOX, shard), junk, Box::new(|outcome| assert!(outcome.is_ok())));
    }
    // It lives, and is heard again by who began the topic anew with this assignment.
    let left = second.sees(|directory| owned(directory, 2) == 4 && directory.members.len() == 2).await;
    second.serves(&left).await;
    first.stop();
    second.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_whose_disk_hangs_loses_the_shard_that_waits_for_it_and_no_other() {
    let log = log();
    let (first, second) = (Process::start(&log, 1, 1), Process::start(&log, 2, 1));
    let shared = second.sees(are_even).await;
    second.serves(&shared).await;
    first.serves(&first.sees(are_even).await).await;
    let mine = |shard: &ShardId| shared.duty(member(1), *shard) == Duty::Own;
    let shard = shards().find(mine).unwrap();
    let ledger = first.node.ledger();
    // The first bits of an account say its shard.
    let account = AccountId(Uuid::from_u128(u128::from(shard.0) << 96));
    let asked = {
        let _hangs = first.disk.hangs.lock().unwrap();
        let asking = ledger.clone();
        let asked = tokio::spawn(async move { asking.account(account, None).await });
        // It lives, and is heard again by who began the topic anew with this assignment.
        let moved = |directory: &Directory| {
            directory.duty(member(2), shard) == Duty::Own && directory.members.len() == 2
        };
        let moved = tokio::task::block_in_place(|| Handle::current().block_on(second.sees(moved)));
        tokio::task::block_in_place(|| Handle::current().block_on(second.serves(&moved)));
        assert!(!ledger.status(shard).unwrap().in_office);
        asked
    };
    // Nobody waits for ever.
    drop(soon(asked).await.unwrap());
    first.stop();
    second.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_is_cut_off_from_the_log_shows_itself_out_of_office_until_it_is_heard_again() {
    let clocked = Arc::new(Clocked::new());
    let log: Arc<dyn Log> = Arc::clone(&clocked) as _;
    let process = Process::start(&log, 1, 1);
    let all = process.sees(|directory| owned(directory, 1) == 4).await;
    process.serves(&all).await;
    let ledger = process.node.ledger();
    clocked.1.store(true, Ordering::Release);
    for shard in shards() {
        soon(ledger.wait(shard, |status| !status.in_office)).await.unwrap();
    }
    clocked.1.store(false, Ordering::Release);
    process.serves(&all).await;
    process.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_under_one_id_the_earlier_lets_go_and_goes_on_seeing_who_runs_what() {
    let log = log();
    let first = Process::start(&log, 1, 0);
    first.serves(&first.sees(|directory| owned(directory, 1) == 4).await).await;
    let second = Process::start(&log, 1, 0);
    for shard in shards() {
        is_let_go(&first.node.ledger(), shard).await;
    }
    let third = Process::start(&log, 2, 0);
    let even = |directory: &Directory| (owned(directory, 1), owned(directory, 2)) == (2, 2);
    first.sees(even).await;
    second.serves(&second.sees(even).await).await;
    // Nobody has to relieve it of anything.
    tokio::task::block_in_place(|| first.membership.leave());
    first.stop();
    second.stop();
    third.stop();
}

/// Where nobody is left to assign what the last ones had, their words of leaving stay in the topic. They were of another life.
#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_was_stopped_as_a_whole_starts_again() {
    let log = log();
    let (first, second) = (Process::start(&log, 1, 1), Process::start(&log, 2, 1));
    second.serves(&second.sees(|directory| owned(directory, 2) == 2).await).await;
    for process in [first, second] {
        tokio::task::block_in_place(|| process.membership.leave());
        process.stop();
    }
    let again = Process::start(&log, 2, 1);
    again.serves(&again.sees(|directory| owned(directory, 2) == 4).await).await;
    let other = Process::start(&log, 1, 1);
    other.serves(&other.sees(|directory| owned(directory, 1) == 2).await).await;
    again.stop();
    other.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_whose_last_life_began_later_by_its_clock_waits_until_that_is_over() {
    let log = log();
    log.create_topic(GROUP, 1).unwrap();
    // The stored word of member 1, said in the last life of all.
    let sample: String = include_str!("../testdata/group-alive-1.hex").split_whitespace().collect();
    let digits = |at: usize| u8::from_str_radix(&sample[at..at + 2], 16).unwrap();
    let mut word: Vec<u8> = (0..sample.len()).step_by(2).map(digits).collect();
    // Behind magic, version, kind, the member with its length, and the length.
    word[23..39].fill(0xff);
    log.append(&Partition::new(GROUP, 0), vec![Record::of(word)], Box::new(|done| assert!(done.is_ok())));
    let process = Process::start(&log, 1, 0);
    process.serves(&process.sees(|directory| owned(directory, 1) == 4).await).await;
    process.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_was_deposed_takes_office_again_once_the_group_has_confirmed_it() {
    let log = log();
    let process = Process::start(&log, 1, 1);
    let all = process.sees(|directory| owned(directory, 1) == 4).await;
    process.serves(&all).await;
    let ledger = process.node.ledger();
    let term = ledger.status(ShardId(2)).unwrap().term;
    let usurper = Entry::TermStarted(TermStarted { term: term.next(), owner: OwnerId(Uuid::from_u128(9)) });
    let record = Record::of(usurper.encode());
    log.append(&Partition::new(JOURNAL, 2), vec![record], Box::new(|outcome| assert!(outcome.is_ok())));
    let again = |status: &coalition_ledger::runtime::Status| status.in_office && status.term > term.next();
    soon(ledger.wait(ShardId(2), again)).await.unwrap();
    process.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_nothing_of_a_shard_says_so_and_an_onlooker_sees_who_has() {
    let log = log();
    let (first, second) = (Process::start(&log, 1, 0), Process::start(&log, 2, 0));
    let shared = first
        .sees(|directory| {
            (owned(directory, 1), owned(directory, 2), followed(directory, 1), followed(directory, 2))
                == (2, 2, 0, 0)
        })
        .await;
    first.serves(&shared).await;
    second.serves(&shared).await;
    for shard in shards().filter(|shard| shared.duty(member(2), *shard) == Duty::Own) {
        is_let_go(&first.node.ledger(), shard).await;
        let sums = first.node.ledger().sums(shard, None).await.map(drop);
        assert!(matches!(sums, Err(Unavailable::NotOwner(_))), "{sums:?}");
        second.node.ledger().sums(shard, None).await.unwrap();
    }
    let onlooker = Membership::start(&log, SHARDS, Taking::Onlooker).unwrap();
    let mut directory = onlooker.directory();
    let seen = soon(directory.wait_for(|seen| seen.shards == shared.shards)).await.unwrap().clone();
    assert_eq!((onlooker.me(), seen.members.len()), (None, 2));
    // What came before the assignment in force is gone.
    let (start, _) = log.bounds(&Partition::new(GROUP, 0)).unwrap();
    assert!(start > Offset(0));
    first.stop();
    second.stop();
}
