//! The result for people.

use std::path::Path;

use coalition_proto::account::v1::Activity;
use coalition_proto::settlement::v1::{SettlementDirection, SettlementKind, SettlementStatement};

use super::arrange::partners;
use super::outcome::{Outcome, decimal, micros, short};
use crate::client::text::{grouped, money, price};
use crate::client::{Align, Style, Table};

/// Everything, in the order of the story.
pub(crate) fn show(outcome: &Outcome) {
    heading("What was replayed");
    let rate = outcome.json()["events_per_s"].as_f64().map_or_else(String::new, |rate| grouped(rate as i64));
    println!(
        "{} events of {} customers in {:.1} s ({rate} events/s): published by 3 partners, decided in {} shards, journaled, folded.",
        grouped(outcome.events as i64),
        grouped(outcome.members as i64),
        outcome.seconds,
        outcome.shards
    );
    let mut issued = Table::new(&[("issuer", Align::Left), ("points", Align::Right)]);
    for (partner, points) in &outcome.issued() {
        issued.row([short(partner).to_owned(), grouped(*points)]);
    }
    issued.row(["all".to_owned(), grouped(outcome.issued().values().sum::<i64>())]);
    print_table(&issued);

    heading("A member");
    println!(
        "{} has {} points to spend. The latest activities:",
        outcome.before.member,
        grouped(outcome.before.available)
    );
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
    print_table(&activities);

    heading("A redemption at another partner");
    println!(
        "{} points for \"{}\" at {}, taken from:",
        grouped(outcome.redemption.points),
        short(&outcome.redemption.reward),
        short(&outcome.redemption.redeemer)
    );
    let mut burnt = Table::new(&[("issuer", Align::Left), ("lots", Align::Right), ("points", Align::Right)]);
    let mut by_issuer = std::collections::BTreeMap::<&str, (i64, i64)>::new();
    for allocation in &outcome.redemption.allocations {
        let sum = by_issuer.entry(short(&allocation.issuer)).or_default();
        *sum = (sum.0 + 1, sum.1 + allocation.points);
    }
    for (issuer, (lots, points)) in by_issuer {
        burnt.row([issuer.to_owned(), grouped(lots), grouped(points)]);
    }
    print_table(&burnt);
    println!("{} points are left.", grouped(outcome.after.available));

    heading("Settlement");
    for statement in &outcome.statements {
        statement_table(statement);
    }
    let mut net = Table::new(&[
        ("party", Align::Left),
        ("pays", Align::Right),
        ("is paid", Align::Right),
        ("pays net, USD", Align::Right),
    ]);
    for row in &outcome.net.rows {
        net.row([
            short(&row.party).to_owned(),
            decimal(row.payable.as_ref()),
            decimal(row.receivable.as_ref()),
            decimal(row.net.as_ref()),
        ]);
    }
    let sum: i64 = outcome.net.rows.iter().map(|row| micros(row.net.as_ref())).sum();
    net.row(["sum".to_owned(), String::new(), String::new(), format!("{}.00", sum / 1_000_000)]);
    print_table(&net);
    let Some(report) = outcome.conservation.rows.first() else { return };
    println!(
        "Invariant 1: issued {} = available {} + pending {} + redeemed {} + expired {}, difference {}.",
        grouped(report.issued),
        grouped(report.available),
        grouped(report.pending),
        grouped(report.redeemed),
        grouped(report.expired),
        report.difference
    );
}

fn statement_table(statement: &SettlementStatement) {
    let name = short(&statement.partner);
    let display = partners().find(|(id, _)| *id == name).map_or(name, |(_, display)| display);
    println!("{display}:");
    let mut table = Table::new(&[
        ("line", Align::Left),
        ("points", Align::Right),
        ("price", Align::Right),
        ("amount", Align::Right),
    ]);
    for line in &statement.lines {
        let what = match line.kind() {
            SettlementKind::Issued => format!("issued by {}", short(&line.counterparty)),
            SettlementKind::Redeemed => format!("burnt, issued by {}", short(&line.counterparty)),
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
    print_table(&table);
}

fn date(activity: &Activity) -> String {
    let time = activity.event_time.as_ref().or(activity.record_time.as_ref());
    let millis = time.map_or(0, |time| time.seconds * 1_000);
    coalition_domain::Timestamp::from_millis(millis).to_string().chars().take(10).collect()
}

fn what(activity: &Activity) -> String {
    let kind =
        activity.r#type().as_str_name().trim_start_matches("ACTIVITY_TYPE_").to_lowercase().replace('_', " ");
    if activity.order_id.is_empty() { kind } else { format!("{kind} {}", activity.order_id) }
}

fn heading(text: &str) {
    println!("\n{text}\n{}", "-".repeat(text.len()));
}

fn print_table(table: &Table) {
    for line in table.render(Style::Plain).lines() {
        println!("  {line}");
    }
}

/// Commands that work on this very network as it stands.
pub(crate) fn things_to_try(address: &str, data: &Path) {
    let data = data.display();
    heading("Try it");
    println!(
        "The gateway is up on {address} until Ctrl-C. In another terminal:

  export COALITION_SERVER=http://{address} COALITION_KEY_FILE={data}/operator.key
  coalition member balance --email-hash {hash} --programme mypoints
  coalition member activity --email-hash {hash} --programme mypoints
  coalition event cdnow order-00001 --email-hash {first}
  coalition statement airline --programme mypoints

(without an installed `coalition`: cargo run --release -- member ...)

  buf curl --protocol grpc --http2-prior-knowledge --header \"authorization: Bearer $(cat {data}/operator.key)\" \\
    --data '{{\"programme\":\"programmes/mypoints\"}}' http://{address}/coalition.settlement.v1.SettlementService/GetNetPosition

  grpcurl -plaintext -H \"authorization: Bearer $(cat {data}/operator.key)\" \\
    -d '{{\"programme\":\"programmes/mypoints\"}}' {address} coalition.settlement.v1.SettlementService/GetNetPosition",
        hash = super::events::identifier(super::outcome::CUSTOMER).value,
        first = super::events::identifier(1).value,
    );
}
