//! The port for whoever watches, and the log lines of one event.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};

use coalition_proto::event::v1::partner_event_service_client::PartnerEventServiceClient;
use coalition_proto::event::v1::{PartnerEvent, PublishEventsRequest, SignUp, partner_event::Body};
use coalition_proto::r#type::v1::{Identifier, IdentifierScheme};
use tempfile::TempDir;

use crate::network::{command, end, refused};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// A network that is watched.
struct Watched {
    folder: TempDir,
    process: Child,
    server: String,
    port: String,
    log: Lines<BufReader<ChildStderr>>,
}

impl Drop for Watched {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn serve(data: &Path, observe: &str) -> Command {
    let mut serve = Command::new(env!("CARGO_BIN_EXE_coalition"));
    serve.args(["serve", "--listen", "127.0.0.1:0", "--observe", observe, "--data"]).arg(data);
    serve
}

impl Watched {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut serve = serve(&folder.path().join("data"), "127.0.0.1:0");
        serve.args(["--log-format", "json"]).env("RUST_LOG", "warn,coalition::event=debug");
        let mut process = serve.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let server = line.trim().strip_prefix("listening on ").unwrap().to_owned();
        let mut log = BufReader::new(process.stderr.take().unwrap()).lines();
        let port = |line: String| line.rsplit_once("are at http://").map(|(_, port)| port.to_owned());
        let port = log.by_ref().map_while(Result::ok).find_map(port).unwrap();
        Self { folder, process, server, port, log }
    }

    fn run(&self, args: &str) -> String {
        let mut command = command(args);
        let key = self.folder.path().join("data/operator.key");
        command.env("COALITION_SERVER", &self.server).env("COALITION_KEY_FILE", key);
        end(command).good()
    }

    /// The head and the body of an answer of the port.
    fn get(&self, path: &str) -> (String, String) {
        let mut stream = TcpStream::connect(&self.port).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n", self.port).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    }

    /// Publishes a sign-up of the partner `shop` in the trace.
    async fn publish(&self, event_id: &str) {
        self.publish_event(event_id, Some(Body::SignUp(SignUp::default()))).await;
    }

    async fn publish_event(&self, event_id: &str, body: Option<Body>) {
        let key = std::fs::read_to_string(self.folder.path().join("data/operator.key")).unwrap();
        let identifier = Identifier {
            scheme: IdentifierScheme::CardToken.into(),
            value: "token".to_owned(),
            ..Identifier::default()
        };
        let event = PartnerEvent {
            event_id: event_id.to_owned(),
            identifier: Some(identifier),
            event_time: Some(std::time::SystemTime::now().into()),
            body,
            ..PartnerEvent::default()
        };
        let mut request = tonic::Request::new(PublishEventsRequest {
            partner: "partners/shop".to_owned(),
            events: vec![event],
            validate_only: false,
        });
        let metadata = request.metadata_mut();
        metadata.insert("authorization", format!("Bearer {}", key.trim()).parse().unwrap());
        metadata.insert("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01").parse().unwrap());
        let mut client = PartnerEventServiceClient::connect(self.server.clone()).await.unwrap();
        client.publish_events(request).await.unwrap();
    }

    /// The next line of the log that belongs to the trace.
    fn next_traced(&mut self) -> serde_json::Value {
        // What a person is told at the start is no log line.
        let lines = self.log.by_ref().map(Result::unwrap).filter(|line| line.starts_with('{'));
        let mut lines = lines.map(|line| serde_json::from_str::<serde_json::Value>(&line).unwrap());
        let traced = |line: &serde_json::Value| {
            line["spans"].as_array().unwrap().iter().any(|span| span["trace_id"] == TRACE)
        };
        lines.find(traced).unwrap()
    }

    /// Asks for metrics until there is this line.
    fn until_metric(&self, line: &str) -> String {
        for _ in 0..10_000 {
            let (_, text) = self.get("/metrics");
            if text.lines().any(|known| known == line) {
                return text;
            }
        }
        panic!("{line} does not come: {}", self.get("/metrics").1);
    }
}

#[tokio::test]
async fn the_port_shows_every_metric_of_the_list_and_no_other() {
    let network = Watched::start();
    network.run("partner create shop --name Shop");
    network.publish("1").await;
    network.until_metric("intake_records_total{outcome=\"accepted\"} 1");
    network.until_metric("intake_lag{partner=\"shop\"} 0");
    let (head, text) = network.get("/metrics");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(head.contains("content-type: text/plain; version=0.0.4"), "{head}");

    let shown: BTreeSet<_> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
    let shown: BTreeSet<_> = shown.iter().map(|line| line.split(' ').next().unwrap()).collect();
    let document = include_str!("../../../../docs/operating/metrics.md");
    let (_, document) = document.split_once("\n## Metrics\n").unwrap();
    let rows =
        document.lines().take_while(|line| !line.starts_with("**")).filter(|line| line.starts_with("| `"));
    let listed: BTreeSet<_> = rows.map(|row| row.split('`').nth(1).unwrap()).collect();
    assert_eq!(shown, listed);
    // The set-up of the network and of the partner were decisions of the home shard, and are in effect.
    assert!(text.contains("ledger_decisions_total{outcome=\"applied\",shard=\"0\"} 2\n"), "{text}");
    assert!(text.contains("ledger_in_office{shard=\"3\"} 1\n"), "{text}");
    assert!(text.contains("gateway_requests_total{code=\"OK\",method=\"coalition.event.v1.PartnerEventService/PublishEvents\"} 1\n"), "{text}");
}

#[test]
fn a_network_that_serves_is_alive_and_ready() {
    let network = Watched::start();
    for path in ["/livez", "/readyz"] {
        let (head, body) = network.get(path);
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        assert_eq!(body, "ok\n", "{path}");
    }
    assert!(network.get("/").0.starts_with("HTTP/1.1 404 Not Found\r\n"));
}

#[tokio::test]
async fn the_lines_of_an_event_are_found_by_its_trace() {
    let mut network = Watched::start();
    network.run("partner create shop --name Shop");
    // One that the call refuses comes no further.
    network.publish_event("2", None).await;
    let refused = network.next_traced();
    let span = refused["spans"].as_array().unwrap().iter().find(|span| span["event_id"] == "2").unwrap();
    assert_eq!((&span["stage"], &span["partner"]), (&"judge".into(), &"shop".into()), "{refused}");
    assert_eq!(refused["fields"]["reason"], "FIELD_MISSING");
    assert_eq!(network.next_traced()["span"]["name"], "call");

    network.publish("1").await;
    let mut stages = BTreeSet::new();
    while !stages.contains("fold") || !stages.contains("call") {
        let line = network.next_traced();
        let spans = line["spans"].as_array().unwrap();
        let span = spans.iter().find(|span| span["trace_id"] == TRACE).unwrap();
        if span["name"] == "call" {
            assert!(span["rpc"].as_str().unwrap().ends_with("/PublishEvents"), "{line}");
            stages.insert("call".to_owned());
            continue;
        }
        assert_eq!((&span["partner"], &span["event_id"]), (&"shop".into(), &"1".into()), "{line}");
        assert!(span["shard"].is_u64(), "{line}");
        stages.insert(span["stage"].as_str().unwrap().to_owned());
    }
    let expected = ["append", "call", "decide", "fold", "inbox", "judge"].map(str::to_owned);
    assert_eq!(stages, BTreeSet::from(expected));
}

#[test]
fn what_can_not_be_watched_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    refused(serve(&data, &address)).failed(1, "choose another address with --observe");
    refused(serve(&data, "7301")).failed(1, "nor `off`");
    let mut loud = serve(&data, "off");
    loud.env("RUST_LOG", "coalition=loud");
    refused(loud).failed(1, "RUST_LOG");
    assert!(!data.exists());
}
