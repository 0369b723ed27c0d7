//! An event that comes before the consent that it needs.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use coalition_domain::Timestamp;
use serde_json::{Value, json};

use crate::everyday::PROGRAMME;
use crate::network::{Network, serve};

/// A letter of `cdnow` is worth 10 points, with consent to marketing.
const LETTERS: &str = r#"
[[rule]]
id = "letter"
event = "email_read"
points = 10
consent = "marketing"
"#;

/// A network with that rule and a member, customer 00001, where events wait so long.
fn network(consent_wait_ms: Option<i64>) -> Network {
    let folder = tempfile::tempdir().unwrap();
    let mut serve = serve(folder.path());
    if let Some(wait) = consent_wait_ms {
        let path = folder.path().join("c.toml");
        std::fs::write(&path, format!("[network]\nconsent_wait_ms = {wait}\n")).unwrap();
        serve.arg("--config").arg(path);
    }
    let network = Network::start_by(serve, folder);
    std::fs::write(network.folder.path().join("letters.toml"), PROGRAMME.to_owned() + LETTERS).unwrap();
    for command in [
        "partner create cdnow --name CDNOW --programme mypoints",
        "partner create airline --name Airline",
        "programme publish letters.toml",
        "partner contract cdnow --programme mypoints --accrual 0.009",
        "member enrol --customer cdnow:00001",
    ] {
        network.run(command).good();
    }
    network
}

/// Publishes an event of the member.
fn publish(network: &Network, id: &str, kind: &str, column: &str, value: &str) {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap());
    let header = format!("event_id,type,identifier_scheme,identifier_value,event_time,{column}");
    let text = format!("{header}\n{id},{kind},customer_number,00001,{now},{value}\n");
    std::fs::write(network.folder.path().join("event.csv"), text).unwrap();
    network.run("publish --partner cdnow event.csv").good();
}

/// Asks until the answer is one to go on with.
fn until(mut ask: impl FnMut() -> Option<Value>) -> Value {
    let asked = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(asked.elapsed().as_secs() < 60, "waited in vain");
    }
}

fn state(network: &Network, id: &str, wanted: &str) -> Value {
    until(|| {
        let ended = network.run(&format!("event cdnow {id} --customer cdnow:00001 --json"));
        let record = if ended.code == 4 { return None } else { ended.json() };
        (record["state"] == wanted).then_some(record)
    })
}

#[test]
fn an_early_event_is_told_to_wait_until_its_consent_is_there() {
    let network = network(None);
    publish(&network, "e1", "email_read", "message_id", "m1");
    let waits = state(&network, "e1", "waiting");
    assert_eq!((&waits["points"], &waits["refusal"]["reason"]), (&json!(0), &json!("CONSENT_MISSING")));
    let told = network.run("event cdnow e1 --customer cdnow:00001").good();
    let why = "waiting: the member has given no consent for marketing (CONSENT_MISSING)\n";
    assert!(told.starts_with(why), "{told}");
    let until = told.lines().find_map(|line| line.strip_prefix("until")).unwrap().trim();

    publish(&network, "e2", "consent_given", "purpose", "marketing");
    assert_eq!(state(&network, "e1", "applied")["points"], 10);
    let history = network.run("member activity --customer cdnow:00001 --json").json();
    let states: Vec<_> = history["activities"].as_array().unwrap().iter().map(|it| &it["state"]).collect();
    assert_eq!(states, ["applied", "applied", "waiting", "applied"]);
    let told = network.run("member activity --customer cdnow:00001").good();
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(told.contains(&format!("(CONSENT_MISSING), until {until}")), "{told}");
}

#[test]
fn a_consent_is_given_and_withdrawn_by_hand() {
    let network = network(None);
    let consent =
        |what: &str| network.run(&format!("member consent {what} --customer cdnow:00001 marketing"));
    assert_eq!(consent("show").good(), "marketing not given\n");
    publish(&network, "e1", "email_read", "message_id", "m1");
    state(&network, "e1", "waiting");
    let given = consent("give");
    assert!(given.err.starts_with("request id "), "{}", given.err);
    assert!(given.good().starts_with("marketing given since "));
    assert_eq!(state(&network, "e1", "applied")["points"], 10);
    assert!(consent("withdraw").good().starts_with("marketing withdrawn since "));
    let shown = network.run("member show --customer cdnow:00001 --json").json();
    assert_eq!(
        (&shown["consents"][0]["purpose"], &shown["consents"][0]["given"]),
        (&json!("marketing"), &json!(false))
    );
    let sign_in = network.run("member consent give --customer cdnow:00001 sign-in");
    sign_in.failed(3, "by an event of the partner that is to sign the member in");
}

#[test]
fn an_event_that_waits_in_vain_goes_back_to_its_partner() {
    let network = network(Some(1));
    publish(&network, "e1", "email_read", "message_id", "m1");
    assert_eq!(state(&network, "e1", "refused")["refusal"]["reason"], "CONSENT_MISSING");
    let rejected = until(|| {
        let page = network.run("rejected cdnow --json").json();
        page["rejected_events"].as_array().unwrap().first().cloned()
    });
    assert_eq!(rejected["refusal"]["reason"], "CONSENT_MISSING");
}
