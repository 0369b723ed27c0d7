//! What becomes of one record of a partner's topic.

use bytes::Bytes;
use coalition_domain::{AccountId, PartnerId, Reference};
use coalition_journal::log::{Record, Stored};
use coalition_ledger::inbox::{Request, Source};
use coalition_ledger::trace::HEADER;

use crate::decode::{in_base64, open};
use crate::{Decoded, Refusal, TraceParent, personal, translate};

/// Where a record failed, as Kafka Connect names the stages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stage {
    /// Its bytes are no message.
    Decode,
    /// The message can't be accepted.
    Translate,
    /// The ledger refused the event.
    Decide,
}

/// A record for the inbox, and the account that places it there.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) account: AccountId,
    pub(crate) record: Record,
}

/// Why a record goes back to its partner.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) stage: Stage,
    pub(crate) refusal: Refusal,
    /// It shows what must not be stored anywhere.
    pub(crate) hidden: bool,
    /// Of which event, where that could be read and may be shown.
    pub(crate) event_id: Option<Reference>,
}

/// Judges a record by the time at which the log took it: whenever it is read again, it gets the same answer.
pub(crate) fn judge(partner: PartnerId, partition: u32, stored: &Stored) -> Result<Accepted, Refused> {
    let refused = |stage, refusal: Refusal, data: &[u8]| {
        let hidden = refusal.hides_value() || personal::is_in_record(&stored.record) || personal::is_in(data);
        Refused { stage, refusal, hidden, event_id: None }
    };
    let envelope = open(&stored.record)
        .map_err(|refusal| refused(Stage::Decode, refusal, &in_base64(&stored.record)))?;
    let Decoded { event, traceparent } =
        envelope.read().map_err(|refusal| refused(Stage::Decode, refusal, &envelope.data))?;
    let event = translate(partner, &event, stored.append_time).map_err(|refusal| {
        let event_id = personal::event_id(&event, &refusal);
        Refused { event_id, ..refused(Stage::Translate, refusal, &envelope.data) }
    })?;
    let account = event.identifier.account();
    // Kept beside the command, not in it: what was asked for is the same without it.
    let trace = |it: TraceParent| (HEADER.to_owned(), Bytes::copy_from_slice(it.as_str().as_bytes()));
    let record = Record {
        key: Some(Bytes::copy_from_slice(account.0.as_bytes())),
        headers: traceparent.map(trace).into_iter().collect(),
        value: Request::Event(event, Source { partition, offset: stored.offset }).encode(),
    };
    Ok(Accepted { account, record })
}

#[cfg(test)]
mod tests {
    use coalition_domain::Timestamp;
    use coalition_journal::log::Offset;
    use coalition_proto::event::v1::PartnerEvent;
    use coalition_proto::event::v1::partner_event::Body;
    use coalition_proto::r#type::v1::{ErrorReason, Identifier, IdentifierScheme};
    use prost::Message;

    use super::*;

    fn event() -> PartnerEvent {
        PartnerEvent {
            event_id: "1".to_owned(),
            identifier: Some(Identifier {
                scheme: IdentifierScheme::CardToken.into(),
                value: "token".to_owned(),
                ..Identifier::default()
            }),
            event_time: Some(prost_types::Timestamp { seconds: 1_000, nanos: 0 }),
            body: Some(Body::SignUp(Default::default())),
            ..PartnerEvent::default()
        }
    }

    fn judged(record: Record, taken_millis: i64) -> Result<Accepted, Refused> {
        let append_time = Timestamp::from_millis(taken_millis);
        judge(PartnerId::new("a").unwrap(), 0, &Stored { offset: Offset(0), append_time, record })
    }

    fn header(name: &str, value: &str) -> (String, Bytes) {
        (name.to_owned(), Bytes::copy_from_slice(value.as_bytes()))
    }

    #[test]
    fn an_event_is_judged_by_the_time_at_which_the_log_took_it() {
        let record = Record::of(event().encode_to_vec());
        assert!(judged(record.clone(), 700_000).is_ok());
        let refused = judged(record, 699_999).unwrap_err();
        assert_eq!((refused.stage, refused.refusal.reason), (Stage::Translate, ErrorReason::EventInFuture));
        assert!(!refused.hidden);
    }

    #[test]
    fn the_trace_goes_along_and_changes_nothing() {
        let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let plain = Record::of(event().encode_to_vec());
        let traced = Record { headers: vec![header("traceparent", trace)], ..plain.clone() };
        let broken = Record { headers: vec![header("traceparent", "00-1-2-3")], ..plain.clone() };
        let [plain, traced, broken] =
            [plain, traced, broken].map(|record| judged(record, 700_000).unwrap().record);
        assert_eq!(traced.headers, [header("traceparent", trace)]);
        assert_eq!(traced.value, plain.value);
        assert_eq!(broken, plain);
    }

    /// The binding's own example of a trace, on records that are refused each at another point.
    #[test]
    fn the_trace_of_a_refused_record_is_read_wherever_it_stands() {
        const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let binary: Vec<_> = [("specversion", "1.0"), ("id", "1"), ("source", "s"), ("type", "t")]
            .map(|(name, value)| header(&format!("ce_{name}"), value))
            .into_iter()
            .chain([header("Ce_TraceParent", TRACE)])
            .collect();
        let structured = |attributes: &str, data: &str| Record {
            headers: vec![header("Content-Type", "application/cloudevents+json; charset=utf-8")],
            ..Record::of(format!("{{{attributes}\"traceparent\":\"{TRACE}\",\"data\":{data}}}"))
        };
        let attributes = "\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"t\",";
        let late = event().encode_to_vec();
        for record in [
            Record { headers: vec![header("traceparent", TRACE)], ..Record::of(&b"{"[..]) },
            Record { headers: binary.clone(), ..Record::of(late) },
            Record { headers: binary[1..].to_vec(), ..Record::of(&b"{}"[..]) },
            structured(attributes, "{}"),
            structured("", "{}"),
            structured(attributes, "{\"nothing\":1}"),
        ] {
            assert!(judged(record.clone(), 0).is_err(), "{record:?}");
            let trace = crate::decode::traceparent(&record).map(|trace| trace.to_string());
            assert_eq!(trace.as_deref(), Some(TRACE), "{record:?}");
        }
        let without = Record { headers: vec![], ..structured(attributes, "{}") };
        assert_eq!(crate::decode::traceparent(&without), None);
    }

    #[test]
    fn a_refused_event_is_named_unless_its_id_shows_what_must_not_be_stored() {
        let named = |event_id: &str, value: &str| {
            let mut event = event();
            event.event_id = event_id.to_owned();
            event.identifier.as_mut().unwrap().value = value.to_owned();
            let refused = judged(Record::of(event.encode_to_vec()), 0).unwrap_err();
            refused.event_id.map(|id| id.as_str().to_owned())
        };
        assert_eq!(named("order-7", "token").as_deref(), Some("order-7"));
        assert_eq!(named("order-7", "jane@example.com").as_deref(), Some("order-7"));
        assert_eq!(named("read-jane@example.com", "token"), None);
        assert_eq!(named("4111111111111111", "token"), None);
        // A card of an airline: no run of digits that is looked for everywhere, but refused as an identifier.
        assert_eq!(named("of 122000000000003", "122000000000003"), None);
        assert_eq!(named("", "token"), None);
        assert_eq!(judged(Record::of(&b"{"[..]), 0).unwrap_err().event_id, None);
    }

    #[test]
    fn what_must_not_be_stored_is_found_wherever_a_record_is_refused() {
        let mail = |event: &mut PartnerEvent| {
            event.identifier.as_mut().unwrap().value = "jane@example.com".to_owned();
        };
        let mut raw = event();
        mail(&mut raw);
        let raw = raw.encode_to_vec();
        // Well read; cut short, so that no identifier can be judged; the same in base64.
        let cut = &raw[..raw.len() - 1];
        let base64 = {
            use base64::Engine;
            base64::engine::general_purpose::STANDARD.encode(cut)
        };
        let around = format!(
            "{{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"t\",\"data_base64\":\"{base64}\"}}"
        );
        let structured = header("content-type", "application/cloudevents+json");
        // Behind JSON's escapes, in a field that the API has and in a broken text; in UTF-16; around what can't be opened.
        let escaped = r#"{"event_id":"jane\u0040example.com"}"#;
        let utf16: Vec<_> =
            "\u{feff}{\"x\":\"jane@example.com\"}".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let unopened = around.replace("\"id\":\"1\",", "");
        for (record, stage) in [
            (Record::of(escaped), Stage::Translate),
            (Record::of(&escaped[..escaped.len() - 1]), Stage::Decode),
            (Record::of(utf16), Stage::Decode),
            (Record { headers: vec![structured.clone()], ..Record::of(unopened) }, Stage::Decode),
            (Record::of(raw.clone()), Stage::Translate),
            (Record::of(cut.to_vec()), Stage::Decode),
            (Record { headers: vec![structured], ..Record::of(around) }, Stage::Decode),
            (Record { key: Some("jane@example.com".into()), ..Record::of(&b"{"[..]) }, Stage::Decode),
        ] {
            let refused = judged(record, 700_000).unwrap_err();
            assert_eq!((refused.stage, refused.hidden), (stage, true), "{refused:?}");
        }
        assert!(!judged(Record::of(&b"{"[..]), 700_000).unwrap_err().hidden);
    }
}
