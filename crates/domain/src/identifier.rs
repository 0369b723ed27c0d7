//! What stands for a member at a partner, and the account that follows from it.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{AccountId, Fingerprint, PartnerId};

/// The uuid v5 name space of accounts. Frozen.
const ACCOUNTS: Uuid = Uuid::from_u128(0x6f0d_93c5_1b1c_5a53_9d3f_0c5e_27a4_e1b8);

/// The longest identifier value, in bytes.
pub const IDENTIFIER_MAX: usize = 128;

/// What kind of thing an identifier is, and in which scope its value is unique.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Scheme {
    /// Hash of a normalised e-mail address; the same at every partner.
    EmailHash,
    /// Token of a payment or loyalty card; the same at every partner.
    CardToken,
    /// A partner's own customer number, unique at that partner.
    CustomerNumber(PartnerId),
    /// A partner's order: of whom an event is that names nobody but what it takes back. Nobody enrols on it.
    Order(PartnerId),
}

/// (scheme, scope, value): a token or a hash, never a card number or an address.
///
/// What is stored is checked by the same rules: they may be loosened, never tightened.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "StoredIdentifier")]
pub struct Identifier {
    scheme: Scheme,
    value: Box<str>,
    /// What follows from the others: worked out once, as it takes a hash, and asked for by everybody that an event comes by.
    #[serde(skip_serializing)]
    account: AccountId,
}

/// An identifier before its check. Fields as in [`Identifier`].
#[derive(Deserialize)]
struct StoredIdentifier {
    scheme: Scheme,
    value: Box<str>,
}

/// Why a value can't be an identifier. The value itself is never repeated: it may be what must not be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoIdentifier {
    /// Nothing there.
    #[error("an identifier is empty")]
    Empty,
    /// Above 128 bytes.
    #[error("an identifier is longer than {IDENTIFIER_MAX} bytes")]
    TooLong,
    /// A character outside the printable ASCII ones.
    #[error("an identifier holds a character that is not printable ASCII")]
    Character,
    /// Not 64 lower-case hexadecimal digits.
    #[error("an e-mail hash is 64 lower-case hexadecimal digits (SHA-256)")]
    NoHash,
    /// Looks like a payment card number.
    #[error("an identifier looks like a card number; send its token")]
    CardNumber,
    /// Looks like an e-mail address.
    #[error("an identifier looks like an e-mail address; send its hash")]
    Address,
}

impl Identifier {
    /// Checks the value against its scheme.
    pub fn new(scheme: Scheme, value: &str) -> Result<Self, NoIdentifier> {
        check(scheme, value)?;
        Ok(Self::of(scheme, value.into()))
    }

    /// The one of an event of `partner` that names nobody but what it takes back, which accounts know under `key`.
    pub fn of_order(partner: PartnerId, key: &Fingerprint) -> Self {
        Self::of(Scheme::Order(partner), format!("{key:?}").into())
    }

    fn of(scheme: Scheme, value: Box<str>) -> Self {
        Self { account: account(&scheme, &value), scheme, value }
    }

    /// Its kind and scope.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The token or hash.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The account of this identifier: uuid v5 over scheme, scope and value. Frozen.
    pub fn account(&self) -> AccountId {
        self.account
    }
}

fn account(scheme: &Scheme, value: &str) -> AccountId {
    let (scheme, scope) = match scheme {
        Scheme::EmailHash => ("email-hash", ""),
        Scheme::CardToken => ("card-token", ""),
        Scheme::CustomerNumber(partner) => ("customer-number", partner.as_str()),
        Scheme::Order(partner) => ("order", partner.as_str()),
    };
    // No scope holds a colon, so no two identifiers give one name.
    AccountId(Uuid::new_v5(&ACCOUNTS, format!("{scheme}:{scope}:{value}").as_bytes()))
}

impl TryFrom<StoredIdentifier> for Identifier {
    type Error = NoIdentifier;

    fn try_from(StoredIdentifier { scheme, value }: StoredIdentifier) -> Result<Self, NoIdentifier> {
        check(scheme, &value)?;
        Ok(Self::of(scheme, value))
    }
}

impl fmt::Debug for Identifier {
    /// The value stays out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}:{}", self.scheme, self.account())
    }
}

fn check(scheme: Scheme, value: &str) -> Result<(), NoIdentifier> {
    if value.is_empty() {
        return Err(NoIdentifier::Empty);
    }
    if value.contains('@') {
        return Err(NoIdentifier::Address);
    }
    if value.len() > IDENTIFIER_MAX {
        return Err(NoIdentifier::TooLong);
    }
    if !value.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(if is_card_number(value) { NoIdentifier::CardNumber } else { NoIdentifier::Character });
    }
    match scheme {
        Scheme::EmailHash if !is_sha256(value) => Err(NoIdentifier::NoHash),
        Scheme::CardToken | Scheme::CustomerNumber(_) if is_card_number(value) => {
            Err(NoIdentifier::CardNumber)
        }
        Scheme::EmailHash | Scheme::CardToken | Scheme::CustomerNumber(_) | Scheme::Order(_) => Ok(()),
    }
}

fn is_sha256(value: &str) -> bool {
    value.len() == 64 && value.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// Whether it is 13 to 19 digits that pass the Luhn check, with nothing but blanks and hyphens between them (ISO/IEC 7812).
/// Without an allocation: every event that is read from the inbox or the journal comes by here.
pub fn is_card_number(value: &str) -> bool {
    if !value.chars().all(|c| c.is_ascii_digit() || c == ' ' || c == '-') {
        return false;
    }
    let digits = || value.chars().rev().filter_map(|c| c.to_digit(10));
    let weigh = |(place, digit): (usize, u32)| match (place % 2, digit * 2) {
        (0, _) => digit,
        (_, doubled) if doubled > 9 => doubled - 9,
        (_, doubled) => doubled,
    };
    (13..=19).contains(&digits().count()) && digits().enumerate().map(weigh).sum::<u32>() % 10 == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "973dfe463ec85785f5f95af5ba3906eedb2d931c24e69824a89ea65dba4e813b";

    #[test]
    fn a_value_is_checked_against_its_scheme() {
        let shop = Scheme::CustomerNumber(PartnerId::new("cdnow").unwrap());
        for (scheme, value, expected) in [
            (Scheme::EmailHash, HASH, None),
            (Scheme::EmailHash, "abc", Some(NoIdentifier::NoHash)),
            (Scheme::EmailHash, "test@example.com", Some(NoIdentifier::Address)),
            (Scheme::CardToken, "tok_4f9d", None),
            (Scheme::CardToken, "4111111111111111", Some(NoIdentifier::CardNumber)),
            (Scheme::CardToken, "4111-1111-1111-1111", Some(NoIdentifier::CardNumber)),
            (Scheme::CardToken, "4111 1111 1111 1111", Some(NoIdentifier::CardNumber)),
            (shop, "00001", None),
            (shop, "4111111111111112", None),
            (shop, "", Some(NoIdentifier::Empty)),
            (shop, "a b", Some(NoIdentifier::Character)),
        ] {
            assert_eq!(Identifier::new(scheme, value).err(), expected, "{value}");
            let stored = postcard::to_stdvec(&(scheme, value)).unwrap();
            let read = postcard::from_bytes::<Identifier>(&stored);
            assert_eq!(read.ok(), Identifier::new(scheme, value).ok(), "{value} from storage");
        }
        assert_eq!(Identifier::new(shop, &"x".repeat(129)).err(), Some(NoIdentifier::TooLong));
    }

    #[test]
    fn scopes_keep_customer_numbers_apart() {
        let at =
            |partner| Identifier::new(Scheme::CustomerNumber(PartnerId::new(partner).unwrap()), "1").unwrap();
        assert_ne!(at("a").account(), at("b").account());
    }

    #[test]
    fn the_account_of_an_identifier_is_frozen() {
        // Computed with Python: uuid.uuid5(namespace, "email-hash::" + value).
        let email = Identifier::new(Scheme::EmailHash, HASH).unwrap();
        assert_eq!(email.account().to_string(), "718a7b8a-3ce7-5ce3-a2b4-a6ff562afd4b");
    }

    #[test]
    fn debug_output_holds_no_value() {
        let email = Identifier::new(Scheme::EmailHash, HASH).unwrap();
        assert!(!format!("{email:?}").contains(HASH));
    }
}
