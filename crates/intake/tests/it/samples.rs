//! Records that partners' own libraries wrote: testdata/samples.py says how.

use bytes::Bytes;
use coalition_domain::{PartnerId, Timestamp};
use coalition_intake::{decode, translate};
use coalition_journal::log::Record;
use coalition_proto::event::v1::{PartnerEvent, Purchase, partner_event::Body};
use coalition_proto::google::r#type::Money;
use coalition_proto::r#type::v1::{Identifier, IdentifierScheme};

/// Frozen: added to, never made anew.
const SAMPLES: &str = include_str!("../../testdata/samples.json");

/// A sample's name and record.
pub(crate) fn samples() -> Vec<(String, Record)> {
    let samples: Vec<serde_json::Value> = serde_json::from_str(SAMPLES).unwrap();
    samples.iter().map(|it| (it["name"].as_str().unwrap().to_owned(), record(it))).collect()
}

fn record(sample: &serde_json::Value) -> Record {
    let value = match sample["value_hex"].as_str() {
        Some(hex) => {
            let digits: Vec<u32> = hex.chars().map(|digit| digit.to_digit(16).unwrap()).collect();
            digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap()).collect()
        }
        None => sample["value"].as_str().unwrap().as_bytes().to_vec(),
    };
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let headers = sample["headers"].as_array().unwrap().iter();
    let headers = headers.map(|it| (text(&it[0]), Bytes::from(text(&it[1])))).collect();
    Record { headers, ..Record::of(value) }
}

/// What all of them say.
fn event() -> PartnerEvent {
    PartnerEvent {
        event_id: "order-00012".into(),
        partner: "partners/cdnow".into(),
        programme: "programmes/web-miles".into(),
        identifier: Some(Identifier {
            scheme: IdentifierScheme::EmailHash.into(),
            scope: String::new(),
            value: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
        }),
        // 1997-01-12T00:00:00.000250Z
        event_time: Some(prost_types::Timestamp { seconds: 853_027_200, nanos: 250_000 }),
        channel: "web".into(),
        revision: 0,
        body: Some(Body::Purchase(Purchase {
            order_id: "00012-1".into(),
            amount: Some(Money { currency_code: "USD".into(), units: 77, nanos: 960_000_000 }),
            lines: Vec::new(),
        })),
    }
}

#[test]
fn what_partners_libraries_write_is_read() {
    let samples = samples();
    assert_eq!(samples.len(), 15);
    let (partner, now) = (PartnerId::new("cdnow").unwrap(), Timestamp::from_millis(853_027_200_000));
    for (name, record) in samples {
        let decoded = decode(&record).unwrap_or_else(|refusal| panic!("{name}: {refusal:?}"));
        assert_eq!(decoded.event, event(), "{name}");
        let traced = decoded.traceparent.map(|it| it.to_string());
        let expected = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(traced.as_deref(), name.contains("traced").then_some(expected), "{name}");
        assert!(translate(partner, &decoded.event, now).is_ok(), "{name}");
    }
}

#[test]
fn the_event_of_the_guide_is_accepted() {
    let guide = include_str!("../../../../docs/guides/emit-events.md");
    let begin = guide.find("\n    {\n").unwrap();
    let end = guide[begin..].find("\n    }\n").unwrap();
    let decoded = decode(&Record::of(guide[begin..begin + end + 6].trim().to_owned())).unwrap();
    // 2026-11-22T08:30:00Z
    let now = Timestamp::from_millis(1_795_336_200_000);
    let event = translate(PartnerId::new("shop").unwrap(), &decoded.event, now).unwrap();
    assert_eq!(event.event_time, now);
}
