//! `coalition journal export` and `import`: a shard's projection as a file, so that a new machine does not replay years.

use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use coalition_journal::entry::ShardId;
use coalition_store::{Shipped, Store, export as export_rows, import as import_rows};
use serde_json::json;

use super::offline::{Offline, Where, folder};
use crate::client::text::grouped;
use crate::client::{json, print};

/// Write the projection of a shard to a file, for another machine.
///
/// The file holds what was derived from the journal up to some position, counted and hashed: no names or addresses, but points and
/// hashes of identifiers, so keep it as you keep the data folder. The process whose folder it is has to be stopped; where several run,
/// stop one that follows the shard.
///
/// Example: coalition journal export --data /var/lib/coalition --shard 2 --out shard-2.checkpoint
#[derive(clap::Args)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    at: Where,
    /// The file, which must not be there yet.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Take in the projection of a shard that another machine has exported.
///
/// The data folder has to know its network, and to have no projection of this shard: `coalition journal rebuild` would make one from
/// the journal, which takes as long as the journal is. At the next start it is held against the journal: what is not on its chain is
/// thrown away and rebuilt.
///
/// Example: coalition journal import --data /var/lib/coalition --config coalition.toml --shard 2 shard-2.checkpoint
#[derive(clap::Args)]
pub(crate) struct ImportArgs {
    #[command(flatten)]
    at: Where,
    /// What `export` has written.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub(super) fn export(args: &ExportArgs) -> Result<ExitCode> {
    let offline = Offline::open(&args.at)?;
    let shard = one(&offline)?;
    let place = offline.projection(shard);
    if !place.exists() {
        bail!("{} holds no projection of shard {shard}", offline.data.display());
    }
    let out = OpenOptions::new().write(true).create_new(true).open(&args.out);
    let out = out.with_context(|| format!("make {}, which has to be a new file", args.out.display()))?;
    let written = write(&offline, shard, out);
    if written.is_err() {
        // A part of it is of no use.
        drop(fs::remove_file(&args.out));
    }
    tell(&args.at, shard, "exported", written?)
}

fn write(offline: &Offline, shard: ShardId, out: File) -> Result<Shipped> {
    let identity = offline.identity(shard);
    let opened = folder(&offline.projection(shard)).open(&identity).context("open the projection")?;
    let mut out = BufWriter::new(out);
    let shipped = export_rows(&*opened.reader, &identity, &mut out);
    let shipped = shipped.with_context(|| format!("export shard {shard}"))?;
    out.flush()?;
    out.get_ref().sync_all()?;
    Ok(shipped)
}

pub(super) fn import(args: &ImportArgs) -> Result<ExitCode> {
    let offline = Offline::open(&args.at)?;
    let shard = one(&offline)?;
    let place = offline.projection(shard);
    if place.exists() {
        bail!(
            "{} holds a projection of shard {shard} already; move {} away to take in another",
            offline.data.display(),
            place.display()
        );
    }
    let file = File::open(&args.file).with_context(|| format!("open {}", args.file.display()))?;
    // Under another name until it is whole: whoever opens a store believes what it holds.
    let part = place.with_extension("import");
    remove(&part)?;
    let identity = offline.identity(shard);
    let taken = import_rows(&mut BufReader::new(file), &identity, &folder(&part));
    let shipped = taken.with_context(|| format!("import {}", args.file.display()));
    if shipped.is_err() {
        remove(&part)?;
    }
    let shipped = shipped?;
    fs::rename(&part, &place).with_context(|| format!("put {} in place", place.display()))?;
    if let Some(parent) = place.parent() {
        File::open(parent)?.sync_all()?;
    }
    tell(&args.at, shard, "imported", shipped)
}

fn remove(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("remove {}", folder.display()))?;
    }
    let lock = folder.with_extension("import.lock");
    if lock.exists() {
        fs::remove_file(&lock).with_context(|| format!("remove {}", lock.display()))?;
    }
    Ok(())
}

/// A file holds one shard.
fn one(offline: &Offline) -> Result<ShardId> {
    match offline.shards.as_slice() {
        [shard] => Ok(*shard),
        _ => bail!("a file holds one shard: say which with --shard"),
    }
}

fn tell(at: &Where, shard: ShardId, what: &str, Shipped { mark, rows }: Shipped) -> Result<ExitCode> {
    let document = json!({ "shard": shard.0, "seq": mark.seq, "rows": rows });
    let text = format!("{what} shard {shard} at {}: {} rows\n", grouped(mark.seq), grouped(rows));
    print(&if at.json { json::document(&document)? } else { text })?;
    Ok(ExitCode::SUCCESS)
}
