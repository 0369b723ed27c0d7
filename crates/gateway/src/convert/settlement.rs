//! Statements: sums of all shards as lines, rounded once for each.

use std::collections::{BTreeMap, BTreeSet};

use coalition_domain::settlement::{Hour, LineKey, LineSum, StatementLine, lines_of};
use coalition_domain::{Currency, Money, PartnerId, ProgrammeId, Role, Timestamp, UnitPrice};
use coalition_intake::convert::{money_to_proto, timestamp_from_proto, timestamp_to_proto};
use coalition_journal::entry::{Seq, ShardId};
use coalition_ledger::resident::Activity;
use coalition_ledger::view::{Part, Position};
use coalition_proto::account::v1::activity::Source;
use coalition_proto::settlement::v1::{
    self as proto, SettlementDirection, SettlementKind, SettlementStatementState,
};
use coalition_proto::r#type::v1::PositionRange;

use super::request::unit_price_to_proto;
use super::{activity, name, position};
use crate::status::Failure;

/// A line over all shards, with what each shard adds to it.
pub(crate) struct Line {
    pub(crate) line: StatementLine,
    pub(crate) shards: Vec<(ShardId, LineSum)>,
}

/// The names of the lines that a decision adds to, as far as they are a role's to see: a partner's its own, a member none.
pub(crate) fn lines_of_decision(activity: &Activity, role: Role) -> Vec<String> {
    let seen = |key: &LineKey| match role {
        Role::Operator => true,
        Role::Partner(partner) => key.partner() == partner,
        Role::Member(_) => false,
    };
    let lines = lines_of(&activity.decision, activity.place.seq);
    let name = |(programme, key, _): &(ProgrammeId, LineKey, LineSum)| {
        seen(key).then(|| name::of_line(&key.partner(), key.id(programme)))
    };
    lines.iter().filter_map(name).collect::<BTreeSet<_>>().into_iter().collect()
}

/// What a party pays and is paid in one currency, in millionths; 128 bits hold any sum of lines.
#[derive(Clone, Copy, Default)]
pub(crate) struct Owed {
    payable: i128,
    receivable: i128,
}

/// Adds the sums of all shards up to the lines that are wanted, in the order of their keys. What is not wanted can't fail: a line of
/// another partner's may be beyond what an amount can say.
pub(crate) fn lines(
    shards: impl IntoIterator<Item = (ShardId, BTreeMap<LineKey, LineSum>)>,
    wanted: impl Fn(&LineKey) -> bool,
) -> Result<Vec<Line>, Failure> {
    let mut by_key: BTreeMap<LineKey, Vec<(ShardId, LineSum)>> = BTreeMap::new();
    for (shard, sums) in shards {
        for (key, sum) in sums.into_iter().filter(|(key, _)| wanted(key)) {
            by_key.entry(key).or_default().push((shard, sum));
        }
    }
    let line = |(key, shards): (LineKey, Vec<(ShardId, LineSum)>)| {
        let mut whole = shards[0].1;
        shards[1..].iter().for_each(|(_, sum)| whole.add(sum));
        let line = StatementLine::new(key, whole).ok_or_else(too_large)?;
        Ok(Line { line, shards })
    };
    by_key.into_iter().map(line).collect()
}

/// Writes a line as its partner sees it.
pub(crate) fn line_to_proto(programme: &ProgrammeId, line: &Line) -> Result<proto::SettlementLine, Failure> {
    let partner = line.line.partner();
    let Line { line: StatementLine { key, sum, amount }, shards } = line;
    let (kind, direction, counterparty, unit_price) = sides(key);
    let range = |(shard, sum): &(ShardId, LineSum)| PositionRange {
        shard: shard.0,
        first_seq: sum.first,
        last_seq: sum.last,
    };
    Ok(proto::SettlementLine {
        kind: kind.into(),
        direction: direction.into(),
        counterparty: name::of_partner(counterparty),
        points: i64::try_from(sum.points).map_err(|_| too_large())?,
        unit_price: Some(unit_price_to_proto(unit_price)),
        amount: Some(money_to_proto(&magnitude(amount)?)),
        event_count: i64::try_from(sum.count).map_err(|_| too_large())?,
        ranges: shards.iter().map(range).collect(),
        name: name::of_line(&partner, key.id(programme)),
    })
}

/// Writes what a decision of `shard` adds to the line `key`, as `role` may see it: whose event it was says more than the line.
pub(crate) fn part_to_proto(
    key: &LineKey,
    part: &Part,
    shard: ShardId,
    role: Role,
) -> Result<proto::LineEvent, Failure> {
    let Part { key: (place, number), decided_at, decision, points } = part;
    let partner = activity::partner_of(decision).filter(|partner| match role {
        Role::Operator => true,
        Role::Partner(own) => own == *partner,
        Role::Member(_) => false,
    });
    let source =
        if partner.is_some() || role == Role::Operator { activity::source(&decision.command) } else { None };
    let source = source.map(|source| match source {
        Source::EventId(id) => proto::line_event::Source::EventId(id),
        Source::RequestId(id) => proto::line_event::Source::RequestId(id),
    });
    let member = (role == Role::Operator).then(|| name::of_member(decision.command.account()));
    Ok(proto::LineEvent {
        position: Some(position::to_proto(Position { shard, seq: Seq(place.seq) })),
        index: place.index,
        number: *number,
        record_time: Some(timestamp_to_proto(*decided_at)),
        points: *points,
        amount: Some(money_to_proto(&exact(key.unit_price(), *points)?)),
        partner: partner.map(name::of_partner).unwrap_or_default(),
        source,
        member: member.unwrap_or_default(),
    })
}

/// Points times price, not rounded.
fn exact(unit_price: &UnitPrice, points: i64) -> Result<Money, Failure> {
    let micros = unit_price.micros().checked_mul(points).ok_or_else(too_large)?;
    Ok(Money { currency: unit_price.currency(), micros })
}

/// What is settled, who pays, who stands on the other side, and the price of a point.
pub(crate) fn sides(key: &LineKey) -> (SettlementKind, SettlementDirection, &PartnerId, &UnitPrice) {
    match key {
        LineKey::Issued { issuer, unit_price, .. } => {
            (SettlementKind::Issued, SettlementDirection::Payable, issuer, unit_price)
        }
        LineKey::Redeemed { issuer, unit_price, .. } => {
            (SettlementKind::Redeemed, SettlementDirection::Receivable, issuer, unit_price)
        }
        LineKey::Refunded { issuer, unit_price, .. } => {
            (SettlementKind::Refunded, SettlementDirection::Payable, issuer, unit_price)
        }
        LineKey::ClawedBack { issuer, unit_price, .. } => {
            (SettlementKind::ClawedBack, SettlementDirection::Receivable, issuer, unit_price)
        }
    }
}

/// What each partner pays and is paid by these lines, by currency.
pub(crate) fn owed<'a>(lines: impl IntoIterator<Item = &'a Line>) -> BTreeMap<(PartnerId, Currency), Owed> {
    let mut owed: BTreeMap<(PartnerId, Currency), Owed> = BTreeMap::new();
    for Line { line, .. } in lines {
        let of = owed.entry((line.partner(), line.amount.currency)).or_default();
        let micros = i128::from(line.amount.micros);
        if micros < 0 {
            of.payable -= micros;
        } else {
            of.receivable += micros;
        }
    }
    owed
}

impl Owed {
    /// Adds the other side of what a partner owes: what the operator is owed.
    pub(crate) fn clear(&mut self, partner: Self) {
        self.payable += partner.receivable;
        self.receivable += partner.payable;
    }

    /// Payable less receivable.
    pub(crate) fn net(self, currency: Currency) -> Result<Money, Failure> {
        money(self.payable - self.receivable, currency)
    }

    /// Writes the row of `party`.
    pub(crate) fn to_row(self, party: String, currency: Currency) -> Result<proto::NetPositionRow, Failure> {
        let write = |micros| Ok::<_, Failure>(Some(money_to_proto(&money(micros, currency)?)));
        Ok(proto::NetPositionRow {
            party,
            payable: write(self.payable)?,
            receivable: write(self.receivable)?,
            net: Some(money_to_proto(&self.net(currency)?)),
        })
    }
}

/// A statement that ends at the hour `until`, as far as its lines say it: what they come to, and whether more can come in
/// after `now`.
pub(crate) fn statement(
    lines: &[Line],
    until: Hour,
    now: Timestamp,
) -> Result<proto::SettlementStatement, Failure> {
    let state = match Hour::of(now) < until {
        true => SettlementStatementState::Open,
        false => SettlementStatementState::Provisional,
    };
    let (mut net_amounts, mut totals) = (Vec::new(), Vec::new());
    for ((partner, currency), owed) in owed(lines) {
        net_amounts.push(money_to_proto(&owed.net(currency)?));
        totals.push(owed.to_row(name::of_partner(partner), currency)?);
    }
    let state = state.into();
    Ok(proto::SettlementStatement { net_amounts, totals, state, ..proto::SettlementStatement::default() })
}

/// Writes the cell of a line of burnt points; `None` for other lines.
pub(crate) fn cell_to_proto(line: &Line) -> Result<Option<proto::BurnMatrixCell>, Failure> {
    match &line.line.key {
        LineKey::Issued { .. } | LineKey::Refunded { .. } | LineKey::ClawedBack { .. } => Ok(None),
        LineKey::Redeemed { issuer, redeemer, unit_price } => Ok(Some(proto::BurnMatrixCell {
            issuer: name::of_partner(issuer),
            redeemer: name::of_partner(redeemer),
            points: i64::try_from(line.line.sum.points).map_err(|_| too_large())?,
            unit_price: Some(unit_price_to_proto(unit_price)),
            amount: Some(money_to_proto(&magnitude(&line.line.amount)?)),
        })),
    }
}

/// Reads the hours of a statement: `from <= hour < until`.
pub(crate) fn hours(
    start: Option<&prost_types::Timestamp>,
    end: Option<&prost_types::Timestamp>,
) -> Result<(Hour, Hour), Failure> {
    let from = start.map_or(Ok(Hour(i64::MIN)), |time| hour("start_time", time))?;
    let until = end.map_or(Ok(Hour(i64::MAX)), |time| hour("end_time", time))?;
    if until < from {
        return Err(Failure::invalid("end_time", "is before start_time"));
    }
    Ok((from, until))
}

fn hour(field: &str, time: &prost_types::Timestamp) -> Result<Hour, Failure> {
    let instant = timestamp_from_proto(time, field)?;
    let hour = Hour::of(instant);
    // What lies within the millisecond counts, too.
    if Timestamp::from_millis(hour.0 * 3_600_000) == instant && time.nanos == 0 {
        Ok(hour)
    } else {
        Err(Failure::invalid(field, "is no full hour: settlement adds up by the hour"))
    }
}

/// An amount without its sign: the direction says who pays.
pub(crate) fn magnitude(amount: &Money) -> Result<Money, Failure> {
    Ok(Money { micros: amount.micros.checked_abs().ok_or_else(too_large)?, ..*amount })
}

fn money(micros: i128, currency: Currency) -> Result<Money, Failure> {
    Ok(Money { currency, micros: i64::try_from(micros).map_err(|_| too_large())? })
}

fn too_large() -> Failure {
    Failure::internal(&"an amount of settlement is beyond 64 bits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_beyond_what_an_amount_says_is_its_partners_alone() {
        let partner = |name| PartnerId::new(name).unwrap();
        let unit_price = UnitPrice::new("USD".parse().unwrap(), 9_000).unwrap();
        let issued = |name| LineKey::Issued { issuer: partner(name), funder: partner(name), unit_price };
        let sum = |points| LineSum { points, count: 1, first: 1, last: 1 };
        let shards = || {
            [0, 1].map(|shard| {
                (ShardId(shard), [(issued("greedy"), sum(i64::MAX.into())), (issued("shop"), sum(10))].into())
            })
        };
        let of = |name| lines(shards(), |key| key.partner() == partner(name));
        assert_eq!(of("shop").unwrap()[0].line.amount.to_string(), "-0.18 USD");
        assert!(of("greedy").is_err() && lines(shards(), |_| true).is_err());
    }
}
