//! A network of two shards on a log in memory, whose stores lie in real folders; and what its clients are owed.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use coalition_domain::decide::{RegistryChange, RegistryCommand};
use coalition_domain::event::Book;
use coalition_domain::registry::Settings as NetworkSettings;
use coalition_domain::{
    Caller, EventBody, Identifier, KeyId, Money, PartnerEvent, PartnerId, ProgrammeId, Reference, RequestId,
    Returned as WhatIsReturned, Role, Scheme, Span, Timestamp, UnitPrice,
};
use coalition_journal::entry::{Genesis, NetworkId, ShardCount, ShardId, TopicId, Topics};
use coalition_journal::log::{Log, Offset, Partition, Record};
use coalition_journal::memory::Memory;
use coalition_ledger::inbox::{Request, Source};
use coalition_ledger::refused::Refused;
use coalition_ledger::replay::replay;
use coalition_ledger::rows;
use coalition_ledger::runtime::{
    INBOX, JOURNAL, Ledger, Membership, Node, Returned, Returns, Settings, Status, Taking, Unavailable,
};
use coalition_ledger::shard::Limits;
use coalition_store::{Folder, Found, Identity, Store, digest, first_difference};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::damaging::{Dice, Folders, copy};

const SHARDS: [ShardId; 2] = [ShardId(0), ShardId(1)];
const NETWORK: NetworkId = NetworkId(Uuid::from_u128(5));
const ACCOUNTS: usize = 60;
/// For what takes seconds on a machine with nothing else to do.
const PATIENCE: Duration = Duration::from_secs(120);
const PROGRAMME: &str = r#"
[programme]
id = "miles"
name = "Miles"
effective_from = 2020-01-01T00:00:00Z

[[rule]]
id = "purchase"
event = "purchase"
points = 1
per = { amount = "1.00", currency = "USD", rounding = "down" }
"#;

/// What a client knows of an account.
#[derive(Default)]
struct Owed {
    points: u64,
    /// Orders with what each granted, until it is given back.
    orders: Vec<(String, Option<u64>)>,
}

pub(crate) struct Network {
    root: TempDir,
    memory: Arc<Memory>,
    log: Arc<dyn Log>,
    runtime: Runtime,
    owed: BTreeMap<usize, Owed>,
    last: Option<PartnerEvent>,
    events: u64,
}

/// What is refused here, partners needn't hear.
struct Heard;

impl Returns for Heard {
    fn give_back(&self, _: ShardId, _: Vec<Arc<Refused>>, done: Returned) {
        done(true);
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap())
}

fn identifier(account: usize) -> Identifier {
    Identifier::new(Scheme::CardToken, &format!("token-{account:04}")).unwrap()
}

fn shop() -> PartnerId {
    PartnerId::new("shop").unwrap()
}

fn miles() -> ProgrammeId {
    ProgrammeId::new("miles").unwrap()
}

impl Network {
    pub(crate) fn new(seed: u64) -> Self {
        let memory = Arc::new(Memory::new());
        memory.set_now(now());
        let log: Arc<dyn Log> = Arc::clone(&memory) as Arc<dyn Log>;
        let network = Self {
            root: tempfile::tempdir().unwrap(),
            memory,
            log,
            runtime: Runtime::new().unwrap(),
            owed: BTreeMap::new(),
            last: None,
            events: seed * 1_000_000,
        };
        let node = network.start();
        network.runtime.block_on(set_up(&node.ledger()));
        node.stop();
        network.keep_older();
        network
    }

    /// Starts the shards over what is in their folders.
    fn start(&self) -> Node {
        self.memory.set_now(now());
        let settings = Settings {
            shards: 2,
            checkpoint_accounts: 25,
            checkpoint_interval: Duration::from_millis(20),
            // Most accounts are read from the store, each time.
            limits: Limits { accounts_max: 10, batch_commands_max: 40, ..Limits::default() },
            ..Settings::default()
        };
        let folders = self.folders().stores;
        let store = |shard: ShardId| -> Box<dyn Store> { Box::new(folder(&folders[shard.0 as usize])) };
        let returns: Arc<dyn Returns> = Arc::new(Heard);
        let alone = Membership::start(&self.log, 2, Taking::Alone).unwrap();
        Node::start(&self.log, NETWORK, store, &returns, &settings, &alone).unwrap()
    }

    pub(crate) fn folders(&self) -> Folders {
        let of = |name: &str| [0, 1].map(|shard| self.root.path().join(format!("{name}-{shard}")));
        Folders { stores: of("store"), older: of("older") }
    }

    /// Keeps a copy of the stores as they are, for a later roll-back.
    fn keep_older(&self) {
        let Folders { stores, older } = self.folders();
        for (store, older) in stores.iter().zip(&older) {
            drop(fs::remove_dir_all(older));
            copy(store, older);
        }
    }

    /// Clients buy and give back; the process ends well, or dies in the middle of it.
    pub(crate) fn live(&mut self, dice: &mut Dice) {
        if dice.below(3) == 0 {
            self.keep_older();
        }
        let node = self.start();
        let ends = self.ask(dice);
        let dies = dice.below(2) == 0;
        let middle = ends.map(|(start, end)| Offset(start.0.midpoint(end.0)));
        let killed = dies.then(|| {
            self.until(&node.ledger(), |status| {
                status.inbox_next >= middle[status.position.shard.0 as usize]
            });
            // The files as they are while it works, which a process that is killed leaves.
            let image = self.root.path().join("killed");
            self.folders().stores.map(|store| {
                let image = image.join(store.file_name().unwrap());
                copy(&store, &image);
                (image, store)
            })
        });
        self.until(&node.ledger(), |status| status.inbox_next >= ends[status.position.shard.0 as usize].1);
        node.stop();
        for (image, store) in killed.into_iter().flatten() {
            fs::remove_dir_all(&store).unwrap();
            fs::rename(image, store).unwrap();
        }
    }

    /// As [`Self::live`], while files can hardly grow; whether a checkpoint was hindered.
    pub(crate) fn live_on_a_full_disk(&mut self, dice: &mut Dice) -> bool {
        let node = self.start();
        let in_office = |status: &Status| status.in_office;
        self.until(&node.ledger(), in_office);
        let length = |folder: &PathBuf| fs::metadata(folder.join("db")).unwrap().len();
        let longest = self.folders().stores.iter().map(length).max().unwrap();
        limit_files(Some(longest.saturating_sub(300_000) + dice.below(400_000) as u64));
        let ends = self.ask(dice);
        let ledger = node.ledger();
        let is_stored = |shard: ShardId| {
            let status = ledger.status(shard);
            status.is_some_and(|status| {
                status.inbox_next >= ends[shard.0 as usize].1 && status.stored >= status.position.seq
            })
        };
        let outcome = async {
            // Until the store has everything, or a shard says that its own has failed.
            while !SHARDS.into_iter().all(is_stored) {
                for shard in SHARDS {
                    if matches!(ledger.sums(shard, None).await, Err(Unavailable::Rebuilding(_))) {
                        return true;
                    }
                }
                tokio::task::yield_now().await;
            }
            false
        };
        let outcome = async { tokio::time::timeout(PATIENCE, outcome).await };
        let hindered = self.runtime.block_on(outcome).expect("in time");
        limit_files(None);
        self.until(&ledger, |status| status.inbox_next >= ends[status.position.shard.0 as usize].1);
        node.stop();
        hindered
    }

    /// What clients ask for, in the inbox: its start and end for each shard.
    fn ask(&mut self, dice: &mut Dice) -> [(Offset, Offset); 2] {
        let bounds =
            |log: &dyn Log| SHARDS.map(|shard| log.bounds(&Partition::new(INBOX, shard.0)).unwrap().1);
        let starts = bounds(&*self.log);
        for _ in 0..60 + dice.below(120) {
            let event = match (dice.below(10), &self.last) {
                (0, Some(last)) => last.clone(),
                (chance, _) => self.new_event(dice, chance < 4),
            };
            let to = Partition::new(INBOX, event.identifier.account().shard(2));
            let source = Source { partition: 0, offset: Offset(self.events) };
            self.last = Some(event.clone());
            let record = Record::of(Request::Event(event, source).encode());
            self.log.append(&to, vec![record], Box::new(|outcome| assert!(outcome.is_ok())));
        }
        let ends = bounds(&*self.log);
        [(starts[0], ends[0]), (starts[1], ends[1])]
    }

    fn new_event(&mut self, dice: &mut Dice, gives_back: bool) -> PartnerEvent {
        self.events += 1;
        let account = dice.below(ACCOUNTS);
        let owed = self.owed.entry(account).or_default();
        let which = dice.below(owed.orders.len());
        let body = match owed.orders.get_mut(which).filter(|_| gives_back) {
            Some((order, granted)) => {
                // A second time it is refused.
                owed.points -= granted.take().unwrap_or(0);
                EventBody::Return { order: reference(order), what: WhatIsReturned::Whole }
            }
            None => {
                let cents = dice.below(20_000);
                let granted = u64::try_from(cents / 100).unwrap();
                owed.points += granted;
                let order = format!("order-{}", self.events);
                owed.orders.push((order.clone(), Some(granted)));
                let micros = i64::try_from(cents).unwrap() * 10_000;
                EventBody::Purchase {
                    order: reference(&order),
                    amount: Money { currency: "USD".parse().unwrap(), micros },
                }
            }
        };
        PartnerEvent {
            partner: shop(),
            event_id: reference(&format!("event-{}", self.events)),
            programme: None,
            identifier: identifier(account),
            event_time: now(),
            channel: None,
            revision: 0,
            body,
        }
    }

    fn until(&self, ledger: &Ledger, holds: impl Fn(&Status) -> bool) {
        for shard in SHARDS {
            // The clock of a log in memory stands still otherwise, which an owner doesn't trust for long.
            self.memory.set_now(now());
            let reached = async { tokio::time::timeout(PATIENCE, ledger.wait(shard, &holds)).await };
            self.runtime.block_on(reached).expect("in time").unwrap();
        }
    }

    /// Starts on what is left of the stores, and holds it against what clients are owed and against a projection that is
    /// made anew. Whether a store was set aside.
    pub(crate) fn start_and_check(&self, what: &str) -> bool {
        let node = self.start();
        let ledger = node.ledger();
        let ends = SHARDS.map(|shard| self.log.bounds(&Partition::new(INBOX, shard.0)).unwrap().1);
        self.until(&ledger, |status| {
            status.in_office && status.inbox_next >= ends[status.position.shard.0 as usize]
        });
        self.runtime.block_on(async {
            for (account, owed) in &self.owed {
                let id = identifier(*account).account();
                let view = ledger.account(id, None).await.unwrap();
                let balance = view.account().balance(&miles(), now());
                assert_eq!(
                    (balance.available.get(), balance.debt.get()),
                    (owed.points, 0),
                    "{what}: account {account}"
                );
            }
            let mut sums = BTreeMap::new();
            for shard in SHARDS {
                for ((_, book), points) in ledger.sums(shard, None).await.unwrap().books {
                    *sums.entry(book).or_insert(0) += points;
                }
            }
            let owed: u64 = self.owed.values().map(|owed| owed.points).sum();
            assert_eq!(sums.values().sum::<i128>(), 0, "{what}: {sums:?}");
            assert_eq!(sums.get(&Book::Available), Some(&i128::from(owed)), "{what}: {sums:?}");
        });
        node.stop();
        for shard in SHARDS {
            self.check_rows(shard, what);
        }
        let aside = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().contains(".damaged-");
        let entries = fs::read_dir(self.root.path()).unwrap().map(Result::unwrap);
        let set_aside: Vec<_> = entries.filter(aside).collect();
        set_aside.iter().for_each(|entry| fs::remove_dir_all(entry.path()).unwrap());
        !set_aside.is_empty()
    }

    /// The rows, settlement among them, are those of the journal.
    fn check_rows(&self, shard: ShardId, what: &str) {
        let identity = Identity { network: NETWORK.0, shard: shard.0, format: rows::FORMAT };
        let kept = folder(&self.folders().stores[shard.0 as usize]).open(&identity).unwrap();
        assert!(matches!(kept.found, Found::At(_)), "{what}: {:?}", kept.found);
        let topic = |name| TopicId(self.log.topic(name).unwrap().unwrap().id);
        let topics = Topics { journal: topic(JOURNAL), inbox: topic(INBOX) };
        let genesis = Genesis { network: NETWORK, shard, shard_count: ShardCount(2), topics };
        let journal = Partition::new(JOURNAL, shard.0);
        let empty = coalition_store::Memory::new().open(&identity).unwrap();
        let (anew, _) = replay(&self.log, &journal, genesis, None, empty, |_| ()).unwrap();
        let (kept, anew) = (&*kept.reader, &*anew.reader);
        if digest(kept).unwrap() != digest(anew).unwrap() {
            panic!("{what}: shard {shard} differs: {:?}", first_difference(kept, anew).unwrap());
        }
    }
}

fn reference(text: &str) -> Reference {
    Reference::new(text).unwrap()
}

fn folder(path: &std::path::Path) -> Folder {
    // Little of it is in memory.
    Folder::new(path, coalition_store::Settings { cache_bytes: 256 << 10, ..Default::default() })
}

/// How long files of this process may get, in bytes.
fn limit_files(bytes: Option<u64>) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Fsize);
    setrlimit(Resource::Fsize, Rlimit { current: bytes, maximum }).unwrap();
}

async fn set_up(ledger: &Ledger) {
    ledger.wait(ShardId(0), |status| status.in_office).await.unwrap();
    let key = KeyId::new("operator").unwrap();
    let settings =
        NetworkSettings { max_event_age: Span::from_days(365), max_request_age: Span::from_days(1) };
    let accrual = Some(UnitPrice::new("USD".parse().unwrap(), 9_000).unwrap());
    for change in [
        RegistryChange::SetUp { settings, key, secret_hash: [0; 32] },
        RegistryChange::CreatePartner {
            id: shop(),
            display_name: "Shop".to_owned(),
            default_programme: Some(miles()),
        },
        RegistryChange::PublishProgramme { document: PROGRAMME.into() },
        RegistryChange::CreateContract {
            partner: shop(),
            programme: miles(),
            from: Timestamp::from_millis(0),
            accrual,
            redemption: None,
        },
    ] {
        let caller = Some(Caller { key, role: Role::Operator });
        let command = RegistryCommand { caller, request: RequestId::new(Uuid::now_v7()).unwrap(), change };
        ledger.change(command).await.unwrap().decision.outcome.unwrap();
    }
}
