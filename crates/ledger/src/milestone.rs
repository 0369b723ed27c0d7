//! Milestones: places from which a journal can be judged and read without what is before them.

use coalition_journal::chain::Chain;
use coalition_journal::log::Offset;
use coalition_store::{Order, Range, Reader};
use serde::{Deserialize, Serialize};

use crate::rows;

/// Every so many records in effect there is one: what has to be read in vain to get to a record is bounded, and the index
/// grows with the records, of which there are fewer the more there is to decide.
const EVERY: u64 = 32;

/// What the records up to a place of the journal come to.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Milestone {
    /// The fence there.
    pub chain: Chain,
    /// The next offset to read.
    pub next: Offset,
}

impl Milestone {
    /// The one that stands where `chain` has come to with the record before `next`, if there is to be one.
    pub fn at(chain: &Chain, next: Offset) -> Option<Self> {
        chain.seq().0.is_multiple_of(EVERY).then(|| Self { chain: chain.clone(), next })
    }

    /// The last stored one before the record `seq`, or the journal's start.
    pub(crate) fn before(reader: &dyn Reader, seq: u64) -> Result<Self, rows::Error> {
        let range = Range::between(rows::milestone_key(0), rows::milestone_key(seq));
        let rows = reader.scan(&range, Order::Descending, 1)?;
        rows.first().map_or_else(|| Ok(Self::default()), |row| rows::decode('j', &row.value))
    }
}
