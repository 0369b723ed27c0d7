//! What clients were shown while the run was on: the account as it is at one position of the journal, which was in the log
//! by then and is no earlier than they may expect.

use std::collections::BTreeMap;

use coalition_journal::entry::ShardId;

use super::account::Account;
use super::fence::Effective;
use super::shard::Ledger;
use super::{Judgement, holds, same};
use crate::world::Seen;

/// The reads of a shard, by the position at which they were shown.
pub(super) struct Reads<'a>(BTreeMap<u64, Vec<&'a Seen>>);

impl<'a> Reads<'a> {
    pub(super) fn of(seen: &'a [Seen], shard: ShardId, effective: &[Effective]) -> Result<Self, String> {
        let mut by_position: BTreeMap<u64, Vec<&Seen>> = BTreeMap::new();
        for seen in seen.iter().filter(|seen| seen.shard == shard) {
            let position = seen.position.0;
            holds(position >= seen.at_least, || format!("{seen:?} is too early"))?;
            let record = usize::try_from(position).expect("a small number").checked_sub(1);
            if let Some(record) = record {
                let record = effective.get(record);
                let was_there = record.is_some_and(|record| record.offset < seen.end);
                holds(was_there, || format!("{seen:?} was not in the journal"))?;
            }
            by_position.entry(position).or_default().push(seen);
        }
        Ok(Self(by_position))
    }

    /// Judges those at a position, with all that the auditor knows up to there.
    pub(super) fn judge(&self, position: u64, ledger: &Ledger) -> Judgement {
        let nobody = Account::default();
        for seen in self.0.get(&position).into_iter().flatten() {
            let account = ledger.accounts.get(&seen.account).unwrap_or(&nobody);
            let (available, pending, debt) = account.balance(seen.at);
            let balance = (available, pending, debt, account.in_holds(seen.at).0);
            same(&format!("the balance of {seen:?}"), &seen.balance, &balance)?;
            same(&format!("the enrolment of {seen:?}"), &seen.enrolled, &account.enrolled)?;
            let count = u32::try_from(account.decisions.len()).expect("few decisions");
            let newest = account.decisions.last().map(|(at, _)| at.place);
            same(&format!("the activities of {seen:?}"), &seen.activities, &(count, newest))?;
        }
        Ok(())
    }
}
