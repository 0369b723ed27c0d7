//! `coalition redeem`: burns points for a reward.

use std::process::ExitCode;

use anyhow::Result;
use coalition_domain::{ProgrammeId, RequestId, RewardId};
use coalition_proto::redemption::v1::{CreateRedemptionRequest, Redemption, RedemptionState};
use serde_json::{Value, json};

use crate::client::names::{programme, programme_name, short};
use crate::client::text::{bought, grouped, points, price};
use crate::client::{Align, MemberArgs, Options, Style, Table, json, note, request_id, run as connect};

/// Burn points for a reward, all or nothing.
///
/// The request id that makes a repeat safe is printed first, on standard error. While the network is not ready the call is
/// repeated under that id until --timeout is over; repeated by hand with --request-id and the same key it burns once at most too.
///
/// Example: coalition redeem --customer cdnow:00001 paris-return --programme mypoints
#[derive(clap::Args)]
#[command(allow_missing_positional = true)]
pub(crate) struct Args {
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
    /// The id of this request, to repeat one of the same key whose answer was lost; without it a new one is made.
    #[arg(long, value_name = "UUID")]
    request_id: Option<RequestId>,
    #[command(flatten)]
    options: Options,
}

pub(crate) fn run(args: Args) -> Result<ExitCode> {
    let id = request_id(args.request_id);
    connect(&args.options, async |session| {
        let member = session.member_name(&args.member).await?;
        if args.request_id.is_none() {
            note(&format!("request id {id}"));
        }
        let query = CreateRedemptionRequest {
            member,
            reward: format!("{}/rewards/{}", programme_name(&args.programme), args.reward),
            quantity: args.quantity,
            request_id: id.to_string(),
        };
        let redemption = session.change("burn points for the reward", query).await?;
        args.options.answer(|| as_json(&redemption, id), |style| text(&redemption, style))
    })
}

pub(super) fn reward(text: &str) -> Result<RewardId, String> {
    RewardId::new(short(text)).map_err(|error| error.to_string())
}

pub(super) fn text(redemption: &Redemption, style: Style) -> String {
    let times =
        if redemption.quantity == 1 { String::new() } else { format!("{} times ", redemption.quantity) };
    let mut text = format!(
        "{}\n{times}{} from {}, {} {}{}\n",
        redemption.name,
        short(&redemption.reward),
        short(&redemption.redeemer),
        points(redemption.points),
        if refunded(redemption) { "given back" } else { "burnt" },
        bought("for", redemption.bought.as_ref())
    );
    let mut table = Table::new(&[
        ("points", Align::Right),
        ("issued by", Align::Left),
        ("funded by", Align::Left),
        ("at", Align::Right),
    ]);
    for allocation in &redemption.allocations {
        table.row([
            grouped(allocation.points),
            short(&allocation.issuer).to_owned(),
            short(&allocation.funder).to_owned(),
            allocation.accrual_unit_price.as_ref().map(price).unwrap_or_default(),
        ]);
    }
    if !table.is_empty() {
        text.push('\n');
        text.push_str(&table.render(style));
    }
    text
}

fn refunded(redemption: &Redemption) -> bool {
    redemption.state() == RedemptionState::Refunded
}

pub(super) fn as_json(redemption: &Redemption, request_id: RequestId) -> Value {
    let allocations = redemption.allocations.iter().map(|allocation| {
        json!({
            "issuer": allocation.issuer,
            "funder": json::name(&allocation.funder),
            "points": allocation.points,
            "accrual_unit_price": json::price(allocation.accrual_unit_price.as_ref()),
            "lot_position": json::position(allocation.lot_position.as_ref()),
            "lot_number": allocation.lot_number,
        })
    });
    json!({
        "name": redemption.name,
        "member": redemption.member,
        "reward": redemption.reward,
        "quantity": redemption.quantity,
        "redeemer": redemption.redeemer,
        "points": redemption.points,
        "state": if refunded(redemption) { "refunded" } else { "completed" },
        "bought": json::bought(redemption.bought.as_ref()),
        "hold": json::name(&redemption.hold),
        "allocations": allocations.collect::<Vec<_>>(),
        "redemption_unit_price": json::price(redemption.redemption_unit_price.as_ref()),
        "programme_version": redemption.programme_version,
        "create_time": json::time(redemption.create_time.as_ref()),
        "request_id": request_id.to_string(),
        "position": json::position(redemption.position.as_ref()),
    })
}
