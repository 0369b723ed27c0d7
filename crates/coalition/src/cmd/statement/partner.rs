//! One partner's statement.

use std::process::ExitCode;

use anyhow::Result;
use coalition_proto::settlement::v1::{
    GetSettlementStatementRequest, SettlementDirection, SettlementKind, SettlementLine, SettlementStatement,
};
use coalition_proto::r#type::v1::{Position, PositionRange};
use prost_types::Timestamp;
use serde_json::{Value, json};

use super::{Args, Period, position};
use crate::client::names::{partner_name, short};
use crate::client::text::{grouped, money, price, time};
use crate::client::{Align, Session, Style, Table, json};

pub(super) async fn run(session: &Session, args: &Args, period: Period) -> Result<ExitCode> {
    let query = GetSettlementStatementRequest {
        partner: args.partner.as_ref().map(partner_name).unwrap_or_default(),
        programme: args.programme(),
        start_time: period.from,
        end_time: period.to,
        min_positions: Vec::new(),
        positions: args.positions.clone(),
    };
    let statement = session.ask("read the statement", query).await?;
    args.options.answer(|| as_json(&statement), |style| text(&statement, style))
}

fn text(statement: &SettlementStatement, style: Style) -> String {
    let mut text = format!(
        "{} in {}{}\n\n",
        short(&statement.partner),
        short(&statement.programme),
        period(statement.start_time.as_ref(), statement.end_time.as_ref())
    );
    if statement.lines.is_empty() {
        text.push_str("nothing to settle\n");
    } else {
        lines(statement, style, &mut text);
    }
    if !statement.positions.is_empty() {
        text.push_str(&format!("\nat positions {}\n", position::text(&statement.positions)));
    }
    text
}

fn lines(statement: &SettlementStatement, style: Style, text: &mut String) {
    let mut table = Table::new(&[
        ("what", Align::Left),
        ("counterparty", Align::Left),
        ("points", Align::Right),
        ("at", Align::Right),
        ("pays", Align::Right),
        ("is paid", Align::Right),
        ("decisions", Align::Right),
    ]);
    for line in &statement.lines {
        let amount = line.amount.as_ref().map(money).unwrap_or_default();
        let (pays, is_paid) = match line.direction() {
            SettlementDirection::Payable => (amount, String::new()),
            SettlementDirection::Receivable => (String::new(), amount),
            SettlementDirection::Unspecified => (String::new(), String::new()),
        };
        table.row([
            kind(line).to_owned(),
            short(&line.counterparty).to_owned(),
            grouped(line.points),
            line.unit_price.as_ref().map(price).unwrap_or_default(),
            pays,
            is_paid,
            grouped(line.event_count),
        ]);
    }
    text.push_str(&table.render(style));
    text.push('\n');
    for net in &statement.net_amounts {
        let who = match net.units.cmp(&0).then(net.nanos.cmp(&0)) {
            std::cmp::Ordering::Less => "is paid by the operator",
            std::cmp::Ordering::Equal => "nothing to pay",
            std::cmp::Ordering::Greater => "to be paid to the operator",
        };
        text.push_str(&format!("net  {}, {who}\n", money(net)));
    }
}

/// Which time a statement covers, in words.
pub(super) fn period(start: Option<&Timestamp>, end: Option<&Timestamp>) -> String {
    let or = |time: String, other: &str| if time.is_empty() { other.to_owned() } else { time };
    format!(", from {} to {}", or(time(start), "the beginning"), or(time(end), "now"))
}

fn kind(line: &SettlementLine) -> &'static str {
    match line.kind() {
        SettlementKind::Unspecified => "unknown",
        SettlementKind::Issued => "issued",
        SettlementKind::Redeemed => "redeemed",
        SettlementKind::Refunded => "refunded",
        SettlementKind::ClawedBack => "clawed_back",
    }
}

fn as_json(statement: &SettlementStatement) -> Value {
    let range = |range: &PositionRange| json!({ "shard": range.shard, "first_seq": range.first_seq, "last_seq": range.last_seq });
    let line = |line: &SettlementLine| {
        json!({
            "name": line.name,
            "kind": kind(line),
            "direction": match line.direction() {
                SettlementDirection::Unspecified => "unknown",
                SettlementDirection::Payable => "payable",
                SettlementDirection::Receivable => "receivable",
            },
            "counterparty": json::name(&line.counterparty),
            "points": line.points,
            "unit_price": json::price(line.unit_price.as_ref()),
            "amount": json::money(line.amount.as_ref()),
            "event_count": line.event_count,
            "ranges": line.ranges.iter().map(range).collect::<Vec<_>>(),
        })
    };
    json!({
        "partner": statement.partner,
        "programme": statement.programme,
        "start_time": json::time(statement.start_time.as_ref()),
        "end_time": json::time(statement.end_time.as_ref()),
        "lines": statement.lines.iter().map(line).collect::<Vec<_>>(),
        "net_amounts": statement.net_amounts.iter().map(|net| json::money(Some(net))).collect::<Vec<_>>(),
        "positions": positions(&statement.positions),
    })
}

pub(super) fn positions(positions: &[Position]) -> Value {
    positions.iter().map(|position| json::position(Some(position))).collect()
}

#[cfg(test)]
mod tests {
    use coalition_proto::google::r#type::Money;
    use coalition_proto::r#type::v1::UnitPrice;

    use super::*;

    #[test]
    fn a_statement_lists_what_is_paid_each_way() {
        let usd = |units, nanos| Money { currency_code: "USD".to_owned(), units, nanos };
        let line =
            |kind: SettlementKind, direction: SettlementDirection, points, micros, amount| SettlementLine {
                kind: kind.into(),
                direction: direction.into(),
                counterparty: "partners/cdnow".to_owned(),
                points,
                unit_price: Some(UnitPrice { currency_code: "USD".to_owned(), micros }),
                amount: Some(amount),
                event_count: 1_234,
                ranges: Vec::new(),
                name: String::new(),
            };
        let statement = SettlementStatement {
            partner: "partners/cdnow".to_owned(),
            programme: "programmes/mypoints".to_owned(),
            lines: vec![
                line(
                    SettlementKind::Issued,
                    SettlementDirection::Payable,
                    2_453_159,
                    9_000,
                    usd(22_078, 430_000_000),
                ),
                line(
                    SettlementKind::Redeemed,
                    SettlementDirection::Receivable,
                    2_500,
                    7_000,
                    usd(17, 500_000_000),
                ),
            ],
            net_amounts: vec![usd(22_060, 930_000_000)],
            ..SettlementStatement::default()
        };
        let expected = "\
cdnow in mypoints, from the beginning to now

what      counterparty     points         at           pays    is paid  decisions
issued    cdnow         2,453,159  0.009 USD  22,078.43 USD                 1,234
redeemed  cdnow             2,500  0.007 USD                 17.50 USD      1,234

net  22,060.93 USD, to be paid to the operator
";
        assert_eq!(text(&statement, Style::Plain), expected);
        let document = as_json(&statement);
        assert_eq!(document["lines"][0]["amount"], json!({ "currency_code": "USD", "amount": "22078.43" }));
        assert_eq!(document["lines"][0]["points"], json!(2_453_159));
        assert_eq!(document["start_time"], Value::Null);
    }
}
