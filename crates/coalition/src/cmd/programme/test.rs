//! `coalition programme test`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use coalition_scenario::{Difference, Document, Paper, play};
use serde_json::{Value, json};

use crate::client::{json, print};

/// Play scenarios, without a network: what a programme has to come to, as given, when and then.
///
/// A scenario is a TOML file that names programmes and partners, and its cases what happens and what has to come of it;
/// docs/guides/test-a-programme.md tells how to write one. Every case of every file is played, each in a network of its own that
/// begins anew. The exit code is 1 if one comes to something else than it says.
///
/// Example: coalition programme test tests/scenarios/a21-reference-rule.toml
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The scenarios.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Print one JSON document, for programs.
    #[arg(long)]
    json: bool,
}

/// A file, played.
struct Played {
    title: String,
    cases: Vec<(String, Vec<Difference>)>,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let played: Vec<_> = args.files.iter().map(|path| (path, of(path))).collect();
    let failed = |played: &Result<Played>| match played {
        Ok(played) => played.cases.iter().any(|(_, differences)| !differences.is_empty()),
        Err(_) => true,
    };
    let failed = played.iter().any(|(_, played)| failed(played));
    print(&if args.json {
        let files: Vec<_> = played.iter().map(|(path, played)| as_json(path, played)).collect();
        json::document(&json!({ "files": files }))?
    } else {
        played.iter().map(|(path, played)| told(path, played)).collect()
    })?;
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn of(path: &Path) -> Result<Played> {
    let document = Document::read(path)?;
    let mut cases = Vec::new();
    for case in &document.cases {
        let Ok(differences) = play(case, &mut Paper::new(&document)?);
        cases.push((case.title.clone(), differences));
    }
    Ok(Played { title: document.title, cases })
}

fn told(path: &Path, played: &Result<Played>) -> String {
    let played = match played {
        Ok(played) => played,
        // What toml says of a place in a file ends with a line.
        Err(error) => {
            return format!("{}: can't be played: {}\n", path.display(), format!("{error:#}").trim_end());
        }
    };
    let mut text = format!("{}: {}\n", path.display(), played.title);
    for (title, differences) in &played.cases {
        text += &format!("  {:<6} {title}\n", if differences.is_empty() { "ok" } else { "FAILED" });
        for Difference { place, expected, found } in differences {
            text +=
                &format!("         {place}\n           expected: {expected}\n           found:    {found}\n");
        }
    }
    text
}

fn as_json(path: &Path, played: &Result<Played>) -> Value {
    let difference = |Difference { place, expected, found }: &Difference| json!({ "place": place, "expected": expected, "found": found });
    let case = |(title, differences): &(String, Vec<Difference>)| {
        let differences: Vec<_> = differences.iter().map(difference).collect();
        json!({ "title": title, "ok": differences.is_empty(), "differences": differences })
    };
    match played {
        Ok(played) => {
            let cases: Vec<_> = played.cases.iter().map(case).collect();
            json!({ "file": path, "title": played.title, "cases": cases, "error": null })
        }
        Err(error) => json!({ "file": path, "title": null, "cases": [], "error": format!("{error:#}") }),
    }
}
