//! What an operator does about a partner after it was registered.

use serde_json::{Value, json};

use crate::everyday::{coalition, purchase};

#[test]
fn a_partner_is_changed_suspended_and_resumed() {
    let network = coalition();
    let shown = || network.run("partner list --json").json()["partners"][1].clone();
    assert_eq!(shown()["suspend_time"], Value::Null);

    assert_eq!(
        network.run("partner update cdnow --name CD --no-programme").good(),
        "updated partners/cdnow\n"
    );
    assert_eq!((&shown()["display_name"], &shown()["default_programme"]), (&json!("CD"), &Value::Null));
    let updated = network.run("partner update cdnow --programme other");
    assert!(updated.err.contains("warning: the network has no programme other yet"), "{}", updated.err);
    network.run("partner update cdnow --programme mypoints").good();
    assert_eq!(
        (&shown()["display_name"], &shown()["default_programme"]),
        (&json!("CD"), &json!("programmes/mypoints"))
    );
    network.run("partner update cdnow").failed(2, "--no-programme");
    network.run("partner update nobody --name x").failed(4, "UNKNOWN_PARTNER");

    let suspended = network.run("partner suspend cdnow").good();
    assert!(suspended.starts_with("partners/cdnow suspended since 20"), "{suspended}");
    assert_eq!(network.run("partner suspend cdnow").good(), suspended);
    assert!(shown()["suspend_time"].is_string());
    purchase(&network, "e1", 100, 0, "USD");
    let told = network.run("event cdnow e1 --customer cdnow:00001").good();
    assert!(told.contains("PARTNER_SUSPENDED"), "{told}");

    network.run("partner suspend airline").good();
    let shown_reward = network.run("programme show mypoints").good();
    assert!(shown_reward.contains("airline (suspended)"), "{shown_reward}");
    network.run("member enrol --customer cdnow:00001").good();
    let refused = network.run("redeem --customer cdnow:00001 towel --programme mypoints");
    assert!(refused.err.contains("coalition partner resume"), "{}", refused.err);
    assert_eq!(network.run("partner resume airline").good(), "partners/airline takes part again\n");
    network.run("redeem --customer cdnow:00001 towel --programme mypoints").failed(3, "POINTS_SHORT");
}

#[test]
fn keys_are_listed_without_their_secrets() {
    let network = coalition();
    let made = network.run("partner key cdnow --json").json();
    let listed = network.run("partner keys cdnow --json").json();
    assert_eq!(listed["keys"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&listed["keys"][0]["name"], &listed["keys"][0]["holder"], &listed["keys"][0]["secret"]),
        (&made["name"], &json!("partners/cdnow"), &Value::Null)
    );
    let text = network.run("partner keys").good();
    assert!(text.contains("operator") && !text.contains("ck_"), "{text}");
    assert!(network.run("partner keys airline").good().starts_with("no keys yet; "));
}
