//! Waiting for the shards to take office, and telling a person what is waited for.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use coalition_domain::{Span, Timestamp};
use coalition_journal::entry::{Seq, ShardId};
use coalition_journal::log::{Log, Offset, Partition};
use coalition_ledger::runtime::{JOURNAL, Ledger, Unavailable};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval_at};

use crate::client::failure::Trouble;
use crate::client::note;
use crate::client::text::grouped;

/// Nothing is said before it has taken so long.
const QUIET: Duration = Duration::from_secs(5);
/// Then it is said so often.
const REPEAT: Duration = Duration::from_secs(10);

/// Waits until every shard is in office. One that has stopped for good ends the wait at once.
pub(crate) async fn taken(log: &Arc<dyn Log>, ledger: &Ledger, clock_skew_max: Span) -> Result<()> {
    let shards = || (0..ledger.shards()).map(ShardId);
    let mut waits = JoinSet::new();
    for shard in shards() {
        let ledger = ledger.clone();
        waits.spawn(async move { ledger.wait(shard, |status| status.in_office).await });
    }
    let mut ticks = interval_at(Instant::now() + QUIET, REPEAT);
    loop {
        tokio::select! {
            done = waits.join_next() => match done {
                Some(done) => drop(done?.map_err(unavailable)?),
                None => return Ok(()),
            },
            _ = ticks.tick() => {
                for shard in shards() {
                    let status = ledger.status(shard);
                    if status.as_ref().is_none_or(|status| !status.in_office) {
                        let (end, behind) = journal(&**log, shard).unwrap_or_default();
                        let behind = Some(behind).filter(|behind| *behind > clock_skew_max);
                        let read = status.map(|status| status.position.seq);
                        note(&format!("waiting for shard {shard}: {}", why(read, end, behind)));
                    }
                }
            }
        }
    }
}

/// How many records a journal has, and how far the wall clock is behind the last of them.
fn journal(log: &dyn Log, shard: ShardId) -> Option<(Offset, Span)> {
    let journal = Partition::new(JOURNAL, shard.0);
    let (_, end) = log.bounds(&journal).ok()?;
    let last = log.read(&journal, Offset(end.0.checked_sub(1)?), 1).ok()?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).ok()?;
    let now = Timestamp::from_millis(i64::try_from(now.as_millis()).ok()?);
    Some((end, last.first()?.append_time.since(now)))
}

/// What keeps a shard from deciding.
fn why(read: Option<Seq>, end: Offset, behind: Option<Span>) -> String {
    match (read, behind) {
        (_, Some(behind)) => format!(
            "this machine's clock is {} s behind the newest record of its journal; set it right",
            grouped(behind.as_millis() / 1_000)
        ),
        (None, None) => "it opens its projection".to_owned(),
        (Some(seq), None) => {
            format!("it catches up, at seq {} of a journal of {} records", grouped(seq.0), grouped(end.0))
        }
    }
}

/// Why a network can't be started.
pub(crate) fn unavailable(why: Unavailable) -> anyhow::Error {
    match &why {
        Unavailable::Stopped(..) => Trouble::advised(
            why.to_string(),
            "it can't go on by itself: restore a damaged file of the log from a backup; for a journal that a later release has written, run that release",
        )
        .into(),
        Unavailable::NotOwner(_)
        | Unavailable::NotApplied
        | Unavailable::OutcomeUnknown
        | Unavailable::Overloaded(_)
        | Unavailable::Rebuilding(_) => why.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_waited_for_is_told() {
        assert_eq!(why(None, Offset(0), None), "it opens its projection");
        assert_eq!(
            why(Some(Seq(1_200)), Offset(5_000), None),
            "it catches up, at seq 1,200 of a journal of 5,000 records"
        );
        assert_eq!(
            why(Some(Seq(1_200)), Offset(5_000), Some(Span::from_millis(7_200_500))),
            "this machine's clock is 7,200 s behind the newest record of its journal; set it right"
        );
    }
}
