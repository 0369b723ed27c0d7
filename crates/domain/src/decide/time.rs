//! What time alone makes true: activations and expiries, journaled when they are due or along with what comes before.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::account::Account;
use crate::burn::Burn;
use crate::event::{Applied, Event, Release};
use crate::lot::{Lot, LotAllocation, LotKey};
use crate::{BurnId, Points, ProgrammeId, Timestamp};

/// Due activations and expiries journaled at once; what is left over is due again, or journaled with the command that
/// burns it.
pub(super) const DUE_MAX: usize = 256;

/// What is due of one programme and of one kind, holds before what lapsed before what is activated: so the activity has one
/// sum and one name. What else is due is due again right after it. `None`: nothing is due.
pub(super) fn decide(account: &Account, now: Timestamp) -> Option<Applied> {
    let programmes = || account.purses().keys();
    let events = programmes()
        .map(|programme| timed_out(account, programme, now))
        .chain(programmes().map(|programme| lapsed(account, programme, now)))
        .chain(programmes().map(|programme| due(account, programme, now, &[])))
        .find(|events| !events.is_empty())?;
    Some(Applied { version: None, events })
}

fn timed_out(account: &Account, programme: &ProgrammeId, now: Timestamp) -> Vec<Event> {
    let holds = account.burns().timed_out(now).filter(|(_, hold)| hold.programme == *programme);
    let event = |(hold, burn): (BurnId, &Burn)| {
        let Burn { programme, points, .. } = *burn;
        Event::HoldReleased { hold, programme, points, why: Release::TimedOut }
    };
    holds.take(DUE_MAX).map(event).collect()
}

/// The account as it is once the holds of `programme` that have timed out have given their points back, and these facts.
pub(super) fn given_back<'a>(
    account: &'a Account,
    programme: &ProgrammeId,
    now: Timestamp,
) -> (Cow<'a, Account>, Vec<Event>) {
    let (mut account, mut facts) = (Cow::Borrowed(account), Vec::new());
    loop {
        let due = timed_out(&account, programme, now);
        for event in &due {
            if let Event::HoldReleased { hold, why, .. } = event {
                account.to_mut().release(*hold, *why, 0);
            }
        }
        if due.is_empty() {
            return (account, facts);
        }
        facts.extend(due);
    }
}

fn lapsed(account: &Account, programme: &ProgrammeId, now: Timestamp) -> Vec<Event> {
    let Some(purse) = account.purses().get(programme) else { return Vec::new() };
    let programme = *programme;
    let event =
        |lot: &Lot| Event::LotExpired { programme, lot: lot.key, points: lot.left, pending: lot.pending };
    purse.lots.expired(now).take(DUE_MAX).map(event).collect()
}

/// Activations and expiries of `programme` that are due: facts that time made true, journaled before they are used. All
/// lots that are `burnt` are activated; else there is a limit.
pub(super) fn due(
    account: &Account,
    programme: &ProgrammeId,
    now: Timestamp,
    burnt: &[LotAllocation],
) -> Vec<Event> {
    let Some(purse) = account.purses().get(programme) else { return Vec::new() };
    let (programme, lots) = (*programme, &purse.lots);
    let mut events = lapsed(account, &programme, now);
    let named = |lot: &Lot| (lot.key, lot.left);
    let mut due: BTreeMap<LotKey, Points> = lots.due(now).take(DUE_MAX - events.len()).map(named).collect();
    due.extend(burnt.iter().filter_map(|allocation| lots.pending(&allocation.lot)).map(named));
    events.extend(due.into_iter().map(|(lot, points)| Event::LotActivated { programme, lot, points }));
    events
}
