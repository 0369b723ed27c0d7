//! `coalition programme validate`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use coalition_domain::programme::{Fault, Programme, parse};
use serde_json::json;

use crate::client::{json, print};

/// Check programme documents, without a network.
///
/// Every fault of every file is reported in one run, a line for each: file, line and column, the key at fault, and what is
/// wrong with it. The exit code is 1 if there is any.
///
/// Example: coalition programme validate mypoints.toml
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The documents.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Print one JSON document, for programs.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let mut text = String::new();
    let mut files = Vec::new();
    let mut faulty = false;
    for path in &args.files {
        let faults = match read(path) {
            Ok((_, Ok(programme))) => {
                text.push_str(&summary(path, &programme));
                Vec::new()
            }
            Ok((_, Err(faults))) => {
                text.push_str(&lines(path, &faults));
                faults.iter().map(as_json).collect()
            }
            // The other files are none the worse for it.
            Err(error) => {
                text.push_str(&format!("{}: {}\n", path.display(), unreadable(&error)));
                vec![json!({ "line": null, "column": null, "path": null, "message": unreadable(&error) })]
            }
        };
        faulty |= !faults.is_empty();
        files.push(json!({ "file": path, "faults": faults }));
    }
    print(&if args.json { json::document(&json!({ "files": files }))? } else { text })?;
    Ok(if faulty { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn unreadable(error: &anyhow::Error) -> String {
    format!("can't be read: {}", error.root_cause())
}

/// A document's text, and what it says or what is wrong with it.
pub(super) fn read(path: &Path) -> Result<(String, Result<Programme, Vec<Fault>>)> {
    let bytes = std::fs::read(path).with_context(|| format!("read {}", path.display()))?;
    let text = String::from_utf8(bytes).with_context(|| format!("read {}", path.display()))?;
    let parsed = parse(&text);
    Ok((text, parsed))
}

/// A line for each fault, in the form that editors jump by.
pub(super) fn lines(path: &Path, faults: &[Fault]) -> String {
    faults.iter().map(|fault| format!("{}:{fault}\n", path.display())).collect()
}

fn summary(path: &Path, programme: &Programme) -> String {
    let count = |number: usize, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
    format!(
        "{}: good: programme {} from {}, {}, {}\n",
        path.display(),
        programme.id,
        programme.effective_from,
        count(programme.rules.len(), "rule"),
        count(programme.rewards.len(), "reward")
    )
}

fn as_json(fault: &Fault) -> serde_json::Value {
    json!({ "line": fault.line, "column": fault.column, "path": fault.path, "message": fault.message })
}
