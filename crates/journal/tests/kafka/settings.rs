//! Settings, of the log and of topics, that are refused.

use std::time::{Duration, Instant};

use coalition_journal::kafka::{Kafka, Settings};
use coalition_journal::log::{Error, Log};
use rdkafka::admin::{AdminOptions, AlterConfig, ResourceSpecifier};

use super::cluster;
use super::records::foreign_topic;
use super::subject::{admin, block_on, open};

fn said(error: &Error) -> String {
    let source = std::error::Error::source(error).map(ToString::to_string);
    format!("{error}: {}", source.unwrap_or_default())
}

fn refusal(settings: &Settings) -> String {
    let error = Kafka::open(settings).err().expect("refused");
    assert!(matches!(error, Error::Misconfigured { .. }), "no further try helps: {error:?}");
    said(&error)
}

#[test]
fn a_setting_that_correctness_depends_on_is_refused_and_others_are_taken() {
    let Some(cluster) = cluster::calm(1) else { return };
    let with = |key: &str, value: &str| {
        let librdkafka = [(key.to_owned(), value.to_owned())].into();
        Settings { librdkafka, ..cluster.settings() }
    };
    let refused = refusal(&with("acks", "1"));
    assert!(refused.starts_with("set up the log on kafka: librdkafka's acks can't be set: "), "{refused}");
    let unknown = refusal(&with("fetch.wait", "1"));
    assert!(unknown.contains("fetch.wait"), "{unknown}");
    drop(open(&with("compression.type", "zstd")));
    let too_many = Settings { min_insync_replicas: 2, ..cluster.settings() };
    assert!(refusal(&too_many).contains("min_insync_replicas"));
}

#[test]
fn brokers_that_do_not_answer_are_an_error_in_good_time() {
    // The discard port, which nobody listens on.
    let nowhere = Settings { request_timeout: Duration::from_secs(1), ..Settings::at("127.0.0.1:9") };
    let began = Instant::now();
    let error = Kafka::open(&nowhere).err().expect("nobody is there");
    assert!(matches!(error, Error::Backend { .. }), "they may come: {error:?}");
    let refused = said(&error);
    assert!(refused.starts_with("reach kafka at 127.0.0.1:9 within 1s: "), "{refused}");
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_topic_that_could_lose_records_is_refused_until_it_is_mended() {
    let Some(cluster) = cluster::calm(1) else { return };
    let settings = cluster.settings();
    let log = open(&settings);
    let topic = "settings.wrong";
    foreign_topic(&settings, topic, &[("retention.ms", "604800000"), ("max.message.bytes", "3000000")]);
    let Err(error) = log.create_topic(topic, 1) else { panic!("it is refused") };
    let said = said(&error);
    let begins = "check the settings of topic settings.wrong: retention.ms is 604800000, not -1 (records would be \
                  deleted by age), message.timestamp.type is CreateTime, not LogAppendTime (records would carry \
                  their writer's clock)";
    assert!(said.starts_with(begins), "{said}");
    mend(&settings, topic, &said, &[("max.message.bytes", "3000000")]);
    let created = log.create_topic(topic, 1).expect("now it will do");
    assert_eq!(log.topic(topic).expect("look"), Some(created));
    let copies = Settings { replication_factor: 3, ..settings };
    let Err(error) = open(&copies).create_topic("settings.copies", 1) else { panic!("it is refused") };
    assert!(matches!(error, Error::Misconfigured { .. }), "{error:?}");
    let few = "create topic settings.copies: replication_factor is 3, and there are fewer brokers: start the others, or set \
               replication_factor = 1 and";
    assert!(self::said(&error).starts_with(few), "{}", self::said(&error));
    let Err(error) = open(&copies).create_topic(topic, 1) else { panic!("it is refused") };
    assert!(self::said(&error).contains("its partitions have 1 copies, not 3"));
}

/// Does what an error says, and what has to be said again.
fn mend(settings: &Settings, topic: &str, said: &str, kept: &[(&str, &str)]) {
    let (_, mend) = said.split_once("--add-config ").expect("a command");
    let mend = mend.split(',').filter_map(|setting| setting.split_once('='));
    let alter = AlterConfig::new(ResourceSpecifier::Topic(topic));
    let alter = mend.chain(kept.iter().copied()).fold(alter, |alter, (key, value)| alter.set(key, value));
    let altered = block_on(admin(settings).alter_configs([&alter], &AdminOptions::new())).expect("alter");
    assert!(altered.iter().all(Result::is_ok), "{altered:?}");
}

#[test]
fn a_topic_that_others_made_is_opened_unless_it_could_lose_events() {
    let Some(cluster) = cluster::calm(1) else { return };
    let settings = cluster.settings();
    let log = open(&settings);
    let topic = "settings.partners";
    foreign_topic(&settings, topic, &[("cleanup.policy", "compact"), ("retention.ms", "604800000")]);
    assert!(log.topic(topic).expect("look").is_some(), "that it is known already changes nothing");
    let said = said(&log.open_topic(topic, 1).expect_err("it is refused"));
    let expected = "check the settings of topic settings.partners: cleanup.policy is compact, not delete (compaction \
                    would leave out records); mend it with: kafka-configs.sh";
    assert!(said.starts_with(expected), "{said}");
    mend(&settings, topic, &said, &[("retention.ms", "604800000")]);
    let opened = log.open_topic(topic, 5).expect("now it will do");
    assert_eq!(opened.partitions, 1, "it keeps what it has");
    assert!(log.create_topic(topic, 1).is_err(), "but not for the network itself");
    assert_eq!(log.open_topic("settings.partners-new", 5).expect("it is created").partitions, 5);
}
