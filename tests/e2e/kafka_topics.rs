//! A partner's topic that others change while the network reads it: all that was written to it is decided.

use std::fmt::Write as _;
use std::io::Write as _;
use std::ops::Range;
use std::process::{Command, Stdio};

use crate::brokers::Brokers;
use crate::coalition::{Asking, set_up};
use crate::harness::Served;

const TOPIC: &str = "coalition.partner.shop.events.v1";
const CUSTOMERS: u32 = 20;

/// Runs one of Kafka's own tools on a topic, feeding it `input`; it has to succeed.
pub(crate) fn tool(brokers: &Brokers, name: &str, topic: &str, arguments: &[&str], input: &str) {
    let mut command = brokers.tool(name);
    command.args(arguments).args(["--topic", topic]).stdin(Stdio::piped());
    let mut running = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    running.stdin.take().expect("piped").write_all(input.as_bytes()).expect("it reads");
    let ended = running.wait_with_output().expect("it ends");
    assert!(ended.status.success(), "{name} {arguments:?}: {}", String::from_utf8_lossy(&ended.stderr));
}

/// Writes purchases of a dollar; the customer is the key, so there are some in each partition.
pub(crate) fn publish(brokers: &Brokers, numbers: Range<u32>) {
    let now = Command::new("date").args(["-u", "+%FT%TZ"]).output().expect("it is everywhere").stdout;
    let now = String::from_utf8(now).expect("a time");
    let mut lines = String::new();
    for number in numbers {
        let customer = number % CUSTOMERS;
        let event = serde_json::json!({
            "event_id": format!("e{number}"),
            "event_time": now.trim(),
            "identifier": {"scheme": "IDENTIFIER_SCHEME_CUSTOMER_NUMBER", "value": customer.to_string()},
            "purchase": {"order_id": format!("o{number}"), "amount": {"currency_code": "USD", "units": 1}},
        });
        writeln!(lines, "{customer}\t{event}").expect("a text has room");
    }
    tool(brokers, "kafka-console-producer", TOPIC, &["--reader-property", "parse.key=true"], &lines);
}

/// Waits until all are decided, and each for a point.
pub(crate) async fn decided(asking: &Asking<'_>, numbers: Range<u32>) {
    for number in numbers {
        let (event, customer) = (format!("e{number}"), (number % CUSTOMERS).to_string());
        assert_eq!(asking.decided("shop", &event, &customer).await.points, 1, "{event}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_grows_or_is_made_anew_is_read_on() {
    let Some(brokers) = Brokers::start(1) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let served = Served::start_on(&folder.path().join("network"), Some(&brokers));
    set_up(&served, folder.path(), &["shop"]);
    let asking = Asking::of(&served).await;
    publish(&brokers, 0..20);
    decided(&asking, 0..20).await;

    tool(&brokers, "kafka-topics", TOPIC, &["--alter", "--partitions", "3"], "");
    publish(&brokers, 20..40);
    decided(&asking, 20..40).await;

    // Of each partition there is more before the network looks than it had read of the one before.
    tool(&brokers, "kafka-topics", TOPIC, &["--delete"], "");
    tool(&brokers, "kafka-topics", TOPIC, &["--create", "--partitions", "2"], "");
    publish(&brokers, 40..200);
    decided(&asking, 40..200).await;
    served.stop();
}
