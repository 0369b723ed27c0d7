//! `coalition member balance`.

use std::process::ExitCode;

use anyhow::Result;
use coalition_domain::{ProgrammeId, Timestamp};
use coalition_proto::account::v1::{Balance, DateBasis, GetBalanceRequest};
use serde_json::{Value, json};

use crate::client::names::{instant, programme, programme_name, proto_time, short};
use crate::client::text::{grouped, time};
use crate::client::{Align, MemberArgs, Options, Style, Table, json, run as connect};

/// Show what a member can spend, what waits and what lapses, now or at an instant.
///
/// Partners see it of members who consented to share their balance.
///
/// Example: coalition member balance --customer cdnow:00001 --programme mypoints --at 2026-01-31T23:59:59Z
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    member: MemberArgs,
    /// Of which programme.
    #[arg(long, value_parser = programme)]
    programme: ProgrammeId,
    /// At this instant, which is over; a day stands for its first moment in UTC.
    #[arg(long, value_name = "TIME", value_parser = instant)]
    at: Option<Timestamp>,
    /// By which time decisions count at that instant: when they were recorded, or for what events earned when they happened.
    #[arg(long, value_name = "BASIS", value_enum, default_value_t, requires = "at")]
    by: By,
    #[command(flatten)]
    options: Options,
}

/// By which time decisions count.
#[derive(Clone, Copy, Default, clap::ValueEnum)]
enum By {
    #[default]
    RecordedTime,
    EventTime,
}

impl By {
    fn basis(self) -> DateBasis {
        match self {
            Self::RecordedTime => DateBasis::RecordedTime,
            Self::EventTime => DateBasis::EventTime,
        }
    }
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    connect(&args.options, async |session| {
        let query = GetBalanceRequest {
            member: session.member_name(&args.member).await?,
            programme: programme_name(&args.programme),
            min_position: None,
            read_time: args.at.map(proto_time),
            date_basis: args.by.basis().into(),
        };
        let balance = session.ask("read the balance", query).await?;
        args.options.answer(|| as_json(&balance), |style| text(&balance, style))
    })
}

fn text(balance: &Balance, style: Style) -> String {
    let mut text = format!(
        "{} in {} at {}\n",
        balance.member,
        short(&balance.programme),
        time(balance.read_time.as_ref())
    );
    let mut amounts = Table::new(&[("points", Align::Left), ("", Align::Right), ("", Align::Left)]);
    let mut amount = |what: &str, points: i64, why: &str| {
        amounts.row([what.to_owned(), grouped(points), why.to_owned()]);
    };
    amount("available", balance.available, "");
    for (what, points, why) in [
        ("pending", balance.pending, "earned, not yet to be spent"),
        ("held", balance.held, "reserved for redemptions under way"),
        ("debt", balance.debt, "repaid first by what is earned"),
    ] {
        if points != 0 {
            amount(what, points, why);
        }
    }
    text.push_str(&amounts.render(style));
    if !balance.expiring.is_empty() {
        let mut expiring = Table::new(&[("lapses", Align::Left), ("points", Align::Right)]);
        for row in &balance.expiring {
            expiring.row([time(row.expire_time.as_ref()), grouped(row.points)]);
        }
        text.push('\n');
        text.push_str(&expiring.render(style));
    }
    if !balance.next_reward.is_empty() {
        let missing = crate::client::text::points(balance.points_to_next_reward);
        text.push_str(&format!("\n{missing} more for {}\n", short(&balance.next_reward)));
    }
    text
}

fn as_json(balance: &Balance) -> Value {
    let expiring = balance
        .expiring
        .iter()
        .map(|row| json!({ "expire_time": json::time(row.expire_time.as_ref()), "points": row.points }));
    json!({
        "member": balance.member,
        "programme": balance.programme,
        "available": balance.available,
        "pending": balance.pending,
        "held": balance.held,
        "debt": balance.debt,
        "expiring": expiring.collect::<Vec<_>>(),
        "next_reward": json::name(&balance.next_reward),
        "points_to_next_reward": balance.points_to_next_reward,
        "read_time": json::time(balance.read_time.as_ref()),
        "position": json::position(balance.position.as_ref()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_balance_tells_what_is_there_and_what_is_next() {
        let balance = Balance {
            member: "members/1".to_owned(),
            programme: "programmes/mypoints".to_owned(),
            available: 2_150,
            pending: 10,
            next_reward: "programmes/mypoints/rewards/paris-return".to_owned(),
            points_to_next_reward: 350,
            read_time: Some(prost_types::Timestamp { seconds: 853_027_200, nanos: 0 }),
            ..Balance::default()
        };
        let expected = "\
members/1 in mypoints at 1997-01-12T00:00:00.000Z
points
available  2,150
pending       10  earned, not yet to be spent

350 points more for paris-return
";
        assert_eq!(text(&balance, Style::Plain), expected);
        assert_eq!(as_json(&balance)["expiring"], json!([]));
        assert_eq!(as_json(&balance)["position"], Value::Null);
    }
}
