//! Looking back: decisions in effect, read from the journal again. For threads that may block.

use std::ops::ControlFlow;

use bytes::Bytes;
use coalition_journal::chain::Verdict;
use coalition_journal::entry::{Entry, NewerFormat, ShardId};
use coalition_journal::log::{self, Log, Partition};
use coalition_store::Reader;

use crate::body::{self, Item, Terms};
use crate::milestone::Milestone;
use crate::rows;
use crate::runtime::JOURNAL;

/// Bytes of the journal read at once.
const READ_BYTES: usize = 2 * 1024 * 1024;

/// Why the journal could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The log failed.
    #[error("read the journal again")]
    Log(#[from] log::Error),
    /// The store failed.
    #[error(transparent)]
    Rows(#[from] rows::Error),
    /// A record is of a later release.
    #[error(transparent)]
    NewerFormat(#[from] NewerFormat),
    /// A batch in effect can't be read.
    #[error(transparent)]
    Unreadable(#[from] body::Unreadable),
    /// The journal ends before a record that was read from it.
    #[error("the journal of shard {0} ends before a record that was in effect")]
    Short(ShardId),
    /// Who asked has no time left.
    #[error("the time for looking back is over")]
    GivenUp,
}

/// Hands the batches `first..=last` of a shard's journal over, in order, until `each` breaks: their numbers, terms and items.
/// It reads [`Milestone`]'s distance too much at the most.
pub(crate) fn batches(
    (log, reader, shard): (&dyn Log, &dyn Reader, ShardId),
    (first, last): (u64, u64),
    mut each: impl FnMut(u64, &Terms, &[(Item, Bytes)]) -> ControlFlow<()>,
) -> Result<(), Error> {
    let Milestone { mut chain, mut next } = Milestone::before(reader, first)?;
    let journal = Partition::new(JOURNAL, shard.0);
    while chain.seq().0 < last {
        let records = log.read_back(&journal, next, READ_BYTES)?;
        next = records.last().ok_or(Error::Short(shard))?.offset.plus(1);
        for record in records {
            let raw = record.record.value;
            let entry = Entry::decode(&raw)?;
            let Verdict::InEffect(seq) = chain.judge(&raw, entry.as_ref()) else { continue };
            if let Some(Entry::Batch(batch)) = &entry
                && (first..=last).contains(&seq.0)
            {
                let (terms, items) = body::decode(&batch.body)?;
                if each(seq.0, &terms, &items).is_break() {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}
