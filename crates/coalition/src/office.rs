//! Waiting for the shards to take office, and telling a person what is waited for.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use coalition_domain::{Span, Timestamp};
use coalition_journal::entry::{Seq, ShardId};
use coalition_journal::log::{Log, Offset, Partition};
use coalition_ledger::runtime::{JOURNAL, Ledger, Unavailable};
use coalition_ledger::shard::relay::HOME;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::client::failure::Trouble;
use crate::client::note;
use crate::client::text::grouped;

/// Nothing is said before it has taken so long.
const QUIET: Duration = Duration::from_secs(5);
/// Then it is said so often.
const REPEAT: Duration = Duration::from_secs(10);

/// Waits until every shard is in office. In a process alone one that has stopped for good ends the wait at once. Where others may run
/// it, nobody waits longer than `apart`, but for the shard that knows keys and partners: what one shard lacks is no reason to do
/// nothing for the rest.
pub(crate) async fn taken(
    log: &Arc<dyn Log>,
    ledger: &Ledger,
    clock_skew_max: Span,
    apart: Option<Duration>,
) -> Result<()> {
    let mut waits = JoinSet::new();
    for shard in (0..ledger.shards()).map(ShardId) {
        let ledger = ledger.clone();
        waits.spawn(async move { ledger.wait(shard, |status| status.in_office).await });
    }
    let all = async {
        while let Some(done) = waits.join_next().await {
            done?.map_err(unavailable)?;
        }
        Ok(())
    };
    let enough = async {
        match apart {
            Some(apart) => {
                tokio::time::sleep(apart).await;
                ledger.wait(HOME, |status| status.in_office).await.map(drop).map_err(unavailable)
            }
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        waited = all => waited,
        waited = enough => {
            for (shard, _) in out_of_office(ledger) {
                note(&format!("starting without shard {shard}, which is not in office yet; calls for it wait"));
            }
            waited
        }
        () = tell(log, ledger, clock_skew_max) => Ok(()),
    }
}

/// Says now and then what is waited for. Never ends.
async fn tell(log: &Arc<dyn Log>, ledger: &Ledger, clock_skew_max: Span) {
    let mut ticks = interval_at(Instant::now() + QUIET, REPEAT);
    // A log that is away takes its time to say so.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        for (shard, read) in out_of_office(ledger) {
            let log = Arc::clone(log);
            let journal = tokio::task::spawn_blocking(move || journal(&*log, shard)).await;
            let (end, behind) = journal.ok().flatten().unwrap_or_default();
            let behind = Some(behind).filter(|behind| *behind > clock_skew_max);
            note(&format!("waiting for shard {shard}: {}", why(read, end, behind)));
        }
    }
}

/// The shards that are not in office, with how far each is; `None` while it is opened.
fn out_of_office(ledger: &Ledger) -> Vec<(ShardId, Option<Seq>)> {
    let shards = (0..ledger.shards()).map(|shard| (ShardId(shard), ledger.status(ShardId(shard))));
    let missing = shards.filter(|(_, status)| status.as_ref().is_none_or(|status| !status.in_office));
    missing.map(|(shard, status)| (shard, status.map(|status| status.position.seq))).collect()
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
    use coalition_journal::entry::{Hash, Term};
    use coalition_journal::memory::Memory;
    use coalition_ledger::runtime::{Asked, Distant, Status};
    use coalition_ledger::wire::{Question, StatusWire};
    use tokio::sync::watch;

    use super::*;

    /// A shard that another process runs, and shows in office or doesn't.
    struct Elsewhere(watch::Sender<Option<Status>>);

    impl Distant for Elsewhere {
        fn status(&self) -> watch::Receiver<Option<Status>> {
            self.0.subscribe()
        }

        fn ask(&self, _: Question) -> Asked {
            unreachable!("it is looked at only")
        }
    }

    /// Whether shards of others, of which these are in office, are enough to begin with.
    async fn are_enough(in_office: [bool; 2]) -> bool {
        let shard = |(number, in_office): (u32, bool)| {
            let shard = ShardId(number);
            let said = StatusWire {
                term: Term(1),
                seq: Seq(1),
                head: Hash::default(),
                in_office,
                stored: Seq(1),
                inbox_next: Offset(0),
                horizon: None,
                waits_since: None,
                changes: 0,
                stopped: None,
            };
            let status = Status::of_wire(shard, said, Arc::default());
            Arc::new(Elsewhere(watch::Sender::new(Some(status)))) as Arc<dyn Distant>
        };
        let ledger = Ledger::of_others((0..).zip(in_office).map(shard).collect());
        let log: Arc<dyn Log> = Arc::new(Memory::new());
        let taken = taken(&log, &ledger, Span::from_millis(30_000), Some(Duration::from_millis(1)));
        tokio::time::timeout(Duration::from_millis(100), taken).await.is_ok_and(|taken| taken.is_ok())
    }

    #[tokio::test]
    async fn a_process_among_others_begins_without_a_shard_that_nobody_runs_unless_it_is_the_first() {
        assert!(are_enough([true, true]).await);
        assert!(are_enough([true, false]).await);
        assert!(!are_enough([false, true]).await);
    }

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
