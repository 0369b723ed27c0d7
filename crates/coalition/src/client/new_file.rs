//! Files for secrets.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};

/// A file that is not there yet, for its owner only. Taken away again if nothing was written to it.
pub(crate) struct NewFile<'a> {
    path: &'a Path,
    file: File,
    written: bool,
}

impl<'a> NewFile<'a> {
    /// Makes it.
    pub(crate) fn create(path: &'a Path) -> Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let file = file.with_context(|| format!("make {}, which has to be a new file", path.display()))?;
        Ok(Self { path, file, written: false })
    }

    /// Writes a secret down; gives back where.
    pub(crate) fn write(mut self, secret: &str) -> Result<&'a Path> {
        let doing = || format!("write {}", self.path.display());
        self.file.write_all(format!("{secret}\n").as_bytes()).with_context(doing)?;
        self.file.sync_all().with_context(doing)?;
        self.written = true;
        Ok(self.path)
    }
}

impl Drop for NewFile<'_> {
    fn drop(&mut self) {
        if !self.written {
            // Left over it is empty, and says so when it is used.
            drop(std::fs::remove_file(self.path));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_file_is_its_owners_and_replaces_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        drop(NewFile::create(&path).unwrap());
        assert!(!path.exists());
        NewFile::create(&path).unwrap().write("ck_a_b").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "ck_a_b\n");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(NewFile::create(&path).is_err());
    }
}
