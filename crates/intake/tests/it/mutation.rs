//! Whatever is written to a partner's topic is applied or refused with a reason, in every framing, and never a panic.

use std::sync::Arc;

use bytes::Bytes;
use coalition_domain::{PartnerId, Timestamp};
use coalition_intake::{Decoded, Intake, Settings, decode, events_topic, translate};
use coalition_journal::log::{Log, MALFORMED_HEADER, Offset, Partition, Record};
use coalition_proto::r#type::v1::ErrorReason;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::flow::placed;
use crate::framing::{Framing, ID, header};
use crate::garbage::any_event;
use crate::network::{Network, committed, event, inboxes, memory, publish_events, refused_by_intake, until};

fn judge(record: &Record) {
    let (partner, now) = (PartnerId::new("cdnow").unwrap(), Timestamp::from_millis(1_000_000_000_000));
    if let Ok(Decoded { event, .. }) = decode(record) {
        drop(translate(partner, &event, now));
    }
}

fn framing() -> impl Strategy<Value = Framing> {
    proptest::sample::select(&Framing::ALL[..])
}

fn any_header() -> impl Strategy<Value = (String, Bytes)> {
    const NAMES: [&str; 7] =
        ["content-type", "Content-Type", "ce_specversion", "ce_id", "ce_time", "ce_source", "ce_type"];
    const TEXTS: [&str; 8] = [
        "application/json",
        "application/protobuf",
        "application/cloudevents+json",
        "application/cloudevents",
        "1.0",
        "e-1",
        "1997-01-12T00:00:00Z",
        "\u{fffd}",
    ];
    let name = prop_oneof![proptest::sample::select(&NAMES[..]).prop_map(str::to_owned), any::<String>()];
    let text = proptest::sample::select(&TEXTS[..]).prop_map(|text| text.as_bytes().to_vec());
    let value = prop_oneof![text, proptest::collection::vec(any::<u8>(), 0..20)];
    (name, value).prop_map(|(name, value)| (name, value.into()))
}

fn any_record() -> impl Strategy<Value = Record> {
    let value = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..300),
        "[\\[\\]{}\":,a-z0-9 ]{0,300}".prop_map(String::into_bytes),
    ];
    (proptest::collection::vec(any_header(), 0..6), value)
        .prop_map(|(headers, value)| Record { headers, ..Record::of(value) })
}

prop_compose! {
    /// A valid event in some framing, with a byte changed, bytes put in or the end cut off, or with a header more.
    fn mutated()(
        framing in framing(),
        place in any::<prop::sample::Index>(),
        bytes in proptest::collection::vec(any::<u8>(), 0..4),
        way in 0..4_u8,
        more in any_header(),
    ) -> Record {
        let mut record = framing.record(&event("e-1", 7)).unwrap();
        let mut value = record.value.to_vec();
        let place = place.index(value.len());
        match way {
            0 => value.truncate(place),
            1 => drop(value.splice(place..place, bytes)),
            2 => value[place] = bytes.first().copied().unwrap_or_default(),
            _ => record.headers.push(more),
        }
        record.value = value.into();
        record
    }
}

proptest! {
    #[test]
    fn any_record_is_judged(record in any_record()) {
        judge(&record);
    }

    #[test]
    fn mutated_records_are_judged(record in mutated()) {
        judge(&record);
    }

    /// Every event that a format can hold is read out of it as it was.
    #[test]
    fn events_are_read_as_they_were_framed(framing in framing(), event in any_event()) {
        let Some(record) = framing.record(&event) else { return Ok(()) };
        // An id that is no text, as headers have it, can't stand there.
        let mut expected = event;
        if framing.is_cloud_event() && expected.event_id.is_empty() {
            expected.event_id = ID.to_owned();
        }
        match decode(&record) {
            Ok(decoded) => prop_assert_eq!(decoded.event, expected),
            Err(refusal) => {
                let empty = record.value.is_empty() && refusal.reason == ErrorReason::FieldMissing;
                prop_assert!(empty, "{:?}", refusal);
            }
        }
    }
}

fn append(log: &dyn Log, partner: PartnerId, records: Vec<Record>) {
    let topic = events_topic(&partner);
    if log.topic(&topic).unwrap().is_none() {
        log.create_topic(&topic, 1).unwrap();
    }
    let done = Box::new(|outcome: Result<Offset, _>| assert!(outcome.is_ok(), "{outcome:?}"));
    log.append(&Partition::new(&topic, 0), records, done);
}

fn reason(record: &Record) -> Option<ErrorReason> {
    let (_, value) = record.headers.iter().find(|(name, _)| name == "coalition.errors.reason")?;
    ErrorReason::from_reason(std::str::from_utf8(value).unwrap())
}

#[test]
fn every_record_of_a_topic_is_accepted_or_refused_with_a_reason() {
    const RECORDS: usize = 10_000;
    let log: Arc<dyn Log> = memory();
    let network = Network::start(&log);
    let (bad, good) = (network.create_partner("bad"), network.create_partner("good"));
    // The same on each run: what fails here fails again.
    let mut runner = TestRunner::deterministic();
    let strategy = prop_oneof![any_record(), mutated()];
    let all: Vec<_> = (0..RECORDS).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect();
    append(&*log, bad, all);
    publish_events(&*log, good, (0..100).map(|number| event(&number.to_string(), number)));
    let intake = Intake::start(Arc::clone(&log), network.ledger(), Settings::default()).unwrap();
    until("both are dealt with", || {
        committed(&*log, bad) == Some(Offset(RECORDS as u64)) && committed(&*log, good) == Some(Offset(100))
    });
    let returned = refused_by_intake(&*log, bad);
    assert!(returned.iter().all(|stored| reason(&stored.record).is_some()));
    let placed =
        inboxes(&*log).concat().iter().filter_map(placed).filter(|(partner, _)| *partner == bad).count();
    assert_eq!(returned.len() + placed, RECORDS);
    // Some of the mutations leave a valid event.
    assert!(placed > 100 && returned.len() > RECORDS / 2, "{placed} placed");
    intake.stop();
    network.stop();
}

#[test]
fn records_of_every_odd_kind_stop_nothing() {
    let log: Arc<dyn Log> = memory();
    let network = Network::start(&log);
    let partner = network.create_partner("a");
    let good = |id: &str| Framing::Bare.record(&event(id, 1)).unwrap();
    let with = |headers: Vec<(String, Bytes)>, record: Record| Record { headers, ..record };
    let many = (0..10_000).map(|number| header(&number.to_string(), "")).collect();
    let odd = [
        (Record::default(), ErrorReason::FieldMissing),
        (Record { key: Some(Bytes::from_static(b"1")), ..Record::default() }, ErrorReason::FieldMissing),
        (Record::of(vec![b'{'; 1 << 20]), ErrorReason::FieldTooLong),
        (Record::of("[".repeat(60_000)), ErrorReason::Malformed),
        (Record::of("{\"purchase\":".repeat(5_000)), ErrorReason::Malformed),
        (with(vec![header(MALFORMED_HEADER, "x\0y")], good("0")), ErrorReason::Malformed),
        (
            with(vec![header("content-type", "a"), header("content-type", "b")], good("0")),
            ErrorReason::Malformed,
        ),
        (with(many, Record::of(&b"\0"[..])), ErrorReason::Malformed),
        (Record::of(vec![0; 60_000]), ErrorReason::Malformed),
    ];
    let mut all = vec![good("first")];
    all.extend(odd.iter().map(|(record, _)| record.clone()));
    all.push(good("last"));
    let count = Offset(all.len() as u64);
    append(&*log, partner, all);
    let intake = Intake::start(Arc::clone(&log), network.ledger(), Settings::default()).unwrap();
    until("all is dealt with", || committed(&*log, partner) == Some(count));
    let ids: Vec<_> = inboxes(&*log).concat().iter().filter_map(placed).map(|(_, id)| id).collect();
    assert_eq!(ids, ["first", "last"]);
    let returned = refused_by_intake(&*log, partner);
    let reasons: Vec<_> = returned.iter().map(|stored| reason(&stored.record).unwrap()).collect();
    assert_eq!(reasons, odd.each_ref().map(|(_, reason)| *reason));
    // Whole but for the one that no topic would take back.
    for (stored, (record, _)) in returned.iter().zip(&odd) {
        let whole = record.value.len() < 1 << 20;
        assert_eq!(stored.record.value == record.value, whole);
        assert!(!whole || stored.record.headers.starts_with(&record.headers));
    }
    intake.stop();
    network.stop();
}
