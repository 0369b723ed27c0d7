//! Invariants 4 and 6: whatever a store ever held is what the journal gives when it is read from its start.

use std::collections::BTreeMap;

use coalition_domain::Span;
use coalition_journal::entry::{Hash, OwnerId, ShardId};
use coalition_journal::log::Stored;
use coalition_ledger::clock::Now;
use coalition_ledger::resident::Resident;
use coalition_ledger::rows;
use coalition_ledger::shard::{Input, Output, Shard};
use coalition_ledger::state::{Meta, State};
use coalition_store::{Identity, Memory, Opened, Reader, Store, row_digest};

use super::fence::Effective;
use super::{Judgement, holds, same};
use crate::world::World;

/// What a store holds: its rows and, apart from them, its position without what was read after it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Content {
    /// The sum of its rows' digests.
    rows: u128,
    meta: Meta,
}

/// All of a store, as the digest that its disk keeps. Whoever opened the disk reads by `reader`.
pub(crate) fn content(disk: &Memory, reader: &dyn Reader) -> Content {
    let meta = reader.get(b"m").expect("a store in memory is read");
    let rows = disk.digest().wrapping_sub(meta.map_or(0, |meta| row_digest(b"m", &meta)));
    let meta = Meta::load(reader).expect("a store in memory is read");
    // Void records after the position may have been read by then, or not.
    let meta = Meta { journal_next: Default::default(), last_record: None, ..meta };
    Content { rows, meta }
}

/// Reads the journal from its start, and compares with every content that was noted on the way.
pub(super) fn judge(
    world: &World<'_>,
    shard: ShardId,
    journal: &[Stored],
    effective: &[Effective],
) -> Judgement {
    let mut noted: BTreeMap<u64, Vec<&Content>> = BTreeMap::new();
    for taken in world.taken.iter().filter(|taken| taken.shard == shard) {
        let record = usize::try_from(taken.mark.seq - 1).ok().and_then(|number| effective.get(number));
        let record =
            record.ok_or_else(|| format!("a checkpoint stands at {}, beyond the journal", taken.mark))?;
        same(&format!("the head of the checkpoint {}", taken.mark), &Hash(taken.mark.head), &record.head)?;
        holds(record.offset < taken.end, || {
            format!("the checkpoint {} was ahead of the journal", taken.mark)
        })?;
        noted.entry(taken.mark.seq).or_default().push(&taken.content);
    }
    // One writes a checkpoint wherever a content was noted, the other only one at the end: no row may tell how many
    // there were.
    let mut standby = Standby::start(world, shard);
    let mut at_once = Standby::start(world, shard);
    for record in journal {
        standby.read(record);
        at_once.read(record);
        let seq = standby.core.state().meta.chain.seq().0;
        if let Some(contents) = noted.remove(&seq) {
            let replayed = standby.checkpoint();
            for content in contents {
                same(&format!("the store at {seq}"), content, &replayed)?;
            }
        }
    }
    same("a store of one checkpoint", &at_once.checkpoint(), &standby.checkpoint())
}

/// A core that only reads, over a store of its own.
struct Standby {
    core: Shard,
    disk: Memory,
    opened: Opened,
}

impl Standby {
    fn start(world: &World<'_>, shard: ShardId) -> Self {
        let genesis = world.geneses[shard.0 as usize];
        let identity = Identity { network: genesis.network.0, shard: shard.0, format: rows::FORMAT };
        let disk = Memory::new();
        let opened = disk.open(&identity).expect("a store in memory opens");
        let core =
            Shard::new(genesis, State::new(usize::MAX, genesis.shard_count), world.settings.limits.clone());
        Self { core, disk, opened }
    }

    fn read(&mut self, record: &Stored) {
        self.step(Input::Journal(vec![record.clone()]));
    }

    fn step(&mut self, input: Input) {
        let now = Now { wall: crate::workload::START, mono: Span::ZERO };
        for output in self.core.step(input, now, OwnerId::default()) {
            match output {
                // Nothing is ever given up here, so the store has nothing to add.
                Output::Load(accounts) => {
                    self.step(Input::Loaded(accounts.into_iter().map(Resident::new).collect()));
                }
                Output::NeedEnd { .. }
                | Output::NeedConfirmation(_)
                | Output::Append { .. }
                | Output::LoadTimers { .. }
                | Output::FindOrder { .. }
                | Output::Answer(..)
                | Output::Relay { .. }
                | Output::Return(_) => unreachable!("a reader asks for nothing else"),
            }
        }
    }

    fn checkpoint(&mut self) -> Content {
        if let Some(mut taking) = self.core.take_changes() {
            self.opened.writer.apply(&taking.rows()).expect("a store in memory takes it");
            self.step(Input::Stored(taking.mark.seq, taking.written()));
        }
        content(&self.disk, &*self.opened.reader)
    }
}
