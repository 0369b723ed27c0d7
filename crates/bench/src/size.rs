//! Memory and disk: a ledger of many accounts in a process of its own, by what the system says of it at the end.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use coalition_journal::embedded;
use coalition_ledger::runtime::Settings;
use serde_json::json;

use crate::ledger::inbox_ends;
use crate::network::{prepare, settings, start_alone};
use crate::place::Place;
use crate::report::Report;
use crate::workload::Shape;

const MIB: f64 = 1_048_576.0;
/// What the binary's configuration says of an account in memory.
const ACCOUNT_BYTES: f64 = 6.0 * 1024.0;

/// What is done in a process of its own.
#[derive(clap::Subcommand)]
#[command(hide = true)]
pub(crate) enum Child {
    /// Sets a network up and fills its inbox with an event for each account.
    #[command(hide = true)]
    SizeFill { folder: PathBuf, accounts: u32, shards: u32 },
    /// Decides and stores them, and says how much memory that took at most.
    #[command(hide = true)]
    SizeDecide { folder: PathBuf, shards: u32 },
}

impl Child {
    pub(crate) fn run(&self) -> Result<()> {
        match self {
            Self::SizeFill { folder, accounts, shards } => {
                prepare(&Place::Folder, folder, &Shape::of_one_each(*accounts, *shards))
            }
            Self::SizeDecide { folder, shards } => decide(folder, *shards),
        }
    }
}

pub(crate) fn run(shape: Shape, report: &mut Report) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let name = name(shape.accounts);
    let (accounts, shards) = (shape.accounts.to_string(), shape.shards.to_string());
    child("size-fill", folder.path(), &[&accounts, &shards])?;
    let said: serde_json::Value = serde_json::from_str(&child("size-decide", folder.path(), &[&shards])?)?;
    let number = |key: &str| said[key].as_f64().with_context(|| format!("a child says its {key}"));
    let (peak, took) = (number("peak_rss_kib")? * 1024.0 / MIB, number("took_s")?);
    let bytes = used(&folder.path().join("store"))? as f64 / f64::from(shape.accounts);
    report.note(format!("peak_rss_mib_{name}"), peak);
    report.note(format!("bytes_per_account_{name}"), bytes);
    report.note(format!("accounts_per_s_{name}"), f64::from(shape.accounts) / took);
    // What was measured at the largest number stands for all.
    report.stands("peak_rss_mib", &format!("peak_rss_mib_{name}"));
    report.stands("bytes_per_account", &format!("bytes_per_account_{name}"));
    report.replace("rss_bound_mib", bound(&settings(shape.shards)) / MIB);
    Ok(())
}

fn child(name: &str, folder: &Path, arguments: &[&str]) -> Result<String> {
    let mut command = Command::new(std::env::current_exe()?);
    let output = command
        .arg(name)
        .arg(folder)
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("start {name}"))?;
    ensure!(output.status.success(), "{name} failed");
    Ok(String::from_utf8(output.stdout)?)
}

fn decide(folder: &Path, shards: u32) -> Result<()> {
    let log = Place::Folder.open(folder)?;
    let ends = inbox_ends(&*log, shards)?;
    let began = Instant::now();
    let node = start_alone(folder, &log, shards)?;
    let ledger = node.ledger();
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    for (shard, end) in &ends {
        runtime.block_on(ledger.wait(*shard, |status| status.inbox_next >= *end))?;
    }
    node.stop();
    let took = began.elapsed().as_secs_f64();
    println!("{}", json!({ "peak_rss_kib": peak_rss_kib()?, "took_s": took }));
    Ok(())
}

/// The most memory that this process had at once, as Linux counts it.
fn peak_rss_kib() -> Result<u64> {
    let status =
        std::fs::read_to_string("/proc/self/status").context("read what the system says of a process")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("its peak")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// What the configuration allows, in bytes: the stores' cache, accounts in memory, what is not stored yet, and the log's
/// caches, tails and queues.
fn bound(settings: &Settings) -> f64 {
    let (limits, store, log) =
        (&settings.limits, coalition_store::Settings::default(), embedded::Settings::default());
    let log = log.cache_bytes + log.tail_bytes_max;
    let shard = store.cache_bytes as f64
        + limits.accounts_max as f64 * ACCOUNT_BYTES
        + limits.unstored_bytes_max as f64
        // Of the inbox and of the journal.
        + 2.0 * log as f64;
    shard * f64::from(settings.shards)
}

/// Bytes on disk below a folder.
fn used(folder: &Path) -> Result<u64> {
    let mut sum = 0;
    for entry in std::fs::read_dir(folder)? {
        let (path, found) = entry.and_then(|entry| Ok((entry.path(), entry.metadata()?)))?;
        sum += if found.is_dir() { used(&path)? } else { found.blocks() * 512 };
    }
    Ok(sum)
}

/// A number of accounts, as keys have it.
fn name(accounts: u32) -> String {
    match accounts {
        millions if millions % 1_000_000 == 0 => format!("{}m", millions / 1_000_000),
        thousands if thousands % 1_000 == 0 => format!("{}k", thousands / 1_000),
        few => few.to_string(),
    }
}
