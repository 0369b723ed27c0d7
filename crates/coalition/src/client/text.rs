//! Numbers, money and time for people.

use coalition_domain::Timestamp;
use coalition_proto::google::r#type::Money;
use coalition_proto::r#type::v1::bought::What;
use coalition_proto::r#type::v1::{Bought, UnitPrice};

const NANOS: u32 = 1_000_000_000;

/// A number with a comma before each three digits.
pub(crate) fn grouped(number: impl Into<i128>) -> String {
    let number = number.into();
    let digits = number.unsigned_abs().to_string();
    let mut text = if number < 0 { "-".to_owned() } else { String::new() };
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A text as a word of a POSIX shell.
pub(crate) fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,=@%+".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// `1 point`, `2,500 points`.
pub(crate) fn points(points: i64) -> String {
    format!("{} {}", grouped(points), if points == 1 { "point" } else { "points" })
}

/// What points changed by: `+10`, `-2,500`, `0`.
pub(crate) fn signed(points: i64) -> String {
    format!("{}{}", if points > 0 { "+" } else { "" }, grouped(points))
}

/// Decimal text of an amount, without its currency: two decimals at least, where it has any more of them all.
pub(super) fn decimal(money: &Money) -> String {
    let negative = money.units < 0 || money.nanos < 0;
    let sign = if negative { "-" } else { "" };
    format!("{sign}{}{}", money.units.unsigned_abs(), fraction(money))
}

/// A decimal number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Decimal {
    /// Whether it has a minus sign.
    pub(crate) negative: bool,
    /// The whole part, without the sign.
    pub(crate) units: i64,
    /// Billionths, without the sign.
    pub(crate) nanos: i32,
}

/// Reads decimal text, such as `77.96`: digits before and behind a point, 9 of them behind it at most. Never through a float,
/// which has no 0.009.
pub(crate) fn parse_decimal(text: &str) -> Option<Decimal> {
    let (negative, number) = text.strip_prefix('-').map_or((false, text), |number| (true, number));
    let (units, decimals) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(units) || !digits(decimals) || decimals.len() > 9 {
        return None;
    }
    Some(Decimal { negative, units: units.parse().ok()?, nanos: format!("{decimals:0<9}").parse().ok()? })
}

/// An amount with its currency: `-22,078.43 USD`.
pub(crate) fn money(money: &Money) -> String {
    let negative = money.units < 0 || money.nanos < 0;
    let sign = if negative { "-" } else { "" };
    format!("{sign}{}{} {}", grouped(money.units.unsigned_abs()), fraction(money), money.currency_code)
}

/// What points buy, behind a blank and `word`: ` for 3,000 sky-miles`; nothing for a thing.
pub(crate) fn bought(word: &str, bought: Option<&Bought>) -> String {
    let what = bought.and_then(|bought| bought.what.as_ref()).map(|what| match what {
        What::Units(units) => format!("{} {}", grouped(units.count), units.unit),
        What::Money(of) => money(of),
    });
    what.map_or(String::new(), |what| format!(" {word} {what}"))
}

fn fraction(money: &Money) -> String {
    let decimals = minor_decimals(&money.currency_code);
    let mut digits = format!("{:09}", money.nanos.unsigned_abs() % NANOS);
    while digits.len() > decimals && digits.ends_with('0') {
        digits.pop();
    }
    if digits.is_empty() { digits } else { format!(".{digits}") }
}

/// Decimals of a currency's smallest unit; 2 for one that this program doesn't know.
fn minor_decimals(code: &str) -> usize {
    code.parse::<coalition_domain::Currency>()
        .map_or(2, |currency| (coalition_domain::MICROS / currency.minor_micros()).ilog10() as usize)
}

/// The price of a point: `0.009 USD`.
pub(crate) fn price(price: &UnitPrice) -> String {
    format!("{} {}", super::json::micros(price.micros), price.currency_code)
}

/// An instant as RFC 3339 in UTC, to the millisecond; nothing where there is none.
pub(crate) fn time(time: Option<&prost_types::Timestamp>) -> String {
    let millis = |time: &prost_types::Timestamp| {
        time.seconds
            .checked_mul(1_000)
            .and_then(|millis| millis.checked_add(i64::from(time.nanos / 1_000_000)))
    };
    time.and_then(millis).map(|millis| instant(Timestamp::from_millis(millis))).unwrap_or_default()
}

/// An instant with three digits of milliseconds, whatever they are: so that times are as wide as each other.
pub(crate) fn instant(at: Timestamp) -> String {
    let time = at.to_string();
    match time.strip_suffix('Z').map(|time| time.split_once('.').unwrap_or((time, ""))) {
        Some((seconds, fraction)) => format!("{seconds}.{fraction:0<3}Z"),
        // Beyond what has a date.
        None => time,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        for (number, expected) in
            [(0, "0"), (999, "999"), (1_000, "1,000"), (-2_453_159, "-2,453,159"), (100_000, "100,000")]
        {
            assert_eq!(grouped(number), expected);
        }
        assert_eq!(grouped(i64::MIN), "-9,223,372,036,854,775,808");
        assert_eq!(
            (points(1), signed(1_500), signed(-3), signed(0)),
            ("1 point".into(), "+1,500".into(), "-3".into(), "0".into())
        );
    }

    #[test]
    fn amounts_have_the_decimals_of_their_currency_and_more_where_needed() {
        for (code, units, nanos, expected) in [
            ("USD", 22_078, 430_000_000, "22,078.43 USD"),
            ("USD", 0, -500_000_000, "-0.50 USD"),
            ("USD", -33_940, -800_000_000, "-33,940.80 USD"),
            ("USD", 0, 9_000_000, "0.009 USD"),
            ("JPY", 400, 0, "400 JPY"),
            ("KWD", 1, 0, "1.000 KWD"),
        ] {
            let amount = Money { currency_code: code.to_owned(), units, nanos };
            assert_eq!(money(&amount), expected);
        }
        let amount = Money { currency_code: "USD".to_owned(), units: -1_234, nanos: -750_000_000 };
        assert_eq!(decimal(&amount), "-1234.75");
    }

    #[test]
    fn decimals_are_read_exactly() {
        let read = |text| parse_decimal(text).map(|it| (it.negative, it.units, it.nanos));
        for (text, expected) in [
            ("77.96", (false, 77, 960_000_000)),
            ("0.009", (false, 0, 9_000_000)),
            ("-1.000000001", (true, 1, 1)),
            ("9223372036854775807", (false, i64::MAX, 0)),
        ] {
            assert_eq!(read(text), Some(expected), "{text}");
        }
        for bad in
            ["", ".", "1.", ".5", "+1", "--1", "1e3", "1,5", " 1", "0.0000000001", "9223372036854775808"]
        {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn times_are_utc() {
        let known = prost_types::Timestamp { seconds: 853_027_200, nanos: 5_000_000 };
        assert_eq!(time(Some(&known)), "1997-01-12T00:00:00.005Z");
        let whole = prost_types::Timestamp { seconds: 853_027_200, nanos: 120_000_000 };
        assert_eq!(time(Some(&whole)), "1997-01-12T00:00:00.120Z");
        assert_eq!(time(Some(&prost_types::Timestamp { nanos: 0, ..whole })), "1997-01-12T00:00:00.000Z");
        assert_eq!(time(None), "");
    }
}
