//! A broker of Apache Kafka with an authorizer, and its clients under different principals.

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::{ClientContext, Message};

use self::launched::{Launched, launcher};

#[path = "../../../journal/tests/kafka/launched.rs"]
mod launched;

/// How long anything may take before it counts as never.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Who can log in, by PLAIN; the password is the name with `-password` behind it. `operator` may do everything.
const USERS: [&str; 5] = ["operator", "coalition", "auditor", "cdnow", "cd.shop"];

/// One broker, gone when this is, however the process ends.
pub(crate) struct Broker {
    /// The listener on which everybody may do everything.
    pub(crate) open: String,
    /// The one where clients log in, and ACLs count.
    pub(crate) guarded: String,
    launched: Launched,
    /// Removed when it has stopped.
    _folder: tempfile::TempDir,
}

impl Broker {
    /// Starts it. None, with a line that says why, where there can't be one; a failure where it is required.
    pub(crate) fn start() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let users = folder.path().join("users");
        std::fs::write(&users, USERS.map(|name| format!("{name} {name}-password\n")).concat()).unwrap();
        let guard = if cfg!(feature = "kafka-tls") { "--tls" } else { "--authorizer" };
        let users = users.to_str().unwrap();
        let launched = Launched::start(&folder.path().join("kafka"), &[guard, "--users", users])?;
        let (open, guarded) = (launched.addresses.clone(), launched.run("bootstrap", &["--sasl"]));
        Some(Self { open, guarded, launched, _folder: folder })
    }

    /// How Kafka's own tools are called for this broker, with `{}` for a tool's name.
    pub(crate) fn tools(&self) -> String {
        format!("'{}' tool --dir '{}' {{}}", launcher().display(), self.launched.folder.display())
    }

    /// Runs lines of shell until one fails, which none may.
    pub(crate) fn shell(&self, lines: &str) -> String {
        let ran = Command::new("sh").args(["-e", "-c", lines]).output().unwrap();
        assert!(ran.status.success(), "{lines}\n{}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8(ran.stdout).unwrap()
    }

    /// A configuration of two shards whose log is on this broker, for who logs in as `user`.
    pub(crate) fn config(&self, file: &Path, user: &str, password: &str) {
        let text = format!(
            "[network]\nshards = 2\n[ledger]\ninbox_keep = 1\n\
             [log]\nkafka = \"{}\"\nreplication_factor = 1\nmin_insync_replicas = 1\n\
             [log.librdkafka]\n\"security.protocol\" = \"sasl_plaintext\"\n\"sasl.mechanism\" = \"PLAIN\"\n\
             \"sasl.username\" = \"{user}\"\n\"sasl.password\" = \"{password}\"\n",
            self.guarded
        );
        std::fs::write(file, text).unwrap();
    }

    /// A configuration of who logs in as `user` over TLS, by SCRAM, and trusts what the file `ca` vouches for; without one,
    /// the broker's own.
    #[cfg(feature = "kafka-tls")]
    pub(crate) fn tls_config(&self, file: &Path, user: &str, ca: Option<&Path>) {
        let own = self.launched.folder.join("ca.pem");
        self.config(file, user, &format!("{user}-password"));
        let text = std::fs::read_to_string(file).unwrap();
        let text = text
            .replace(&self.guarded, &self.launched.run("bootstrap", &["--tls"]))
            .replace("sasl_plaintext", "sasl_ssl")
            .replace("PLAIN", "SCRAM-SHA-512");
        let ca = ca.unwrap_or(&own).display();
        std::fs::write(file, format!("{text}\"ssl.ca.location\" = \"{ca}\"\n")).unwrap();
    }

    /// A client that logs in as `user`.
    pub(crate) fn client(&self, user: &str) -> Client {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.guarded)
            .set("security.protocol", "sasl_plaintext")
            .set("sasl.mechanism", "PLAIN")
            .set("sasl.username", user)
            .set("sasl.password", format!("{user}-password"));
        Client(config)
    }
}

/// What a principal can do.
pub(crate) struct Client(ClientConfig);

impl Client {
    /// Writes a record; what the broker said.
    pub(crate) fn write(&self, topic: &str, value: &str) -> Result<(), RDKafkaErrorCode> {
        let mut config = self.0.clone();
        config.set("enable.idempotence", "true").set("message.timeout.ms", "30000");
        let told = Told::default();
        let producer: BaseProducer<Told> = config.create_with_context(told.clone()).unwrap();
        producer.send(BaseRecord::<(), str>::to(topic).payload(value)).map_err(|(error, _)| code(&error))?;
        drop(producer.flush(PATIENCE));
        let outcome = told.0.lock().unwrap().take();
        outcome.expect("an answer")
    }

    /// The first record of a topic's only partition, read as a member of a group that then commits it.
    pub(crate) fn read(&self, topic: &str, group: &str) -> Result<String, RDKafkaErrorCode> {
        let mut config = self.0.clone();
        config.set("group.id", group).set("auto.offset.reset", "earliest").set("enable.auto.commit", "false");
        let consumer: BaseConsumer = config.create().unwrap();
        consumer.subscribe(&[topic]).unwrap();
        let record = next(&consumer)?;
        consumer
            .commit_message(&record, rdkafka::consumer::CommitMode::Sync)
            .map_err(|error| code(&error))?;
        Ok(String::from_utf8_lossy(record.payload().unwrap_or_default()).into_owned())
    }

    /// The first record of a topic's partition 0, read without joining the group.
    pub(crate) fn read_alone(&self, topic: &str, group: &str) -> Result<String, RDKafkaErrorCode> {
        let mut config = self.0.clone();
        config.set("group.id", group).set("enable.auto.commit", "false");
        let consumer: BaseConsumer = config.create().unwrap();
        // Asked first: of an assigned topic that it may not even see, a consumer says nothing at all.
        let told = consumer.fetch_metadata(Some(topic), PATIENCE).unwrap();
        if let Some(error) = told.topics().iter().find_map(|topic| topic.error()) {
            return Err(error.into());
        }
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, 0, Offset::Beginning).unwrap();
        consumer.assign(&list).unwrap();
        let record = next(&consumer)?;
        Ok(String::from_utf8_lossy(record.payload().unwrap_or_default()).into_owned())
    }

    pub(crate) fn admin(&self) -> AdminClient<DefaultClientContext> {
        self.0.create().unwrap()
    }

    /// A setting of a topic.
    pub(crate) fn setting(&self, topic: &str, name: &str) -> String {
        let topic = ResourceSpecifier::Topic(topic);
        let described = ask(self.admin().describe_configs([&topic], &options()));
        let Some(Ok(described)) = described.into_iter().next() else { panic!("no answer") };
        described.get(name).and_then(|entry| entry.value.clone()).unwrap()
    }

    /// First offset of partitions 0 and 1 that are still there, added up.
    pub(crate) fn starts(&self, topic: &str) -> i64 {
        let consumer: BaseConsumer = self.0.create().unwrap();
        (0..2).map(|number| consumer.fetch_watermarks(topic, number, PATIENCE).unwrap().0).sum()
    }

    /// What a group has committed of partition 0.
    pub(crate) fn committed(&self, group: &str, topic: &str) -> Option<i64> {
        let mut config = self.0.clone();
        let consumer: BaseConsumer = config.set("group.id", group).create().unwrap();
        let mut list = TopicPartitionList::new();
        list.add_partition(topic, 0);
        let found = consumer.committed_offsets(list, PATIENCE).unwrap();
        let raw = found.elements().first().and_then(|one| one.offset().to_raw());
        raw.filter(|offset| *offset >= 0)
    }
}

/// The next record, or why there is none.
fn next(consumer: &BaseConsumer) -> Result<rdkafka::message::BorrowedMessage<'_>, RDKafkaErrorCode> {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(record)) => return Ok(record),
            Some(Err(error)) => return Err(code(&error)),
            None => {}
        }
    }
    panic!("neither a record nor an error in {PATIENCE:?}");
}

fn code(error: &KafkaError) -> RDKafkaErrorCode {
    error.rdkafka_error_code().unwrap_or_else(|| panic!("{error:?}"))
}

/// Runs a request of an admin client.
pub(crate) fn ask<T>(request: impl Future<Output = Result<T, KafkaError>>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(request).unwrap()
}

pub(crate) fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(PATIENCE))
}

#[derive(Clone, Default)]
struct Told(Arc<Mutex<Option<Result<(), RDKafkaErrorCode>>>>);

impl ClientContext for Told {}

impl ProducerContext for Told {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let outcome = result.as_ref().map(drop).map_err(|(error, _)| code(error));
        *self.0.lock().unwrap() = Some(outcome);
    }
}
