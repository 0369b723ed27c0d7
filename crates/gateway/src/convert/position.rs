//! Positions in the journal.

use std::collections::BTreeMap;

use coalition_journal::entry::{Seq, ShardId};
use coalition_ledger::view::Position;
use coalition_proto::r#type::v1 as proto;

use crate::status::Failure;

/// The positions that a read has to stand on, at most one per shard.
#[derive(Default)]
pub(crate) struct MinPositions(BTreeMap<ShardId, Seq>);

impl MinPositions {
    /// Reads `field`, of a network of `shards` shards.
    pub(crate) fn read<'a>(
        field: &str,
        positions: impl IntoIterator<Item = &'a proto::Position>,
        shards: u32,
    ) -> Result<Self, Failure> {
        let mut read = BTreeMap::new();
        for position in positions {
            if position.shard >= shards {
                return Err(Failure::invalid(field, "names a shard that the network does not have"));
            }
            if read.insert(ShardId(position.shard), Seq(position.seq)).is_some() {
                return Err(Failure::invalid(field, "names a shard twice"));
            }
        }
        Ok(Self(read))
    }

    /// One position of the ledger's own.
    pub(crate) fn one(position: Position) -> Self {
        Self(BTreeMap::from([(position.shard, position.seq)]))
    }

    /// That of `shard`; positions of other shards say nothing of it.
    pub(crate) fn of(&self, shard: ShardId) -> Option<Seq> {
        self.0.get(&shard).copied()
    }
}

/// What sums over all shards stand on.
pub(crate) enum Stand {
    /// The newest, at these positions or later.
    Newest(MinPositions),
    /// Exactly these, one of each shard by its number.
    At(Vec<Seq>),
}

impl Stand {
    /// Reads `min_positions` and `positions`, of a network of `shards` shards.
    pub(crate) fn read(
        min: &[proto::Position],
        at: &[proto::Position],
        shards: u32,
    ) -> Result<Self, Failure> {
        let newest = MinPositions::read("min_positions", min, shards)?;
        if at.is_empty() {
            return Ok(Self::Newest(newest));
        }
        if !min.is_empty() {
            return Err(Failure::invalid("min_positions", "has no meaning beside positions"));
        }
        let at = MinPositions::read("positions", at, shards)?;
        let each = (0..shards).map(|shard| at.of(ShardId(shard)));
        let missing = || Failure::invalid("positions", "names not every shard of the network");
        Ok(Self::At(each.collect::<Option<_>>().ok_or_else(missing)?))
    }
}

/// Writes a position.
pub(crate) fn to_proto(position: Position) -> proto::Position {
    proto::Position { shard: position.shard.0, seq: position.seq.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shard_has_a_position_of_its_own() {
        let at = |shard, seq| proto::Position { shard, seq };
        let read = |positions: &[proto::Position]| MinPositions::read("min_positions", positions, 2);
        let min = read(&[at(1, 7)]).unwrap();
        assert_eq!((min.of(ShardId(0)), min.of(ShardId(1))), (None, Some(Seq(7))));
        assert!(read(&[at(0, 1), at(1, 2)]).is_ok());
        assert!(read(&[at(1, 1), at(1, 2)]).is_err());
        assert!(read(&[at(2, 1)]).is_err());
    }
}
