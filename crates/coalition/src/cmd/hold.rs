//! `coalition hold`: points kept out of reach for a reward until it is known whether they are burnt.

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;
use coalition_domain::{ProgrammeId, RequestId, RewardId};
use coalition_proto::redemption::v1::{
    CaptureHoldRequest, CreateHoldRequest, GetHoldRequest, Hold, HoldState, ListHoldsRequest,
    ReleaseHoldRequest,
};
use serde_json::{Value, json};

use super::redeem::{self, reward};
use crate::client::names::{programme, programme_name, short};
use crate::client::text::{bought, grouped, points, time};
use crate::client::{Align, MemberArgs, Options, Style, Table, json, note, request_id, run as connect};

/// Hold points for a reward, and burn them or give them back.
///
/// Held points can't be spent. They are burnt by a capture, whole or in part, and given back by a release, or by themselves when
/// the hold's time is over.
#[derive(Subcommand)]
pub(crate) enum Command {
    Create(CreateArgs),
    Show(ShowArgs),
    List(ListArgs),
    Capture(CaptureArgs),
    Release(ReleaseArgs),
}

/// Hold points for a reward, all or nothing.
///
/// Example: coalition hold create --customer cdnow:00001 paris-return --programme mypoints --minutes 60
#[derive(clap::Args)]
#[command(allow_missing_positional = true)]
pub(crate) struct CreateArgs {
    #[command(flatten)]
    member: MemberArgs,
    /// The reward.
    #[arg(value_parser = reward)]
    reward: RewardId,
    /// Of which programme.
    #[arg(long, value_parser = programme)]
    programme: ProgrammeId,
    /// How many of the reward, 1 to 1000.
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(i32).range(1..=1_000))]
    quantity: i32,
    /// After how many minutes the points are given back by themselves, at most 43200, which is 30 days.
    #[arg(long, value_name = "NUMBER", default_value_t = 30, value_parser = clap::value_parser!(i64).range(1..=43_200))]
    minutes: i64,
    #[command(flatten)]
    asked: Asked,
}

/// Show a hold.
///
/// Example: coalition hold show members/6ba7b810-9dad-11d1-80b4-00c04fd430c8/holds/7
#[derive(clap::Args)]
pub(crate) struct ShowArgs {
    /// The hold: members/UUID/holds/NUMBER.
    #[arg(value_parser = name)]
    hold: String,
    #[command(flatten)]
    options: Options,
}

/// List a member's holds, newest first, also those that are settled.
///
/// Example: coalition hold list --customer cdnow:00001
#[derive(clap::Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    member: MemberArgs,
    #[command(flatten)]
    options: Options,
}

/// Burn held points; those that are left are given back.
///
/// Example: coalition hold capture members/6ba7b810-9dad-11d1-80b4-00c04fd430c8/holds/7 --points 300
#[derive(clap::Args)]
pub(crate) struct CaptureArgs {
    /// The hold: members/UUID/holds/NUMBER.
    #[arg(value_parser = name)]
    hold: String,
    /// How many points; all that are held without it.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(i64).range(1..))]
    points: Option<i64>,
    #[command(flatten)]
    asked: Asked,
}

/// Give held points back.
///
/// Example: coalition hold release members/6ba7b810-9dad-11d1-80b4-00c04fd430c8/holds/7
#[derive(clap::Args)]
pub(crate) struct ReleaseArgs {
    /// The hold: members/UUID/holds/NUMBER.
    #[arg(value_parser = name)]
    hold: String,
    #[command(flatten)]
    asked: Asked,
}

/// What every change has.
#[derive(clap::Args)]
pub(super) struct Asked {
    /// The id of this request, to repeat one of the same key whose answer was lost; without it a new one is made.
    #[arg(long, value_name = "UUID")]
    request_id: Option<RequestId>,
    #[command(flatten)]
    pub(super) options: Options,
}

impl Asked {
    /// The id of the request, told beforehand where it is a new one.
    pub(super) fn id(&self) -> RequestId {
        let id = request_id(self.request_id);
        if self.request_id.is_none() {
            note(&format!("request id {id}"));
        }
        id
    }
}

pub(crate) fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Create(args) => create(&args),
        Command::Show(args) => show(args),
        Command::List(args) => list(&args),
        Command::Capture(args) => capture(args),
        Command::Release(args) => release(args),
    }
}

fn create(args: &CreateArgs) -> Result<ExitCode> {
    connect(&args.asked.options, async |session| {
        let member = session.member_name(&args.member).await?;
        let id = args.asked.id();
        let query = CreateHoldRequest {
            member,
            reward: format!("{}/rewards/{}", programme_name(&args.programme), args.reward),
            quantity: args.quantity,
            ttl: Some(prost_types::Duration { seconds: args.minutes * 60, nanos: 0 }),
            request_id: id.to_string(),
        };
        let hold = session.change("hold points for the reward", query).await?;
        args.asked.options.answer(|| as_json(&hold, Some(id)), |_| text(&hold))
    })
}

fn show(args: ShowArgs) -> Result<ExitCode> {
    connect(&args.options, async |session| {
        let query = GetHoldRequest { name: args.hold.clone(), min_position: None };
        let hold = session.ask("read the hold", query).await?;
        args.options.answer(|| as_json(&hold, None), |_| text(&hold))
    })
}

fn list(args: &ListArgs) -> Result<ExitCode> {
    connect(&args.options, async |session| {
        let member = session.member_name(&args.member).await?;
        let query = ListHoldsRequest { member, ..ListHoldsRequest::default() };
        let holds = session.list("list the holds", query).await?;
        let document =
            || json!({ "holds": holds.iter().map(|hold| as_json(hold, None)).collect::<Vec<_>>() });
        args.options.answer(document, |style| table(&holds, style))
    })
}

fn capture(args: CaptureArgs) -> Result<ExitCode> {
    connect(&args.asked.options, async |session| {
        let id = args.asked.id();
        let query = CaptureHoldRequest {
            name: args.hold.clone(),
            points: args.points.unwrap_or(0),
            request_id: id.to_string(),
        };
        let redemption = session.change("capture the hold", query).await?;
        let document = || redeem::as_json(&redemption, id);
        args.asked.options.answer(document, |style| redeem::text(&redemption, style))
    })
}

fn release(args: ReleaseArgs) -> Result<ExitCode> {
    connect(&args.asked.options, async |session| {
        let id = args.asked.id();
        let query = ReleaseHoldRequest { name: args.hold.clone(), request_id: id.to_string() };
        let hold = session.change("release the hold", query).await?;
        args.asked.options.answer(|| as_json(&hold, Some(id)), |_| text(&hold))
    })
}

fn name(text: &str) -> Result<String, String> {
    let parts: Vec<_> = text.split('/').collect();
    match parts[..] {
        ["members", member, "holds", number] if !member.is_empty() && !number.is_empty() => {
            Ok(text.to_owned())
        }
        _ => Err("write it as members/UUID/holds/NUMBER, as `coalition hold list` shows it".to_owned()),
    }
}

fn state(hold: &Hold) -> &'static str {
    match hold.state() {
        HoldState::Unspecified => "unknown",
        HoldState::Open => "open",
        HoldState::Captured => "captured",
        HoldState::Released => "released",
        HoldState::Expired => "expired",
    }
}

fn text(hold: &Hold) -> String {
    let times = if hold.quantity == 1 { String::new() } else { format!("{} times ", hold.quantity) };
    let what = match hold.state() {
        HoldState::Open => format!("held until {}", time(hold.expire_time.as_ref())),
        HoldState::Captured => format!("captured by {}", hold.redemption),
        HoldState::Released => "given back".to_owned(),
        HoldState::Expired => format!("given back by time at {}", time(hold.expire_time.as_ref())),
        HoldState::Unspecified => "held".to_owned(),
    };
    format!(
        "{}\n{times}{} from {}, {}{} {what}\n",
        hold.name,
        short(&hold.reward),
        short(&hold.redeemer),
        points(hold.points),
        bought("for", hold.bought.as_ref())
    )
}

fn table(holds: &[Hold], style: Style) -> String {
    if holds.is_empty() {
        return "no points were held\n".to_owned();
    }
    let mut table = Table::new(&[
        ("hold", Align::Left),
        ("reward", Align::Left),
        ("points", Align::Right),
        ("state", Align::Left),
        ("until", Align::Left),
    ]);
    for hold in holds {
        table.row([
            hold.name.clone(),
            short(&hold.reward).to_owned(),
            grouped(hold.points),
            state(hold).to_owned(),
            time(hold.expire_time.as_ref()),
        ]);
    }
    table.render(style)
}

fn as_json(hold: &Hold, request_id: Option<RequestId>) -> Value {
    json!({
        "name": hold.name,
        "member": hold.member,
        "reward": hold.reward,
        "quantity": hold.quantity,
        "redeemer": hold.redeemer,
        "points": hold.points,
        "bought": json::bought(hold.bought.as_ref()),
        "state": state(hold),
        "redemption": json::name(&hold.redemption),
        "create_time": json::time(hold.create_time.as_ref()),
        "expire_time": json::time(hold.expire_time.as_ref()),
        "request_id": request_id.map(|id| id.to_string()),
        "position": json::position(hold.position.as_ref()),
    })
}
