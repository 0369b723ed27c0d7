//! A small run of the whole benchmark: every figure is there. What it says means nothing at this size.

use std::process::Command;

use serde_json::Value;

/// As issues and documents name them.
const KEYS: &[&str] = &[
    "ledger_events_per_s",
    "copy_events_per_s",
    "ledger_vs_copy",
    "end_to_end_events_per_s",
    "end_to_end_vs_ledger",
    "append_p99_us",
    "redeem_p99_us",
    "redeem_p99_vs_append",
    "redeem_p99_loaded_us",
    "redeem_p99_loaded_vs_append",
    "get_balance_per_s",
    "empty_per_s",
    "get_balance_vs_empty",
    "replay_events_per_s",
    "takeover_ms",
    "session_timeout_ms",
    "peak_rss_mib",
    "rss_bound_mib",
    "bytes_per_account",
    "inbox_bytes_per_event",
    "journal_bytes_per_event",
];

fn bench(arguments: &[&str]) -> Value {
    let small = ["--events", "4000", "--accounts", "400", "--calls", "100", "--rounds", "1"];
    let output = Command::new(env!("CARGO_BIN_EXE_coalition-bench"))
        .arg("--json")
        .args(small)
        .args(["--takeover-accounts", "400", "--session-timeout-ms", "600"])
        .args(["--accounts-small", "1000", "--accounts-large", "2000", "--large"])
        .args(arguments)
        .output()
        .expect("the benchmark starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

fn number(all: &Value, key: &str) -> f64 {
    all[key].as_f64().unwrap_or_else(|| panic!("{key} is a number in {all}"))
}

#[test]
fn every_figure_is_there_beside_its_limit() {
    let all = bench(&[]);
    for key in KEYS {
        assert!(number(&all, key) > 0.0, "{key} in {all}");
    }
    let ratio = number(&all, "ledger_events_per_s") / number(&all, "copy_events_per_s");
    assert!((ratio - number(&all, "ledger_vs_copy")).abs() < 0.001, "{all}");
    assert_eq!(number(&all, "session_timeout_ms"), 600.0);
    // The larger number of accounts stands for all.
    assert_eq!(all["peak_rss_mib"], all["peak_rss_mib_2k"]);
    assert_eq!(all["bytes_per_account"], all["bytes_per_account_2k"]);
    assert!(number(&all, "peak_rss_mib_1k") > 0.0, "{all}");
}

#[test]
fn only_what_is_asked_for_is_measured() {
    let all = bench(&["--only", "end_to_end_vs_ledger"]);
    assert!(number(&all, "end_to_end_vs_ledger") > 0.0, "{all}");
    // It stands beside the ledger's, so that is measured, and nothing else is.
    assert!(number(&all, "ledger_events_per_s") > 0.0, "{all}");
    for absent in ["replay_events_per_s", "redeem_p99_us", "get_balance_per_s", "takeover_ms", "peak_rss_mib"]
    {
        assert!(all.get(absent).is_none(), "{absent} in {all}");
    }
}
