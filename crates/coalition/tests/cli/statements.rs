//! Statements by month.

use serde_json::json;

use crate::everyday::{coalition, purchase};

#[test]
fn a_partners_months_are_listed_with_what_they_come_to() {
    let network = coalition();
    let list = |more: &str| network.run(&format!("statement list cdnow --programme mypoints{more}"));
    assert_eq!(list("").good(), "nothing to settle yet\n");
    purchase(&network, "e1", 100, 0, "USD");
    // 100 points at 0.009.
    let shown = list(" --time-zone Europe/Paris --json").json();
    let newest = &shown["statements"][0];
    assert_eq!((&newest["state"], &newest["partner"]), (&json!("open"), &json!("partners/cdnow")));
    assert_eq!(newest["totals"][0]["net"], json!({ "currency_code": "USD", "amount": "0.90" }));
    let text = list("").good();
    assert!(text.contains("0.90 USD") && text.contains("open"), "{text}");
    list(" --time-zone Asia/Kolkata").failed(3, "full hour");
    network.run("statement list nobody --programme mypoints").failed(4, "UNKNOWN_PARTNER");
}
