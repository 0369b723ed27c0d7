//! Statements as CSV: the same lines are the same bytes.

use coalition_domain::settlement::{Hour, StatementLine};
use coalition_domain::{Money, PartnerId, ProgrammeId, Timestamp};
use coalition_proto::settlement::v1::{SettlementDirection, SettlementKind};
use csv::{Terminator, WriterBuilder};

use super::name;
use super::settlement::{Line, magnitude, sides};
use crate::status::Failure;

/// What stands above the columns; the API's comments say what each holds. Further ones come at the end.
const HEADER: [&str; 14] = [
    "line",
    "partner",
    "programme",
    "start_time",
    "end_time",
    "kind",
    "direction",
    "counterparty",
    "points",
    "unit_price",
    "amount",
    "currency",
    "decisions",
    "ranges",
];

/// The statement of `partner` over the hours `from <= hour < until`.
pub(crate) fn write(
    partner: &PartnerId,
    programme: &ProgrammeId,
    (from, until): (Hour, Hour),
    lines: &[Line],
) -> Result<Vec<u8>, Failure> {
    // No field begins as a formula of a spreadsheet does: names are slugs, numbers aren't below 0.
    let mut document = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    let broken = |error: csv::Error| Failure::internal(&error);
    document.write_record(HEADER).map_err(broken)?;
    for line in lines {
        let Line { line: StatementLine { key, sum, amount }, shards } = line;
        let (kind, direction, counterparty, unit_price) = sides(key);
        let price = Money { currency: unit_price.currency(), micros: unit_price.micros() };
        let ranges: Vec<_> =
            shards.iter().map(|(shard, sum)| format!("{}:{}-{}", shard.0, sum.first, sum.last)).collect();
        let record = [
            name::of_line(partner, key.id(programme)),
            partner.to_string(),
            programme.to_string(),
            time(from),
            time(until),
            of_kind(kind).to_owned(),
            of_direction(direction).to_owned(),
            counterparty.to_string(),
            sum.points.to_string(),
            decimal(&price),
            decimal(&magnitude(amount)?),
            amount.currency.code().to_owned(),
            sum.count.to_string(),
            ranges.join(" "),
        ];
        document.write_record(record).map_err(broken)?;
    }
    document.into_inner().map_err(|error| Failure::internal(&error))
}

/// A bound of the period; empty: there is none.
fn time(hour: Hour) -> String {
    match hour {
        Hour(i64::MIN | i64::MAX) => String::new(),
        Hour(hour) => Timestamp::from_millis(hour * 3_600_000).to_string(),
    }
}

/// `22078.43`, without the currency.
fn decimal(money: &Money) -> String {
    let text = money.to_string();
    text.split_once(' ').map_or(text.clone(), |(decimal, _)| decimal.to_owned())
}

fn of_kind(kind: SettlementKind) -> &'static str {
    match kind {
        SettlementKind::Unspecified => "",
        SettlementKind::Issued => "issued",
        SettlementKind::Redeemed => "redeemed",
        SettlementKind::Refunded => "refunded",
        SettlementKind::ClawedBack => "clawed_back",
    }
}

fn of_direction(direction: SettlementDirection) -> &'static str {
    match direction {
        SettlementDirection::Unspecified => "",
        SettlementDirection::Payable => "payable",
        SettlementDirection::Receivable => "receivable",
    }
}

#[cfg(test)]
mod tests {
    use coalition_domain::UnitPrice;
    use coalition_domain::settlement::{LineKey, LineSum};
    use coalition_journal::entry::ShardId;

    use super::super::settlement::lines;
    use super::*;

    #[test]
    fn a_statement_is_written_as_rfc_4180_has_it() {
        let partner = |name| PartnerId::new(name).unwrap();
        let price = |code: &str, micros| UnitPrice::new(code.parse().unwrap(), micros).unwrap();
        let (issuer, funder) = (partner("cdnow"), partner("cdnow"));
        let issued = LineKey::Issued { issuer, funder, unit_price: price("USD", 9_000) };
        let redeemed = LineKey::Redeemed {
            issuer: partner("bank"),
            redeemer: funder,
            unit_price: price("JPY", 1_000_000),
        };
        let sum = |points, count, first, last| LineSum { points, count, first, last };
        let shards = [
            (ShardId(0), [(issued, sum(2_453_000, 9, 4, 17)), (redeemed, sum(500, 1, 8, 8))].into()),
            (ShardId(1), [(issued, sum(159, 1, 3, 3))].into()),
        ];
        let programme = ProgrammeId::new("mypoints").unwrap();
        let hours = (Hour::of("2026-11-01T00:00:00Z".parse().unwrap()), Hour(i64::MAX));
        let written = write(&funder, &programme, hours, &lines(shards, |_| true).unwrap()).unwrap();
        // 2,453,159 x 0.009 = 22,078.431; a yen has no decimals.
        let expected = "\
line,partner,programme,start_time,end_time,kind,direction,counterparty,points,unit_price,amount,currency,decisions,ranges\r
partners/cdnow/settlementLines/0870a908e147bb04e18c249fb420eecd,cdnow,mypoints,2026-11-01T00:00:00Z,,issued,payable,cdnow,2453159,0.009,22078.43,USD,10,0:4-17 1:3-3\r
partners/cdnow/settlementLines/d5b917fbecbe2f2e21872f490a5b2c05,cdnow,mypoints,2026-11-01T00:00:00Z,,redeemed,receivable,bank,500,1,500,JPY,1,0:8-8\r
";
        assert_eq!(String::from_utf8(written).unwrap(), expected);
    }
}
