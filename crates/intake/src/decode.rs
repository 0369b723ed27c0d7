//! From the bytes of a record to the message that they stand for.

use coalition_proto::event::v1::PartnerEvent;
use coalition_proto::r#type::v1::ErrorReason;
use prost::Message;

use crate::Refusal;

/// The longest record, in bytes. The largest event that [`crate::translate`] accepts has less than 2,000.
pub const RECORD_BYTES_MAX: usize = 64 * 1024;

/// Reads the value of a record of a partner's topic.
///
/// A value is a bare `coalition.event.v1.PartnerEvent`, whose first byte is the tag of a field. None of them is 0, so
/// that framings which begin with a 0, as a schema registry's does, can be told apart here when they come.
///
/// # Errors
/// `FIELD_TOO_LONG` above [`RECORD_BYTES_MAX`]; `MALFORMED` when it is no such message. The message of the refusal
/// names what could not be read and repeats nothing of it.
pub fn decode(bytes: &[u8]) -> Result<PartnerEvent, Refusal> {
    if bytes.len() > RECORD_BYTES_MAX {
        let message = format!("the record has {} bytes, more than {RECORD_BYTES_MAX}", bytes.len());
        return Err(Refusal::new(ErrorReason::FieldTooLong, "", message));
    }
    PartnerEvent::decode(bytes).map_err(|error| {
        Refusal::new(ErrorReason::Malformed, "", format!("the record is no partner event: {error}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_length(bytes: usize) -> Vec<u8> {
        // Tag and length of `event_id` are 4 bytes at lengths like this one.
        let event = PartnerEvent { event_id: "x".repeat(bytes - 4), ..PartnerEvent::default() };
        event.encode_to_vec()
    }

    #[test]
    fn a_record_is_bounded() {
        let longest = of_length(65_536);
        assert_eq!(longest.len(), 65_536);
        assert!(decode(&longest).is_ok());
        let refusal = decode(&of_length(65_537)).unwrap_err();
        assert_eq!(refusal.reason, ErrorReason::FieldTooLong);
        assert_eq!(refusal.message, "the record has 65537 bytes, more than 65536");
    }

    #[test]
    fn what_is_no_event_is_refused() {
        for bytes in [&b"\x00\x00\x00\x00\x01"[..], b"\x0a\x05ab", b"{\"event_id\":\"1\"}", b"\x0a\x01\xff"] {
            assert_eq!(decode(bytes).unwrap_err().reason, ErrorReason::Malformed, "{bytes:?}");
        }
    }

    #[test]
    fn no_field_of_an_event_has_a_tag_of_zero() {
        // Frozen with the format: protobuf numbers fields from 1.
        assert_eq!(decode(&[]).unwrap(), PartnerEvent::default());
        assert_eq!(decode(&[0]).unwrap_err().reason, ErrorReason::Malformed);
    }
}
