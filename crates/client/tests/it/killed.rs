//! kill -9 of a process that sends events: what was taken in is published by the next one, and counts once.

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use coalition_client::producer::{Grpc, Settings, SpoolSettings};
use coalition_client::{Client, Producer};

use crate::network::{Network, purchase};

const SERVER: &str = "PRODUCER_KILL_SERVER";
const KEY: &str = "PRODUCER_KILL_KEY";
const FOLDER: &str = "PRODUCER_KILL_FOLDER";
const FIRST: &str = "PRODUCER_KILL_FIRST";
const UNTIL: &str = "PRODUCER_KILL_UNTIL";
const TAKEN: &str = "taken ";
const EVENTS: u32 = 6_000;
const ROUNDS: u32 = 8;

/// Not a test of its own: the process that is killed. It sends events and tells each that was taken in.
#[tokio::test]
async fn child() {
    let Ok(server) = std::env::var(SERVER) else { return };
    let of = |name| std::env::var(name).unwrap();
    let settings = coalition_client::Settings::new(server.parse().unwrap(), of(KEY).parse().unwrap());
    let spool = Settings { spool: Some(SpoolSettings::new(of(FOLDER))), ..Settings::default() };
    let transport = Grpc::new(Client::connect_later(&settings).unwrap());
    let producer = Producer::start(transport, spool).await.unwrap();
    let until = of(UNTIL).parse().unwrap();
    for number in of(FIRST).parse().unwrap()..until {
        producer.send(purchase(number)).await.unwrap();
        println!("{TAKEN}{number}");
    }
    if until < EVENTS {
        // However late it is killed, it leaves something to those after it.
        std::future::pending::<()>().await;
    }
    producer.close(Duration::from_secs(60)).await.unwrap();
}

/// A child that sends the events from `first` on, before `until`.
struct Sender {
    process: Child,
    told: Lines<BufReader<ChildStdout>>,
}

impl Sender {
    fn start(network: &Network, key: &str, folder: &std::path::Path, first: u32, until: u32) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["killed::child", "--exact", "--nocapture"]).stdout(Stdio::piped());
        command.env(SERVER, format!("http://{}", network.address)).env(KEY, key);
        command.env(FOLDER, folder).env(FIRST, first.to_string()).env(UNTIL, until.to_string());
        let mut process = command.spawn().unwrap();
        let told = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, told }
    }

    /// Reads on until an event from `number` on was taken in; gives the one that was.
    fn until_taken(&mut self, number: u32) -> u32 {
        let taken = |line: String| line.split_once(TAKEN)?.1.parse::<u32>().ok();
        let mut told = self.told.by_ref().map_while(Result::ok).filter_map(taken);
        told.find(|taken| *taken >= number).unwrap()
    }

    /// kill -9; gives the last event that it told to be taken in, `last` if it told no more.
    fn kill(mut self, last: u32) -> u32 {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        let taken = |line: String| line.split_once(TAKEN)?.1.parse().ok();
        self.told.map_while(Result::ok).filter_map(taken).last().unwrap_or(last)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_and_nothing_counts_twice() {
    let mut network = Network::start().await;
    let (member, key) = (network.enrol().await, network.partner_key().await);
    let folder = tempfile::tempdir().unwrap();
    let mut next = 0;
    for round in 0..ROUNDS {
        // In every second round nobody is there while it sends.
        let away = round % 2 == 1;
        if away {
            network.go_away().await;
        }
        let until = next + EVENTS / (ROUNDS + 1);
        let mut sender = Sender::start(&network, &key, folder.path(), next, until);
        let last = tokio::task::block_in_place(|| {
            let taken = sender.until_taken(until - 50);
            sender.kill(taken)
        });
        assert!(last + 1 < EVENTS, "it was killed before its end");
        next = last + 1;
        if away {
            network.come().await;
        }
    }
    let mut sender = Sender::start(&network, &key, folder.path(), next, EVENTS);
    let ended = tokio::task::block_in_place(|| {
        sender.until_taken(EVENTS - 1);
        sender.process.wait().unwrap()
    });
    assert!(ended.success());
    network.has_points(&member, i64::from(EVENTS)).await;
}
