//! Purchases with their lines, and what is returned of them.

use std::collections::BTreeSet;

use coalition_domain::{EventBody, Money, OrderLine, Reference, Returned, ReturnedLine};
use coalition_proto::event::v1 as proto;
use coalition_proto::google::r#type::Money as ProtoMoney;
use coalition_proto::r#type::v1::ErrorReason;

use super::AMOUNT_UNITS_MAX;
use crate::Refusal;
use crate::convert::{money_from_proto, reference_from_proto};

/// The most lines that one event can name.
const LINES_MAX: usize = 200;

pub(super) fn purchase(purchase: &proto::Purchase) -> Result<EventBody, Refusal> {
    const LINES: &str = "purchase.lines";
    let order = reference_from_proto(&purchase.order_id, "purchase.order_id")?;
    let amount = amount(purchase.amount.as_ref(), "purchase.amount")?;
    if purchase.lines.is_empty() {
        return Ok(EventBody::Purchase { order, amount });
    }
    let mut ids = names(LINES, purchase.lines.len())?;
    let mut lines = Vec::new();
    let mut sum = 0_i64;
    for (place, line) in purchase.lines.iter().enumerate() {
        let at = |part: &str| format!("{LINES}[{place}].{part}");
        let line_id = name(&mut ids, &line.line_id, &at("line_id"))?;
        let part = self::amount(line.amount.as_ref(), &at("amount"))?;
        if part.currency != amount.currency {
            let message = "a line has the currency of its purchase";
            return Err(Refusal::new(ErrorReason::InvalidArgument, &at("amount.currency_code"), message));
        }
        // 200 lines of at most 10^15 millionths each.
        sum += part.micros;
        lines.push(OrderLine { line: line_id, amount: part });
    }
    if sum != amount.micros {
        let message = "the amounts of the lines don't sum to the amount of the purchase";
        return Err(Refusal::new(ErrorReason::LinesDiffer, LINES, message));
    }
    Ok(EventBody::Basket { order, amount, lines })
}

pub(super) fn order_return(part: &proto::OrderReturn) -> Result<EventBody, Refusal> {
    const LINES: &str = "order_return.lines";
    let order = reference_from_proto(&part.order_id, "order_return.order_id")?;
    let what = match (&part.amount, part.lines.as_slice()) {
        (None, []) => Returned::Whole,
        (Some(amount), []) => Returned::Amount(returned(amount, "order_return.amount")?),
        (Some(_), _) => {
            let message = "a return names an amount or lines, not both";
            return Err(Refusal::new(ErrorReason::InvalidArgument, LINES, message));
        }
        (None, lines) => {
            let mut ids = names(LINES, lines.len())?;
            let line = |(place, line): (usize, &proto::ReturnedLine)| {
                let at = |part: &str| format!("{LINES}[{place}].{part}");
                let amount =
                    line.amount.as_ref().map(|amount| returned(amount, &at("amount"))).transpose()?;
                Ok(ReturnedLine { line: name(&mut ids, &line.line_id, &at("line_id"))?, amount })
            };
            Returned::Lines(lines.iter().enumerate().map(line).collect::<Result<_, Refusal>>()?)
        }
    };
    Ok(EventBody::Return { order, what })
}

/// The ids of an event's lines so far, which are so many.
fn names(field: &str, count: usize) -> Result<BTreeSet<String>, Refusal> {
    if count <= LINES_MAX {
        return Ok(BTreeSet::new());
    }
    let message = format!("an event names at most {LINES_MAX} lines");
    Err(Refusal::new(ErrorReason::FieldTooLong, field, message))
}

fn name(names: &mut BTreeSet<String>, id: &str, field: &str) -> Result<Reference, Refusal> {
    let line = reference_from_proto(id, field)?;
    if names.insert(id.to_owned()) {
        return Ok(line);
    }
    Err(Refusal::new(ErrorReason::InvalidArgument, field, "another line of the event has this id"))
}

/// What was paid: 0 or more.
fn amount(said: Option<&ProtoMoney>, field: &str) -> Result<Money, Refusal> {
    let said = said.ok_or_else(|| Refusal::missing(field))?;
    let amount = money_from_proto(said, field)?;
    if amount.micros < 0 {
        Err(Refusal::new(ErrorReason::AmountNegative, field, "the amount is below zero"))
    } else if amount.micros > AMOUNT_UNITS_MAX * coalition_domain::MICROS {
        let message = format!("the amount is above {AMOUNT_UNITS_MAX} units");
        Err(Refusal::new(ErrorReason::AmountTooLarge, field, message))
    } else {
        Ok(amount)
    }
}

/// What is given back: something.
fn returned(said: &ProtoMoney, field: &str) -> Result<Money, Refusal> {
    let amount = amount(Some(said), field)?;
    if amount.micros > 0 {
        return Ok(amount);
    }
    Err(Refusal::new(ErrorReason::InvalidArgument, field, "what is returned has an amount above zero"))
}
