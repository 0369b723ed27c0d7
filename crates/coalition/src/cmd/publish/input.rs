//! The file: what is in it, line by line.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use anyhow::{Context, Result};
use coalition_proto::event::v1::PartnerEvent;
use coalition_proto::r#type::v1::ErrorReason;

use super::json_lines::Lines;
use super::rows::Table;
use crate::client::failure::Trouble;

/// How events are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub(super) enum Format {
    /// A header row, and a row for each event.
    Csv,
    /// The JSON of an event on each line.
    Jsonl,
}

/// What a line says.
pub(super) struct Line {
    /// Its number, from 1 on.
    pub(super) number: u64,
    /// How many bytes of the file it takes.
    pub(super) bytes: u64,
    /// The line itself, as it came or as CSV would write it.
    pub(super) text: String,
    /// The event; or why there is none.
    pub(super) event: Result<PartnerEvent, Fault>,
}

/// Why a line is no event. The message repeats no value: that may be what must not be shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Fault {
    /// Out of the closed list.
    pub(super) reason: ErrorReason,
    /// The column or field at fault; empty if no single one is.
    pub(super) field: String,
    /// In words, for a person.
    pub(super) message: String,
}

impl Fault {
    pub(super) fn new(reason: ErrorReason, field: &str, message: impl Into<String>) -> Self {
        Self { reason, field: field.to_owned(), message: message.into() }
    }
}

/// Where bytes come from.
pub(super) type Source = Box<dyn BufRead + Send>;

/// The lines of a file.
pub(super) struct Input {
    bytes: Option<u64>,
    lines: Box<dyn Iterator<Item = io::Result<Line>> + Send>,
}

impl Input {
    /// Opens a file, or standard input for `-`.
    pub(super) fn open(path: &Path, format: Option<Format>) -> Result<Self> {
        let doing = || format!("read {}", path.display());
        let stdin = path == Path::new("-");
        let format = match format.or_else(|| by_ending(path)) {
            Some(format) => format,
            None => {
                let what = format!(
                    "{}: say with --format what is in it; endings that say it are csv, jsonl and ndjson",
                    if stdin { "standard input".to_owned() } else { path.display().to_string() }
                );
                return Err(Trouble::Usage(what).into());
            }
        };
        let (source, bytes): (Source, _) = if stdin {
            (Box::new(BufReader::new(io::stdin())), None)
        } else {
            let file = File::open(path).with_context(doing)?;
            let found = file.metadata().with_context(doing)?;
            let bytes = found.is_file().then_some(found.len());
            (Box::new(BufReader::with_capacity(64 << 10, file)), bytes)
        };
        let lines: Box<dyn Iterator<Item = _> + Send> = match format {
            Format::Csv => {
                let table = Table::open(source).with_context(doing)?;
                Box::new(table.map_err(|why| Trouble::Usage(format!("{}: {why}", path.display())))?)
            }
            Format::Jsonl => Box::new(Lines::new(source)),
        };
        Ok(Self { bytes, lines })
    }

    /// How many bytes there are, where that is known.
    pub(super) fn bytes(&self) -> Option<u64> {
        self.bytes
    }
}

impl Iterator for Input {
    type Item = io::Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        self.lines.next()
    }
}

fn by_ending(path: &Path) -> Option<Format> {
    match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "csv" => Some(Format::Csv),
        "jsonl" | "ndjson" => Some(Format::Jsonl),
        _ => None,
    }
}
