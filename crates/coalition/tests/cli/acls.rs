//! What `coalition topics` prepares, on a broker that lets nobody do what was not granted.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use coalition_journal::kafka::{Settings, Topics};
use coalition_journal::log::Error;
use rdkafka::admin::{AlterConfig, NewPartitions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::error::RDKafkaErrorCode as Code;
use serde_json::json;

use crate::brokers::{Broker, PATIENCE, ask, options};
use crate::everyday::PROGRAMME;
use crate::network::{Ended, Network, command, end, refused};

const EVENTS: &str = "coalition.partner.cdnow.events.v1";
const REJECTED: &str = "coalition.partner.cdnow.rejected.v1";
const OTHERS_EVENTS: &str = "coalition.partner.cd.events.v1";
const OTHERS_REJECTED: &str = "coalition.partner.cd.rejected.v1";
const NETWORKS: [&str; 2] = ["coalition.inbox.v1", "coalition.journal.v1"];

/// A prepared broker, and what is started on it.
struct Stage {
    broker: Broker,
    folder: PathBuf,
}

impl Stage {
    /// The command line `args` with a configuration that logs in as `user`.
    fn command(&self, args: &str, user: &str, password: &str) -> Command {
        let file = self.folder.join(format!("{user}.toml"));
        self.broker.config(&file, user, password);
        let mut command = command(args);
        command.arg("--config").arg(file);
        command
    }

    fn as_user(&self, args: &str, user: &str) -> Command {
        self.command(args, user, &format!("{user}-password"))
    }

    fn serve(&self, password: &str) -> Command {
        let mut serve = self.command("serve --listen 127.0.0.1:0", "coalition", password);
        serve.arg("--data").arg(self.folder.join("data"));
        serve
    }
}

#[test]
fn a_partner_can_write_its_events_and_nothing_else_and_the_network_runs() {
    let Some(broker) = Broker::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage { broker, folder: folder.path().to_owned() };
    granted(&stage);
    a_start_that_is_not_let_ends_soon(&stage);
    created(&stage);
    #[cfg(feature = "kafka-tls")]
    over_tls(&stage);
    let network = Network::start_by(stage.serve("coalition-password"), folder);
    runs(&stage, &network);
    a_start_that_may_not_read_ends_soon(&stage);
    a_partner_is_kept_to_its_own(&stage);
}

/// The printed commands are run as they are.
fn granted(stage: &Stage) {
    let printed = |args: &str, count: usize| {
        let mut acls = command(&format!("topics acls {args}"));
        acls.args(["--kafka", &stage.broker.open, "--tools", &stage.broker.tools()]);
        let lines = end(acls).good();
        assert_eq!(lines.lines().count(), count, "{lines}");
        lines
    };
    let auditor = "--add --allow-principal User:auditor --operation Describe --operation DescribeConfigs \
                   --topic coalition. --resource-pattern-type prefixed </dev/null";
    let lines = printed("--no-create", 3)
        + &printed("--partner cdnow --partner cd --principal cd=cd.shop", 6)
        + &format!("{} {auditor}", stage.broker.tools().replace("{}", "kafka-acls"));
    // Each takes a JVM's start.
    let lines: Vec<_> = lines.lines().collect();
    std::thread::scope(|scope| {
        for some in lines.chunks(lines.len().div_ceil(2)) {
            scope.spawn(|| stage.broker.shell(&some.join("\n")));
        }
    });
    let describe = stage.broker.tools().replace("{}", "kafka-configs");
    let described =
        stage.broker.shell(&format!("{describe} --describe --entity-type users --entity-name cdnow"));
    for quota in ["producer_byte_rate=5242880", "consumer_byte_rate=5242880", "request_percentage=100"] {
        assert!(described.contains(quota), "{quota} is not in: {described}");
    }
}

/// What fails without being tried again and again, as it is where brokers are away.
fn soon(serve: Command) -> Ended {
    let began = Instant::now();
    let ended = refused(serve);
    assert!(began.elapsed() < PATIENCE, "{:?}: {}", began.elapsed(), ended.err);
    ended
}

/// The network may not create topics here, and nobody comes in with a wrong password.
fn a_start_that_is_not_let_ends_soon(stage: &Stage) {
    let ended = soon(stage.serve("coalition-password"));
    assert!(ended.err.contains("create topic coalition.journal.v1: "), "{}", ended.err);
    ended.failed(1, "have it created by one who may, with `coalition topics create`");
    let ended = soon(stage.serve("wrong"));
    assert!(ended.err.contains("Authentication failed"), "{}", ended.err);
    ended.failed(1, "what to do: check how it logs in");
    // One of two brokers that says no may be just starting. Both are final: here one that has two names.
    let first = &stage.broker.guarded;
    let both = format!("{first},{}", first.replace("127.0.0.1", "localhost"));
    assert!(&both != first && matches!(with_a_wrong_password(both, PATIENCE), Error::Denied { .. }));
    let other_away = with_a_wrong_password(format!("{first},127.0.0.1:9"), Duration::from_secs(3));
    assert!(matches!(other_away, Error::Backend { .. }), "{other_away}");
}

/// What a log-in ends with.
fn with_a_wrong_password(bootstrap_servers: String, request_timeout: Duration) -> Error {
    let wrong = [
        ("security.protocol", "sasl_plaintext"),
        ("sasl.mechanism", "PLAIN"),
        ("sasl.username", "operator"),
        ("sasl.password", "wrong"),
    ];
    let librdkafka = wrong.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    let settings = Settings { request_timeout, librdkafka, ..Settings::at(&bootstrap_servers) };
    Topics::open(&settings).err().unwrap()
}

/// One that may see the topics, and what they are set to, but not what is in them.
fn a_start_that_may_not_read_ends_soon(stage: &Stage) {
    let mut serve = stage.as_user("serve --listen 127.0.0.1:0", "auditor");
    serve.arg("--data").arg(stage.folder.join("auditors"));
    let ended = soon(serve);
    assert!(ended.err.contains("read coalition.journal.v1/0: "), "{}", ended.err);
    ended.failed(1, "what to do: check how it logs in");
}

fn created(stage: &Stage) {
    let create = "topics create --json --partner cdnow --partner cd --partner-partitions 2";
    let first = end(stage.as_user(create, "operator")).json();
    let topic = |name: &str, partitions: u32, created: bool| json!({ "name": name, "partitions": partitions, "replication_factor": 1, "created": created });
    let all = |created| {
        let names = [NETWORKS[1], NETWORKS[0], EVENTS, REJECTED, OTHERS_EVENTS, OTHERS_REJECTED];
        let mut topics = names.map(|name| topic(name, 2, created)).to_vec();
        topics.insert(2, topic("coalition.group.v1", 1, created));
        json!({ "topics": topics })
    };
    assert_eq!(first, all(true));
    // The network itself may look; more partitions of a partner that has its topics are not made.
    let again = create.replace("--partner-partitions 2", "--partner-partitions 5");
    assert_eq!(end(stage.as_user(&again, "coalition")).json(), all(false));
    let table = end(stage.as_user("topics create", "coalition")).good();
    let expected = "\
topic                 partitions  copies  state
coalition.journal.v1           2       1  was there
coalition.inbox.v1             2       1  was there
coalition.group.v1             1       1  was there
";
    assert_eq!(table, expected);
    let ended = end(stage.as_user("topics create --shards 3", "operator"));
    assert!(
        ended.err.contains("\nwhat to do: journal and inbox have a partition for each shard"),
        "{}",
        ended.err
    );
    assert!(ended.err.contains("`topics create --shards 2`"), "{}", ended.err);
    ended.failed(1, "topic coalition.journal.v1 has 2 partitions, not 3");
    let short = Code::TopicAuthorizationFailed;
    let ended = end(stage.as_user("topics create --partner cdnow", "cdnow"));
    assert!(ended.err.contains(&short.to_string()), "{}", ended.err);
    ended.failed(1, "what to do: check how it logs in");
}

/// The same listener's rights over TLS, and a certificate that nobody vouches for.
#[cfg(feature = "kafka-tls")]
fn over_tls(stage: &Stage) {
    let file = stage.folder.join("tls.toml");
    let create = |ca| {
        stage.broker.tls_config(&file, "operator", ca);
        let mut create = command("topics create --config");
        create.arg(&file);
        end(create)
    };
    assert!(create(None).good().contains("coalition.journal.v1           2       1  was there\n"));
    let other = stage.folder.join("other.pem");
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(&other, made.cert.pem()).unwrap();
    let ended = create(Some(&other));
    assert!(ended.err.contains("certificate verify failed"), "{}", ended.err);
    ended.failed(1, "what to do: check how it logs in");
}

/// The network under a principal of its own: events in, refusals out, the inbox trimmed, offsets committed.
fn runs(stage: &Stage, network: &Network) {
    std::fs::write(network.folder.path().join("mypoints.toml"), PROGRAMME).unwrap();
    // The first by name has no topics, and nobody makes them: the others are served all the same.
    network.run("partner create airline --name Airline").good();
    network.run("partner create cdnow --name CDNOW --programme mypoints").good();
    network.run("programme publish mypoints.toml").good();
    network.run("partner contract cdnow --programme mypoints --accrual 0.009").good();
    let cdnow = stage.broker.client("cdnow");
    let now = prost_types::Timestamp::from(std::time::SystemTime::now()).to_string();
    for number in 0..5 {
        let event = json!({
            "event_id": format!("e{number}"),
            "event_time": now,
            "identifier": { "scheme": "IDENTIFIER_SCHEME_CUSTOMER_NUMBER", "value": "00001" },
            "purchase": { "order_id": number.to_string(), "amount": { "currency_code": "USD", "units": 7 } },
        });
        assert_eq!(cdnow.write(EVENTS, &event.to_string()), Ok(()));
    }
    assert_eq!(cdnow.write(EVENTS, "no event"), Ok(()));
    until("an event is decided", || network.run("event cdnow e4 --customer cdnow:00001").code == 0);
    until("a record is rejected", || {
        network.run("rejected cdnow --json").json()["rejected_events"].as_array().unwrap().len() == 1
    });
    let operator = stage.broker.client("operator");
    until("the inbox is trimmed", || operator.starts(NETWORKS[0]) > 0);
    until("it is committed how far intake has got", || {
        operator.committed("coalition-intake", EVENTS).is_some()
    });
}

fn a_partner_is_kept_to_its_own(stage: &Stage) {
    let (cdnow, cd) = (stage.broker.client("cdnow"), stage.broker.client("cd.shop"));
    assert_eq!(cdnow.read(REJECTED, "coalition.partner.cdnow.reader"), Ok("no event".to_owned()));
    let (topic, group) = (Code::TopicAuthorizationFailed, Code::GroupAuthorizationFailed);
    assert_eq!(cdnow.read(REJECTED, "coalition.partner.cd.reader"), Err(group));
    for other in [EVENTS, OTHERS_EVENTS, OTHERS_REJECTED, NETWORKS[0], NETWORKS[1]] {
        assert_eq!(cdnow.read_alone(other, "coalition.partner.cdnow.x"), Err(topic), "{other}");
    }
    for other in [REJECTED, OTHERS_EVENTS, OTHERS_REJECTED, NETWORKS[0], NETWORKS[1]] {
        assert_eq!(cdnow.write(other, "x"), Err(topic), "{other}");
    }
    // The one whose name the other's begins with.
    assert_eq!(cd.write(OTHERS_EVENTS, "x"), Ok(()));
    assert_eq!(cd.write(EVENTS, "x"), Err(topic));
    assert_eq!(cd.read_alone(REJECTED, "coalition.partner.cd.x"), Err(topic));

    let admin = cdnow.admin();
    let new = NewTopic::new("coalition.partner.cdnow.events.v2", 1, TopicReplication::Fixed(1));
    let created = ask(admin.create_topics([&new], &options()));
    assert!(matches!(created[..], [Err((_, code))] if code == topic), "{created:?}");
    let alter = AlterConfig::new(ResourceSpecifier::Topic(EVENTS)).set("retention.ms", "1");
    // rdkafka doesn't tell the error beside a topic.
    drop(ask(admin.alter_configs([&alter], &options())));
    assert_eq!(stage.broker.client("operator").setting(EVENTS, "retention.ms"), "-1");
    let grown = ask(admin.create_partitions([&NewPartitions::new(EVENTS, 9)], &options()));
    assert!(matches!(grown[..], [Err((_, code))] if code == topic), "{grown:?}");
    let deleted = ask(admin.delete_topics(&[EVENTS], &options()));
    assert!(matches!(deleted[..], [Err((_, code))] if code == topic), "{deleted:?}");
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "{what}: not in {PATIENCE:?}");
    }
}
