//! Where a shard's thread is told things, and what it shows of itself.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use coalition_domain::AccountId;
use coalition_journal::entry::{Seq, ShardId};
use tokio::sync::watch;

use super::core::Window;
use super::handle::Status;
use super::post::Post;
use super::pulse::Pulse;
use crate::view::AccountView;

/// The way to one shard.
#[derive(Clone)]
pub(super) struct Mailbox {
    pub(super) post: Post,
    window: Arc<Window>,
    pub(super) queued: Arc<AtomicUsize>,
    pub(super) queue_max: usize,
    pub(super) published: watch::Receiver<Option<Status>>,
    pulse: Arc<Pulse>,
}

impl Mailbox {
    pub(super) fn new(
        (post, queue_max): (Post, usize),
        pulse: Arc<Pulse>,
    ) -> (Self, watch::Sender<Option<Status>>) {
        let (publish, published) = watch::channel(None);
        (Self { post, window: Arc::default(), queued: Arc::default(), queue_max, published, pulse }, publish)
    }

    /// What the shard shows of itself. One whose thread stands still decides nothing, and can't say so.
    pub(super) fn status(&self) -> Option<Status> {
        let status = self.published.borrow().clone()?;
        let in_office = status.in_office && !self.pulse.is_still();
        Some(Status { in_office, ..status })
    }

    pub(super) fn in_office(&self) -> bool {
        self.published.borrow().as_ref().is_some_and(|status| status.in_office) && !self.pulse.is_still()
    }

    /// Whether its thread does not come back from what it does. One that has nothing to do shows nothing.
    pub(super) fn hangs(&self) -> bool {
        self.published.borrow().is_some() && self.pulse.is_still()
    }

    /// Where the shard's thread shows its core.
    pub(super) fn window(&self) -> Arc<Window> {
        Arc::clone(&self.window)
    }

    /// An account, if it can be told without the shard's thread.
    pub(super) fn look(&self, shard: ShardId, id: AccountId, min: Seq) -> Option<AccountView> {
        self.window.account(shard, id, min, || self.post.is_at_rest())
    }

    /// How many commands and queries wait; the worker counts down.
    pub(super) fn queued(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.queued)
    }
}
