//! From a record of a partner's topic to the message that it stands for, in whatever format it was written.
//!
//! A record is opened first: its headers and first bytes say what frames the event ([`envelope`]). Then the event itself is
//! read, from protobuf or JSON ([`payload`]).

mod cloud_event;
mod envelope;
mod headers;
mod json;
mod once;
mod payload;

use coalition_journal::log::Record;
use coalition_proto::event::v1::PartnerEvent;
use coalition_proto::r#type::v1::ErrorReason;

use crate::{Refusal, TraceParent};

pub(crate) use envelope::{in_base64, open, traceparent};

/// The longest value of a record, in bytes. The largest event that [`crate::translate`] accepts, an order of 200 lines, has
/// less than 40,000 in protobuf.
pub const RECORD_BYTES_MAX: usize = 64 * 1024;

/// What a record says.
#[derive(Clone, PartialEq, Debug)]
pub struct Decoded {
    /// The event, with what a CloudEvent says around it filled in.
    pub event: PartnerEvent,
    /// The partner's trace that it belongs to, if the record names one.
    pub traceparent: Option<TraceParent>,
}

/// Reads a record of a partner's topic: a bare `coalition.event.v1.PartnerEvent`, one in the framing of a schema registry,
/// its JSON, or a CloudEvent that holds any of these. docs/guides/emit-events.md says how each is known. Total.
///
/// # Errors
/// `FIELD_TOO_LONG` above [`RECORD_BYTES_MAX`]; `FORMAT_NOT_ACCEPTED` for a format that isn't read; `MALFORMED`,
/// `FIELD_MISSING` and `INVALID_ARGUMENT` for one that isn't kept to. The refusal repeats no value of the record.
pub fn decode(record: &Record) -> Result<Decoded, Refusal> {
    open(record)?.read()
}

/// The record isn't what it is said to be.
fn malformed(field: &str, message: impl Into<String>) -> Refusal {
    Refusal::new(ErrorReason::Malformed, field, message)
}

/// The record may be right, but is in a format that isn't read.
fn not_accepted(field: &str, message: impl Into<String>) -> Refusal {
    Refusal::new(ErrorReason::FormatNotAccepted, field, message)
}
