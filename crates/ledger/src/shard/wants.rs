//! What a core can take in now: what it wants of journal and inbox, and what holds it up.

use coalition_domain::{Span, Timestamp};
use coalition_journal::log::Offset;

use super::{Shard, fold};
use crate::clock::Now;

/// Refused events that may wait for their way back to their partners, before nothing more is read from the inbox.
const REFUSED_WAITING_MAX: usize = 10_000;

/// Commands to accounts elsewhere that may wait for their way, before nothing more is read from the inbox.
const OUTBOX_WAITING_MAX: usize = 10_000;

/// What they may take in memory, in bytes and about.
const OUTBOX_BYTES_MAX: usize = 64 * 1024 * 1024;

/// How long after a question the next one is expected.
const ATTENDED_FOR: Span = Span::from_secs(1);

impl Shard {
    /// Whether somebody asks: then what has to be done comes in small pieces, so that nobody waits long for one of them.
    pub fn is_attended(&self, now: Now) -> bool {
        self.asked.is_some_and(|asked| {
            now.mono.as_millis().saturating_sub(asked.as_millis()) <= ATTENDED_FOR.as_millis()
        })
    }

    /// How many commands one batch may have now.
    pub(super) fn batch_commands(&self, now: Now) -> usize {
        let most = self.limits.batch_commands_max;
        if self.is_attended(now) { most.min(self.limits.batch_attended_max) } else { most }
    }

    /// Since when the oldest command of the inbox waits that is not in effect: the time at which the log took it. While
    /// nothing is read from there, the time of what was decided last, which is earlier. `None` if nothing waits here.
    pub fn waits_since(&self) -> Option<Timestamp> {
        let under_way = self.under_way.as_ref().and_then(|batch| batch.oldest);
        let queued = under_way.or_else(|| self.inbox.front().map(|queued| queued.append_time));
        queued.or_else(|| self.wants_inbox().map_or(self.state.meta.horizon, |_| None))
    }

    /// From where it wants records of the journal; `None` while it has enough.
    pub fn wants_journal(&self) -> Option<Offset> {
        // In office what comes is its own, and others wait for it.
        let room = self.unfolded.len() < fold::UNFOLDED_MAX && (self.in_office() || !self.waits_for_store());
        (self.stopped.is_none() && room).then(|| self.next_offset())
    }

    /// Whether so much is in memory alone that a checkpoint should not wait any longer.
    pub fn has_much_for_store(&self) -> bool {
        self.untaken_bytes > self.limits.unstored_bytes_max / 2
            || self.state.accounts.dirty() >= self.limits.unstored_accounts_max
    }

    /// Whether so much is in memory alone that the checkpoint under way should come first.
    pub(super) fn waits_for_store(&self) -> bool {
        // Bytes of the journal say little about memory: an account takes 5 KiB there, the event that began it 250 bytes here.
        let much = self.untaken_bytes > self.limits.unstored_bytes_max
            || self.state.accounts.dirty() >= self.limits.unstored_accounts_max;
        self.taken > self.stored && much
    }

    /// How many more events may be refused before those on their way back, and the store, come first.
    pub(super) fn refusals_room(&self) -> usize {
        if self.waits_for_store() {
            return 0;
        }
        REFUSED_WAITING_MAX.saturating_sub(self.state.refused.count())
    }

    /// How many more commands may ask something of accounts elsewhere, before those on their way come first.
    pub(super) fn outbox_room(&self) -> usize {
        if self.state.outbox.bytes() > OUTBOX_BYTES_MAX {
            return 0;
        }
        OUTBOX_WAITING_MAX.saturating_sub(self.state.outbox.count())
    }

    /// From where it wants records of the inbox; `None` while it has enough or is not in office.
    pub fn wants_inbox(&self) -> Option<Offset> {
        let ways = self.refusals_room() > 0 && self.outbox_room() > 0;
        let room = self.inbox.len() < self.limits.inbox_commands_max && ways;
        let wants = self.stopped.is_none() && self.in_office() && room;
        wants.then_some(self.inbox_read)
    }

    /// Whether there is nothing that it could do without an input.
    pub fn is_idle(&self) -> bool {
        self.unfolded.is_empty()
            && self.inbox.is_empty()
            && self.direct.is_empty()
            && self.under_way.is_none()
    }
}
