//! The file under a partition's database.

use std::fmt;
use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use redb::StorageBackend;
use redb::backends::FileBackend;

use super::database::Cause;

/// Opens, or creates, the storage of a database at a path. Tests put storage that fails in its place.
pub(super) type Opener = Arc<dyn Fn(&Path) -> Result<Box<dyn StorageBackend>, Cause> + Send + Sync>;

/// Opens real files.
pub(super) fn opener() -> Opener {
    Arc::new(|path| {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        Ok(Box::new(FileBackend::new(file)?))
    })
}

/// Whether a sync has ever failed. After one the kernel may have dropped what it couldn't write and yet go on showing
/// it, so nothing that this process reads back proves anything any more.
#[derive(Clone, Default)]
pub(super) struct SyncFailed(Arc<AtomicBool>);

impl SyncFailed {
    pub(super) fn get(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Storage that notes a failed sync.
///
/// It offers no locks: the whole folder is locked once, and redb could not open a file again in the same process
/// while a reader still held the old one.
pub(super) struct Watched {
    pub(super) inner: Box<dyn StorageBackend>,
    pub(super) sync_failed: SyncFailed,
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl StorageBackend for Watched {
    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.inner.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.inner.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.inner.sync_data().inspect_err(|_| self.sync_failed.0.store(true, Ordering::Release))
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.inner.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.inner.close()
    }
}
