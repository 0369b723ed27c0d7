//! A row: the records of a group commit, or a part of them, as one value of the database.
//!
//! A row per group commit and not per record: redb writes whole pages, and a tree that grows by one entry a commit
//! stays shallow.
//!
//! Layout, little-endian, frozen per version:
//!
//! ```text
//! version u8 = 1 | crc u32 | append time i64, ms | count u32 | count records
//! record: key | header count u32 | (name, value) for each header | value
//! bytes:  length u32 | content        key: length u32::MAX stands for "no key"
//! ```
//!
//! The crc (CRC-32 of IEEE 802.3) is over the offset of the row's first record and everything behind the crc.

use bytes::Bytes;
use coalition_domain::Timestamp;

use crate::log::{Offset, Record, Stored};

const VERSION: u8 = 1;
const CRC_AT: usize = 1;
const CRC_END: usize = CRC_AT + 4;
const HEAD: usize = CRC_END + 8 + 4;
const NO_KEY: u32 = u32::MAX;

/// What is wrong with a row.
#[derive(Debug, thiserror::Error)]
pub(super) enum Damaged {
    #[error("row {0} is of version {1}, not {VERSION}")]
    Version(Offset, u8),
    #[error("row {0} is damaged: its checksum is wrong")]
    Checksum(Offset),
    #[error("row {0} is damaged: it ends too soon")]
    Short(Offset),
    #[error("row {0} is damaged: a header's name is no UTF-8")]
    Name(Offset),
}

/// `records`, which follow each other and were taken at one time, as a row. There is at least one; no part of a record
/// is as long as 4 GiB.
pub(super) fn encode(records: &[Stored]) -> Vec<u8> {
    let first = records.first().expect("a row has a record");
    let size: usize = records.iter().map(|stored| stored.record.bytes()).sum();
    let mut row = Vec::with_capacity(HEAD + size);
    row.push(VERSION);
    row.extend([0; 4]);
    row.extend(first.append_time.as_millis().to_le_bytes());
    row.extend(length(records.len()).to_le_bytes());
    for Stored { record, .. } in records {
        match &record.key {
            Some(key) => put(&mut row, key),
            None => row.extend(NO_KEY.to_le_bytes()),
        }
        row.extend(length(record.headers.len()).to_le_bytes());
        for (name, value) in &record.headers {
            put(&mut row, name.as_bytes());
            put(&mut row, value);
        }
        put(&mut row, &record.value);
    }
    let crc = checksum(first.offset, &row);
    row[CRC_AT..CRC_END].copy_from_slice(&crc.to_le_bytes());
    row
}

fn put(row: &mut Vec<u8>, content: &[u8]) {
    row.extend(length(content.len()).to_le_bytes());
    row.extend(content);
}

fn length(len: usize) -> u32 {
    u32::try_from(len).ok().filter(|len| *len != NO_KEY).expect("appends are bounded far below 4 GiB")
}

fn checksum(first: Offset, row: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&first.0.to_le_bytes());
    crc.update(&row[CRC_END..]);
    crc.finalize()
}

/// A row that was checked, being read record by record.
pub(super) struct Row {
    first: Offset,
    next: Offset,
    end: Offset,
    append_time: Timestamp,
    rest: Bytes,
}

impl Row {
    /// The row stored as `bytes` under `first`.
    pub(super) fn decode(first: Offset, bytes: Bytes) -> Result<Self, Damaged> {
        let mut row =
            Self { first, next: first, end: first, append_time: Timestamp::MIN, rest: bytes.clone() };
        let version = row.cut(1)?[0];
        if version != VERSION {
            return Err(Damaged::Version(first, version));
        }
        let stored = row.u32()?;
        if stored != checksum(first, &bytes) {
            return Err(Damaged::Checksum(first));
        }
        let time = row.cut(8)?;
        row.append_time = Timestamp::from_millis(i64::from_le_bytes(
            time.as_ref().try_into().expect("eight bytes were taken"),
        ));
        row.end = first.plus(row.u32()?.into());
        Ok(row)
    }

    /// The offset behind its last record.
    pub(super) fn end(&self) -> Offset {
        self.end
    }

    /// When its records were taken.
    pub(super) fn append_time(&self) -> Timestamp {
        self.append_time
    }

    fn record(&mut self) -> Result<Record, Damaged> {
        let key = match self.u32()? {
            NO_KEY => None,
            length => Some(self.cut(length)?),
        };
        let mut headers = Vec::new();
        for _ in 0..self.u32()? {
            let name = self.bytes()?;
            let name = std::str::from_utf8(&name).map_err(|_| Damaged::Name(self.first))?.to_owned();
            headers.push((name, self.bytes()?));
        }
        Ok(Record { key, headers, value: self.bytes()? })
    }

    fn bytes(&mut self) -> Result<Bytes, Damaged> {
        let length = self.u32()?;
        self.cut(length)
    }

    fn u32(&mut self) -> Result<u32, Damaged> {
        let bytes = self.cut(4)?;
        Ok(u32::from_le_bytes(bytes.as_ref().try_into().expect("four bytes were taken")))
    }

    fn cut(&mut self, length: u32) -> Result<Bytes, Damaged> {
        let length = usize::try_from(length).map_err(|_| Damaged::Short(self.first))?;
        if length > self.rest.len() {
            return Err(Damaged::Short(self.first));
        }
        Ok(self.rest.split_to(length))
    }
}

impl Iterator for Row {
    type Item = Result<Stored, Damaged>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.end {
            return None;
        }
        let (offset, append_time) = (self.next, self.append_time);
        self.next = offset.plus(1);
        Some(self.record().map(|record| Stored { offset, append_time, record }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored() -> Vec<Stored> {
        let headers = vec![
            ("a".to_owned(), Bytes::from_static(b"1")),
            ("a".to_owned(), Bytes::new()),
            (String::new(), Bytes::from_static(b"2")),
        ];
        let records = [
            Record::of("first"),
            Record { key: Some(Bytes::new()), headers, value: Bytes::new() },
            Record { key: Some(Bytes::from_static(b"k")), ..Record::default() },
        ];
        let at = |offset, record| Stored {
            offset: Offset(offset),
            append_time: Timestamp::from_millis(868_000_000_123),
            record,
        };
        (7..).zip(records).map(|(offset, record)| at(offset, record)).collect()
    }

    fn decode(first: u64, bytes: Vec<u8>) -> Result<Vec<Stored>, Damaged> {
        Row::decode(Offset(first), bytes.into())?.collect()
    }

    #[test]
    fn comes_back_as_it_was() {
        assert_eq!(decode(7, encode(&stored())).unwrap(), stored());
    }

    /// Frozen: a row written by an earlier version is read for ever.
    #[test]
    fn version_1_is_read() {
        let mut row = vec![1, 0x2a, 0x9b, 0x24, 0xf7];
        row.extend(2_i64.to_le_bytes());
        row.extend([1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 2, 0, 0, 0, b'h', b'i']);
        let expected =
            Stored { offset: Offset(5), append_time: Timestamp::from_millis(2), record: Record::of("hi") };
        assert_eq!(encode(std::slice::from_ref(&expected)), row);
        assert_eq!(decode(5, row).unwrap(), [expected]);
    }

    #[test]
    fn any_damage_is_seen() {
        let row = encode(&stored());
        for at in 0..row.len() {
            let mut damaged = row.clone();
            damaged[at] ^= 0x10;
            decode(7, damaged).expect_err("a flipped bit");
            decode(7, row[..at].to_vec()).expect_err("a short row");
        }
        decode(8, row).expect_err("a row in another's place");
    }
}
