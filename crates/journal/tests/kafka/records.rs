//! Records of every kind that another's client may write.

use std::time::{SystemTime, UNIX_EPOCH};

use coalition_domain::Timestamp;
use coalition_journal::conformance::{append, read_all};
use coalition_journal::kafka::Settings;
use coalition_journal::log::{AppendError, Log, MALFORMED_HEADER, Offset, Partition, Record, Stored};
use coalition_kafka_native::testing::insert_header;
use rdkafka::admin::{AdminOptions, NewTopic, TopicReplication};
use rdkafka::config::ClientConfig;
use rdkafka::message::OwnedHeaders;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use super::cluster;
use super::subject::{PATIENCE, admin, block_on, open, until};

/// A topic that somebody else created, with settings of their own.
pub(crate) fn foreign_topic(settings: &Settings, name: &str, with: &[(&str, &str)]) {
    let topic = NewTopic::new(name, 1, TopicReplication::Fixed(1));
    let topic = with.iter().fold(topic, |topic, (key, value)| topic.set(key, value));
    let created = block_on(admin(settings).create_topics([&topic], &AdminOptions::new())).expect("create");
    created.into_iter().for_each(|one| assert!(one.is_ok(), "{one:?}"));
}

/// A producer that isn't ours.
pub(crate) fn foreign_producer(settings: &Settings, with: &[(&str, &str)]) -> BaseProducer {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", &settings.bootstrap_servers);
    for (key, value) in with {
        config.set(*key, *value);
    }
    config.create().expect("a producer")
}

pub(crate) fn values(stored: &[Stored]) -> Vec<String> {
    stored.iter().map(|stored| String::from_utf8_lossy(&stored.record.value).into_owned()).collect()
}

#[test]
fn a_header_whose_name_is_no_text_stops_nothing() {
    let Some(cluster) = cluster::calm(1) else { return };
    let log = open(&cluster.settings());
    let at = Partition::new("records.headers", 0);
    log.create_topic(&at.topic, 1).expect("create");
    let producer = foreign_producer(&cluster.settings(), &[]);
    let bad = insert_header(OwnedHeaders::new(), b"caf\xe9", b"1\xff");
    let bad = insert_header(bad, b"", b"");
    let bad = insert_header(bad, b"good", b"2");
    let record = BaseRecord::<(), str>::to(&at.topic).partition(0);
    let bad = BaseRecord { headers: Some(bad), ..record }.payload("bad");
    producer.send(bad).map_err(|(error, _)| error).expect("send");
    for value in ["next", "last"] {
        let record = BaseRecord::<(), str>::to(&at.topic).partition(0).payload(value);
        producer.send(record).map_err(|(error, _)| error).expect("send");
    }
    producer.flush(PATIENCE).expect("sent");
    let stored = read_all(&log, &at, Offset(0), 1_000_000);
    assert_eq!(values(&stored), ["bad", "next", "last"]);
    let headers: Vec<_> =
        stored[0].record.headers.iter().map(|(name, value)| (name.as_str(), value.as_ref())).collect();
    let expected: &[(&str, &[u8])] = &[(MALFORMED_HEADER, b"caf\xe9\x001\xff"), ("", b""), ("good", b"2")];
    assert_eq!(headers, expected);
}

#[test]
fn nothing_at_all_is_an_empty_record() {
    let Some(cluster) = cluster::calm(1) else { return };
    let log = open(&cluster.settings());
    let at = Partition::new("records.empty", 0);
    log.create_topic(&at.topic, 1).expect("create");
    let producer = foreign_producer(&cluster.settings(), &[]);
    let tombstone = BaseRecord::<str, ()>::to(&at.topic).partition(0).key("k");
    producer.send(tombstone).map_err(|(error, _)| error).expect("send");
    producer
        .send(BaseRecord::<(), ()>::to(&at.topic).partition(0))
        .map_err(|(error, _)| error)
        .expect("send");
    producer.flush(PATIENCE).expect("sent");
    let stored = read_all(&log, &at, Offset(0), 1_000_000);
    let records: Vec<_> = stored.into_iter().map(|stored| stored.record).collect();
    assert_eq!(records, [Record { key: Some("k".into()), ..Record::default() }, Record::default()]);
}

#[test]
fn every_compression_is_read() {
    let Some(cluster) = cluster::calm(1) else { return };
    let log = open(&cluster.settings());
    let at = Partition::new("records.compressed", 0);
    log.create_topic(&at.topic, 1).expect("create");
    let kinds = ["none", "gzip", "snappy", "lz4", "zstd"];
    for kind in kinds {
        let producer = foreign_producer(&cluster.settings(), &[("compression.type", kind)]);
        let value = kind.repeat(1000);
        let record = BaseRecord::<(), str>::to(&at.topic).partition(0).payload(&value);
        producer.send(record).map_err(|(error, _)| error).expect("send");
        producer.flush(PATIENCE).expect("sent");
    }
    let expected: Vec<_> = kinds.iter().map(|kind| kind.repeat(1000)).collect();
    assert_eq!(values(&read_all(&log, &at, Offset(0), 1_000_000)), expected);
}

#[test]
fn gaps_are_read_over() {
    let Some(cluster) = cluster::calm(1) else { return };
    let settings = cluster.settings();
    let log = open(&settings);
    let at = Partition::new("records.gaps", 0);
    log.create_topic(&at.topic, 1).expect("create");
    let producer = foreign_producer(&settings, &[("transactional.id", "somebody")]);
    producer.init_transactions(PATIENCE).expect("begin");
    for value in ["a", "b"] {
        producer.begin_transaction().expect("begin");
        let record = BaseRecord::<(), str>::to(&at.topic).partition(0).payload(value);
        producer.send(record).map_err(|(error, _)| error).expect("send");
        producer.commit_transaction(PATIENCE).expect("commit");
    }
    // Each is followed by the marker of its commit, which nobody reads.
    until("the last one is there", || log.bounds(&at).expect("bounds") == (Offset(0), Offset(4)));
    let offsets = |stored: Vec<Stored>| stored.iter().map(|stored| stored.offset.0).collect::<Vec<_>>();
    assert_eq!(offsets(read_all(&log, &at, Offset(0), 1_000_000)), [0, 2]);
    assert_eq!(offsets(read_all(&log, &at, Offset(1), 1_000_000)), [2]);
    let other = open(&settings);
    assert!(read_all(&other, &at, Offset(3), 1_000_000).is_empty(), "there is nothing but a marker");
}

/// Another's client that took it back: it never was, and nobody waits for it.
#[test]
fn what_was_written_in_an_aborted_transaction_is_not_read() {
    let Some(cluster) = cluster::calm(1) else { return };
    let settings = cluster.settings();
    let log = open(&settings);
    let at = Partition::new("records.aborted", 0);
    log.create_topic(&at.topic, 1).expect("create");
    let producer = foreign_producer(&settings, &[("transactional.id", "fickle")]);
    producer.init_transactions(PATIENCE).expect("begin");
    let write = |value: &str| {
        producer.begin_transaction().expect("begin");
        let record = BaseRecord::<(), str>::to(&at.topic).partition(0).payload(value);
        producer.send(record).map_err(|(error, _)| error).expect("send");
        producer.flush(PATIENCE).expect("sent");
    };
    write("a");
    assert!(read_all(&log, &at, Offset(0), 1_000_000).is_empty(), "it may be taken back still");
    producer.abort_transaction(PATIENCE).expect("abort");
    write("b");
    producer.commit_transaction(PATIENCE).expect("commit");
    write("c");
    producer.abort_transaction(PATIENCE).expect("abort");
    until("all of it is there", || log.bounds(&at).expect("bounds") == (Offset(0), Offset(6)));
    assert_eq!(values(&read_all(&log, &at, Offset(0), 1_000_000)), ["b"]);
    assert_eq!(append(&log, &at, vec![Record::of("d")]).expect("append"), Offset(6));
    assert_eq!(values(&read_all(&log, &at, Offset(3), 1_000_000)), ["d"]);
}

#[test]
fn a_record_that_a_topic_does_not_take_is_not_acknowledged() {
    let Some(cluster) = cluster::calm(1) else { return };
    let settings = cluster.settings();
    let log = open(&settings);
    let at = Partition::new("records.large", 0);
    foreign_topic(&settings, &at.topic, &[("max.message.bytes", "2000")]);
    append(&log, &at, vec![Record::of(vec![0; 1000])]).expect("append");
    let refused = append(&log, &at, vec![Record::of(vec![0; 3000])]);
    // The broker says no, but what it said to an earlier try isn't known.
    assert!(matches!(refused, Err(AppendError::Doubt(_))), "{refused:?}");
    assert_eq!(append(&log, &at, vec![Record::of("x")]).expect("append"), Offset(1));
    let refused = append(&log, &at, vec![Record::of(vec![0; settings.record_bytes_max - 15])]);
    assert!(matches!(refused, Err(AppendError::NotAppended(_))), "{refused:?}");
    assert_eq!(append(&log, &at, vec![Record::of("y")]).expect("append"), Offset(2));
}

#[test]
fn where_the_log_notes_no_time_it_is_when_it_was_read() {
    let Some(cluster) = cluster::calm(1) else { return };
    let settings = cluster.settings();
    let log = open(&settings);
    let at = Partition::new("records.time", 0);
    foreign_topic(&settings, &at.topic, &[("message.timestamp.type", "CreateTime")]);
    let producer = foreign_producer(&settings, &[]);
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis();
    let before = Timestamp::from_millis(i64::try_from(since).expect("fits"));
    let record = BaseRecord::<(), str>::to(&at.topic).partition(0).payload("x").timestamp(1_000_000_000_000);
    producer.send(record).map_err(|(error, _)| error).expect("send");
    producer.flush(PATIENCE).expect("sent");
    let stored = read_all(&log, &at, Offset(0), 1_000_000);
    assert!(stored[0].append_time >= before, "not what the writer says");
}
