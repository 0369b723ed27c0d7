//! A partner gone mad on Kafka: each of its records is refused with a code or applied, and nobody else notices.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use coalition_proto::event::v1::partner_event_service_client::PartnerEventServiceClient;
use coalition_proto::event::v1::{PartnerEvent, PublishEventsRequest, Purchase, partner_event::Body};
use coalition_proto::google::r#type::Money;
use coalition_proto::r#type::v1::ErrorReason;

use crate::brokers::Brokers;
use crate::coalition::{Asking, customer_number, set_up};
use crate::digest::decisions;
use crate::harness::Served;
use crate::python::{python, script, stubs};

const RECORDS: usize = 100_000;
const SEED: &str = "20261122";
/// Partners that publish as always all the while.
const CALM: [&str; 2] = ["calm", "quiet"];
/// Events of each of them before the storm, to know how long one takes.
const BEFORE: usize = 50;
/// The storm may make an event take so much longer: far more than it does on a machine of two cores that has other things to
/// do (it prints how much), and far less than a partner's that waits for the storm's end.
const RATIO_MAX: u32 = 20;
/// Below this, it is the machine's doing.
const NOISE: Duration = Duration::from_millis(500);

/// A good purchase of a dollar.
fn purchase(id: &str, customer: &str) -> PartnerEvent {
    let now = SystemTime::now();
    PartnerEvent {
        event_id: id.to_owned(),
        event_time: Some(now.into()),
        identifier: Some(customer_number("", customer))
            .map(|identifier| coalition_proto::r#type::v1::Identifier { scope: String::new(), ..identifier }),
        body: Some(Body::Purchase(Purchase {
            order_id: id.to_owned(),
            amount: Some(Money { currency_code: "USD".to_owned(), units: 1, nanos: 0 }),
            lines: Vec::new(),
        })),
        ..PartnerEvent::default()
    }
}

async fn publish(served: &Served, partner: &str, event: PartnerEvent) {
    let mut client = PartnerEventServiceClient::new(served.connect().await);
    let request = PublishEventsRequest {
        partner: format!("partners/{partner}"),
        events: vec![event],
        validate_only: false,
    };
    client.publish_events(served.operator(request)).await.expect("it is published");
}

/// Publishes an event of a calm partner; how long it takes to be decided.
async fn one(served: &Served, asking: &Asking<'_>, partner: &str, number: usize) -> Duration {
    let began = Instant::now();
    let (id, customer) = (format!("c{number}"), (number % 10).to_string());
    publish(served, partner, purchase(&id, &customer)).await;
    assert_eq!(asking.decided(partner, &id, &customer).await.points, 1);
    began.elapsed()
}

/// The same of both at once.
async fn both(served: &Served, asking: &Asking<'_>, number: usize) -> [Duration; 2] {
    let [first, second] = CALM.map(|partner| one(served, asking, partner, number));
    let (first, second) = tokio::join!(first, second);
    [first, second]
}

/// Holds what the events of the calm partners took in the storm against what they took before.
fn compare(before: &[[Duration; 2]], during: &[[Duration; 2]]) {
    for (place, partner) in CALM.iter().enumerate() {
        let of = |all: &[[Duration; 2]]| all.iter().map(|one| one[place]).collect::<Vec<_>>();
        let slowest = *of(during).iter().max().expect("there were some");
        let (before, during) = (median(of(before)), median(of(during)));
        let tenths = during.as_micros() * 10 / before.as_micros();
        println!(
            "an event of {partner} takes {before:?} by itself, in the storm {during:?} in the median, {}.{} times as \
             long, {slowest:?} at most",
            tenths / 10,
            tenths % 10
        );
        assert!(during < NOISE.max(before * RATIO_MAX), "{partner}: {during:?} in place of {before:?}");
    }
}

fn median(mut took: Vec<Duration>) -> Duration {
    took.sort();
    took[took.len() / 2]
}

#[tokio::test(flavor = "multi_thread")]
async fn junk_of_one_partner_is_refused_or_applied_and_stops_nobody() {
    let Some(python) = python() else { return };
    let Some(brokers) = Brokers::start(1) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("network");
    let served = Served::start_on(&data, Some(&brokers));
    set_up(&served, folder.path(), &["mad", CALM[0], CALM[1]]);
    stubs(&python, folder.path());
    let asking = Asking::of(&served).await;
    let mut before = Vec::new();
    for number in 0..BEFORE {
        before.push(both(&served, &asking, number).await);
    }

    // Bytes depend on both; the time is one that this network accepts.
    let time = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    println!("junk.py with seed {SEED} and time {time}");
    let mut junk = tokio::process::Command::new(&python);
    junk.arg(script("junk.py")).args([&brokers.addresses, "coalition.partner.mad.events.v1", SEED]);
    junk.args([time.to_string(), RECORDS.to_string()]).env("PYTHONPATH", folder.path());
    let mut junk = junk.stdout(Stdio::piped()).kill_on_drop(true).spawn().expect("it starts");
    let mut during = Vec::new();
    while junk.try_wait().expect("a child").is_none() {
        during.push(both(&served, &asking, BEFORE + during.len()).await);
    }
    let ended = junk.wait_with_output().await.expect("it ended");
    assert!(ended.status.success(), "the publisher failed");
    assert_eq!(String::from_utf8_lossy(&ended.stdout).trim(), RECORDS.to_string());
    // Behind all of it, one good event of as many customers as make sure that each shard has one.
    for number in 0..40 {
        let customer = format!("last-{number}");
        publish(&served, "mad", purchase(&customer, &customer)).await;
    }
    for number in 0..40 {
        let customer = format!("last-{number}");
        assert_eq!(asking.decided("mad", &customer, &customer).await.points, 1);
    }
    compare(&before, &during);
    served.stop();

    let applied = applied(&data, &brokers);
    // What the ledger refused may still be on its way back.
    let served = Served::start_on(&data, Some(&brokers));
    let rejected = rejected(&python, &brokers, RECORDS - applied);
    served.stop();
    let places: BTreeSet<_> = rejected.keys().collect();
    assert_eq!(places.len() + applied, RECORDS, "records were lost, or counted twice");
    let mut reasons: BTreeMap<&str, u32> = BTreeMap::new();
    for reason in rejected.values() {
        assert!(ErrorReason::from_reason(reason).is_some(), "{reason}");
        *reasons.entry(reason).or_default() += 1;
    }
    println!("{applied} applied, refused: {reasons:?}");
    assert!(reasons.len() >= 5 && applied > 1_000, "the junk is too much alike");
}

/// Junk that turned out good: decided, and not refused.
fn applied(data: &Path, brokers: &Brokers) -> usize {
    let decisions = decisions(data, &brokers.arguments());
    let of_mad = decisions.iter().filter(|(text, _)| text.contains(" at mad, event "));
    let good = of_mad.filter(|(text, _)| !text.contains(": refused: ") && !text.contains("event last-"));
    good.map(|(_, count)| *count as usize).sum()
}

/// The places of the records that came back, with their reasons.
fn rejected(python: &Path, brokers: &Brokers, count: usize) -> BTreeMap<String, String> {
    let mut command = Command::new(python);
    command.arg(script("rejected.py")).args([&brokers.addresses, "coalition.partner.mad.rejected.v1"]);
    let ended = command.arg(count.to_string()).output().expect("it starts");
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    let mut found = BTreeMap::new();
    for line in String::from_utf8_lossy(&ended.stdout).lines() {
        let words: Vec<_> = line.split(' ').collect();
        let [partition, offset, reason, _] = words[..] else { panic!("an odd line: {line}") };
        found.insert(format!("{partition}/{offset}"), reason.to_owned());
    }
    found
}
