//! Questions to a shard: answered from what took effect, once the position that they name is folded.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use coalition_domain::AccountId;

use super::distant::Behind;
use super::handle::Unavailable;
use super::retry::chain;
use super::worker::{Exit, Message, Worker};
use crate::rows;
use crate::view::{AccountView, Search, SumsView};

impl Worker<'_> {
    /// Answers the questions whose position is folded.
    pub(super) fn answer_questions(&mut self) {
        let seq = self.shard.state().meta.chain.seq();
        // A question whose asker has gone away is taken too, so that it does not hold a place for ever.
        let gone = |question: &Message| match question {
            Message::View { reply, .. } => reply.is_closed(),
            Message::Sums { reply, .. } => reply.is_closed(),
            Message::Search { reply, .. } => reply.is_closed(),
            Message::Wake(_)
            | Message::Input(..)
            | Message::Command { .. }
            | Message::Change { .. }
            | Message::Behind { .. }
            | Message::StoreFailed(..)
            | Message::Duty(_)
            | Message::Stop => unreachable!("no question"),
        };
        let (ready, later) = std::mem::take(&mut self.questions)
            .into_iter()
            .partition(|(min, question)| *min <= seq || gone(question));
        self.questions = later;
        let shard = self.place.genesis.shard;
        for (_, question) in ready {
            self.queued.fetch_sub(1, Ordering::Relaxed);
            match question {
                Message::View { id, reply, .. } => {
                    let view = self.view(id).map_err(|error| {
                        self.failed = Some(Exit::StoreFailed(chain(&error)));
                        Unavailable::Rebuilding(shard)
                    });
                    drop(reply.send(view));
                }
                Message::Sums { reply, .. } => {
                    drop(reply.send(Ok(SumsView::of(shard, self.shard.state(), &self.reader))));
                }
                Message::Search { key, reply, .. } => {
                    drop(reply.send(Ok(Search::of(self.shard.state(), &self.reader, key))));
                }
                Message::Wake(_)
                | Message::Input(..)
                | Message::Command { .. }
                | Message::Change { .. }
                | Message::Behind { .. }
                | Message::StoreFailed(..)
                | Message::Duty(_)
                | Message::Stop => unreachable!("no question"),
            }
        }
    }

    pub(super) fn behind(&self, after: u64) -> Behind {
        let log = &self.shard.state().registry_log;
        let changes = usize::try_from(after).ok().and_then(|after| log.get(after..)).unwrap_or_default();
        Behind { reader: Arc::clone(&self.reader), changes: changes.to_vec() }
    }

    pub(super) fn view(&self, id: AccountId) -> Result<AccountView, rows::Error> {
        AccountView::of(self.place.genesis.shard, self.shard.state(), &self.reader, id)
    }
}
