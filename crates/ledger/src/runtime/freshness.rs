//! How far behind its inbox a shard is, and so how old the balances are that it shows.

use coalition_domain::{Span, Timestamp};
use coalition_journal::entry::ShardId;
use coalition_journal::log::{self, Log, Offset, Partition};

use super::{INBOX, Ledger, Status};

/// How fresh a shard is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Freshness {
    /// Records of the inbox that no decision in effect covers.
    pub inbox_lag: u64,
    /// How long the oldest of them has been there, by the log's clock and this machine's: nothing that is older is missing
    /// from a balance. Zero if there is none. While the shard doesn't read its inbox it is not known, and this is the time
    /// since the last record that was decided, which is longer.
    pub balance_age: Span,
}

impl Freshness {
    /// Of a shard that shows `status` and whose inbox ends at `end`; `waits_since` is what it says of its oldest command.
    pub(super) fn of(status: &Status, waits_since: Option<Timestamp>, end: Offset, now: Timestamp) -> Self {
        let inbox_lag = end.0.saturating_sub(status.inbox_next.0);
        // In office, what it has not read yet came this very moment.
        let unread = if status.in_office { None } else { status.horizon };
        let since = waits_since.or(unread).filter(|_| inbox_lag > 0);
        let age = since.map_or(0, |since| now.since(since).as_millis().max(0));
        Self { inbox_lag, balance_age: Span::from_millis(age) }
    }
}

impl Ledger {
    /// How fresh a shard is by `now`, which is the wall clock; `None` while it is starting. Asks `log` for the end of the
    /// shard's inbox: not for an async thread.
    ///
    /// # Errors
    /// Those of the log.
    pub fn freshness(
        &self,
        shard: ShardId,
        log: &dyn Log,
        now: Timestamp,
    ) -> Result<Option<Freshness>, log::Error> {
        let Some(status) = self.status(shard) else { return Ok(None) };
        let (_, end) = log.bounds(&Partition::new(INBOX, shard.0))?;
        let waits_since = status.waits_since.or_else(|| self.metrics.of(shard).waits_since());
        Ok(Some(Freshness::of(&status, waits_since, end, now)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(in_office: bool, waits_since: Option<i64>, end: u64, expected: (u64, i64)) {
        let status = Status {
            in_office,
            inbox_next: Offset(10),
            horizon: Some(Timestamp::from_millis(1_000)),
            ..Status::starting(ShardId(0))
        };
        let now = Timestamp::from_millis(61_000);
        let found = Freshness::of(&status, waits_since.map(Timestamp::from_millis), Offset(end), now);
        assert_eq!((found.inbox_lag, found.balance_age.as_millis()), expected);
    }

    #[test]
    fn a_balance_is_as_old_as_the_oldest_that_is_not_in_it() {
        check(true, Some(60_500), 13, (3, 500));
        // Nothing is missing, however long ago the last event was.
        check(true, None, 10, (0, 0));
        check(false, None, 10, (0, 0));
        check(true, Some(60_500), 10, (0, 0));
        // It came just now; or nobody has looked since the last decision.
        check(true, None, 11, (1, 0));
        check(false, None, 11, (1, 60_000));
        check(false, Some(31_000), 11, (1, 30_000));
        // The log's clock is ahead of ours.
        check(true, Some(61_001), 11, (1, 0));
    }
}
