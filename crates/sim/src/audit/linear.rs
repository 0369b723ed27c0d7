//! Linearizability of what clients ask of an account, redemptions before all: each request takes effect at one instant between
//! the first time that it was asked and the first time that it was answered, and what they were answered is what the requests
//! come to one after the other, in the order of these instants.
//!
//! The journal is said to be that order. That its decisions follow from each other one by one is judged by the reading of it;
//! here its order is held against the clients' own time: of two requests of which one was answered before the other was asked
//! the journal has the former first. With both, the journal is a witness in the sense of Herlihy and Wing (1990).

use std::collections::BTreeMap;

use coalition_domain::{AccountId, Command, Place};
use coalition_ledger::shard::Direct;

use super::shard::Ledger;
use super::{Judgement, holds};
use crate::world::Request;

/// A request that is in effect: its interval by the scheduler's steps, all clients that asked for the same taken together.
struct Operation<'a> {
    command: &'a Command,
    place: Place,
    asked: usize,
    /// `None`: nobody heard an answer.
    answered: Option<usize>,
}

/// Judges all requests of all accounts.
pub(super) fn judge(requests: &[Request], ledgers: &[Ledger]) -> Judgement {
    let mut accounts: BTreeMap<AccountId, Vec<Operation<'_>>> = BTreeMap::new();
    for request in requests {
        let Direct::Account(command) = &request.direct else { continue };
        let ledger = &ledgers[request.shard.0 as usize];
        let account = ledger.accounts.get(&command.account());
        let Some(place) = account.and_then(|account| account.place_of(command)) else { continue };
        let asked = request.asked.ok_or_else(|| format!("{command:?} is in effect before it was asked"))?;
        let operations = accounts.entry(command.account()).or_default();
        match operations.iter_mut().find(|known| known.place == place) {
            Some(known) => {
                known.asked = known.asked.min(asked);
                known.answered = [known.answered, request.answered].into_iter().flatten().min();
            }
            None => operations.push(Operation { command, place, asked, answered: request.answered }),
        }
    }
    for (account, mut operations) in accounts {
        operations.sort_by_key(|operation| operation.place);
        in_order(&operations).map_err(|fault| format!("account {account}: {fault}"))?;
    }
    Ok(())
}

/// Nothing was answered before something was asked that the journal has before it.
fn in_order(operations: &[Operation<'_>]) -> Judgement {
    let mut latest: Option<&Operation<'_>> = None;
    for operation in operations {
        if let Some((before, answered)) = latest.zip(operation.answered) {
            holds(before.asked <= answered, || {
                format!(
                    "{:?} at {:?} was answered in step {answered}, and {:?}, which comes before it at {:?}, was asked in step {}",
                    operation.command, operation.place, before.command, before.place, before.asked
                )
            })?;
        }
        if latest.is_none_or(|latest| latest.asked < operation.asked) {
            latest = Some(operation);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use coalition_domain::AccountId;

    use super::*;

    /// Operations in the journal's order, each with the steps at which it was asked and answered.
    fn check(intervals: &[(usize, Option<usize>)]) -> bool {
        let command = Command::TimePassed { account: AccountId(uuid::Uuid::nil()) };
        let operation = |(index, (asked, answered)): (u32, &(usize, Option<usize>))| Operation {
            command: &command,
            place: Place { seq: 7, index },
            asked: *asked,
            answered: *answered,
        };
        let operations: Vec<_> = (0..).zip(intervals).map(operation).collect();
        in_order(&operations).is_ok()
    }

    #[test]
    fn the_order_of_the_journal_is_possible_in_the_clients_time() {
        // One after the other, and overlapping, where any order will do.
        assert!(check(&[(1, Some(2)), (3, Some(4))]));
        assert!(check(&[(3, Some(9)), (1, Some(4))]));
        assert!(check(&[(5, None), (1, Some(6)), (2, None)]));
        // The second was over before the first was asked.
        assert!(!check(&[(3, Some(4)), (1, Some(2))]));
        assert!(!check(&[(5, None), (6, Some(7)), (1, Some(4))]));
    }
}
