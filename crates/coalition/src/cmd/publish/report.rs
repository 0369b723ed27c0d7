//! What became of the lines: told on the way, written down, and summed up.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;

use super::input::Fault;
use crate::client::text::grouped;
use crate::client::{Options, Progress, Unit};
use crate::client::{failure, note};

/// Of a source whose end nobody knows, a line for each so many events.
const EVENTS_TOLD: u64 = 50_000;

/// Of one whose size is known, where no bar is shown, at most a line in so long.
const BETWEEN: Duration = Duration::from_secs(5);

/// What becomes of lines.
pub(super) enum Told {
    /// So many were judged.
    Judged(Judged),
    /// One was refused.
    Refused(Refused),
}

/// Lines that were judged.
pub(super) struct Judged {
    /// How many of them were accepted.
    pub(super) accepted: u64,
    /// How many bytes of the file they took, with those that were refused.
    pub(super) bytes: u64,
}

/// A line that was refused, by the network or as no event at all.
pub(super) struct Refused {
    pub(super) line: u64,
    /// Empty if the line says none, or none could be read.
    pub(super) event_id: String,
    pub(super) fault: Fault,
    pub(super) text: String,
}

/// The sum of it.
pub(super) struct Report {
    progress: Option<Progress>,
    rejects: Option<csv::Writer<File>>,
    validate_only: bool,
    accepted: u64,
    bytes: u64,
    refused: BTreeMap<&'static str, u64>,
}

impl Report {
    /// Of an input of so many bytes, if that is known.
    pub(super) fn new(bytes: Option<u64>, rejects: Option<&Path>, validate_only: bool) -> Result<Self> {
        let rejects = rejects.map(|path| {
            let file = File::create(path).with_context(|| format!("write {}", path.display()))?;
            let mut writer = csv::Writer::from_writer(file);
            writer.write_record(["line", "event_id", "reason", "field", "message", "record"])?;
            anyhow::Ok(writer)
        });
        let doing = if validate_only { "judging" } else { "publishing" };
        let progress = |bytes| anyhow::Ok(Progress::new(bytes, Unit::Bytes, doing)?.seldom(BETWEEN));
        Ok(Self {
            progress: bytes.map(progress).transpose()?,
            rejects: rejects.transpose()?,
            validate_only,
            accepted: 0,
            bytes: 0,
            refused: BTreeMap::new(),
        })
    }

    pub(super) fn judged(&mut self, judged: Judged) -> Result<()> {
        let told = self.events() / EVENTS_TOLD;
        self.accepted += judged.accepted;
        self.bytes += judged.bytes;
        let (events, refused) = (self.events(), self.refused_count());
        let line = || format!("{} events, {} refused", grouped(events), grouped(refused));
        match &mut self.progress {
            Some(progress) => progress.reached(self.bytes, line),
            None if events / EVENTS_TOLD > told => note(&line()),
            None => {}
        }
        Ok(())
    }

    pub(super) fn refused(&mut self, refused: &Refused) -> Result<()> {
        let Refused { line, event_id, fault: Fault { reason, field, message }, text } = refused;
        let reason = reason.reason();
        *self.refused.entry(reason).or_default() += 1;
        let place = if field.is_empty() { String::new() } else { format!(", {field}") };
        let told = format!("line {line}: {message} ({reason}{place})");
        match &self.progress {
            Some(progress) => progress.note(&told),
            None => note(&told),
        }
        if let Some(rejects) = &mut self.rejects {
            let row = [&line.to_string(), event_id, reason, field, message, text];
            rejects.write_record(row).context("write the refused lines")?;
        }
        Ok(())
    }

    /// Everything was judged: sums it up for whom it was asked for.
    pub(super) fn finish(mut self, options: &Options) -> Result<ExitCode> {
        self.put_away();
        if let Some(mut rejects) = self.rejects.take() {
            rejects.flush().context("write the refused lines")?;
        }
        let refused = self.refused_count();
        let document = || {
            json!({
                "events": self.events(),
                "accepted": self.accepted,
                "refused": refused,
                "refused_by_reason": self.refused,
                "validate_only": self.validate_only,
            })
        };
        let text = |_| {
            let done = if self.validate_only { "good" } else { "published" };
            format!("{} events {done}, {} refused\n", grouped(self.accepted), grouped(refused))
        };
        options.answer(document, text)?;
        Ok(if refused == 0 { ExitCode::SUCCESS } else { ExitCode::from(failure::REFUSED) })
    }

    /// Not everything was judged, and why is said elsewhere.
    pub(super) fn cut_off(mut self, error: &anyhow::Error) {
        self.put_away();
        let done = if self.validate_only { "good" } else { "published" };
        let so_far = format!(
            "{} events {done}, {} refused so far",
            grouped(self.accepted),
            grouped(self.refused_count())
        );
        // Who is refused as a whole is refused again.
        note(&if failure::is_refusal(error) {
            format!("stopped: {so_far}")
        } else {
            format!("cut off: {so_far}; run it again, and what was published counts once")
        });
    }

    /// The bar goes before anything else is said.
    fn put_away(&mut self) {
        if let Some(progress) = self.progress.take() {
            progress.finish();
        }
    }

    fn refused_count(&self) -> u64 {
        self.refused.values().sum()
    }

    fn events(&self) -> u64 {
        self.accepted + self.refused_count()
    }
}
