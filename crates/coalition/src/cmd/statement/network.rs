//! Every party's net position, and whose points were burnt where.

use std::process::ExitCode;

use anyhow::Result;
use coalition_proto::settlement::v1::{BurnMatrix, GetBurnMatrixRequest, GetNetPositionRequest, NetPosition};
use serde_json::{Value, json};

use super::{Args, Period, partner};
use crate::client::names::short;
use crate::client::text::{grouped, money, price};
use crate::client::{Align, Session, Style, Table, json};

pub(super) async fn run(session: &Session, args: &Args, period: Period) -> Result<ExitCode> {
    let programme = args.programme();
    let query = GetNetPositionRequest {
        programme: programme.clone(),
        partner: String::new(),
        min_positions: Vec::new(),
        start_time: period.from,
        end_time: period.to,
        positions: args.positions.clone(),
    };
    let net = session.ask("read the net positions", query).await?;
    // Both stand on the same, so that a redemption in the one is in the other.
    let query = GetBurnMatrixRequest {
        programme,
        min_positions: Vec::new(),
        start_time: net.start_time,
        end_time: net.end_time,
        positions: net.positions.clone(),
    };
    let matrix = session.ask("read the burn matrix", query).await?;
    args.options.answer(|| as_json(&net, &matrix), |style| text(&net, &matrix, style))
}

fn text(net: &NetPosition, matrix: &BurnMatrix, style: Style) -> String {
    let mut text = format!(
        "net positions in {}{}\n\n",
        short(&net.programme),
        partner::period(net.start_time.as_ref(), net.end_time.as_ref())
    );
    let mut rows = Table::new(&[
        ("party", Align::Left),
        ("pays", Align::Right),
        ("is paid", Align::Right),
        ("net", Align::Right),
    ]);
    for row in &net.rows {
        let amount = |amount: Option<_>| amount.map(money).unwrap_or_default();
        rows.row([
            short(&row.party).to_owned(),
            amount(row.payable.as_ref()),
            amount(row.receivable.as_ref()),
            amount(row.net.as_ref()),
        ]);
    }
    text.push_str(&if rows.is_empty() { "nothing to settle\n".to_owned() } else { rows.render(style) });
    text.push_str("\npoints burnt\n\n");
    let mut cells = Table::new(&[
        ("issuer", Align::Left),
        ("redeemer", Align::Left),
        ("points", Align::Right),
        ("at", Align::Right),
        ("amount", Align::Right),
    ]);
    for cell in &matrix.cells {
        cells.row([
            short(&cell.issuer).to_owned(),
            short(&cell.redeemer).to_owned(),
            grouped(cell.points),
            cell.unit_price.as_ref().map(price).unwrap_or_default(),
            cell.amount.as_ref().map(money).unwrap_or_default(),
        ]);
    }
    text.push_str(&if cells.is_empty() { "none yet\n".to_owned() } else { cells.render(style) });
    text
}

fn as_json(net: &NetPosition, matrix: &BurnMatrix) -> Value {
    let rows = net.rows.iter().map(|row| {
        json!({
            "party": row.party,
            "payable": json::money(row.payable.as_ref()),
            "receivable": json::money(row.receivable.as_ref()),
            "net": json::money(row.net.as_ref()),
        })
    });
    let cells = matrix.cells.iter().map(|cell| {
        json!({
            "issuer": cell.issuer,
            "redeemer": cell.redeemer,
            "points": cell.points,
            "unit_price": json::price(cell.unit_price.as_ref()),
            "amount": json::money(cell.amount.as_ref()),
        })
    });
    json!({
        "programme": net.programme,
        "start_time": json::time(net.start_time.as_ref()),
        "end_time": json::time(net.end_time.as_ref()),
        "net_positions": rows.collect::<Vec<_>>(),
        "burn_matrix": cells.collect::<Vec<_>>(),
        "positions": partner::positions(&net.positions),
    })
}
