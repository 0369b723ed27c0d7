//! What time alone brings about: doubt, patience and distrust of the own clock.

use coalition_domain::Span;

use super::{Output, Shard, Unanswered};
use crate::clock::Now;
use crate::plant::Plant;

/// How long to wait after the log refused a record for want of room, in milliseconds.
const REFUSED_PAUSE_MS: i64 = 20;

/// Whether the pause after a refusal at `since` is over.
pub(super) fn breathed(since: Span, now: Now) -> bool {
    now.mono.as_millis() - since.as_millis() >= REFUSED_PAUSE_MS
}

impl Shard {
    /// Rules 6 and 12: an append that takes too long is doubted; an owner whose clock is off gives up its term.
    pub(super) fn check_time(&mut self, now: Now, out: &mut Vec<Output>) {
        self.refused = self.refused.filter(|since| !breathed(*since, now));
        let late =
            |sent: Span| now.mono.as_millis() - sent.as_millis() > self.limits.append_timeout.as_millis();
        let campaign = self.campaign.filter(|(_, sent)| late(*sent)).map(|(attempt, _)| attempt);
        let batch = self.under_way.as_ref().filter(|batch| late(batch.sent)).map(|batch| batch.attempt);
        if let Some(attempt) = campaign.or(batch) {
            self.campaign = None;
            let effects = self.office.timed_out(attempt);
            self.carry_out(effects, now, out);
        }
        self.check_clock(now, out);
    }

    /// Rule 12. A clock that was right has jumped, or the process stood still: the next term may know better. One that
    /// is wrong from the start of a term stays so for a while, and the journal is no place to find out how long.
    fn check_clock(&mut self, now: Now, out: &mut Vec<Output>) {
        let off =
            self.clock.as_ref().map(|clock| clock.skew(now)).filter(|off| *off > self.limits.clock_skew_max);
        if let Some(off) = off.filter(|_| !self.planted.has(Plant::SkewUnchecked)) {
            tracing::warn!(off_ms = off.as_millis(), "the clock is off the log's; the term is given up");
            self.clock = None;
            let mut effects = self.office.revoked();
            if std::mem::take(&mut self.clock_was_right) {
                effects.extend(self.office.assigned());
            } else {
                self.distrusted = Some(now.mono);
                self.answer_queued(Unanswered::NotOwner, out);
            }
            self.carry_out(effects, now, out);
        } else if self.clock.is_some_and(|clock| clock.is_held()) {
            self.clock_was_right = true;
        }
        let waited = |since: Span| now.mono.as_millis() - since.as_millis();
        if self.distrusted.is_some_and(|since| waited(since) > self.limits.clock_skew_max.as_millis()) {
            self.distrusted = None;
            let effects = self.office.assigned();
            self.carry_out(effects, now, out);
        }
    }
}
