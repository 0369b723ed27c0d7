//! `coalition member activity`.

use std::process::ExitCode;

use anyhow::Result;
use coalition_domain::ProgrammeId;
use coalition_proto::account::v1::{
    Activity, ActivityType, GetActivityRequest, ListActivitiesRequest, TakenBackPoints, activity::Source,
};
use coalition_proto::r#type::v1::EventState;
use serde_json::{Value, json};

use crate::client::names::{limit, programme, programme_name, short};
use crate::client::text::{bought, grouped, signed, time};
use crate::client::{Align, MemberArgs, Options, Session, Style, Table, json, note, outcome, run as connect};
use crate::cmd::adjustment;

/// Lines of the list are no longer, where ids and names of usual length allow it.
const WIDTH_MAX: usize = 100;

/// Before a reason on a line of its own.
const INDENT: &str = "      ";

/// The most entries that the network hands out at once.
const PAGE_MAX: usize = 1_000;

/// List what happened on a member's account, newest first.
///
/// Everything that was decided is there, also what was refused and what gave no points, with the reason. A partner sees its own
/// entries only.
///
/// Example: coalition member activity --customer cdnow:00001 --limit 50
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    member: MemberArgs,
    /// Only of this programme.
    #[arg(long, value_parser = programme)]
    programme: Option<ProgrammeId>,
    /// How many entries.
    #[arg(long, value_name = "NUMBER", default_value_t = 20, value_parser = limit)]
    limit: u32,
    /// All entries.
    #[arg(long, conflicts_with = "limit")]
    all: bool,
    #[command(flatten)]
    options: Options,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    connect(&args.options, async |session| {
        let (activities, more) = read(&session, args).await?;
        if more && !args.options.json {
            note("there are more entries: see them with --limit NUMBER or --all");
        }
        let document = || {
            let entries: Vec<_> = activities.iter().map(as_json).collect();
            json!({ "activities": entries, "more": more })
        };
        args.options.answer(document, |style| text(&activities, style))
    })
}

/// The newest entries, and whether there are more.
async fn read(session: &Session, args: &Args) -> Result<(Vec<Activity>, bool)> {
    let wanted = if args.all { usize::MAX } else { usize::try_from(args.limit).unwrap_or(usize::MAX) };
    let mut query = ListActivitiesRequest {
        member: session.member_name(&args.member).await?,
        programme: args.programme.as_ref().map(programme_name).unwrap_or_default(),
        ..ListActivitiesRequest::default()
    };
    let mut activities: Vec<Activity> = Vec::new();
    loop {
        let size = PAGE_MAX.min(wanted - activities.len());
        query.page_size = i32::try_from(size).expect("at most a page");
        let page = session.ask("list the activities", query.clone()).await?;
        for activity in page.activities {
            activities.push(explained(session, activity).await?);
        }
        query.page_token = page.next_page_token;
        let more = !query.page_token.is_empty();
        if !more || activities.len() >= wanted {
            return Ok((activities, more));
        }
    }
}

/// An entry of a partner's event without points, read again with what each rule said: lists leave that out.
async fn explained(session: &Session, activity: Activity) -> Result<Activity> {
    let from_event = matches!(activity.source, Some(Source::EventId(_)));
    let nothing = activity.state() == EventState::Applied && activity.grants.is_empty();
    if !from_event || !nothing || !activity.rule_outcomes.is_empty() {
        return Ok(activity);
    }
    let query = GetActivityRequest { name: activity.name, min_position: None };
    session.ask("read an activity", query).await
}

fn text(activities: &[Activity], style: Style) -> String {
    if activities.is_empty() {
        return "nothing has happened\n".to_owned();
    }
    let mut table = Table::new(&[
        ("no", Align::Right),
        ("when", Align::Left),
        ("what", Align::Left),
        ("partner", Align::Left),
        ("order/event", Align::Left),
        ("points", Align::Right),
        ("programme", Align::Left),
    ]);
    for activity in activities {
        let reference = match (&activity.source, activity.order_id.as_str()) {
            (Some(Source::EventId(event)), "") => event.clone(),
            (_, order) => order.to_owned(),
        };
        table.row([
            short(&activity.name).to_owned(),
            time(activity.event_time.as_ref()),
            what(activity.r#type()).replace('_', " "),
            short(&activity.partner).to_owned(),
            reference,
            signed(activity.points),
            outcome::version(&activity.programme, activity.programme_version),
        ]);
    }
    explain(&table.render(style), activities)
}

/// The rendered table with the reason of each entry: at the end of its line, or on the next where it would be too long.
fn explain(table: &str, activities: &[Activity]) -> String {
    let widest = table.lines().skip(1).map(|line| line.chars().count()).max().unwrap_or(0);
    let mut lines = table.lines();
    let mut text = format!("{}\n", lines.next().unwrap_or_default());
    for (line, activity) in lines.zip(activities) {
        let why = why(activity);
        if why.is_empty() {
            text.push_str(&format!("{line}\n"));
        } else if widest + 2 + why.chars().count() <= WIDTH_MAX {
            text.push_str(&format!("{line:<widest$}  {why}\n"));
        } else {
            text.push_str(&format!("{line}\n"));
            wrap(&why, &mut text);
        }
    }
    text
}

/// Adds the words on lines of their own.
fn wrap(words: &str, text: &mut String) {
    let mut width = WIDTH_MAX;
    for word in words.split(' ') {
        let length = word.chars().count();
        if width + 1 + length > WIDTH_MAX {
            if !text.ends_with('\n') {
                text.push('\n');
            }
            text.push_str(INDENT);
            width = INDENT.len();
        } else {
            text.push(' ');
            width += 1;
        }
        text.push_str(word);
        width += length;
    }
    text.push('\n');
}

/// The rules that gave points, whose points were burnt, or why nothing came of it.
fn why(activity: &Activity) -> String {
    let burnt =
        activity.burnt.iter().map(|burnt| format!("{} of {}", grouped(burnt.points), short(&burnt.issuer)));
    match activity.state() {
        EventState::Applied if !activity.burnt.is_empty() => {
            let bought = bought("for", activity.bought.as_ref());
            format!("burnt {}{bought}", burnt.collect::<Vec<_>>().join(", "))
        }
        EventState::Applied if !activity.taken_back.is_empty() => {
            activity.taken_back.iter().map(taken_back).collect::<Vec<_>>().join("; ")
        }
        EventState::Applied if activity.r#type() == ActivityType::Adjustment => by_hand(activity),
        EventState::Applied if activity.rules.is_empty() => outcome::rules(&activity.rule_outcomes),
        EventState::Applied if activity.debt_repaid > 0 => {
            let repaid = grouped(activity.debt_repaid);
            format!("rule {}; {repaid} went to a debt", activity.rules.join(", "))
        }
        EventState::Applied => format!("rule {}", activity.rules.join(", ")),
        EventState::Waiting => {
            let sentence = outcome::sentence(EventState::Waiting, 0, &[], activity.refusal.as_ref());
            format!("{sentence}, until {}", time(activity.waits_until_time.as_ref()))
        }
        EventState::Refused | EventState::Received | EventState::Unspecified => {
            outcome::sentence(activity.state(), 0, &[], activity.refusal.as_ref())
        }
    }
}

/// Why an operator gave or took points.
fn by_hand(activity: &Activity) -> String {
    let reason = adjustment::reason(activity.adjustment_reason()).unwrap_or("rejected");
    let reason = reason.replace('_', " ");
    match activity.debt_repaid {
        0 => reason,
        repaid => format!("{reason}; {} went to a debt", grouped(repaid)),
    }
}

/// What was taken back of a rule.
fn taken_back(taken: &TakenBackPoints) -> String {
    let debt = match taken.debt {
        0 => String::new(),
        debt => format!(", {} of them owed", grouped(debt)),
    };
    let version = outcome::version(&taken.programme, taken.programme_version);
    format!("taken back {} of rule {} of {version}{debt}", grouped(taken.points), taken.rule)
}

fn taken_back_json(taken: &TakenBackPoints) -> Value {
    json!({
        "rule": taken.rule,
        "programme": taken.programme,
        "programme_version": taken.programme_version,
        "points": taken.points,
        "debt": taken.debt,
    })
}

fn what(kind: ActivityType) -> &'static str {
    match kind {
        ActivityType::Unspecified => "unknown",
        ActivityType::Enrolment => "enrolment",
        ActivityType::SignUp => "sign_up",
        ActivityType::ConsentGiven => "consent_given",
        ActivityType::ConsentWithdrawn => "consent_withdrawn",
        ActivityType::Purchase => "purchase",
        ActivityType::EmailRead => "email_read",
        ActivityType::AccountOpening => "account_opening",
        ActivityType::Engagement => "engagement",
        ActivityType::Redemption => "redemption",
        ActivityType::Activation => "activation",
        ActivityType::Expiry => "expiry",
        ActivityType::Hold => "hold",
        ActivityType::Capture => "capture",
        ActivityType::Release => "release",
        ActivityType::Refund => "refund",
        ActivityType::Return => "order_return",
        ActivityType::AccountClosing => "account_closing",
        ActivityType::Adjustment => "adjustment",
        ActivityType::Link => "link",
    }
}

fn as_json(activity: &Activity) -> Value {
    let (event_id, request_id) = match &activity.source {
        Some(Source::EventId(id)) => (Some(id), None),
        Some(Source::RequestId(id)) => (None, Some(id)),
        None => (None, None),
    };
    let burnt = activity.burnt.iter().map(|burnt| json!({ "issuer": burnt.issuer, "points": burnt.points }));
    json!({
        "name": activity.name,
        "type": what(activity.r#type()),
        "programme": json::name(&activity.programme),
        "programme_version": activity.programme_version,
        "partner": json::name(&activity.partner),
        "event_id": event_id,
        "request_id": request_id,
        "order_id": json::name(&activity.order_id),
        "channel": json::name(&activity.channel),
        "event_time": json::time(activity.event_time.as_ref()),
        "record_time": json::time(activity.record_time.as_ref()),
        "state": outcome::state(activity.state()),
        "points": activity.points,
        "rules": activity.rules,
        "grants": outcome::grants_json(&activity.grants),
        "burnt": burnt.collect::<Vec<_>>(),
        "bought": json::bought(activity.bought.as_ref()),
        "taken_back": activity.taken_back.iter().map(taken_back_json).collect::<Vec<_>>(),
        "debt_repaid": activity.debt_repaid,
        "adjustment": json::name(&activity.adjustment),
        "adjustment_reason": adjustment::reason(activity.adjustment_reason()),
        "settlement_lines": activity.settlement_lines,
        "rule_outcomes": outcome::rules_json(&activity.rule_outcomes),
        "refusal": outcome::refusal_json(activity.refusal.as_ref()),
        "waits_until_time": json::time(activity.waits_until_time.as_ref()),
        "redemption": json::name(&activity.redemption),
        "position": json::position(activity.position.as_ref()),
    })
}
