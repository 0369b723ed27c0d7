//! JSON as proto3 maps it: 64 bits as texts or numbers, names of enum values or their numbers, instants as RFC 3339; fields
//! in camel case or as the API writes them, and no others.

use std::sync::LazyLock;

use coalition_proto::FILE_DESCRIPTOR_SET;
use coalition_proto::event::v1::PartnerEvent;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use serde::Deserializer;
use serde_json::error::Category;
use serde_path_to_error::Track;

use super::malformed;
use super::once::Once;
use crate::Refusal;

static POOL: LazyLock<DescriptorPool> =
    LazyLock::new(|| DescriptorPool::decode(FILE_DESCRIPTOR_SET).expect("the build wrote it"));
static EVENT: LazyLock<MessageDescriptor> = LazyLock::new(|| message("coalition.event.v1.PartnerEvent"));
static TIMESTAMP: LazyLock<MessageDescriptor> = LazyLock::new(|| message("google.protobuf.Timestamp"));

fn message(name: &str) -> MessageDescriptor {
    POOL.get_message_by_name(name).expect("the API declares it or imports it")
}

/// Reads an event.
///
/// # Errors
/// `MALFORMED`, with the path of the field where there is one and the place.
pub(super) fn event(bytes: &[u8]) -> Result<PartnerEvent, Refusal> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let mut track = Track::new();
    let tracked = serde_path_to_error::Deserializer::new(&mut json, &mut track);
    let message = read(&EVENT, tracked).and_then(|message| json.end().map(|()| message));
    let message = message.map_err(|error| refusal(&error, &track.path().to_string()))?;
    check_once(bytes)?;
    message.transcode_to().map_err(|_| malformed("", "the JSON is no partner event"))
}

/// Reads an instant as RFC 3339 writes it, in the years 1 to 9999; `None` for any other text.
pub(super) fn timestamp(text: &str) -> Option<prost_types::Timestamp> {
    let text = serde::de::value::StrDeserializer::<serde::de::value::Error>::new(text);
    read(&TIMESTAMP, text).ok()?.transcode_to().ok()
}

fn read<'de, D: Deserializer<'de>>(of: &MessageDescriptor, from: D) -> Result<DynamicMessage, D::Error> {
    DynamicMessage::deserialize(of.clone(), from)
}

/// Of a field that comes twice the library takes the last, and others the first: which one is meant isn't known. `bytes` are
/// an event, so the names in it are the API's own and may be shown.
fn check_once(bytes: &[u8]) -> Result<(), Refusal> {
    let twice = |error: serde_json::Error| {
        let (line, column) = (error.line(), error.column());
        let field = error.to_string().split('"').nth(1).unwrap_or_default().to_owned();
        malformed(&field, format!("the field comes twice (line {line}, column {column})"))
    };
    serde_json::from_slice::<Once>(bytes).map(|Once| ()).map_err(twice)
}

/// The library's own words repeat values, which may be what must not be kept: only its places are told.
fn refusal(error: &serde_json::Error, path: &str) -> Refusal {
    let place = format!("line {}, column {}", error.line(), error.column());
    let parent = if path == "." { "" } else { path };
    match error.classify() {
        Category::Syntax | Category::Eof | Category::Io => {
            malformed("", format!("the record is no JSON at {place}"))
        }
        Category::Data => match unknown_field(&error.to_string()) {
            Some(name) => {
                let field =
                    [parent, name].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".");
                malformed(&field, format!("an event has no such field ({place})"))
            }
            None if is_time(parent) => {
                let form = "write an instant as RFC 3339 with its offset, such as 2026-11-22T09:30:00+01:00";
                malformed(parent, format!("{form} ({place})"))
            }
            None => malformed(parent, format!("the value is none that the field can have ({place})")),
        },
    }
}

/// Whether a field is an instant: all of the API are called so, and no others.
fn is_time(path: &str) -> bool {
    path.ends_with("_time") || path.ends_with("Time")
}

/// The name of a field that the API doesn't have, as far as it can be shown: one that looks like the name of a field.
fn unknown_field(said: &str) -> Option<&str> {
    let name = said.strip_prefix("unrecognized field name '")?.split('\'').next()?;
    let named = name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.len() <= 64
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    Some(if named { name } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Field and message of the refusal.
    fn refused(json: &str) -> (String, String) {
        let refusal = event(json.as_bytes()).unwrap_err();
        (refusal.field, refusal.message)
    }

    fn field(json: &str) -> String {
        refused(json).0
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let told = |field: &str, message: &str| (field.to_owned(), message.to_owned());
        assert_eq!(
            refused("{\n \"event_id\": 1}"),
            told("event_id", "the value is none that the field can have (line 2, column 14)")
        );
        assert_eq!(refused("{\"id\": 1}"), told("id", "an event has no such field (line 1, column 5)"));
        assert_eq!(refused("{\"event_id\": "), told("", "the record is no JSON at line 1, column 13"));
        assert_eq!(refused("{} {}"), told("", "the record is no JSON at line 1, column 4"));
        let form = "write an instant as RFC 3339 with its offset, such as 2026-11-22T09:30:00+01:00";
        assert_eq!(
            refused("{\"event_time\": \"2026-11-22 09:30\"}"),
            told("event_time", &format!("{form} (line 1, column 33)"))
        );
        assert_eq!(field("{\"eventTime\": 1795339800}"), "eventTime");
        assert_eq!(refused("[]").0, "");
        let nested = "{\"purchase\": {\"amount\": {\"unit\": 1}}}";
        assert_eq!(field(nested), "purchase.amount.unit");
        assert_eq!(field("{\"signUp\": {\"consentPurposes\": [\"a\", 1]}}"), "signUp.consentPurposes[1]");
    }

    #[test]
    fn a_field_that_comes_twice_is_refused() {
        let message = |column: u32| format!("the field comes twice (line 1, column {column})");
        for (json, name, column) in [
            (r#"{"event_id": "a", "event_id": "b"}"#, "event_id", 28),
            (r#"{"event_id": "a", "event_id": "a"}"#, "event_id", 28),
            (r#"{"event_id": "a", "eventId": "b"}"#, "eventId", 27),
            (r#"{"event_id": null, "event_id": "b"}"#, "event_id", 29),
            (r#"{"purchase": {"order_id": "1", "amount": {"units": 1, "units": 2}}}"#, "units", 61),
            (r#"{"\u0065vent_id": "a", "event_id": "b"}"#, "event_id", 33),
        ] {
            assert_eq!(refused(json), (name.to_owned(), message(column)), "{json}");
        }
        assert!(event(br#"{"purchase": {"order_id": "1"}, "event_id": "1"}"#).is_ok());
        // Two that exclude each other.
        assert!(event(br#"{"purchase": {}, "sign_up": {}}"#).is_err());
    }

    #[test]
    fn no_value_is_repeated() {
        for json in [
            "{\"jane@example.com\": 1}",
            "{\"4111111111111111\": 1}",
            "{\"identifier\": {\"scheme\": \"jane@example.com\"}}",
            "{\"identifier\": \"jane@example.com\"}",
            "{\"revision\": \"4111111111111111\"}",
            "{\"event_time\": \"jane@example.com\"}",
            "{\"identifier\": {\"value\": \"jane@example.com\"}, \"4111111111111111\"}",
        ] {
            let (field, message) = refused(json);
            assert!(!format!("{field} {message}").contains("jane"), "{field} {message}");
            assert!(!format!("{field} {message}").contains("4111"), "{field} {message}");
        }
    }

    /// Units beyond 2^53 that are written as floating point are rounded, far above the largest amount of an event.
    #[test]
    fn numbers_keep_to_their_range() {
        let nanos =
            |text: &str| event(format!("{{\"purchase\":{{\"amount\":{{\"nanos\":{text}}}}}}}").as_bytes());
        let units =
            |text: &str| event(format!("{{\"purchase\":{{\"amount\":{{\"units\":{text}}}}}}}").as_bytes());
        for good in ["2147483647", "\"2147483647\"", "-2147483648", "1e3", "5.0"] {
            assert!(nanos(good).is_ok(), "{good}");
        }
        for bad in [
            "2147483648",
            "\"2147483648\"",
            "-2147483649",
            "1.5",
            "\"1.5\"",
            "true",
            "\"\"",
            "\" 1\"",
            "1e40",
        ] {
            assert!(nanos(bad).is_err(), "{bad}");
        }
        for good in ["9223372036854775807", "\"9223372036854775807\"", "-9223372036854775808"] {
            assert!(units(good).is_ok(), "{good}");
        }
        for bad in ["9223372036854775808", "\"9223372036854775808\"", "\"-9223372036854775809\"", "1e19"] {
            assert!(units(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn instants_are_those_of_rfc_3339() {
        for (text, expected) in [
            ("1997-01-12T00:00:00Z", Some((853_027_200, 0))),
            ("1997-01-12T01:00:00.25+01:00", Some((853_027_200, 250_000_000))),
            ("0001-01-01T00:00:00Z", Some((-62_135_596_800, 0))),
            ("9999-12-31T23:59:59.999999999Z", Some((253_402_300_799, 999_999_999))),
            ("0001-01-01T00:00:00+00:01", None),
            ("9999-12-31T23:59:59-00:01", None),
            ("10000-01-01T00:00:00Z", None),
            ("1997-01-12", None),
            ("1997-01-12T00:00:00", None),
            ("1997-02-30T00:00:00Z", None),
            ("1997-01-12T24:00:00Z", None),
            ("", None),
        ] {
            let found = timestamp(text).map(|time| (time.seconds, time.nanos));
            assert_eq!(found, expected, "{text}");
            let json = format!("{{\"event_time\": \"{text}\"}}");
            assert_eq!(event(json.as_bytes()).is_ok(), expected.is_some(), "{text}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        for (open, close) in [("[", "]"), ("{\"purchase\":", "}")] {
            let deep = open.repeat(10_000) + "1" + &close.repeat(10_000);
            assert!(event(deep.as_bytes()).is_err());
            let within = format!("{{\"event_id\": {deep}}}");
            assert!(event(within.as_bytes()).is_err());
        }
    }
}
