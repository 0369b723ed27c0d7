//! Names and references: short texts.

use std::str::FromStr;

use coalition_domain::adjustment::{NoNote, Note};
use coalition_domain::{NoReference, NoSlug, REFERENCE_MAX, Reference, SLUG_MAX};
use coalition_proto::r#type::v1::ErrorReason;

use crate::{Refusal, personal};

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
/// `FIELD_MISSING` when it is empty, `FIELD_TOO_LONG` above 128 bytes, `INVALID_ARGUMENT` when it shows nothing but blanks, or
/// holds a control character or one that isn't seen.
pub fn reference_from_proto(text: &str, field: &str) -> Result<Reference, Refusal> {
    let refuse = |why: &str| Err(Refusal::new(ErrorReason::InvalidArgument, field, format!("{field} {why}")));
    if text.chars().any(is_unseen) {
        return refuse("holds a character that is not seen, or changes the direction of writing");
    }
    if !text.is_empty() && text.trim().is_empty() {
        return refuse("is blank");
    }
    Reference::new(text).map_err(|why| match why {
        NoReference::Empty => Refusal::missing(field),
        NoReference::TooLong => {
            let message = format!("{field} is longer than {REFERENCE_MAX} bytes");
            Refusal::new(ErrorReason::FieldTooLong, field, message)
        }
        NoReference::Control => Refusal::new(ErrorReason::InvalidArgument, field, format!("{field} {why}")),
    })
}

/// Reads what one operator writes for others.
///
/// # Errors
/// `FIELD_TOO_LONG` above 200 characters; `INVALID_ARGUMENT` when it shows nothing but blanks, holds a control character or
/// one that isn't seen, or shows an e-mail address or the number of a payment card.
pub fn note_from_proto(text: &str, field: &str) -> Result<Note, Refusal> {
    let refuse = |why: &str| Err(Refusal::new(ErrorReason::InvalidArgument, field, format!("{field} {why}")));
    if text.chars().any(is_unseen) {
        return refuse("holds a character that is not seen, or changes the direction of writing");
    }
    if text.trim().is_empty() {
        return refuse("is blank");
    }
    // People write the number of a card in groups.
    let grouped = |part: &str| part.bytes().filter(u8::is_ascii_digit).collect::<Vec<u8>>();
    let mut parts = text.split(|sign: char| !sign.is_ascii_digit() && sign != ' ' && sign != '-');
    if personal::is_in(text.as_bytes()) || parts.any(|part| personal::is_in(&grouped(part))) {
        return refuse("shows what must not be kept: an e-mail address, or the number of a payment card");
    }
    Note::new(text).map_err(|why| {
        let reason = match why {
            NoNote::TooLong => ErrorReason::FieldTooLong,
            NoNote::Empty | NoNote::Control => ErrorReason::InvalidArgument,
        };
        Refusal::new(reason, field, format!("{field} {why}"))
    })
}

/// Whether a character is passed over, or turns others around, where people read it: two ids that look alike could differ,
/// or one could be shown as another. Unicode 17's general category Cf, and what it draws as a blank without calling it one.
fn is_unseen(sign: char) -> bool {
    matches!(
        sign,
        '\u{ad}'
            | '\u{34f}'
            | '\u{600}'..='\u{605}'
            | '\u{61c}'
            | '\u{6dd}'
            | '\u{70f}'
            | '\u{890}'..='\u{891}'
            | '\u{8e2}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{110bd}'
            | '\u{110cd}'
            | '\u{13430}'..='\u{1345f}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<(), (ErrorReason, &str)>) {
        let read = reference_from_proto(text, "event_id");
        let found = read.as_ref().map(|_| ()).map_err(|it| (it.reason, it.message.as_str()));
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn a_reference_is_what_people_see() {
        let refused = |why| Err((ErrorReason::InvalidArgument, why));
        let unseen =
            refused("event_id holds a character that is not seen, or changes the direction of writing");
        for good in ["order 7", "Bestellung-Ä", "注文7", "🛒"] {
            check(good, Ok(()));
        }
        for sign in ['\u{200b}', '\u{202e}', '\u{2066}', '\u{feff}', '\u{ad}', '\u{e0041}', '\u{3164}'] {
            check(&format!("order{sign}7"), unseen);
        }
        for blank in [" ", "\u{a0}\u{3000}"] {
            check(blank, refused("event_id is blank"));
        }
        check("order\t7", refused("event_id holds a control character"));
        check("", Err((ErrorReason::FieldMissing, "event_id is required")));
    }
}
