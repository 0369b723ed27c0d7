//! The settings of librdkafka that can't be chosen, each with its reason.

/// Why a setting is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    #[error("librdkafka's {key} can't be set: {reason}")]
    Fixed { key: String, reason: &'static str },
    #[error(
        "librdkafka's {key}={value} needs TLS, which is not in this build: use a released binary, or build with \
         --features kafka-tls"
    )]
    NeedsTls { key: String, value: String },
    #[error(
        "librdkafka's {key}={value} needs Kerberos, which no build has: PLAIN, SCRAM and client certificates work"
    )]
    NeedsKerberos { key: String, value: String },
    #[error("{0}")]
    Impossible(&'static str),
    #[error("librdkafka's {key} is refused by it: {why}")]
    ByLibrary { key: String, why: String },
}

impl Refused {
    /// What librdkafka says of a setting, without the value.
    pub(super) fn by_library(key: String, why: &str, value: &str) -> Self {
        let why = if value.is_empty() { why.to_owned() } else { why.replace(value, "...") };
        Self::ByLibrary { key, why }
    }
}

const OWN: &str = "it has a setting of its own here";
const ORDER: &str = "the order of appends and what is said of their outcome depend on it";
const READING: &str = "all readers must see the same records, none left out";
const GROUPS: &str =
    "partitions are read by hand, from where the journal says, and offsets are committed by hand";
const PLACEMENT: &str = "the network computes the partition of each record itself";
const TRANSACTIONS: &str = "the journal fences itself, and Kafka's transactions would leave gaps in it";

/// Names of settings, aliases too, and the reason why they are fixed.
const FIXED: &[(&str, &str)] = &[
    ("bootstrap.servers", OWN),
    ("metadata.broker.list", OWN),
    ("delivery.timeout.ms", OWN),
    ("message.timeout.ms", OWN),
    ("message.max.bytes", OWN),
    ("queue.buffering.max.kbytes", OWN),
    ("queue.buffering.max.messages", OWN),
    ("acks", ORDER),
    ("request.required.acks", ORDER),
    ("enable.idempotence", ORDER),
    ("enable.gapless.guarantee", ORDER),
    ("delivery.report.only.error", ORDER),
    ("produce.offset.report", ORDER),
    ("queuing.strategy", ORDER),
    ("message.send.max.retries", ORDER),
    ("retries", ORDER),
    ("max.in.flight", ORDER),
    ("max.in.flight.requests.per.connection", ORDER),
    ("isolation.level", READING),
    ("check.crcs", READING),
    ("auto.offset.reset", READING),
    ("enable.partition.eof", READING),
    ("consume.callback.max.messages", READING),
    ("group.id", GROUPS),
    ("group.instance.id", GROUPS),
    ("group.protocol", GROUPS),
    ("group.protocol.type", GROUPS),
    ("group.remote.assignor", GROUPS),
    ("partition.assignment.strategy", GROUPS),
    ("enable.auto.commit", GROUPS),
    ("auto.commit.enable", GROUPS),
    ("auto.commit.interval.ms", GROUPS),
    ("enable.auto.offset.store", GROUPS),
    ("offset.store.method", GROUPS),
    ("partitioner", PLACEMENT),
    ("sticky.partitioning.linger.ms", PLACEMENT),
    ("transactional.id", TRANSACTIONS),
    ("transaction.timeout.ms", TRANSACTIONS),
    (
        "allow.auto.create.topics",
        "a mistyped topic must be an error, and none may have settings that nobody chose",
    ),
    ("log.queue", "its lines go to this process's log"),
];

/// Whether librdkafka's setting may be chosen.
pub(super) fn check(key: &str, value: &str) -> Result<(), Refused> {
    if let Some(&(_, reason)) = FIXED.iter().find(|(fixed, _)| *fixed == key) {
        return Err(Refused::Fixed { key: key.to_owned(), reason });
    }
    let (owned_key, owned_value) = (key.to_owned(), shown(key, value));
    let mechanism = matches!(key, "sasl.mechanism" | "sasl.mechanisms");
    if mechanism && value.eq_ignore_ascii_case("GSSAPI") || key.starts_with("sasl.kerberos.") {
        return Err(Refused::NeedsKerberos { key: owned_key, value: owned_value });
    }
    // Log-ins by SCRAM and OAUTHBEARER are computed with the same library as TLS.
    let tls = key.starts_with("ssl.")
        || key == "enable.ssl.certificate.verification"
        || key == "security.protocol" && value.to_ascii_lowercase().contains("ssl")
        || mechanism && !value.eq_ignore_ascii_case("PLAIN");
    if tls && !cfg!(feature = "kafka-tls") {
        return Err(Refused::NeedsTls { key: owned_key, value: owned_value });
    }
    Ok(())
}

/// The value, unless it may be a secret.
fn shown(key: &str, value: &str) -> String {
    if ["password", "key", "secret"].iter().any(|secret| key.contains(secret)) {
        "...".to_owned()
    } else {
        value.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::{Settings, Topics};

    fn refusal(key: &str, value: &str) -> String {
        check(key, value).expect_err(key).to_string()
    }

    #[test]
    fn the_value_of_a_mistyped_setting_is_not_told() {
        let settings = Settings {
            librdkafka: [("sasl.pasword".to_owned(), "hunter2".to_owned())].into(),
            ..Settings::at("127.0.0.1:9")
        };
        let Err(error) = Topics::open(&settings) else { panic!("there is no such setting") };
        let said = format!("{error}: {:?}", std::error::Error::source(&error));
        assert!(said.contains("sasl.pasword") && !said.contains("hunter2"), "{said}");
    }

    #[test]
    fn what_correctness_depends_on_is_fixed() {
        for key in [
            "acks",
            "enable.idempotence",
            "isolation.level",
            "auto.offset.reset",
            "check.crcs",
            "enable.auto.commit",
            "partitioner",
            "transactional.id",
            "group.id",
        ] {
            let said = refusal(key, "x");
            assert!(said.starts_with(&format!("librdkafka's {key} can't be set: ")), "{said}");
        }
        for (key, value) in [
            ("linger.ms", "5"),
            ("compression.type", "lz4"),
            ("fetch.wait.max.ms", "500"),
            ("debug", "broker"),
            ("security.protocol", "plaintext"),
            ("security.protocol", "sasl_plaintext"),
            ("sasl.mechanism", "PLAIN"),
            ("sasl.password", "x"),
        ] {
            assert_eq!(check(key, value), Ok(()), "{key}");
        }
    }

    #[test]
    fn kerberos_is_in_no_build() {
        let said = refusal("sasl.mechanisms", "GSSAPI");
        assert!(said.contains("needs Kerberos"), "{said}");
    }

    #[test]
    fn without_tls_it_is_said_how_to_get_it() {
        for (key, value) in [
            ("security.protocol", "SSL"),
            ("security.protocol", "sasl_ssl"),
            ("ssl.ca.location", "/ca.pem"),
            ("sasl.mechanism", "SCRAM-SHA-512"),
        ] {
            if cfg!(feature = "kafka-tls") {
                assert_eq!(check(key, value), Ok(()), "{key}");
            } else {
                assert!(refusal(key, value).ends_with("build with --features kafka-tls"), "{key}");
            }
        }
    }

    #[test]
    #[cfg(not(feature = "kafka-tls"))]
    fn secrets_are_not_shown() {
        assert!(!refusal("ssl.key.password", "hunter2").contains("hunter2"));
    }
}
