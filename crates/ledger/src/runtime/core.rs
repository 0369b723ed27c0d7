//! The core of a shard between the turns of its thread: who only looks doesn't wake the thread for it.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};
use std::time::{Duration, Instant};

use coalition_domain::AccountId;
use coalition_journal::entry::{Seq, ShardId};
use coalition_store::Reader;

use super::membership::Shared;
use crate::shard::Shard;
use crate::view::AccountView;

/// Time for which the log may be unreadable until the shard counts as out of office.
const UNREAD_MAX: Duration = Duration::from_secs(10);

/// The core, with what tells whether it may be shown.
pub(super) struct Core {
    pub(super) shard: Shard,
    pub(super) reader: Arc<dyn Reader>,
    pub(super) group: Arc<Shared>,
    /// Since when the log could not be read.
    pub(super) unread_since: Option<Instant>,
}

impl Core {
    /// Whether it decides what it is asked: in office, the log can be read, and the group hears this process. At the end that
    /// is known here a read finds nothing and no fault, so who is cut off from the log learns of it by its silence only.
    pub(super) fn serves(&self) -> bool {
        self.shard.in_office()
            && self.group.is_in_contact()
            && self.unread_since.is_none_or(|since| since.elapsed() < UNREAD_MAX)
    }
}

/// The place of a core that others can look at; empty while the shard is not run here.
#[derive(Default)]
pub(super) struct Window(RwLock<Option<Core>>);

impl Window {
    /// An account as it is, if that can be told here and now: the thread rests, the shard is in office and at `min`, and the
    /// account is in memory. What keeps it from being told is for the thread to say.
    pub(super) fn account(
        &self,
        shard: ShardId,
        id: AccountId,
        min: Seq,
        is_at_rest: impl Fn() -> bool,
    ) -> Option<AccountView> {
        let core = self.0.try_read().ok()?;
        // In this order: who is in contact again by a word that was just heard was sent before that what it means for the shard.
        let core = core.as_ref().filter(|core| core.serves() && is_at_rest())?;
        let state = core.shard.state();
        let shown = state.meta.chain.seq() >= min && state.accounts.contains(&id);
        shown.then(|| AccountView::of(shard, state, &core.reader, id).ok()).flatten()
    }
}

/// The core in the hands of its thread. Whoever looks meanwhile is turned away.
pub(super) struct Held<'a> {
    window: &'a Window,
    guard: Option<RwLockWriteGuard<'a, Option<Core>>>,
}

impl<'a> Held<'a> {
    pub(super) fn new(window: &'a Window, core: Core) -> Self {
        let mut held = Self { window, guard: None };
        held.take();
        **held.guard.as_mut().expect("just taken") = Some(core);
        held
    }

    /// Lets others look while `wait` lasts.
    pub(super) fn show<T>(&mut self, wait: impl FnOnce() -> T) -> T {
        self.guard = None;
        let waited = wait();
        self.take();
        waited
    }

    fn take(&mut self) {
        // Whoever panicked while it held the core has emptied the place.
        self.guard = Some(self.window.0.write().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Deref for Held<'_> {
    type Target = Core;

    fn deref(&self) -> &Core {
        self.guard.as_deref().and_then(Option::as_ref).expect(HELD)
    }
}

impl DerefMut for Held<'_> {
    fn deref_mut(&mut self) -> &mut Core {
        self.guard.as_deref_mut().and_then(Option::as_mut).expect(HELD)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if let Some(guard) = &mut self.guard {
            guard.take();
        }
    }
}

const HELD: &str = "nobody else puts anything there, or takes it away";

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::group::Directory;
    use crate::resident::Resident;
    use crate::runtime::membership::shared;
    use crate::shard::tests::in_office;

    const SHARD: ShardId = ShardId(0);
    const KNOWN: AccountId = AccountId(Uuid::from_u128(1));

    fn core(group: Option<Duration>) -> Core {
        let (shard, reader) = in_office(vec![Resident::new(KNOWN)]);
        let (group, _asked) = shared(Directory::default(), None, group);
        Core { shard, reader, group: Arc::new(group), unread_since: None }
    }

    fn seen(window: &Window, id: AccountId, min: Seq) -> bool {
        window.account(SHARD, id, min, || true).is_some()
    }

    #[test]
    fn an_account_is_seen_while_the_thread_rests_and_at_no_other_time() {
        let window = Window::default();
        assert!(!seen(&window, KNOWN, Seq(0)), "nobody runs the shard");
        let mut held = Held::new(&window, core(None));
        assert!(!seen(&window, KNOWN, Seq(0)), "the thread is at work");
        let now = held.shard.state().meta.chain.seq();
        held.show(|| {
            assert!(seen(&window, KNOWN, now));
            assert!(!seen(&window, KNOWN, Seq(now.0 + 1)), "it is not there yet");
            assert!(!seen(&window, AccountId(Uuid::from_u128(2)), now), "only the store may know it");
            assert!(window.account(SHARD, KNOWN, now, || false).is_none(), "something waits for the thread");
        });
        held.unread_since = Instant::now().checked_sub(UNREAD_MAX);
        held.show(|| assert!(!seen(&window, KNOWN, now), "the log could not be read for long"));
        drop(held);
        assert!(!seen(&window, KNOWN, now), "the shard is run here no more");
    }

    #[test]
    fn a_process_that_the_group_does_not_hear_shows_nothing() {
        let window = Window::default();
        let mut held = Held::new(&window, core(Some(Duration::from_secs(60))));
        held.show(|| assert!(!seen(&window, KNOWN, Seq(0))));
        let group = Arc::clone(&held.group);
        held.show(|| {
            // It is heard while somebody looks: that the thread rests was true before.
            let rests = || {
                group.was_heard(Instant::now());
                true
            };
            assert!(window.account(SHARD, KNOWN, Seq(0), rests).is_none());
        });
        group.was_heard(Instant::now());
        held.show(|| assert!(seen(&window, KNOWN, Seq(0))));
    }
}
