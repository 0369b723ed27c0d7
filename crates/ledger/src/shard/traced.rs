//! Following events through a batch, when somebody wants to see that.

use coalition_domain::{Outcome, PartnerEvent};
use coalition_journal::entry::ShardId;

use super::Queued;
use crate::body::Item;
use crate::draft::{Draft, Drafted};
use crate::inbox::Request;
use crate::trace::{self, TARGET, TraceParent};

/// Events of one batch that are followed; the others of it went the same way.
const TRACED_MAX: usize = 16;

/// Some events of a batch on its way.
#[derive(Default)]
pub(super) struct Traced(Vec<(TraceParent, PartnerEvent)>);

impl Traced {
    /// Notes what became of an event in the draft, if it is one to be followed.
    pub(super) fn decided(&mut self, queued: &Queued, drafted: &Drafted, draft: &Draft, shard: ShardId) {
        let (Some(trace), Request::Event(event, _)) = (&queued.trace, &queued.request) else { return };
        if self.0.len() >= TRACED_MAX {
            return;
        }
        let outcome = match drafted {
            Drafted::Item(item) => match draft.item(*item).0 {
                Item::Account(decision, _) => match &decision.outcome {
                    Outcome::Applied(_) => "applied",
                    Outcome::Refused(rejection) => rejection.code(),
                    Outcome::Waiting(_) => "waiting",
                    Outcome::Forwarded(_) => "forwarded",
                },
                Item::Registry(_) | Item::Relayed(_) | Item::Taken(..) | Item::Asked { .. } => {
                    unreachable!("an event is a command of an account")
                }
            },
            Drafted::Known(_) | Drafted::InBatch(_) | Drafted::KnownRegistry(_) => "repeated",
            Drafted::Nothing => unreachable!("an event is decided"),
            // It will be looked at again, in the next batch.
            Drafted::Full => return,
        };
        let _stage = trace::stage("decide", trace, event, Some(shard));
        tracing::debug!(target: TARGET, outcome, "decided");
        self.0.push((*trace, event.clone()));
    }

    /// The batch is on its way to the journal as record `seq`.
    pub(super) fn sent(&self, shard: ShardId, seq: u64) {
        self.each("append", shard, seq, || tracing::debug!(target: TARGET, "on its way to the journal"));
    }

    /// The batch was read back in effect as record `seq`, and folded.
    pub(super) fn folded(&self, shard: ShardId, seq: u64) {
        self.each("fold", shard, seq, || tracing::debug!(target: TARGET, "read back, in effect and folded"));
    }

    fn each(&self, stage: &'static str, shard: ShardId, seq: u64, say: impl Fn()) {
        if self.0.is_empty() {
            return;
        }
        let traced = self.0.len();
        let _batch = tracing::debug_span!(target: TARGET, "batch", shard = shard.0, seq, traced).entered();
        for (trace, event) in &self.0 {
            let _stage = trace::stage(stage, trace, event, Some(shard));
            say();
        }
    }
}
