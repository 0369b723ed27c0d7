//! `coalition adjustment`: points that operators give and take by hand.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Subcommand, ValueEnum};
use coalition_domain::{PartnerId, ProgrammeId, RequestId, Timestamp};
use coalition_proto::operator::v1::{
    Adjustment, AdjustmentState, ApproveAdjustmentRequest, CreateAdjustmentRequest, GetAdjustmentRequest,
    ListAdjustmentsRequest, PointGrant, PointTaking, RejectAdjustmentRequest, adjustment,
    create_adjustment_request::Entry,
};
use coalition_proto::r#type::v1::{AdjustmentReason, LotCategory};
use serde_json::{Value, json};

use super::hold::Asked;
use crate::client::names::{instant, partner, partner_name, programme, programme_name, proto_time, short};
use crate::client::text::{grouped, points, time};
use crate::client::{Align, MemberArgs, Options, Style, Table, json, run as connect};

/// Give points to a member by hand, or take some.
///
/// Needs an operator's key. Above the network's limit of points an adjustment is a proposal, that takes effect when another
/// operator approves it with their own key, and lapses after 7 days.
#[derive(Subcommand)]
pub(crate) enum Command {
    Create(CreateArgs),
    Approve(ApproveArgs),
    Reject(RejectArgs),
    Get(GetArgs),
    List(ListArgs),
}

/// Give points, paid for by a partner, or take them.
///
/// Examples:
///   coalition adjustment create --customer cdnow:00001 --programme mypoints --give 500 --funder cdnow --reason goodwill
///   coalition adjustment create --customer cdnow:00001 --programme mypoints --take 500 --reason fraud --owed-to cdnow
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct CreateArgs {
    #[command(flatten)]
    member: MemberArgs,
    /// Of which programme.
    #[arg(long, value_parser = programme)]
    programme: ProgrammeId,
    /// Give so many points.
    #[arg(long, value_name = "POINTS", requires = "funder", required_unless_present = "take", value_parser = clap::value_parser!(i64).range(1..))]
    give: Option<i64>,
    /// Take so many points, of those that can be spent.
    #[arg(long, value_name = "POINTS", conflicts_with = "give", value_parser = clap::value_parser!(i64).range(1..))]
    take: Option<i64>,
    /// Which partner pays for what is given.
    #[arg(long, value_name = "PARTNER", value_parser = partner, conflicts_with = "take")]
    funder: Option<PartnerId>,
    /// When what is given lapses; never without it.
    #[arg(long, value_name = "INSTANT", value_parser = instant, conflicts_with = "take")]
    until: Option<Timestamp>,
    /// What kind of points are given.
    #[arg(long, default_value = "adjustment", conflicts_with = "take")]
    category: Category,
    /// To which partner the member owes points that are not there; without it nothing is taken if some are missing.
    #[arg(long, value_name = "PARTNER", value_parser = partner, conflicts_with = "give")]
    owed_to: Option<PartnerId>,
    /// Why.
    #[arg(long)]
    reason: Reason,
    /// More on that for other operators, at most 200 characters, without anything that names a person.
    #[arg(long, value_name = "TEXT", default_value = "")]
    note: String,
    #[command(flatten)]
    asked: Asked,
}

/// Kinds of points.
#[derive(Clone, Copy, ValueEnum)]
enum Category {
    Adjustment,
    Base,
    Bonus,
    Promotional,
    Purchased,
}

/// Reasons.
#[derive(Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Reason {
    /// To make up for something.
    Goodwill,
    /// What a partner's event should have brought, and no event came.
    MissingEvent,
    /// What an event or an earlier adjustment brought should have been something else.
    Correction,
    /// Points were got by deceit.
    Fraud,
}

/// Let a proposal of another operator take effect.
///
/// Example: coalition adjustment approve members/6ba7b810-9dad-11d1-80b4-00c04fd430c8/adjustments/7
#[derive(clap::Args)]
pub(crate) struct ApproveArgs {
    /// The adjustment: members/UUID/adjustments/NUMBER.
    #[arg(value_parser = name)]
    adjustment: String,
    #[command(flatten)]
    asked: Asked,
}

/// Turn a proposal down.
///
/// Example: coalition adjustment reject members/6ba7b810-9dad-11d1-80b4-00c04fd430c8/adjustments/7
#[derive(clap::Args)]
pub(crate) struct RejectArgs {
    /// The adjustment: members/UUID/adjustments/NUMBER.
    #[arg(value_parser = name)]
    adjustment: String,
    #[command(flatten)]
    asked: Asked,
}

/// Show an adjustment.
///
/// Example: coalition adjustment get members/6ba7b810-9dad-11d1-80b4-00c04fd430c8/adjustments/7
#[derive(clap::Args)]
pub(crate) struct GetArgs {
    /// The adjustment: members/UUID/adjustments/NUMBER.
    #[arg(value_parser = name)]
    adjustment: String,
    #[command(flatten)]
    options: Options,
}

/// List a member's adjustments, newest first, whatever became of them.
///
/// Example: coalition adjustment list --customer cdnow:00001
#[derive(clap::Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    member: MemberArgs,
    #[command(flatten)]
    options: Options,
}

pub(crate) fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Create(args) => create(&args),
        Command::Approve(args) => approve(&args),
        Command::Reject(args) => reject(&args),
        Command::Get(args) => get(&args),
        Command::List(args) => list(&args),
    }
}

fn create(args: &CreateArgs) -> Result<ExitCode> {
    connect(&args.asked.options, async |session| {
        let member = session.member_name(&args.member).await?;
        let id = args.asked.id();
        let query = CreateAdjustmentRequest {
            member,
            programme: programme_name(&args.programme),
            points: args.give.or(args.take).unwrap_or_default(),
            entry: Some(entry(args)),
            reason: args.reason.proto().into(),
            note: args.note.clone(),
            request_id: id.to_string(),
        };
        let made = session.change("adjust the points", query).await?;
        args.asked.options.answer(|| as_json(&made, Some(id)), |_| text(&made))
    })
}

fn entry(args: &CreateArgs) -> Entry {
    let name = |partner: &Option<PartnerId>| partner.as_ref().map(partner_name).unwrap_or_default();
    if args.take.is_some() {
        return Entry::Taking(PointTaking { owed_to: name(&args.owed_to) });
    }
    Entry::Grant(PointGrant {
        funder: name(&args.funder),
        category: args.category.proto().into(),
        expire_time: args.until.map(proto_time),
    })
}

fn approve(args: &ApproveArgs) -> Result<ExitCode> {
    connect(&args.asked.options, async |session| {
        let id = args.asked.id();
        let query = ApproveAdjustmentRequest { name: args.adjustment.clone(), request_id: id.to_string() };
        let made = session.change("approve the adjustment", query).await?;
        args.asked.options.answer(|| as_json(&made, Some(id)), |_| text(&made))
    })
}

fn reject(args: &RejectArgs) -> Result<ExitCode> {
    connect(&args.asked.options, async |session| {
        let id = args.asked.id();
        let query = RejectAdjustmentRequest { name: args.adjustment.clone(), request_id: id.to_string() };
        let made = session.change("reject the adjustment", query).await?;
        args.asked.options.answer(|| as_json(&made, Some(id)), |_| text(&made))
    })
}

fn get(args: &GetArgs) -> Result<ExitCode> {
    connect(&args.options, async |session| {
        let query = GetAdjustmentRequest { name: args.adjustment.clone(), min_position: None };
        let found = session.ask("read the adjustment", query).await?;
        args.options.answer(|| as_json(&found, None), |_| text(&found))
    })
}

fn list(args: &ListArgs) -> Result<ExitCode> {
    connect(&args.options, async |session| {
        let member = session.member_name(&args.member).await?;
        let query = ListAdjustmentsRequest { member, ..ListAdjustmentsRequest::default() };
        let found = session.list("list the adjustments", query).await?;
        let document =
            || json!({ "adjustments": found.iter().map(|it| as_json(it, None)).collect::<Vec<_>>() });
        args.options.answer(document, |style| table(&found, style))
    })
}

fn name(text: &str) -> Result<String, String> {
    let parts: Vec<_> = text.split('/').collect();
    match parts[..] {
        ["members", member, "adjustments", number] if !member.is_empty() && !number.is_empty() => {
            Ok(text.to_owned())
        }
        _ => {
            Err("write it as members/UUID/adjustments/NUMBER, as `coalition adjustment list` shows it"
                .to_owned())
        }
    }
}

impl Category {
    fn proto(self) -> LotCategory {
        match self {
            Self::Adjustment => LotCategory::Adjustment,
            Self::Base => LotCategory::Base,
            Self::Bonus => LotCategory::Bonus,
            Self::Promotional => LotCategory::Promotional,
            Self::Purchased => LotCategory::Purchased,
        }
    }
}

impl Reason {
    fn proto(self) -> AdjustmentReason {
        match self {
            Self::Goodwill => AdjustmentReason::Goodwill,
            Self::MissingEvent => AdjustmentReason::MissingEvent,
            Self::Correction => AdjustmentReason::Correction,
            Self::Fraud => AdjustmentReason::Fraud,
        }
    }
}

/// A reason as arguments write it; `None`: there is none.
pub(super) fn reason(reason: AdjustmentReason) -> Option<&'static str> {
    match reason {
        AdjustmentReason::Unspecified => None,
        AdjustmentReason::Goodwill => Some("goodwill"),
        AdjustmentReason::MissingEvent => Some("missing_event"),
        AdjustmentReason::Correction => Some("correction"),
        AdjustmentReason::Fraud => Some("fraud"),
    }
}

fn state(adjustment: &Adjustment) -> &'static str {
    match adjustment.state() {
        AdjustmentState::Unspecified => "unknown",
        AdjustmentState::Proposed => "proposed",
        AdjustmentState::Applied => "applied",
        AdjustmentState::Rejected => "rejected",
        AdjustmentState::Lapsed => "lapsed",
    }
}

/// The points, below zero where they are taken, and the partner that pays or to whom they are owed.
fn moved(adjustment: &Adjustment) -> (i64, &str) {
    match &adjustment.entry {
        Some(adjustment::Entry::Taking(taking)) => (-adjustment.points, &taking.owed_to),
        Some(adjustment::Entry::Grant(grant)) => (adjustment.points, &grant.funder),
        None => (adjustment.points, ""),
    }
}

fn text(adjustment: &Adjustment) -> String {
    let (moved, partner) = moved(adjustment);
    let partner = match (short(partner), moved < 0) {
        ("", _) => String::new(),
        (partner, true) => format!(", what is missing is owed to {partner}"),
        (partner, false) => format!(", paid by {partner}"),
    };
    let reviewer = short(&adjustment.reviewer);
    let said = match adjustment.state() {
        AdjustmentState::Applied if reviewer.is_empty() => "applied".to_owned(),
        AdjustmentState::Applied => format!("approved by {reviewer}"),
        AdjustmentState::Rejected => format!("rejected by {reviewer}"),
        AdjustmentState::Proposed => format!(
            "proposed: another operator has to approve it before {}",
            time(adjustment.lapse_time.as_ref())
        ),
        AdjustmentState::Lapsed => format!("lapsed at {}", time(adjustment.lapse_time.as_ref())),
        AdjustmentState::Unspecified => "unknown".to_owned(),
    };
    let why = reason(adjustment.reason()).unwrap_or("unknown");
    let note = if adjustment.note.is_empty() { String::new() } else { format!(": {}", adjustment.note) };
    format!(
        "{}\n{} of {}{partner}\n{why}{note}\n{said}\n",
        adjustment.name,
        points(moved),
        short(&adjustment.programme)
    )
}

fn table(adjustments: &[Adjustment], style: Style) -> String {
    if adjustments.is_empty() {
        return "no points were given or taken by hand\n".to_owned();
    }
    let mut table = Table::new(&[
        ("adjustment", Align::Left),
        ("points", Align::Right),
        ("reason", Align::Left),
        ("state", Align::Left),
        ("created", Align::Left),
    ]);
    for adjustment in adjustments {
        table.row([
            adjustment.name.clone(),
            grouped(moved(adjustment).0),
            reason(adjustment.reason()).unwrap_or("unknown").to_owned(),
            state(adjustment).to_owned(),
            time(adjustment.create_time.as_ref()),
        ]);
    }
    table.render(style)
}

fn as_json(adjustment: &Adjustment, request_id: Option<RequestId>) -> Value {
    let (moved, partner) = moved(adjustment);
    json!({
        "name": adjustment.name,
        "member": adjustment.member,
        "programme": adjustment.programme,
        "points": moved,
        "partner": json::name(partner),
        "reason": reason(adjustment.reason()),
        "note": json::name(&adjustment.note),
        "state": state(adjustment),
        "creator": adjustment.creator,
        "reviewer": json::name(&adjustment.reviewer),
        "create_time": json::time(adjustment.create_time.as_ref()),
        "review_time": json::time(adjustment.review_time.as_ref()),
        "lapse_time": json::time(adjustment.lapse_time.as_ref()),
        "request_id": request_id.map(|id| id.to_string()),
        "position": json::position(adjustment.position.as_ref()),
    })
}
