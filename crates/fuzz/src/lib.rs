//! Fuzz targets: what reads bytes from outside, each with a property that holds for any bytes.
//!
//! A target is a function of bytes that panics where its property doesn't hold, and seeds, which are stored samples of the
//! crates. Two engines feed them. [`mutate`] changes seeds by chance, the same on every machine: the tests of this crate run it for
//! a while. libFuzzer goes on with what reaches new code: `cargo xtask fuzz TARGET --seconds N` (docs/testing.md).

mod config_document;
mod intake_record;
mod journal_record;
pub mod mutate;
mod page_token;
mod process_message;
mod programme_document;
mod samples;

// The configuration is the binary's own, and a binary can't be depended on: its files are compiled here a second time.
#[allow(dead_code, unreachable_pub, reason = "the binary uses all of it")]
#[path = "../../coalition/src/config/mod.rs"]
mod config;
mod folder;
mod observe;

/// What is fuzzed.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name on the command line.
    pub name: &'static str,
    /// Panics where the property doesn't hold.
    pub run: fn(&[u8]),
    /// Where to start from.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "intake-record", run: intake_record::run, seeds: intake_record::seeds },
    Target { name: "journal-record", run: journal_record::journal, seeds: journal_record::journal_seeds },
    Target { name: "inbox-record", run: journal_record::inbox, seeds: journal_record::inbox_seeds },
    Target { name: "group-record", run: process_message::group, seeds: process_message::group_seeds },
    Target { name: "process-message", run: process_message::wire, seeds: process_message::wire_seeds },
    Target { name: "page-token", run: page_token::run, seeds: page_token::seeds },
    Target { name: "config", run: config_document::run, seeds: config_document::seeds },
    Target { name: "programme", run: programme_document::run, seeds: programme_document::seeds },
];

/// The target of that name.
#[must_use]
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}
