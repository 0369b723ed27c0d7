//! Which brokers don't take this process for whom it says it is, or aren't taken for brokers by it.

use std::collections::BTreeSet;

use rdkafka::types::RDKafkaErrorCode;

/// Kafka's port, where an address names none.
const PORT: &str = ":9092";

/// The brokers that are asked first, and those of them that there is no trust with. One alone may be just starting, or differ
/// from the others.
pub(super) struct Distrust {
    asked: BTreeSet<String>,
    without: BTreeSet<String>,
}

impl Distrust {
    pub(super) fn of(bootstrap_servers: &str) -> Self {
        let asked = bootstrap_servers.split(',').map(address).filter(|address| address != PORT);
        Self { asked: asked.collect(), without: BTreeSet::new() }
    }

    /// Takes an error of librdkafka's in, whose text begins with the broker: `sasl_ssl://host:port/bootstrap: ...`.
    pub(super) fn heard(&mut self, code: RDKafkaErrorCode, text: &str) {
        let about_trust = [RDKafkaErrorCode::Authentication, RDKafkaErrorCode::SSL].contains(&code);
        // A connection that ends in this step is given the same code.
        let cut_off = text.contains("handshake failed: Local:");
        if about_trust && !cut_off {
            self.without.insert(address(text));
        }
    }

    /// Whether every broker says so.
    pub(super) fn is_everybodys(&self) -> bool {
        !self.asked.is_empty() && self.asked.is_subset(&self.without)
    }
}

/// Host and port of an address, or of a text that begins with a broker's name.
fn address(text: &str) -> String {
    let text = text.trim();
    let text = text.split_once("://").map_or(text, |(_, behind)| behind);
    let address = text.split_once('/').map_or(text, |(before, _)| before).to_ascii_lowercase();
    let port =
        address.rsplit_once(':').is_some_and(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    if port { address } else { address + PORT }
}

#[cfg(test)]
mod tests {
    use RDKafkaErrorCode::{Authentication, BrokerTransportFailure, SSL};

    use super::*;

    /// Whether it is everybody's after each of these errors.
    fn check(bootstrap_servers: &str, heard: &[(RDKafkaErrorCode, &str, bool)]) {
        let mut distrust = Distrust::of(bootstrap_servers);
        assert!(!distrust.is_everybodys());
        for (code, text, expected) in heard {
            distrust.heard(*code, text);
            assert_eq!(distrust.is_everybodys(), *expected, "after {text}");
        }
    }

    #[test]
    fn one_of_several_is_not_everybody() {
        let first = "sasl_plaintext://b1:9092/bootstrap: SASL authentication error: Authentication failed (after 2ms)";
        check("b1:9092", &[(Authentication, first, true)]);
        check(
            "B1, sasl_plaintext://b2:9093,",
            &[
                (Authentication, first, false),
                (Authentication, first, false),
                (BrokerTransportFailure, "sasl_plaintext://b2:9093/bootstrap: Connect failed", false),
                (Authentication, "sasl_plaintext://b3:9093/3: Authentication failed", false),
                (Authentication, "sasl_plaintext://b2:9093/bootstrap: Authentication failed", true),
            ],
        );
        check(
            "[::1]:1,[::1]",
            &[(SSL, "ssl://[::1]:1/bootstrap: x", false), (SSL, "ssl://[::1]:9092/2: x", true)],
        );
    }

    #[test]
    fn a_broker_that_goes_away_says_nothing_of_trust() {
        let cut = "sasl_plaintext://b:1/bootstrap: SASL PLAIN mechanism handshake failed: Local: Broker transport \
                   failure: broker's supported mechanisms: ";
        let other = cut.replace("Local: Broker transport failure", "Broker: Unsupported SASL mechanism");
        check("b:1", &[(Authentication, cut, false), (Authentication, &other, true)]);
    }
}
