//! Several processes over one log: killed (-9) and stopped (SIGSTOP) under load, rolled one by one, and every answer that was
//! given holds.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use coalition_proto::event::v1::partner_event::Body;
use coalition_proto::event::v1::partner_event_service_client::PartnerEventServiceClient;
use coalition_proto::event::v1::{PartnerEvent, PublishEventsRequest, Purchase};
use coalition_proto::member::v1::LookupMemberRequest;
use coalition_proto::member::v1::member_service_client::MemberServiceClient;
use coalition_proto::redemption::v1::redemption_service_client::RedemptionServiceClient;
use coalition_proto::redemption::v1::{CreateRedemptionRequest, ListRedemptionsRequest};
use tokio::task::JoinSet;
use tokio::time::{Duration, Instant, Interval, MissedTickBehavior, interval, timeout};
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use uuid::Uuid;

use crate::brokers::Brokers;
use crate::coalition::{Asking, customer_number, set_up_shop};
use crate::digest::decisions;
use crate::harness::{Served, signed};

const PROGRAMME: &str = r#"
[programme]
id = "club"
name = "The club"
effective_from = 2026-01-01T00:00:00Z

[[rule]]
id = "purchase"
event = "purchase"
points = 1
per = { amount = "1.00", currency = "USD", rounding = "down" }

[[reward]]
id = "towel"
name = "Beach towel"
redeemer = "shop"
points = 3
"#;

const CUSTOMERS: u64 = 24;
const CLIENTS: u64 = 4;
/// Answers between two blows.
const BETWEEN: u64 = 60;
/// One call, of which there may be several until there is an answer: one to a process that stands still gets none.
const CALL_MAX: Duration = Duration::from_secs(3);
/// How long the network may take for an answer, with all repeats: what takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(180);

/// How many blows; more are dealt by hand: docs/testing.md.
fn rounds(usual: u64) -> u64 {
    std::env::var("COALITION_ROUNDS").map_or(usual, |rounds| rounds.parse().expect("a number of rounds"))
}

fn ticks(millis: u64) -> Interval {
    let mut ticks = interval(Duration::from_millis(millis));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// The processes of a network, and where each listens while it runs.
struct Processes {
    folder: PathBuf,
    /// None: one process, with its log in its folder.
    brokers: Option<Brokers>,
    served: Vec<Option<Served>>,
    addresses: Arc<Mutex<Vec<String>>>,
}

impl Processes {
    fn start(folder: &Path, brokers: Option<Brokers>, count: usize) -> Self {
        std::fs::write(folder.join("secret"), "a-secret-that-only-these-processes-know").expect("room");
        let (served, addresses) = ((0..count).map(|_| None).collect(), vec![String::new(); count]);
        let mut processes =
            Self { folder: folder.to_owned(), brokers, served, addresses: Arc::new(Mutex::new(addresses)) };
        (0..count).for_each(|number| processes.run(number));
        processes
    }

    fn data(&self, number: usize) -> PathBuf {
        self.folder.join(format!("process-{number}"))
    }

    fn run(&mut self, number: usize) {
        let secret = self.folder.join("secret");
        let peers = format!(
            "[peers]\nlisten = \"127.0.0.1:0\"\nsecret_file = \"{}\"\nheartbeat_ms = 200\nsession_timeout_ms = 1500\n",
            secret.display()
        );
        let served = match &self.brokers {
            Some(brokers) => Served::start_among(&self.data(number), brokers, &peers),
            None => Served::start(&self.data(number)),
        };
        self.addresses.lock().expect("no holder panics")[number].clone_from(&served.address);
        self.served[number] = Some(served);
    }

    fn get(&self, number: usize) -> &Served {
        self.served[number].as_ref().expect("it runs")
    }

    fn take(&mut self, number: usize) -> Served {
        self.served[number].take().expect("it runs")
    }

    fn operator_key(&self) -> String {
        let keys = (0..self.served.len()).map(|number| self.data(number).join("operator.key"));
        let mut keys = keys.filter_map(|path| std::fs::read_to_string(path).ok());
        let key = keys.next().expect("the first process has made one");
        assert!(keys.next().is_none(), "only one process has made one");
        key.trim().to_owned()
    }
}

/// Somebody who repeats a call until it is answered, at whichever process.
struct Client {
    addresses: Arc<Mutex<Vec<String>>>,
    channels: BTreeMap<String, Channel>,
    key: String,
    turn: usize,
    /// Calls that had to be repeated.
    repeated: u64,
}

impl Client {
    async fn call<T, M: Clone, F: Future<Output = Result<T, Status>>>(
        &mut self,
        message: &M,
        call: impl Fn(Channel, Request<M>) -> F,
    ) -> Result<T, Status> {
        let until = Instant::now() + PATIENCE;
        let mut pause = ticks(10);
        loop {
            let address = {
                let addresses = self.addresses.lock().expect("no holder panics");
                addresses[self.turn % addresses.len()].clone()
            };
            let channel = self.channels.entry(address.clone()).or_insert_with(|| {
                let endpoint = Channel::from_shared(address.clone()).expect("an address");
                endpoint.connect_timeout(CALL_MAX).connect_lazy()
            });
            let mut request = signed(message.clone(), &self.key);
            request.set_timeout(CALL_MAX);
            let status = match timeout(CALL_MAX * 2, call(channel.clone(), request)).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(status)) => status,
                Err(_) => Status::deadline_exceeded("no answer"),
            };
            let passing =
                [Code::Unavailable, Code::Unknown, Code::Cancelled, Code::DeadlineExceeded, Code::Internal];
            // An INTERNAL of ours is a fault; one of the transport's says that a stream was broken off.
            let ours = status.metadata().contains_key("traceparent") && status.code() == Code::Internal;
            if ours || !passing.contains(&status.code()) || Instant::now() > until {
                return Err(status);
            }
            // It stays with one that answers, as clients do.
            self.channels.remove(&address);
            self.turn += 1;
            self.repeated += 1;
            pause.tick().await;
        }
    }
}

/// What a client was told.
#[derive(Default)]
struct Told {
    /// Of each event: customer and dollars.
    events: BTreeMap<String, (u64, i64)>,
    /// Redemptions of each customer.
    redemptions: BTreeMap<u64, BTreeSet<String>>,
    refused: u64,
    repeated: u64,
}

struct Load {
    told: JoinSet<Told>,
    answers: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl Load {
    fn start(processes: &Processes, members: &Arc<Vec<String>>) -> Self {
        let (answers, stop) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
        let mut told = JoinSet::new();
        for number in 0..CLIENTS {
            let client = Client {
                addresses: Arc::clone(&processes.addresses),
                channels: BTreeMap::new(),
                key: processes.operator_key(),
                turn: usize::try_from(number).expect("few"),
                repeated: 0,
            };
            told.spawn(work(number, client, Arc::clone(members), Arc::clone(&answers), Arc::clone(&stop)));
        }
        Self { told, answers, stop }
    }

    /// Waits until so many more answers were given, in spite of everything.
    async fn answers(&self, more: u64) {
        let (until, wanted) = (Instant::now() + PATIENCE, self.answers.load(Ordering::Relaxed) + more);
        let mut look = ticks(2);
        while self.answers.load(Ordering::Relaxed) < wanted {
            assert!(Instant::now() < until, "no answers any more");
            assert!(!self.told.is_empty());
            look.tick().await;
        }
    }

    async fn end(mut self) -> Vec<Told> {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Vec::new();
        while let Some(told) = self.told.join_next().await {
            all.push(told.expect("a client does not panic"));
        }
        all
    }
}

/// Publishes and redeems, in turn, for customers by chance.
async fn work(
    number: u64,
    mut client: Client,
    members: Arc<Vec<String>>,
    answers: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
) -> Told {
    let (mut told, mut chance) = (Told::default(), number + 1);
    for nth in 0_u64.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let customer = (chance >> 33) % CUSTOMERS;
        if nth % 2 == 0 {
            let (id, dollars) = (format!("e{number}-{nth}"), i64::try_from(nth % 7 + 1).expect("few"));
            let event = purchase(&id, customer, dollars);
            let message = PublishEventsRequest {
                partner: "partners/shop".to_owned(),
                events: vec![event],
                ..PublishEventsRequest::default()
            };
            let published = client
                .call(&message, |channel, request| async move {
                    PartnerEventServiceClient::new(channel).publish_events(request).await
                })
                .await;
            assert_eq!(published.expect("events are taken").into_inner().results.len(), 1);
            told.events.insert(id, (customer, dollars));
        } else {
            let member = &members[usize::try_from(customer).expect("few")];
            let message = CreateRedemptionRequest {
                member: member.clone(),
                reward: "programmes/club/rewards/towel".to_owned(),
                quantity: 1,
                request_id: Uuid::now_v7().to_string(),
            };
            let redeemed = client
                .call(&message, |channel, request| async move {
                    RedemptionServiceClient::new(channel).create_redemption(request).await
                })
                .await;
            match redeemed {
                Ok(redemption) => {
                    let name = redemption.into_inner().name;
                    assert!(told.redemptions.entry(customer).or_default().insert(name), "answered once");
                }
                // The points are not there yet.
                Err(status) if status.code() == Code::FailedPrecondition => told.refused += 1,
                Err(status) => panic!("a redemption: {status:?}"),
            }
        }
        answers.fetch_add(1, Ordering::Relaxed);
    }
    told.repeated = client.repeated;
    told
}

fn purchase(id: &str, customer: u64, dollars: i64) -> PartnerEvent {
    let amount =
        coalition_proto::google::r#type::Money { currency_code: "USD".to_owned(), units: dollars, nanos: 0 };
    PartnerEvent {
        event_id: id.to_owned(),
        identifier: Some(customer_number("shop", &customer.to_string())),
        event_time: Some(std::time::SystemTime::now().into()),
        body: Some(Body::Purchase(Purchase {
            order_id: format!("o-{id}"),
            amount: Some(amount),
            ..Purchase::default()
        })),
        ..PartnerEvent::default()
    }
}

fn set_up(first: &Served, folder: &Path) {
    set_up_shop(first, folder, PROGRAMME);
    for customer in 0..CUSTOMERS {
        first.command(&["member", "enrol", "--customer", &format!("shop:{customer}")]);
    }
}

/// The members of the customers, by number.
async fn members(served: &Served) -> Vec<String> {
    let mut client = MemberServiceClient::new(served.connect().await);
    let mut members = Vec::new();
    for customer in 0..CUSTOMERS {
        let identifier = Some(customer_number("shop", &customer.to_string()));
        let request = LookupMemberRequest { identifier, ..LookupMemberRequest::default() };
        let member = client.lookup_member(served.operator(request)).await.expect("an enrolled customer");
        members.push(member.into_inner().name);
    }
    members
}

/// What was acknowledged is there once, and nothing else is.
async fn check(processes: &Processes, members: &[String], told: &[Told]) {
    let last = processes.get(processes.served.len() - 1);
    let asking = Asking::of(last).await;
    let mut expected = vec![0_i64; members.len()];
    for (id, (customer, dollars)) in told.iter().flat_map(|told| &told.events) {
        let record = asking.decided("shop", id, &customer.to_string()).await;
        assert_eq!(record.points, *dollars, "{id}");
        expected[usize::try_from(*customer).expect("few")] += dollars;
    }
    let mut client = RedemptionServiceClient::new(last.connect().await);
    for (customer, member) in (0_u64..).zip(members) {
        let acknowledged: BTreeSet<String> =
            told.iter().filter_map(|told| told.redemptions.get(&customer)).flatten().cloned().collect();
        let (mut found, mut page_token) = (BTreeSet::new(), String::new());
        loop {
            let request = ListRedemptionsRequest {
                member: member.clone(),
                page_size: 100,
                page_token,
                ..ListRedemptionsRequest::default()
            };
            let listed = client.list_redemptions(last.operator(request)).await.expect("a list").into_inner();
            found.extend(listed.redemptions.into_iter().map(|redemption| redemption.name));
            page_token = listed.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        assert_eq!(found, acknowledged, "redemptions of customer {customer}");
        let burnt = 3 * i64::try_from(acknowledged.len()).expect("few");
        let place = usize::try_from(customer).expect("few");
        let points = asking.points("shop", &customer.to_string()).await;
        assert_eq!(points, expected[place] - burnt, "points of customer {customer}");
    }
}

fn summary(what: &str, rounds: u64, took: Duration, told: &[Told]) {
    let sum = |count: fn(&Told) -> u64| told.iter().map(count).sum::<u64>();
    println!(
        "{what}: {rounds} rounds in {took:.1?}, {} events, {} redemptions and {} refusals acknowledged, {} calls repeated",
        sum(|told| told.events.len() as u64),
        sum(|told| told.redemptions.values().map(|all| all.len() as u64).sum()),
        sum(|told| told.refused),
        sum(|told| told.repeated),
    );
}

/// Journals have each event once.
fn check_journal(data: &Path, brokers: Option<&Brokers>, told: &[Told]) {
    let arguments = brokers.map(Brokers::arguments);
    let decisions = decisions(data, arguments.as_ref().map_or(&[], |arguments| arguments.as_slice()));
    let events = decisions.iter().filter(|(text, _)| text.contains(" at shop, event e"));
    let counts: Vec<u32> = events.map(|(_, count)| *count).collect();
    let acknowledged: usize = told.iter().map(|told| told.events.len()).sum();
    assert_eq!(counts, vec![1; acknowledged]);
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_are_killed_and_stopped_take_no_answer_back() {
    let brokers = std::env::var("COALITION_BROKERS").map_or(1, |count| count.parse().expect("one or three"));
    let Some(brokers) = Brokers::start(brokers) else { return };
    take_no_answer_back(Some(brokers), 3, rounds(6)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_with_its_log_that_is_killed_takes_no_answer_back() {
    take_no_answer_back(None, 1, rounds(6)).await;
}

async fn take_no_answer_back(brokers: Option<Brokers>, count: usize, rounds: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut processes = Processes::start(folder.path(), brokers, count);
    set_up(processes.get(0), folder.path());
    let members = Arc::new(members(processes.get(count - 1)).await);
    let load = Load::start(&processes, &members);
    let began = Instant::now();
    for round in 0..rounds {
        // At another moment each time.
        load.answers(BETWEEN + round * 37 % 61).await;
        let victim = usize::try_from(round * 5).expect("few") % count;
        if round % 3 == 2 && count > 1 {
            // A zombie: others take over, then it goes on as if nothing had been.
            processes.get(victim).signal("STOP");
            load.answers(BETWEEN).await;
            processes.get(victim).signal("CONT");
        } else {
            processes.take(victim).kill();
            if round % 2 == 1 && count > 1 {
                // Not before others have taken over.
                load.answers(BETWEEN).await;
            }
            tokio::task::block_in_place(|| processes.run(victim));
        }
    }
    load.answers(BETWEEN).await;
    let told = load.end().await;
    summary("killed and stopped", rounds, began.elapsed(), &told);
    check(&processes, &members, &told).await;
    for number in 0..count {
        processes.take(number).stop();
    }
    check_journal(&processes.data(0), processes.brokers.as_ref(), &told);
}

/// As an operator brings a new release in: one process after the other ends in order and comes back.
#[tokio::test(flavor = "multi_thread")]
async fn processes_that_are_rolled_lose_no_request() {
    let Some(brokers) = Brokers::start(1) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let mut processes = Processes::start(folder.path(), Some(brokers), 3);
    set_up(processes.get(0), folder.path());
    let members = Arc::new(members(processes.get(1)).await);
    let load = Load::start(&processes, &members);
    let began = Instant::now();
    for number in 0..3 {
        load.answers(BETWEEN).await;
        let old = processes.take(number);
        tokio::task::block_in_place(|| {
            old.stop();
            processes.run(number);
        });
    }
    load.answers(BETWEEN).await;
    let told = load.end().await;
    summary("rolled", 3, began.elapsed(), &told);
    check(&processes, &members, &told).await;
}
