//! The bytes of messages that are stored: events in partner topics are read for as long as the topics are kept.

use coalition_proto::event::v1::{PartnerEvent, Purchase, partner_event::Body};
use coalition_proto::google::r#type::Money;
use coalition_proto::r#type::v1::{Identifier, IdentifierScheme};
use prost::Message;

/// Written by `buf convert` from JSON, not by this crate. Frozen: never to be made anew.
const STORED: &str = include_str!("../testdata/partner_event_v1.hex");

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u32> = hex.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).expect("two digits")).collect()
}

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
fn a_stored_event_is_read() {
    assert_eq!(PartnerEvent::decode(bytes(STORED).as_slice()).unwrap(), event());
}

#[test]
fn an_event_is_written_as_stored() {
    assert_eq!(event().encode_to_vec(), bytes(STORED));
}

#[test]
fn a_cut_event_is_an_error() {
    let stored = bytes(STORED);
    assert!(PartnerEvent::decode(&stored[..stored.len() - 1]).is_err());
}
