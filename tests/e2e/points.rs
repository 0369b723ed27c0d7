//! Programs without our code give a consent, give and take points by hand, and exchange points, over gRPC from Python.

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
id = "asking"
event = "engagement"
kind = "survey"
points = 20
consent = "surveys"

[[reward]]
id = "sky"
name = "25 sky miles"
redeemer = "shop"
points = 20
buys = { units = 25, unit = "sky-miles" }
"#;

#[test]
fn a_desk_in_python_consents_adjusts_and_exchanges() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("network");
    let served = Served::start(&data);
    set_up_shop(&served, folder.path(), PROGRAMME);
    served.command(&["member", "enrol", "--customer", "shop:1"]);
    let [shop, deputy] = ["shop", "deputy"].map(|who| folder.path().join(format!("{who}.key")));
    for (holder, key) in [("shop", &shop), ("--operator", &deputy)] {
        served.command(&["partner", "key", holder, "--out", &key.display().to_string()]);
    }

    stubs(&python, folder.path());
    let mut desk = Command::new("timeout");
    desk.args(["--kill-after=5", "180"]).arg(&python).arg(script("points.py"));
    desk.arg(served.address.replace("http://", "")).args([shop, data.join("operator.key"), deputy]);
    let ended = desk.env("PYTHONPATH", folder.path()).output().expect("it starts");
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    // 60 points for 3 times 25 miles.
    let expected = "\
EVENT_STATE_WAITING 0
surveys True 20
True [('e1', 'EVENT_STATE_APPLIED')] 20
ADJUSTMENT_STATE_APPLIED 520
ADJUSTMENT_STATE_APPLIED 500
ADJUSTMENT_STATE_PROPOSED 500
FAILED_PRECONDITION 500
ADJUSTMENT_STATE_APPLIED 20500
60 for 75 sky-miles 20440
";
    assert_eq!(String::from_utf8_lossy(&ended.stdout), expected);
    served.stop();
}
