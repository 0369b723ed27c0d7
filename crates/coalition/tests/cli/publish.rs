//! Files of events, published.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use coalition_domain::Timestamp;
use serde_json::json;

use crate::everyday::coalition;
use crate::network::{Ended, Network, command, end, serve};

const HEADER: &str = "event_id,type,identifier_scheme,identifier_value,event_time,order_id,amount,currency\n";

/// A moment ago: a network takes nothing that is years old.
fn now() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap()).to_string()
}

/// A row of a purchase of the customer `cdnow:00001`.
fn row(id: &str, amount: &str) -> String {
    let now = now();
    format!("{id},purchase,customer_number,00001,{now},order-{id},{amount},USD\n")
}

fn write(network: &Network, name: &str, text: &str) {
    std::fs::write(network.folder.path().join(name), text).unwrap();
}

fn read(network: &Network, name: &str) -> String {
    std::fs::read_to_string(network.folder.path().join(name)).unwrap()
}

fn publish(network: &Network, args: &str) -> Ended {
    network.run(&format!("publish --partner cdnow {args}"))
}

/// A network whose customer 00001 is a member.
fn enrolled() -> Network {
    let network = coalition();
    network.run("member enrol --customer cdnow:00001").good();
    network
}

/// Waits until the member has so many points, and sees that they are never more.
fn has_points(network: &Network, points: i64) {
    let asked = Instant::now();
    loop {
        let balance = network.run("member balance --customer cdnow:00001 --programme mypoints --json").json();
        let available = balance["available"].as_i64().unwrap();
        assert!(available <= points, "{available} points instead of {points}");
        if available == points {
            return;
        }
        assert!(asked.elapsed().as_secs() < 60, "{available} points instead of {points}");
    }
}

#[test]
fn rows_are_judged_one_by_one_and_the_good_ones_count_once() {
    let network = enrolled();
    let rows = [
        row("e1", "100.50"),
        row("e2", "7,50"),
        row("e3", "-1"),
        "e4,purchase,customer_number,4111111111111111,1997-01-12T12:00:00Z,o4,1,USD\n".to_owned(),
        "e5,purchase,email_hash,jane@example.com,1997-01-12T12:00:00Z,o5,1,USD\n".to_owned(),
        row("e6", "20"),
        "e7,email_read,customer_number,00001,1997-01-12T12:00:00Z,o7,,\n".to_owned(),
    ];
    write(&network, "day.csv", &(HEADER.to_owned() + &rows.concat()));

    let judged = publish(&network, "day.csv --validate-only");
    assert_eq!((judged.code, judged.out.as_str()), (3, "2 events good, 5 refused\n"));
    has_points(&network, 0);

    let published = publish(&network, "day.csv --rejects bad.csv");
    assert_eq!((published.code, published.out.as_str()), (3, "2 events published, 5 refused\n"));
    let told: Vec<&str> = published.err.lines().filter(|line| line.starts_with("line ")).collect();
    assert_eq!(told.len(), 5, "{}", published.err);
    for (line, words) in [
        (3, "(MALFORMED)"),
        (4, "(AMOUNT_NEGATIVE, purchase.amount)"),
        (5, "(IDENTIFIER_REFUSED, identifier.value)"),
        (6, "(IDENTIFIER_REFUSED, identifier.value)"),
        (8, "order_id has no meaning for the type email_read (INVALID_ARGUMENT, order_id)"),
    ] {
        let start = format!("line {line}: ");
        let found = told.iter().find(|told| told.starts_with(&start)).unwrap();
        assert!(found.ends_with(words), "{found}");
    }
    assert!(!published.err.contains("4111") && !published.err.contains("jane"), "{}", published.err);
    let rejects = read(&network, "bad.csv");
    assert!(rejects.starts_with("line,event_id,reason,field,message,record\n"), "{rejects}");
    assert!(rejects.contains("\n4,e3,AMOUNT_NEGATIVE,purchase.amount,"), "{rejects}");
    assert!(rejects.contains("\"e3,purchase,customer_number,00001,"), "{rejects}");
    has_points(&network, 120);

    // Corrected and sent again, as a whole.
    let rows = [rows[0].clone(), row("e2", "7.50"), row("e3", "1"), rows[5].clone()];
    write(&network, "day.csv", &(HEADER.to_owned() + &rows.concat()));
    assert_eq!(publish(&network, "day.csv --rejects bad.csv").good(), "4 events published, 0 refused\n");
    assert_eq!(read(&network, "bad.csv"), "line,event_id,reason,field,message,record\n");
    has_points(&network, 128);
}

#[test]
fn json_lines_come_by_standard_input_with_the_partners_own_key() {
    let network = enrolled();
    network.run("partner key cdnow --out cdnow.key").good();
    let now = now();
    let event = |amount: &str| {
        format!(
            "{{\"identifier\": {{\"scheme\": \"IDENTIFIER_SCHEME_CUSTOMER_NUMBER\", \"value\": \"00001\"}}, \
             \"eventTime\": \"{now}\", \"purchase\": {{\"orderId\": \"o\", \"amount\": {amount}}}}}\n"
        )
    };
    let text = [
        event(r#"{"currency_code": "USD", "units": "3"}"#),
        "\n".to_owned(),
        event(r#"{"currency_code": "DOLLARS", "units": "3"}"#),
        // Twice the same without an id is the same.
        event(r#"{"currency_code": "USD", "units": "3"}"#),
        event(r#"{"currency_code": "USD", "units": "4"}"#),
    ];
    let publish = || {
        let mut publish = command("publish - --format jsonl --json");
        publish.env("COALITION_SERVER", &network.server);
        publish.env("COALITION_KEY_FILE", network.folder.path().join("cdnow.key"));
        publish.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = publish.spawn().unwrap();
        process.stdin.take().unwrap().write_all(text.concat().as_bytes()).unwrap();
        process.wait_with_output().unwrap()
    };
    for _ in 0..2 {
        let ended = publish();
        assert_eq!(ended.status.code(), Some(3), "{}", String::from_utf8_lossy(&ended.stderr));
        let document: serde_json::Value = serde_json::from_slice(&ended.stdout).unwrap();
        let refused = json!({ "CURRENCY_UNKNOWN": 1 });
        let expected = json!({
            "events": 4, "accepted": 3, "refused": 1, "refused_by_reason": refused, "validate_only": false,
        });
        assert_eq!(document, expected);
        assert!(String::from_utf8(ended.stderr).unwrap().starts_with("line 3: "));
    }
    has_points(&network, 7);
}

/// Whoever writes to the pipe may take hours over the next line.
#[test]
fn a_run_whose_call_failed_ends_though_nobody_closes_its_input() {
    let network = coalition();
    let mut publish = command("publish - --format csv --partner nobody");
    publish.env("COALITION_SERVER", &network.server);
    publish.env("COALITION_KEY_FILE", network.data().join("operator.key"));
    publish.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = publish.spawn().unwrap();
    let mut input = process.stdin.take().unwrap();
    // It is read in blocks of some KiB: so many rows that the first of them come.
    let rows: String = (0..500).map(|number| row(&number.to_string(), "1")).collect();
    input.write_all((HEADER.to_owned() + &rows).as_bytes()).unwrap();
    let ended = process.wait_with_output().unwrap();
    drop(input);
    let told = String::from_utf8(ended.stderr).unwrap();
    assert!(!ended.status.success() && told.contains("UNKNOWN_PARTNER"), "{told}");
}

#[test]
fn a_file_that_cannot_be_meant_is_told_before_anybody_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let check = |name: &str, text: &str, args: &str, code: i32, words: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        let mut publish = command("publish");
        publish.arg(&path).args(args.split_whitespace());
        end(publish).failed(code, words);
    };
    check("a.txt", "", "", 2, "say with --format what is in it");
    check("a.csv", "type,identifier_value\n", "", 2, "a.csv: the column identifier_scheme is missing");
    check("a.txt", "type,email\n", "--format csv", 2, "addresses are not sent");
    check("a.csv", HEADER, "--concurrency 0", 2, "1..=16");
    check("a.csv", HEADER, "--rejects /no/such/folder/file", 1, "write /no/such/folder/file");
    check("a.csv", HEADER, "", 2, "no key: ");
    end(command("publish /no/such/file.csv")).failed(1, "read /no/such/file.csv");
    end(command("publish -")).failed(2, "standard input: say with --format");
}

#[test]
fn who_may_not_publish_is_told_and_nothing_is() {
    let network = enrolled();
    network.run("partner key airline --out airline.key").good();
    write(&network, "day.csv", &(HEADER.to_owned() + &row("e1", "1")));
    let key = network.folder.path().join("airline.key");
    let ended = network.run_as(&key, "publish day.csv --partner cdnow");
    assert!(ended.err.contains("stopped: 0 events published, 0 refused so far"), "{}", ended.err);
    ended.failed(3, "(PERMISSION_DENIED)");
    network.run("publish day.csv --partner nobody").failed(4, "(UNKNOWN_PARTNER)");
}

/// Many events of many customers, in pieces over several calls at once, killed in the middle.
#[test]
fn a_killed_run_is_made_good_by_the_next() {
    const EVENTS: usize = 30_000;
    let network = enrolled();
    let (mut text, now) = (HEADER.to_owned(), now());
    for number in 0..EVENTS {
        let customer = if number % 10 == 0 { "00001".to_owned() } else { format!("9{number}") };
        writeln!(text, "e{number},purchase,customer_number,{customer},{now},o{number},1,USD").unwrap();
    }
    write(&network, "many.csv", &text);
    let start = |file: &str| {
        let mut publish = command(&format!("publish {file} --partner cdnow"));
        publish.current_dir(network.folder.path()).env("COALITION_SERVER", &network.server);
        publish.env("COALITION_KEY_FILE", network.data().join("operator.key"));
        publish.stdout(Stdio::piped()).stderr(Stdio::piped());
        publish
    };
    let mut process = start("- --format csv").stdin(Stdio::piped()).spawn().unwrap();
    // It holds some thousand events at most, so most of what it took is published; and there is more to come.
    process.stdin.as_mut().unwrap().write_all(&text.as_bytes()[..text.len() / 2]).unwrap();
    process.kill().unwrap();
    let ended = process.wait().unwrap();
    assert_eq!(ended.code(), None, "it ended by itself");

    let began = Instant::now();
    let whole = end(start("many.csv"));
    assert_eq!(whole.out, "30,000 events published, 0 refused\n", "{}", whole.err);
    // Not one for each part: it may be a file that is written.
    let lines = whole.err.lines().count() as u64;
    assert!(lines <= began.elapsed().as_secs() / 5, "{lines}: {}", whole.err);
    has_points(&network, i64::try_from(EVENTS / 10).unwrap());
}

#[test]
fn a_file_of_more_than_a_partner_may_send_takes_its_time_and_goes_through() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("coalition.toml");
    std::fs::write(&config, "[intake]\npartner_events_per_second = 400\n").unwrap();
    let mut serve = serve(folder.path());
    serve.arg("--config").arg(&config);
    let network = Network::start_by(serve, folder);
    network.run("partner create cdnow --name CDNOW").good();
    // Of one customer: three calls of 500, one after the other.
    let rows: String = (0..1_500).map(|number| row(&format!("e{number}"), "1")).collect();
    write(&network, "day.csv", &(HEADER.to_owned() + &rows));
    let began = Instant::now();
    // No call waits for its turn for so long, and none that is told to come again does so in that time.
    let published = publish(&network, "day.csv --timeout 1");
    assert_eq!(published.good(), "1,500 events published, 0 refused\n");
    assert!(began.elapsed() >= Duration::from_millis(2_400), "{:?}", began.elapsed());
}

#[test]
fn whose_events_they_are_has_to_be_said_by_the_key_or_by_name() {
    let network = coalition();
    write(&network, "day.csv", &(HEADER.to_owned() + &row("e1", "1")));
    let refused = network.run("publish day.csv");
    assert!(!refused.err.contains("run it again"), "{}", refused.err);
    assert!(refused.err.contains("stopped: 0 events published, 0 refused so far\n"), "{}", refused.err);
    refused.failed(2, "name the partner with --partner");
}
