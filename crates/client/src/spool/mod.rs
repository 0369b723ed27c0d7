//! Events on disk, in their order, until they are dealt with: a queue that outlives its process.
//!
//! A folder of append-only files ([`entry`] says what is in them), used by one process at a time. Events are read back in the
//! order in which they were pushed. How far they are dealt with is written down without waiting for the disk, so after a
//! crash some are handed out again: their ids make that harmless.

mod entry;
mod found;
mod segment;

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fs::{DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use self::entry::Entry;
use self::found::Found;
use self::segment::{Segment, Unwritten};

/// The fewest bytes that a spool may be bounded by.
pub const SPOOL_BYTES_MIN: u64 = 1 << 20;

/// A file of a spool has at most this part of the spool's bytes, so that most of the space comes back as events are dealt
/// with.
const PARTS: u64 = 8;

/// A file whose events are all dealt with is used from its start again from this size on.
const CLEAR_BYTES: u64 = 64 << 10;

/// What keeps a spool from working.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process, or another producer of this one, uses the folder.
    #[error("the spool {0} is in use")]
    InUse(PathBuf),
    /// A file is not as it was written, or one is missing before it. Move the folder away to go on without its events.
    #[error("the spool's file {path} is damaged at byte {at}")]
    Damaged {
        /// Which.
        path: PathBuf,
        /// Where, from 0 on.
        at: u64,
    },
    /// It may hold so many bytes, and there is no room for one more event.
    #[error("the spool is full: {bytes_max} bytes")]
    Full {
        /// How many.
        bytes_max: u64,
    },
    /// A write or its confirmation failed before, and nobody knows what the disk has.
    #[error("the spool failed before; open it anew")]
    Broken,
    /// The operating system refused.
    #[error("{doing} {path}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

fn doing(doing: &'static str, path: &Path, source: io::Error) -> Error {
    Error::Io { doing, path: path.to_owned(), source }
}

/// The queue.
#[derive(Debug)]
pub(crate) struct Spool {
    folder: PathBuf,
    bytes_max: u64,
    /// Never empty; events are pushed into the last.
    segments: VecDeque<Segment>,
    /// All events with a lower number are dealt with.
    settled: u64,
    /// Where the events begin that are not dealt with: the first number of their file, and the offset. Files
    /// before that one are still to be removed.
    front: (u64, u64),
    /// Of the events that were handed out last: the first number of their file, and the offset behind each.
    handed_out: Vec<(u64, u64)>,
    broken: bool,
    lock: File,
}

impl Spool {
    /// Opens the spool of a folder, which is made if it is not there. An end that was being written when a process or its
    /// machine stopped is cut off and kept beside its file, with the ending `torn`.
    ///
    /// # Errors
    /// All of [`Error`] but `Full` and `Broken`.
    pub(crate) fn open(folder: &Path, bytes_max: u64) -> Result<Self, Error> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|source| doing("make the spool", folder, source))?;
        let lock = lock(folder)?;
        let (mut segments, settled) = Found::look(folder)?.tidy()?;
        if segments.is_empty() {
            let new = Segment::create(folder, 0);
            segments.push_back(new.map_err(|not| doing("write", folder, not.source))?);
        }
        let mut spool = Self {
            folder: folder.to_owned(),
            bytes_max,
            settled: 0,
            segments,
            front: (0, 0),
            handed_out: Vec::new(),
            broken: false,
            lock,
        };
        spool.settled = spool.first();
        let next = spool.next();
        spool.skip(settled.clamp(spool.settled, next) - spool.settled)?;
        Ok(spool)
    }

    /// Whether nothing can be pushed any more.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken
    }

    /// How many events are not dealt with.
    pub(crate) fn waiting(&self) -> u64 {
        self.next() - self.settled
    }

    /// How many bytes it takes.
    pub(crate) fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    /// Puts an event behind all others. It survives the process from here on, and the machine from the next [`Self::sync`]
    /// on.
    ///
    /// # Errors
    /// `Full`, `Broken` and `Io`: the event is not in the spool.
    pub(crate) fn push(&mut self, event: &[u8]) -> Result<(), Error> {
        if self.broken {
            return Err(Error::Broken);
        }
        let length = entry::event_bytes(event) as u64;
        if self.bytes() + length > self.bytes_max {
            return Err(Error::Full { bytes_max: self.bytes_max });
        }
        if self.last().events > 0 && self.last().bytes + length > self.bytes_max / PARTS {
            self.roll()?;
        }
        let mut bytes = Vec::new();
        entry::write(Entry::Event(event), &mut bytes);
        self.write(&bytes, 1)
    }

    /// Waits until the disk has all that was pushed.
    ///
    /// # Errors
    /// `Io`, and from then on `Broken`: nobody knows what the disk has. `Broken`.
    pub(crate) fn sync(&mut self) -> Result<(), Error> {
        if self.broken {
            return Err(Error::Broken);
        }
        let synced = self.last().sync().map_err(|source| doing("sync", &self.last().path, source));
        self.broken |= synced.is_err();
        synced
    }

    /// The first events that are not dealt with: `events_max` of them, or as many as have `bytes_max` bytes, at least one
    /// if there is any.
    ///
    /// # Errors
    /// `Io` and `Damaged`.
    pub(crate) fn first_events(
        &mut self,
        events_max: usize,
        bytes_max: usize,
    ) -> Result<Vec<Vec<u8>>, Error> {
        self.handed_out.clear();
        let (mut events, mut bytes) = (Vec::new(), 0);
        let (first, offset) = self.front;
        for segment in self.segments.iter().filter(|segment| segment.first >= first) {
            let from = if segment.first == first { offset } else { 0 };
            let wants_more = segment.events(from, bytes_max, |event, behind| {
                bytes += event.len();
                events.push(event.to_vec());
                self.handed_out.push((segment.first, behind));
                events.len() < events_max && bytes < bytes_max
            })?;
            if !wants_more {
                break;
            }
        }
        Ok(events)
    }

    /// The first `count` of the events that were handed out last are dealt with.
    ///
    /// # Errors
    /// `Io`: they may be handed out again by the next process.
    pub(crate) fn settle(&mut self, count: usize) -> Result<(), Error> {
        let Some(&(first, behind)) = count.checked_sub(1).and_then(|last| self.handed_out.get(last)) else {
            return Ok(());
        };
        self.handed_out.drain(..count);
        self.settled += count as u64;
        self.front = (first, behind);
        let removed = self.remove_before(first);
        let marked = if self.waiting() == 0 && self.last().bytes > CLEAR_BYTES && removed.is_ok() {
            // Nothing is left of any use, not even how far it is dealt with.
            self.start_again()
        } else if self.broken {
            // Nothing is appended to it any more.
            Ok(())
        } else {
            let mut bytes = Vec::new();
            entry::write(Entry::Settled(self.settled), &mut bytes);
            self.write(&bytes, 0)
        };
        removed.and(marked)
    }

    /// Deals with the first `count` events at once.
    fn skip(&mut self, mut count: u64) -> Result<(), Error> {
        while let Some(segment) = self.segments.front().filter(|segment| segment.events <= count) {
            count -= segment.events;
            self.settled += segment.events;
            if self.segments.len() == 1 {
                self.front = (segment.first, segment.bytes);
                return Ok(());
            }
            self.remove_front()?;
        }
        if let Some(segment) = self.segments.front().filter(|_| count > 0) {
            let (mut left, mut front) = (count, 0);
            segment.events(0, usize::MAX, |_, behind| {
                left -= 1;
                front = behind;
                left > 0
            })?;
            self.front = (segment.first, front);
            self.settled += count;
        }
        Ok(())
    }

    fn first(&self) -> u64 {
        self.segments.front().map_or(0, |segment| segment.first)
    }

    fn next(&self) -> u64 {
        self.last().next()
    }

    fn last(&self) -> &Segment {
        self.segments.back().expect("there is always one")
    }

    fn write(&mut self, entries: &[u8], events: u64) -> Result<(), Error> {
        let last = self.segments.back_mut().expect("there is always one");
        last.append(entries, events).map_err(|Unwritten { source, is_left }| {
            // Nobody would find what stands behind the rest of an entry.
            self.broken |= is_left;
            doing("write", &last.path, source)
        })
    }

    /// Begins a new file. The one before is on disk then: only an end of the last file can be torn.
    fn roll(&mut self) -> Result<(), Error> {
        self.sync()?;
        let new = Segment::create(&self.folder, self.next());
        let new = new.map_err(|Unwritten { source, is_left }| {
            // The file before must take no event with the number that this one begins with.
            self.broken |= is_left;
            doing("write", &self.folder, source)
        });
        self.segments.push_back(new?);
        Ok(())
    }

    /// Removes the first file. It is forgotten only then: with one left before a gap the spool could not be
    /// opened again.
    fn remove_front(&mut self) -> Result<(), Error> {
        let Some(segment) = self.segments.front() else { return Ok(()) };
        segment.remove().map_err(|source| doing("remove", &segment.path, source))?;
        self.segments.pop_front();
        Ok(())
    }

    /// Removes the files before the one that begins with the number `first`.
    fn remove_before(&mut self, first: u64) -> Result<(), Error> {
        while self.segments.front().is_some_and(|segment| segment.first < first) {
            self.remove_front()?;
        }
        Ok(())
    }

    fn start_again(&mut self) -> Result<(), Error> {
        self.remove_before(self.last().first)?;
        let last = self.segments.back_mut().expect("there is always one");
        last.clear().map_err(|source| doing("write", &last.path, source))?;
        (self.settled, self.front) = (last.first, (last.first, 0));
        Ok(())
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        // Closing the file is not enough: a process that this one starts just then has it open, too, until it runs its program.
        let _ = self.lock.unlock();
    }
}

/// Locks a folder for as long as the file is held.
fn lock(folder: &Path) -> Result<File, Error> {
    let path = folder.join("lock");
    let file = File::options().write(true).create(true).truncate(false).open(&path);
    let file = file.map_err(|source| doing("open", &path, source))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::InUse(folder.to_owned())),
        Err(TryLockError::Error(source)) => Err(doing("lock", &path, source)),
    }
}
