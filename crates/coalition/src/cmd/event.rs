//! `coalition event`: what became of a partner's event.

use std::process::ExitCode;

use anyhow::Result;
use coalition_domain::PartnerId;
use coalition_proto::event::v1::{GetPartnerEventRequest, PartnerEventRecord};
use serde_json::{Value, json};

use crate::client::names::{partner, partner_name, short};
use crate::client::text::time;
use crate::client::{IdentifierArgs, Options, json, outcome, run as connect};

/// Ask what became of a partner's event: its points with their rules, or why there were none.
///
/// The identifier is the one that the event named; it says where to look. An event that was sent just now is not found until
/// the network has decided it.
///
/// Example: coalition event cdnow order-4711 --customer cdnow:00001
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The partner that sent it.
    #[arg(value_parser = partner)]
    partner: PartnerId,
    /// The partner's id of the event.
    event_id: String,
    #[command(flatten)]
    identifier: IdentifierArgs,
    #[command(flatten)]
    options: Options,
}

pub(crate) fn run(args: Args) -> Result<ExitCode> {
    connect(&args.options, async |session| {
        let query = GetPartnerEventRequest {
            partner: partner_name(&args.partner),
            event_id: args.event_id.clone(),
            identifier: Some(args.identifier.identifier()),
            min_position: None,
        };
        let record = session.ask("read the event", query).await?;
        args.options.answer(|| as_json(&record), |_| text(&record))
    })
}

fn text(record: &PartnerEventRecord) -> String {
    let outcomes = &record.rule_outcomes;
    let sentence = outcome::sentence(record.state(), record.points, outcomes, record.refusal.as_ref());
    let mut text = format!("{sentence}\n");
    for (what, value) in [
        ("programme", outcome::version(&record.programme, record.programme_version)),
        ("happened", time(record.event_time.as_ref())),
        ("decided", time(record.record_time.as_ref())),
        ("until", time(record.waits_until_time.as_ref())),
        ("partner", short(&record.partner).to_owned()),
    ] {
        if !value.is_empty() {
            text.push_str(&format!("{what:<9}  {value}\n"));
        }
    }
    text
}

fn as_json(record: &PartnerEventRecord) -> Value {
    json!({
        "partner": record.partner,
        "event_id": record.event_id,
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
