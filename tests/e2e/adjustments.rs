//! Points that operators give and take by hand, on the command line: the guide, and what it says is refused.

use std::process::Command;

use serde_json::Value;

use crate::guides::blocks;
use crate::harness::{Served, binary};

const PROGRAMME: &str = r#"
[programme]
id = "club"
name = "The club"
effective_from = 2026-01-01T00:00:00Z
"#;

/// docs/guides/adjust-points.md
#[test]
fn the_guide_adjusts_points_with_the_keys_of_two_operators() {
    let folder = tempfile::tempdir().expect("a folder");
    let document = folder.path().join("club.toml");
    let served = Served::start(&folder.path().join("network"));
    std::fs::write(&document, PROGRAMME).expect("room for a programme");
    served.command(&["partner", "create", "shop", "--name", "Shop", "--programme", "club"]);
    served.command(&["programme", "publish", &document.display().to_string()]);
    served.command(&["partner", "contract", "shop", "--programme", "club", "--accrual", "0.009"]);
    served.command(&["member", "enrol", "--customer", "shop:1"]);
    let deputy = folder.path().join("deputy.key").display().to_string();
    served.command(&["partner", "key", "--operator", "--out", &deputy]);

    let said = served.shell(&blocks("adjust-points.md", "sh").concat().replace("deputy.key", &deputy));
    for told in [
        "500 points of club, paid by shop\nmissing_event: till was offline on Saturday\napplied",
        "approved by ",
    ] {
        assert!(said.contains(told), "{said}");
    }
    let json = |args: &[&str]| -> Value {
        let member = ["--customer", "shop:1", "--json"];
        serde_json::from_str(&served.command(&[args, &member].concat())).expect("it prints a document")
    };
    // 500 given, 200 and 300 taken, 100 of 400 owed and repaid by the 25,000.
    let balance = json(&["member", "balance", "--programme", "club"]);
    assert_eq!((&balance["available"], &balance["debt"]), (&24_900.into(), &0.into()));
    let made = json(&["adjustment", "list"]);
    let made: Vec<_> = made["adjustments"].as_array().expect("a list").iter().collect();
    let told = |it: &Value| (it["points"].as_i64(), it["state"].as_str().map(str::to_owned));
    let applied = |points| (Some(points), Some("applied".to_owned()));
    assert_eq!(made.iter().copied().map(told).collect::<Vec<_>>(), [25_000, -400, -200, 500].map(applied));
    assert_ne!(made[0]["creator"], made[0]["reviewer"]);

    let proposal = json(&[
        "adjustment",
        "create",
        "--programme",
        "club",
        "--give",
        "10001",
        "--funder",
        "shop",
        "--reason",
        "goodwill",
    ]);
    let name = proposal["name"].as_str().expect("it has a name");
    let mut own = Command::new(binary());
    own.args(["adjustment", "approve", name, "--key-file"]).arg(folder.path().join("network/operator.key"));
    let refused = own.env("COALITION_SERVER", &served.address).output().expect("the binary starts");
    let why = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(3), "{why}");
    assert!(why.contains("OWN_ADJUSTMENT") && why.contains("partner key --operator"), "{why}");
    let rejected = served.command(&["adjustment", "reject", name]);
    assert!(rejected.contains("rejected by "), "{rejected}");
    served.stop();
}
