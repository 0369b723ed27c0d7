//! The values that a scenario writes as text.

use std::fmt::Display;

use coalition_domain::order::order_key;
use coalition_domain::{
    Currency, Identifier, Money, NoIdentifier, PartnerId, Reference, Scheme, Timestamp, UnitPrice,
};
use serde::{Deserialize, Deserializer, de};
use sha2::{Digest, Sha256};

/// Whom a step is about: a name stands for the hash of somebody's e-mail address, `card:` for a card's token, and
/// `customer:` for a number that the step's partner has given. `order:` stands for nobody: a return that names its order alone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Deserialize)]
#[serde(transparent)]
pub struct Who(String);

impl Who {
    /// Their identifier at `partner`.
    ///
    /// # Errors
    /// A token or number that no partner could send; a number without a partner that gave it.
    pub fn identifier(&self, partner: Option<PartnerId>) -> Result<Identifier, NoIdentifier> {
        if let Some(token) = self.0.strip_prefix("card:") {
            return Identifier::new(Scheme::CardToken, token);
        }
        if let (Some(order), Some(partner)) = (self.0.strip_prefix("order:"), partner) {
            let order = Reference::new(order).map_err(|_| NoIdentifier::Character)?;
            return Ok(Identifier::of_order(partner, &order_key(partner, &order)));
        }
        match (self.0.strip_prefix("customer:"), partner) {
            (Some(number), Some(partner)) => Identifier::new(Scheme::CustomerNumber(partner), number),
            (Some(_), None) => Identifier::new(Scheme::EmailHash, ""),
            (None, _) => Identifier::new(Scheme::EmailHash, &hash(&format!("{}@example.com", self.0))),
        }
    }
}

impl Display for Who {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

fn hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An instant, written as TOML has them, with its offset.
pub(crate) fn instant<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    let written = toml::value::Datetime::deserialize(from)?.to_string();
    written.parse().map(Some).map_err(de::Error::custom)
}

/// `"12.34 USD"`.
pub(crate) fn money<'de, D: Deserializer<'de>>(from: D) -> Result<Money, D::Error> {
    text(from, |text| {
        let (amount, currency) = parts(text)?;
        Ok(Money { currency, micros: micros(amount)? })
    })
}

/// `"-12.34 USD"`, or nothing.
pub(crate) fn optional_money<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Money>, D::Error> {
    money(from).map(Some)
}

/// `"0.009 USD"` a point, or nothing.
pub(crate) fn price<'de, D: Deserializer<'de>>(from: D) -> Result<Option<UnitPrice>, D::Error> {
    text(from, |text| {
        let (amount, currency) = parts(text)?;
        UnitPrice::new(currency, micros(amount)?).map(Some).map_err(|error| error.to_string())
    })
}

fn text<'de, D: Deserializer<'de>, T>(
    from: D,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<T, D::Error> {
    read(&String::deserialize(from)?).map_err(de::Error::custom)
}

fn parts(text: &str) -> Result<(&str, Currency), String> {
    let (amount, currency) =
        text.split_once(' ').ok_or("an amount is written with its currency, such as \"12.34 USD\"")?;
    Ok((amount, currency.parse().map_err(|error: coalition_domain::NoCurrency| error.to_string())?))
}

/// Millionths of the decimal number `text`, which may have a sign.
fn micros(text: &str) -> Result<i64, String> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let micros = coalition_domain::micros(digits).map_err(|error| format!("{text:?} {error}"))?;
    Ok(sign * micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_decimal_numbers() {
        for (text, expected) in [
            ("12.34", Some(12_340_000)),
            ("-0.000001", Some(-1)),
            ("500", Some(500_000_000)),
            ("9223372036854.775807", Some(i64::MAX)),
            ("9223372036854.775808", None),
            ("1.0000001", None),
            ("1.", None),
            (".5", None),
            ("1e3", None),
            ("--1", None),
            ("", None),
        ] {
            assert_eq!(micros(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn a_name_is_a_hashed_address() {
        let who = |text: &str| Who(text.to_owned());
        let anna = who("anna").identifier(None).unwrap();
        // printf anna@example.com | sha256sum
        assert_eq!(anna.value(), "f7d54c22dda5b1780276601cd005909b70543fc4a6ba72d735b4cb9bbb611f01");
        let shop = "shop".parse().unwrap();
        assert_eq!(who("customer:77").identifier(Some(shop)).unwrap().scheme(), Scheme::CustomerNumber(shop));
        assert!(who("customer:77").identifier(None).is_err());
        assert_eq!(who("card:tok_1").identifier(None).unwrap().scheme(), Scheme::CardToken);
    }
}
