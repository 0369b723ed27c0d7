//! Questions to a shard: answered from what took effect, once the position that they name is folded.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use coalition_domain::{AccountId, Fingerprint};
use tokio::sync::oneshot;

use super::distant::Behind;
use super::handle::Unavailable;
use super::retry::chain;
use super::worker::{Exit, Worker};
use crate::rows;
use crate::view::{AccountView, Search, SumsView};

/// What is asked of what took effect, and who waits for it.
pub(super) enum Question {
    /// Show an account.
    View(AccountId, oneshot::Sender<Result<AccountView, Unavailable>>),
    /// Show the sums.
    Sums(oneshot::Sender<Result<SumsView, Unavailable>>),
    /// Look for an event.
    Search(Fingerprint, oneshot::Sender<Result<Search, Unavailable>>),
}

impl Question {
    fn is_given_up(&self) -> bool {
        match self {
            Self::View(_, reply) => reply.is_closed(),
            Self::Sums(reply) => reply.is_closed(),
            Self::Search(_, reply) => reply.is_closed(),
        }
    }

    /// Tells whoever asks why there is no answer.
    pub(super) fn refuse(self, why: Unavailable) {
        // Whoever has gone away hears nothing.
        match self {
            Self::View(_, reply) => drop(reply.send(Err(why))),
            Self::Sums(reply) => drop(reply.send(Err(why))),
            Self::Search(_, reply) => drop(reply.send(Err(why))),
        }
    }
}

impl Worker<'_> {
    /// Answers the questions whose position is folded.
    pub(super) fn answer_questions(&mut self) {
        let seq = self.core.shard.state().meta.chain.seq();
        // Out of office it may not know what others were told.
        let serves = self.core.serves();
        // A question whose asker has gone away is taken too, so that it does not hold a place for ever.
        let (ready, later) = std::mem::take(&mut self.questions)
            .into_iter()
            .partition(|(min, question)| !serves || *min <= seq || question.is_given_up());
        self.questions = later;
        let shard = self.place.genesis.shard;
        for (_, question) in ready {
            self.place.pulse.beat();
            self.queued.fetch_sub(1, Ordering::Relaxed);
            if !serves {
                question.refuse(Unavailable::NotOwner(shard));
                continue;
            }
            match question {
                Question::View(id, reply) => {
                    let view = self.view(id).map_err(|error| {
                        self.failed = Some(Exit::StoreFailed(chain(&error)));
                        Unavailable::Rebuilding(shard)
                    });
                    drop(reply.send(view));
                }
                Question::Sums(reply) => {
                    drop(reply.send(Ok(SumsView::of(shard, self.core.shard.state(), &self.core.reader))));
                }
                Question::Search(key, reply) => {
                    drop(reply.send(Ok(Search::of(self.core.shard.state(), &self.core.reader, key))));
                }
            }
        }
    }

    /// None while it is out of office.
    pub(super) fn behind(&self, after: u64) -> Option<Behind> {
        if !self.core.serves() {
            return None;
        }
        let log = &self.core.shard.state().registry_log;
        let changes = usize::try_from(after).ok().and_then(|after| log.get(after..)).unwrap_or_default();
        Some(Behind { reader: Arc::clone(&self.core.reader), changes: changes.to_vec() })
    }

    pub(super) fn view(&self, id: AccountId) -> Result<AccountView, rows::Error> {
        AccountView::of(self.place.genesis.shard, self.core.shard.state(), &self.core.reader, id)
    }
}
