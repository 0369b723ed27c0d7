//! What a test does on a machine that lacks a tool: it says so, and fails where everything is required.

use std::io::Write;

/// Says that a test does not run because of `tool`, and why.
pub(crate) fn tell(tool: &str, why: &str) {
    let required = std::env::var_os("COALITION_REQUIRE_ALL").is_some_and(|value| value == "1");
    assert!(!required, "{tool} is required: {why}");
    mention(tool, why);
}

/// Says that a part of a test does not run.
pub(crate) fn mention(tool: &str, why: &str) {
    // Past the test runner, which would swallow it.
    let line = format!("SKIPPED, a test with {tool}: {why}\n");
    std::io::stderr().write_all(line.as_bytes()).expect("print");
}
