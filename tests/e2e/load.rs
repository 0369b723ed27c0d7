//! Clients that publish and redeem while things go wrong, and what has to be there when they end.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use coalition_proto::event::v1::partner_event::Body;
use coalition_proto::event::v1::partner_event_service_client::PartnerEventServiceClient;
use coalition_proto::event::v1::publish_event_result::Outcome;
use coalition_proto::event::v1::{PartnerEvent, PublishEventsRequest, Purchase};
use coalition_proto::member::v1::LookupMemberRequest;
use coalition_proto::member::v1::member_service_client::MemberServiceClient;
use coalition_proto::redemption::v1::redemption_service_client::RedemptionServiceClient;
use coalition_proto::redemption::v1::{CreateRedemptionRequest, ListRedemptionsRequest};
use tokio::task::JoinSet;
use tokio::time::{Duration, Instant, Interval, timeout};
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;
use uuid::Uuid;

use crate::brokers::Brokers;
use crate::coalition::{Asking, customer_number, set_up_shop};
use crate::digest::decisions;
use crate::harness::{Served, signed};
use crate::network::{PATIENCE, Processes, SESSION_TIMEOUT, ticks};

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

pub(crate) const CUSTOMERS: u64 = 24;
const CLIENTS: u64 = 4;
/// Answers between two blows.
pub(crate) const BETWEEN: u64 = 60;
/// One call, of which there may be several until there is an answer: one to a process that stands still gets none.
pub(crate) const CALL_MAX: Duration = Duration::from_secs(3);

/// Somebody who repeats a call until it is answered, at whichever process.
pub(crate) struct Client {
    addresses: Arc<Mutex<Vec<String>>>,
    channels: BTreeMap<String, Channel>,
    key: String,
    turn: usize,
    /// Why calls had to be repeated, and how many.
    repeated: BTreeMap<String, u64>,
    /// The longest that an answer took, with all repeats.
    slowest: Duration,
    /// Of all clients of a load: how often a gateway said itself that it can't.
    refusals: Arc<AtomicU64>,
}

/// Whether a call may be repeated as it is, and why it has to be; the status again if not.
pub(crate) fn passing(status: Status) -> Result<String, Status> {
    // What a gateway itself says has a trace, a reason, and where it may be repeated says so; all else is the transport's.
    if status.metadata().contains_key("traceparent") {
        let details = status.get_error_details();
        let again = status.code() == Code::DeadlineExceeded || details.retry_info().is_some();
        return match details.error_info() {
            Some(info) if again => Ok(format!("{:?} {}", status.code(), info.reason)),
            Some(_) | None => Err(status),
        };
    }
    let broken = [Code::Unavailable, Code::Unknown, Code::Cancelled, Code::DeadlineExceeded, Code::Internal];
    if broken.contains(&status.code()) { Ok(format!("{:?}, connection", status.code())) } else { Err(status) }
}

impl Client {
    /// Begins with this process.
    pub(crate) fn new(processes: &Processes, turn: usize) -> Self {
        Self {
            addresses: Arc::clone(&processes.addresses),
            channels: BTreeMap::new(),
            key: processes.operator_key(),
            turn,
            repeated: BTreeMap::new(),
            slowest: Duration::ZERO,
            refusals: Arc::default(),
        }
    }

    pub(crate) async fn call<T, M: Clone, F: Future<Output = Result<T, Status>>>(
        &mut self,
        message: &M,
        call: impl Fn(Channel, Request<M>) -> F,
    ) -> Result<T, Status> {
        let began = Instant::now();
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
                Ok(Ok(answer)) => {
                    self.slowest = self.slowest.max(began.elapsed());
                    return Ok(answer);
                }
                Ok(Err(status)) => status,
                Err(_) => Status::deadline_exceeded("no answer"),
            };
            let said = status.metadata().contains_key("traceparent");
            let why = passing(status)?;
            self.refusals.fetch_add(u64::from(said), Ordering::Relaxed);
            assert!(began.elapsed() < PATIENCE, "no answer any more, but {why}: {:?}", self.repeated);
            // It stays with one that answers, as clients do.
            self.channels.remove(&address);
            self.turn += 1;
            *self.repeated.entry(why).or_default() += 1;
            pause.tick().await;
        }
    }

    /// Publishes one event until it is taken.
    pub(crate) async fn publish(&mut self, event: PartnerEvent) {
        let message = PublishEventsRequest {
            partner: "partners/shop".to_owned(),
            events: vec![event],
            ..PublishEventsRequest::default()
        };
        let published = self
            .call(&message, |channel, request| async move {
                PartnerEventServiceClient::new(channel).publish_events(request).await
            })
            .await;
        let results = published.expect("events are taken").into_inner().results;
        let taken =
            matches!(results.as_slice(), [result] if matches!(result.outcome, Some(Outcome::Accepted(_))));
        assert!(taken, "an event was not taken: {results:?}");
    }

    /// Redeems a towel until it is answered; none if there are too few points.
    pub(crate) async fn redeem(&mut self, member: &str) -> Option<String> {
        self.redeem_as(&towel(member)).await
    }

    /// The same by a request that may have been made before.
    pub(crate) async fn redeem_as(&mut self, message: &CreateRedemptionRequest) -> Option<String> {
        let redeemed = self
            .call(message, |channel, request| async move {
                RedemptionServiceClient::new(channel).create_redemption(request).await
            })
            .await;
        match redeemed {
            Ok(redemption) => Some(redemption.into_inner().name),
            Err(status) if status.code() == Code::FailedPrecondition => None,
            Err(status) => panic!("a redemption: {status:?}"),
        }
    }
}

/// A request for a towel.
pub(crate) fn towel(member: &str) -> CreateRedemptionRequest {
    CreateRedemptionRequest {
        member: member.to_owned(),
        reward: "programmes/club/rewards/towel".to_owned(),
        quantity: 1,
        request_id: Uuid::now_v7().to_string(),
    }
}

/// What a client was told.
#[derive(Default)]
pub(crate) struct Told {
    /// Of each event: customer and dollars.
    pub(crate) events: BTreeMap<String, (u64, i64)>,
    /// Redemptions of each customer.
    pub(crate) redemptions: BTreeMap<u64, BTreeSet<String>>,
    refused: u64,
    repeated: BTreeMap<String, u64>,
    slowest: Duration,
}

pub(crate) struct Load {
    told: JoinSet<Told>,
    answers: Arc<AtomicU64>,
    refusals: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl Load {
    /// As fast as they are answered.
    pub(crate) fn start(processes: &Processes, members: &Arc<Vec<String>>) -> Self {
        Self::start_slow(processes, members, 1)
    }

    /// Each client makes a call in so many milliseconds at most: what takes long would leave too much to look through.
    pub(crate) fn start_slow(processes: &Processes, members: &Arc<Vec<String>>, pace: u64) -> Self {
        let (answers, refusals) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
        let stop = Arc::<AtomicBool>::default();
        let mut told = JoinSet::new();
        for number in 0..CLIENTS {
            let mut client = Client::new(processes, usize::try_from(number).expect("few"));
            client.refusals = Arc::clone(&refusals);
            let shared = (Arc::clone(members), Arc::clone(&answers), Arc::clone(&stop));
            told.spawn(work(number, client, shared, ticks(pace)));
        }
        Self { told, answers, refusals, stop }
    }

    /// Waits until so many more answers were given, in spite of everything.
    pub(crate) async fn answers(&self, more: u64) {
        self.more(&self.answers, more, "answers").await;
    }

    /// Waits until gateways have said so many times more, with a code, that they can't.
    pub(crate) async fn refusals(&self, more: u64) {
        self.more(&self.refusals, more, "refusals").await;
    }

    async fn more(&self, count: &AtomicU64, more: u64, what: &str) {
        let (until, wanted) = (Instant::now() + PATIENCE, count.load(Ordering::Relaxed) + more);
        let mut look = ticks(2);
        while count.load(Ordering::Relaxed) < wanted {
            assert!(Instant::now() < until, "no {what} any more");
            assert!(!self.told.is_empty());
            look.tick().await;
        }
    }

    /// Waits until none was given for longer than a process may be silent.
    pub(crate) async fn quiet(&self) {
        let (mut last, mut since) = (self.answers.load(Ordering::Relaxed), Instant::now());
        let mut look = ticks(20);
        while since.elapsed() < SESSION_TIMEOUT * 2 {
            look.tick().await;
            let now = self.answers.load(Ordering::Relaxed);
            if now != last {
                (last, since) = (now, Instant::now());
            }
        }
    }

    pub(crate) async fn end(mut self) -> Vec<Told> {
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
    (members, answers, stop): (Arc<Vec<String>>, Arc<AtomicU64>, Arc<AtomicBool>),
    mut pace: Interval,
) -> Told {
    let (mut told, mut chance) = (Told::default(), number + 1);
    for nth in 0_u64.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        pace.tick().await;
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let customer = (chance >> 33) % CUSTOMERS;
        if nth % 2 == 0 {
            let (id, dollars) = (format!("e{number}-{nth}"), i64::try_from(nth % 7 + 1).expect("few"));
            client.publish(purchase(&id, customer, dollars)).await;
            told.events.insert(id, (customer, dollars));
        } else {
            match client.redeem(&members[usize::try_from(customer).expect("few")]).await {
                Some(name) => {
                    assert!(told.redemptions.entry(customer).or_default().insert(name), "answered once");
                }
                // The points are not there yet.
                None => told.refused += 1,
            }
        }
        answers.fetch_add(1, Ordering::Relaxed);
    }
    (told.repeated, told.slowest) = (client.repeated, client.slowest);
    told
}

pub(crate) fn purchase(id: &str, customer: u64, dollars: i64) -> PartnerEvent {
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

pub(crate) fn set_up(first: &Served, folder: &Path) {
    set_up_shop(first, folder, PROGRAMME);
    for customer in 0..CUSTOMERS {
        first.command(&["member", "enrol", "--customer", &format!("shop:{customer}")]);
    }
}

/// The members of the customers, by number.
pub(crate) async fn members(served: &Served) -> Vec<String> {
    let mut members = Vec::new();
    for customer in 0..CUSTOMERS {
        members.push(member(served, &customer.to_string()).await);
    }
    members
}

/// The member who is this customer of the shop.
pub(crate) async fn member(served: &Served, customer: &str) -> String {
    let mut client = MemberServiceClient::new(served.connect().await);
    let identifier = Some(customer_number("shop", customer));
    let request = LookupMemberRequest { identifier, ..LookupMemberRequest::default() };
    let member = client.lookup_member(served.operator(request)).await.expect("an enrolled customer");
    member.into_inner().name
}

/// What was acknowledged is there once, and nothing else is.
pub(crate) async fn check(processes: &Processes, members: &[String], told: &[Told]) {
    let last = processes.get(processes.count() - 1);
    let asking = Asking::of(last).await;
    let mut expected = vec![0_i64; members.len()];
    for (id, (customer, dollars)) in told.iter().flat_map(|told| &told.events) {
        let record = asking.decided("shop", id, &customer.to_string()).await;
        assert_eq!(record.points, *dollars, "{id}");
        expected[usize::try_from(*customer).expect("few")] += dollars;
    }
    let mut client = Client::new(processes, processes.count() - 1);
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
            let listed = client
                .call(&request, |channel, request| async move {
                    RedemptionServiceClient::new(channel).list_redemptions(request).await
                })
                .await;
            let listed = listed.expect("a list").into_inner();
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

pub(crate) fn summary(what: &str, rounds: u64, took: Duration, told: &[Told]) {
    let sum = |count: fn(&Told) -> u64| told.iter().map(count).sum::<u64>();
    let mut repeated = BTreeMap::<&str, u64>::new();
    for (why, count) in told.iter().flat_map(|told| &told.repeated) {
        *repeated.entry(why).or_default() += count;
    }
    println!(
        "{what}: {rounds} rounds in {took:.1?}, {} events, {} redemptions and {} refusals acknowledged, the slowest after {:.1?}; calls repeated: {repeated:?}",
        sum(|told| told.events.len() as u64),
        sum(|told| told.redemptions.values().map(|all| all.len() as u64).sum()),
        sum(|told| told.refused),
        told.iter().map(|told| told.slowest).max().unwrap_or_default(),
    );
}

/// Journals have each event once.
pub(crate) fn check_journal(data: &Path, brokers: Option<&Brokers>, told: &[Told]) {
    let arguments = brokers.map(Brokers::arguments);
    let decisions = decisions(data, arguments.as_ref().map_or(&[], |arguments| arguments.as_slice()));
    let events = decisions.iter().filter(|(text, _)| text.contains(" at shop, event e"));
    let counts: Vec<u32> = events.map(|(_, count)| *count).collect();
    let acknowledged: usize = told.iter().map(|told| told.events.len()).sum();
    assert_eq!(counts, vec![1; acknowledged]);
}
