//! `coalition journal rebuild`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use coalition_journal::entry::{Seq, ShardId};
use coalition_ledger::replay::replay;
use coalition_store::{Found, Store};
use serde_json::json;

use super::offline::{Offline, Where, folder};
use super::progress;
use crate::client::text::grouped;
use crate::client::{Align, Style, Table, json, print};

/// Set the stored projection aside and make it anew from the journal.
///
/// The old one is kept beside the new one, as STORE.damaged-NUMBER, and nothing reads it any more: remove it when you like. What
/// was decided is in the journal, so nothing is lost, also when this is interrupted: the network goes on from wherever it came to.
///
/// Example: coalition journal rebuild --data /var/lib/coalition --shard 2
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    at: Where,
}

struct Rebuilt {
    shard: ShardId,
    seq: Seq,
    took: Duration,
    /// Where the old projection is, if there was one.
    kept: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let offline = Offline::open(&args.at)?;
    let mut rebuilt = Vec::new();
    for &shard in &offline.shards {
        rebuilt.push(rebuild(&offline, shard).with_context(|| format!("rebuild shard {shard}"))?);
    }
    let one = |one: &Rebuilt| {
        json!({
            "shard": one.shard.0,
            "seq": one.seq.0,
            "duration_ms": u64::try_from(one.took.as_millis()).ok(),
            "kept": one.kept,
        })
    };
    let document = || json!({ "shards": rebuilt.iter().map(one).collect::<Vec<_>>() });
    print(&if args.at.json { json::document(&document())? } else { text(&rebuilt, Style::of_stdout()) })?;
    Ok(ExitCode::SUCCESS)
}

fn rebuild(offline: &Offline, shard: ShardId) -> Result<Rebuilt> {
    let begun = Instant::now();
    let (store, identity) = (folder(&offline.projection(shard)), offline.identity(shard));
    let end = offline.end(shard)?;
    let before = set_aside(&offline.projection(shard))?;
    let opened = store.open(&identity).context("open the projection")?;
    let opened = match opened.found {
        Found::Empty | Found::SetAside { .. } => opened,
        Found::At(_) => {
            opened
                .writer
                .discard("an operator asked for it to be rebuilt")
                .context("set the projection aside")?;
            store.open(&identity).context("open the new projection")?
        }
    };
    let bar = progress::bar(shard, end);
    let journal = offline.journal(shard);
    let replayed = replay(&offline.log, &journal, offline.genesis(shard), Some(end), opened, |offset| {
        bar.set_position(offset.0);
    });
    bar.finish_and_clear();
    let (_, seq) = replayed?;
    let kept = set_aside(&offline.projection(shard))?.difference(&before).next().cloned();
    Ok(Rebuilt { shard, seq, took: begun.elapsed(), kept })
}

/// What was set aside of a projection: the store keeps it beside the new one.
fn set_aside(projection: &Path) -> Result<BTreeSet<PathBuf>> {
    let name = projection.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let Some(folder) = projection.parent().filter(|folder| folder.exists()) else {
        return Ok(BTreeSet::new());
    };
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))? {
        let path = entry.with_context(|| format!("read {}", folder.display()))?.path();
        let entry = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if entry.strip_prefix(&name).is_some_and(|rest| rest.starts_with(".damaged-")) {
            found.insert(path);
        }
    }
    Ok(found)
}

fn text(rebuilt: &[Rebuilt], style: Style) -> String {
    let mut table = Table::new(&[
        ("shard", Align::Right),
        ("seq", Align::Right),
        ("took", Align::Right),
        ("old one kept in", Align::Left),
    ]);
    for one in rebuilt {
        table.row([
            one.shard.to_string(),
            grouped(one.seq.0),
            format!("{} ms", grouped(one.took.as_millis() as i64)),
            one.kept.as_ref().map(|kept| kept.display().to_string()).unwrap_or_default(),
        ]);
    }
    table.render(style)
}
