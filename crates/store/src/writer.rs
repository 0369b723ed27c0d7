//! Writes checkpoints into sled, in the one order that survives a power cut.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::admit::admit;
use crate::error::{Damage, Error, Result};
use crate::folder::{set_aside, sync_entry};
use crate::pending::Pending;
use crate::port::{Checkpoint, Identity, Mark, Writer};
use crate::row::{MARK_KEY, MarkRow, Sum, seal};
use crate::sidecar::Sidecars;
use crate::tree::Tree;

/// The one writer of a folder. When it is dropped the store closes.
pub(crate) struct TreeWriter {
    tree: Tree,
    folder: PathBuf,
    identity: Identity,
    mark: Option<Mark>,
    sum: Sum,
    pending: Pending,
    disk: Disk,
    /// Keeps others out. Dropped last, when the tree has been closed.
    _lock: File,
}

impl Drop for TreeWriter {
    fn drop(&mut self) {
        self.tree.stop();
    }
}

impl TreeWriter {
    /// The writer of rows that were found to stand for a mark, which is made durable now.
    pub(crate) fn new(
        tree: Tree,
        folder: &Path,
        lock: File,
        identity: Identity,
        rows: Option<(Mark, Sum)>,
    ) -> Result<Self> {
        let (mark, sum) = rows.map_or((None, Sum::default()), |(mark, sum)| (Some(mark), sum));
        let pending = Pending::new(folder);
        let durable = || -> io::Result<Disk> {
            let mut disk = Disk::new(folder, identity)?;
            disk.sync(mark)?;
            pending.done()?;
            sync_entry(folder)?;
            Ok(disk)
        };
        let disk = durable().map_err(|source| Error::Io { doing: "make an opened store durable", source })?;
        Ok(Self { tree, folder: folder.to_owned(), identity, mark, sum, pending, disk, _lock: lock })
    }

    fn write(&mut self, checkpoint: &Checkpoint) -> Result<()> {
        let mut sum = self.sum;
        let mark = checkpoint.mark();
        let olds = self.tree.checks(checkpoint.rows().map(|(key, _)| key))?;
        self.pending.write(|rows| {
            let mut sealed = Vec::new();
            for ((key, value), old) in checkpoint.rows().zip(olds) {
                if let Some(old) = old {
                    sum.remove(old)
                        .ok_or(Damage::Sum { expected: self.sum.rows, found: self.sum.rows + 1 })?;
                }
                if let Some(value) = value {
                    sum.add(seal(key, value, &mut sealed));
                    rows.put(key, Some(&sealed))?;
                } else if old.is_some() {
                    rows.put(key, None)?;
                }
            }
            let row = MarkRow { identity: self.identity, mark, sum };
            seal(MARK_KEY, &row.encode(), &mut sealed);
            rows.put(MARK_KEY, Some(&sealed))
        })?;
        self.tree.moving(|| self.pending.put_into(&self.tree))?;
        self.tree.call("flush a checkpoint", |db| db.flush())?;
        let durable = self.disk.sync(Some(mark)).and_then(|()| self.pending.done());
        durable.map_err(|source| Error::Io { doing: "make a checkpoint durable", source })?;
        (self.mark, self.sum) = (Some(mark), sum);
        Ok(())
    }
}

impl Writer for TreeWriter {
    fn apply(&mut self, checkpoint: &Checkpoint) -> Result<()> {
        admit(checkpoint, self.mark)?;
        let done = self.write(checkpoint);
        if done.is_err() {
            // sled's memory and its files may differ now, so nobody reads either.
            self.tree.stop();
        }
        done
    }

    fn discard(self: Box<Self>, why: &str) -> Result<()> {
        let kept = set_aside(&self.folder)?;
        tracing::warn!(why, kept = %kept.display(), "store discarded");
        Ok(())
    }
}

/// What sled leaves undone: its `flush` writes, but never syncs.
struct Disk {
    database: File,
    blobs: Blobs,
    sidecars: Sidecars,
}

impl Disk {
    fn new(folder: &Path, identity: Identity) -> io::Result<Self> {
        Ok(Self {
            // A second handle beside sled's: its lock belongs to the handle, not to the process.
            database: File::open(folder.join("db"))?,
            blobs: Blobs { folder: folder.join("blobs"), synced: BTreeSet::new() },
            sidecars: Sidecars::new(folder, identity)?,
        })
    }

    /// Makes durable what sled has written, and only then says so.
    fn sync(&mut self, mark: Option<Mark>) -> io::Result<()> {
        self.blobs.sync()?;
        self.database.sync_all()?;
        self.sidecars.write(mark)
    }
}

/// The files of their own into which sled puts pages of more than 128 KiB: seldom any, each written once.
struct Blobs {
    folder: PathBuf,
    synced: BTreeSet<OsString>,
}

impl Blobs {
    fn sync(&mut self) -> io::Result<()> {
        let mut present = BTreeSet::new();
        for entry in fs::read_dir(&self.folder)? {
            present.insert(entry?.file_name());
        }
        if present != self.synced {
            for name in present.difference(&self.synced) {
                match File::open(self.folder.join(name)).and_then(|file| file.sync_all()) {
                    // sled's own thread removes those whose page was written anew.
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    done => done?,
                }
            }
            File::open(&self.folder)?.sync_all()?;
            self.synced = present;
        }
        Ok(())
    }
}
