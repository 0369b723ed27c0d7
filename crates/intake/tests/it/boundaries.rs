//! What is refused and what is not, on both sides of each boundary, in every framing.

use coalition_domain::{PartnerId, Timestamp};
use coalition_intake::{decode, translate};
use coalition_journal::log::{MALFORMED_HEADER, Record};
use coalition_proto::event::v1::partner_event::Body;
use coalition_proto::event::v1::{PartnerEvent, Purchase, SignUp};
use coalition_proto::google::r#type::Money;
use coalition_proto::r#type::v1::{ErrorReason, Identifier, IdentifierScheme};

use crate::framing::{Framing, ID, header};
use crate::network::event;

/// 1997-01-12T00:00:00Z: the event's time, and when it came.
const NOW: i64 = 853_027_200;

type Expected<'a> = Option<(ErrorReason, &'a str)>;

fn judge(record: &Record) -> Result<coalition_domain::PartnerEvent, (ErrorReason, String)> {
    let (partner, now) = (PartnerId::new("cdnow").unwrap(), Timestamp::from_millis(NOW * 1_000));
    let event = decode(record).and_then(|decoded| translate(partner, &decoded.event, now));
    event.map_err(|refusal| (refusal.reason, refusal.field))
}

fn check_record(what: &str, record: &Record, expected: Expected<'_>) {
    let expected = expected.map(|(reason, field)| (reason, field.to_owned()));
    assert_eq!(judge(record).err(), expected, "{what}: {record:?}");
}

/// Frames an event, changed, in every way, and compares.
fn check(change: impl Fn(&mut PartnerEvent), expected: Expected<'_>) {
    let mut changed = event("e-1", 7);
    change(&mut changed);
    for framing in Framing::ALL {
        let record = framing.record(&changed).unwrap();
        check_record(&format!("{framing:?}"), &record, expected);
    }
}

#[test]
fn partners_speak_for_themselves_in_every_framing() {
    check(|event| event.partner = "partners/cdnow".into(), None);
    for other in ["partners/cdnow2", "partners/nobody"] {
        check(|event| event.partner = other.into(), Some((ErrorReason::PartnerMismatch, "partner")));
    }
}

#[test]
fn fields_are_there_and_short_enough_in_every_framing() {
    let missing = |field| Some((ErrorReason::FieldMissing, field));
    check(|event| event.identifier = None, missing("identifier"));
    check(|event| event.event_time = None, missing("event_time"));
    check(|event| event.body = None, missing("body"));
    check(|event| event.event_id = "x".repeat(128), None);
    check(|event| event.event_id = "x".repeat(129), Some((ErrorReason::FieldTooLong, "event_id")));
    check(|event| event.channel = "x".repeat(31), None);
    check(|event| event.channel = "x".repeat(32), Some((ErrorReason::FieldTooLong, "channel")));
    check(|event| event.revision = i32::MAX, None);
    check(|event| event.revision = -1, Some((ErrorReason::InvalidArgument, "revision")));
    let consents = |count| Some(Body::SignUp(SignUp { consent_purposes: vec!["mail".to_owned(); count] }));
    check(|event| event.body = consents(16), None);
    let too_many = Some((ErrorReason::FieldTooLong, "sign_up.consent_purposes"));
    check(|event| event.body = consents(17), too_many);
}

#[test]
fn amounts_and_currencies_are_bounded_in_every_framing() {
    let amount = |currency: &str, units, nanos, expected: Expected<'_>| {
        let amount = Some(Money { currency_code: currency.to_owned(), units, nanos });
        let purchase = Purchase { order_id: "o".to_owned(), amount, lines: Vec::new() };
        check(|event| event.body = Some(Body::Purchase(purchase.clone())), expected);
    };
    let refused = |reason| Some((reason, "purchase.amount"));
    amount("USD", 0, 0, None);
    amount("USD", 0, -1_000, refused(ErrorReason::AmountNegative));
    amount("USD", 1_000_000_000, 0, None);
    amount("USD", 1_000_000_000, 1_000, refused(ErrorReason::AmountTooLarge));
    amount("USD", i64::MAX, 0, refused(ErrorReason::AmountTooLarge));
    amount("USD", i64::MIN, 0, refused(ErrorReason::AmountNegative));
    amount("USD", 0, i32::MAX, Some((ErrorReason::InvalidArgument, "purchase.amount.nanos")));
    amount("CHF", 1, 0, None);
    for code in ["XXX", "usd", "CHG"] {
        amount(code, 1, 0, Some((ErrorReason::CurrencyUnknown, "purchase.amount.currency_code")));
    }
}

#[test]
fn events_lie_at_most_five_minutes_ahead_in_every_framing() {
    let at = |seconds, nanos| {
        move |event: &mut PartnerEvent| event.event_time = Some(prost_types::Timestamp { seconds, nanos })
    };
    check(at(NOW + 300, 999_999), None);
    check(at(NOW + 300, 1_000_000), Some((ErrorReason::EventInFuture, "event_time")));
    check(at(-62_135_596_800, 0), None);
}

#[test]
fn identifiers_are_tokens_in_every_framing() {
    let refused = Some((ErrorReason::IdentifierRefused, "identifier.value"));
    for (value, expected) in [
        ("tok_4f9d", None),
        ("4111111111111112", None),
        ("4111111111111111", refused),
        ("4111 1111 1111 1111", refused),
        ("jane@example.com", refused),
        ("12 Main Street, Boston", refused),
        ("Bahnhofstraße-1", refused),
    ] {
        let identifier = Identifier {
            scheme: IdentifierScheme::CardToken.into(),
            scope: String::new(),
            value: value.to_owned(),
        };
        check(|event| event.identifier = Some(identifier.clone()), expected);
    }
}

#[test]
fn an_id_and_a_time_may_stand_around_the_event() {
    let without_id = PartnerEvent { event_id: String::new(), ..event("", 7) };
    for framing in Framing::ALL {
        let judged = judge(&framing.record(&without_id).unwrap());
        let expected = if framing.is_cloud_event() {
            Ok(ID.to_owned())
        } else {
            Err((ErrorReason::FieldMissing, "event_id".to_owned()))
        };
        assert_eq!(judged.map(|event| event.event_id.to_string()), expected, "{framing:?}");
    }

    let binary = |event: &PartnerEvent, name: &str, value: &str| {
        let mut record = Framing::BinaryProtobuf.record(event).unwrap();
        record.headers.retain(|(known, _)| known != name);
        record.headers.push(header(name, value));
        record
    };
    let with = |name, value| binary(&event("e-1", 7), name, value);
    let invalid = |field| Some((ErrorReason::InvalidArgument, field));
    check_record("same id", &with("ce_id", "e-1"), None);
    check_record("other id", &with("ce_id", "e-2"), invalid("ce_id"));
    check_record("no id", &with("ce_id", ""), Some((ErrorReason::FieldMissing, "ce_id")));
    check_record("bad time", &with("ce_time", "yesterday"), invalid("ce_time"));
    check_record(
        "other version",
        &with("ce_specversion", "0.3"),
        Some((ErrorReason::FormatNotAccepted, "ce_specversion")),
    );
    check_record("no source", &with("ce_source", ""), Some((ErrorReason::FieldMissing, "ce_source")));
    check_record("no type", &with("ce_type", ""), Some((ErrorReason::FieldMissing, "ce_type")));
    let content_type = Some((ErrorReason::FormatNotAccepted, "content-type"));
    check_record("avro", &with("content-type", "application/avro"), content_type);
    check_record("batch", &with("content-type", "application/cloudevents-batch+json"), content_type);
    check_record("avro around", &with("content-type", "application/cloudevents+avro"), content_type);

    let time = |event: &PartnerEvent, time: &str| judge(&binary(event, "ce_time", time)).unwrap().event_time;
    let untimed = PartnerEvent { event_time: None, ..event("e-1", 7) };
    assert_eq!(time(&untimed, "1997-01-11T23:00:00.5Z"), Timestamp::from_millis(853_023_600_500));
    // The event's own time counts.
    assert_eq!(time(&event("e-1", 7), "1997-01-11T23:00:00.5Z"), Timestamp::from_millis(NOW * 1_000));
    let late = binary(&untimed, "ce_time", "1997-01-12T00:05:00.001Z");
    check_record("ahead", &late, Some((ErrorReason::EventInFuture, "event_time")));
}

#[test]
fn a_document_around_an_event_holds_it_once() {
    let structured = |data: &str| {
        let value = format!(r#"{{"specversion":"1.0","id":"1","source":"s","type":"t"{data}}}"#);
        Record { headers: vec![header("content-type", "application/cloudevents+json")], ..Record::of(value) }
    };
    let malformed = |field| Some((ErrorReason::Malformed, field));
    check_record("none", &structured(""), Some((ErrorReason::FieldMissing, "data")));
    check_record("null", &structured(r#","data":null"#), Some((ErrorReason::FieldMissing, "data")));
    check_record("empty", &structured(r#","data":{}"#), Some((ErrorReason::FieldMissing, "identifier")));
    check_record("both", &structured(r#","data":{},"data_base64":"""#), malformed("data"));
    check_record("twice", &structured(r#","data":{},"data":{}"#), malformed(""));
    check_record("no base64", &structured(r#","data_base64":"Cg""#), malformed("data_base64"));
    let text = r#","datacontenttype":"application/protobuf","data":"Cg==""#;
    check_record("text", &structured(text), malformed("data"));
    let avro = r#","datacontenttype":"application/avro","data_base64":"Cg==""#;
    check_record("avro", &structured(avro), Some((ErrorReason::FormatNotAccepted, "ce_datacontenttype")));
    check_record("no text", &structured(r#","time":7,"data":{}"#), malformed(""));
}

#[test]
fn a_record_is_bounded_in_every_framing() {
    let padded = |framing: Framing, bytes: usize| {
        let mut record = framing.record(&event("e-1", 7)).unwrap();
        let mut value = record.value.to_vec();
        if value.ends_with(b"}") {
            value.resize(bytes, b' ');
        } else {
            // Field 99 is none of an event's: protobuf passes it over. Its tag and length have 5 bytes here.
            let rest = bytes - value.len() - 5;
            value.extend([
                0x9a,
                0x06,
                (rest & 0x7f) as u8 | 0x80,
                (rest >> 7 & 0x7f) as u8 | 0x80,
                (rest >> 14) as u8,
            ]);
            value.resize(bytes, 0);
        }
        record.value = value.into();
        record
    };
    for framing in Framing::ALL {
        check_record("longest", &padded(framing, 65_536), None);
        check_record("longer", &padded(framing, 65_537), Some((ErrorReason::FieldTooLong, "")));
    }
    check_record("none", &Record::default(), Some((ErrorReason::FieldMissing, "")));
}

#[test]
fn headers_that_matter_are_text_and_say_one_thing() {
    let with = |headers: Vec<(String, bytes::Bytes)>| {
        let mut record = Framing::BinaryJson.record(&event("e-1", 7)).unwrap();
        record.headers.extend(headers);
        record
    };
    let malformed = |field| Some((ErrorReason::Malformed, field));
    check_record("the same again", &with(vec![header("CE_Id", "e-1")]), None);
    check_record("another id", &with(vec![header("ce_id", "e-2")]), malformed("ce_id"));
    check_record(
        "another type",
        &with(vec![header("Content-Type", "application/protobuf")]),
        malformed("content-type"),
    );
    check_record("no matter", &with(vec![header("x", "1"), header("x", "2")]), None);
    let bytes = bytes::Bytes::from_static(b"\xff");
    check_record("other bytes", &with(vec![("x".to_owned(), bytes.clone())]), None);
    check_record("no text", &with(vec![("ce_time".to_owned(), bytes)]), malformed("ce_time"));
    check_record("no name", &with(vec![header(MALFORMED_HEADER, "x\0y")]), malformed("headers"));
}
