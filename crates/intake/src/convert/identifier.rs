//! Identifiers: who is meant.

use coalition_domain::{Identifier, NoIdentifier, PartnerId, Scheme, is_card_number};
use coalition_proto::r#type::v1::{self as proto, ErrorReason, IdentifierScheme};

use super::resource_from_proto;
use crate::Refusal;

/// Reads an identifier. `speaker` is the partner that is meant where a customer number names no scope; `None` when the
/// caller is no partner.
///
/// The value is judged before all else: one that must not be kept is refused as such whatever else is wrong.
///
/// # Errors
/// `IDENTIFIER_REFUSED` for a value that doesn't fit its scheme, or looks like a card number or an address;
/// `FIELD_MISSING`; `INVALID_ARGUMENT` for a scheme that isn't known, or a scope where there can be none.
pub fn identifier_from_proto(
    identifier: &proto::Identifier,
    field: &str,
    speaker: Option<PartnerId>,
) -> Result<Identifier, Refusal> {
    let at = |part: &str| format!("{field}.{part}");
    let judge = |scheme| {
        let known = Identifier::new(scheme, &identifier.value);
        known.and_then(|known| undisguised(&known).map(|()| known)).map_err(|why| match why {
            NoIdentifier::Empty => Refusal::missing(&at("value")),
            NoIdentifier::TooLong
            | NoIdentifier::Character
            | NoIdentifier::NoHash
            | NoIdentifier::CardNumber
            | NoIdentifier::Address => {
                Refusal::new(ErrorReason::IdentifierRefused, &at("value"), why.to_string())
            }
        })
    };
    match IdentifierScheme::try_from(identifier.scheme) {
        Ok(IdentifierScheme::EmailHash) => {
            judge(Scheme::EmailHash).and_then(|it| unscoped(it, identifier, field))
        }
        Ok(IdentifierScheme::CardToken) => {
            judge(Scheme::CardToken).and_then(|it| unscoped(it, identifier, field))
        }
        Ok(IdentifierScheme::CustomerNumber) => {
            let scope = match identifier.scope.as_str() {
                "" => speaker.ok_or_else(|| Refusal::missing(&at("scope"))),
                scope => resource_from_proto(scope, "partners/", &at("scope")),
            };
            match scope {
                Ok(scope) => judge(Scheme::CustomerNumber(scope)),
                // Values of every scope are judged alike.
                Err(refusal) => judge(Scheme::CardToken).and(Err(refusal)),
            }
        }
        Ok(IdentifierScheme::Unspecified) => {
            judge(Scheme::CardToken).and(Err(Refusal::missing(&at("scheme"))))
        }
        Err(_) => {
            let message = "the scheme of an identifier is one of its closed list";
            let refusal = Refusal::new(ErrorReason::InvalidArgument, &at("scheme"), message);
            judge(Scheme::CardToken).and(Err(refusal))
        }
    }
}

/// Refuses what is a card number or an address for everybody who looks at it, though its bytes are other ones. It stands
/// here and not among the rules of [`Identifier`], as those judge what is stored, too, and can't become stricter.
fn undisguised(identifier: &Identifier) -> Result<(), NoIdentifier> {
    let value = identifier.value();
    let shows =
        |sign: &&[u8]| value.as_bytes().windows(sign.len()).any(|part| part.eq_ignore_ascii_case(sign));
    if [&b"%40"[..], b"(at)", b"[at]"].iter().any(shows) {
        return Err(NoIdentifier::Address);
    }
    // Most have a letter, and nothing more is looked at.
    let plain = value.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_punctuation());
    let digits = || value.chars().filter(char::is_ascii_digit).collect::<String>();
    if plain && is_card_number(&digits()) { Err(NoIdentifier::CardNumber) } else { Ok(()) }
}

fn unscoped(known: Identifier, identifier: &proto::Identifier, field: &str) -> Result<Identifier, Refusal> {
    if identifier.scope.is_empty() {
        return Ok(known);
    }
    let message = "only customer numbers have a scope; leave it empty";
    Err(Refusal::new(ErrorReason::InvalidArgument, &format!("{field}.scope"), message))
}

/// Writes an identifier.
pub fn identifier_to_proto(identifier: &Identifier) -> proto::Identifier {
    let (scheme, scope) = match identifier.scheme() {
        Scheme::EmailHash => (IdentifierScheme::EmailHash, String::new()),
        Scheme::CardToken => (IdentifierScheme::CardToken, String::new()),
        Scheme::CustomerNumber(partner) => (IdentifierScheme::CustomerNumber, format!("partners/{partner}")),
        // Nobody's: no member has one, and no list shows it.
        Scheme::Order(partner) => (IdentifierScheme::Unspecified, format!("partners/{partner}")),
    };
    proto::Identifier { scheme: scheme.into(), scope, value: identifier.value().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_lead_back() {
        let cdnow = PartnerId::new("cdnow").unwrap();
        for scheme in [Scheme::EmailHash, Scheme::CardToken, Scheme::CustomerNumber(cdnow)] {
            let identifier = Identifier::new(scheme, &"0".repeat(64)).unwrap();
            let proto = identifier_to_proto(&identifier);
            assert_eq!(identifier_from_proto(&proto, "identifier", None).unwrap(), identifier);
        }
    }

    #[test]
    fn a_card_number_or_an_address_is_seen_behind_its_signs() {
        let scheme = IdentifierScheme::CardToken.into();
        for (value, refused) in [
            ("4111.1111.1111.1111", true),
            ("4111_1111_1111_1111", true),
            ("4111/1111:1111-1111", true),
            ("(4111)1111111111,11", true),
            ("jane%40example.com", true),
            ("jane(AT)example.com", true),
            ("4111.1111.1111.1112", false),
            ("4111.1111.1111", false),
            ("tok_4111111111111111", false),
            ("a%41b", false),
        ] {
            let proto = proto::Identifier { scheme, scope: String::new(), value: value.to_owned() };
            let judged = identifier_from_proto(&proto, "identifier", None);
            let reason = judged.err().map(|refusal| refusal.reason);
            assert_eq!(reason, refused.then_some(ErrorReason::IdentifierRefused), "{value}");
        }
    }

    #[test]
    fn a_customer_number_is_the_speakers_if_it_names_no_scope() {
        let scheme = IdentifierScheme::CustomerNumber.into();
        let proto = proto::Identifier { scheme, scope: String::new(), value: "00001".to_owned() };
        let speaker = PartnerId::new("cdnow").unwrap();
        let identifier = identifier_from_proto(&proto, "identifier", Some(speaker)).unwrap();
        assert_eq!(identifier.scheme(), Scheme::CustomerNumber(speaker));
        let refusal = identifier_from_proto(&proto, "identifier", None).unwrap_err();
        assert_eq!(refusal.field, "identifier.scope");
    }
}
