//! The record that tells a partner what was not accepted, and why.

use bytes::Bytes;
use coalition_journal::log::{Offset, Partition, Record, Stored};
use coalition_proto::r#type::v1::ErrorReason;

use crate::Refusal;
use crate::judge::{Refused, Stage};

/// The longest record that is handed back whole, in [`Record::bytes`]: with our headers it must still fit a topic whose
/// limit was just enough for the partner's own record (Kafka's default is 1,048,588 bytes). A longer one would fail for
/// ever and stop its topic.
const RETURNED_BYTES_MAX: usize = 1_000_000;

/// What the names of headers begin with that this module writes. A partner that sends a record again as it got it back
/// sends them along: only the last refusal is told.
const TOLD: [&str; 2] = ["__connect.errors.", "coalition.errors."];

/// What a record of a rejected topic says of the one that was refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rejected {
    /// Partition of the partner's topic.
    pub partition: u32,
    /// Offset there.
    pub offset: Offset,
    /// Why; [`ErrorReason::Unspecified`] where a later release knows a reason that this one doesn't.
    pub refusal: Refusal,
    /// Whether what the partner wrote was left out.
    pub redacted: bool,
    /// Id of the event; empty where it could not be read, or must not be shown.
    pub event_id: String,
    /// Number of a refusal by the ledger; empty for one by intake.
    pub number: String,
}

impl Rejected {
    /// Reads the headers of a record of a rejected topic; `None` if nobody here wrote it.
    pub fn read(record: &Record) -> Option<Self> {
        let header = |name: &str| {
            let value =
                record.headers.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value)?;
            std::str::from_utf8(value).ok()
        };
        let reason = header("coalition.errors.reason")?;
        Some(Self {
            partition: header("__connect.errors.partition")?.parse().ok()?,
            offset: Offset(header("__connect.errors.offset")?.parse().ok()?),
            refusal: Refusal::new(
                ErrorReason::from_reason(reason).unwrap_or_default(),
                header("coalition.errors.field")?,
                header("__connect.errors.exception.message")?,
            ),
            redacted: header("coalition.errors.redacted").is_some(),
            event_id: header("coalition.errors.event_id").unwrap_or_default().to_owned(),
            number: header("coalition.errors.number").unwrap_or_default().to_owned(),
        })
    }
}

/// The record as it came (key, headers, value), with headers behind its own that say what is wrong with it: the names
/// of Kafka Connect's dead letter queues, and ours.
///
/// What must not be stored is left out (of all that the partner wrote: keys and headers often repeat the identifier);
/// topic, partition and offset still lead to the record for as long as the partner's topic keeps it.
pub(crate) fn rejected(from: &Partition, stored: &Stored, refused: &Refused) -> Record {
    let Refused { stage, refusal, hidden, event_id } = refused;
    let redacted = *hidden || stored.record.bytes() > RETURNED_BYTES_MAX;
    let mut record = if redacted { Record::default() } else { stored.record.clone() };
    record.headers.retain(|(name, _)| !TOLD.iter().any(|told| name.starts_with(told)));
    let (stage, class) = match stage {
        Stage::Decode => ("VALUE_CONVERTER", "coalition_intake::decode"),
        Stage::Translate => ("TRANSFORMATION", "coalition_intake::translate"),
        Stage::Decide => ("TASK_PUT", "coalition_ledger::decide"),
    };
    let mut head = |name: &str, value: Bytes| record.headers.push((name.to_owned(), value));
    let text = |text: &str| Bytes::copy_from_slice(text.as_bytes());
    head("__connect.errors.topic", text(&from.topic));
    head("__connect.errors.partition", from.number.to_string().into());
    head("__connect.errors.offset", stored.offset.0.to_string().into());
    head("__connect.errors.connector.name", Bytes::from_static(b"coalition-intake"));
    head("__connect.errors.task.id", from.number.to_string().into());
    head("__connect.errors.stage", Bytes::from_static(stage.as_bytes()));
    head("__connect.errors.class.name", Bytes::from_static(class.as_bytes()));
    head("__connect.errors.exception.class.name", Bytes::from_static(b"coalition_intake::Refusal"));
    head("__connect.errors.exception.message", text(&refusal.message));
    head("coalition.errors.reason", Bytes::from_static(refusal.reason.reason().as_bytes()));
    head("coalition.errors.field", text(&refusal.field));
    if let Some(event_id) = event_id {
        head("coalition.errors.event_id", text(event_id.as_str()));
    }
    if redacted {
        head("coalition.errors.redacted", Bytes::from_static(b"true"));
    }
    record
}

#[cfg(test)]
mod tests {
    use coalition_domain::{Reference, Timestamp};

    use super::*;

    fn stored(value: Vec<u8>) -> Stored {
        let record = Record {
            key: Some(Bytes::from_static(b"jane@example.com")),
            headers: vec![("trace".to_owned(), Bytes::from_static(b"7"))],
            value: value.into(),
        };
        Stored { offset: Offset(41), append_time: Timestamp::from_millis(0), record }
    }

    fn returned(stored: &Stored, reason: ErrorReason) -> Record {
        let refusal = Refusal::new(reason, "identifier.value", "an identifier is empty");
        let event_id = Some(Reference::new("order-7").unwrap());
        let refused = Refused { stage: Stage::Translate, hidden: refusal.hides_value(), refusal, event_id };
        rejected(&Partition::new("coalition.partner.a.events.v1", 3), stored, &refused)
    }

    fn redacted(record: &Record) -> bool {
        record.headers.iter().any(|(name, value)| name == "coalition.errors.redacted" && value == "true")
    }

    #[test]
    fn a_rejected_record_is_as_it_came_with_the_reason_behind_its_headers() {
        let original = stored(b"anything".to_vec());
        let record = returned(&original, ErrorReason::FieldMissing);
        assert_eq!((&record.key, &record.value), (&original.record.key, &original.record.value));
        let headers: Vec<_> = record
            .headers
            .iter()
            .map(|(name, value)| format!("{name}={}", std::str::from_utf8(value).unwrap()))
            .collect();
        let expected = [
            "trace=7",
            "__connect.errors.topic=coalition.partner.a.events.v1",
            "__connect.errors.partition=3",
            "__connect.errors.offset=41",
            "__connect.errors.connector.name=coalition-intake",
            "__connect.errors.task.id=3",
            "__connect.errors.stage=TRANSFORMATION",
            "__connect.errors.class.name=coalition_intake::translate",
            "__connect.errors.exception.class.name=coalition_intake::Refusal",
            "__connect.errors.exception.message=an identifier is empty",
            "coalition.errors.reason=FIELD_MISSING",
            "coalition.errors.field=identifier.value",
            "coalition.errors.event_id=order-7",
        ];
        assert_eq!(headers, expected);
        let said = Rejected {
            partition: 3,
            offset: Offset(41),
            refusal: Refusal::new(ErrorReason::FieldMissing, "identifier.value", "an identifier is empty"),
            redacted: false,
            event_id: "order-7".to_owned(),
            number: String::new(),
        };
        assert_eq!(Rejected::read(&record), Some(said));
        assert_eq!(Rejected::read(&original.record), None);
    }

    #[test]
    fn nothing_of_a_refused_identifier_is_kept() {
        let record = returned(&stored(b"4111111111111111".to_vec()), ErrorReason::IdentifierRefused);
        assert!(redacted(&record));
        assert_eq!(record.key, None);
        assert!(record.value.is_empty());
        assert!(record.headers.iter().all(|(name, _)| name != "trace"));
    }

    #[test]
    fn what_no_topic_may_take_back_is_left_out() {
        // The key has 16 bytes, the header 5 + 1 + 16, the record itself 16.
        let longest = stored(vec![0; 1_000_000 - 54]);
        assert!(!redacted(&returned(&longest, ErrorReason::FieldTooLong)));
        let longer = stored(vec![0; 1_000_000 - 53]);
        assert!(redacted(&returned(&longer, ErrorReason::FieldTooLong)));
    }

    #[test]
    fn a_record_that_comes_back_tells_of_its_last_refusal_alone() {
        let first = returned(&stored(b"anything".to_vec()), ErrorReason::FieldMissing);
        let again = Stored { record: first.clone(), ..stored(Vec::new()) };
        assert_eq!(returned(&again, ErrorReason::FieldMissing), first);
        let reasons = returned(&again, ErrorReason::FieldTooLong).headers;
        let mut reasons = reasons.iter().filter(|(name, _)| name == "coalition.errors.reason");
        assert_eq!(reasons.next().unwrap().1, "FIELD_TOO_LONG");
        assert_eq!(reasons.next(), None);
    }
}
