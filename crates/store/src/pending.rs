//! A checkpoint on its way into sled, in a file of its own until all of it is there.
//!
//! A batch of sled's is atomic, but keeps all readers and writers of all databases of the process waiting until it is done (a lock
//! that all of them share), for seconds at worst. So rows go into sled one by one, and what makes them atomic is this file:
//! it is whole and durable before the first of them, and whoever opens the store puts all of them in once more.
//!
//! Layout, frozen: magic, layout; then for each row the length of its key (16 bits, big-endian), the key, the length of its stored
//! form (32 bits; all ones: the row is removed) and that form. The last row is the mark.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use crate::admit::{MAX_KEY, MAX_VALUE};
use crate::error::{Error, Result};
use crate::row::{CHECK, LAYOUT, MARK_KEY, unseal};
use crate::tree::Tree;

const MAGIC: &[u8; 8] = b"CPNCHECK";
const NAME: &str = "pending";
/// Until it is whole.
pub(crate) const NEXT: &str = "pending.next";
/// In place of a length.
const REMOVED: u32 = u32::MAX;

/// Where the file of a store lies.
pub(crate) struct Pending {
    path: PathBuf,
    next: PathBuf,
    folder: PathBuf,
}

/// The rows on their way into the file.
pub(crate) struct Rows(BufWriter<File>);

impl Rows {
    /// A row as it is to lie in the store; `None` removes it.
    pub(crate) fn put(&mut self, key: &[u8], stored: Option<&[u8]>) -> Result<()> {
        // Both were admitted, and are far shorter.
        let length = u16::try_from(key.len()).unwrap_or(u16::MAX);
        let stored_length = stored.map_or(REMOVED, |stored| u32::try_from(stored.len()).unwrap_or(REMOVED));
        let stored = stored.unwrap_or_default();
        let parts = [&length.to_be_bytes()[..], key, &stored_length.to_be_bytes(), stored];
        parts.into_iter().try_for_each(|part| self.0.write_all(part)).map_err(failed)
    }
}

impl Pending {
    pub(crate) fn new(folder: &Path) -> Self {
        let (path, next) = (folder.join(NAME), folder.join(NEXT));
        Self { path, next, folder: folder.to_owned() }
    }

    /// Makes a checkpoint durable, whole or not at all: `rows` puts each of its rows, the mark last.
    pub(crate) fn write(&self, rows: impl FnOnce(&mut Rows) -> Result<()>) -> Result<()> {
        let written = self.write_next(rows).and_then(|()| {
            let named =
                fs::rename(&self.next, &self.path).and_then(|()| File::open(&self.folder)?.sync_all());
            named.map_err(failed)
        });
        if written.is_err() {
            // It takes room, of which there may be too little.
            _ = fs::remove_file(&self.next);
        }
        written
    }

    fn write_next(&self, rows: impl FnOnce(&mut Rows) -> Result<()>) -> Result<()> {
        let mut file = Rows(BufWriter::new(File::create(&self.next).map_err(failed)?));
        file.0.write_all(MAGIC).and_then(|()| file.0.write_all(&[LAYOUT])).map_err(failed)?;
        rows(&mut file)?;
        let file = file.0.into_inner().map_err(|error| failed(error.into_error()))?;
        file.sync_all().map_err(failed)
    }

    /// Whether there is a file, whole and each of its rows as it was written. It is durable then.
    ///
    /// # Errors
    /// The file can't be read or synced.
    pub(crate) fn is_whole(&self) -> Result<bool> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(source) => return Err(unreadable(source)),
        };
        // Who wrote it may have died before its name was durable; a row in sled must not be so before.
        file.sync_all().and_then(|()| File::open(&self.folder)?.sync_all()).map_err(failed)?;
        let mut whole = true;
        let read = self.each(|key, stored| {
            whole &= stored.is_none_or(|stored| unseal(key, stored).is_ok());
            Ok(())
        })?;
        Ok(whole && read)
    }

    /// Puts the rows of the file into `tree`. They are not durable there yet.
    ///
    /// # Errors
    /// Those of sled and of the file.
    pub(crate) fn put_into(&self, tree: &Tree) -> Result<()> {
        self.each(|key, stored| match stored {
            Some(stored) => tree.call("write a row", |db| db.insert(key, stored)).map(drop),
            None => tree.call("remove a row", |db| db.remove(key)).map(drop),
        })?;
        Ok(())
    }

    /// Goes through the rows, up to the mark; false if they end before, or are none.
    fn each(&self, mut row: impl FnMut(&[u8], Option<&[u8]>) -> Result<()>) -> Result<bool> {
        let mut file = BufReader::new(File::open(&self.path).map_err(unreadable)?);
        let mut head = [0; MAGIC.len() + 1];
        if !filled(&mut file, &mut head)? || head.split_last() != Some((&LAYOUT, MAGIC)) {
            return Ok(false);
        }
        let (mut key, mut stored) = (Vec::new(), Vec::new());
        while key != MARK_KEY {
            let (mut key_length, mut length) = ([0; 2], [0; 4]);
            if !filled(&mut file, &mut key_length)?
                || !take(&mut file, u16::from_be_bytes(key_length).into(), MAX_KEY, &mut key)?
                || !filled(&mut file, &mut length)?
            {
                return Ok(false);
            }
            let length = u32::from_be_bytes(length);
            if length == REMOVED {
                row(&key, None)?;
            } else if take(&mut file, length, MAX_VALUE + CHECK, &mut stored)? {
                row(&key, Some(&stored))?;
            } else {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The rows are durable in sled.
    pub(crate) fn done(&self) -> io::Result<()> {
        // If a power cut brings it back, it puts in what is there already: the next one takes its place before its own rows.
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            done => done,
        }
    }
}

fn failed(source: io::Error) -> Error {
    Error::Io { doing: "write a checkpoint", source }
}

fn unreadable(source: io::Error) -> Error {
    Error::Io { doing: "read a checkpoint", source }
}

/// Reads so many bytes; false if they are more than may be, or not there.
fn take(file: &mut impl Read, length: u32, most: usize, into: &mut Vec<u8>) -> Result<bool> {
    let Some(length) = usize::try_from(length).ok().filter(|length| *length <= most) else {
        return Ok(false);
    };
    into.resize(length, 0);
    filled(file, into)
}

fn filled(file: &mut impl Read, into: &mut [u8]) -> Result<bool> {
    match file.read_exact(into) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(source) => Err(unreadable(source)),
    }
}
