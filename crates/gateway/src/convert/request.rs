//! What requests have in common.

use coalition_domain::account::past::DateBasis;
use coalition_domain::order::{opening_key, order_key};
use coalition_domain::{AccountId, Currency, Identifier, PartnerId, Reference, RequestId, Scheme, UnitPrice};
use coalition_intake::convert::{identifier_from_proto, reference_from_proto};
use coalition_proto::account::v1 as proto_account;
use coalition_proto::r#type::v1::{self as proto, ErrorReason};

use crate::call::Call;
use crate::status::Failure;

/// Reads a request id.
pub(crate) fn request_id(text: &str) -> Result<RequestId, Failure> {
    if text.is_empty() {
        return Err(Failure::missing("request_id"));
    }
    text.parse()
        .map_err(|_| Failure::invalid("request_id", "is no uuid of version 7; draw one for each request"))
}

/// Reads an identifier that a caller names; a customer number has to be one of the caller's own.
pub(crate) fn identifier(call: &Call, said: Option<&proto::Identifier>) -> Result<Identifier, Failure> {
    let said = said.ok_or_else(|| Failure::missing("identifier"))?;
    let identifier = identifier_from_proto(said, "identifier", call.partner())?;
    match identifier.scheme() {
        Scheme::CustomerNumber(scope) => call.check_partner(&scope)?,
        Scheme::EmailHash | Scheme::CardToken | Scheme::Order(_) => {}
    }
    Ok(identifier)
}

/// Reads the identifier of an event of `partner`.
fn identifier_of_event(partner: PartnerId, said: Option<&proto::Identifier>) -> Result<Identifier, Failure> {
    let said = said.ok_or_else(|| Failure::missing("identifier"))?;
    let identifier = identifier_from_proto(said, "identifier", Some(partner))?;
    match identifier.scheme() {
        Scheme::CustomerNumber(scope) if scope != partner => {
            let message = "is not the partner that sent the event";
            Err(Failure::of_field(ErrorReason::PartnerMismatch, "identifier.scope", message))
        }
        Scheme::CustomerNumber(_) | Scheme::EmailHash | Scheme::CardToken | Scheme::Order(_) => {
            Ok(identifier)
        }
    }
}

/// The account that an event of `partner` came to: of the identifier that it named, or of the order or opening that it takes
/// back if it named nobody.
pub(crate) fn account_of_event(
    partner: PartnerId,
    identifier: Option<&proto::Identifier>,
    order: &str,
    opening: &str,
) -> Result<AccountId, Failure> {
    let of = |key| Identifier::of_order(partner, &key).account();
    Ok(match (identifier, order, opening) {
        (Some(_), ..) | (None, "", "") => identifier_of_event(partner, identifier)?.account(),
        (None, order, "") => of(order_key(partner, &reference("order_id", order)?)),
        (None, "", opening) => of(opening_key(partner, &reference("reference", opening)?)),
        (None, ..) => return Err(Failure::invalid("reference", "is not for events with an order_id")),
    })
}

/// Reads by which time decisions count.
pub(crate) fn date_basis(basis: i32) -> Result<DateBasis, Failure> {
    match proto_account::DateBasis::try_from(basis) {
        Ok(proto_account::DateBasis::Unspecified | proto_account::DateBasis::RecordedTime) => {
            Ok(DateBasis::RecordedTime)
        }
        Ok(proto_account::DateBasis::EventTime) => Ok(DateBasis::EventTime),
        Err(_) => Err(Failure::invalid("date_basis", "is none that the network knows")),
    }
}

/// Reads a reference.
pub(crate) fn reference(field: &str, text: &str) -> Result<Reference, Failure> {
    Ok(reference_from_proto(text, field)?)
}

/// Reads a unit price.
pub(crate) fn unit_price(field: &str, price: &proto::UnitPrice) -> Result<UnitPrice, Failure> {
    let at = |part: &str| format!("{field}.{part}");
    let currency: Currency = price.currency_code.parse().map_err(|_| {
        let message = "is no code of ISO 4217, three letters such as USD";
        Failure::of_field(ErrorReason::CurrencyUnknown, &at("currency_code"), message)
    })?;
    UnitPrice::new(currency, price.micros).map_err(|range| {
        let reason = if price.micros < 0 { ErrorReason::AmountNegative } else { ErrorReason::AmountTooLarge };
        Failure::of_field(reason, &at("micros"), format!("is out of range: {range}"))
    })
}

/// Writes a unit price.
pub(crate) fn unit_price_to_proto(price: &UnitPrice) -> proto::UnitPrice {
    proto::UnitPrice { currency_code: price.currency().code().to_owned(), micros: price.micros() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_id_is_a_uuid_of_version_7() {
        assert!(request_id("017f22e2-79b0-7cc3-98c4-dc0c0c07398f").is_ok());
        let reason = |text| request_id(text).unwrap_err().reason;
        assert_eq!(reason(""), ErrorReason::FieldMissing);
        assert_eq!(reason("919108f7-52d1-4320-9bac-f847db4148a8"), ErrorReason::InvalidArgument);
    }

    #[test]
    fn unit_prices_are_refused_with_their_own_reasons() {
        let read = |currency: &str, micros| {
            let price = proto::UnitPrice { currency_code: currency.to_owned(), micros };
            unit_price("p", &price)
                .map(|price| unit_price_to_proto(&price).micros)
                .map_err(|failure| failure.reason)
        };
        assert_eq!(read("USD", 9_000), Ok(9_000));
        assert_eq!(read("usd", 9_000), Err(ErrorReason::CurrencyUnknown));
        assert_eq!(read("USD", -1), Err(ErrorReason::AmountNegative));
        assert_eq!(read("USD", 1_000_000_001), Err(ErrorReason::AmountTooLarge));
    }
}
