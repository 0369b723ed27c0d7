//! What can be chosen about the log on Kafka, and what can't.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::ClientConfig;

use super::refused::{Refused, check};

/// What a record may take on its way beside its [`crate::log::Record::bytes`].
pub(super) const FRAME_BYTES: usize = 1024;

/// How the log on Kafka works.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// Where brokers are found first: `host:port`, several with commas between.
    pub bootstrap_servers: String,
    /// How many copies of each record a topic keeps, at least. Topics are created with so many.
    pub replication_factor: u16,
    /// How many copies must be there before a record is acknowledged, at least. Topics are created with so many.
    pub min_insync_replicas: u16,
    /// A larger record is refused, as [`crate::log::Record::bytes`] counts; topics are created to take it.
    pub record_bytes_max: usize,
    /// Appends beyond this on their way to the brokers are refused.
    pub queue_bytes_max: usize,
    /// How much of a partition is kept in memory for its reader.
    pub buffer_bytes_max: usize,
    /// After this an append is in doubt. Shorter than the ledger's own time-out, so that the record of the next term does
    /// not wait behind one that the ledger gave up.
    pub delivery_timeout: Duration,
    /// How long a question to the brokers may take.
    pub request_timeout: Duration,
    /// How long a read waits for records that are known to be there; then it fails.
    pub read_timeout: Duration,
    /// How long a partition may end before what is to be read of it; then reading it fails.
    pub behind_timeout: Duration,
    /// Further settings of librdkafka, by its own names, for all its clients. Some are refused, each with its reason.
    pub librdkafka: BTreeMap<String, String>,
}

impl Settings {
    /// The defaults, for three brokers or more.
    pub fn at(bootstrap_servers: &str) -> Self {
        Self {
            bootstrap_servers: bootstrap_servers.to_owned(),
            replication_factor: 3,
            min_insync_replicas: 2,
            record_bytes_max: 2 << 20,
            queue_bytes_max: 64 << 20,
            buffer_bytes_max: 4 << 20,
            delivery_timeout: Duration::from_secs(8),
            request_timeout: Duration::from_secs(5),
            read_timeout: Duration::from_secs(2),
            behind_timeout: Duration::from_secs(30),
            librdkafka: BTreeMap::new(),
        }
    }

    /// Whether all of it can be meant.
    pub(super) fn check(&self) -> Result<(), Refused> {
        let impossible = |what: &'static str| Err(Refused::Impossible(what));
        if self.bootstrap_servers.trim().is_empty() {
            return impossible("bootstrap_servers is empty");
        }
        if !(1..=self.replication_factor).contains(&self.min_insync_replicas) {
            return impossible("min_insync_replicas is not from 1 to replication_factor");
        }
        if self.record_bytes_max == 0 || self.record_bytes_max > self.queue_bytes_max {
            return impossible("record_bytes_max is not from 1 to queue_bytes_max");
        }
        if self.record_bytes_max > 256 << 20 || self.queue_bytes_max > 1 << 30 {
            return impossible("record_bytes_max is more than 256 MiB, or queue_bytes_max more than 1 GiB");
        }
        if self.delivery_timeout < Duration::from_secs(1) {
            return impossible("delivery_timeout is less than a second");
        }
        self.librdkafka.iter().try_for_each(|(key, value)| check(key, value))?;
        let is_set = |key| self.librdkafka.contains_key(key);
        let protocol = self.librdkafka.get("security.protocol").map(|protocol| protocol.to_ascii_lowercase());
        // librdkafka's default is Kerberos, which no build has.
        if protocol.is_some_and(|protocol| protocol.contains("sasl"))
            && !is_set("sasl.mechanism")
            && !is_set("sasl.mechanisms")
        {
            return impossible(
                "librdkafka's security.protocol logs in by SASL, but not said is how: set sasl.mechanism, such as PLAIN or \
                 SCRAM-SHA-512",
            );
        }
        Ok(())
    }

    /// Of the producer.
    pub(super) fn producer(&self) -> ClientConfig {
        let mut config = self.client(&[("linger.ms", "0"), ("batch.size", "1000000")]);
        // Twice what the adapter lets in, and any number: librdkafka must not find its queue full in the middle of an
        // append of several records.
        let queue_kb = self.queue_bytes_max / 1024 * 2 + 1024;
        config
            .set("acks", "all")
            .set("enable.idempotence", "true")
            .set("delivery.timeout.ms", self.delivery_timeout.as_millis().to_string())
            .set("message.max.bytes", (self.record_bytes_max + FRAME_BYTES).to_string())
            .set("queue.buffering.max.kbytes", queue_kb.to_string())
            .set("queue.buffering.max.messages", "0");
        config
    }

    /// Of the consumer that reads.
    pub(super) fn reader(&self) -> ClientConfig {
        let mut config = self.client(&[
            // A partition that is read anew waits for a fetch that is under way; so does nothing else.
            ("fetch.wait.max.ms", "50"),
            ("fetch.error.backoff.ms", "100"),
            ("fetch.queue.backoff.ms", "10"),
            ("queued.max.messages.kbytes", "4096"),
        ]);
        config
            .set("group.id", READER_GROUP)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "error")
            .set("check.crcs", "true")
            .set("isolation.level", "read_committed")
            .set("enable.partition.eof", "true")
            .set("allow.auto.create.topics", "false");
        config
    }

    /// Of the consumer that commits for `group`, and reads nothing.
    pub(super) fn group(&self, group: &str) -> ClientConfig {
        let mut config = self.client(&[("session.timeout.ms", "6000")]);
        config
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("allow.auto.create.topics", "false");
        config
    }

    /// Of the client that creates, describes and trims topics.
    pub(super) fn admin(&self) -> ClientConfig {
        // It follows no topic, so nothing else makes it ask who the controller is when that broker has died: for the five
        // minutes of librdkafka's default it would wait for one that is gone.
        self.client(&[("topic.metadata.refresh.interval.ms", "5000")])
    }

    /// `defaults` before what was chosen.
    fn client(&self, defaults: &[(&str, &str)]) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("client.id", "coalition")
            .set("socket.nagle.disable", "true")
            .set("socket.keepalive.enable", "true")
            .set("socket.timeout.ms", "10000")
            .set("reconnect.backoff.max.ms", "1000");
        for &(key, value) in defaults {
            config.set(key, value);
        }
        for (key, value) in &self.librdkafka {
            config.set(key, value);
        }
        config.set("bootstrap.servers", &self.bootstrap_servers);
        config
    }
}

/// The group that the consumer which reads names. Never joined, and nothing is committed in it: librdkafka asks for a group
/// of whoever reads partitions of its choice.
pub const READER_GROUP: &str = "coalition-reader";

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(librdkafka: &[(&str, &str)]) -> Option<String> {
        let owned = |&(key, value): &(&str, &str)| (key.to_owned(), value.to_owned());
        let librdkafka = librdkafka.iter().map(owned).collect();
        Settings { librdkafka, ..Settings::at("b:9092") }.check().err().map(|refused| refused.to_string())
    }

    #[test]
    fn who_logs_in_by_sasl_says_how() {
        let how = ("sasl.mechanism", "PLAIN");
        let said = refusal(&[("security.protocol", "SASL_PLAINTEXT")]).expect("refused");
        assert!(said.contains("set sasl.mechanism"), "{said}");
        assert_eq!(refusal(&[("security.protocol", "sasl_plaintext"), how]), None);
        assert_eq!(refusal(&[("security.protocol", "sasl_plaintext"), ("sasl.mechanisms", "PLAIN")]), None);
        assert_eq!(refusal(&[("security.protocol", "plaintext")]), None);
        #[cfg(feature = "kafka-tls")]
        assert!(refusal(&[("security.protocol", "sasl_ssl")]).is_some());
    }
}
