//! `coalition event list`.

use std::process::ExitCode;

use anyhow::Result;
use clap::ValueEnum;
use coalition_domain::PartnerId;
use coalition_proto::event::v1::{ListPartnerEventsRequest, PartnerEventRecord};
use coalition_proto::r#type::v1::EventState;
use serde_json::json;

use super::{as_json, sentence};
use crate::client::names::{limit, partner, partner_name};
use crate::client::text::time;
use crate::client::{Align, IdentifierArgs, Options, Session, Style, Table, note, run as connect};

/// The most that the network hands out at once.
const PAGE_MAX: usize = 1_000;

/// List what became of the events that a partner sent for an identifier.
///
/// Each is there once, the newest first. What could not be read at all is in `coalition rejected`.
///
/// Example: coalition event list cdnow --customer cdnow:00001 --state waiting
#[derive(clap::Args)]
pub(super) struct Args {
    /// The partner that sent them.
    #[arg(value_parser = partner)]
    partner: PartnerId,
    #[command(flatten)]
    identifier: IdentifierArgs,
    /// Only those that name this order.
    #[arg(long, value_name = "ID")]
    order: Option<String>,
    /// Only those in this state.
    #[arg(long)]
    state: Option<State>,
    /// How many.
    #[arg(long, value_name = "NUMBER", default_value_t = 20, value_parser = limit)]
    limit: u32,
    /// All of them.
    #[arg(long, conflicts_with = "limit")]
    all: bool,
    #[command(flatten)]
    options: Options,
}

/// What a decision made of an event.
#[derive(Clone, Copy, ValueEnum)]
enum State {
    Waiting,
    Applied,
    Refused,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    connect(&args.options, async |session| {
        let (events, more) = read(&session, args).await?;
        if more && !args.options.json {
            note("there are more: see them with --limit NUMBER or --all");
        }
        let document =
            || json!({ "partner_events": events.iter().map(as_json).collect::<Vec<_>>(), "more": more });
        args.options.answer(document, |style| text(&events, style))
    })
}

/// The newest ones, and whether there are more.
async fn read(session: &Session, args: &Args) -> Result<(Vec<PartnerEventRecord>, bool)> {
    let wanted = if args.all { usize::MAX } else { usize::try_from(args.limit).unwrap_or(usize::MAX) };
    let state = args.state.map_or(EventState::Unspecified, |state| match state {
        State::Waiting => EventState::Waiting,
        State::Applied => EventState::Applied,
        State::Refused => EventState::Refused,
    });
    let mut query = ListPartnerEventsRequest {
        partner: partner_name(&args.partner),
        identifier: Some(args.identifier.identifier()),
        order_id: args.order.clone().unwrap_or_default(),
        state: state.into(),
        ..ListPartnerEventsRequest::default()
    };
    let mut events: Vec<PartnerEventRecord> = Vec::new();
    loop {
        query.page_size = i32::try_from(PAGE_MAX.min(wanted - events.len())).expect("at most a page");
        let page = session.ask("list the events", query.clone()).await?;
        events.extend(page.partner_events);
        query.page_token = page.next_page_token;
        let more = !query.page_token.is_empty();
        if !more || events.len() >= wanted {
            return Ok((events, more));
        }
    }
}

fn text(events: &[PartnerEventRecord], style: Style) -> String {
    if events.is_empty() {
        return "no such event was decided\n".to_owned();
    }
    let mut table = Table::new(&[
        ("event", Align::Left),
        ("order", Align::Left),
        ("happened", Align::Left),
        ("what became of it", Align::Left),
    ]);
    for event in events {
        let happened = time(event.event_time.as_ref());
        table.row([event.event_id.clone(), event.order_id.clone(), happened, sentence(event)]);
    }
    table.render(style)
}
