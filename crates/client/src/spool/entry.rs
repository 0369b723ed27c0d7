//! What a spool's file is made of. Frozen: a later version of this crate reads what an earlier one left behind.
//!
//! A file begins with [`MAGIC`]. Each entry is the length of its body, the CRC-32 of its body, both 4 bytes, big-endian, and
//! the body: a byte for its kind and what that kind holds.

/// What a file begins with: that it is a spool, and the version of its entries.
pub(super) const MAGIC: &[u8; 8] = b"coalspl1";

/// The longest body. Events are far shorter; a longer one is damage.
const BODY_MAX: usize = 1 << 20;

const EVENT: u8 = 1;
const SETTLED: u8 = 2;

/// Length and checksum.
const HEAD: usize = 8;

/// An entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Entry<'a> {
    /// An event, as protobuf encodes it. Events are numbered on from the number that their file is named by.
    Event(&'a [u8]),
    /// All events with a lower number are dealt with.
    Settled(u64),
}

/// Why there is no entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum NoEntry {
    /// The bytes end within it.
    Cut,
    /// It is not as it was written.
    Damaged,
}

/// No entry is longer.
pub(super) const BYTES_MAX: usize = HEAD + BODY_MAX;

/// How long an event's entry is.
pub(super) fn event_bytes(event: &[u8]) -> usize {
    HEAD + 1 + event.len()
}

/// Writes an entry behind `out`.
pub(super) fn write(entry: Entry<'_>, out: &mut Vec<u8>) {
    let number;
    let (kind, rest): (u8, &[u8]) = match entry {
        Entry::Event(event) => (EVENT, event),
        Entry::Settled(before) => {
            number = before.to_be_bytes();
            (SETTLED, &number)
        }
    };
    let mut hash = crc32fast::Hasher::new();
    hash.update(&[kind]);
    hash.update(rest);
    let length = u32::try_from(rest.len() + 1).expect("an event is shorter than a mebibyte");
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&hash.finalize().to_be_bytes());
    out.push(kind);
    out.extend_from_slice(rest);
}

/// Reads the entry that `bytes` begin with; gives it and its length.
pub(super) fn read(bytes: &[u8]) -> Result<(Entry<'_>, usize), NoEntry> {
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or(NoEntry::Cut)?;
    let (sum, rest) = rest.split_first_chunk::<4>().ok_or(NoEntry::Cut)?;
    let length = u32::from_be_bytes(*length) as usize;
    if length == 0 || length > BODY_MAX {
        return Err(NoEntry::Damaged);
    }
    let body = rest.get(..length).ok_or(NoEntry::Cut)?;
    if crc32fast::hash(body) != u32::from_be_bytes(*sum) {
        return Err(NoEntry::Damaged);
    }
    let entry = match (body[0], &body[1..]) {
        (EVENT, event) => Entry::Event(event),
        (SETTLED, number) => {
            Entry::Settled(u64::from_be_bytes(number.try_into().map_err(|_| NoEntry::Damaged)?))
        }
        (_, _) => return Err(NoEntry::Damaged),
    };
    Ok((entry, HEAD + length))
}

/// Where the first whole entry in `bytes` begins.
pub(super) fn first(bytes: &[u8]) -> Option<usize> {
    // Most places are none by their kind, so that few checksums are computed.
    let may_begin = |kind: &u8| matches!(*kind, EVENT | SETTLED);
    (0..bytes.len())
        .filter(|at| bytes.get(at + HEAD).is_some_and(may_begin))
        .find(|at| read(&bytes[*at..]).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(entry: Entry<'_>) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(entry, &mut bytes);
        bytes
    }

    /// Checksums by Python's `zlib.crc32(b"\x01abc")` and `zlib.crc32(b"\x02" + bytes(7) + b"\x05")`.
    #[test]
    fn entries_are_written_as_ever() {
        let event = [&[0, 0, 0, 4], &0x539d_20a9_u32.to_be_bytes(), &[1][..], b"abc"].concat();
        assert_eq!(written(Entry::Event(b"abc")), event);
        let settled =
            [&[0, 0, 0, 9][..], &0xb895_c8a7_u32.to_be_bytes(), &[2, 0, 0, 0, 0, 0, 0, 0, 5]].concat();
        assert_eq!(written(Entry::Settled(5)), settled);
    }

    #[test]
    fn entries_lead_back() {
        for entry in [Entry::Event(b""), Entry::Event(&[7; 70_000]), Entry::Settled(u64::MAX)] {
            let mut bytes = written(entry);
            let length = bytes.len();
            bytes.extend_from_slice(b"next");
            assert_eq!(read(&bytes), Ok((entry, length)));
        }
        assert_eq!(written(Entry::Event(b"abc")).len(), event_bytes(b"abc"));
    }

    #[test]
    fn what_is_cut_or_damaged_is_seen() {
        let whole = written(Entry::Event(b"abc"));
        for end in 0..whole.len() {
            assert_eq!(read(&whole[..end]), Err(NoEntry::Cut), "{end}");
        }
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(read(&bytes).is_err(), "{bit}");
        }
        assert_eq!(read(&[0; 64]), Err(NoEntry::Damaged));
    }
}
