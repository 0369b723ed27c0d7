//! `coalition topics create`.

use std::process::ExitCode;

use anyhow::Result;
use coalition_domain::PartnerId;
use serde_json::{Value, json};

use super::Brokers;
use crate::client::names::partner;
use crate::client::{Align, Style, Table, json, print};
use crate::config::Config;

/// Create the topics that the network needs, and check those that are there.
///
/// Journal and inbox, and for each partner named the topic of its events and that of its rejected records. What is there stays
/// as it is: its settings are checked, and a fault is told with the command that mends it. Run it as a principal that may
/// create topics under `coalition.`; the network then needs no such right.
///
/// Example: coalition topics create --kafka broker1:9092,broker2:9092 --shards 4 --partner cdnow
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    brokers: Brokers,
    /// Shards of the network, each a partition of journal and inbox, 1 to 1024, in place of what the configuration says; they
    /// are fixed for the life of the network.
    #[arg(long, value_name = "NUMBER")]
    shards: Option<u32>,
    /// How many copies of each record the brokers keep, in place of what the configuration says: 1 where there is one broker.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..))]
    replication_factor: Option<u16>,
    /// A partner whose topics are wanted; may be given several times.
    #[arg(long = "partner", value_name = "ID", value_parser = partner)]
    partners: Vec<PartnerId>,
    /// Partitions of the topics of a partner that has none yet, 1 to 1024; without it as many as the network itself would
    /// make.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=1_024))]
    partner_partitions: Option<u32>,
    /// Print one JSON document, for programs.
    #[arg(long)]
    json: bool,
}

/// A topic, made ready.
struct Made {
    name: String,
    partitions: u32,
    copies: usize,
    is_new: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let made = make(args, &config(args)?)?;
    let text =
        if args.json { json::document(&document(&made))? } else { table(&made).render(Style::of_stdout()) };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// What the file says, and the arguments in its place.
fn config(args: &Args) -> Result<Config> {
    let mut config = args.brokers.config()?;
    if let Some(shards) = args.shards {
        config.network.shards = shards;
    }
    if let Some(copies) = args.replication_factor {
        config.log.replication_factor = copies;
        // Of three copies two must have a record, whatever the file says of fewer.
        config.log.min_insync_replicas = config.log.min_insync_replicas.min(copies).max(copies.div_ceil(2));
    }
    config.network.check()?;
    Ok(config)
}

#[cfg(feature = "kafka")]
fn make(args: &Args, config: &Config) -> Result<Vec<Made>> {
    use std::time::Duration;

    use coalition_intake::{events_topic, rejected_topic};
    use coalition_journal::kafka::{Partitions, Settings, Topics};
    use coalition_ledger::group::GROUP;
    use coalition_ledger::runtime::{INBOX, JOURNAL};

    use crate::log::{advise, advise_first};

    const PATIENCE: Duration = Duration::from_secs(15);

    let of_partner =
        args.partner_partitions.unwrap_or(config.intake.settings(coalition_intake::Share::ALL).partitions);
    let shards = Partitions::Exactly(config.network.shards);
    let group = Partitions::Exactly(1);
    let mut wanted =
        vec![(JOURNAL.to_owned(), shards), (INBOX.to_owned(), shards), (GROUP.to_owned(), group)];
    for partner in &args.partners {
        for name in [events_topic(partner), rejected_topic(partner)] {
            wanted.push((name, Partitions::IfNew(of_partner)));
        }
    }
    // Nobody tries again but who runs it.
    let settings = Settings { request_timeout: PATIENCE, ..config.log.brokers() };
    let topics = Topics::open(&settings).map_err(advise_first)?;
    let make = |(name, partitions): (String, Partitions)| {
        let ready = topics.ensure(&name, partitions).map_err(advise)?;
        Ok(Made { name, partitions: ready.topic.partitions, copies: ready.replicas, is_new: ready.is_new })
    };
    wanted.into_iter().map(make).collect()
}

#[cfg(not(feature = "kafka"))]
fn make(_: &Args, _: &Config) -> Result<Vec<Made>> {
    anyhow::bail!("create topics: this program was built without Kafka; build it with the feature `kafka`")
}

fn table(made: &[Made]) -> Table {
    let mut table = Table::new(&[
        ("topic", Align::Left),
        ("partitions", Align::Right),
        ("copies", Align::Right),
        ("state", Align::Left),
    ]);
    for one in made {
        let state = if one.is_new { "created" } else { "was there" };
        table.row([one.name.clone(), one.partitions.to_string(), one.copies.to_string(), state.to_owned()]);
    }
    table
}

fn document(made: &[Made]) -> Value {
    let topic = |one: &Made| {
        json!({
            "name": one.name,
            "partitions": one.partitions,
            "replication_factor": one.copies,
            "created": one.is_new,
        })
    };
    json!({ "topics": made.iter().map(topic).collect::<Vec<_>>() })
}
