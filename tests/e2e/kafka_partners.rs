//! Partners without our code, by the guides: Kafka's own producer, kcat and Python write events, Python asks over gRPC.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::brokers::Brokers;
use crate::coalition::{Asking, set_up};
use crate::guides::{Desk, blocks};
use crate::harness::Served;
use crate::missing;
use crate::python::python;

#[tokio::test(flavor = "multi_thread")]
async fn a_partner_is_onboarded_and_writes_by_the_guides() {
    let Some(python) = python() else { return };
    let Some(brokers) = Brokers::start(1) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("network");
    let served = Served::start_on(&data, Some(&brokers));
    set_up(&served, folder.path(), &[]);
    let places = vec![
        ("HOST:PORT", brokers.addresses.clone()),
        ("GATEWAY:PORT", served.address.replace("http://", "")),
        ("http://127.0.0.1:7400", served.address.clone()),
        ("/var/lib/coalition", data.display().to_string()),
        ("127.0.0.1:7300", served.address.replace("http://", "")),
        ("cdnow.key", "shop.key".to_owned()),
        ("programmes/mypoints", "programmes/club".to_owned()),
    ];
    let desk = Desk::new(&brokers, &python, places);

    // One shell for all of it, as a reader would have.
    let said = desk.run("sh", &blocks("onboard-a-partner.md", "sh").concat());
    for words in ["coalition.partner.shop.events.v1", "applied, 100 points", "0.90"] {
        assert!(said.contains(words), "\"{words}\" is not in:\n{said}");
    }

    let shells = blocks("emit-events.md", "sh");
    let [console, kcat, stubs] = shells.as_slice() else { panic!("{} blocks of shell", shells.len()) };
    let programs = blocks("emit-events.md", "python");
    let [produce, ask, rejected] = programs.as_slice() else { panic!("{} of Python", programs.len()) };
    let mut orders = vec!["order-4711", "order-4713"];
    desk.run("sh", console);
    if Command::new("kcat").arg("-V").output().is_ok() {
        desk.run("sh", kcat);
        orders.push("order-4712");
    } else {
        // Few machines have it; the broker's own producer does the same.
        missing::mention("kcat", "it is not installed");
    }
    let told = desk.run("python", produce);
    assert!(told.starts_with("partition 0, offset "), "{told}");
    desk.run("sh", stubs);
    assert_eq!(desk.run("python", ask), "EVENT_STATE_APPLIED 77 ['purchase']\n");
    let asking = Asking::of(&served).await;
    for order in &orders {
        assert_eq!(asking.decided("shop", order, "00012").await.points, 77, "{order}");
    }
    // 254 points at 0.009, or 331 with kcat's: 2.286 or 2.979.
    let [statement] = blocks("pull-a-statement.md", "python").try_into().expect("one block of Python");
    let (points, told) = (100 + 77 * orders.len(), desk.run("python", &statement));
    assert!(
        told.starts_with(&format!("partners/shop {points} 2 ")) && told.ends_with("0000000 USD\n"),
        "{told}"
    );

    // What is refused comes back with the reason.
    desk.run("sh", &console.replace("\"USD\"", "\"XXA\"").replace("order-4711", "order-4714"));
    let mut consumer = desk.command("python", rejected);
    let mut consumer = consumer.stdout(Stdio::piped()).spawn().expect("it starts");
    let mut line = String::new();
    let read = BufReader::new(consumer.stdout.take().expect("piped")).read_line(&mut line);
    drop(consumer.kill());
    drop(consumer.wait());
    read.expect("it prints text");
    assert!(line.starts_with("CURRENCY_UNKNOWN ") && line.contains("order-4714"), "{line}");
}
