//! `coalition partner contract`.

use std::process::ExitCode;

use anyhow::Result;
use coalition_domain::{Currency, MICROS, PartnerId, ProgrammeId, RequestId, Timestamp};
use coalition_proto::partner::v1::{
    CreatePartnerContractRequest, ListPartnerContractsRequest, PartnerContract,
};
use coalition_proto::r#type::v1::UnitPrice;
use serde_json::{Value, json};

use crate::client::advice::AGREEING;
use crate::client::names::{instant, partner, partner_name, programme, programme_name, proto_time, short};
use crate::client::text::{parse_decimal as decimal, price, time};
use crate::client::{Align, Options, Style, Table, json, request_id, run as connect};

/// Contracts asked for at once.
const PAGE: i32 = 1_000;

/// Agree unit prices with a partner from a date on; without --programme, list what was agreed.
///
/// The accrual price is what the partner pays for each point that it funds; without one it may not issue. The redemption price is
/// what it is paid for each point burnt with it; without one it may not redeem. A contract holds until a later one of the same
/// programme begins, and never changes.
///
/// Example: coalition partner contract cdnow --programme mypoints --accrual 0.009
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The partner.
    #[arg(value_parser = partner)]
    partner: PartnerId,
    /// In which programme.
    #[arg(long, value_parser = programme)]
    programme: Option<ProgrammeId>,
    /// What the partner pays for one point that it funds: 0 to 1000, at most 6 decimals.
    #[arg(long, value_name = "PRICE", value_parser = micros, requires = "programme")]
    accrual: Option<Micros>,
    /// What the partner is paid for one point burnt with it: 0 to 1000, at most 6 decimals.
    #[arg(long, value_name = "PRICE", value_parser = micros, requires = "programme")]
    redemption: Option<Micros>,
    /// The currency of both prices, a code of ISO 4217.
    #[arg(long, value_name = "CODE", default_value = "USD", requires = "programme")]
    currency: Currency,
    /// Recorded time from which it holds, a day or an instant; without it from now on, which only the first contract can.
    /// A later one has to begin a minute from now or later.
    #[arg(long, value_name = "TIME", value_parser = instant, requires = "programme")]
    from: Option<Timestamp>,
    /// The id of this request, to repeat one of the same key whose answer was lost; without it a new one is made.
    #[arg(long, value_name = "UUID", requires = "programme")]
    request_id: Option<RequestId>,
    #[command(flatten)]
    options: Options,
}

/// A price in millionths of the currency's unit, 0 to 10^9.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Micros(i64);

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    match &args.programme {
        Some(programme) => agree(args, programme),
        None => list(args),
    }
}

fn agree(args: &Args, programme: &ProgrammeId) -> Result<ExitCode> {
    let id = request_id(args.request_id);
    let unit_price = |price: Option<Micros>| {
        price.map(|price| UnitPrice { currency_code: args.currency.to_string(), micros: price.0 })
    };
    // The id was made just now and carries the time of its making: that is "now", also when the call is repeated.
    let from = args.from.unwrap_or_else(|| id.issued());
    connect(&args.options, async |session| {
        let query = CreatePartnerContractRequest {
            partner: partner_name(&args.partner),
            programme: programme_name(programme),
            accrual_unit_price: unit_price(args.accrual),
            redemption_unit_price: unit_price(args.redemption),
            start_time: Some(proto_time(from)),
            request_id: id.to_string(),
        };
        let contract = session.change(AGREEING, query).await?;
        args.options.answer(|| as_json(&contract), |style| text(std::slice::from_ref(&contract), style))
    })
}

fn list(args: &Args) -> Result<ExitCode> {
    connect(&args.options, async |session| {
        let partner = partner_name(&args.partner);
        let query = ListPartnerContractsRequest {
            partner,
            page_size: PAGE,
            ..ListPartnerContractsRequest::default()
        };
        let contracts = session.list("list the contracts", query).await?;
        let document = || json!({ "contracts": contracts.iter().map(as_json).collect::<Vec<_>>() });
        args.options.answer(document, |style| text(&contracts, style))
    })
}

/// Decimal text as millionths; never through a float, which has no 0.009.
fn micros(text: &str) -> Result<Micros, String> {
    let how =
        || "write it as a decimal number from 0 to 1000 with at most 6 decimals, such as 0.009".to_owned();
    let price = decimal(text).filter(|price| !price.negative && price.nanos % 1_000 == 0).ok_or_else(how)?;
    let whole = price.units.checked_mul(MICROS).ok_or_else(how)?;
    let micros = whole.checked_add(i64::from(price.nanos / 1_000)).ok_or_else(how)?;
    if micros > 1_000 * MICROS { Err(how()) } else { Ok(Micros(micros)) }
}

fn text(contracts: &[PartnerContract], style: Style) -> String {
    if contracts.is_empty() {
        return "nothing was agreed yet; `coalition partner contract ID --programme PROGRAMME` does\n"
            .to_owned();
    }
    let mut table = Table::new(&[
        ("contract", Align::Left),
        ("programme", Align::Left),
        ("pays a point", Align::Right),
        ("is paid a point", Align::Right),
        ("from", Align::Left),
    ]);
    for contract in contracts {
        table.row([
            contract.name.clone(),
            short(&contract.programme).to_owned(),
            contract.accrual_unit_price.as_ref().map(price).unwrap_or_default(),
            contract.redemption_unit_price.as_ref().map(price).unwrap_or_default(),
            time(contract.start_time.as_ref()),
        ]);
    }
    table.render(style)
}

fn as_json(contract: &PartnerContract) -> Value {
    json!({
        "name": contract.name,
        "programme": contract.programme,
        "accrual_unit_price": json::price(contract.accrual_unit_price.as_ref()),
        "redemption_unit_price": json::price(contract.redemption_unit_price.as_ref()),
        "start_time": json::time(contract.start_time.as_ref()),
        "create_time": json::time(contract.create_time.as_ref()),
        "position": json::position(contract.position.as_ref()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_read_exactly() {
        for (text, expected) in [("0.009", 9_000), ("0", 0), ("1000", 1_000_000_000), ("1.000001", 1_000_001)]
        {
            assert_eq!(micros(text), Ok(Micros(expected)), "{text}");
        }
        for bad in
            ["", ".", "1.", ".5", "-1", "1e3", "0.0000001", "1000.000001", "99999999999999999999", "1,5"]
        {
            assert!(micros(bad).is_err(), "{bad}");
        }
    }
}
