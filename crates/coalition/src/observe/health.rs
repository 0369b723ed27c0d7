//! Whether the process is alive, and whether it is ready.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use coalition_journal::entry::ShardId;
use coalition_ledger::group::OUTDATED;
use coalition_ledger::runtime::{Ledger, Status};

/// Why not, one line for each reason; empty if all is well.
pub(super) type Faults = Vec<String>;

/// Alive: no shard of this process was stopped by a fault, which only a person and a new start can mend.
pub(super) fn alive(ledger: Option<&Ledger>) -> Faults {
    let Some(ledger) = ledger else { return Vec::new() };
    let shards = (0..ledger.shards()).map(ShardId);
    shards.filter_map(|shard| stopped(shard, ledger.status_here(shard).as_ref())).collect()
}

/// Ready: every shard is in office, here or in another process, or was a moment ago, the gateway listens, if this process has
/// one, and it can read what the others agree on.
pub(super) struct Ready {
    unowned_max: Duration,
    /// When it was seen last that every shard is in office.
    owned: Mutex<Option<Instant>>,
}

impl Ready {
    pub(super) fn new(unowned_max: Duration) -> Self {
        Self { unowned_max, owned: Mutex::default() }
    }

    /// `outdated` is of the group's directory, if there is one.
    pub(super) fn faults(
        &self,
        ledger: Option<&Ledger>,
        outdated: Option<u8>,
        gateway_listens: bool,
    ) -> Faults {
        let mut faults = out_of_office(ledger);
        {
            let mut owned = self.owned.lock().unwrap_or_else(PoisonError::into_inner);
            if faults.is_empty() {
                *owned = Some(Instant::now());
            } else if owned.is_some_and(|owned| owned.elapsed() < self.unowned_max) {
                faults.clear();
            }
        }
        if let Some(version) = outdated {
            faults.push(format!(
                "{OUTDATED}: the processes of the network agree in version {version} of their format, which this release can't read"
            ));
        }
        if !gateway_listens {
            faults.push("the gateway does not listen".to_owned());
        }
        faults
    }
}

fn out_of_office(ledger: Option<&Ledger>) -> Faults {
    match ledger {
        None => vec!["the shards are not started yet".to_owned()],
        Some(_) => shards(ledger)
            .iter()
            .filter_map(|(shard, status)| not_in_office(*shard, status.as_ref()))
            .collect(),
    }
}

fn shards(ledger: Option<&Ledger>) -> Vec<(ShardId, Option<Status>)> {
    let Some(ledger) = ledger else { return Vec::new() };
    (0..ledger.shards()).map(ShardId).map(|shard| (shard, ledger.status(shard))).collect()
}

fn stopped(shard: ShardId, status: Option<&Status>) -> Option<String> {
    let why = status?.stopped.as_ref()?;
    Some(format!("shard {shard} has stopped: {why}"))
}

fn not_in_office(shard: ShardId, status: Option<&Status>) -> Option<String> {
    match status {
        None => Some(format!("shard {shard} opens its projection")),
        Some(status) if status.stopped.is_some() => stopped(shard, Some(status)),
        Some(status) if !status.in_office => {
            Some(format!("shard {shard} is not in office; it has read its journal up to {}", status.position))
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use coalition_journal::entry::{Seq, Term};
    use coalition_ledger::view::Position;

    use super::*;

    fn shard(in_office: bool, stopped: Option<&str>) -> Status {
        Status {
            position: Position { shard: ShardId(2), seq: Seq(7) },
            head: Default::default(),
            term: Term(1),
            in_office,
            registry: Arc::default(),
            stored: Seq(0),
            inbox_next: Default::default(),
            horizon: None,
            waits_since: None,
            stopped: stopped.map(str::to_owned),
        }
    }

    #[test]
    fn before_the_shards_are_started_the_process_is_alive_and_not_ready() {
        assert!(alive(None).is_empty());
        assert_eq!(
            Ready::new(Duration::ZERO).faults(None, None, false),
            ["the shards are not started yet", "the gateway does not listen"]
        );
    }

    #[test]
    fn a_process_that_cannot_read_what_others_agree_on_is_not_ready() {
        let ready = Ready::new(Duration::from_secs(60));
        // That shards were in office a moment ago doesn't count for it.
        *ready.owned.lock().unwrap() = Some(Instant::now());
        assert!(ready.faults(None, None, true).is_empty());
        assert_eq!(
            ready.faults(None, Some(2), true),
            [
                "GROUP_OUTDATED: the processes of the network agree in version 2 of their format, which this release can't read"
            ]
        );
    }

    #[test]
    fn a_shard_says_why_it_is_not_in_office() {
        let said = |status: Option<&Status>| not_in_office(ShardId(2), status);
        assert_eq!(said(None).unwrap(), "shard 2 opens its projection");
        let replaying = "shard 2 is not in office; it has read its journal up to 2/7";
        assert_eq!(said(Some(&shard(false, None))).unwrap(), replaying);
        assert_eq!(said(Some(&shard(true, None))), None);
        // A fault stops a shard for good, whatever it says of its office.
        let broken = shard(true, Some("damaged"));
        assert_eq!(said(Some(&broken)).unwrap(), "shard 2 has stopped: damaged");
        assert_eq!(stopped(ShardId(2), Some(&broken)).unwrap(), "shard 2 has stopped: damaged");
        assert_eq!(stopped(ShardId(2), Some(&shard(false, None))), None);
    }
}
