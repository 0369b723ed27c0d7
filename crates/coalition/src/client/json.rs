//! The pieces of JSON documents: points as integers, money as decimal text with its currency, time as RFC 3339, absence
//! as null.

use anyhow::{Context, Result};
use coalition_proto::google::r#type::Money;
use coalition_proto::r#type::v1::bought::What;
use coalition_proto::r#type::v1::{Bought, Position, UnitPrice};
use serde_json::{Value, json};

use super::text;

/// One document, on lines that a person can read too.
pub(crate) fn document(value: &Value) -> Result<String> {
    Ok(serde_json::to_string_pretty(value).context("write JSON")? + "\n")
}

/// An amount.
pub(crate) fn money(money: Option<&Money>) -> Value {
    money.map_or(
        Value::Null,
        |money| json!({ "currency_code": money.currency_code, "amount": text::decimal(money) }),
    )
}

/// What points buy; nothing for a thing.
pub(crate) fn bought(bought: Option<&Bought>) -> Value {
    match bought.and_then(|bought| bought.what.as_ref()) {
        Some(What::Units(units)) => json!({ "unit": units.unit, "count": units.count }),
        Some(What::Money(of)) => money(Some(of)),
        None => Value::Null,
    }
}

/// The price of a point.
pub(crate) fn price(price: Option<&UnitPrice>) -> Value {
    price.map_or(
        Value::Null,
        |price| json!({ "currency_code": price.currency_code, "amount": micros(price.micros) }),
    )
}

/// A name; none is null.
pub(crate) fn name(name: &str) -> Value {
    if name.is_empty() { Value::Null } else { name.into() }
}

/// A place in the journal.
pub(crate) fn position(position: Option<&Position>) -> Value {
    position.map_or(Value::Null, |position| json!({ "shard": position.shard, "seq": position.seq }))
}

/// An instant.
pub(crate) fn time(time: Option<&prost_types::Timestamp>) -> Value {
    time.map_or(Value::Null, |time| text::time(Some(time)).into())
}

/// Millionths as decimal text, without the zeros at the end.
pub(super) fn micros(micros: i64) -> String {
    let (units, rest) = (micros.unsigned_abs() / 1_000_000, micros.unsigned_abs() % 1_000_000);
    let digits = format!("{rest:06}");
    let digits = digits.trim_end_matches('0');
    let sign = if micros < 0 { "-" } else { "" };
    if digits.is_empty() { format!("{sign}{units}") } else { format!("{sign}{units}.{digits}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_exact_decimal_text() {
        for (millionths, expected) in [(9_000, "0.009"), (0, "0"), (1_000_000, "1"), (1_500_001, "1.500001")]
        {
            assert_eq!(micros(millionths), expected);
        }
    }

    #[test]
    fn absence_is_null() {
        assert_eq!((money(None), price(None), position(None), time(None)), Default::default());
    }
}
