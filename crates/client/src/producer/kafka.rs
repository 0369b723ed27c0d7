//! Events by Kafka: straight into the partner's topic. Intake judges them there; what it refuses is in the partner's
//! `rejected` topic, and not told here.

mod refused;

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

/// A full queue has room only a moment after its records were confirmed: how long until it is looked at again,
/// and how often. Longer it is full of what calls left that were dropped.
const ROOM_PAUSE: Duration = Duration::from_millis(1);
const ROOM_LOOKS: u32 = 1_000;

/// Settings that are this crate's to make: they keep events whole and in order.
const FIXED: [(&str, &str); 2] = [("acks", "all"), ("enable.idempotence", "true")];

/// Why there is no transport.
#[derive(Debug, thiserror::Error)]
pub enum NoKafka {
    /// A setting that is not the caller's to make.
    #[error("the setting {name} can't be made: {reason}")]
    Fixed {
        /// Its name.
        name: String,
        /// Why not.
        reason: &'static str,
    },
    /// The library refused a setting, or all of them together; with its name and reason.
    #[error("set up the producer: {0}")]
    Refused(String),
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
            if let Some(reason) = refused::reason(name, value) {
                return Err(NoKafka::Fixed { name: name.clone(), reason });
            }
            config.set(name, value);
        }
        for (name, value) in FIXED {
            config.set(name, value);
        }
        config.set("bootstrap.servers", bootstrap_servers);
        let producer = config.create_with_context(Context).map_err(|error| NoKafka::Refused(said(&error)))?;
        Ok(Self { config, topic: events_topic(partner), producer: Some(producer) })
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
        let mut due = Vec::with_capacity(events.len());
        for event in events {
            let (confirm, outcome) = oneshot::channel();
            let (key, value) = (key(event), event.encode_to_vec());
            let mut record = BaseRecord::with_opaque_to(&topic, Box::new(confirm)).key(&key).payload(&value);
            let mut looks_left = ROOM_LOOKS;
            while let Err((error, unsent)) = producer.send(record) {
                let is_full = error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull);
                let before = confirmed(&mut due).await;
                if !is_full || looks_left == 0 {
                    return Err(trouble(&error));
                }
                before?;
                looks_left -= 1;
                tokio::time::sleep(ROOM_PAUSE).await;
                record = unsent;
            }
            due.push(outcome);
        }
        confirmed(&mut due).await.map(|()| Vec::new())
    }
}

/// What becomes of a record.
type Outcome = Result<(), KafkaError>;

/// Waits for all that is due; gives the first failure.
async fn confirmed(due: &mut Vec<oneshot::Receiver<Outcome>>) -> Result<(), Trouble> {
    let mut all = Ok(());
    for outcome in due.drain(..) {
        // A producer that is gone has confirmed nothing more.
        let outcome = outcome.await.unwrap_or(Err(KafkaError::Canceled));
        all = all.and(outcome.map_err(|error| trouble(&error)));
    }
    all
}

fn trouble(error: &KafkaError) -> Trouble {
    use RDKafkaErrorCode as Code;
    match error.rdkafka_error_code() {
        Some(Code::TopicAuthorizationFailed | Code::ClusterAuthorizationFailed | Code::InvalidTopic) => {
            Trouble::Ended(said(error))
        }
        _ => Trouble::Away { why: said(error), wait: Duration::ZERO },
    }
}

/// An error in words, without the value of a setting: it may be a secret whose name was mistyped.
fn said(error: &KafkaError) -> String {
    if let KafkaError::ClientConfig(_, why, name, value) = error {
        let why = if value.is_empty() { why.clone() } else { why.replace(value, "...") };
        format!("{name}: {why}")
    } else {
        error.to_string()
    }
}

/// Tells whoever waits for a record what became of it.
struct Context;

impl ClientContext for Context {}

impl ProducerContext for Context {
    type DeliveryOpaque = Box<oneshot::Sender<Outcome>>;

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

    fn with(name: &str, value: &str) -> Option<NoKafka> {
        let shop = PartnerId::new("shop").expect("a slug");
        let settings = BTreeMap::from([(name.to_owned(), value.to_owned())]);
        Kafka::new("127.0.0.1:9", &shop, &settings).err()
    }

    #[test]
    fn what_keeps_events_whole_is_not_for_sale() {
        for fixed in [
            "acks",
            "enable.idempotence",
            "transactional.id",
            "delivery.report.only.error",
            "message.timeout.ms",
            "queue.buffering.max.messages",
            "queue.buffering.max.kbytes",
            "message.max.bytes",
        ] {
            let refused = with(fixed, "1");
            assert!(matches!(&refused, Some(NoKafka::Fixed { name, .. }) if name == fixed), "{refused:?}");
        }
        assert!(with("linger.ms", "1").is_none());
    }

    #[test]
    fn no_event_is_waited_for_without_end() {
        for endless in ["0", "00", "0x0", " 0", "-1", ""] {
            let refused = with("delivery.timeout.ms", endless).expect(endless).to_string();
            assert!(refused.starts_with("the setting delivery.timeout.ms can't be made: "), "{refused}");
        }
        // The library waits for 5 ms to fill a batch.
        assert!(with("delivery.timeout.ms", "6").is_none());
    }

    #[test]
    fn no_value_is_told() {
        let refused = with("sasl.pasword", "hunter2").expect("no setting");
        let told = format!("{refused} {refused:?}");
        assert!(told.contains("sasl.pasword") && !told.contains("hunter2"), "{told}");
        assert!(std::error::Error::source(&refused).is_none());
    }

    /// The library's own cluster, in this process.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_full_queue_is_waited_for() {
        let topic = events_topic(&PartnerId::new("shop").expect("a slug"));
        let mut config = ClientConfig::new();
        config.set("test.mock.num.brokers", "1").set("queue.buffering.max.messages", "3");
        let mut kafka = Kafka { config, topic: topic.clone(), producer: None };
        let refused = kafka.publish(&vec![PartnerEvent::default(); 20]).await;
        assert_eq!(refused, Ok(Vec::new()));
        let client = kafka.producer.as_ref().expect("it has published").client();
        let within = Duration::from_secs(30);
        let ends = (0..4).map(|partition| client.fetch_watermarks(&topic, partition, within));
        let records: i64 = ends.map(|ends| ends.expect("the cluster is here").1).sum();
        assert_eq!(records, 20);
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
