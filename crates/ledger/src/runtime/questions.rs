//! Questions to a shard: answered from what took effect, once the position that they name is folded.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use coalition_domain::{AccountId, Timestamp};

use super::handle::Unavailable;
use super::retry::chain;
use super::worker::{Message, Worker};
use crate::rows;
use crate::view::{AccountView, Position, SumsView};

impl Worker<'_> {
    /// Answers the questions whose position is folded.
    pub(super) fn answer_questions(&mut self) {
        let seq = self.shard.state().meta.chain.seq();
        // A question whose asker has gone away is taken too, so that it does not hold a place for ever.
        let gone = |question: &Message| match question {
            Message::View { reply, .. } => reply.is_closed(),
            Message::Sums { reply, .. } => reply.is_closed(),
            Message::Wake
            | Message::Input(_)
            | Message::Command { .. }
            | Message::Change { .. }
            | Message::StoreFailed(_)
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
                        self.failed = Some(chain(&error));
                        Unavailable::Rebuilding(shard)
                    });
                    drop(reply.send(view));
                }
                Message::Sums { reply, .. } => {
                    let totals = &self.shard.state().totals;
                    drop(reply.send(Ok(SumsView {
                        position: Position { shard, seq },
                        books: totals.books().clone(),
                        lines: totals.lines().clone(),
                        reader: Arc::clone(&self.reader),
                    })));
                }
                Message::Wake
                | Message::Input(_)
                | Message::Command { .. }
                | Message::Change { .. }
                | Message::StoreFailed(_)
                | Message::Stop => unreachable!("no question"),
            }
        }
    }

    pub(super) fn view(&self, id: AccountId) -> Result<AccountView, rows::Error> {
        let state = self.shard.state();
        let resident = match state.accounts.get(&id) {
            Some(resident) => Arc::clone(resident),
            None => Arc::new(rows::load_account(&*self.reader, &id)?),
        };
        let position = Position { shard: self.place.genesis.shard, seq: state.meta.chain.seq() };
        Ok(AccountView {
            position,
            decided_at: state.meta.decided_at.unwrap_or(Timestamp::MIN),
            registry: Arc::clone(&state.registry),
            resident,
            reader: Arc::clone(&self.reader),
        })
    }
}
