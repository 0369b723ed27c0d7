//! Decisions: pure functions from what is known and what is asked to what becomes of it.
//!
//! The checks come in this order: is the command known already; may the caller ask; can it be done. One file for each
//! kind of command.

mod enrol;
mod partner_event;
mod redeem;
mod registry;

use crate::account::{Account, Moment};
use crate::event::{Applied, Event, Outcome};
use crate::keys::Seen;
use crate::lot::LotKey;
use crate::registry::Registry;
use crate::{Command, Rejection, RequestId, Span, Timestamp};

pub use registry::{PUBLICATION_LEAD, RegistryChange, RegistryCommand, RegistryDecision, decide_registry};

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
    let outcome = |result| match result {
        Ok(applied) => Outcome::Applied(applied),
        Err(rejection) => Outcome::Refused(rejection),
    };
    match (account.keys().seen(&command.key(), &command.content()), command) {
        (Seen::Repeat(activity), _) => Verdict::Repeat(activity),
        (Seen::Taken, _) | (Seen::RefusedBefore, Command::Enrol { .. } | Command::Redeem { .. }) => {
            Verdict::Decided(Outcome::Refused(Rejection::IdReused))
        }
        (Seen::New | Seen::RefusedBefore, _) => {
            Verdict::Decided(outcome(decide_new(account, registry, command, at)))
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
/// lots up to the `last` one that is burnt are activated; else there is a limit.
fn due(
    account: &Account,
    programme: &crate::ProgrammeId,
    now: Timestamp,
    last: Option<LotKey>,
) -> Vec<Event> {
    let Some(purse) = account.purses().get(programme) else { return Vec::new() };
    let due = purse.lots.changing(now).filter_map(|lot| {
        let (programme, points) = (*programme, lot.left);
        if lot.expired(now) {
            Some(Event::LotExpired { programme, lot: lot.key, points, pending: lot.pending })
        } else if lot.pending && lot.key.available_from <= now {
            Some(Event::LotActivated { programme, lot: lot.key, points })
        } else {
            None
        }
    });
    let burnt = |event: &Event| matches!(event, Event::LotActivated { lot, .. } if Some(*lot) <= last);
    due.enumerate().filter(|(nth, event)| *nth < DUE_MAX || burnt(event)).map(|(_, event)| event).collect()
}

#[cfg(test)]
mod tests;
