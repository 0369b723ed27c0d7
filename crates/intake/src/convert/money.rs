//! Amounts: units and billionths on the wire, millionths inside.

use coalition_domain::{MICROS, Money};
use coalition_proto::google::r#type as proto;
use coalition_proto::r#type::v1::ErrorReason;

use crate::Refusal;

/// Billionths in a millionth.
const NANOS_PER_MICRO: i32 = 1_000;
const NANOS_MAX: i32 = 999_999_999;

/// Reads an amount of either sign.
///
/// # Errors
/// `FIELD_MISSING` and `CURRENCY_UNKNOWN` for the currency; `INVALID_ARGUMENT` for parts of different signs, 10^9
/// billionths and more, or more than 6 decimals; `AMOUNT_TOO_LARGE` or `AMOUNT_NEGATIVE` for what 64 bits of millionths
/// don't hold.
pub fn money_from_proto(money: &proto::Money, field: &str) -> Result<Money, Refusal> {
    let at = |part: &str| format!("{field}.{part}");
    let invalid = |part, message| Err(Refusal::new(ErrorReason::InvalidArgument, &at(part), message));
    if money.currency_code.is_empty() {
        return Err(Refusal::missing(&at("currency_code")));
    }
    let currency = money.currency_code.parse().map_err(|_| {
        let message = "the currency is no code of ISO 4217, three letters such as USD";
        Refusal::new(ErrorReason::CurrencyUnknown, &at("currency_code"), message)
    })?;
    if !(-NANOS_MAX..=NANOS_MAX).contains(&money.nanos) {
        return invalid("nanos", "nanos lie between -999999999 and 999999999");
    }
    if money.units.signum() * i64::from(money.nanos.signum()) < 0 {
        return invalid("nanos", "units and nanos have the same sign");
    }
    if money.nanos % NANOS_PER_MICRO != 0 {
        return invalid("nanos", "an amount has at most 6 decimals");
    }
    let whole = money.units.checked_mul(MICROS);
    let micros = whole.and_then(|whole| whole.checked_add(i64::from(money.nanos / NANOS_PER_MICRO)));
    let micros = micros.ok_or_else(|| {
        if money.units < 0 {
            Refusal::new(ErrorReason::AmountNegative, field, "the amount is below zero")
        } else {
            Refusal::new(ErrorReason::AmountTooLarge, field, "the amount is beyond what an account can hold")
        }
    })?;
    Ok(Money { currency, micros })
}

/// Writes an amount.
pub fn money_to_proto(money: &Money) -> proto::Money {
    let rest = i32::try_from(money.micros % MICROS).expect("below a million");
    proto::Money {
        currency_code: money.currency.code().to_owned(),
        units: money.micros / MICROS,
        nanos: rest * NANOS_PER_MICRO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_of_either_sign_lead_back() {
        // The example of google.type.Money's own documentation is -1.75 USD.
        for (micros, units, nanos) in [
            (-1_750_000, -1, -750_000_000),
            (0, 0, 0),
            (-1, 0, -1_000),
            (1_000_000, 1, 0),
            (i64::MAX, 9_223_372_036_854, 775_807_000),
            (i64::MIN, -9_223_372_036_854, -775_808_000),
        ] {
            let money = Money { currency: "USD".parse().unwrap(), micros };
            let proto = proto::Money { currency_code: "USD".to_owned(), units, nanos };
            assert_eq!(money_to_proto(&money), proto);
            assert_eq!(money_from_proto(&proto, "price").unwrap(), money);
        }
    }
}
