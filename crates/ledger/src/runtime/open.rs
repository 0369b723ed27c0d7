//! Opening a shard's projection, and throwing away one that is not the journal's.

use std::sync::Arc;

use coalition_journal::entry::{Entry, Genesis, Hash};
use coalition_journal::log::{self, Log, Offset, Partition, Watching};
use coalition_store::{Found, Identity, Opened, Reader, Store, Writer};

use super::Returns;
use super::core::Window;
use super::membership::Shared;
use super::post::Post;
use super::pulse::Pulse;
use super::wake::Waker;
use super::worker::Message;
use crate::metrics::ShardMetrics;
use crate::rows;
use crate::state::State;

/// Where a shard lives.
pub(super) struct Place {
    pub(super) log: Arc<dyn Log>,
    pub(super) journal: Partition,
    pub(super) inbox: Partition,
    pub(super) genesis: Genesis,
    pub(super) store: Box<dyn Store>,
    pub(super) returns: Arc<dyn Returns>,
    pub(super) metrics: Arc<ShardMetrics>,
    pub(super) group: Arc<Shared>,
    /// Where others can look at it.
    pub(super) window: Arc<Window>,
    /// By which others see that its thread gets round.
    pub(super) pulse: Arc<Pulse>,
}

/// A projection that can be gone on from.
pub(super) struct Projection {
    pub(super) state: State,
    pub(super) reader: Arc<dyn Reader>,
    pub(super) writer: Box<dyn Writer>,
}

/// Why a shard can't start yet.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("open the store")]
    Store(#[from] coalition_store::Error),
    #[error("read the journal")]
    Log(#[from] log::Error),
    /// Nothing is thrown away then: the projection may be all that is left.
    #[error(
        "this folder's projection is of another journal: {0}; restore that journal, or name the log that holds it"
    )]
    OtherJournal(String),
}

impl Place {
    /// Has the shard's thread woken when journal or inbox grow, for as long as this is kept: what is others' need not be
    /// fetched.
    pub(super) fn watch(&self, thread: &Post, waker: &Waker) -> Result<[Watching; 2], Error> {
        let watch = |partition| {
            let (waker, thread) = (waker.clone(), thread.clone());
            // A wake that finds nobody comes after the end.
            let wake = move || drop(waker.wake().map(|wake| thread.send(Message::Wake(wake))));
            self.log.watch(partition, Arc::new(wake))
        };
        Ok([watch(&self.journal)?, watch(&self.inbox)?])
    }

    /// Opens the store; what is not a projection of this journal is set aside, and an empty one takes its place.
    pub(super) fn open(&self, accounts_max: usize) -> Result<Projection, Error> {
        loop {
            let identity = Identity {
                network: self.genesis.network.0,
                shard: self.genesis.shard.0,
                format: rows::FORMAT,
            };
            let Opened { reader, writer, found } = self.store.open(&identity)?;
            if let Found::SetAside { why, kept } = &found {
                tracing::warn!(shard = %self.genesis.shard, %why, kept = %kept.display(), "a projection was set aside; it is rebuilt from the journal");
            }
            match State::load(&*reader, accounts_max, self.genesis.shard_count) {
                Ok(state) => match self.odd(&state, &found)? {
                    None => return Ok(Projection { state, reader, writer }),
                    Some(why) => self.discard(writer, why)?,
                },
                Err(error) => self.discard(writer, &error.to_string())?,
            }
        }
    }

    fn discard(&self, writer: Box<dyn Writer>, why: &str) -> Result<(), Error> {
        tracing::warn!(shard = %self.genesis.shard, why, "the projection is rebuilt from the journal");
        Ok(writer.discard(why)?)
    }

    /// Why the state is not one that this journal leads to, if it isn't.
    fn odd(&self, state: &State, found: &Found) -> Result<Option<&'static str>, Error> {
        let chain = &state.meta.chain;
        match found {
            Found::At(mark) if (mark.seq, mark.head) != (chain.seq().0, chain.head().0) => {
                return Ok(Some("its mark and its rows are of different positions"));
            }
            Found::At(_) | Found::Empty | Found::SetAside { .. } => {}
        }
        let Some((offset, hash)) = state.meta.last_record else { return Ok(None) };
        let (start, end) = self.log.bounds(&self.journal)?;
        if end == Offset(0) {
            let decided = chain.seq();
            return Err(Error::OtherJournal(format!(
                "it has {decided} records of it, and the journal here is empty"
            )));
        }
        if start == Offset(0)
            && let Some(first) = self.log.read(&self.journal, start, 1)?.first()
            && let Ok(Some(Entry::Genesis(found))) = Entry::decode(&first.record.value)
            && found != self.genesis
        {
            return Err(Error::OtherJournal(format!(
                "the journal here is of {found}, not of {}",
                self.genesis
            )));
        }
        if offset >= end {
            return Ok(Some("it is ahead of the journal"));
        }
        let read = self.log.read(&self.journal, offset, 1)?;
        let same = read.first().is_some_and(|record| Hash::default().then(&record.record.value) == hash);
        Ok(if same { None } else { Some("it is not on the journal's hash chain") })
    }
}
