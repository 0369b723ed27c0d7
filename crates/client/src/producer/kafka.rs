//! Events by Kafka: straight into the partner's topic. Intake judges them there; what it refuses is in the partner's
//! `rejected` topic, and not told here.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use coalition_domain::PartnerId;
use coalition_proto::event::v1::PartnerEvent;
use coalition_proto::r#type::v1::Refusal;
use prost::Message as _;
use rdkafka::ClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseRecord, Producer as _, ProducerContext, ThreadedProducer};
use rdkafka::types::RDKafkaErrorCode;
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;

use super::{Transport, Trouble};

/// How long the brokers may take to confirm an event before it is sent again.
const DELIVERY_MAX_MS: &str = "30000";

/// Settings that are this crate's to make: they keep events whole and in order.
const FIXED: [(&str, &str); 2] = [("acks", "all"), ("enable.idempotence", "true")];

/// Others that are no caller's: other names of those that are set here, those that would leave a confirmation out for ever, or
/// spread the events of one customer.
const REFUSED: [&str; 10] = [
    "metadata.broker.list",
    "request.required.acks",
    "message.timeout.ms",
    "delivery.report.only.error",
    "partitioner",
    "sticky.partitioning.linger.ms",
    "queuing.strategy",
    "transactional.id",
    "enable.gapless.guarantee",
    "bootstrap.servers",
];

/// Why there is no transport.
#[derive(Debug, thiserror::Error)]
pub enum NoKafka {
    /// A setting that is not the caller's to make.
    #[error("the setting {0} is fixed: events would be lost or lose their order")]
    Fixed(String),
    /// The library refused a setting.
    #[error("set up the producer")]
    Refused(#[from] KafkaError),
}

/// Publishes to the topic of a partner. The key of a record stands for whom the event is about, so the events of one customer
/// keep their order.
pub struct Kafka {
    config: ClientConfig,
    topic: String,
    /// Nothing where the last one can't go on and the next one could not be made.
    producer: Option<ThreadedProducer<Context>>,
}

impl Kafka {
    /// For the topic of `partner`, at brokers as `host:port`, several with commas between. `settings` are further ones of
    /// librdkafka by its names, such as those of TLS and SASL, which need this crate's feature `kafka-tls`.
    ///
    /// # Errors
    /// See [`NoKafka`]. Brokers that are not there are none: they may come.
    pub fn new(
        bootstrap_servers: &str,
        partner: &PartnerId,
        settings: &BTreeMap<String, String>,
    ) -> Result<Self, NoKafka> {
        let mut config = ClientConfig::new();
        config.set("client.id", "coalition-client").set("delivery.timeout.ms", DELIVERY_MAX_MS);
        for (name, value) in settings {
            if FIXED.iter().any(|(fixed, _)| fixed == name) || REFUSED.contains(&name.as_str()) {
                return Err(NoKafka::Fixed(name.clone()));
            }
            config.set(name, value);
        }
        for (name, value) in FIXED {
            config.set(name, value);
        }
        config.set("bootstrap.servers", bootstrap_servers);
        let producer = Some(config.create_with_context(Context)?);
        Ok(Self { config, topic: events_topic(partner), producer })
    }

    /// A producer that can go on.
    fn producer(&mut self) -> Result<&ThreadedProducer<Context>, KafkaError> {
        let producer = match self.producer.take() {
            Some(producer) if producer.client().fatal_error().is_none() => producer,
            unusable => {
                end(unusable);
                self.config.create_with_context(Context)?
            }
        };
        Ok(self.producer.insert(producer))
    }
}

impl Drop for Kafka {
    fn drop(&mut self) {
        end(self.producer.take());
    }
}

/// Ends a producer, which waits for half a second where brokers are away: on a thread of its own, since a task must not.
fn end(producer: Option<ThreadedProducer<Context>>) {
    // Without a thread it is ended here.
    drop(thread::Builder::new().name("kafka/end".to_owned()).spawn(move || drop(producer)));
}

/// The topic that the partner writes its events to.
fn events_topic(partner: &PartnerId) -> String {
    format!("coalition.partner.{partner}.events.v1")
}

/// What stands for whom an event is about: the same for all events of one identifier, and nothing that could be read.
fn key(event: &PartnerEvent) -> Vec<u8> {
    let identifier = event.identifier.as_ref().map(|it| it.encode_to_vec()).unwrap_or_default();
    Sha256::digest(identifier)[..16].to_vec()
}

impl Transport for Kafka {
    async fn publish(&mut self, events: &[PartnerEvent]) -> Result<Vec<(usize, Refusal)>, Trouble> {
        let topic = self.topic.clone();
        let producer = self.producer().map_err(|error| trouble(&error))?;
        let mut confirmations = Vec::with_capacity(events.len());
        let mut failed = Ok(());
        for event in events {
            let (confirm, confirmed) = oneshot::channel();
            let (key, value) = (key(event), event.encode_to_vec());
            let record = BaseRecord::with_opaque_to(&topic, Box::new(confirm)).key(&key).payload(&value);
            if let Err((error, _)) = producer.send(record) {
                failed = Err(trouble(&error));
                break;
            }
            confirmations.push(confirmed);
        }
        for confirmed in confirmations {
            // A producer that is gone has confirmed nothing more.
            let outcome = confirmed.await.unwrap_or(Err(KafkaError::Canceled));
            failed = failed.and(outcome.map_err(|error| trouble(&error)));
        }
        failed.map(|()| Vec::new())
    }
}

fn trouble(error: &KafkaError) -> Trouble {
    use RDKafkaErrorCode as Code;
    match error.rdkafka_error_code() {
        Some(Code::TopicAuthorizationFailed | Code::ClusterAuthorizationFailed | Code::InvalidTopic) => {
            Trouble::Ended(error.to_string())
        }
        _ => Trouble::Away { why: error.to_string(), wait: Duration::ZERO },
    }
}

/// Tells whoever waits for a record what became of it.
struct Context;

impl ClientContext for Context {}

impl ProducerContext for Context {
    type DeliveryOpaque = Box<oneshot::Sender<Result<(), KafkaError>>>;

    fn delivery(&self, result: &DeliveryResult<'_>, confirm: Self::DeliveryOpaque) {
        let outcome = match result {
            Ok(_) => Ok(()),
            Err((error, _)) => Err(error.clone()),
        };
        // Nobody waits after the producer was closed.
        drop(confirm.send(outcome));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn topics_are_those_that_intake_reads() {
        let shop = PartnerId::new("shop").expect("a slug");
        assert_eq!(events_topic(&shop), coalition_intake::events_topic(&shop));
    }

    #[test]
    fn what_keeps_events_whole_is_not_for_sale() {
        let shop = PartnerId::new("shop").expect("a slug");
        let with = |name: &str| {
            let settings = BTreeMap::from([(name.to_owned(), "1".to_owned())]);
            Kafka::new("127.0.0.1:9", &shop, &settings).err()
        };
        for fixed in ["acks", "enable.idempotence", "transactional.id", "delivery.report.only.error"] {
            assert!(matches!(with(fixed), Some(NoKafka::Fixed(name)) if name == fixed));
        }
        assert!(matches!(with("no.such.setting"), Some(NoKafka::Refused(_))));
        assert!(with("linger.ms").is_none());
    }

    /// Whoever drops it is a task, and others wait for its thread.
    #[test]
    fn an_end_waits_for_no_broker() {
        let shop = PartnerId::new("shop").expect("a slug");
        let took = (0..20).map(|_| {
            let kafka = Kafka::new("127.0.0.1:9", &shop, &BTreeMap::new()).expect("it needs no broker");
            let (confirm, _) = oneshot::channel();
            let record = BaseRecord::with_opaque_to(&kafka.topic, Box::new(confirm)).key("k").payload("v");
            assert!(kafka.producer.as_ref().is_some_and(|producer| producer.send(record).is_ok()));
            let began = Instant::now();
            drop(kafka);
            began.elapsed()
        });
        let quickest = took.min().expect("there were some");
        assert!(quickest < Duration::from_millis(50), "{quickest:?}");
    }

    #[test]
    fn one_customer_one_key() {
        use coalition_proto::r#type::v1::Identifier;
        let of = |scheme, value: &str| {
            let identifier = Identifier { scheme, scope: String::new(), value: value.to_owned() };
            key(&PartnerEvent { identifier: Some(identifier), ..PartnerEvent::default() })
        };
        assert_eq!(of(1, "a"), of(1, "a"));
        assert!(of(1, "a") != of(2, "a") && of(1, "a") != of(1, "b"));
    }
}
