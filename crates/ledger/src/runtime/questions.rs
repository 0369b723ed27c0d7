//! Questions to a shard: answered from what took effect, once the position that they name is folded.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use coalition_domain::AccountId;
use coalition_journal::entry::ShardId;

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
        // Out of office it may not know what others were told.
        let serves = self.serves();
        let (ready, later) = std::mem::take(&mut self.questions)
            .into_iter()
            .partition(|(min, question)| !serves || *min <= seq || gone(question));
        self.questions = later;
        let shard = self.place.genesis.shard;
        for (_, question) in ready {
            self.queued.fetch_sub(1, Ordering::Relaxed);
            if !serves {
                refuse(shard, question);
                continue;
            }
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

    /// None while it is out of office.
    pub(super) fn behind(&self, after: u64) -> Option<Behind> {
        if !self.serves() {
            return None;
        }
        let log = &self.shard.state().registry_log;
        let changes = usize::try_from(after).ok().and_then(|after| log.get(after..)).unwrap_or_default();
        Some(Behind { reader: Arc::clone(&self.reader), changes: changes.to_vec() })
    }

    pub(super) fn view(&self, id: AccountId) -> Result<AccountView, rows::Error> {
        AccountView::of(self.place.genesis.shard, self.shard.state(), &self.reader, id)
    }
}

/// Answers that the shard is not decided here now.
fn refuse(shard: ShardId, question: Message) {
    let why = Unavailable::NotOwner(shard);
    match question {
        Message::View { reply, .. } => drop(reply.send(Err(why))),
        Message::Sums { reply, .. } => drop(reply.send(Err(why))),
        Message::Search { reply, .. } => drop(reply.send(Err(why))),
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
