//! Names and references: short texts.

use std::str::FromStr;

use coalition_domain::{NoReference, NoSlug, REFERENCE_MAX, Reference, SLUG_MAX};
use coalition_proto::r#type::v1::ErrorReason;

use crate::Refusal;

/// Reads a name: a channel, a purpose, a kind.
///
/// # Errors
/// `FIELD_MISSING` when it is empty, `FIELD_TOO_LONG` above 31 characters, `INVALID_ARGUMENT` outside the alphabet.
pub fn name_from_proto<T: FromStr<Err = NoSlug>>(text: &str, field: &str) -> Result<T, Refusal> {
    if text.is_empty() {
        return Err(Refusal::missing(field));
    }
    if text.len() > SLUG_MAX {
        let message = format!("{field} is longer than {SLUG_MAX} characters");
        return Err(Refusal::new(ErrorReason::FieldTooLong, field, message));
    }
    text.parse().map_err(|_| {
        let message = format!("{field} is not made of a-z, 0-9, - and _, the first a letter or digit");
        Refusal::new(ErrorReason::InvalidArgument, field, message)
    })
}

/// Reads the name of a resource: `collection` and a name, as in `partners/cdnow` of the collection `partners/`.
///
/// # Errors
/// As [`name_from_proto`] for what stands behind the collection, and `INVALID_ARGUMENT` without it.
pub fn resource_from_proto<T: FromStr<Err = NoSlug>>(
    text: &str,
    collection: &str,
    field: &str,
) -> Result<T, Refusal> {
    if text.is_empty() {
        return Err(Refusal::missing(field));
    }
    let name = text.strip_prefix(collection).filter(|name| !name.is_empty()).ok_or_else(|| {
        let message = format!("{field} is not {collection} with a name behind it");
        Refusal::new(ErrorReason::InvalidArgument, field, message)
    })?;
    name_from_proto(name, field)
}

/// Reads a reference: an id of an event, an order, a message.
///
/// # Errors
/// `FIELD_MISSING` when it is empty, `FIELD_TOO_LONG` above 128 bytes, `INVALID_ARGUMENT` with a control character.
pub fn reference_from_proto(text: &str, field: &str) -> Result<Reference, Refusal> {
    Reference::new(text).map_err(|why| match why {
        NoReference::Empty => Refusal::missing(field),
        NoReference::TooLong => {
            let message = format!("{field} is longer than {REFERENCE_MAX} bytes");
            Refusal::new(ErrorReason::FieldTooLong, field, message)
        }
        NoReference::Control => Refusal::new(ErrorReason::InvalidArgument, field, format!("{field} {why}")),
    })
}
