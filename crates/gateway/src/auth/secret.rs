//! Keys as their holders have them: `ck_`, the key's id, `_`, 256 random bits in hexadecimal digits.

use std::fmt;

use coalition_domain::decide::RegistryChange;
use coalition_domain::{KeyId, Role};
use sha2::{Digest, Sha256};

const PREFIX: &str = "ck_";

/// What a caller shows. Its `Debug` output holds nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    whole: String,
    /// Where the secret half begins.
    half: usize,
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Secret {
    /// Reads what a caller shows; `None` if it is no key. What stands before the last `_` is the key's id.
    pub fn parse(whole: &str) -> Option<(KeyId, Self)> {
        let (id, half) = whole.strip_prefix(PREFIX)?.rsplit_once('_').filter(|(_, half)| !half.is_empty())?;
        let id = KeyId::new(id).ok()?;
        Some((id, Self { whole: whole.to_owned(), half: whole.len() - half.len() }))
    }

    /// The text to hand to the key's holder, once.
    pub fn reveal(&self) -> &str {
        &self.whole
    }

    /// SHA-256 of the secret half: what the registry keeps.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.half()).into()
    }

    /// What only the holder can draw from the secret, for this purpose and no other.
    pub(super) fn seed(&self, purpose: &[u8]) -> [u8; 32] {
        Sha256::new().chain_update(purpose).chain_update(self.half()).finalize().into()
    }

    fn half(&self) -> &[u8] {
        &self.whole.as_bytes()[self.half..]
    }

    /// Whether this is the secret of which the registry keeps `hash`; takes as long whatever the answer.
    pub(crate) fn is_of(&self, hash: &[u8; 32]) -> bool {
        self.hash().iter().zip(hash).fold(0, |differences, (one, other)| differences | (one ^ other)) == 0
    }
}

/// A key that the registry does not know yet.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// Its public half, 16 hexadecimal digits.
    pub id: KeyId,
    /// What its holder shows.
    pub secret: Secret,
}

impl NewKey {
    /// Draws a key from the system's source of randomness.
    ///
    /// # Errors
    /// The source failed.
    pub fn draw() -> Result<Self, getrandom::Error> {
        let (mut id, mut half) = ([0; 8], [0; 32]);
        getrandom::fill(&mut id)?;
        getrandom::fill(&mut half)?;
        let (id, half) = (hex(&id), hex(&half));
        let whole = format!("{PREFIX}{id}_{half}");
        let id = KeyId::new(&id).expect("hexadecimal digits make a name");
        Ok(Self { id, secret: Secret { half: whole.len() - half.len(), whole } })
    }

    /// What to ask of the registry, to make the key known as that of `role`.
    pub fn create(&self, role: Role) -> RegistryChange {
        RegistryChange::CreateKey { id: self.id, secret_hash: self.secret.hash(), role }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hashed_is_the_secret_half() {
        let (id, secret) = Secret::parse("ck_my_key_abc").unwrap();
        assert_eq!(id.as_str(), "my_key");
        // FIPS 180-2, appendix B.1.
        assert_eq!(hex(&secret.hash()), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert!(secret.is_of(&secret.hash()));
        let mut other = secret.hash();
        other[31] ^= 1;
        assert!(!secret.is_of(&other));
    }

    #[test]
    fn a_drawn_key_reads_back_and_does_not_show_itself() {
        let new = NewKey::draw().unwrap();
        let (id, secret) = Secret::parse(new.secret.reveal()).unwrap();
        assert_eq!((id, &secret), (new.id, &new.secret));
        assert_eq!(new.secret.reveal().len(), 3 + 16 + 1 + 64);
        assert_ne!(new.secret, NewKey::draw().unwrap().secret);
        assert_eq!(format!("{new:?}"), format!("NewKey {{ id: {id}, secret: Secret(..) }}"));
    }

    #[test]
    fn what_is_no_key_is_none() {
        for text in ["", "ck_", "ck_a", "xx_a_b", "ck_A_b", "ck__b", "ck_a_"] {
            assert!(Secret::parse(text).is_none(), "{text}");
        }
    }
}
