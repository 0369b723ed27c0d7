//! `coalition rejected`: what of a partner's topic was refused.

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, Result};
use coalition_domain::{PartnerId, Timestamp};
use coalition_proto::event::v1::{GetRejectedEventRequest, ListRejectedEventsRequest, RejectedEvent};
use serde_json::{Value, json};

use crate::client::names::{instant, limit, partner, partner_name, proto_time, short};
use crate::client::text::time;
use crate::client::{Align, Options, Session, Style, Table, json, note, outcome, run as connect};

/// The most that the network hands out at once.
const PAGE_MAX: usize = 1_000;

/// List the records of a partner's topic that were refused, with the reason, or get one as it was written
///
/// Correct what the reason names and send the event again under its id; unchanged it gets the same
/// refusal. Where the fault was not in the event, a raised revision is change enough.
///
/// Examples:
///   coalition rejected cdnow --since 2026-11-01
///   coalition rejected cdnow --value 0-41 > record.bin
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// The partner.
    #[arg(value_parser = partner)]
    partner: PartnerId,
    /// Only what was refused at this time or later: 2026-01-31 or 2026-01-31T15:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = instant)]
    since: Option<Timestamp>,
    /// How many.
    #[arg(long, value_name = "NUMBER", default_value_t = 20, value_parser = limit)]
    limit: u32,
    /// All of them.
    #[arg(long, conflicts_with = "limit")]
    all: bool,
    /// Write the bytes of this one to standard output; its place stands in the list, such as 0-41.
    #[arg(long, value_name = "PLACE", value_parser = place, conflicts_with_all = ["since", "limit", "all", "json"])]
    value: Option<String>,
    #[command(flatten)]
    options: Options,
}

/// Reads a place: partition and offset.
fn place(text: &str) -> Result<String, &'static str> {
    let number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    match text.split_once('-') {
        Some((partition, offset)) if number(partition) && number(offset) => Ok(text.to_owned()),
        Some(_) | None => Err("write it like 0-41, as `coalition rejected` lists it"),
    }
}

pub(crate) fn run(args: Args) -> Result<ExitCode> {
    connect(&args.options, async |session| match &args.value {
        Some(place) => value(&session, &args.partner, place).await,
        None => {
            let (rejected, more) = read(&session, &args).await?;
            if more && !args.options.json {
                note("there are more: see them with --limit NUMBER, --all or a later --since");
            }
            let document = || {
                let entries: Vec<_> = rejected.iter().map(as_json).collect();
                json!({ "rejected_events": entries, "more": more })
            };
            args.options.answer(document, |style| text(&rejected, style))
        }
    })
}

async fn value(session: &Session, partner: &PartnerId, place: &str) -> Result<ExitCode> {
    let name = format!("{}/rejectedEvents/{place}", partner_name(partner));
    let event = session.ask("read the rejected event", GetRejectedEventRequest { name }).await?;
    if event.redacted {
        note("the record holds what must not be stored, or is too long: its bytes were left out");
    }
    std::io::stdout().write_all(&event.value).context("write to standard output")?;
    Ok(ExitCode::SUCCESS)
}

/// The first ones, and whether there are more.
async fn read(session: &Session, args: &Args) -> Result<(Vec<RejectedEvent>, bool)> {
    let wanted = if args.all { usize::MAX } else { usize::try_from(args.limit).unwrap_or(usize::MAX) };
    let mut query = ListRejectedEventsRequest {
        partner: partner_name(&args.partner),
        start_time: args.since.map(proto_time),
        ..ListRejectedEventsRequest::default()
    };
    let mut rejected: Vec<RejectedEvent> = Vec::new();
    loop {
        query.page_size = i32::try_from(PAGE_MAX.min(wanted - rejected.len())).expect("at most a page");
        let page = session.ask("list the rejected events", query.clone()).await?;
        rejected.extend(page.rejected_events);
        query.page_token = page.next_page_token;
        let more = !query.page_token.is_empty();
        if !more || rejected.len() >= wanted {
            return Ok((rejected, more));
        }
    }
}

fn text(rejected: &[RejectedEvent], style: Style) -> String {
    if rejected.is_empty() {
        return "nothing was refused\n".to_owned();
    }
    let mut table = Table::new(&[
        ("place", Align::Right),
        ("when", Align::Left),
        ("record", Align::Right),
        ("event", Align::Left),
        ("by", Align::Left),
        ("why", Align::Left),
    ]);
    for event in rejected {
        let source = event.source.as_ref();
        table.row([
            short(&event.name).to_owned(),
            time(event.create_time.as_ref()),
            source.map_or_else(String::new, |source| format!("{}-{}", source.partition, source.offset)),
            event.event_id.clone(),
            by(event).to_owned(),
            event.refusal.as_ref().map(outcome::refused).unwrap_or_default(),
        ]);
    }
    table.render(style)
}

fn by(event: &RejectedEvent) -> &'static str {
    if event.number.is_empty() { "intake" } else { "ledger" }
}

fn as_json(event: &RejectedEvent) -> Value {
    let source = event.source.as_ref().map(
        |source| json!({ "topic": source.topic, "partition": source.partition, "offset": source.offset }),
    );
    json!({
        "name": event.name,
        "place": short(&event.name),
        "source": source,
        "event_id": json::name(&event.event_id),
        "create_time": json::time(event.create_time.as_ref()),
        "by": by(event),
        "refusal": outcome::refusal_json(event.refusal.as_ref()),
        "redacted": event.redacted,
    })
}
