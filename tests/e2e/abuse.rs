//! One partner that floods, in several ways, and what others notice of it: how long a balance, a redemption and an event on its
//! way to the balance take, quiet and meanwhile, in one run.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use coalition_proto::account::v1::GetBalanceRequest;
use coalition_proto::account::v1::account_service_client::AccountServiceClient;
use coalition_proto::event::v1::partner_event_service_client::PartnerEventServiceClient;
use coalition_proto::event::v1::{PartnerEvent, PublishEventsRequest};
use coalition_proto::partner::v1::CreateApiKeyRequest;
use coalition_proto::partner::v1::create_api_key_request::Holder;
use coalition_proto::partner::v1::partner_service_client::PartnerServiceClient;
use coalition_proto::redemption::v1::redemption_service_client::RedemptionServiceClient;
use std::time::{SystemTime, UNIX_EPOCH};

use prost_types::Timestamp;
use tokio::task::{JoinSet, block_in_place};
use tokio::time::{Duration, Instant};
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status};

use crate::brokers::Brokers;
use crate::coalition::{Asking, customer_number};
use crate::harness::{Served, connect, signed};
use crate::load::{CUSTOMERS, members, passing, purchase, set_up, towel};
use crate::network::{PATIENCE, ticks};

/// Events in one call of the flood.
const BATCH: u64 = 100;
/// Events that a partner may send in a second, by default, and the time for which it may do so at once.
const A_SECOND: u64 = 2_000;
const AT_ONCE_TIME: Duration = Duration::from_millis(100);
/// Bytes of a large event, each KiB of which counts as one.
const LARGE: usize = 1_000_000;
/// Calls of the flood under way at once.
const AT_ONCE: u64 = 8;
/// What others wait grows no more than so many times, at the median. Asserted by hand: beside other tests it is the machine's doing, too.
const RATIO: u128 = 2;

/// What the flood is made of.
#[derive(Clone, Copy, Debug)]
enum Flood {
    /// Members by chance, of a thousand.
    Events,
    /// Records of nearly as much as one may be.
    Large,
    /// An identifier of its own for each event.
    Identifiers,
    /// All of one member.
    Hot,
}

impl Flood {
    const ALL: [Self; 4] = [Self::Events, Self::Large, Self::Identifiers, Self::Hot];

    /// How many events, in a short run and by hand.
    fn events(self, by_hand: bool) -> u64 {
        match (self, by_hand) {
            (Self::Events | Self::Identifiers | Self::Hot, false) => 5_000,
            (Self::Large, false) => 20,
            (Self::Identifiers, true) => 1_000_000,
            (Self::Events | Self::Hot, true) => 100_000,
            (Self::Large, true) => 200,
        }
    }

    /// How long a partner needs for so many events, if it sends no faster than it may; the last call isn't waited for.
    fn least(self, events: u64) -> Duration {
        let each = match self {
            Self::Large => LARGE / 1_024,
            Self::Events | Self::Identifiers | Self::Hot => 1,
        };
        let units = u64::try_from(each).expect("few") * (events - self.per_call());
        Duration::from_millis(units * 1_000 / A_SECOND).saturating_sub(AT_ONCE_TIME)
    }

    fn per_call(self) -> u64 {
        match self {
            Self::Events | Self::Identifiers | Self::Hot => BATCH,
            Self::Large => 1,
        }
    }

    fn event(self, nth: u64) -> PartnerEvent {
        let customer = match self {
            Self::Events | Self::Large => format!("f{}", nth % 1_000),
            Self::Identifiers => format!("i{nth}"),
            Self::Hot => "hot".to_owned(),
        };
        let mut event = purchase(&format!("{self:?}-{nth}"), 0, 1);
        event.identifier = Some(customer_number("mad", &customer));
        if let (Self::Large, Some(coalition_proto::event::v1::partner_event::Body::Purchase(purchase))) =
            (self, &mut event.body)
        {
            // Refused where it is read: more than an order's name may have, and near a mebibyte.
            purchase.order_id = "x".repeat(LARGE);
        }
        event
    }
}

/// How long each took.
#[derive(Default)]
struct Took {
    balance: Vec<Duration>,
    redeem: Vec<Duration>,
    counted: Vec<Duration>,
}

/// Somebody else: asks, redeems and publishes, one after the other.
struct Calm<'a> {
    served: &'a Served,
    channel: Channel,
    members: &'a [String],
    /// Events published.
    events: u64,
}

impl Calm<'_> {
    /// Repeated by the book: what that takes counts.
    async fn call<T, M: Clone, F: Future<Output = Result<Response<T>, Status>>>(
        &self,
        message: &M,
        call: impl Fn(Channel, Request<M>) -> F,
    ) -> T {
        let (began, mut pause) = (Instant::now(), ticks(10));
        loop {
            match call(self.channel.clone(), self.served.operator(message.clone())).await {
                Ok(answer) => return answer.into_inner(),
                Err(status) => {
                    let why = passing(status).expect("it is repeated, or taken");
                    println!("told after {:.1?} to repeat: {why}", began.elapsed());
                }
            }
            assert!(began.elapsed() < PATIENCE, "no answer");
            pause.tick().await;
        }
    }

    async fn points(&self, member: &str) -> i64 {
        let message = GetBalanceRequest {
            member: member.to_owned(),
            programme: "programmes/club".to_owned(),
            ..GetBalanceRequest::default()
        };
        self.call(&message, |channel, request| async move {
            AccountServiceClient::new(channel).get_balance(request).await
        })
        .await
        .available
    }

    async fn round(&mut self, took: &mut Took) {
        let customer = self.events % CUSTOMERS;
        let member = self.members[usize::try_from(customer).expect("few")].clone();
        let began = Instant::now();
        let before = self.points(&member).await;
        took.balance.push(began.elapsed());

        let began = Instant::now();
        let event = purchase(&format!("c{}", self.events), customer, 7);
        self.events += 1;
        let message = PublishEventsRequest {
            partner: "partners/shop".to_owned(),
            events: vec![event],
            ..PublishEventsRequest::default()
        };
        self.call(&message, |channel, request| async move {
            PartnerEventServiceClient::new(channel).publish_events(request).await
        })
        .await;
        let mut look = ticks(1);
        while self.points(&member).await != before + 7 {
            assert!(began.elapsed() < PATIENCE, "an event is not decided");
            look.tick().await;
        }
        took.counted.push(began.elapsed());

        let began = Instant::now();
        self.call(&towel(&member), |channel, request| async move {
            RedemptionServiceClient::new(channel).create_redemption(request).await
        })
        .await;
        took.redeem.push(began.elapsed());
    }
}

/// The value that 99 of 100 don't exceed, and the one in the middle.
fn quantiles(mut took: Vec<Duration>) -> (Duration, Duration) {
    took.sort();
    let at = |hundredths: usize| {
        // None, if the flood was over first.
        took.get(took.len() * hundredths / 100).or(took.last()).copied().unwrap_or_default()
    };
    (at(50), at(99))
}

fn compare(flood: Flood, quiet: &Took, during: &Took) -> Vec<String> {
    let mut beyond = Vec::new();
    for (what, quiet, during) in [
        ("GetBalance", &quiet.balance, &during.balance),
        ("redeem", &quiet.redeem, &during.redeem),
        ("publish to balance", &quiet.counted, &during.counted),
    ] {
        let (number, quiet, during) = (during.len(), quantiles(quiet.clone()), quantiles(during.clone()));
        // In tenths.
        let times = |during: Duration, quiet: Duration| during.as_micros() * 10 / quiet.as_micros();
        let (median, slow) = (times(during.0, quiet.0), times(during.1, quiet.1));
        println!(
            "{flood:?}: {what}: p50 {:.1?}, p99 {:.1?} quiet; p50 {:.1?}, p99 {:.1?} of {number} meanwhile: {}.{} and {}.{} times",
            quiet.0,
            quiet.1,
            during.0,
            during.1,
            median / 10,
            median % 10,
            slow / 10,
            slow % 10
        );
        if median > RATIO * 10 {
            beyond.push(format!("{flood:?} {what}"));
        }
    }
    beyond
}

/// Sends all of it, as fast as it is taken; gives how often it was told to wait.
async fn flood(address: String, key: String, flood: Flood, events: u64, done: Arc<AtomicBool>) -> u64 {
    let (next, told) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
    let mut senders = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (next, told, key) = (Arc::clone(&next), Arc::clone(&told), key.clone());
        let address = address.clone();
        senders.spawn(async move {
            let channel = connect(address).await;
            let mut pause = ticks(1);
            loop {
                let first = next.fetch_add(flood.per_call(), Ordering::Relaxed);
                if first >= events {
                    return;
                }
                let batch =
                    (first..(first + flood.per_call()).min(events)).map(|nth| flood.event(nth)).collect();
                let message = PublishEventsRequest {
                    partner: "partners/mad".to_owned(),
                    events: batch,
                    ..PublishEventsRequest::default()
                };
                loop {
                    let mut client = PartnerEventServiceClient::new(channel.clone());
                    match client.publish_events(signed(message.clone(), &key)).await {
                        Ok(_) => break,
                        Err(status)
                            if [Code::Unavailable, Code::ResourceExhausted, Code::DeadlineExceeded]
                                .contains(&status.code()) =>
                        {
                            told.fetch_add(1, Ordering::Relaxed);
                            pause.tick().await;
                        }
                        Err(status) => panic!("the flood: {status:?}"),
                    }
                }
            }
        });
    }
    while let Some(sender) = senders.join_next().await {
        sender.expect("a sender does not panic");
    }
    done.store(true, Ordering::Relaxed);
    told.load(Ordering::Relaxed)
}

/// Has Kafka's own producer write so many events to the partner's topic, as fast as it can: no gateway is in its way.
fn written(brokers: &Brokers, folder: &Path, events: u64) -> impl FnOnce() + Send + 'static {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let payload = folder.join("payload");
    let mut file = std::io::BufWriter::new(std::fs::File::create(&payload).expect("room for a file"));
    for nth in 0..events {
        let time = Timestamp { seconds: i64::try_from(now).expect("a time"), nanos: 0 };
        writeln!(
            file,
            r#"{{"event_id":"t{nth}","event_time":"{time}","identifier":{{"scheme":"IDENTIFIER_SCHEME_CUSTOMER_NUMBER","value":"f{}"}},"purchase":{{"order_id":"t{nth}","amount":{{"currency_code":"USD","units":"1"}}}}}}"#,
            nth % 1_000
        )
        .expect("room for a file");
    }
    drop(file.into_inner().expect("room for a file"));
    let mut tool = brokers.tool("kafka-producer-perf-test");
    tool.args(["--topic", "coalition.partner.mad.events.v1", "--throughput", "-1"]);
    tool.args(["--num-records", &events.to_string(), "--payload-file"]).arg(payload);
    move || {
        let ended = tool.output().expect("there is a launcher");
        println!("{}", String::from_utf8_lossy(&ended.stdout).lines().last().unwrap_or_default());
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_that_floods_leaves_the_others_their_time() {
    let by_hand = std::env::var_os("COALITION_ABUSE").is_some_and(|value| value == "1");
    let brokers = if std::env::var_os("COALITION_BROKERS").is_some() {
        let Some(brokers) = Brokers::start(crate::network::brokers(1)) else { return };
        Some(brokers)
    } else {
        None
    };
    let folder = tempfile::tempdir().expect("a folder");
    let served = Served::start_on(&folder.path().join("network"), brokers.as_ref());
    block_in_place(|| {
        set_up(&served, folder.path());
        served.command(&["partner", "create", "mad", "--name", "Mad", "--programme", "club"]);
        served.command(&["partner", "contract", "mad", "--programme", "club", "--accrual", "0.009"]);
    });
    let members = members(&served).await;
    let mut calm = Calm { served: &served, channel: served.connect().await, members: &members, events: 0 };
    let key = CreateApiKeyRequest {
        holder: Some(Holder::Partner("partners/mad".to_owned())),
        request_id: uuid::Uuid::now_v7().to_string(),
    };
    let mut keys = PartnerServiceClient::new(served.connect().await);
    let key = keys.create_api_key(served.operator(key)).await.expect("a key").into_inner().secret;
    // Others' clients don't share their threads with it.
    let mut elsewhere = tokio::runtime::Builder::new_multi_thread();
    let elsewhere = elsewhere.worker_threads(1).enable_all().build().expect("a thread");
    let (mut quiet, mut beyond) = (Took::default(), Vec::new());
    for _ in 0..if by_hand { 1_000 } else { 100 } {
        calm.round(&mut quiet).await;
    }
    for kind in Flood::ALL {
        let done = Arc::<AtomicBool>::default();
        let (began, events) = (Instant::now(), kind.events(by_hand));
        let flooding =
            elsewhere.spawn(flood(served.address().to_owned(), key.clone(), kind, events, Arc::clone(&done)));
        let mut during = Took::default();
        while !done.load(Ordering::Relaxed) {
            calm.round(&mut during).await;
        }
        let told = flooding.await.expect("the flood does not panic");
        let took = began.elapsed();
        println!("{kind:?}: {events} events in {took:.1?}, {told} calls told to wait");
        assert!(took >= kind.least(events), "a partner may send less in that time");
        beyond.extend(compare(kind, &quiet, &during));
    }
    if let Some(brokers) = &brokers {
        let written = written(brokers, folder.path(), if by_hand { 100_000 } else { 10_000 });
        let (began, mut during) = (Instant::now(), Took::default());
        let writing = tokio::task::spawn_blocking(written);
        let asking = Asking::of(&served).await;
        let drained = async {
            writing.await.expect("it does not panic");
            println!("its topic has all of it after {:.1?}", began.elapsed());
            let mut last = purchase("last", 0, 1);
            last.identifier = Some(customer_number("mad", "last"));
            let message = PublishEventsRequest {
                partner: "partners/mad".to_owned(),
                events: vec![last],
                ..PublishEventsRequest::default()
            };
            let mut client = PartnerEventServiceClient::new(served.connect().await);
            client.publish_events(served.operator(message)).await.expect("it is taken");
            asking.decided("mad", "last", "last").await
        };
        tokio::pin!(drained);
        loop {
            tokio::select! {
                last = &mut drained => break assert_eq!(last.points, 1),
                () = calm.round(&mut during) => {}
            }
        }
        println!("and all of it is decided after {:.1?}", began.elapsed());
        beyond.extend(compare(Flood::Events, &quiet, &during));
    }
    elsewhere.shutdown_background();
    println!("more than {RATIO} times: {beyond:?}");
    assert!(!by_hand || beyond.is_empty(), "others wait longer");
    served.stop();
}
