//! `coalition topics acls`.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use anyhow::Result;
use coalition_domain::PartnerId;

use super::Brokers;
use super::commands::Tools;
use super::grants::{self, Principal, Quota};
use crate::client::failure::Trouble;
use crate::client::names;
use crate::client::print;

/// Print the commands that say on the brokers who may do what, and how much.
///
/// One command of Kafka's own tools on each line, for a shell: for each partner named the rights to write its events and to read
/// what was rejected of them, nothing else, and its quotas; where none is named, the rights of the network's own principal.
/// Nothing is changed before they are run, as a principal that may; run again, they change nothing. The brokers must have an
/// authorizer.
///
/// Example: coalition topics acls --kafka broker1:9092 --partner cdnow > acls.sh; sh -e acls.sh
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    brokers: Brokers,
    /// A partner that writes to the brokers itself; may be given several times.
    #[arg(long = "partner", value_name = "ID", value_parser = names::partner)]
    partners: Vec<PartnerId>,
    /// The principal of a partner, where it isn't User:ID; may be given several times.
    #[arg(long = "principal", value_name = "PARTNER=NAME", value_parser = principal)]
    principals: Vec<(PartnerId, Principal)>,
    /// The network's own principal.
    #[arg(long, value_name = "NAME", default_value = "coalition", value_parser = Principal::new)]
    network: Principal,
    /// Don't let the network create topics: `coalition topics create` is run for each new partner.
    #[arg(long)]
    no_create: bool,
    /// Bytes per second that a partner may write to each broker.
    #[arg(long, value_name = "BYTES", default_value_t = 5 << 20, value_parser = clap::value_parser!(u64).range(1..))]
    producer_byte_rate: u64,
    /// Bytes per second that a partner may read from each broker.
    #[arg(long, value_name = "BYTES", default_value_t = 5 << 20, value_parser = clap::value_parser!(u64).range(1..))]
    consumer_byte_rate: u64,
    /// How much of the time of one thread of a broker a partner's requests may take, in per cent.
    #[arg(long, value_name = "PERCENT", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    request_percentage: u32,
    /// How Kafka's tools are called here: a piece of shell, with {} for a tool's name.
    #[arg(long, value_name = "COMMAND", default_value = "{}.sh", value_parser = template)]
    tools: String,
    /// A file of settings with which the tools log in, which is passed on to them.
    #[arg(long, value_name = "FILE")]
    command_config: Option<String>,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let config = args.brokers.config()?;
    let partners = partners(args).map_err(Trouble::Usage)?;
    let tools = Tools {
        template: &args.tools,
        bootstrap_servers: &config.log.kafka,
        command_config: args.command_config.as_deref(),
    };
    let quota = Quota {
        producer_byte_rate: args.producer_byte_rate,
        consumer_byte_rate: args.consumer_byte_rate,
        request_percentage: args.request_percentage,
    };
    let mut lines: Vec<String> = Vec::new();
    // Never beside a partner's: whoever lets a partner in, or takes its rights away, means nobody else.
    if partners.is_empty() {
        lines.extend(grants::network(&args.network, !args.no_create).iter().map(|grant| tools.grant(grant)));
    }
    for (partner, principal) in &partners {
        lines.extend(grants::partner(principal, partner).iter().map(|grant| tools.grant(grant)));
        lines.push(tools.quota(principal, quota));
    }
    print(&(lines.join("\n") + "\n"))?;
    Ok(ExitCode::SUCCESS)
}

/// The partners with their principals: each with its own, or one could write as the other.
fn partners(args: &Args) -> Result<BTreeMap<PartnerId, Principal>, String> {
    let mut partners: BTreeMap<_, _> = args.partners.iter().map(|id| (*id, Principal::of(id))).collect();
    let mut named = BTreeSet::new();
    for (id, principal) in &args.principals {
        let Some(of) = partners.get_mut(id) else {
            return Err(format!("--principal names {id}, which is no --partner"));
        };
        if !named.insert(id) {
            return Err(format!("--principal names {id} twice"));
        }
        of.clone_from(principal);
    }
    let mut taken = BTreeSet::from([&args.network]);
    for (id, principal) in &partners {
        if !taken.insert(principal) {
            let name = principal.name();
            return Err(format!(
                "{id} can't have the principal {name}, which is another's too: name one with --principal"
            ));
        }
    }
    Ok(partners)
}

fn principal(text: &str) -> Result<(PartnerId, Principal), String> {
    let (id, name) = text.split_once('=').ok_or("write it as PARTNER=NAME, such as cdnow=CN=cdnow")?;
    Ok((names::partner(id)?, Principal::new(name)?))
}

fn template(text: &str) -> Result<String, String> {
    let usable = text.contains("{}") && !text.contains(['\n', '\r']);
    usable
        .then(|| text.to_owned())
        .ok_or_else(|| "write {} where the tool's name stands, as /opt/kafka/bin/{}.sh".to_owned())
}
