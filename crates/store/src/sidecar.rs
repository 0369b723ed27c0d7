//! The small file beside sled's that says what was durable: sled alone can open empty, or older, without an error.
//!
//! Layout, frozen: magic, layout, identity, 0 or 1 and the mark, the first 8 bytes of SHA-256 over all before.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::error::{Damage, Error, Result};
use crate::port::{Identity, Mark};
use crate::row::{Fields, LAYOUT, put_identity, put_mark};

const MAGIC: &[u8; 8] = b"CPNSTORE";
const NAME: &str = "durable";
const CHECK: usize = 8;

/// What was durable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Sidecar {
    pub(crate) identity: Identity,
    pub(crate) mark: Option<Mark>,
}

impl Sidecar {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.push(LAYOUT);
        put_identity(&mut bytes, &self.identity);
        bytes.push(u8::from(self.mark.is_some()));
        if let Some(mark) = &self.mark {
            put_mark(&mut bytes, mark);
        }
        let hash: [u8; 32] = Sha256::digest(&bytes).into();
        bytes.extend(&hash[..CHECK]);
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (body, check) = bytes.split_at_checked(bytes.len().checked_sub(CHECK)?)?;
        let hash: [u8; 32] = Sha256::digest(body).into();
        let mut rest = Fields(body);
        if hash[..CHECK] != *check || rest.take()? != *MAGIC || rest.take()? != [LAYOUT] {
            return None;
        }
        let identity = rest.identity()?;
        let mark = match rest.take()? {
            [0] => None,
            [1] => Some(rest.mark()?),
            _ => return None,
        };
        rest.0.is_empty().then_some(Self { identity, mark })
    }
}

/// Reads the sidecar of `folder`, if there is one.
///
/// # Errors
///
/// [`Damage::SidecarMalformed`], or the file can't be read.
pub(crate) fn read(folder: &Path) -> Result<Option<Sidecar>> {
    match fs::read(folder.join(NAME)) {
        Ok(bytes) => Ok(Some(Sidecar::decode(&bytes).ok_or(Damage::SidecarMalformed)?)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::Io { doing: "read the store's sidecar", source }),
    }
}

/// Writes sidecars of one folder, each durable and whole: a new file is synced and takes the place of the old.
pub(crate) struct Sidecars {
    identity: Identity,
    path: PathBuf,
    next: PathBuf,
    folder: File,
}

impl Sidecars {
    pub(crate) fn new(folder: &Path, identity: Identity) -> io::Result<Self> {
        let (path, next) = (folder.join(NAME), folder.join(format!("{NAME}.next")));
        Ok(Self { identity, path, next, folder: File::open(folder)? })
    }

    pub(crate) fn write(&self, mark: Option<Mark>) -> io::Result<()> {
        let mut file = File::create(&self.next)?;
        file.write_all(&Sidecar { identity: self.identity, mark }.encode())?;
        file.sync_all()?;
        fs::rename(&self.next, &self.path)?;
        self.folder.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::{identity, mark};

    #[test]
    fn comes_back_and_replaces_the_last() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(folder.path()).unwrap(), None);
        let sidecars = Sidecars::new(folder.path(), identity()).unwrap();
        for mark in [None, Some(mark(1)), Some(mark(2))] {
            sidecars.write(mark).unwrap();
            assert_eq!(read(folder.path()).unwrap(), Some(Sidecar { identity: identity(), mark }));
        }
    }

    #[test]
    fn any_change_is_told() {
        let bytes = Sidecar { identity: identity(), mark: Some(mark(7)) }.encode();
        for at in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 0x10;
            assert_eq!(Sidecar::decode(&bad), None, "byte {at}");
            assert_eq!(Sidecar::decode(&bytes[..at]), None, "length {at}");
        }
        assert_eq!(Sidecar::decode(&[&bytes[..], &[0]].concat()), None);
    }

    #[test]
    fn layout_is_frozen() {
        let bytes = Sidecar { identity: identity(), mark: None }.encode();
        let mut expected = b"CPNSTORE\x01".to_vec();
        expected.extend([1; 16]);
        expected.extend([0, 0, 0, 2, 0, 0, 0, 3, 0]);
        // (printf 'CPNSTORE\1'; printf '\1%.0s' {1..16}; printf '\0\0\0\2\0\0\0\3\0') | sha256sum
        expected.extend(0xd0c7b0f1587af93c_u64.to_be_bytes());
        assert_eq!(bytes, expected);
    }
}
