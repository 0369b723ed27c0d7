//! The project's benchmark: each figure beside its limit from the same run.
//!
//! `cargo xtask bench` runs it. Figures of different runs, let alone machines, don't compare; ratios of one run do.

mod copy;
mod ledger;
mod place;
mod workload;

use std::time::Duration;

use anyhow::Result;
use clap::Parser;

use crate::place::{Brokers, Place};

/// Measures the network.
#[derive(Parser)]
struct Args {
    /// Print the figures as one JSON object.
    #[arg(long)]
    json: bool,
    /// Events to decide.
    #[arg(long, default_value_t = 1_000_000)]
    events: u32,
    /// Accounts that they are spread over.
    #[arg(long, default_value_t = 200_000)]
    accounts: u32,
    /// Shards, each a partition of inbox and journal.
    #[arg(long, default_value_t = 4)]
    shards: u32,
    /// Rounds; each figure is the median.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Measure on Apache Kafka instead of the embedded log: at these brokers, which must hold no network, or without an
    /// address on one broker that deploy/kafka starts for this run.
    #[arg(long, value_name = "HOST:PORT", num_args = 0..=1, default_missing_value = "")]
    kafka: Option<String>,
    /// How many copies of each record the brokers keep.
    #[arg(long, default_value_t = 1, requires = "kafka", value_parser = clap::value_parser!(u16).range(1..))]
    replication_factor: u16,
}

fn main() -> Result<()> {
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::WARN)
        .with_writer(std::io::stderr)
        .init();
    let args = Args::parse();
    let shape = workload::Shape { events: args.events, accounts: args.accounts, shards: args.shards };
    let place = match &args.kafka {
        Some(address) => Place::Brokers(Brokers::at(address, args.replication_factor)?),
        None => Place::Folder,
    };
    let mut decided = Vec::new();
    let mut copied = Vec::new();
    for round in 1..=args.rounds {
        eprintln!("round {round} of {}: {} events over {} accounts", args.rounds, args.events, args.accounts);
        let folder = tempfile::tempdir()?;
        workload::prepare(&place, folder.path(), &shape)?;
        // Turn about, so that neither always finds the warmer machine.
        if round % 2 == 1 {
            decided.push(ledger::run(&place, folder.path(), &shape)?);
            copied.push(copy::run(&place, folder.path(), &shape)?);
        } else {
            copied.push(copy::run(&place, folder.path(), &shape)?);
            decided.push(ledger::run(&place, folder.path(), &shape)?);
        }
        place.clear()?;
    }
    let events = f64::from(args.events);
    let (ledger, copy) = (rate(events, &mut decided), rate(events, &mut copied));
    let ratio = ratio(ledger, copy);
    if args.json {
        println!(
            "{}",
            serde_json::json!({ "log": place.name(), "ledger_events_per_s": ledger.round(), "copy_events_per_s": copy.round(), "ledger_vs_copy": ratio })
        );
    } else {
        println!("ledger: {ledger:.0} events/s decided, journaled, folded and stored");
        println!("copy:   {copy:.0} events/s read and appended again with nothing in between");
        println!("ratio:  {ratio:.3}");
    }
    Ok(())
}

/// Things per second, by the median time.
#[expect(clippy::float_arithmetic, reason = "a figure for people, not an amount")]
fn rate(things: f64, times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    things / times[times.len() / 2].as_secs_f64()
}

#[expect(clippy::float_arithmetic, reason = "a figure for people, not an amount")]
fn ratio(of: f64, to: f64) -> f64 {
    (of / to * 1_000.0).round() / 1_000.0
}
