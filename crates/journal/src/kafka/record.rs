//! Records as Kafka has them.

use bytes::Bytes;
use coalition_domain::Timestamp;
use coalition_kafka_native::Fetched;
use rdkafka::message::{Header, OwnedHeaders};

use crate::log::{MALFORMED_HEADER, Offset, Record, Stored};

/// The headers, as they go out.
pub(super) fn headers(of: &Record) -> Option<OwnedHeaders> {
    let none = OwnedHeaders::new_with_capacity(of.headers.len());
    let insert = |all: OwnedHeaders, (name, value): &(String, Bytes)| {
        all.insert(Header { key: name, value: Some(value.as_ref()) })
    };
    (!of.headers.is_empty()).then(|| of.headers.iter().fold(none, insert))
}

/// What was fetched. Where the topic doesn't note when the log took a record, it is `now` at the latest.
pub(super) fn stored(fetched: &Fetched<'_>, now: Timestamp) -> Option<Stored> {
    let bytes = |part: Option<&[u8]>| part.map(Bytes::copy_from_slice);
    let record = Record {
        key: bytes(fetched.key),
        headers: fetched
            .headers
            .iter()
            .map(|&(name, value)| header(name, value.unwrap_or_default()))
            .collect(),
        value: bytes(fetched.value).unwrap_or_default(),
    };
    Some(Stored {
        offset: Offset(u64::try_from(fetched.offset).ok()?),
        append_time: fetched.append_time_ms.map_or(now, Timestamp::from_millis),
        record,
    })
}

fn header(name: &[u8], value: &[u8]) -> (String, Bytes) {
    match std::str::from_utf8(name) {
        Ok(name) => (name.to_owned(), Bytes::copy_from_slice(value)),
        Err(_) => (MALFORMED_HEADER.to_owned(), [name, &[0], value].concat().into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fetched<'a>(headers: Vec<(&'a [u8], Option<&'a [u8]>)>) -> Fetched<'a> {
        Fetched {
            topic: "t",
            partition: 0,
            offset: 7,
            append_time_ms: Some(5),
            key: None,
            value: None,
            headers,
        }
    }

    #[test]
    fn a_name_that_is_no_text_is_kept_as_bytes() {
        let headers: Vec<(&[u8], Option<&[u8]>)> =
            vec![(b"a", Some(b"1")), (b"b\xff", Some(b"2\0")), (b"", None), (b"\xc3", None)];
        let stored = stored(&fetched(headers), Timestamp::from_millis(9)).expect("a record");
        let expected: &[(&str, &[u8])] =
            &[("a", b"1"), (MALFORMED_HEADER, b"b\xff\x002\0"), ("", b""), (MALFORMED_HEADER, b"\xc3\0")];
        let found: Vec<_> =
            stored.record.headers.iter().map(|(name, value)| (name.as_str(), value.as_ref())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn the_logs_own_time_goes_before_ours() {
        let now = Timestamp::from_millis(9);
        assert_eq!(
            stored(&fetched(Vec::new()), now).expect("a record").append_time,
            Timestamp::from_millis(5)
        );
        let timeless = Fetched { append_time_ms: None, ..fetched(Vec::new()) };
        assert_eq!(stored(&timeless, now).expect("a record").append_time, now);
        let nowhere = Fetched { offset: -1, ..fetched(Vec::new()) };
        assert_eq!(stored(&nowhere, now), None);
    }
}
