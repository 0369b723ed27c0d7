//! CloudEvents 1.0 by their Kafka binding 1.0.2: attributes in headers around the event's bytes (binary mode), or all in
//! one JSON document (structured mode).
//!
//! Refusals name attributes as the headers do, `ce_id`, in both modes: no field of an event is called so.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use coalition_proto::event::v1::PartnerEvent;
use coalition_proto::r#type::v1::ErrorReason;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::envelope::essence;
use super::headers::Headers;
use super::payload::Media;
use super::{json, malformed, not_accepted};
use crate::{Refusal, TraceParent};

/// What an event's attributes say of it.
#[derive(Debug)]
pub(super) struct Attributes {
    id: String,
    time: Option<prost_types::Timestamp>,
    pub(super) traceparent: Option<TraceParent>,
}

impl Attributes {
    /// Fills in what the event leaves out: the attributes' id and time.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the event has another id.
    pub(super) fn complete(&self, event: &mut PartnerEvent) -> Result<(), Refusal> {
        if event.event_id.is_empty() {
            event.event_id.clone_from(&self.id);
        } else if event.event_id != self.id {
            return Err(Refusal::new(
                ErrorReason::InvalidArgument,
                "ce_id",
                "the CloudEvent's id is not the event_id of the event that it holds",
            ));
        }
        event.event_time = event.event_time.or(self.time);
        Ok(())
    }
}

/// A CloudEvent in structured mode; extensions are passed over.
#[derive(Deserialize)]
struct Structured<'a> {
    specversion: Option<String>,
    id: Option<String>,
    source: Option<String>,
    r#type: Option<String>,
    time: Option<String>,
    datacontenttype: Option<String>,
    traceparent: Option<String>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    data_base64: Option<String>,
}

/// The attributes of a CloudEvent in binary mode.
///
/// # Errors
/// As [`super::decode`].
pub(super) fn binary(headers: Headers<'_>) -> Result<Attributes, Refusal> {
    attributes(|name| headers.text(name))
}

/// The attributes of a CloudEvent in structured mode, and the event in it.
///
/// # Errors
/// As [`super::decode`].
pub(super) fn structured(bytes: &[u8]) -> Result<(Attributes, Media, Cow<'_, [u8]>), Refusal> {
    let event: Structured<'_> = serde_json::from_slice(bytes).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        malformed("", format!("the record is no CloudEvent in JSON at {place}"))
    })?;
    let mut attributes = attributes(|name| {
        Ok(match name {
            "ce_specversion" => event.specversion.as_deref(),
            "ce_id" => event.id.as_deref(),
            "ce_source" => event.source.as_deref(),
            "ce_type" => event.r#type.as_deref(),
            "ce_time" => event.time.as_deref(),
            _ => None,
        })
    })?;
    attributes.traceparent = event.traceparent.and_then(|text| TraceParent::read(text.as_bytes()));
    let media = Media::of(&event.datacontenttype.as_deref().map(essence).unwrap_or_default());
    let media = media.ok_or_else(|| {
        let message = "the data's content type is neither application/protobuf nor application/json";
        not_accepted("ce_datacontenttype", message)
    })?;
    match (event.data, event.data_base64, media) {
        (Some(data), None, Media::Json | Media::Unsaid) => {
            Ok((attributes, Media::Json, Cow::Borrowed(data.get().as_bytes())))
        }
        (None, Some(data), _) => match STANDARD.decode(data) {
            Ok(data) => Ok((attributes, media, Cow::Owned(data))),
            Err(_) => Err(malformed("data_base64", "data_base64 is not base64 with its padding")),
        },
        (Some(_), None, Media::Protobuf) => Err(malformed("data", "protobuf stands in data_base64")),
        (Some(_), Some(_), _) => Err(malformed("data", "data and data_base64 are both there")),
        (None, None, _) => Err(Refusal::missing("data")),
    }
}

/// The trace that a CloudEvent in structured mode names, as far as it is JSON, even if it is no good CloudEvent.
pub(super) fn traceparent(bytes: &[u8]) -> Option<TraceParent> {
    #[derive(Deserialize)]
    struct Traced {
        traceparent: Option<String>,
    }
    let traced: Traced = serde_json::from_slice(bytes).ok()?;
    traced.traceparent.and_then(|text| TraceParent::read(text.as_bytes()))
}

/// What stands in `data_base64`, even if it is no good CloudEvent; nothing if that isn't there.
pub(super) fn in_base64(bytes: &[u8]) -> Vec<u8> {
    #[derive(Deserialize)]
    struct Held {
        data_base64: String,
    }
    let held = serde_json::from_slice(bytes).ok();
    held.and_then(|held: Held| STANDARD.decode(held.data_base64).ok()).unwrap_or_default()
}

/// Reads the attributes out of what `said` knows of each, by its name with `ce_`.
fn attributes<'a>(said: impl Fn(&str) -> Result<Option<&'a str>, Refusal>) -> Result<Attributes, Refusal> {
    let required =
        |name: &str| said(name)?.filter(|text| !text.is_empty()).ok_or_else(|| Refusal::missing(name));
    if required("ce_specversion")? != "1.0" {
        return Err(not_accepted("ce_specversion", "of CloudEvents only version 1.0 is read"));
    }
    let id = required("ce_id")?.to_owned();
    // Both are required of every CloudEvent, and say nothing that the topic and the event itself don't.
    required("ce_source")?;
    required("ce_type")?;
    let time = said("ce_time")?.map(|text| {
        let message = "the CloudEvent's time is no instant of RFC 3339";
        json::timestamp(text).ok_or_else(|| Refusal::new(ErrorReason::InvalidArgument, "ce_time", message))
    });
    Ok(Attributes { id, time: time.transpose()?, traceparent: None })
}
