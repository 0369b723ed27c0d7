//! What a line of a statement sums up.

use std::process::ExitCode;

use anyhow::Result;
use coalition_domain::ProgrammeId;
use coalition_domain::calendar::Zone;
use coalition_proto::settlement::v1::line_event::Source;
use coalition_proto::settlement::v1::{LineEvent, ListLineEventsRequest};
use coalition_proto::r#type::v1::Position;
use serde_json::{Value, json};

use super::period::{Bound, Period, bound};
use super::{position, zone};
use crate::client::names::{limit, programme, programme_name, short};
use crate::client::text::{grouped, money, time};
use crate::client::{Align, Options, Session, Style, Table, json, note, run as connect};

/// The most that the network hands out at once.
const PAGE_MAX: usize = 1_000;

/// List the decisions that a line of a statement sums up.
///
/// Their points are the line's, and their amounts come to its amount once that is rounded. A partner sees the ids of its own
/// events and requests, an operator all, with the member's account.
///
/// Example: coalition statement events partners/cdnow/settlementLines/0870a908e147bb04e18c249fb420eecd --programme mypoints
#[derive(clap::Args)]
pub(super) struct Args {
    /// The line's name, as `coalition statement --json` and the CSV show it.
    line: String,
    /// Of which programme.
    #[arg(long, value_parser = programme)]
    programme: ProgrammeId,
    /// First recorded time that counts, a full hour or a day; without it from the beginning.
    #[arg(long, value_name = "TIME", value_parser = bound)]
    from: Option<Bound>,
    /// First recorded time that counts no more, a full hour or a day; without it up to now.
    #[arg(long, value_name = "TIME", value_parser = bound)]
    to: Option<Bound>,
    /// Where the days of --from and --to begin: a time zone such as Europe/Paris.
    #[arg(long, value_name = "ZONE", default_value = "UTC", value_parser = zone)]
    time_zone: Zone,
    /// Exactly as it was at these positions: SHARD:SEQ of every shard, separated by commas.
    #[arg(long, value_name = "POSITIONS", value_delimiter = ',', value_parser = position::position)]
    positions: Vec<Position>,
    /// How many.
    #[arg(long, value_name = "NUMBER", default_value_t = 20, value_parser = limit)]
    limit: u32,
    /// All of them.
    #[arg(long, conflicts_with = "limit")]
    all: bool,
    #[command(flatten)]
    options: Options,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let period = Period::of(args.from.as_ref(), args.to.as_ref(), &args.time_zone)?;
    connect(&args.options, async |session| {
        let (events, positions, more) = read(&session, args, period).await?;
        if more && !args.options.json {
            note("there are more: see them with --limit NUMBER or --all");
        }
        let document = || {
            let events: Vec<_> = events.iter().map(as_json).collect();
            json!({ "line_events": events, "positions": super::partner::positions(&positions), "more": more })
        };
        args.options.answer(document, |style| text(&events, style))
    })
}

/// The first of them, what they stand on, and whether there are more.
async fn read(
    session: &Session,
    args: &Args,
    period: Period,
) -> Result<(Vec<LineEvent>, Vec<Position>, bool)> {
    let wanted = if args.all { usize::MAX } else { usize::try_from(args.limit).unwrap_or(usize::MAX) };
    let mut query = ListLineEventsRequest {
        name: args.line.clone(),
        programme: programme_name(&args.programme),
        start_time: period.from,
        end_time: period.to,
        positions: args.positions.clone(),
        ..ListLineEventsRequest::default()
    };
    let mut events: Vec<LineEvent> = Vec::new();
    loop {
        query.page_size = i32::try_from(PAGE_MAX.min(wanted - events.len())).expect("at most a page");
        let page = session.ask("list what the line sums up", query.clone()).await?;
        events.extend(page.line_events);
        query.page_token = page.next_page_token;
        let more = !query.page_token.is_empty();
        if !more || events.len() >= wanted {
            return Ok((events, page.positions, more));
        }
    }
}

fn text(events: &[LineEvent], style: Style) -> String {
    let mut table = Table::new(&[
        ("when", Align::Left),
        ("partner", Align::Left),
        ("event/request", Align::Left),
        ("points", Align::Right),
        ("amount", Align::Right),
        ("position", Align::Left),
        ("member", Align::Left),
    ]);
    for event in events {
        let at = event.position.unwrap_or_default();
        table.row([
            time(event.record_time.as_ref()),
            short(&event.partner).to_owned(),
            source(event).unwrap_or_default().to_owned(),
            grouped(event.points),
            event.amount.as_ref().map(money).unwrap_or_default(),
            format!("{}:{}/{}", at.shard, at.seq, event.index),
            short(&event.member).to_owned(),
        ]);
    }
    table.render(style)
}

fn source(event: &LineEvent) -> Option<&str> {
    match event.source.as_ref()? {
        Source::EventId(id) | Source::RequestId(id) => Some(id),
    }
}

fn as_json(event: &LineEvent) -> Value {
    let (event_id, request_id) = match &event.source {
        Some(Source::EventId(id)) => (Some(id), None),
        Some(Source::RequestId(id)) => (None, Some(id)),
        None => (None, None),
    };
    json!({
        "position": json::position(event.position.as_ref()),
        "index": event.index,
        "number": event.number,
        "record_time": json::time(event.record_time.as_ref()),
        "points": event.points,
        "amount": json::money(event.amount.as_ref()),
        "partner": json::name(&event.partner),
        "event_id": event_id,
        "request_id": request_id,
        "member": json::name(&event.member),
    })
}

#[cfg(test)]
mod tests {
    use coalition_proto::google::r#type::Money;

    use super::*;

    #[test]
    fn what_a_line_sums_up_says_where_it_is_and_what_it_costs() {
        let event = LineEvent {
            position: Some(Position { shard: 1, seq: 17 }),
            index: 3,
            record_time: Some(prost_types::Timestamp { seconds: 853_027_200, nanos: 0 }),
            points: 1_111,
            amount: Some(Money { currency_code: "USD".to_owned(), units: 9, nanos: 999_000_000 }),
            partner: "partners/cdnow".to_owned(),
            source: Some(Source::EventId("order-1".to_owned())),
            ..LineEvent::default()
        };
        let expected = "\
when                      partner  event/request  points     amount  position
1997-01-12T00:00:00.000Z  cdnow    order-1         1,111  9.999 USD  1:17/3
";
        assert_eq!(text(std::slice::from_ref(&event), Style::Plain), expected);
        let document = as_json(&event);
        assert_eq!((&document["event_id"], &document["request_id"]), (&json!("order-1"), &Value::Null));
    }
}
