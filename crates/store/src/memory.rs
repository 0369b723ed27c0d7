//! The store in memory, for tests and the simulator, with faults that they steer.

use std::collections::BTreeMap;
use std::io;
use std::ops::Bound;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::admit::admit;
use crate::error::{Damage, Error, Result};
use crate::port::{Checkpoint, Found, Identity, Mark, Opened, Order, Range, Reader, Row, Store, Writer};

/// A disk that holds one shard's rows. Clones are the same disk; what is opened on it can be dropped (a crash) and
/// opened again. Opening ends what was opened before, as if that process had died.
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<Disk>>);

/// How the next checkpoint fails. Either way its writer gets an error and everything open on the disk stops.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Nothing of it is kept.
    Before,
    /// All of it is kept.
    After,
}

#[derive(Default)]
struct Disk {
    content: Option<Content>,
    /// A checkpoint that is being written: some of its rows may be there.
    pending: Option<Checkpoint>,
    /// Handles of an earlier opening have stopped.
    opening: u64,
    fault: Option<Fault>,
    damage: Option<Damage>,
    set_aside: u32,
}

#[derive(Clone)]
struct Content {
    identity: Identity,
    mark: Option<Mark>,
    rows: BTreeMap<Vec<u8>, Vec<u8>>,
    /// The sum of all rows' digests.
    digest: u128,
}

impl Content {
    fn apply(&mut self, checkpoint: &Checkpoint) {
        self.mark = Some(checkpoint.mark());
        for (key, value) in checkpoint.rows() {
            self.change(key, value);
        }
    }

    fn change(&mut self, key: &[u8], value: Option<&[u8]>) {
        let before = match value {
            Some(value) => self.rows.insert(key.to_vec(), value.to_vec()),
            None => self.rows.remove(key),
        };
        let of = |value: Option<&[u8]>| value.map_or(0, |value| row_digest(key, value));
        let (before, after) = (of(before.as_deref()), of(value));
        self.digest = self.digest.wrapping_sub(before).wrapping_add(after);
    }
}

/// Tells rows apart where nobody wants to deceive: two lanes of a multiplication and a fold for each eight bytes.
#[must_use]
pub fn row_digest(key: &[u8], value: &[u8]) -> u128 {
    // Odd numbers without a pattern: the first digits of pi and of e behind their points.
    let mut lanes = [0x2437_5a0d_9e24_3f6b_u64, 0xb7e1_5162_8aed_2a6b_u64];
    let mut mix = |word: u64| {
        for (lane, odd) in lanes.iter_mut().zip([0x9e37_79b9_7f4a_7c15_u64, 0xd6e8_feb8_6659_fd93]) {
            let wide = u128::from(*lane ^ word) * u128::from(odd);
            let (low, high) = ((wide & u128::from(u64::MAX)) as u64, (wide >> 64) as u64);
            *lane = (low ^ high).wrapping_add(odd).rotate_left(23);
        }
    };
    for part in [key, value] {
        mix(part.len() as u64);
        for chunk in part.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            mix(u64::from_le_bytes(word));
        }
    }
    mix(0);
    u128::from(lanes[0]) << 64 | u128::from(lanes[1])
}

impl Memory {
    /// An empty disk.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The next checkpoint fails.
    pub fn fail_next(&self, fault: Fault) {
        self.disk().fault = Some(fault);
    }

    /// So many rows of `checkpoint` are there before the others, as where a store writes them one by one: readers see them.
    /// The writer's `apply` brings the rest, and if it never comes to that, the next opening.
    pub fn begin(&self, checkpoint: &Checkpoint, rows: usize) {
        let mut disk = self.disk();
        if let Some(content) = &mut disk.content {
            for (key, value) in checkpoint.rows().take(rows) {
                content.change(key, value);
            }
            disk.pending = Some(checkpoint.clone());
        }
    }

    /// The next opening finds the rows damaged and sets them aside.
    pub fn damage(&self, why: Damage) {
        self.disk().damage = Some(why);
    }

    /// The sum of [`row_digest`] over all rows, kept up to date with each checkpoint: equal for equal rows, and in practice
    /// for no others.
    #[must_use]
    pub fn digest(&self) -> u128 {
        self.disk().content.as_ref().map_or(0, |content| content.digest)
    }

    /// Another disk with the same rows, for example to come back to as an old one.
    #[must_use]
    pub fn copy(&self) -> Self {
        let disk = self.disk();
        let (content, pending) = (disk.content.clone(), disk.pending.clone());
        Self(Arc::new(Mutex::new(Disk { content, pending, ..Disk::default() })))
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        // A test that panicked elsewhere leaves rows as whole as they were: changes are made in one step.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk {
    fn set_aside(&mut self) -> PathBuf {
        (self.content, self.pending) = (None, None);
        self.set_aside += 1;
        format!("memory.damaged-{}", self.set_aside).into()
    }
}

impl Store for Memory {
    fn open(&self, identity: &Identity) -> Result<Opened> {
        let mut disk = self.disk();
        disk.opening += 1;
        let damage = disk.damage.take();
        let damage = damage.or_else(|| match &disk.content {
            Some(content) if content.identity != *identity => {
                Some(Damage::Foreign { expected: *identity, found: content.identity })
            }
            Some(_) | None => None,
        });
        if let Disk { content: Some(content), pending, .. } = &mut *disk
            && let Some(pending) = pending.take()
        {
            content.apply(&pending);
        }
        let found = match damage {
            Some(why) => Found::SetAside { why, kept: disk.set_aside() },
            None => disk.content.as_ref().and_then(|content| content.mark).map_or(Found::Empty, Found::At),
        };
        disk.content.get_or_insert(Content {
            identity: *identity,
            mark: None,
            rows: BTreeMap::new(),
            digest: 0,
        });
        let handle = Handle { disk: self.clone(), opening: disk.opening };
        Ok(Opened { reader: Arc::new(handle.clone()), writer: Box::new(MemoryWriter(handle)), found })
    }
}

#[derive(Clone)]
struct Handle {
    disk: Memory,
    opening: u64,
}

impl Handle {
    fn disk(&self) -> Result<MutexGuard<'_, Disk>> {
        let disk = self.disk.disk();
        if disk.opening == self.opening { Ok(disk) } else { Err(Error::Stopped) }
    }

    fn read<T>(&self, read: impl FnOnce(&Content) -> T) -> Result<T> {
        self.disk()?.content.as_ref().map(read).ok_or(Error::Stopped)
    }
}

impl Reader for Handle {
    fn mark(&self) -> Result<Option<Mark>> {
        if self.disk()?.pending.is_some() {
            return Err(Error::Moved);
        }
        self.read(|content| content.mark)
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.read(|content| content.rows.get(key).cloned())
    }

    fn scan(&self, range: &Range, order: Order, limit: usize) -> Result<Vec<Row>> {
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let to = range.to.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        let row = |(key, value): (&Vec<u8>, &Vec<u8>)| Row { key: key.clone(), value: value.clone() };
        self.read(|content| {
            let rows = content.rows.range::<[u8], _>((Bound::Included(range.from.as_slice()), to)).map(row);
            match order {
                Order::Ascending => rows.take(limit).collect(),
                Order::Descending => rows.rev().take(limit).collect(),
            }
        })
    }
}

struct MemoryWriter(Handle);

impl Drop for MemoryWriter {
    fn drop(&mut self) {
        if let Ok(mut disk) = self.0.disk() {
            disk.opening += 1;
        }
    }
}

impl Writer for MemoryWriter {
    fn apply(&mut self, checkpoint: &Checkpoint) -> Result<()> {
        let mut disk = self.0.disk()?;
        let fault = disk.fault;
        let content = disk.content.as_mut().ok_or(Error::Stopped)?;
        admit(checkpoint, content.mark)?;
        if fault != Some(Fault::Before) {
            content.apply(checkpoint);
            disk.pending = None;
        }
        if fault.is_some() {
            disk.fault = None;
            disk.opening += 1;
            return Err(Error::Io { doing: "apply a checkpoint", source: io::Error::other("planned fault") });
        }
        Ok(())
    }

    fn discard(self: Box<Self>, why: &str) -> Result<()> {
        let kept = self.0.disk()?.set_aside();
        tracing::debug!(why, kept = %kept.display(), "store discarded");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::{checkpoint, identity, mark};

    #[test]
    fn conforms() {
        crate::conformance::check(&|| Box::new(Memory::new()));
    }

    #[test]
    fn a_checkpoint_that_fails_is_in_or_out() {
        for (fault, expected) in [(Fault::Before, 1), (Fault::After, 2)] {
            let memory = Memory::new();
            let Opened { reader, mut writer, .. } = memory.open(&identity()).unwrap();
            writer.apply(&checkpoint(1, &[(b"a", b"1")])).unwrap();
            memory.fail_next(fault);
            let next = checkpoint(2, &[(b"a", b"2")]);
            assert!(matches!(writer.apply(&next), Err(Error::Io { .. })), "{fault:?}");
            assert!(matches!(writer.apply(&next), Err(Error::Stopped)), "{fault:?}");
            assert!(matches!(reader.get(b"a"), Err(Error::Stopped)), "{fault:?}");
            let opened = memory.open(&identity()).unwrap();
            assert_eq!(opened.found, Found::At(mark(expected)), "{fault:?}");
            let value = opened.reader.get(b"a").unwrap().unwrap();
            assert_eq!(value, expected.to_string().into_bytes(), "{fault:?}");
        }
    }

    #[test]
    fn what_is_being_written_is_seen_in_part_and_found_whole() {
        let memory = Memory::new();
        let Opened { reader, mut writer, .. } = memory.open(&identity()).unwrap();
        writer.apply(&checkpoint(1, &[(b"a", b"1"), (b"b", b"1")])).unwrap();
        let next = checkpoint(2, &[(b"a", b"2"), (b"b", b"2")]);
        memory.begin(&next, 1);
        let (old, digest) = (memory.copy(), memory.digest());
        assert_eq!(reader.get(b"a").unwrap().unwrap(), b"2");
        assert_eq!(reader.get(b"b").unwrap().unwrap(), b"1");
        assert!(matches!(reader.mark(), Err(Error::Moved)));
        writer.apply(&next).unwrap();
        assert_eq!(reader.mark().unwrap(), Some(mark(2)));
        assert_ne!(memory.digest(), digest);
        let opened = old.open(&identity()).unwrap();
        assert_eq!((opened.found, old.digest()), (Found::At(mark(2)), memory.digest()));
        assert_eq!(opened.reader.get(b"b").unwrap().unwrap(), b"2");
    }

    #[test]
    fn an_old_copy_is_found_where_it_stood() {
        let memory = Memory::new();
        let mut writer = memory.open(&identity()).unwrap().writer;
        writer.apply(&checkpoint(1, &[(b"a", b"1")])).unwrap();
        let old = memory.copy();
        writer.apply(&checkpoint(2, &[(b"a", b"2")])).unwrap();
        assert_eq!(old.open(&identity()).unwrap().found, Found::At(mark(1)));
        assert_eq!(memory.open(&identity()).unwrap().found, Found::At(mark(2)));
    }

    #[test]
    fn the_digest_is_that_of_the_rows_whatever_came_before() {
        let digest = |checkpoints: &[&[(&[u8], &[u8])]]| {
            let memory = Memory::new();
            let mut writer = memory.open(&identity()).unwrap().writer;
            for (seq, rows) in (1..).zip(checkpoints) {
                writer.apply(&checkpoint(seq, rows)).unwrap();
            }
            memory.digest()
        };
        let rows: &[(&[u8], &[u8])] = &[(b"a", b"1"), (b"b", b"2")];
        assert_eq!(digest(&[rows]), digest(&[&[(b"b", b"7")], rows]));
        let others: [&[(&[u8], &[u8])]; 4] = [
            &[(b"a", b"2"), (b"b", b"1")],
            &[(b"a", b"1")],
            &[(b"a", b"1"), (b"b", b"2\0")],
            &[(b"a1b", b"2")],
        ];
        for other in others {
            assert_ne!(digest(&[rows]), digest(&[other]), "{other:?}");
        }
    }

    #[test]
    fn planned_damage_is_set_aside_once() {
        let memory = Memory::new();
        let mut writer = memory.open(&identity()).unwrap().writer;
        writer.apply(&checkpoint(1, &[(b"a", b"1")])).unwrap();
        memory.damage(Damage::SidecarMissing);
        let opened = memory.open(&identity()).unwrap();
        assert!(matches!(opened.found, Found::SetAside { why: Damage::SidecarMissing, .. }));
        assert_eq!(opened.reader.get(b"a").unwrap(), None);
        assert_eq!(memory.open(&identity()).unwrap().found, Found::Empty);
    }
}
