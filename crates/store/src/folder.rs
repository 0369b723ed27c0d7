//! The store in a folder of its own, kept by sled: opening it, and setting aside what can't be trusted.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Damage, Error, Result};
use crate::fault::shield;
use crate::pending::{self, Pending};
use crate::port::{Found, Identity, Mark, Opened, Store};
use crate::row::Sum;
use crate::sidecar::{self, Sidecar};
use crate::tree::Tree;
use crate::writer::TreeWriter;

/// sled's thread that writes what is buffered and collects segments: needed, as only it collects them.
const FLUSH_EVERY_MS: u64 = 500;

/// With far less sled panics, which must not pass for damage.
const CACHE_BYTES_MIN: u64 = 64 << 10;

const LOCK_RETRY: Duration = Duration::from_millis(20);

/// How a folder is used.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What sled may keep of the rows in memory, in bytes, 64 KiB at least; it takes somewhat more.
    pub cache_bytes: u64,
    /// How long to wait for another process to let go of the folder, for example one that was killed just now.
    pub lock_wait: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { cache_bytes: 64 << 20, lock_wait: Duration::from_secs(2) }
    }
}

/// A folder for one shard's rows. Beside it lie `<name>.lock`, and `<name>.damaged-<n>` with what was set aside.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
    settings: Settings,
}

impl Folder {
    /// The folder `path`, which is made when it is opened.
    pub fn new(path: impl Into<PathBuf>, settings: Settings) -> Self {
        Self { path: path.into(), settings }
    }

    fn try_open(&self, identity: &Identity) -> Result<Opened> {
        let lock = self.lock()?;
        let (whole, found) = match self.open_whole(identity) {
            Err(Error::Damaged(why)) => {
                let kept = set_aside(&self.path)?;
                tracing::warn!(%why, kept = %kept.display(), "store set aside");
                (self.open_whole(identity)?, Some(Found::SetAside { why, kept }))
            }
            whole => (whole?, None),
        };
        let Whole { tree, rows } = whole;
        let found = found.unwrap_or_else(|| rows.map_or(Found::Empty, |(mark, _)| Found::At(mark)));
        let writer = TreeWriter::new(tree.clone(), &self.path, lock, *identity, rows)?;
        Ok(Opened { reader: Arc::new(tree), writer: Box::new(writer), found })
    }

    /// Takes the lock that lies beside the folder; sled's own is taken late, and goes away with the folder.
    fn lock(&self) -> Result<File> {
        if let Some(parent) = self.path.parent() {
            fs::create_dir_all(parent).map_err(io_error("create the folder of a store"))?;
        }
        let file =
            File::create(beside(&self.path, ".lock")).map_err(io_error("create the lock of a store"))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(Error::Locked),
            Err(TryLockError::Error(source)) => Err(io_error("lock a store")(source)),
        }
    }

    /// Opens what is there, if all of it can be trusted.
    ///
    /// What a process or machine that died within a checkpoint left is finished first. Where a power cut kept only some of sled's
    /// pages, the sum of the rows doesn't match.
    fn open_whole(&self, identity: &Identity) -> Result<Whole> {
        fs::create_dir_all(&self.path).map_err(io_error("create a store"))?;
        remove_leftovers(&self.path).map_err(io_error("clean a store"))?;
        let sidecar = sidecar::read(&self.path)?;
        let config = sled::Config::new()
            .path(&self.path)
            .cache_capacity(self.settings.cache_bytes.max(CACHE_BYTES_MIN))
            .flush_every_ms(Some(FLUSH_EVERY_MS));
        let tree = Tree::new(shield("open a store", || config.open())?);
        let pending = Pending::new(&self.path);
        // One that is not whole says nothing: if any of it was put in, the sum of the rows doesn't match.
        if pending.is_whole()? {
            pending.put_into(&tree)?;
            tree.call("flush a checkpoint", |db| db.flush())?;
        }
        let rows = tree.check_all(identity)?;
        judge(identity, sidecar, rows.map(|(mark, _)| mark))?;
        Ok(Whole { tree, rows })
    }
}

impl Store for Folder {
    fn open(&self, identity: &Identity) -> Result<Opened> {
        let start = Instant::now();
        loop {
            match self.try_open(identity) {
                // A process that was killed just now holds its locks until the system has buried it.
                Err(Error::Locked) if start.elapsed() < self.settings.lock_wait => thread::sleep(LOCK_RETRY),
                done => return done,
            }
        }
    }
}

/// A database whose rows are all there.
struct Whole {
    tree: Tree,
    rows: Option<(Mark, Sum)>,
}

/// Whether what was durable is there.
fn judge(
    identity: &Identity,
    sidecar: Option<Sidecar>,
    found: Option<Mark>,
) -> std::result::Result<(), Damage> {
    let Some(sidecar) = sidecar else {
        // A process that died while it made the folder left no rows either.
        return if found.is_none() { Ok(()) } else { Err(Damage::SidecarMissing) };
    };
    if sidecar.identity != *identity {
        return Err(Damage::Foreign { expected: *identity, found: sidecar.identity });
    }
    let Some(durable) = sidecar.mark else { return Ok(()) };
    let reached = found.is_some_and(|found| found == durable || found.seq > durable.seq);
    if reached { Ok(()) } else { Err(Damage::Behind { durable, found }) }
}

/// Removes snapshots that sled was writing when it was killed: with one of them it never opens again; and a checkpoint that had
/// not got its name.
fn remove_leftovers(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("snap.") && name.ends_with(".generating") || name == pending::NEXT {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Renames the folder to `<name>.damaged-<n>`; whoever has it open goes on with what has no name any more.
pub(crate) fn set_aside(folder: &Path) -> Result<PathBuf> {
    let free = (1_u32..).map(|n| beside(folder, &format!(".damaged-{n}"))).find(|path| !path.exists());
    let kept =
        free.ok_or_else(|| io_error("find a name for a damaged store")(ErrorKind::AlreadyExists.into()))?;
    fs::rename(folder, &kept).map_err(io_error("set a damaged store aside"))?;
    sync_entry(folder).map_err(io_error("set a damaged store aside"))?;
    Ok(kept)
}

/// Makes durable that the folder is there, or under another name.
pub(crate) fn sync_entry(folder: &Path) -> io::Result<()> {
    match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        Some(_) | None => File::open(".")?.sync_all(),
    }
}

fn beside(folder: &Path, suffix: &str) -> PathBuf {
    let mut path = folder.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

fn io_error(doing: &'static str) -> impl Fn(io::Error) -> Error {
    move |source| Error::Io { doing, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conforms() {
        let root = tempfile::tempdir().unwrap();
        let count = std::cell::Cell::new(0);
        crate::conformance::check(&|| {
            count.set(count.get() + 1);
            Box::new(Folder::new(root.path().join(count.get().to_string()), Settings::default()))
        });
    }
}
