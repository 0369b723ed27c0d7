//! Whether two stores hold the same rows, and where they differ first.

use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};
use crate::port::{Mark, Order, Range, Reader, Row};

const PAGE: usize = 1024;

/// What all rows of a store come to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Digest {
    /// What the rows stand for.
    pub mark: Option<Mark>,
    /// How many there are.
    pub rows: u64,
    /// SHA-256 over all rows in key order: length of the key (32 bits, big-endian), key, length of the value, value.
    /// The mark is not in it.
    pub hash: [u8; 32],
}

/// Reads all rows for their digest.
///
/// # Errors
///
/// [`Error::Moved`] if a checkpoint came in between.
pub fn digest(reader: &dyn Reader) -> Result<Digest> {
    let mark = reader.mark()?;
    let (mut rows, mut hasher) = (0, Sha256::new());
    for row in Rows::of(reader) {
        let row = row?;
        for field in [&row.key, &row.value] {
            // Keys and values are capped far below 32 bits.
            hasher.update(u32::try_from(field.len()).unwrap_or(u32::MAX).to_be_bytes());
            hasher.update(field);
        }
        rows += 1;
    }
    if reader.mark()? != mark {
        return Err(Error::Moved);
    }
    Ok(Digest { mark, rows, hash: hasher.finalize().into() })
}

/// A key under which two stores differ.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// The key.
    pub key: Vec<u8>,
    /// The value in the first store, if the row is there.
    pub left: Option<Vec<u8>>,
    /// The value in the second store, if the row is there.
    pub right: Option<Vec<u8>>,
}

/// The difference with the smallest key, if there is any. Marks are not compared. Only of use while nobody writes.
///
/// # Errors
///
/// Those of reading either store.
pub fn first_difference(left: &dyn Reader, right: &dyn Reader) -> Result<Option<Difference>> {
    let (mut lefts, mut rights) = (Rows::of(left), Rows::of(right));
    loop {
        let (left, right) = (lefts.next().transpose()?, rights.next().transpose()?);
        if left == right {
            if left.is_none() {
                return Ok(None);
            }
            continue;
        }
        // Up to here all were equal, so the row with the smaller key has no counterpart.
        return Ok(match (left, right) {
            (Some(left), Some(right)) if left.key == right.key => {
                Some(Difference { key: left.key, left: Some(left.value), right: Some(right.value) })
            }
            (Some(left), right) if right.as_ref().is_none_or(|right| left.key < right.key) => {
                Some(Difference { key: left.key, left: Some(left.value), right: None })
            }
            (_, right) => {
                right.map(|right| Difference { key: right.key, left: None, right: Some(right.value) })
            }
        });
    }
}

/// All rows in key order, a page at a time.
struct Rows<'a> {
    reader: &'a dyn Reader,
    rest: Option<Range>,
    page: std::vec::IntoIter<Row>,
}

impl<'a> Rows<'a> {
    fn of(reader: &'a dyn Reader) -> Self {
        Self { reader, rest: Some(Range::all()), page: Vec::new().into_iter() }
    }
}

impl Iterator for Rows<'_> {
    type Item = Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(row) = self.page.next() {
            return Some(Ok(row));
        }
        let range = self.rest.take()?;
        let page = match self.reader.scan(&range, Order::Ascending, PAGE) {
            Ok(page) => page,
            Err(error) => return Some(Err(error)),
        };
        if page.len() == PAGE {
            self.rest = page.last().map(|row| range.after(&row.key, Order::Ascending));
        }
        self.page = page.into_iter();
        self.page.next().map(Ok)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::{checkpoint, identity};
    use crate::{Memory, Opened, Store};

    fn of(rows: &[(&[u8], &[u8])]) -> Opened {
        let mut opened = Memory::new().open(&identity()).unwrap();
        opened.writer.apply(&checkpoint(1, rows)).unwrap();
        opened
    }

    #[test]
    fn digest_is_frozen() {
        let found = digest(&*of(&[(b"a", b"1"), (b"b", b"22")]).reader).unwrap();
        // printf '\0\0\0\1a\0\0\0\0011\0\0\0\1b\0\0\0\00222' | sha256sum
        let hash: String = found.hash.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hash, "9687b233940e5c546de734dfae51b2bce6fe6730d82569771e5fa33b98e9ef54");
        assert_eq!(found.rows, 2);
    }

    #[test]
    fn every_row_counts_over_many_pages() {
        let keys: Vec<[u8; 4]> = (1..=3000_u32).map(|n| (n << 8 | 1 << 31).to_be_bytes()).collect();
        let rows: Vec<(&[u8], &[u8])> = keys.iter().map(|key| (key.as_slice(), &b"v"[..])).collect();
        let whole = of(&rows);
        assert_eq!(digest(&*whole.reader).unwrap().rows, 3000);
        assert_eq!(first_difference(&*whole.reader, &*of(&rows).reader).unwrap(), None);
        let without = of(&rows[..2999]);
        assert_ne!(digest(&*whole.reader).unwrap().hash, digest(&*without.reader).unwrap().hash);
        let difference = first_difference(&*whole.reader, &*without.reader).unwrap().unwrap();
        assert_eq!((difference.key.as_slice(), difference.right), (rows[2999].0, None));
    }

    #[test]
    fn the_first_difference_is_named() {
        let rows: &[(&[u8], &[u8])] = &[(b"a", b"1"), (b"b", b"2"), (b"c", b"3")];
        for (other, key, left, right) in [
            (&[rows[0], rows[2]][..], b"b", Some(&b"2"[..]), None),
            (&[rows[0], (b"b", b"x"), rows[2]], b"b", Some(b"2"), Some(&b"x"[..])),
            (&[rows[0], rows[1], rows[2], (b"d", b"4")], b"d", None, Some(b"4")),
            (&[(b"A", b"0"), rows[0], rows[1], rows[2]], b"A", None, Some(b"0")),
            (&rows[..1], b"b", Some(b"2"), None),
        ] {
            let (left, right) = (left.map(<[u8]>::to_vec), right.map(<[u8]>::to_vec));
            let swapped = Difference { key: key.to_vec(), left: right.clone(), right: left.clone() };
            let expected = Difference { key: key.to_vec(), left, right };
            assert_eq!(first_difference(&*of(rows).reader, &*of(other).reader).unwrap(), Some(expected));
            assert_eq!(first_difference(&*of(other).reader, &*of(rows).reader).unwrap(), Some(swapped));
        }
    }
}
