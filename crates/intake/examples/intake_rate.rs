//! How many events a second intake takes from a partner's topic to the inbox, on one core and a log in memory:
//! `cargo run --release -p coalition-intake --example intake_rate [EVENTS]`.
//!
//! The shards are stopped before the clock starts, so that nothing but intake and the log is measured.

use std::sync::Arc;
use std::time::Instant;

use coalition_intake::{Intake, Settings};
use coalition_journal::log::{Log, Offset, Partition};
use coalition_ledger::runtime::INBOX;
use coalition_proto::event::v1::partner_event::Body;
use coalition_proto::event::v1::{PartnerEvent, Purchase};
use coalition_proto::google::r#type::Money;
use coalition_proto::r#type::v1::{Identifier, IdentifierScheme};
use prost::Message;

#[path = "../tests/it/network.rs"]
#[allow(dead_code, clippy::unwrap_used, reason = "helpers of tests, more than are used here")]
mod network;

/// Events in an append to the partner's topic.
const CHUNK: usize = 1_000;

fn main() {
    let events: usize =
        std::env::args().nth(1).map_or(500_000, |text| text.parse().expect("a number of events"));
    let log: Arc<dyn Log> = network::memory();
    let network = network::Network::start(&log);
    let partner = network.create_partner("cdnow");
    let ledger = network.ledger();
    network.stop();

    let mut bytes = 0;
    for first in (0..events).step_by(CHUNK) {
        let chunk = (first..events.min(first + CHUNK)).map(|number| purchase(number).encode_to_vec());
        let chunk: Vec<_> = chunk.inspect(|event| bytes += event.len()).collect();
        network::publish(&*log, partner, chunk);
    }

    let started = Instant::now();
    let settings = Settings { undecided_max: u64::MAX, ..Settings::default() };
    let intake = Intake::start(Arc::clone(&log), ledger, settings).expect("intake starts");
    let all = Offset(events as u64);
    // Looking at the counters keeps nobody off the log.
    network::until("all is judged", || intake.counts().accepted == all.0);
    network::until("all is dealt with", || network::committed(&*log, partner) == Some(all));
    let took = started.elapsed();

    let end = |shard| log.bounds(&Partition::new(INBOX, shard)).expect("an inbox").1.0;
    let placed: u64 = (0..network::SHARDS).map(end).sum();
    assert!(placed >= all.0, "{placed} of {events} placed");
    intake.stop();
    let rate = u128::from(all.0) * 1_000_000 / took.as_micros().max(1);
    println!("{events} events of {} bytes in {} ms: {rate} events/s", bytes / events, took.as_millis());
}

/// A purchase as partners of the whole network send it: every field that one has.
fn purchase(number: usize) -> PartnerEvent {
    PartnerEvent {
        event_id: format!("order-{number:09}"),
        partner: "partners/cdnow".to_owned(),
        programme: "programmes/web-miles".to_owned(),
        identifier: Some(Identifier {
            scheme: IdentifierScheme::EmailHash.into(),
            scope: String::new(),
            // As many customers as events a fifth.
            value: format!("{:064x}", number / 5),
        }),
        event_time: Some(prost_types::Timestamp { seconds: 853_027_200, nanos: 0 }),
        channel: "web".to_owned(),
        revision: 0,
        body: Some(Body::Purchase(Purchase {
            order_id: format!("{number:09}"),
            amount: Some(Money { currency_code: "USD".to_owned(), units: 77, nanos: 960_000_000 }),
            lines: Vec::new(),
        })),
    }
}
