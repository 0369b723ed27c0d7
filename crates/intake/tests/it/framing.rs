//! Every way in which a partner can frame an event, for tests to go through.

use std::sync::LazyLock;

use bytes::Bytes;
use coalition_journal::log::Record;
use coalition_proto::FILE_DESCRIPTOR_SET;
use coalition_proto::event::v1::PartnerEvent;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage};

/// The id of a CloudEvent around an event that has none.
pub(crate) const ID: &str = "c-1";

/// A format of records.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Framing {
    Bare,
    Json,
    Registry,
    BinaryProtobuf,
    BinaryJson,
    StructuredJson,
    StructuredProtobuf,
}

impl Framing {
    pub(crate) const ALL: [Self; 7] = [
        Self::Bare,
        Self::Json,
        Self::Registry,
        Self::BinaryProtobuf,
        Self::BinaryJson,
        Self::StructuredJson,
        Self::StructuredProtobuf,
    ];

    /// Whether it is a CloudEvent.
    pub(crate) fn is_cloud_event(self) -> bool {
        !matches!(self, Self::Bare | Self::Json | Self::Registry)
    }

    /// The record of an event; `None` for one that the format can't hold: an instant outside of its range in JSON.
    pub(crate) fn record(self, event: &PartnerEvent) -> Option<Record> {
        let bare = event.encode_to_vec();
        let id = if event.event_id.is_empty() { ID } else { &event.event_id };
        let binary = |content_type: &str, value: Vec<u8>| {
            let named =
                [("ce_specversion", "1.0"), ("ce_id", id), ("ce_source", "/till"), ("ce_type", "sale")];
            let named = named.into_iter().chain([("content-type", content_type)]);
            Record { headers: named.map(|(name, value)| header(name, value)).collect(), ..Record::of(value) }
        };
        let structured = |data: &str| {
            let id = serde_json::Value::from(id);
            let value = format!(r#"{{"specversion":"1.0","id":{id},"source":"/till","type":"sale",{data}}}"#);
            let headers = vec![header("content-type", "application/cloudevents+json; charset=UTF-8")];
            Record { headers, ..Record::of(value) }
        };
        Some(match self {
            Self::Bare => Record::of(bare),
            Self::Json => Record::of(json(&bare)?),
            Self::Registry => Record::of([&[0, 0, 0, 0, 9, 0], &bare[..]].concat()),
            Self::BinaryProtobuf => binary("application/protobuf", bare),
            Self::BinaryJson => binary("application/json", json(&bare)?.into_bytes()),
            Self::StructuredJson => structured(&format!(r#""data":{}"#, json(&bare)?)),
            Self::StructuredProtobuf => {
                use base64::Engine;
                let data = base64::engine::general_purpose::STANDARD.encode(bare);
                structured(&format!(r#""datacontenttype":"application/protobuf","data_base64":"{data}""#))
            }
        })
    }
}

pub(crate) fn header(name: &str, value: &str) -> (String, Bytes) {
    (name.to_owned(), Bytes::copy_from_slice(value.as_bytes()))
}

fn json(event: &[u8]) -> Option<String> {
    static POOL: LazyLock<DescriptorPool> =
        LazyLock::new(|| DescriptorPool::decode(FILE_DESCRIPTOR_SET).unwrap());
    let descriptor = POOL.get_message_by_name("coalition.event.v1.PartnerEvent").unwrap();
    serde_json::to_string(&DynamicMessage::decode(descriptor, event).unwrap()).ok()
}
