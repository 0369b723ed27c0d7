//! What clients were told, against what the journals hold.

use coalition_domain::Place;
use coalition_ledger::shard::{Decided, Direct};

use super::asked::Asked;
use super::shard::Ledger;
use super::{Judgement, holds, same};
use crate::world::{Request, Said};

pub(super) fn judge(requests: &[Request], asked: &Asked<'_>, ledgers: &[Ledger]) -> Judgement {
    for (number, request) in requests.iter().enumerate() {
        let ledger = &ledgers[request.shard.0 as usize];
        answers(request, asked, ledger).map_err(|fault| format!("request {number}: {fault}"))?;
    }
    Ok(())
}

fn answers(request: &Request, asked: &Asked<'_>, ledger: &Ledger) -> Judgement {
    let mut given = None;
    for (token, said) in &request.attempts {
        let Some(Said::Decided { place, decided_at, decided }) = said else { continue };
        let held = held(request, ledger, *place);
        same(
            &format!("attempt {} was answered, but the journal", token.0),
            &held,
            &Some((*decided_at, (**decided).clone())),
        )?;
        same("answers to one request", &given.unwrap_or(*place), place)?;
        given = Some(*place);
    }
    let in_effect = match &request.direct {
        Direct::Account(command) => {
            ledger.accounts.get(&command.account()).is_some_and(|account| account.knows(command))
        }
        Direct::Registry(command) => ledger.changed(command).is_some(),
    };
    // An attempt that "did not take effect" is no final no; but if all attempts of all clients that asked for this were
    // answered so, nothing may have.
    let mut attempts = asked.like(&request.direct).flat_map(|other| other.attempts.values());
    let all_in_vain = attempts.all(|said| matches!(said, Some(Said::Not(_))));
    holds(!(all_in_vain && in_effect), || {
        "every attempt was answered as not applied, yet it is in effect".to_owned()
    })
}

/// What the journal has at a place, of the request's account or of the registry.
fn held(request: &Request, ledger: &Ledger, place: Place) -> Option<(coalition_domain::Timestamp, Decided)> {
    match &request.direct {
        Direct::Account(command) => {
            let decisions = &ledger.accounts.get(&command.account())?.decisions;
            let (at, decision) = decisions.iter().find(|(at, _)| at.place == place)?;
            Some((at.decided_at, Decided::Account(decision.clone())))
        }
        Direct::Registry(_) => {
            let (decided_at, decision) = ledger.changes.get(&place)?;
            Some((*decided_at, Decided::Registry(decision.clone())))
        }
    }
}
