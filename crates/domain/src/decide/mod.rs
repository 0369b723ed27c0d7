//! Decisions: pure functions from what is known and what is asked to what becomes of it.
//!
//! The checks come in this order: is the command known already; may the caller ask; can it be done. One file for each
//! kind of command.

mod enrol;
mod partner_event;
mod redeem;
mod registry;
mod waiting;

use std::collections::BTreeMap;

use crate::account::{Account, Moment};
use crate::event::{Applied, Event, Outcome};
use crate::keys::Seen;
use crate::lot::{Lot, LotAllocation, LotKey};
use crate::registry::Registry;
use crate::{Command, Points, Rejection, RequestId, Span, Timestamp};

pub use redeem::QUANTITY_MAX;
pub use registry::{PUBLICATION_LEAD, RegistryChange, RegistryCommand, RegistryDecision, decide_registry};
pub use waiting::decide_waiting;

/// What becomes of a command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It was decided before: the account's activity of this number holds the outcome.
    Repeat(u32),
    /// It is decided now.
    Decided(Outcome),
}

/// How far ahead of us a caller's clock may be.
const CLOCK_SKEW: Span = Span::from_secs(300);

/// Due activations and expiries journaled along with one command; what is left over is journaled with the next, or with
/// the command that burns it.
const DUE_MAX: usize = 256;

/// Decides a command of an account. Pure and total.
pub fn decide(account: &Account, registry: &Registry, command: &Command, at: &Moment) -> Verdict {
    assert_eq!(account.id(), command.account(), "a command is decided by its own account");
    match (account.keys().seen(&command.key(), &command.content()), command) {
        (Seen::Repeat(activity), _) => Verdict::Repeat(activity),
        (Seen::Taken, _) | (Seen::RefusedBefore, Command::Enrol { .. } | Command::Redeem { .. }) => {
            Verdict::Decided(Outcome::Refused(Rejection::IdReused))
        }
        (Seen::New | Seen::RefusedBefore, _) => {
            Verdict::Decided(match decide_new(account, registry, command, at) {
                Ok(applied) => Outcome::Applied(applied),
                Err(rejection) => waiting::refused_or_waiting(account, registry, rejection, at),
            })
        }
    }
}

fn decide_new(
    account: &Account,
    registry: &Registry,
    command: &Command,
    at: &Moment,
) -> Result<Applied, Rejection> {
    match command {
        Command::PartnerEvent(event) => {
            if event.event_time < at.horizon.minus(at.max_event_age) {
                return Err(Rejection::EventTooOld { max_age: at.max_event_age });
            }
            partner_event::decide(account, registry, event, at)
        }
        Command::Enrol { caller, request, identifier } => {
            registry.check(caller)?;
            check_request_age(*request, at.max_request_age, at.decided_at)?;
            enrol::decide(account, caller, identifier)
        }
        Command::Redeem { caller, request, programme, reward, quantity, .. } => {
            registry.check(caller)?;
            check_request_age(*request, at.max_request_age, at.decided_at)?;
            redeem::decide(
                account,
                registry,
                &redeem::Order { caller, programme, reward, quantity: *quantity },
                at,
            )
        }
    }
}

/// A request whose id may have been forgotten can't be told from a repeat.
fn check_request_age(request: RequestId, max_age: Span, now: Timestamp) -> Result<(), Rejection> {
    let issued = request.issued();
    if issued > now.plus(CLOCK_SKEW) {
        Err(Rejection::RequestInFuture(issued))
    } else if issued < now.minus(max_age) {
        Err(Rejection::RequestTooOld { issued, max_age })
    } else {
        Ok(())
    }
}

/// Activations and expiries of `programme` that are due: facts that time made true, journaled before they are used. All
/// lots that are `burnt` are activated; else there is a limit.
fn due(
    account: &Account,
    programme: &crate::ProgrammeId,
    now: Timestamp,
    burnt: &[LotAllocation],
) -> Vec<Event> {
    let Some(purse) = account.purses().get(programme) else { return Vec::new() };
    let (programme, lots) = (*programme, &purse.lots);
    let mut events: Vec<_> = lots
        .expired(now)
        .take(DUE_MAX)
        .map(|lot| Event::LotExpired { programme, lot: lot.key, points: lot.left, pending: lot.pending })
        .collect();
    let named = |lot: &Lot| (lot.key, lot.left);
    let mut due: BTreeMap<LotKey, Points> = lots.due(now).take(DUE_MAX - events.len()).map(named).collect();
    due.extend(burnt.iter().filter_map(|allocation| lots.pending(&allocation.lot)).map(named));
    events.extend(due.into_iter().map(|(lot, points)| Event::LotActivated { programme, lot, points }));
    events
}

#[cfg(test)]
mod tests;
