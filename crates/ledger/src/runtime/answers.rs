//! Commands whose callers wait: each has a token until it is answered.

use std::sync::atomic::Ordering;

use coalition_journal::entry::Seq;
use tokio::sync::oneshot;
use tracing::Span;

use super::handle::{RegistryReply, Reply, Unavailable, account_decision, registry_decision, unavailable};
use super::worker::Worker;
use crate::resident::Activity;
use crate::shard::{Answer, Direct, Input, Token};
use crate::trace::TARGET;
use crate::view::Position;

/// Who waits for a command, and the span in which it was asked.
pub(super) struct Waiting {
    pub(super) caller: Caller,
    pub(super) span: Span,
}

/// Where the answer goes.
pub(super) enum Caller {
    Account(oneshot::Sender<Result<Reply, Unavailable>>),
    Registry(oneshot::Sender<Result<RegistryReply, Unavailable>>),
}

impl Worker<'_> {
    /// Puts a command before the core.
    pub(super) fn command(&mut self, direct: Box<Direct>, waiting: Waiting) {
        self.queued.fetch_sub(1, Ordering::Relaxed);
        self.next_token += 1;
        let token = Token(self.next_token);
        let shard = self.place.genesis.shard.0;
        waiting.span.in_scope(|| tracing::debug!(target: TARGET, shard, "a command waits for its decision"));
        self.waiting.insert(token, waiting);
        self.step(Input::Direct(token, direct));
    }

    /// Tells the caller what the core said.
    pub(super) fn answer(&mut self, token: Token, answer: Answer) {
        let shard = self.place.genesis.shard;
        let position = |seq| Position { shard, seq: Seq(seq) };
        let Some(Waiting { caller, span }) = self.waiting.remove(&token) else { return };
        let _span = span.entered();
        match &answer {
            Answer::Decided(answered) => {
                tracing::debug!(target: TARGET, shard = shard.0, seq = answered.place.seq, "decided and in effect");
            }
            Answer::Known(..) => tracing::debug!(target: TARGET, shard = shard.0, "decided before"),
            Answer::Not(why) => tracing::debug!(target: TARGET, shard = shard.0, ?why, "not decided here"),
        }
        // Whoever has gone away meanwhile hears nothing; a repeat will tell them.
        match (caller, answer) {
            (Caller::Account(reply), Answer::Decided(answered)) => {
                let activity = Activity {
                    number: answered.activity,
                    place: answered.place,
                    decided_at: answered.decided_at,
                    decision: account_decision(answered.decided),
                };
                drop(reply.send(Ok(Reply {
                    position: position(answered.place.seq),
                    activity,
                    repeated: false,
                })));
            }
            (Caller::Registry(reply), Answer::Decided(answered)) => drop(reply.send(Ok(RegistryReply {
                position: position(answered.place.seq),
                decided_at: answered.decided_at,
                decision: registry_decision(answered.decided),
            }))),
            (Caller::Account(reply), Answer::Known(id, number)) => {
                let activity = self.view(id).and_then(|view| view.activity(number));
                let known = match activity {
                    Ok(Some(activity)) => {
                        Ok(Reply { position: position(activity.place.seq), activity, repeated: true })
                    }
                    Ok(None) | Err(_) => Err(Unavailable::Rebuilding(shard)),
                };
                drop(reply.send(known));
            }
            (Caller::Registry(_), Answer::Known(..)) => {
                unreachable!("an account's activity answers an account's command")
            }
            (Caller::Account(reply), Answer::Not(why)) => drop(reply.send(Err(unavailable(shard, why)))),
            (Caller::Registry(reply), Answer::Not(why)) => drop(reply.send(Err(unavailable(shard, why)))),
        }
    }
}
