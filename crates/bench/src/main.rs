//! The project's benchmark: each figure beside its limit from the same run.
//!
//! `cargo xtask bench` runs it. Figures of different runs, let alone machines, don't compare; ratios of one run do.

#![allow(clippy::float_arithmetic, reason = "figures for people, not amounts")]

mod balance;
mod caller;
mod copy;
mod cut;
mod end_to_end;
mod feed;
mod ledger;
mod members;
mod network;
mod parts;
mod place;
mod redeem;
mod replay;
mod report;
mod size;
mod takeover;
mod workload;

use anyhow::Result;
use clap::Parser;

use crate::place::{Brokers, Place};
use crate::report::Report;
use crate::size::Child;
use crate::workload::Shape;

/// The binary's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures the network.
#[derive(Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Args {
    /// A part of the run that needs a process of its own.
    #[command(subcommand)]
    child: Option<Child>,
    #[command(flatten)]
    run: Run,
}

/// What is measured, and how much of it.
#[derive(clap::Args)]
struct Run {
    /// Print the figures as one JSON object.
    #[arg(long)]
    json: bool,
    /// Measure these figures and what they need, by their keys in the JSON object, instead of all.
    #[arg(long, value_name = "KEY", num_args = 1.., value_parser = clap::builder::PossibleValuesParser::new(report::keys()))]
    only: Vec<String>,
    /// Events to decide.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..))]
    events: u32,
    /// Accounts that they are spread over.
    #[arg(long, default_value_t = 200_000, value_parser = clap::value_parser!(u32).range(1..))]
    accounts: u32,
    /// Shards, each a partition of inbox and journal.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1_024))]
    shards: u32,
    /// Rounds; each figure is the median.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Redemptions, and appends beside them, in each round; of balances ten times as many are asked for.
    #[arg(long, default_value_t = 4_000, value_parser = clap::value_parser!(u32).range(100..))]
    calls: u32,
    /// Accounts of the network that is taken over.
    #[arg(long, default_value_t = 40_000, value_parser = clap::value_parser!(u32).range(1..))]
    takeover_accounts: u32,
    /// After how long a silence a process is taken for dead; it says that it lives ten times as often.
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(100..))]
    session_timeout_ms: u64,
    /// The smaller number of accounts at which memory and disk are measured.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..))]
    accounts_small: u32,
    /// The larger one, measured with --large.
    #[arg(long, default_value_t = 5_000_000, value_parser = clap::value_parser!(u32).range(1..))]
    accounts_large: u32,
    /// Measure memory and disk at the larger number of accounts too, which takes long.
    #[arg(long)]
    large: bool,
    /// Measure on Apache Kafka instead of the embedded log: at these brokers, which must hold no network, or without an
    /// address on one broker that deploy/kafka starts for this run. Memory and disk are measured on the embedded log.
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
    let Args { child, run } = Args::parse();
    if let Some(child) = child {
        return child.run();
    }
    let place = match &run.kafka {
        Some(address) => Place::Brokers(Brokers::at(address, run.replication_factor)?),
        None => Place::Folder,
    };
    let mut report = Report::default();
    parts::run(&place, &run, &mut report)?;
    if run.json {
        println!("{}", report.json(place.name()));
    } else {
        print!("{}", report.table());
    }
    Ok(())
}

impl Run {
    fn shape(&self) -> Shape {
        Shape { events: self.events, accounts: self.accounts, shards: self.shards }
    }
}
