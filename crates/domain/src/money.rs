//! Money: integers of a known currency; the one place where an amount is rounded.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Millionths of a currency unit in a unit.
pub const MICROS: i64 = 1_000_000;

/// A currency of ISO 4217: three capital letters.
///
/// Read from storage, any three capital letters will do: the list of codes in use changes, what is stored doesn't.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "[u8; 3]")]
pub struct Currency([u8; 3]);

/// A code that ISO 4217 does not list as a currency in use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no currency code of ISO 4217")]
pub struct NoCurrency(String);

/// Codes in use, after the list of ISO 4217's maintenance agency; without test codes, metals and fund codes. In order,
/// each of three letters and a blank: every purchase looks one up.
const CODES: &str = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN \
    BZD CAD CDF CHF CLF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF \
    GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD \
    LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR \
    PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY \
    TTD TWD TZS UAH UGX USD UYU UYW UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG ";

impl Currency {
    /// Its three letters.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).expect("three capital letters")
    }

    /// Millionths in its smallest unit: a cent of the dollar is 10,000, a yen 1,000,000.
    pub fn minor_micros(&self) -> i64 {
        match self.code() {
            "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "VND"
            | "VUV" | "XAF" | "XOF" | "XPF" => MICROS,
            "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => MICROS / 1_000,
            "CLF" | "UYW" => MICROS / 10_000,
            _ => MICROS / 100,
        }
    }
}

impl FromStr for Currency {
    type Err = NoCurrency;

    fn from_str(code: &str) -> Result<Self, NoCurrency> {
        let bytes: [u8; 3] =
            code.as_bytes().try_into().map_err(|_| NoCurrency(code.chars().take(16).collect()))?;
        let (known, _) = CODES.as_bytes().as_chunks::<4>();
        if known.binary_search_by(|[a, b, c, _]| [*a, *b, *c].cmp(&bytes)).is_ok() {
            Ok(Self(bytes))
        } else {
            Err(NoCurrency(code.to_owned()))
        }
    }
}

/// Bytes that were stored as a currency and are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a currency code is three capital letters")]
pub struct NoLetters;

impl TryFrom<[u8; 3]> for Currency {
    type Error = NoLetters;

    fn try_from(stored: [u8; 3]) -> Result<Self, NoLetters> {
        if stored.iter().all(u8::is_ascii_uppercase) { Ok(Self(stored)) } else { Err(NoLetters) }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// An amount in millionths of the unit of its currency; may be negative.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Money {
    /// In which currency.
    pub currency: Currency,
    /// Millionths of its unit.
    pub micros: i64,
}

impl fmt::Display for Money {
    /// With as many decimals as the currency has, more only where the amount needs them: `22078.43 USD`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.micros < 0 { "-" } else { "" };
        let (units, rest) = (self.micros.unsigned_abs() / 1_000_000, self.micros.unsigned_abs() % 1_000_000);
        let decimals = (MICROS / self.currency.minor_micros()).ilog10() as usize;
        let mut fraction = format!("{rest:06}");
        while fraction.len() > decimals && fraction.ends_with('0') {
            fraction.pop();
        }
        let point = if fraction.is_empty() { "" } else { "." };
        write!(f, "{sign}{units}{point}{fraction} {}", self.currency)
    }
}

/// A text that is no amount in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoMicros {
    /// Something else than digits, with digits behind a point or without.
    #[error("is no decimal number such as \"1.00\"")]
    NotDecimal,
    /// Finer than a millionth.
    #[error("has {0} decimals, at most 6 are allowed")]
    TooFine(usize),
    /// Beyond 64 bits.
    #[error("is too large")]
    TooLarge,
}

/// Millionths of a decimal number without sign, such as `12.34`; never through a float.
pub fn micros(text: &str) -> Result<i64, NoMicros> {
    let (units, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !digits(units) || !digits(fraction) {
        return Err(NoMicros::NotDecimal);
    }
    if fraction.len() > 6 {
        return Err(NoMicros::TooFine(fraction.len()));
    }
    let exact = || -> Option<i64> {
        let micros = format!("{fraction:0<6}").parse::<i64>().ok()?;
        units.parse::<i64>().ok()?.checked_mul(MICROS)?.checked_add(micros)
    };
    exact().ok_or(NoMicros::TooLarge)
}

/// The price of one point in millionths of the unit of its currency, 0 to 10^9 (a thousand units a point).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "StoredPrice")]
pub struct UnitPrice {
    currency: Currency,
    micros: u32,
}

/// A unit price before its check. Fields as in [`UnitPrice`].
#[derive(Deserialize)]
struct StoredPrice {
    currency: Currency,
    micros: u32,
}

/// A unit price outside its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a unit price lies between 0 and 1000000000 millionths")]
pub struct PriceOutOfRange;

impl UnitPrice {
    /// Checks the range.
    pub fn new(currency: Currency, micros: i64) -> Result<Self, PriceOutOfRange> {
        match u32::try_from(micros) {
            Ok(micros) if micros <= 1_000_000_000 => Ok(Self { currency, micros }),
            _ => Err(PriceOutOfRange),
        }
    }

    /// In which currency.
    pub fn currency(&self) -> Currency {
        self.currency
    }

    /// Millionths of the unit of the currency.
    pub fn micros(&self) -> i64 {
        i64::from(self.micros)
    }

    /// What `points` cost, rounded once, half to even, to the smallest unit of the currency. `None` beyond 64 bits.
    pub fn amount(&self, points: i128) -> Option<Money> {
        let exact = points.checked_mul(self.micros.into())?;
        let minor = i128::from(self.currency.minor_micros());
        let rounded = half_even(exact, minor).checked_mul(minor)?;
        Some(Money { currency: self.currency, micros: i64::try_from(rounded).ok()? })
    }
}

impl TryFrom<StoredPrice> for UnitPrice {
    type Error = PriceOutOfRange;

    fn try_from(StoredPrice { currency, micros }: StoredPrice) -> Result<Self, PriceOutOfRange> {
        Self::new(currency, i64::from(micros))
    }
}

/// `dividend / divisor`, rounded to the nearest integer, a half to the even one. `divisor` is above zero.
fn half_even(dividend: i128, divisor: i128) -> i128 {
    let (quotient, rest) = (dividend.div_euclid(divisor), dividend.rem_euclid(divisor));
    match (rest * 2).cmp(&divisor) {
        std::cmp::Ordering::Less => quotient,
        std::cmp::Ordering::Greater => quotient + 1,
        std::cmp::Ordering::Equal => quotient + quotient.rem_euclid(2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(code: &str, micros: i64) -> UnitPrice {
        UnitPrice::new(code.parse().unwrap(), micros).unwrap()
    }

    #[test]
    fn currencies_are_those_of_iso_4217() {
        assert_eq!("USD".parse::<Currency>().unwrap().minor_micros(), 10_000);
        assert_eq!("JPY".parse::<Currency>().unwrap().minor_micros(), 1_000_000);
        assert_eq!("KWD".parse::<Currency>().unwrap().minor_micros(), 1_000);
        for bad in ["usd", "XXX", "US", "DOLLAR", "U D", ""] {
            assert!(bad.parse::<Currency>().is_err(), "{bad}");
        }
    }

    #[test]
    fn every_listed_currency_is_found_and_survives_storage() {
        for code in CODES.split_whitespace() {
            let currency = code.parse::<Currency>().unwrap();
            assert_eq!(currency.code(), code);
            let stored = postcard::to_stdvec(&currency).unwrap();
            assert_eq!(stored, code.as_bytes());
            assert_eq!(postcard::from_bytes(&stored), Ok(currency));
        }
    }

    #[test]
    fn what_was_stored_is_checked_as_it_is_read() {
        // A code that went out of use is read for ever.
        assert!("DEM".parse::<Currency>().is_err());
        assert_eq!(postcard::from_bytes::<Currency>(b"DEM").unwrap().code(), "DEM");
        for bad in [b"usd", b"U D", b"US\xff"] {
            assert!(postcard::from_bytes::<Currency>(bad).is_err(), "{bad:?}");
        }
        let stored =
            |micros: u32| postcard::to_stdvec(&("USD".parse::<Currency>().unwrap(), micros)).unwrap();
        assert_eq!(postcard::from_bytes(&stored(1_000_000_000)), Ok(price("USD", 1_000_000_000)));
        assert!(postcard::from_bytes::<UnitPrice>(&stored(1_000_000_001)).is_err());
    }

    #[test]
    fn amounts_round_half_to_even_and_once() {
        // Figures by hand: 2,453,159 points at 0.009 are 22,078.431.
        for (code, micros, points, expected) in [
            ("USD", 9_000, 2_453_159, "22078.43 USD"),
            ("USD", 9_000, 3_771_200, "33940.80 USD"),
            ("USD", 5_000, 1, "0.00 USD"),
            ("USD", 5_000, 3, "0.02 USD"),
            ("USD", 5_000, 5, "0.02 USD"),
            ("USD", 5_000, -1, "0.00 USD"),
            ("USD", 5_000, -3, "-0.02 USD"),
            ("JPY", 500_000, 7, "4 JPY"),
            ("KWD", 1_500, 1, "0.002 KWD"),
        ] {
            assert_eq!(price(code, micros).amount(points).unwrap().to_string(), expected);
        }
        assert_eq!(price("USD", 1_000_000_000).amount(i64::MAX.into()), None);
    }

    #[test]
    fn unit_prices_stay_in_their_range() {
        let usd = "USD".parse().unwrap();
        assert!(UnitPrice::new(usd, -1).is_err());
        assert!(UnitPrice::new(usd, 1_000_000_001).is_err());
        assert!(UnitPrice::new(usd, 1_000_000_000).is_ok());
    }
}
