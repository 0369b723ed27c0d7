//! Cut and slow links between the parts of a network under load: every answer that was given holds.
//!
//! A proxy stands before each process as the others reach it, before each process as clients reach it, and between each
//! process and each broker.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use tokio::time::{Duration, Instant};

use crate::brokers::Brokers;
use crate::load::{BETWEEN, Load, check, check_journal, members, set_up, summary};
use crate::network::{Processes, SESSION_TIMEOUT, Ways, brokers, rounds, ticks};
use crate::proxy::{Flow, Proxy};

const COUNT: usize = 3;
const SLOW: Duration = Duration::from_millis(200);

/// What is dealt to one process's links, or all: see `BLOWS`.
#[derive(Clone, Copy, Debug)]
enum Blow {
    /// These flows, there and back, until others have answered meanwhile.
    Flows(Flow, Flow),
    /// All connections break off.
    Reset,
}

/// Which of the links.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Between {
    /// Others and this process.
    Peers,
    /// This process and all brokers.
    Brokers,
    /// Clients and this process.
    Clients,
}

/// In the order in which they are dealt. The first ones are those of a short run.
const BLOWS: [(Between, Blow); 16] = [
    // What it asks of the brokers arrives, and no answer comes back: nothing is known of any append.
    (Between::Brokers, Blow::Flows(Flow::Pass, Flow::Hold)),
    (Between::Peers, Blow::Flows(Flow::Swallow, Flow::Swallow)),
    (Between::Clients, Blow::Flows(Flow::Pass, Flow::Swallow)),
    (Between::Brokers, Blow::Flows(Flow::Hold, Flow::Hold)),
    (Between::Brokers, Blow::Flows(Flow::Delay(SLOW), Flow::Delay(SLOW))),
    (Between::Peers, Blow::Flows(Flow::Pass, Flow::Hold)),
    (Between::Brokers, Blow::Reset),
    (Between::Peers, Blow::Reset),
    (Between::Clients, Blow::Reset),
    (Between::Brokers, Blow::Flows(Flow::Swallow, Flow::Swallow)),
    (Between::Clients, Blow::Flows(Flow::Hold, Flow::Hold)),
    (Between::Peers, Blow::Flows(Flow::Delay(SLOW), Flow::Delay(SLOW))),
    (Between::Brokers, Blow::Flows(Flow::Hold, Flow::Pass)),
    (Between::Peers, Blow::Flows(Flow::Hold, Flow::Pass)),
    (Between::Clients, Blow::Flows(Flow::Delay(SLOW), Flow::Delay(SLOW))),
    (Between::Brokers, Blow::Flows(Flow::Pass, Flow::Swallow)),
];

/// The proxies of one process.
struct Links {
    peers: Proxy,
    brokers: Vec<Proxy>,
    clients: Proxy,
    listen: String,
}

impl Links {
    async fn start(brokers: u16) -> Self {
        let (peers, clients) = (Proxy::start().await, Proxy::start().await);
        let mut to_brokers = Vec::new();
        for _ in 0..brokers {
            to_brokers.push(Proxy::start().await);
        }
        // An address of which nobody takes a port by chance.
        let free = std::net::TcpListener::bind("127.0.0.9:0").and_then(|free| free.local_addr());
        let listen = free.expect("a port");
        peers.lead(listen);
        Self { peers, brokers: to_brokers, clients, listen: listen.to_string() }
    }

    fn between(&self, between: Between) -> Vec<&Proxy> {
        match between {
            Between::Peers => vec![&self.peers],
            Between::Brokers => self.brokers.iter().collect(),
            Between::Clients => vec![&self.clients],
        }
    }

    fn ports(&self) -> String {
        let ports: Vec<String> = self.brokers.iter().map(|proxy| proxy.address.port().to_string()).collect();
        ports.join(",")
    }

    fn ways(&self) -> Ways {
        let brokers: Vec<String> = self.brokers.iter().map(|proxy| proxy.address.to_string()).collect();
        let peers = (self.listen.clone(), self.peers.address.to_string());
        Ways { brokers: Some(brokers.join(",")), peers: Some(peers) }
    }
}

/// Leads the proxies of the `number`th process to the brokers' own ports.
fn lead(links: &Links, folder: &Path, number: usize) {
    let text = std::fs::read_to_string(folder.join("cluster.json")).expect("the cluster's plan");
    let plan: serde_json::Value = serde_json::from_str(&text).expect("one JSON document");
    for (proxy, node) in links.brokers.iter().zip(plan["nodes"].as_array().expect("nodes")) {
        let port = node[format!("proxied{number}")].as_u64().and_then(|port| u16::try_from(port).ok());
        proxy.lead(SocketAddr::from(([127, 0, 0, 1], port.expect("a port"))));
    }
}

/// Waits until so much time is over since then.
async fn outlast(since: Instant, time: Duration) {
    let mut look = ticks(20);
    while since.elapsed() < time {
        look.tick().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn links_that_are_cut_held_up_and_slow_cost_no_answer() {
    let count = brokers(1);
    let mut links = Vec::new();
    for _ in 0..COUNT {
        links.push(Links::start(count).await);
    }
    let ports: Vec<String> = links.iter().map(Links::ports).collect();
    let arguments: Vec<&str> = ports.iter().flat_map(|ports| ["--proxied", ports.as_str()]).collect();
    let Some(brokers) = Brokers::start_with(count, &arguments) else { return };
    links.iter().enumerate().for_each(|(number, links)| lead(links, brokers.folder(), number));

    let folder = tempfile::tempdir().expect("a folder");
    let ways = links.iter().map(Links::ways).collect();
    let mut processes = Processes::prepare(folder.path(), Some(brokers), ways);
    for (number, links) in links.iter().enumerate() {
        tokio::task::block_in_place(|| processes.run(number));
        let address = processes.get(number).address.strip_prefix("http://").expect("in plain text");
        links.clients.lead(address.parse().expect("an address"));
        processes.addresses.lock().expect("no holder panics")[number] =
            format!("http://{}", links.clients.address);
    }
    tokio::task::block_in_place(|| set_up(processes.get(0), folder.path()));
    let members = Arc::new(members(processes.get(COUNT - 1)).await);
    let load = Load::start_slow(&processes, &members, 20);
    let (began, rounds) = (Instant::now(), rounds(4));
    for round in 0..usize::try_from(rounds).expect("few") {
        load.answers(BETWEEN).await;
        let (between, blow) = BLOWS[round % BLOWS.len()];
        // Each blow meets each process in turn; every other time round, all at once.
        let whole = round / BLOWS.len();
        let victims =
            if whole % 4 == 3 { 0..COUNT } else { (round + whole) % COUNT..(round + whole) % COUNT + 1 };
        let proxies: Vec<&Proxy> =
            victims.clone().flat_map(|victim| links[victim].between(between)).collect();
        let all = victims.len() == COUNT;
        let started = Instant::now();
        match blow {
            Blow::Flows(there, back) => {
                proxies.iter().for_each(|proxy| proxy.set(there, back));
                // What cuts all off lets none answer.
                let cut = all && [there, back].iter().any(|flow| matches!(flow, Flow::Hold | Flow::Swallow));
                if cut {
                    load.quiet().await;
                } else {
                    load.answers(BETWEEN).await;
                    outlast(started, SESSION_TIMEOUT * 2).await;
                }
                proxies.iter().for_each(|proxy| proxy.set(Flow::Pass, Flow::Pass));
            }
            Blow::Reset => proxies.iter().for_each(|proxy| proxy.reset()),
        }
        let during = started.elapsed();
        load.answers(BETWEEN).await;
        println!(
            "{between:?} of {victims:?}: {blow:?} for {during:.1?}, {:.1?} with what came after",
            started.elapsed()
        );
    }
    let told = load.end().await;
    summary("links", rounds, began.elapsed(), &told);
    check(&processes, &members, &told).await;
    for number in 0..COUNT {
        processes.take(number).stop();
    }
    check_journal(&processes.data(0), processes.brokers.as_ref(), &told);
}
