//! One file of a spool.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::entry::{self, Entry, MAGIC, NoEntry};
use super::{Error, doing};

const EXTENSION: &str = "spool";

/// What a disk writes at once.
const PAGE: usize = 4_096;

/// A file of events, numbered on from the one that it is named by.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) path: PathBuf,
    pub(super) file: File,
    /// Number of its first event.
    pub(super) first: u64,
    /// How many events it holds.
    pub(super) events: u64,
    /// Up to here everything is whole.
    pub(super) bytes: u64,
}

/// What was found in a file that is there.
pub(super) struct Opened {
    pub(super) segment: Segment,
    /// The highest number that an entry says is settled.
    pub(super) settled: u64,
    /// Bytes at its end that are no entry.
    pub(super) torn: Vec<u8>,
}

/// Why something is not on disk.
pub(super) struct Unwritten {
    pub(super) source: io::Error,
    /// Whether a part of it may be there all the same.
    pub(super) is_left: bool,
}

impl Opened {
    /// Whether nothing was ever written into it.
    pub(super) fn is_blank(&self) -> bool {
        self.segment.bytes == 0 || self.segment.bytes == MAGIC.len() as u64 && self.torn.is_empty()
    }

    /// Whether it was not written to its end.
    pub(super) fn is_torn(&self) -> bool {
        self.segment.bytes == 0 || !self.torn.is_empty()
    }
}

impl Segment {
    /// A new one, for events from `first` on.
    pub(super) fn create(folder: &Path, first: u64) -> Result<Self, Unwritten> {
        let path = folder.join(format!("{first:020}.{EXTENSION}"));
        // Events say who bought what: nobody else's business.
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|source| Unwritten { source, is_left: false })?;
        if let Err(source) = begin(&mut file, folder) {
            // Further events go into the file before: this one would seem to have their numbers.
            let is_left = std::fs::remove_file(&path).is_err();
            return Err(Unwritten { source, is_left });
        }
        Ok(Self { path, file, first, events: 0, bytes: MAGIC.len() as u64 })
    }

    /// Number of the first event behind it.
    pub(super) fn next(&self) -> u64 {
        self.first + self.events
    }

    /// Number of the first event of a file, by its name; `None` for other files.
    pub(super) fn first_of(path: &Path) -> Option<u64> {
        let is_segment = path.extension().is_some_and(|extension| extension == EXTENSION);
        path.file_stem()?.to_str()?.parse().ok().filter(|_| is_segment)
    }

    /// Opens one that is there, and looks at all of it.
    pub(super) fn open(path: PathBuf, first: u64) -> Result<Opened, Error> {
        let read = || -> io::Result<(File, Vec<u8>)> {
            let file = OpenOptions::new().read(true).append(true).open(&path)?;
            Ok((file, std::fs::read(&path)?))
        };
        let (file, all) = read().map_err(|source| doing("read", &path, source))?;
        let mut segment = Self { path, file, first, events: 0, bytes: 0 };
        let mut settled = 0;
        let Some(mut rest) = all.strip_prefix(MAGIC) else {
            // A process that was killed may not have come to write all of it.
            return if MAGIC.starts_with(&all) {
                Ok(Opened { segment, settled, torn: all })
            } else {
                Err(Error::Damaged { path: segment.path, at: 0 })
            };
        };
        while let Ok((entry, length)) = entry::read(rest) {
            match entry {
                Entry::Event(_) => segment.events += 1,
                Entry::Settled(before) => settled = settled.max(before),
            }
            rest = &rest[length..];
        }
        segment.bytes = (all.len() - rest.len()) as u64;
        // What was being written when its process stopped is the end: nothing whole is behind it. Where its machine stopped, pages
        // behind one that was not written may be there, of what was not synced.
        if let Some(whole) = rest.get(1..).and_then(entry::first)
            && !has_hole(&rest[..whole + 1], segment.bytes)
        {
            return Err(Error::Damaged { path: segment.path, at: segment.bytes });
        }
        Ok(Opened { segment, settled, torn: rest.to_vec() })
    }

    /// Cuts off what is behind the last whole entry, and keeps it in a file beside this one.
    pub(super) fn mend(&mut self, torn: &[u8]) -> io::Result<()> {
        if !torn.is_empty() {
            keep(&self.path, torn)?;
        }
        self.file.set_len(self.bytes)?;
        if self.bytes == 0 {
            self.file.write_all(MAGIC)?;
            self.bytes = MAGIC.len() as u64;
        }
        self.file.sync_all()
    }

    /// Appends entries, of which `events` are events: all of them or none.
    pub(super) fn append(&mut self, entries: &[u8], events: u64) -> Result<(), Unwritten> {
        if let Err(source) = self.file.write_all(entries) {
            // What was written of it must not stand before the next entry.
            let is_left = self.file.set_len(self.bytes).is_err();
            return Err(Unwritten { source, is_left });
        }
        self.bytes += entries.len() as u64;
        self.events += events;
        Ok(())
    }

    /// Forgets all events.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        self.file.set_len(MAGIC.len() as u64)?;
        (self.bytes, self.events) = (MAGIC.len() as u64, 0);
        Ok(())
    }

    /// Waits until the disk has all of it.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Hands out the events from the offset `from` on, each with the offset behind it, while `take` wants more, up to
    /// `bytes_max` bytes or the first of them; gives whether it wants more.
    pub(super) fn events(
        &self,
        from: u64,
        bytes_max: usize,
        mut take: impl FnMut(&[u8], u64) -> bool,
    ) -> Result<bool, Error> {
        let mut at = from.max(MAGIC.len() as u64);
        while at < self.bytes {
            let left = usize::try_from(self.bytes - at).unwrap_or(usize::MAX);
            let mut bytes = vec![0; left.min(bytes_max.max(entry::BYTES_MAX))];
            self.file.read_exact_at(&mut bytes, at).map_err(|source| doing("read", &self.path, source))?;
            let mut rest = bytes.as_slice();
            loop {
                match entry::read(rest) {
                    Ok((Entry::Event(event), length)) => {
                        rest = &rest[length..];
                        at += length as u64;
                        if !take(event, at) {
                            return Ok(false);
                        }
                    }
                    Ok((Entry::Settled(_), length)) => {
                        rest = &rest[length..];
                        at += length as u64;
                    }
                    // The rest of it is in the next piece.
                    Err(NoEntry::Cut) if rest.len() < bytes.len() => break,
                    Err(NoEntry::Cut | NoEntry::Damaged) => {
                        return Err(Error::Damaged { path: self.path.clone(), at });
                    }
                }
            }
        }
        Ok(true)
    }

    /// Takes the file away, if it is there.
    pub(super) fn remove(&self) -> io::Result<()> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

/// Whether `bytes`, which begin at `at` in a file, hold a page that was not written, or the rest of one: zeros up to its end. A few
/// may be an entry's own.
fn has_hole(bytes: &[u8], at: u64) -> bool {
    const ZEROS: [u8; 16] = [0; 16];
    let first = PAGE - usize::try_from(at % PAGE as u64).expect("less than a page");
    (first..=bytes.len()).step_by(PAGE).any(|end| bytes[..end].ends_with(&ZEROS))
}

/// Keeps bytes in a file beside `path`, one of its own each time: earlier ones may be all that is left of an
/// event.
fn keep(path: &Path, torn: &[u8]) -> io::Result<()> {
    let mut number = 1;
    loop {
        let extension = if number == 1 { "torn".to_owned() } else { format!("{number}.torn") };
        let path = path.with_extension(extension);
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Ok(mut file) => {
                let kept = file.write_all(torn).and_then(|()| file.sync_all());
                return kept.inspect_err(|_| drop(std::fs::remove_file(&path)));
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(error),
        }
    }
}

/// Makes a file an empty one of the folder's spool.
fn begin(file: &mut File, folder: &Path) -> io::Result<()> {
    file.set_len(0)?;
    file.write_all(MAGIC)?;
    file.sync_all()?;
    File::open(folder)?.sync_all()
}
