//! Records of a partner's topic, in all framings and formats.

use bytes::Bytes;
use coalition_domain::{PartnerId, Timestamp};
use coalition_intake::{Decoded, RECORD_BYTES_MAX, decode, fuzzing};
use coalition_journal::log::{Offset, Record, Stored};
use coalition_ledger::inbox::Request;
use coalition_proto::r#type::v1::ErrorReason;
use prost::Message;

use crate::samples::{piece, unhex};

const NAMES: [&str; 8] = [
    "content-type",
    "ce_specversion",
    "ce_id",
    "ce_source",
    "ce_type",
    "ce_time",
    "traceparent",
    "ce_traceparent",
];

/// An input is a byte with the number of headers (and, from 128 on, a key before them), of each header the number of its name and its
/// value behind its length, and the value. From 200 on, the name is spelled out.
fn record(mut input: &[u8]) -> Record {
    let Some((&head, rest)) = input.split_first() else { return Record::default() };
    input = rest;
    let key = if head >= 128 { piece(&mut input).map(Bytes::copy_from_slice) } else { None };
    let mut headers = Vec::new();
    for _ in 0..head % 16 {
        let Some((&name, rest)) = input.split_first() else { break };
        input = rest;
        let name = if name < 200 {
            NAMES[usize::from(name) % NAMES.len()].to_owned()
        } else {
            String::from_utf8_lossy(piece(&mut input).unwrap_or_default()).into_owned()
        };
        headers.push((name, Bytes::copy_from_slice(piece(&mut input).unwrap_or_default())));
    }
    Record { key, headers, ..Record::of(input.to_vec()) }
}

/// A record gets the same judgement twice. What is accepted is a request of the inbox for its account. What is read as an event is the
/// same event when it is written as protobuf. An address in plain sight of a refused record is hidden.
pub(crate) fn run(input: &[u8]) {
    let record = record(input);
    let partner = PartnerId::new("cdnow").expect("a name");
    let read = decode(&record);
    if let Ok(Decoded { event, .. }) = &read {
        let value = event.encode_to_vec();
        let headers = vec![("content-type".to_owned(), Bytes::from_static(b"application/protobuf"))];
        let bare = decode(&Record { headers, ..Record::of(value.clone()) });
        match bare {
            Ok(bare) => assert_eq!(&bare.event, event, "written as protobuf"),
            Err(refusal) => assert!(
                value.is_empty() && refusal.reason == ErrorReason::FieldMissing
                    || value.len() > RECORD_BYTES_MAX,
                "{refusal:?} of {event:?}"
            ),
        }
    }
    let stored = Stored { offset: Offset(7), append_time: Timestamp::from_millis(853_027_200_000), record };
    let judged = fuzzing::judged(partner, 3, &stored);
    assert_eq!(fuzzing::judged(partner, 3, &stored), judged, "judged twice");
    match judged {
        Ok((account, record)) => {
            assert!(read.is_ok());
            match Request::decode(&record.value) {
                Ok(Request::Event(event, source)) => {
                    assert_eq!(event.identifier.account(), account);
                    assert_eq!((event.partner, source.partition, source.offset), (partner, 3, Offset(7)));
                }
                other => panic!("an accepted event is {other:?}"),
            }
        }
        Err((said, hidden)) => {
            let shown = stored.record.value.windows(18).any(|part| part == b"\"jane@example.com\"");
            assert!(hidden || !shown, "{said} shows an address");
        }
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let samples: Vec<serde_json::Value> =
        serde_json::from_str(include_str!("../../intake/testdata/samples.json"))
            .expect("the samples are JSON");
    let mut seeds: Vec<_> = samples.iter().map(seed).collect();
    seeds.push(b"\0{\"event_id\":\"jane@example.com\"}".to_vec());
    seeds
}

fn seed(sample: &serde_json::Value) -> Vec<u8> {
    let short = |text: &str| [&[u8::try_from(text.len()).unwrap_or(u8::MAX)], text.as_bytes()].concat();
    let headers: Vec<_> = sample["headers"].as_array().into_iter().flatten().collect();
    let mut seed = vec![u8::try_from(headers.len()).unwrap_or(0)];
    for header in headers {
        let (name, value) = (header[0].as_str().unwrap_or_default(), header[1].as_str().unwrap_or_default());
        match NAMES.iter().position(|known| *known == name) {
            Some(number) => seed.push(u8::try_from(number).unwrap_or(0)),
            None => {
                seed.push(200);
                seed.extend(short(name));
            }
        }
        seed.extend(short(value));
    }
    match (sample["value_hex"].as_str(), sample["value"].as_str()) {
        (Some(hex), _) => seed.extend(unhex(hex)),
        (None, text) => seed.extend(text.unwrap_or_default().as_bytes()),
    }
    seed
}
