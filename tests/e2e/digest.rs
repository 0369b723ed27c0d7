//! A digest of everything that a network decided about its members, for two networks with the same input.
//!
//! The digest of the stored state (`coalition journal verify`) is for one network: it holds when each decision was made and
//! in which batch, and no two runs agree on that. This one leaves out times, positions and drawn ids, and holds all else: each
//! decision about an account in words (asked by whom, applied or refused and why, each lot's points by rule and version). What
//! follows from them, balances and statements, is compared by whoever asks for it.

use std::collections::BTreeMap;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::harness::run;

/// The decisions in effect in the journals of a folder, with how often each was made.
pub(crate) fn decisions(data: &Path, arguments: &[&str]) -> BTreeMap<String, u32> {
    let folder = data.display().to_string();
    let command = ["journal", "tail", "--json", "--limit", "4294967295", "--data", &folder];
    let tail: serde_json::Value =
        serde_json::from_str(&run(&[&command, arguments].concat())).expect("one JSON document");
    let records = tail["records"].as_array().expect("the records").iter();
    let in_effect = records.filter(|record| !record["seq"].is_null());
    let decisions = in_effect.filter_map(|record| record["decisions"].as_array()).flatten();
    let mut found = BTreeMap::new();
    // Those about the registry have ids of keys that are drawn.
    for decision in decisions.filter(|decision| !decision["account"].is_null()) {
        let text = decision["text"].as_str().expect("a decision is told");
        *found.entry(without_times(text)).or_default() += 1;
    }
    found
}

/// A hold's end depends on when it was made.
fn without_times(text: &str) -> String {
    let is_time = |word: &str| word.parse::<coalition_domain::Timestamp>().is_ok();
    let words = text.split(' ').map(|word| if is_time(word) { "then" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

/// Of all of them.
pub(crate) fn digest(decisions: &BTreeMap<String, u32>) -> String {
    let mut hash = Sha256::new();
    for (decision, count) in decisions {
        hash.update(format!("{count} {decision}\n"));
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
