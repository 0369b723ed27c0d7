//! Identities that are not chosen names: accounts, references of partners, requests, hashes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::Timestamp;

/// An account, which is also its member once enrolled. Derived from an identifier; see [`crate::Identifier`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccountId(pub Uuid);

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl AccountId {
    /// The shard, of `shards`, that holds the account. Frozen: accounts never move.
    pub fn shard(&self, shards: u32) -> u32 {
        // The id is a hash already (uuid v5); its first bits carry no version or variant.
        let high = u32::from_be_bytes([
            self.0.as_bytes()[0],
            self.0.as_bytes()[1],
            self.0.as_bytes()[2],
            self.0.as_bytes()[3],
        ]);
        high % shards.max(1)
    }
}

/// The longest reference, in bytes.
pub const REFERENCE_MAX: usize = 128;

/// A text of 1 to 128 bytes without control characters that a partner chose: event id, order id, message id.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Reference(Box<str>);

/// A text that is no reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoReference {
    /// Nothing there.
    #[error("is empty")]
    Empty,
    /// Above 128 bytes.
    #[error("is longer than {REFERENCE_MAX} bytes")]
    TooLong,
    /// Holds a control character.
    #[error("holds a control character")]
    Control,
}

impl Reference {
    /// Checks length and alphabet.
    pub fn new(text: impl Into<Box<str>>) -> Result<Self, NoReference> {
        let text = text.into();
        if text.is_empty() {
            Err(NoReference::Empty)
        } else if text.len() > REFERENCE_MAX {
            Err(NoReference::TooLong)
        } else if text.chars().any(char::is_control) {
            Err(NoReference::Control)
        } else {
            Ok(Self(text))
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Reference {
    type Error = NoReference;

    fn try_from(text: String) -> Result<Self, NoReference> {
        Self::new(text)
    }
}

impl From<Reference> for String {
    fn from(reference: Reference) -> Self {
        reference.0.into()
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names one request of a caller: a uuid of version 7, which carries the time of its making.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "Uuid")]
pub struct RequestId(Uuid);

/// A text that is no request id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no uuid of version 7, which a request id has to be")]
pub struct NoRequestId;

impl RequestId {
    /// Checks the version.
    pub fn new(id: Uuid) -> Result<Self, NoRequestId> {
        if id.get_version_num() == 7 { Ok(Self(id)) } else { Err(NoRequestId) }
    }

    /// When the caller made it, in the caller's own time.
    pub fn issued(&self) -> Timestamp {
        let (high, _, _, _) = self.0.as_fields();
        let bytes = self.0.as_bytes();
        let millis = (u64::from(high) << 16) | (u64::from(bytes[4]) << 8) | u64::from(bytes[5]);
        Timestamp::from_millis(millis as i64) // 48 bits
    }

    /// The uuid.
    pub fn uuid(&self) -> Uuid {
        self.0
    }
}

impl TryFrom<Uuid> for RequestId {
    type Error = NoRequestId;

    fn try_from(id: Uuid) -> Result<Self, NoRequestId> {
        Self::new(id)
    }
}

impl FromStr for RequestId {
    type Err = NoRequestId;

    fn from_str(text: &str) -> Result<Self, NoRequestId> {
        text.parse().map_err(|_| NoRequestId).and_then(Self::new)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// 128 bits of a SHA-256 over tagged fields.
///
/// Each field is fed as tag, length, bytes; a field that is absent feeds nothing, so a field added later
/// leaves the hashes of what does not have it as they were. Frozen: the dedup index is made of these.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// Sorts before every other.
    pub const MIN: Self = Self([0; 16]);

    /// Starts the hash of a thing of the kind `domain`.
    pub fn of(domain: &str) -> Feed {
        Feed(Sha256::new()).field(0, domain.as_bytes())
    }

    /// The fingerprint of these bytes, which are one's.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes, the first of which are as good as random.
    pub fn bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A fingerprint in the making.
pub struct Feed(Sha256);

impl Feed {
    /// Feeds one field that is there.
    #[must_use]
    pub fn field(mut self, tag: u8, bytes: &[u8]) -> Self {
        self.0.update([tag]);
        self.0.update((bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
        self
    }

    /// Feeds the field if it is there.
    #[must_use]
    pub fn optional(self, tag: u8, bytes: Option<&[u8]>) -> Self {
        match bytes {
            Some(bytes) => self.field(tag, bytes),
            None => self,
        }
    }

    /// The fingerprint.
    pub fn done(self) -> Fingerprint {
        let hash = self.0.finalize();
        let mut half = [0; 16];
        half.copy_from_slice(&hash[..16]);
        Fingerprint(half)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_short_texts_without_control_characters() {
        assert_eq!(Reference::new(""), Err(NoReference::Empty));
        assert_eq!(Reference::new("x".repeat(129)), Err(NoReference::TooLong));
        assert_eq!(Reference::new("a\nb"), Err(NoReference::Control));
        assert!(Reference::new("x".repeat(128)).is_ok());
    }

    #[test]
    fn a_request_id_carries_its_issue_time() {
        // The example of RFC 9562, appendix A.6: 2022-02-22T19:22:22Z.
        let id: RequestId = "017F22E2-79B0-7CC3-98C4-DC0C0C07398F".parse().unwrap();
        assert_eq!(id.issued().to_string(), "2022-02-22T19:22:22Z");
        let random = "919108f7-52d1-4320-9bac-f847db4148a8";
        assert!(random.parse::<RequestId>().is_err());
        let read = |id: Uuid| postcard::from_bytes::<RequestId>(&postcard::to_stdvec(&id).unwrap());
        assert_eq!(read(id.uuid()), Ok(id));
        assert!(read(random.parse().unwrap()).is_err());
    }

    #[test]
    fn a_fingerprint_tells_fields_apart() {
        let ab_c = Fingerprint::of("t").field(1, b"ab").field(2, b"c").done();
        let a_bc = Fingerprint::of("t").field(1, b"a").field(2, b"bc").done();
        let absent = Fingerprint::of("t").field(1, b"ab").optional(3, None).field(2, b"c").done();
        assert_ne!(ab_c, a_bc);
        assert_eq!(ab_c, absent);
    }
}
