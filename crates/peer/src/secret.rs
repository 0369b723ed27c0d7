//! The secret by which the processes of a network know each other.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use tonic::metadata::{Ascii, MetadataMap, MetadataValue};

/// Where it is shown.
const HEADER: &str = "authorization";

/// Shorter ones can be guessed.
const LENGTH_MIN: usize = 32;

/// The secret of a network; the same for all of its processes.
#[derive(Clone)]
pub struct Secret {
    shown: MetadataValue<Ascii>,
    hash: Arc<[u8; 32]>,
}

/// Why there is no secret. Nothing of it is said.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file can't be read.
    #[error("read the secret in {}", .0.display())]
    Unreadable(PathBuf, #[source] std::io::Error),
    /// It is too short, or holds signs that no header has.
    #[error("the secret in {} is not one line of {LENGTH_MIN} letters, digits and signs or more", .0.display())]
    Unfit(PathBuf),
}

impl Secret {
    /// Reads the file that all processes of the network have: one line.
    ///
    /// # Errors
    /// See [`SecretError`].
    pub fn read(path: &Path) -> Result<Self, SecretError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| SecretError::Unreadable(path.to_owned(), source))?;
        Self::new(text.trim()).ok_or_else(|| SecretError::Unfit(path.to_owned()))
    }

    /// This text; `None` if it is none that could be a secret.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        if text.len() < LENGTH_MIN || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        let mut shown: MetadataValue<Ascii> = format!("Bearer {text}").parse().ok()?;
        shown.set_sensitive(true);
        let hash = Arc::new(Sha256::digest(shown.as_bytes()).into());
        Some(Self { shown, hash })
    }

    pub(crate) fn show(&self, metadata: &mut MetadataMap) {
        metadata.insert(HEADER, self.shown.clone());
    }

    /// Whether a caller shows it. Hashes are compared, so how long that takes says nothing of the secret.
    pub(crate) fn is_shown(&self, metadata: &MetadataMap) -> bool {
        metadata.get(HEADER).is_some_and(|shown| *Sha256::digest(shown.as_bytes()) == *self.hash)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}
