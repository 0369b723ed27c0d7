//! Zombies: an owner stands still (SIGSTOP) until others have taken its shards over, and goes on as if nothing had been.
//! Nothing that it still writes takes effect, what it shows is not what was, and its callers hear in time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::SystemTime;

use coalition_proto::account::v1::GetBalanceRequest;
use coalition_proto::account::v1::account_service_client::AccountServiceClient;
use coalition_proto::redemption::v1::redemption_service_client::RedemptionServiceClient;
use tokio::task::{JoinSet, block_in_place};
use tokio::time::{Duration, Instant, timeout};
use tonic::Status;
use tonic::transport::Channel;

use crate::brokers::Brokers;
use crate::harness::{run, signed};
use crate::load::{
    BETWEEN, CALL_MAX, CUSTOMERS, Client, Load, Told, check, check_journal, member, members, purchase,
    set_up, summary,
};
use crate::network::{PATIENCE, Processes, SESSION_TIMEOUT, brokers, rounds, ticks};

/// How long callers of the zombie would wait, and in which they hear once it goes on.
const DEADLINE: Duration = Duration::from_secs(60);
const IN_TIME: Duration = Duration::from_secs(10);
/// Rounds that may come on top until a zombie has tried something.
const FURTHER: u64 = 20;

/// The balance that a process shows of a member.
async fn balance(channel: Channel, key: &str, member: &str, deadline: Duration) -> Result<i64, Status> {
    let programme = "programmes/club".to_owned();
    let message = GetBalanceRequest { member: member.to_owned(), programme, ..GetBalanceRequest::default() };
    let mut request = signed(message, key);
    request.set_timeout(deadline);
    let mut client = AccountServiceClient::new(channel);
    let asked = client.get_balance(request);
    let answered = timeout(deadline * 2, asked).await.map_err(|_| Status::deadline_exceeded("no answer"))?;
    Ok(answered?.into_inner().available)
}

/// Waits until another process answers for every shard: that which stands still can't.
async fn taken_over(processes: &Processes, victim: usize, key: &str, members: &[String]) {
    let other = processes.get((victim + 1) % processes.count());
    let channel = other.connect().await;
    let (until, mut look) = (Instant::now() + PATIENCE, ticks(20));
    for member in members {
        while let Err(status) = balance(channel.clone(), key, member, CALL_MAX).await {
            assert!(Instant::now() < until, "nobody takes over: {status}");
            look.tick().await;
        }
    }
}

/// What the zombie's callers heard.
#[derive(Default)]
struct Heard {
    answered: u64,
    refused: u64,
    slowest: Duration,
}

/// Somebody asks the zombie, and it alone, for a towel, and repeats it with another if that did not go well.
async fn redeem_there(
    channel: Channel,
    key: String,
    mut elsewhere: Client,
    customer: u64,
    member: String,
) -> (u64, Option<String>, bool, Instant) {
    let message = crate::load::towel(&member);
    let mut request = signed(message.clone(), &key);
    request.set_timeout(DEADLINE);
    let there = RedemptionServiceClient::new(channel).create_redemption(request).await;
    let heard = Instant::now();
    let refused = match &there {
        Ok(_) => false,
        Err(status) => status.code() != tonic::Code::FailedPrecondition,
    };
    // With the same id: whatever it said, there is one answer.
    let again = elsewhere.redeem_as(&message).await;
    match there {
        Ok(there) => assert_eq!(Some(there.into_inner().name), again, "an answer that was taken back"),
        Err(_) if refused => {}
        Err(status) => assert_eq!(again, None, "it was refused for good before: {status}"),
    }
    (customer, again, refused, heard)
}

#[tokio::test(flavor = "multi_thread")]
async fn zombies_take_no_effect_and_keep_nobody_waiting() {
    let Some(brokers) = Brokers::start(brokers(1)) else { return };
    let rounds = rounds(3);
    let folder = tempfile::tempdir().expect("a folder");
    let mut processes = Processes::start(folder.path(), Some(brokers), 3);
    block_in_place(|| set_up(processes.get(0), folder.path()));
    let members = Arc::new(members(processes.get(2)).await);
    // Customers whose points nobody takes but who looks whether a zombie shows old ones.
    let key = processes.operator_key();
    let load = Load::start(&processes, &members);
    let (began, mut own, mut heard) = (Instant::now(), Told::default(), Heard::default());
    let (mut stale, mut fresh, mut silent) = (0_u32, 0_u32, 0_u32);
    let mut woke = Vec::new();
    // Whether one has something under way when it stops is chance: a run in which none had says nothing.
    for round in 0..rounds + FURTHER {
        if round >= rounds && block_in_place(|| !tried(&processes, &woke).is_empty()) {
            break;
        }
        load.answers(BETWEEN + round * 37 % 61).await;
        let victim = usize::try_from(round % 3).expect("few");
        let zombie = processes.get(victim);
        let (channel, second) = (zombie.connect().await, zombie.connect().await);
        let mut elsewhere = Client::new(&processes, victim + 1);

        // Half of these are on their way when it stops, half come when it stands still.
        let mut callers = JoinSet::new();
        let call = |callers: &mut JoinSet<_>, nth: u64| {
            let customer = (round * 7 + nth * 5) % CUSTOMERS;
            let member = members[usize::try_from(customer).expect("few")].clone();
            let elsewhere = Client::new(&processes, victim + 1);
            callers.spawn(redeem_there(channel.clone(), key.clone(), elsewhere, customer, member));
        };
        (0..8).for_each(|nth| call(&mut callers, nth));
        zombie.signal("STOP");
        (8..16).for_each(|nth| call(&mut callers, nth));
        taken_over(&processes, victim, &key, &members).await;

        // Something that it can't know: a customer of each round's own, without anybody's redemptions.
        let watched = format!("watched-{round}");
        let another = processes.get((victim + 1) % 3);
        block_in_place(|| another.command(&["member", "enrol", "--customer", &format!("shop:{watched}")]));
        let member = member(another, &watched).await;
        let mut event = purchase(&format!("w{round}"), 0, 5);
        event.identifier = Some(crate::coalition::customer_number("shop", &watched));
        elsewhere.publish(event).await;
        let other = another.connect().await;
        let (until, mut look) = (Instant::now() + PATIENCE, ticks(10));
        while !matches!(balance(other.clone(), &key, &member, CALL_MAX).await, Ok(5)) {
            assert!(Instant::now() < until, "an event is not decided");
            look.tick().await;
        }
        let mut readers = JoinSet::new();
        for _ in 0..8 {
            let (channel, key, member) = (second.clone(), key.clone(), member.clone());
            readers.spawn(async move { balance(channel, &key, &member, DEADLINE).await });
        }
        load.answers(BETWEEN).await;

        let woken = Instant::now();
        woke.push(SystemTime::now());
        zombie.signal("CONT");
        while let Some(read) = readers.join_next().await {
            match read.expect("a reader does not panic") {
                Ok(5) => fresh += 1,
                Ok(_) => stale += 1,
                Err(_) => silent += 1,
            }
        }
        while let Some(caller) = callers.join_next().await {
            let (customer, redeemed, refused, at) = caller.expect("a caller does not panic");
            let after = at.saturating_duration_since(woken);
            heard.slowest = heard.slowest.max(after);
            assert!(after < IN_TIME, "a caller of the zombie heard {after:.1?} after it went on");
            if refused {
                heard.refused += 1
            } else {
                heard.answered += 1
            }
            if let Some(name) = redeemed {
                assert!(own.redemptions.entry(customer).or_default().insert(name), "answered once");
            }
        }
    }
    load.answers(BETWEEN).await;
    let mut told = load.end().await;
    told.push(own);
    summary("zombies", woke.len() as u64, began.elapsed(), &told);
    println!(
        "callers of the zombie: {} answered, {} told to repeat, the last {:.1?} after it went on (session time-out {SESSION_TIMEOUT:?}); reads there: {fresh} current, {stale} old, {silent} refused",
        heard.answered, heard.refused, heard.slowest
    );
    assert_eq!(stale, 0, "a zombie showed what was");
    check(&processes, &members, &told).await;
    for number in 0..3 {
        processes.take(number).stop();
    }
    check_journal(&processes.data(0), processes.brokers.as_ref(), &told);
    assert!(
        !tried(&processes, &woke).is_empty(),
        "no zombie wrote anything: nothing is known of what becomes of it"
    );
}

/// A record of a journal as this test reads it.
struct Written<'a> {
    record: &'a serde_json::Value,
    kind: &'a str,
    in_effect: bool,
    term: u64,
    owner: &'a str,
    appended: SystemTime,
}

impl<'a> Written<'a> {
    fn of(record: &'a serde_json::Value) -> Self {
        let text = |key: &str| record[key].as_str().unwrap_or_default();
        let appended: prost_types::Timestamp = text("append_time").parse().expect("a time");
        Self {
            record,
            kind: text("kind"),
            in_effect: record["seq"].is_u64(),
            term: record["term"].as_u64().unwrap_or_default(),
            owner: text("owner"),
            appended: appended.try_into().expect("a time of this century"),
        }
    }
}

/// The rounds in which the zombie wrote something. All of that is void, by this test's own reading of who was in office.
fn tried(processes: &Processes, woke: &[SystemTime]) -> BTreeSet<usize> {
    // From beside them: their own folders are in use.
    let onlooker = tempfile::tempdir().expect("a folder");
    std::fs::copy(processes.data(0).join("network.toml"), onlooker.path().join("network.toml"))
        .expect("room");
    let folder = onlooker.path().display().to_string();
    let brokers = processes.brokers.as_ref().expect("there are some").arguments();
    let command = ["journal", "tail", "--json", "--limit", "4294967295", "--data", &folder];
    let tail: serde_json::Value =
        serde_json::from_str(&run(&[&command[..], &brokers].concat())).expect("one JSON document");
    let records = tail["records"].as_array().expect("the records");
    let mut offices = BTreeMap::<u64, (u64, &str)>::new();
    let (mut late, mut other) = (0, BTreeMap::<&str, u32>::new());
    let mut tried = BTreeSet::new();
    for written in records.iter().map(Written::of) {
        let office = offices.entry(written.record["shard"].as_u64().expect("a number")).or_default();
        if written.kind == "term_started" && written.in_effect {
            *office = (written.term, written.owner);
        }
        if written.kind == "batch" && (written.term, written.owner) != *office {
            assert!(!written.in_effect, "a zombie's batch is in effect: {}", written.record);
            late += 1;
            // The last zombie that had gone on by then.
            tried.extend(woke.partition_point(|woken| *woken <= written.appended).checked_sub(1));
        } else if !written.in_effect {
            *other.entry(written.record["void"].as_str().expect("why")).or_default() += 1;
        }
    }
    println!(
        "{} records in the journals; zombies tried in {} of {} rounds, {late} batches behind another's term, all void; void besides: {other:?}",
        records.len(),
        tried.len(),
        woke.len(),
    );
    tried
}
