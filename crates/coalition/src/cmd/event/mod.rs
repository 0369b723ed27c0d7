//! `coalition event`: what became of a partner's events.

mod list;

use std::process::ExitCode;

use anyhow::Result;
use coalition_domain::PartnerId;
use coalition_proto::event::v1::{GetPartnerEventRequest, PartnerEventRecord};
use serde_json::{Value, json};

use crate::client::names::{OptionalIdentifierArgs, partner, partner_name, short};
use crate::client::text::time;
use crate::client::{Options, json, outcome, run as connect};

/// Ask what became of a partner's event: its points with their rules, or why there were none.
///
/// The identifier is the one that the event named; it says where to look. Without one the event is looked for in the whole network.
/// An event that was sent just now is not found until the network has decided it.
///
/// Example: coalition event cdnow order-4711 --customer cdnow:00001
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Event {
    #[command(flatten)]
    of: Args,
    #[command(subcommand)]
    command: Option<Command>,
}

/// What else there is to events.
#[derive(clap::Subcommand)]
enum Command {
    List(list::Args),
}

/// Which event.
#[derive(clap::Args)]
struct Args {
    /// The partner that sent it.
    #[arg(required = true, value_parser = partner)]
    partner: Option<PartnerId>,
    /// The partner's id of the event.
    #[arg(required = true)]
    event_id: Option<String>,
    /// Whom it named; without, the event is looked for in the whole network.
    #[command(flatten)]
    identifier: OptionalIdentifierArgs,
    /// The order of a return that named nobody.
    #[arg(long, value_name = "ID", group = "OptionalIdentifierArgs")]
    order: Option<String>,
    /// The reference of an account's closing that named nobody.
    #[arg(long, value_name = "REFERENCE", group = "OptionalIdentifierArgs")]
    reference: Option<String>,
    #[command(flatten)]
    options: Options,
}

pub(crate) fn run(event: Event) -> Result<ExitCode> {
    let args = match event.command {
        Some(Command::List(args)) => return list::run(&args),
        None => event.of,
    };
    connect(&args.options, async |session| {
        let query = GetPartnerEventRequest {
            partner: args.partner.as_ref().map(partner_name).unwrap_or_default(),
            event_id: args.event_id.clone().unwrap_or_default(),
            identifier: args.identifier.identifier(),
            order_id: args.order.clone().unwrap_or_default(),
            reference: args.reference.clone().unwrap_or_default(),
            min_position: None,
        };
        let record = session.ask("read the event", query).await?;
        args.options.answer(|| as_json(&record), |_| text(&record))
    })
}

fn text(record: &PartnerEventRecord) -> String {
    let mut text = format!("{}\n", sentence(record));
    for (what, value) in [
        ("programme", outcome::version(&record.programme, record.programme_version)),
        ("happened", time(record.event_time.as_ref())),
        ("decided", time(record.record_time.as_ref())),
        ("until", time(record.waits_until_time.as_ref())),
        ("partner", short(&record.partner).to_owned()),
        ("order", record.order_id.clone()),
    ] {
        if !value.is_empty() {
            text.push_str(&format!("{what:<9}  {value}\n"));
        }
    }
    text
}

fn sentence(record: &PartnerEventRecord) -> String {
    outcome::sentence(record.state(), record.points, &record.rule_outcomes, record.refusal.as_ref())
}

fn as_json(record: &PartnerEventRecord) -> Value {
    json!({
        "partner": record.partner,
        "event_id": record.event_id,
        "order_id": json::name(&record.order_id),
        "programme": json::name(&record.programme),
        "programme_version": record.programme_version,
        "state": outcome::state(record.state()),
        "points": record.points,
        "grants": outcome::grants_json(&record.grants),
        "rule_outcomes": outcome::rules_json(&record.rule_outcomes),
        "refusal": outcome::refusal_json(record.refusal.as_ref()),
        "waits_until_time": json::time(record.waits_until_time.as_ref()),
        "event_time": json::time(record.event_time.as_ref()),
        "record_time": json::time(record.record_time.as_ref()),
        "position": json::position(record.position.as_ref()),
        "settlement_lines": record.settlement_lines,
    })
}
