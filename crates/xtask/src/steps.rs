//! What `cargo xtask test` does, in order: quick ones first. A new check is a new line of [`STEPS`].
//!
//! All of it is built for release and with TLS to Kafka: what is tested is what is shipped, and the libraries, those in C
//! before all, are compiled once.

use anyhow::{Context, Result};

use crate::{buf, command, rules};

/// One check.
pub(crate) struct Step {
    /// What the report calls it.
    pub(crate) name: &'static str,
    /// What it does.
    pub(crate) action: Action,
    /// What it needs besides Rust.
    pub(crate) tool: Option<Tool>,
}

/// How a step is run.
pub(crate) enum Action {
    /// cargo with these arguments.
    Cargo(&'static [&'static str]),
    /// buf with these arguments.
    Buf(&'static [&'static str]),
    /// The repository's own rules.
    Rules,
    /// The end-to-end tests, of the binary as it is released.
    EndToEnd,
}

/// A program from outside that not every machine has.
#[derive(Clone, Copy)]
pub(crate) enum Tool {
    /// buf from npm, so Node.js.
    Buf,
}

/// What a released binary has besides the default.
const TLS: &str = "coalition/kafka-tls";

/// Tests on Kafka mostly wait for brokers, so more of them run at once than there are processors.
const TEST_THREADS: &str = "--test-threads=4";

/// End-to-end tests are a package and a step of their own: they start whole networks.
pub(crate) const STEPS: &[Step] = &[
    cargo("format", &["fmt", "--all", "--check"]),
    Step { name: "rules", action: Action::Rules, tool: None },
    buf("protobuf lint", &["lint", "proto"]),
    buf("protobuf format", &["format", "proto", "--diff", "--exit-code"]),
    buf("protobuf breaking", &["breaking", "proto", "--against", buf::BREAKING_BASE]),
    cargo(
        "clippy",
        &[
            "clippy",
            "--release",
            "--workspace",
            "--all-targets",
            "--features",
            TLS,
            "--",
            "--deny",
            "warnings",
        ],
    ),
    cargo(
        "clippy without kafka",
        &[
            "clippy",
            "--release",
            "--package",
            "coalition",
            "--no-default-features",
            "--",
            "--deny",
            "warnings",
        ],
    ),
    cargo(
        "unit, property and doc tests",
        &[
            "test",
            "--release",
            "--no-fail-fast",
            "--workspace",
            "--exclude",
            "coalition-tests",
            "--features",
            TLS,
            "--",
            TEST_THREADS,
        ],
    ),
    cargo(
        "simulator",
        &["run", "--quiet", "--release", "--package", "coalition-sim", "--", "--seeds", "200"],
    ),
    cargo("the binary", &["build", "--release", "--package", "coalition", "--features", TLS]),
    Step { name: "end-to-end tests", action: Action::EndToEnd, tool: None },
];

impl Step {
    /// Does it; whether it passed. Its output goes to the terminal.
    pub(crate) fn run(&self) -> Result<bool> {
        match self.action {
            Action::Cargo(arguments) => {
                Ok(command::cargo().args(arguments).status().context("run cargo")?.success())
            }
            Action::Buf(arguments) => buf::run(arguments),
            Action::Rules => rules::print_faults(),
            Action::EndToEnd => Ok(command::cargo()
                // The whole workspace, so that features and with them all that is built are those of the step before.
                .args([
                    "test",
                    "--release",
                    "--workspace",
                    "--features",
                    TLS,
                    "--test",
                    "e2e",
                    "--",
                    TEST_THREADS,
                ])
                .env("COALITION_BIN", command::target().join("release/coalition"))
                .status()
                .context("run cargo")?
                .success()),
        }
    }
}

impl Tool {
    /// Makes the tool ready. The error says what is missing.
    pub(crate) fn ready(self) -> Result<()> {
        match self {
            Self::Buf => buf::ready(),
        }
    }
}

const fn cargo(name: &'static str, arguments: &'static [&'static str]) -> Step {
    Step { name, action: Action::Cargo(arguments), tool: None }
}

const fn buf(name: &'static str, arguments: &'static [&'static str]) -> Step {
    Step { name, action: Action::Buf(arguments), tool: Some(Tool::Buf) }
}
