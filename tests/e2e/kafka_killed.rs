//! kill -9 of the network, again and again, while a partner publishes to Kafka: nothing is lost, and nothing counts twice.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant, SystemTime};

use crate::brokers::Brokers;
use crate::coalition::{Asking, set_up};
use crate::digest::decisions;
use crate::harness::Served;
use crate::python::{python, script};

const ROUNDS: u64 = 20;
/// Events published in each round.
const BATCH: u64 = 2_000;
/// A start takes a second or two; a loaded machine may take longer, and what takes so long hangs.
const START_MAX: Duration = Duration::from_secs(120);

/// The partner, in a process that nobody kills: Python, with nothing of ours.
struct Publisher {
    process: Child,
    /// How many records are acknowledged, as it tells.
    told: Receiver<u64>,
    acked: u64,
}

impl Publisher {
    fn start(python: &Path, brokers: &Brokers, topic: &str, record: &Path) -> Self {
        let mut command = Command::new(python);
        command.arg(script("publish.py")).args([&brokers.addresses, topic]).arg(record);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let lines = BufReader::new(process.stdout.take().expect("piped")).lines();
        let (tell, told) = mpsc::channel();
        // Ends with the process.
        std::thread::spawn(move || {
            let lines = lines.map_while(Result::ok);
            let mut acked = lines.filter_map(|line| line.strip_prefix("acked ")?.parse().ok());
            acked.all(|acked| tell.send(acked).is_ok())
        });
        Self { process, told, acked: 0 }
    }

    fn publish(&mut self, count: u64) {
        let input = self.process.stdin.as_mut().expect("piped");
        writeln!(input, "{count}").and_then(|()| input.flush()).expect("it listens");
    }

    /// The last event that brokers are known to have acknowledged by now.
    fn acknowledged(&mut self) -> Option<u64> {
        self.acked = self.told.try_iter().last().unwrap_or(self.acked);
        // Of ten events there are eleven records: up to and with event n they are no more than n + n / 10 + 2.
        self.acked.checked_sub(2).map(|records| records * 10 / 11)
    }

    fn finish(mut self) {
        drop(self.process.stdin.take());
        assert!(self.process.wait().expect("a child").success(), "the publisher failed");
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_while_a_partner_publishes_lose_and_double_nothing() {
    let Some(python) = python() else { return };
    let Some(brokers) = Brokers::start(1) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("network");
    let mut served = Served::start_on(&data, Some(&brokers));
    set_up(&served, folder.path(), &["shop"]);
    for customer in 0..100 {
        served.command(&["member", "enrol", "--customer", &format!("shop:{customer}")]);
    }
    let record = folder.path().join("acknowledged");
    let mut shop = Publisher::start(&python, &brokers, "coalition.partner.shop.events.v1", &record);
    let (mut starts, mut kills) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        shop.publish(BATCH);
        // Killed with another part of the batch decided each time, and more of it on the way.
        let number = round * BATCH + round * 80;
        let event = format!("e{number}");
        Asking::of(&served).await.decided("shop", &event, &(number % 100).to_string()).await;
        // Before the kill: what is acknowledged then and decided later was left to do by it.
        let last = shop.acknowledged();
        served.kill();
        kills.push((last, SystemTime::now()));
        let began = Instant::now();
        served = Served::start_on(&data, Some(&brokers));
        starts.push(began.elapsed());
    }
    shop.finish();
    let slowest = starts.iter().max().expect("there were some");
    assert!(*slowest < START_MAX, "starts after a kill took {starts:?}");

    // The partner's own record: what it was told is there.
    let mut acknowledged = BTreeMap::new();
    let text = std::fs::read_to_string(&record).expect("the publisher's record");
    for line in text.lines() {
        let mut words = line.split(' ').map(str::to_owned);
        let (event, customer) = (words.next().expect("an event id"), words.next().expect("a customer"));
        let dollars: i64 = words.next().and_then(|text| text.parse().ok()).expect("dollars");
        acknowledged.insert(event, (customer, dollars));
    }
    assert_eq!(acknowledged.len() as u64, ROUNDS * BATCH);
    let mut expected: BTreeMap<&str, i64> = BTreeMap::new();
    let asking = Asking::of(&served).await;
    for (customer, dollars) in acknowledged.values() {
        *expected.entry(customer).or_default() += dollars;
    }
    // One of each customer, so of each shard: what came before them is decided too.
    for number in ROUNDS * BATCH - 100..ROUNDS * BATCH {
        let event = format!("e{number}");
        let (customer, dollars) = &acknowledged[&event];
        assert_eq!(asking.decided("shop", &event, customer).await.points, *dollars, "{event}");
    }
    let mut left_work = 0;
    for (last, killed) in kills {
        let Some(last) = last else { continue };
        let record = asking.decided("shop", &format!("e{last}"), &(last % 100).to_string()).await;
        let decided = SystemTime::try_from(record.record_time.expect("a time")).expect("after 1970");
        left_work += u64::from(decided > killed);
    }
    assert!(
        left_work >= ROUNDS / 10,
        "{left_work} of {ROUNDS} kills left events undecided: that proves nothing"
    );
    for (customer, points) in expected {
        assert_eq!(asking.points("shop", customer).await, points, "customer {customer}");
    }
    served.stop();
    // And so says the journal, which has each event once.
    let decisions = decisions(&data, &brokers.arguments());
    let events = decisions.iter().filter(|(text, _)| text.contains(" at shop, event e"));
    let counts: Vec<u32> = events.map(|(_, count)| *count).collect();
    assert_eq!(counts, vec![1; acknowledged.len()]);
    println!(
        "{left_work} of {ROUNDS} kills left events undecided; a start after a kill took {slowest:?} at most"
    );
}
