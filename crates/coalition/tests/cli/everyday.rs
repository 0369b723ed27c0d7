//! A day in the life of a small coalition, on the command line.

use coalition_proto::event::v1::partner_event_service_client::PartnerEventServiceClient;
use coalition_proto::event::v1::{PartnerEvent, PublishEventsRequest, Purchase, partner_event::Body};
use coalition_proto::google::r#type::Money;
use coalition_proto::r#type::v1::{Identifier, IdentifierScheme};
use serde_json::json;
use tonic::Request;
use tonic::metadata::{Ascii, MetadataValue};

use crate::network::Network;

pub(crate) const PROGRAMME: &str = r#"
[programme]
id = "mypoints"
name = "MyPoints"
effective_from = 1996-01-01T00:00:00Z

[[rule]]
id = "purchase"
event = "purchase"
points = 1
per = { amount = "1.00", currency = "USD", rounding = "down" }

[[reward]]
id = "towel"
name = "Towel"
redeemer = "airline"
points = 40

[[reward]]
id = "paris-return"
name = "Return flight to Paris"
redeemer = "airline"
points = 2500
"#;

/// A network with two partners, their contracts and a programme, made by commands.
pub(crate) fn coalition() -> Network {
    let network = Network::start();
    std::fs::write(network.folder.path().join("mypoints.toml"), PROGRAMME).unwrap();
    network.run("partner create cdnow --name CDNOW --programme mypoints").good();
    network.run("partner create airline --name Airline").good();
    let published = network.run("programme publish mypoints.toml").good();
    assert_eq!(
        published,
        "programmes/mypoints/versions/1: in force, for events from 1996-01-01T00:00:00.000Z\n"
    );
    // Once more it is no other version, and what stands is told.
    let again = network.run("programme publish mypoints.toml");
    assert!(again.err.contains("the document is version 1 already; nothing was published"), "{}", again.err);
    assert_eq!(again.good(), published);
    network.run("partner contract cdnow --programme mypoints --accrual 0.009").good();
    network.run("partner contract airline --programme programmes/mypoints --redemption 0.007").good();
    network
}

/// Publishes a purchase of the customer `cdnow:00001`, and waits until it was decided.
pub(crate) fn purchase(network: &Network, event_id: &str, units: i64, nanos: i32, currency: &str) {
    let key = std::fs::read_to_string(network.data().join("operator.key")).unwrap();
    let identifier = Identifier {
        scheme: IdentifierScheme::CustomerNumber.into(),
        scope: "partners/cdnow".to_owned(),
        value: "00001".to_owned(),
    };
    let amount = Money { currency_code: currency.to_owned(), units, nanos };
    let event = PartnerEvent {
        event_id: event_id.to_owned(),
        identifier: Some(identifier),
        event_time: Some(std::time::SystemTime::now().into()),
        body: Some(Body::Purchase(Purchase {
            order_id: format!("order-{event_id}"),
            amount: Some(amount),
            lines: Vec::new(),
        })),
        ..PartnerEvent::default()
    };
    let publish = async {
        let mut client = PartnerEventServiceClient::connect(network.server.clone()).await.unwrap();
        let partner = "partners/cdnow".to_owned();
        let mut request =
            Request::new(PublishEventsRequest { partner, events: vec![event], ..Default::default() });
        let header: MetadataValue<Ascii> = format!("Bearer {}", key.trim()).parse().unwrap();
        request.metadata_mut().insert("authorization", header);
        client.publish_events(request).await.unwrap()
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(publish);
    let asked = std::time::Instant::now();
    while network.run(&format!("event cdnow {event_id} --customer cdnow:00001")).code == 4 {
        assert!(asked.elapsed().as_secs() < 30, "the event is not decided");
    }
}

#[test]
fn purchases_a_redemption_and_the_statements() {
    let network = coalition();
    let enrolled = network.run("member enrol --customer cdnow:00001 --json").json();
    let member = enrolled["name"].as_str().unwrap();
    assert_eq!(network.run("member lookup --customer cdnow:00001").good(), format!("{member}\n"));

    purchase(&network, "e1", 100, 500_000_000, "USD");
    purchase(&network, "e2", 0, 500_000_000, "USD");
    purchase(&network, "e3", 10, 0, "EUR");
    let told = |event: &str| network.run(&format!("event cdnow {event} --customer cdnow:00001")).good();
    assert!(told("e1").starts_with("applied, 100 points: rule purchase: 100 points\n"));
    assert!(
        told("e2").starts_with("applied, 0 points: rule purchase: the amount is below what earns a point\n")
    );
    assert!(told("e3").starts_with("refused: ") && told("e3").contains("(CURRENCY_NOT_ACCEPTED)\n"));
    let missing = network.run("event cdnow e4 --customer cdnow:00001");
    assert!(!missing.err.contains("on its way"), "{}", missing.err);
    missing.failed(4, "(EVENT_NOT_FOUND)");
    network.run("event cdnow e4 --order order-e1").failed(4, "(EVENT_NOT_FOUND)");
    network.run("event nobody e4 --customer cdnow:00001").failed(4, "(UNKNOWN_PARTNER)");
    let event = network.run("event cdnow e2 --customer cdnow:00001 --json").json();
    assert_eq!(event["rule_outcomes"][0]["verdict"], "amount_too_small");

    let list = |filter: &str| network.run(&format!("event list cdnow --customer cdnow:00001 {filter}"));
    let listed = list("--json").json();
    let ids: Vec<_> = listed["partner_events"].as_array().unwrap().iter().map(|it| &it["event_id"]).collect();
    assert_eq!(ids, ["e3", "e2", "e1"]);
    assert_eq!(listed["more"], false);
    let refused = list("--state refused").good();
    assert!(refused.lines().count() == 2 && refused.contains("e3     order-e3  "), "{refused}");
    assert!(refused.contains("(CURRENCY_NOT_ACCEPTED)\n"), "{refused}");
    assert_eq!(list("--state waiting").good(), "no such event was decided\n");
    assert_eq!(list("--order order-e1 --json").json()["partner_events"][0]["points"], 100);
    assert!(list("--limit 1").err.contains("there are more"));

    rejected(&network);

    let balance = network.run(&format!("member balance {member} --programme mypoints --json")).json();
    assert_eq!((&balance["available"], &balance["points_to_next_reward"]), (&json!(100), &json!(2_400)));
    let short = network.run(&format!("redeem {member} paris-return --programme mypoints"));
    assert!(short.err.starts_with("request id "), "{}", short.err);
    short.failed(3, ": 2,400 points short (POINTS_SHORT)");
    let short = network.run(&format!("redeem {member} paris-return --programme mypoints --json"));
    let told: serde_json::Value = serde_json::from_str(short.err.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&told["error"]["reason"], &told["error"]["metadata"]["points_missing"], &told["error"]["exit_code"]),
        (&json!("POINTS_SHORT"), &json!("2400"), &json!(3))
    );
    assert!(
        short.err.starts_with(&format!("request id {}\n", told["error"]["request_id"].as_str().unwrap()))
    );
    network.run("member enrol --customer cdnow:00001").failed(3, "what to do: `coalition member lookup`");

    // Twice under one id: burnt once.
    let id = uuid::Uuid::now_v7();
    let redeem = format!(
        "redeem --customer cdnow:00001 towel --quantity 2 --programme mypoints --request-id {id} --json"
    );
    let (first, second) = (network.run(&redeem).json(), network.run(&redeem).json());
    assert_eq!((&first["points"], &first["redeemer"]), (&json!(80), &json!("partners/airline")));
    assert_eq!(first["name"], second["name"]);
    let balance = network.run("member balance --customer cdnow:00001 --programme mypoints").good();
    assert!(balance.contains("\navailable  20\n"), "{balance}");

    let activity = network.run("member activity --customer cdnow:00001").good();
    for words in
        ["burnt 80 of cdnow", "order-e1", "+100", "rule purchase: the amount is below", "(POINTS_SHORT)"]
    {
        assert!(activity.contains(words), "\"{words}\" is not in:\n{activity}");
    }
    assert!(activity.lines().all(|line| line.chars().count() <= 100), "{activity}");
    network.run("member activity --customer cdnow:00001 --programme zzz").failed(4, "(UNKNOWN_PROGRAMME)");
    let newest = network.run("member activity --customer cdnow:00001 --limit 1 --json").json();
    assert_eq!((&newest["activities"][0]["points"], &newest["more"]), (&json!(-80), &json!(true)));
    let all = network.run("member activity --customer cdnow:00001 --all --json").json();
    assert_eq!((all["activities"].as_array().unwrap().len(), &all["more"]), (8, &json!(false)));
    statements(&network);
    holds(&network, first["name"].as_str().unwrap());
}

/// The redemption of 80 points is undone, and 80 are held of the 100 that are there.
fn holds(network: &Network, redemption: &str) {
    let available = || {
        let balance = network.run("member balance --customer cdnow:00001 --programme mypoints --json").json();
        (balance["available"].as_i64().unwrap(), balance["held"].as_i64().unwrap())
    };
    let refunded = network.run(&format!("redemption refund {redemption} --json")).json();
    assert_eq!((&refunded["state"], &refunded["points"]), (&json!("refunded"), &json!(80)));
    assert_eq!(available(), (100, 0));
    network.run(&format!("redemption refund {redemption}")).failed(3, "(REDEMPTION_REFUNDED)");

    let create = "hold create --customer cdnow:00001 towel --quantity 2 --programme mypoints --json";
    let held = network.run(create).json();
    assert_eq!((&held["state"], &held["points"]), (&json!("open"), &json!(80)));
    assert_eq!(available(), (20, 80));
    let name = held["name"].as_str().unwrap();
    network.run(&format!("hold capture {name} --points 81")).failed(3, "(CAPTURE_TOO_LARGE)");
    let captured = network.run(&format!("hold capture {name} --points 50")).good();
    assert!(captured.contains("towel from airline, 50 points burnt\n"), "{captured}");
    assert_eq!(available(), (50, 0));
    network.run(&format!("hold release {name}")).failed(3, "(HOLD_NOT_OPEN)");
    let shown = network.run(&format!("hold show {name}")).good();
    assert!(shown.contains("80 points captured by members/"), "{shown}");

    let create = "hold create --customer cdnow:00001 towel --programme mypoints --minutes 1 --json";
    let held = network.run(create).json();
    let name = held["name"].as_str().unwrap();
    let released = network.run(&format!("hold release {name}")).good();
    assert!(released.contains("40 points given back\n"), "{released}");
    assert_eq!(available(), (50, 0));
    let listed = network.run("hold list --customer cdnow:00001 --json").json();
    let states: Vec<_> = listed["holds"].as_array().unwrap().iter().map(|hold| &hold["state"]).collect();
    assert_eq!(states, ["released", "captured"]);
    network.run(&format!("hold show {name}9")).failed(4, "(NOT_FOUND)");
}

/// The event in a currency that no rule knows went back.
fn rejected(network: &Network) {
    let end = std::time::Instant::now() + std::time::Duration::from_secs(20);
    let listed = loop {
        let listed = network.run("rejected cdnow --json").json();
        if listed["rejected_events"] != json!([]) {
            break listed;
        }
        assert!(std::time::Instant::now() < end, "the event is not back");
    };
    let event = &listed["rejected_events"][0];
    assert_eq!(
        (&event["refusal"]["reason"], &event["by"]),
        (&json!("CURRENCY_NOT_ACCEPTED"), &json!("ledger"))
    );
    let text = network.run("rejected cdnow").good();
    assert!(text.contains("(CURRENCY_NOT_ACCEPTED)\n"), "{text}");
    assert!(text.lines().next().unwrap().contains("event"), "{text}");
    assert!(text.lines().nth(1).unwrap().contains(" e3 "), "{text}");
    assert_eq!(event["event_id"], "e3");
    let value = network.run(&format!("rejected cdnow --value {}", event["place"].as_str().unwrap())).good();
    assert!(value.contains("order-e3"), "{value:?}");
    assert_eq!(network.run("rejected cdnow --since 2999-01-01").good(), "nothing was refused\n");
    network.run("rejected cdnow --value 0-99").failed(4, "(NOT_FOUND)");
    for place in ["x", "0-", "-1", "0-x", "0/41"] {
        network.run(&format!("rejected cdnow --value={place}")).failed(2, "like 0-41");
    }
}

/// 100 points at 0.009 and 80 at 0.007.
fn statements(network: &Network) {
    let usd = |amount: &str| json!({ "currency_code": "USD", "amount": amount });
    let cdnow = network.run("statement cdnow --programme mypoints --json").json();
    assert_eq!(cdnow["lines"][0]["amount"], usd("0.90"));
    assert_eq!(cdnow["net_amounts"], json!([usd("0.90")]));
    let airline = network.run("statement airline --programme mypoints").good();
    assert!(airline.contains("\nnet  -0.56 USD, is paid by the operator\n\nat positions 0:"), "{airline}");
    let csv = network.run("statement cdnow --programme mypoints --csv -").good();
    assert!(csv.lines().nth(1).unwrap().contains(",issued,payable,cdnow,100,0.009,0.90,USD,"), "{csv}");
    network.run("statement cdnow --programme mypoints --csv cdnow.csv --time-zone Europe/Paris").good();
    assert_eq!(std::fs::read_to_string(network.folder.path().join("cdnow.csv")).unwrap(), csv);
    network.run("statement nobody --programme mypoints --csv -").failed(4, "(UNKNOWN_PARTNER)");
    network
        .run("statement cdnow --programme mypoints --from 2026-01-01 --time-zone Asia/Kolkata")
        .failed(2, "which is no full hour of UTC");
    let all = network.run("statement --all --programme mypoints --json").json();
    let net: Vec<_> =
        all["net_positions"].as_array().unwrap().iter().map(|row| (&row["party"], &row["net"])).collect();
    let expected = [("operator", "-0.34"), ("partners/airline", "-0.56"), ("partners/cdnow", "0.90")];
    let expected = expected.map(|(party, amount)| (json!(party), usd(amount)));
    assert_eq!(net, expected.iter().map(|(party, net)| (party, net)).collect::<Vec<_>>());
    assert_eq!(all["burn_matrix"][0]["points"], 80);
    let none = network.run("statement cdnow --programme mypoints --to 2020-01-01").good();
    assert!(none.contains("\nnothing to settle\n\nat positions 0:"), "{none}");
}

#[test]
fn a_partners_key_opens_what_is_the_partners() {
    let network = coalition();
    network.run("partner key cdnow --out cdnow.key").good();
    let key = network.folder.path().join("cdnow.key");
    network.run("partner key cdnow --out cdnow.key").failed(1, "which has to be a new file");

    assert!(network.run_as(&key, "statement --programme mypoints").good().starts_with("cdnow in mypoints"));
    network.run_as(&key, "statement airline --programme mypoints").failed(3, "(PERMISSION_DENIED)");
    network.run_as(&key, "partner list").failed(3, "what to do: this needs an operator's key");
    network.run("member enrol --customer cdnow:00001").good();
    let balance = "member balance --customer cdnow:00001 --programme mypoints";
    network.run_as(&key, balance).failed(3, "what to do: the member has to consent to share-balance");
    network.run("statement --programme mypoints").failed(3, "PARTNER is required (FIELD_MISSING)");
    let early = "partner contract cdnow --programme mypoints --accrual 0.01 --from 2020-01-01";
    network.run(early).failed(3, "what to do: set --from to that instant or later");
    network.run("programme show mypoints --version-number 9").failed(4, "which version is in force");
    network.run("partner revoke-key apiKeys/0000000000000000").failed(4, "ck_ID_SECRET");

    // ck_{name}_{secret}
    let secret = std::fs::read_to_string(&key).unwrap();
    let name = secret.split('_').nth(1).unwrap();
    network.run(&format!("partner revoke-key apiKeys/{name}")).good();
    network.run_as(&key, "statement --programme mypoints").failed(3, "(KEY_REVOKED)");
    std::fs::write(&key, "ck_0123456789abcdef_wrong\n").unwrap();
    network.run_as(&key, "statement --programme mypoints").failed(3, "(UNAUTHENTICATED)");
}

#[test]
fn the_operators_key_is_replaced_by_another_but_not_by_none() {
    let network = Network::start();
    let first = std::fs::read_to_string(network.data().join("operator.key")).unwrap();
    let revoke = format!("partner revoke-key {}", first.split('_').nth(1).unwrap());
    network.run(&revoke).failed(3, "`coalition partner key --operator`");
    network.run("partner key cdnow --operator").failed(2, "cannot be used with");
    network.run("partner key").failed(2, "<PARTNER>");
    let made = network.run("partner key --operator --out second.key");
    assert!(made.err.contains(" for the operator, secret in second.key"), "{}", made.err);
    made.good();
    let second = network.folder.path().join("second.key");
    network.run_as(&second, &revoke).good();
    network.run("partner list").failed(3, "(KEY_REVOKED)");
    network.run_as(&second, "partner list").good();
}

#[test]
fn a_member_reads_with_a_token_and_nothing_but_their_own() {
    let network = coalition();
    network.run("member enrol --customer cdnow:00001").good();
    network.run("partner key cdnow --out cdnow.key").good();
    let cdnow = network.folder.path().join("cdnow.key");
    let create = "token create --customer cdnow:00001";
    network.run_as(&cdnow, create).failed(3, "what to do: the member has to consent to sign-in");
    network.run(&format!("{create} --ttl 59")).failed(2, "60..=86400");
    let signed = network.run(&format!("{create} --out member.token"));
    assert!(signed.err.starts_with("token for members/"), "{}", signed.err);
    let token = network.folder.path().join("member.token");
    let member = signed.err.split(' ').nth(2).unwrap();
    let shown =
        network.run_as(&token, &format!("member balance {member} --programme mypoints --json")).good();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap()["available"], json!(0));
    network.run_as(&token, "partner list").failed(3, "(PERMISSION_DENIED)");
}

#[test]
fn an_identifier_is_linked_unlinked_and_linked_again() {
    let network = coalition();
    let member = network.run("member enrol --customer cdnow:00001 --json").json();
    let link = format!("member link --card-token tok_1 --to {}", member["name"].as_str().unwrap());
    network.run(&link).good();
    let unlink = |rest: &str| network.run(&format!("member unlink --customer cdnow:00001 {rest}"));
    let id = uuid::Uuid::now_v7();
    let unlinked = unlink(&format!("1 --request-id {id} --json")).json();
    assert_eq!(unlinked["value"], "tok_1");
    assert_eq!(unlink(&format!("1 --request-id {id} --json")).json()["name"], unlinked["name"]);
    let listed = network.run("member identifiers --customer cdnow:00001 --json").json();
    let listed: Vec<_> = listed["identifiers"].as_array().unwrap().iter().map(|it| &it["value"]).collect();
    assert_eq!(listed, ["00001"]);
    network.run("member lookup --card-token tok_1").failed(4, "(MEMBER_NOT_FOUND)");
    let again = unlink("1");
    assert!(again.err.contains("`coalition member identifiers`"), "{}", again.err);
    again.failed(3, "(IDENTIFIER_NOT_LINKED)");
    unlink("0").failed(3, "(IDENTIFIER_ENROLLED)");
    unlink("9").failed(4, "(NOT_FOUND)");
    unlink("").failed(2, "<NO>");
    network.run(&link).good();
}

#[test]
fn what_is_not_there_is_not_found() {
    let network = coalition();
    network.run("member show --customer cdnow:404").failed(4, "(MEMBER_NOT_FOUND)");
    network.run("statement nobody --programme mypoints").failed(4, "(UNKNOWN_PARTNER)");
    let early = network.run("partner create early --name Early --programme later");
    assert!(early.err.starts_with("warning: the network has no programme later yet; its events are refused"));
    assert_eq!(early.good(), "registered partners/early\n");
    network.run("programme show nothing").failed(4, "what to do: see `coalition programme list`");
    network.run("partner create cdnow --name Again").failed(3, "(ALREADY_EXISTS)");
    let shown = network.run("programme show mypoints").good();
    assert!(shown.contains("paris-return  Return flight to Paris   2,500  airline\n"), "{shown}");
    let document = network.run("programme show mypoints --version-number 1").good();
    assert_eq!(document, PROGRAMME);
}
