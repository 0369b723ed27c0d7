//! How a row lies in the store: its checksum in front of its value, and the store's own row that holds the mark.
//!
//! Frozen by stored data; another layout gets another [`LAYOUT`].

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::admit::{OWN, prefix};
use crate::error::Damage;
use crate::port::{Identity, Mark};

/// The key of the mark.
pub(crate) const MARK_KEY: &[u8] = &[OWN];

/// The layout of rows, mark and sidecar, as these three are only read together.
pub(crate) const LAYOUT: u8 = 1;

/// The length of a check, in front of each value.
pub(crate) const CHECK: usize = 8;

/// 64 bits of SHA-256 over key and value. Not a CRC: sums of CRCs of double-entry rows cancel far too easily.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Check(u64);

impl Check {
    fn of(key: &[u8], value: &[u8]) -> Self {
        // MAX_KEY fits into 16 bits; the length keeps (ab, c) and (a, bc) apart.
        let length = u16::try_from(key.len()).unwrap_or(u16::MAX).to_be_bytes();
        let hash: [u8; 32] =
            Sha256::new().chain_update(length).chain_update(key).chain_update(value).finalize().into();
        Self(be(&hash[..CHECK]))
    }
}

/// Makes `sealed` the stored form of a value.
pub(crate) fn seal(key: &[u8], value: &[u8], sealed: &mut Vec<u8>) -> Check {
    let check = Check::of(key, value);
    sealed.clear();
    sealed.extend_from_slice(&check.0.to_be_bytes());
    sealed.extend_from_slice(value);
    check
}

/// The value in its stored form, if it is what was put under this key.
pub(crate) fn unseal<'a>(key: &[u8], stored: &'a [u8]) -> Result<(Check, &'a [u8]), Damage> {
    let (check, value) = stored.split_at_checked(CHECK).ok_or_else(|| damaged(key))?;
    let check = Check(be(check));
    if check == Check::of(key, value) { Ok((check, value)) } else { Err(damaged(key)) }
}

/// The check that a stored form says, whether its value fits or not.
pub(crate) fn said(key: &[u8], stored: &[u8]) -> Result<Check, Damage> {
    stored.split_first_chunk().map(|(check, _)| Check(u64::from_be_bytes(*check))).ok_or_else(|| damaged(key))
}

fn damaged(key: &[u8]) -> Damage {
    Damage::Row { prefix: prefix(key) }
}

fn be(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// How many rows there are and the sum of their checks: what tells that none is missing or old.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Sum {
    pub(crate) rows: u64,
    checks: u64,
}

impl Sum {
    pub(crate) fn add(&mut self, check: Check) {
        self.rows += 1;
        self.checks = self.checks.wrapping_add(check.0);
    }

    /// Takes out a row that was added before; `None` if the sum can't have held it.
    pub(crate) fn remove(&mut self, check: Check) -> Option<()> {
        self.rows = self.rows.checked_sub(1)?;
        self.checks = self.checks.wrapping_sub(check.0);
        Some(())
    }
}

/// The store's own row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct MarkRow {
    pub(crate) identity: Identity,
    pub(crate) mark: Mark,
    pub(crate) sum: Sum,
}

impl MarkRow {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![LAYOUT];
        put_identity(&mut bytes, &self.identity);
        put_mark(&mut bytes, &self.mark);
        bytes.extend(self.sum.rows.to_be_bytes());
        bytes.extend(self.sum.checks.to_be_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut rest = Fields(bytes);
        if rest.take::<1>()? != [LAYOUT] {
            return None;
        }
        let (identity, mark) = (rest.identity()?, rest.mark()?);
        let sum = Sum { rows: u64::from_be_bytes(rest.take()?), checks: u64::from_be_bytes(rest.take()?) };
        rest.0.is_empty().then_some(Self { identity, mark, sum })
    }
}

pub(crate) fn put_identity(bytes: &mut Vec<u8>, identity: &Identity) {
    bytes.extend(identity.network.as_bytes());
    bytes.extend(identity.shard.to_be_bytes());
    bytes.extend(identity.format.to_be_bytes());
}

pub(crate) fn put_mark(bytes: &mut Vec<u8>, mark: &Mark) {
    bytes.extend(mark.seq.to_be_bytes());
    bytes.extend(mark.head);
}

/// What is left of a fixed layout; each taker is `None` where it is too short.
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl Fields<'_> {
    pub(crate) fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*field)
    }

    pub(crate) fn identity(&mut self) -> Option<Identity> {
        Some(Identity {
            network: Uuid::from_bytes(self.take()?),
            shard: u32::from_be_bytes(self.take()?),
            format: u32::from_be_bytes(self.take()?),
        })
    }

    pub(crate) fn mark(&mut self) -> Option<Mark> {
        Some(Mark { seq: u64::from_be_bytes(self.take()?), head: self.take()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_row_is_told() {
        let mut stored = Vec::new();
        let check = seal(b"key", b"value", &mut stored);
        assert_eq!(said(b"key", &stored), Ok(check));
        assert!(said(b"key", &stored[..CHECK - 1]).is_err());
        assert_eq!(unseal(b"key", &stored).unwrap().1, b"value");
        for at in 0..stored.len() {
            let mut bad = stored.clone();
            bad[at] ^= 1;
            assert!(unseal(b"key", &bad).is_err(), "byte {at}");
        }
        assert!(unseal(b"kez", &stored).is_err());
        assert!(unseal(b"key", &stored[..CHECK - 1]).is_err());
        let moved = [&stored[..CHECK], b"yvalue"].concat();
        assert!(unseal(b"ke", &moved).is_err(), "a byte that moved from key to value");
    }

    #[test]
    fn layout_is_frozen() {
        // The first 8 bytes of `printf '\0\3keyvalue' | sha256sum`.
        assert_eq!(seal(b"key", b"value", &mut Vec::new()).0, 0x350e_b93b_3ee6_292b);
        let identity = Identity { network: Uuid::from_bytes([7; 16]), shard: 2, format: 3 };
        let mark = Mark { seq: 258, head: [9; 32] };
        let row = MarkRow { identity, mark, sum: Sum { rows: 1, checks: 0x0a0b } };
        let mut expected = vec![1];
        expected.extend([7; 16]);
        expected.extend([0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 1, 2]);
        expected.extend([9; 32]);
        expected.extend([0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x0a, 0x0b]);
        assert_eq!(row.encode(), expected);
        assert_eq!(MarkRow::decode(&expected), Some(row));
        assert_eq!(MarkRow::decode(&expected[1..]), None);
        assert_eq!(MarkRow::decode(&expected[..expected.len() - 1]), None);
        assert_eq!(MarkRow::decode(&[&expected[..], &[0]].concat()), None);
    }
}
