//! The bytes of an event: protobuf, protobuf in the framing of a schema registry, or JSON.

use coalition_proto::event::v1::PartnerEvent;
use prost::Message;

use super::{json, malformed, not_accepted};
use crate::Refusal;

/// What the bytes are said to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Media {
    Protobuf,
    Json,
    /// Nothing is said: the first byte tells.
    Unsaid,
}

impl Media {
    /// By the media type, without parameters and in lower case; `None` for one that isn't read.
    pub(super) fn of(essence: &str) -> Option<Self> {
        match essence {
            "application/protobuf"
            | "application/x-protobuf"
            | "application/x-google-protobuf"
            | "application/vnd.google.protobuf" => Some(Self::Protobuf),
            "application/json" => Some(Self::Json),
            "" | "application/octet-stream" => Some(Self::Unsaid),
            other => other.ends_with("+json").then_some(Self::Json),
        }
    }
}

/// What a schema registry's framing begins with. No protobuf message does: fields are numbered from 1.
const MAGIC: u8 = 0;

/// Reads an event. Undeclared JSON is known by its brace, which is no tag of a `PartnerEvent`; it can't be known by the
/// blanks before it, because a line feed is the tag of `event_id`.
pub(super) fn read(media: Media, bytes: &[u8]) -> Result<PartnerEvent, Refusal> {
    match (media, bytes.first()) {
        (Media::Json, _) | (Media::Unsaid, Some(b'{')) => json::event(bytes),
        (Media::Protobuf | Media::Unsaid, Some(&MAGIC)) => protobuf(unframe(&bytes[1..])?),
        (Media::Protobuf | Media::Unsaid, _) => protobuf(bytes),
    }
}

fn protobuf(bytes: &[u8]) -> Result<PartnerEvent, Refusal> {
    // Its errors name fields and repeat no values.
    PartnerEvent::decode(bytes)
        .map_err(|error| malformed("", format!("the record is no partner event: {error}")))
}

/// What stands behind the rest of Confluent's framing of protobuf: 4 bytes of the schema's id, which nobody is asked about,
/// and the path of the message in its file: how many indexes, and these, each a zigzag varint. No index stands for the
/// first message of the file, which is `PartnerEvent`.
fn unframe(framed: &[u8]) -> Result<&[u8], Refusal> {
    let cut = || malformed("", "the record ends within the framing of the schema registry");
    let mut rest = framed.get(4..).ok_or_else(cut)?;
    let indexes = zigzag(&mut rest).ok_or_else(cut)?;
    let first = match indexes {
        0 => true,
        1 => zigzag(&mut rest).ok_or_else(cut)? == 0,
        _ => false,
    };
    if first {
        return Ok(rest);
    }
    let message =
        "the framing of the schema registry is not that of the first message of partner_event.proto";
    Err(not_accepted("", message))
}

fn zigzag(bytes: &mut &[u8]) -> Option<i64> {
    let raw = prost::encoding::decode_varint(bytes).ok()?;
    let half = i64::try_from(raw >> 1).expect("63 bits fit");
    Some(if raw & 1 == 0 { half } else { -1 - half })
}

#[cfg(test)]
mod tests {
    use coalition_proto::r#type::v1::ErrorReason;

    use super::*;

    fn refusal(media: Media, bytes: &[u8]) -> ErrorReason {
        read(media, bytes).unwrap_err().reason
    }

    #[test]
    fn a_media_type_is_read_or_not() {
        for (essence, expected) in [
            ("application/protobuf", Some(Media::Protobuf)),
            ("application/json", Some(Media::Json)),
            ("application/vnd.shop.sale+json", Some(Media::Json)),
            ("", Some(Media::Unsaid)),
            ("application/avro", None),
            ("text/plain", None),
        ] {
            assert_eq!(Media::of(essence), expected, "{essence}");
        }
    }

    #[test]
    fn the_index_of_a_framed_message_is_that_of_a_partner_event() {
        let framed = |index: &[u8]| [&[0, 0, 0, 0, 7], index, b"\x0a\x01a"].concat();
        for index in [&[0][..], &[2, 0], &[0x80, 0]] {
            assert_eq!(read(Media::Unsaid, &framed(index)).unwrap().event_id, "a", "{index:?}");
        }
        // The second message; the first in the first; a length below zero; JSON and Avro in their framing.
        for index in [&[2, 2][..], &[4, 0, 0], &[1], b"{\"event_id\":\"a\"}", &[0x14]] {
            assert_eq!(refusal(Media::Unsaid, &framed(index)), ErrorReason::FormatNotAccepted, "{index:?}");
        }
        let whole = framed(&[2, 0]);
        for length in 1..7 {
            assert_eq!(refusal(Media::Protobuf, &whole[..length]), ErrorReason::Malformed, "{length}");
        }
        assert_eq!(refusal(Media::Unsaid, &[&[0; 5][..], &[0xff; 11]].concat()), ErrorReason::Malformed);
    }

    #[test]
    fn undeclared_json_begins_with_its_brace() {
        assert_eq!(read(Media::Unsaid, b"{\"event_id\": \"a\"}").unwrap().event_id, "a");
        assert_eq!(read(Media::Json, b"\n{\"event_id\": \"a\"}").unwrap().event_id, "a");
        // A line feed and a brace begin an event id of 123 bytes.
        let long = [b"\n{", "x".repeat(123).as_bytes()].concat();
        assert_eq!(read(Media::Unsaid, &long).unwrap().event_id.len(), 123);
        assert_eq!(refusal(Media::Protobuf, b"{\"event_id\": \"a\"}"), ErrorReason::Malformed);
        assert_eq!(refusal(Media::Json, b"\x0a\x01a"), ErrorReason::Malformed);
    }
}
