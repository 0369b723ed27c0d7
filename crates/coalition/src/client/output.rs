//! To the terminal: whole, and plain where nobody looks at it.

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::process::ExitCode;

use anyhow::{Context, Result};
use serde_json::Value;

use super::{Options, json};

impl Options {
    /// Prints the answer for whom it was asked for: a program or a person.
    pub(crate) fn answer(
        &self,
        document: impl FnOnce() -> Value,
        text: impl FnOnce(Style) -> String,
    ) -> Result<ExitCode> {
        print(&if self.json { json::document(&document())? } else { text(Style::of_stdout()) })?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Prints a command's answer. A reader that has seen enough, such as `head`, is no failure.
pub(crate) fn print(text: &str) -> Result<()> {
    offer(text).map(drop)
}

/// Prints what somebody may still read: false if nobody does any more.
pub(crate) fn offer(text: &str) -> Result<bool> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        done => done.map(|()| true).context("write the answer"),
    }
}

/// Tells a person something that is no part of the answer. What can't be told, on a full disk or to nobody, keeps nothing
/// else from being done.
pub(crate) fn note(text: &str) {
    drop(writeln!(io::stderr().lock(), "{text}"));
}

/// Whether text may carry more than its characters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Style {
    /// Nothing but the text.
    Plain,
    /// Headings stand out.
    Terminal,
}

impl Style {
    /// That of standard output, by what it is and by NO_COLOR (<https://no-color.org>).
    pub(crate) fn of_stdout() -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        if io::stdout().is_terminal() && !refused { Self::Terminal } else { Self::Plain }
    }

    /// A heading.
    pub(crate) fn heading(self, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Terminal => format!("\x1b[1m{text}\x1b[0m"),
        }
    }
}
