//! Log lines: to standard error, as standard output is for results.

use std::io::IsTerminal;

use anyhow::{Context, Result};
use serde::Deserialize;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt, registry};

/// How log lines look.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What a filter such as `warn,coalition::event=debug` lets through.
pub(super) fn filter(text: &str) -> Result<Targets> {
    text.parse::<Targets>().with_context(|| format!("\"{text}\" says not what to log"))
}

/// Begins to log what `RUST_LOG` says, or else `default`.
pub(crate) fn start(default: &str, format: LogFormat) -> Result<()> {
    let said = std::env::var("RUST_LOG").ok().filter(|said| !said.is_empty());
    let filter = match &said {
        Some(said) => filter(said).context("read RUST_LOG")?,
        None => filter(default)?,
    };
    // A log that can't be written, on a full disk or to nobody, must not bring down what it tells of.
    let lines = fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .log_internal_errors(false);
    let lines = match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    registry().with(filter).with(lines).init();
    Ok(())
}
