//! Which records of a journal are in effect: rules 2 and 3, written a second time.

use coalition_domain::Timestamp;
use coalition_journal::entry::{Entry, Hash, OwnerId};
use coalition_journal::log::{Offset, Stored};

/// A record in effect.
pub(super) struct Effective {
    pub(super) offset: Offset,
    pub(super) append_time: Timestamp,
    pub(super) entry: Entry,
    /// The running hash up to it.
    pub(super) head: Hash,
    /// Who is in office after it.
    pub(super) office: (u64, Option<OwnerId>),
}

/// The records in effect; the first has the number 1.
pub(super) fn in_effect(journal: &[Stored]) -> Result<Vec<Effective>, String> {
    let mut effective: Vec<Effective> = Vec::new();
    for record in journal {
        let raw = &record.record.value;
        let entry = Entry::decode(raw).map_err(|newer| format!("{}: {newer}", record.offset))?;
        let entry = entry.ok_or_else(|| format!("{} is no record of a journal", record.offset))?;
        let (head, (term, owner)) =
            effective.last().map_or((Hash::default(), (0, None)), |last| (last.head, last.office));
        let office = match &entry {
            Entry::Genesis(_) if effective.is_empty() => (0, None),
            Entry::TermStarted(started) if !effective.is_empty() && started.term.0 == term + 1 => {
                (started.term.0, Some(started.owner))
            }
            Entry::Batch(batch)
                if (batch.header.term.0, Some(batch.header.owner)) == (term, owner)
                    && batch.header.seq.0 == effective.len() as u64 + 1
                    && batch.header.prev_hash == head =>
            {
                (term, owner)
            }
            Entry::Genesis(_) | Entry::TermStarted(_) | Entry::Batch(_) | Entry::Rebase(_) => continue,
        };
        let (offset, append_time) = (record.offset, record.append_time);
        effective.push(Effective { offset, append_time, entry, head: head.then(raw), office });
    }
    Ok(effective)
}
