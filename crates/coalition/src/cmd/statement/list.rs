//! `coalition statement list`.

use std::process::ExitCode;

use anyhow::Result;
use coalition_domain::calendar::Zone;
use coalition_domain::{PartnerId, ProgrammeId};
use coalition_proto::settlement::v1::{
    ListSettlementStatementsRequest, SettlementStatement, SettlementStatementState,
};
use serde_json::{Value, json};

use super::{partner, zone};
use crate::client::names::{partner as partner_id, partner_name, programme, programme_name};
use crate::client::text::{money, time};
use crate::client::{Align, Options, Style, Table, json, run as connect};

/// Statements asked for at once: a hundred years.
const PAGE: i32 = 1_000;

/// List a partner's statements by month, the newest first.
///
/// A month is one of recorded time; those in which nothing was settled are left out. `coalition statement` with its --from and
/// --to shows the lines of one.
///
/// Example: coalition statement list cdnow --programme mypoints
#[derive(clap::Args)]
pub(super) struct Args {
    /// The partner; with a partner's own key it may be left out.
    #[arg(value_parser = partner_id)]
    partner: Option<PartnerId>,
    /// Of which programme.
    #[arg(long, value_parser = programme)]
    programme: ProgrammeId,
    /// Where the months begin: a time zone such as Europe/Paris.
    #[arg(long, value_name = "ZONE", default_value = "UTC", value_parser = zone)]
    time_zone: Zone,
    #[command(flatten)]
    options: Options,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    connect(&args.options, async |session| {
        let query = ListSettlementStatementsRequest {
            partner: args.partner.as_ref().map(partner_name).unwrap_or_default(),
            programme: programme_name(&args.programme),
            time_zone: format!("{:?}", args.time_zone),
            page_size: PAGE,
            ..ListSettlementStatementsRequest::default()
        };
        let statements = session.list("list the statements", query).await?;
        let document = || json!({ "statements": statements.iter().map(as_json).collect::<Vec<_>>() });
        args.options.answer(document, |style| text(&statements, style))
    })
}

fn text(statements: &[SettlementStatement], style: Style) -> String {
    if statements.is_empty() {
        return "nothing to settle yet\n".to_owned();
    }
    let mut table = Table::new(&[
        ("from", Align::Left),
        ("to", Align::Left),
        ("pays", Align::Right),
        ("is paid", Align::Right),
        ("net", Align::Right),
        ("state", Align::Left),
    ]);
    for statement in statements {
        for total in &statement.totals {
            let amount = |amount: Option<_>| amount.map(money).unwrap_or_default();
            table.row([
                time(statement.start_time.as_ref()),
                time(statement.end_time.as_ref()),
                amount(total.payable.as_ref()),
                amount(total.receivable.as_ref()),
                amount(total.net.as_ref()),
                state(statement).to_owned(),
            ]);
        }
    }
    table.render(style)
}

fn state(statement: &SettlementStatement) -> &'static str {
    match statement.state() {
        SettlementStatementState::Unspecified => "unknown",
        SettlementStatementState::Open => "open",
        SettlementStatementState::Provisional => "provisional",
    }
}

fn as_json(statement: &SettlementStatement) -> Value {
    let totals = statement.totals.iter().map(|total| {
        json!({
            "payable": json::money(total.payable.as_ref()),
            "receivable": json::money(total.receivable.as_ref()),
            "net": json::money(total.net.as_ref()),
        })
    });
    json!({
        "partner": statement.partner,
        "programme": statement.programme,
        "start_time": json::time(statement.start_time.as_ref()),
        "end_time": json::time(statement.end_time.as_ref()),
        "state": state(statement),
        "totals": totals.collect::<Vec<_>>(),
        "positions": partner::positions(&statement.positions),
    })
}
