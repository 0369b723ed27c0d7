//! Replay: a projection made anew from the journal, without threads, to verify a stored one or to take its place.

use std::sync::Arc;

use coalition_domain::Span;
use coalition_journal::entry::{Genesis, OwnerId, Seq};
use coalition_journal::log::{self, Log, Offset, Partition};
use coalition_store::{Opened, Reader};

use crate::clock::Now;
use crate::rows;
use crate::shard::{Input, Limits, Output, Shard, Stop};
use crate::state::State;

/// Bytes of the journal read at once.
const READ_BYTES: usize = 2 * 1024 * 1024;
/// Changed accounts after which a checkpoint is written.
const CHECKPOINT_ACCOUNTS: usize = 50_000;

/// Why a replay ended early.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The journal can't be read.
    #[error("read the journal")]
    Log(#[from] log::Error),
    /// The new projection can't be written.
    #[error("write the projection")]
    Store(#[from] coalition_store::Error),
    /// The new projection can't be read.
    #[error("read the projection")]
    Rows(#[from] rows::Error),
    /// The journal holds what stops a shard.
    #[error("the journal can't be folded")]
    Stopped(#[from] Stop),
}

/// Replays `journal` from its start up to the offset `until` (excluded), or to its end, into an empty store. `progress`
/// hears the next offset now and then. Gives the store back, and the number of the last record in effect.
///
/// # Errors
/// See [`Error`].
pub fn replay(
    log: &Arc<dyn Log>,
    journal: &Partition,
    genesis: Genesis,
    until: Option<Offset>,
    store: Opened,
    mut progress: impl FnMut(Offset),
) -> Result<(Opened, Seq), Error> {
    let until = until.map_or_else(|| log.bounds(journal).map(|(_, end)| end), Ok)?;
    let Opened { reader, mut writer, found } = store;
    let limits = Limits::default();
    let mut shard = Shard::new(genesis, State::new(limits.accounts_max, genesis.shard_count), limits);
    let mut checkpoint = |shard: &mut Shard| -> Result<(), Error> {
        if let Some(mut taking) = shard.take_changes() {
            writer.apply(&taking.rows())?;
            feed(shard, &*reader, Input::Stored(taking.mark.seq, taking.written()))?;
        }
        Ok(())
    };
    while let Some(from) = shard.wants_journal().filter(|from| *from < until) {
        let mut records = log.read(journal, from, READ_BYTES)?;
        records.retain(|record| record.offset < until);
        feed(&mut shard, &*reader, Input::Journal(records))?;
        progress(from);
        if shard.state().accounts.dirty() >= CHECKPOINT_ACCOUNTS {
            checkpoint(&mut shard)?;
        }
    }
    if let Some(stop) = shard.stopped() {
        return Err(stop.clone().into());
    }
    checkpoint(&mut shard)?;
    let seq = shard.state().meta.chain.seq();
    Ok((Opened { reader, writer, found }, seq))
}

fn feed(shard: &mut Shard, reader: &dyn Reader, input: Input) -> Result<(), Error> {
    let mut inputs = vec![input];
    while let Some(input) = inputs.pop() {
        // A follower decides nothing, so neither time nor owner ids matter.
        for output in shard.step(
            input,
            Now { wall: coalition_domain::Timestamp::MIN, mono: Span::ZERO },
            OwnerId::default(),
        ) {
            if let Output::Load(ids) = output {
                let residents =
                    ids.iter().map(|id| rows::load_account(reader, id)).collect::<Result<_, _>>()?;
                inputs.push(Input::Loaded(residents));
            }
        }
    }
    Ok(())
}
