//! The result for people.

use std::path::Path;

use coalition_proto::account::v1::{Activity, ActivityType};
use coalition_proto::google::r#type::Money;
use coalition_proto::settlement::v1::{SettlementDirection, SettlementKind, SettlementStatement};

use super::arrange::partners;
use super::events::identifier;
use super::outcome::{CUSTOMER, Outcome, short};
use super::turns::Turns;
use crate::client::text::{grouped, money, price, signed};
use crate::client::{Align, Style, Table};

/// A customer and an order of theirs that gave no points: its amount is below what earns one.
const POINTLESS: (u32, &str) = (455, "order-01549");

/// Everything, in the order of the story.
pub(crate) fn text(outcome: &Outcome) -> String {
    [replayed(outcome), member(outcome), redemption(outcome), turns(&outcome.turns), settlement(outcome)]
        .concat()
}

fn replayed(outcome: &Outcome) -> String {
    let mut text = heading("What was replayed");
    text.push_str(&format!(
        "{} events of {} customers, published by 3 partners, decided in {} shards,\njournaled, folded.\n",
        grouped(outcome.events),
        grouped(outcome.members),
        outcome.shards
    ));
    let rate = match outcome.events_per_s() {
        Some(rate) => format!(
            "{} in {:.1} s ({} events/s)",
            grouped(outcome.replayed()),
            outcome.seconds,
            grouped(rate)
        ),
        None => "0".to_owned(),
    };
    text.push_str(&match outcome.already {
        0 => format!("Replayed now: {rate}.\n"),
        already => format!(
            "Already here: {}; sent again, they count once. Replayed now: {rate}.\n",
            grouped(already)
        ),
    });
    let mut issued = Table::new(&[("issuer", Align::Left), ("points", Align::Right)]);
    for (partner, points) in &outcome.issued() {
        issued.row([short(partner).to_owned(), grouped(*points)]);
    }
    issued.row(["all".to_owned(), grouped(outcome.issued().values().sum::<i64>())]);
    text + &indented(&issued)
}

fn member(outcome: &Outcome) -> String {
    let mut text = heading("A member");
    text.push_str(&format!(
        "{}\nhas {} points to spend. The latest activities as decided, newest first:\n",
        outcome.before.member,
        grouped(outcome.before.available)
    ));
    let mut activities = Table::new(&[
        ("when", Align::Left),
        ("at", Align::Left),
        ("what", Align::Left),
        ("points", Align::Right),
        ("rules", Align::Left),
    ]);
    for activity in &outcome.activities {
        activities.row([
            date(activity),
            short(&activity.partner).to_owned(),
            what(activity),
            grouped(activity.points),
            activity.rules.join(", "),
        ]);
    }
    text + &indented(&activities)
}

fn redemption(outcome: &Outcome) -> String {
    let redemption = &outcome.redemption;
    let mut text = heading("A redemption at another partner");
    text.push_str(&format!(
        "{} points for \"{}\" at {}{}, taken from:\n",
        grouped(redemption.points),
        short(&redemption.reward),
        short(&redemption.redeemer),
        if outcome.redeemed_before { " (it was made earlier)" } else { "" }
    ));
    let mut burnt = Table::new(&[("issuer", Align::Left), ("lots", Align::Right), ("points", Align::Right)]);
    let mut by_issuer = std::collections::BTreeMap::<&str, (i64, i64)>::new();
    for allocation in &redemption.allocations {
        let sum = by_issuer.entry(short(&allocation.issuer)).or_default();
        *sum = (sum.0 + 1, sum.1 + allocation.points);
    }
    for (issuer, (lots, points)) in by_issuer {
        burnt.row([issuer.to_owned(), grouped(lots), grouped(points)]);
    }
    text.push_str(&indented(&burnt));
    text.push_str(&format!("{} points are left.\n", grouped(outcome.after.available)));
    text
}

fn turns(turns: &Turns) -> String {
    let mut text = heading("A hold, a return, a debt and a card");
    text.push_str(&format!("{}\nin a programme of their own, from the beginning:\n", turns.balance.member));
    let mut table = Table::new(&[
        ("what", Align::Left),
        ("at", Align::Left),
        ("points", Align::Right),
        ("in other words", Align::Left),
    ]);
    for activity in &turns.activities {
        table.row([
            what(activity),
            short(&activity.partner).to_owned(),
            signed(activity.points),
            in_words(activity),
        ]);
    }
    text.push_str(&indented(&table));
    text.push_str(&format!("{} points are left, and nothing is owed.\n", grouped(turns.balance.available)));
    text
}

/// What the sum alone doesn't say.
fn in_words(activity: &Activity) -> String {
    let (burnt, taken) = (&activity.burnt, &activity.taken_back);
    if activity.r#type() == ActivityType::Hold {
        "out of reach, until burnt or given back".to_owned()
    } else if activity.r#type() == ActivityType::Link {
        "earned before the card was known".to_owned()
    } else if !burnt.is_empty() {
        format!("{} burnt, the rest given back", grouped(burnt.iter().map(|it| it.points).sum::<i64>()))
    } else if !taken.is_empty() {
        let (points, debt) = taken.iter().fold((0, 0), |sum, it| (sum.0 + it.points, sum.1 + it.debt));
        format!("{} taken back, {} of them owed", grouped(points), grouped(debt))
    } else if activity.debt_repaid > 0 {
        format!("{} more went to the debt", grouped(activity.debt_repaid))
    } else {
        String::new()
    }
}

fn settlement(outcome: &Outcome) -> String {
    let mut text = heading("Settlement");
    for statement in &outcome.statements {
        text.push_str(&statement_table(statement));
    }
    let mut net = Table::new(&[
        ("party", Align::Left),
        ("pays", Align::Right),
        ("is paid", Align::Right),
        ("pays net", Align::Right),
    ]);
    let amount = |amount: Option<&Money>| amount.map(money).unwrap_or_default();
    for row in &outcome.net.rows {
        net.row([
            short(&row.party).to_owned(),
            amount(row.payable.as_ref()),
            amount(row.receivable.as_ref()),
            amount(row.net.as_ref()),
        ]);
    }
    // All contracts of the demo are in one currency, and the sum was found to be zero.
    let zero = outcome.net.rows.iter().find_map(|row| row.net.clone());
    let zero = zero.map(|net| Money { units: 0, nanos: 0, ..net });
    net.row(["sum".to_owned(), String::new(), String::new(), amount(zero.as_ref())]);
    text.push_str(&indented(&net));
    let Some(report) = outcome.conservation.rows.first() else { return text };
    text.push_str(&format!(
        "The points add up:\n  issued {} = available {} + pending {}\n  + redeemed {} + expired {}, difference {}.\n",
        grouped(report.issued),
        grouped(report.available),
        grouped(report.pending),
        grouped(report.redeemed),
        grouped(report.expired),
        report.difference
    ));
    text
}

fn statement_table(statement: &SettlementStatement) -> String {
    let name = short(&statement.partner);
    let display = partners().find(|(id, _)| *id == name).map_or(name, |(_, display)| display);
    let mut table = Table::new(&[
        ("line", Align::Left),
        ("points", Align::Right),
        ("price", Align::Right),
        ("amount", Align::Right),
    ]);
    for line in &statement.lines {
        let what = match line.kind() {
            SettlementKind::Issued => format!("issued by {}", short(&line.counterparty)),
            SettlementKind::ClawedBack => format!("taken back, issued by {}", short(&line.counterparty)),
            SettlementKind::Redeemed => format!("burnt, issued by {}", short(&line.counterparty)),
            SettlementKind::Refunded => format!("refunded, issued by {}", short(&line.counterparty)),
            SettlementKind::Unspecified => "?".to_owned(),
        };
        let sign = match line.direction() {
            SettlementDirection::Payable => "pays ",
            SettlementDirection::Receivable => "is paid ",
            SettlementDirection::Unspecified => "",
        };
        let amount = line.amount.as_ref().map(money).unwrap_or_default();
        let price = line.unit_price.as_ref().map(price).unwrap_or_default();
        table.row([what, grouped(line.points), price, format!("{sign}{amount}")]);
    }
    format!("{display}:\n{}", indented(&table))
}

fn date(activity: &Activity) -> String {
    let time = activity.event_time.as_ref().or(activity.record_time.as_ref());
    let millis = time.map_or(0, |time| time.seconds * 1_000);
    coalition_domain::Timestamp::from_millis(millis).to_string().chars().take(10).collect()
}

pub(crate) fn what(activity: &Activity) -> String {
    let kind =
        activity.r#type().as_str_name().trim_start_matches("ACTIVITY_TYPE_").to_lowercase().replace('_', " ");
    if activity.order_id.is_empty() { kind } else { format!("{kind} {}", activity.order_id) }
}

fn heading(text: &str) -> String {
    format!("\n{text}\n{}\n", "-".repeat(text.len()))
}

fn indented(table: &Table) -> String {
    table.render(Style::Plain).lines().map(|line| format!("  {line}\n")).collect()
}

/// Commands that work on this very network as it stands.
pub(crate) fn things_to_try(address: &str, data: &Path) -> String {
    let data = data.display();
    let net_position = "coalition.settlement.v1.SettlementService/GetNetPosition";
    heading("Try it")
        + &format!(
            "The gateway is up on {address} until Ctrl-C. In another terminal:

  export COALITION_SERVER=http://{address}
  export COALITION_KEY_FILE={data}/operator.key
  WHO={who}
  coalition member balance --email-hash $WHO --programme mypoints
  coalition member activity --email-hash $WHO --programme mypoints
  coalition redeem --email-hash $WHO weekend-in-boston --programme mypoints
  coalition statement airline --programme mypoints

Why did this order give no points?

  WHO={pointless}
  coalition event cdnow {order} --email-hash $WHO

(without an installed `coalition`: cargo run --release -- member ...)

The same API from elsewhere:

  buf curl --protocol grpc --http2-prior-knowledge \\
    --header \"authorization: Bearer $(cat $COALITION_KEY_FILE)\" \\
    --data '{{\"programme\":\"programmes/mypoints\"}}' \\
    http://{address}/{net_position}

  grpcurl -plaintext -H \"authorization: Bearer $(cat $COALITION_KEY_FILE)\" \\
    -d '{{\"programme\":\"programmes/mypoints\"}}' {address} \\
    {net_position}
",
            who = identifier(CUSTOMER).value,
            pointless = identifier(POINTLESS.0).value,
            order = POINTLESS.1,
        )
}
