//! What frames an event: nothing, a CloudEvent's headers, or a CloudEvent around it.

use std::borrow::Cow;

use coalition_journal::log::Record;
use coalition_proto::r#type::v1::ErrorReason;

use super::cloud_event::{self, Attributes};
use super::headers::Headers;
use super::payload::{self, Media};
use super::{Decoded, RECORD_BYTES_MAX, malformed, not_accepted};
use crate::{Refusal, TraceParent};

/// Media types that begin like this are CloudEvents in structured mode: their Kafka binding 1.0.2, 3.
const STRUCTURED: &str = "application/cloudevents";
/// The one of them that is read.
const STRUCTURED_JSON: &str = "application/cloudevents+json";

/// Of UTF-8 and UTF-16, which editors and some libraries put before JSON; RFC 8259, 8.1 forbids it. Nothing else that is read
/// begins so: no field of protobuf has such a tag.
const BYTE_ORDER_MARKS: [&[u8]; 3] = [b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"];

/// An opened record.
pub(crate) struct Envelope<'a> {
    /// The bytes of the event; owned when they stand in the record in another form.
    pub(crate) data: Cow<'a, [u8]>,
    media: Media,
    attributes: Option<Attributes>,
    traceparent: Option<TraceParent>,
}

/// Finds the event in a record.
///
/// # Errors
/// As [`super::decode`].
pub(crate) fn open(record: &Record) -> Result<Envelope<'_>, Refusal> {
    let bytes = &record.value[..];
    if bytes.len() > RECORD_BYTES_MAX {
        let message = format!("the record has {} bytes, more than {RECORD_BYTES_MAX}", bytes.len());
        return Err(Refusal::new(ErrorReason::FieldTooLong, "", message));
    }
    if bytes.is_empty() {
        return Err(Refusal::new(ErrorReason::FieldMissing, "", "the record has no value"));
    }
    if BYTE_ORDER_MARKS.iter().any(|mark| bytes.starts_with(mark)) {
        let message = "the record begins with a byte order mark: write JSON in UTF-8 without one";
        return Err(malformed("", message));
    }
    let headers = Headers::of(record)?;
    let content_type = headers.text("content-type")?;
    let essence = content_type.map(essence).unwrap_or_default();
    if essence == STRUCTURED_JSON {
        let (attributes, media, data) = cloud_event::structured(bytes)?;
        let traceparent = headers.traceparent().or(attributes.traceparent);
        return Ok(Envelope { data, media, attributes: Some(attributes), traceparent });
    }
    if essence.starts_with(STRUCTURED) {
        let message = "of the formats of CloudEvents only application/cloudevents+json is read";
        return Err(not_accepted("content-type", message));
    }
    let media = Media::of(&essence).ok_or_else(|| {
        not_accepted("content-type", "the content type is neither application/protobuf nor application/json")
    })?;
    let attributes = if headers.has_attributes() { Some(cloud_event::binary(headers)?) } else { None };
    let traceparent = headers.traceparent();
    Ok(Envelope { data: Cow::Borrowed(bytes), media, attributes, traceparent })
}

impl Envelope<'_> {
    /// Reads the event, and fills in what the CloudEvent around it says.
    ///
    /// # Errors
    /// As [`super::decode`].
    pub(crate) fn read(&self) -> Result<Decoded, Refusal> {
        let mut event = payload::read(self.media, &self.data)?;
        if let Some(attributes) = &self.attributes {
            attributes.complete(&mut event)?;
        }
        Ok(Decoded { event, traceparent: self.traceparent })
    }
}

/// The trace of a record as [`open`] and [`Envelope::read`] find it, whatever else is wrong with the record.
pub(crate) fn traceparent(record: &Record) -> Option<TraceParent> {
    let headers = Headers::unchecked(record);
    headers.traceparent().or_else(|| {
        let content_type = headers.text("content-type").ok().flatten()?;
        let structured = essence(content_type) == STRUCTURED_JSON && record.value.len() <= RECORD_BYTES_MAX;
        if structured { cloud_event::traceparent(&record.value) } else { None }
    })
}

/// What a record that can't be opened holds in base64, as far as it is a CloudEvent in structured mode.
pub(crate) fn in_base64(record: &Record) -> Vec<u8> {
    cloud_event::in_base64(&record.value)
}

/// A media type without its parameters, in lower case (RFC 9110, 8.3.1).
pub(super) fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_order_mark_is_named() {
        let utf16 = "\u{feff}{}".encode_utf16();
        for value in [
            "\u{feff}{\"event_id\": \"1\"}".as_bytes().to_vec(),
            utf16.clone().flat_map(u16::to_le_bytes).collect(),
            utf16.flat_map(u16::to_be_bytes).collect(),
        ] {
            for content_type in ["application/json", "application/octet-stream", STRUCTURED_JSON] {
                let headers = vec![("content-type".to_owned(), content_type.into())];
                let refusal = open(&Record { headers, ..Record::of(value.clone()) }).err().unwrap();
                assert_eq!(refusal.reason, ErrorReason::Malformed);
                assert!(refusal.message.contains("byte order mark"), "{}", refusal.message);
            }
        }
    }
}
