//! A disk that does on demand what a disk may do.

use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use redb::StorageBackend;
use redb::backends::FileBackend;

/// What a disk does, for all files on it.
#[derive(Debug, Default)]
pub(super) struct Disk {
    /// No byte from here on can be written.
    full_at: Mutex<Option<u64>>,
    /// A full disk refuses to lengthen a file; else it refuses the writes.
    pub(super) refuses_length: AtomicBool,
    /// Counts down with each change or sync; what brings it below zero fails.
    pub(super) operations_left: Mutex<Option<AtomicI64>>,
    pub(super) syncs_fail: AtomicBool,
    pub(super) reads_fail: AtomicBool,
    pub(super) syncs: AtomicU64,
    held: Mutex<bool>,
    released: Condvar,
}

impl Disk {
    pub(super) fn fill(&self, at: impl Into<Option<u64>>) {
        *self.full_at.lock().unwrap() = at.into();
    }

    pub(super) fn hold_syncs(&self, hold: bool) {
        *self.held.lock().unwrap() = hold;
        self.released.notify_all();
    }

    fn operate(&self, end: u64) -> io::Result<()> {
        if self.full_at.lock().unwrap().is_some_and(|full_at| end > full_at) {
            return Err(ErrorKind::StorageFull.into());
        }
        match self.operations_left.lock().unwrap().as_ref() {
            Some(left) if left.fetch_sub(1, Ordering::Relaxed) == 0 => Err(io::Error::other("planted")),
            Some(_) | None => Ok(()),
        }
    }
}

#[derive(Debug)]
pub(super) struct OnDisk {
    pub(super) file: FileBackend,
    pub(super) disk: Arc<Disk>,
}

impl StorageBackend for OnDisk {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        if self.disk.reads_fail.load(Ordering::Relaxed) {
            return Err(io::Error::other("planted"));
        }
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.disk.operate(if self.disk.refuses_length.load(Ordering::Relaxed) { len } else { 0 })?;
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut held = self.disk.held.lock().unwrap();
        while *held {
            held = self.disk.released.wait(held).unwrap();
        }
        drop(held);
        self.disk.operate(0)?;
        self.disk.syncs.fetch_add(1, Ordering::Relaxed);
        if self.disk.syncs_fail.load(Ordering::Relaxed) {
            return Err(io::Error::other("planted"));
        }
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.disk.operate(offset + data.len() as u64)?;
        self.file.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }
}
