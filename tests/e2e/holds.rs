//! A till without our code holds points, captures a part of them, gives that back, links a card and takes a return, over gRPC
//! from Python.

use std::process::Command;

use crate::coalition::set_up_shop;
use crate::harness::Served;
use crate::python::{python, script, stubs};

const PROGRAMME: &str = r#"
[programme]
id = "club"
name = "The club"
effective_from = 2026-01-01T00:00:00Z

[[rule]]
id = "purchase"
event = "purchase"
points = 1
per = { amount = "1.00", currency = "USD", rounding = "down" }

[[reward]]
id = "towel"
name = "Beach towel"
redeemer = "shop"
points = 40
"#;

#[test]
fn a_till_in_python_holds_captures_refunds_links_and_returns() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("network");
    let served = Served::start(&data);
    set_up_shop(&served, folder.path(), PROGRAMME);
    served.command(&["member", "enrol", "--customer", "shop:1"]);
    let key = folder.path().join("shop.key");
    served.command(&["partner", "key", "shop", "--out", &key.display().to_string()]);

    stubs(&python, folder.path());
    let mut till = Command::new("timeout");
    till.args(["--kill-after=5", "180"]).arg(&python).arg(script("holds.py"));
    till.arg(served.address.replace("http://", "")).args([key, data.join("operator.key")]);
    let ended = till.env("PYTHONPATH", folder.path()).output().expect("it starts");
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    let expected = "\
EVENT_STATE_APPLIED 100 0
HOLD_STATE_OPEN 20 80
REDEMPTION_STATE_COMPLETED 50 0
FAILED_PRECONDITION 50 0
REDEMPTION_STATE_REFUNDED 100 0
LINKED 107 0
EVENT_STATE_APPLIED 7 0
";
    assert_eq!(String::from_utf8_lossy(&ended.stdout), expected);
    served.stop();
}
