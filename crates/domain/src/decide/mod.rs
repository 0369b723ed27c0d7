//! Decisions: pure functions from what is known and what is asked to what becomes of it.
//!
//! The checks come in this order: is the command known already; may the caller ask; can it be done. One file for each
//! kind of command.

mod adjust;
mod adopt;
mod caller;
mod closing;
mod consent;
mod debt;
mod enrol;
mod lapsing;
mod link;
mod partner_event;
mod redeem;
mod registry;
mod returns;
mod reward;
pub(crate) mod search;
mod time;
mod waiting;

use crate::account::{Account, Moment};
use crate::event::{Applied, Outcome};
use crate::keys::Seen;
use crate::registry::Registry;
use crate::{Command, PartnerEvent, Rejection, RequestId, Span, Timestamp};

pub use adopt::undecidable;
pub use caller::check_caller;
pub use redeem::QUANTITY_MAX;
pub use registry::{PUBLICATION_LEAD, RegistryChange, RegistryCommand, RegistryDecision, decide_registry};
use time::due;
pub use waiting::{brings, decide_waiting};

/// What becomes of a command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It was decided before: the account's activity of this number holds the outcome.
    Repeat(u32),
    /// It is decided now.
    Decided(Outcome),
    /// There is nothing to decide, and nothing to journal: time has passed and changed nothing.
    Nothing,
}

/// How far ahead of us a caller's clock may be.
const CLOCK_SKEW: Span = Span::from_secs(300);

/// Decides a command of an account. Pure and total.
pub fn decide(account: &Account, registry: &Registry, command: &Command, at: &Moment) -> Verdict {
    assert_eq!(account.id(), command.account(), "a command is decided by its own account");
    let seen = match command.key() {
        // An event may meet another one that sends it on: its order, or the account that it follows, has moved meanwhile.
        Some(key) => {
            let comes_back = matches!(command, Command::Forwarded { .. });
            account.keys().seen(&key, &command.content(), account.own_since(), comes_back)
        }
        None => Seen::New,
    };
    match (seen, command) {
        (_, Command::TimePassed { .. }) if account.forward().is_some() => {
            match link::rest(account, command, at) {
                Some(applied) => Verdict::Decided(Outcome::Applied(applied)),
                None => Verdict::Nothing,
            }
        }
        (_, Command::TimePassed { .. }) => match time::decide(account, at.decided_at) {
            Some(applied) => Verdict::Decided(Outcome::Applied(debt::repaid(account, command, applied, at))),
            None => Verdict::Nothing,
        },
        (Seen::Repeat(activity), _) => Verdict::Repeat(activity),
        (Seen::Taken, _)
        | (
            Seen::RefusedBefore,
            Command::Enrol { .. }
            | Command::Redeem { .. }
            | Command::Reward { .. }
            | Command::Adjust { .. }
            | Command::Link { .. }
            | Command::Consent { .. }
            | Command::Unlink { .. }
            | Command::AcceptLinks { .. },
        ) => Verdict::Decided(Outcome::Refused(Rejection::IdReused)),
        (Seen::New, Command::Adopt(handover)) => {
            let applied = adopt::decide(account, handover, command, at);
            Verdict::Decided(Outcome::Applied(debt::repaid(account, command, applied, at)))
        }
        (_, Command::LocateOrder { order, asker, .. }) => search::locate(account, *order, *asker),
        (_, Command::OrderLocated { order, at, .. }) => search::located(account, *order, *at),
        (Seen::New | Seen::RefusedBefore, _) if account.forward().is_some() && command.event().is_some() => {
            Verdict::Decided(forwarded(account, command, at))
        }
        (Seen::New | Seen::RefusedBefore, _) => {
            Verdict::Decided(match decide_new(account, registry, command, at) {
                Ok(applied) => Outcome::Applied(debt::repaid(account, command, applied, at)),
                Err(rejection) => waiting::refused_or_waiting(account, registry, command, rejection, at),
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
        // What is forwarded has an age here, too: this shard may know less of old ids than the one where it came.
        Command::PartnerEvent(event) | Command::Forwarded { event, .. } => {
            check_event_age(event, at)?;
            partner_event::decide(account, registry, event, at)
        }
        Command::Link { caller, request, identifier, member } => {
            registry.check(caller)?;
            registry.check_begins(caller)?;
            check_request_age(*request, at.max_request_age, at.decided_at)?;
            link::decide(account, caller, (identifier, member), command, at)
        }
        Command::Enrol { caller, request, identifier } => {
            registry.check(caller)?;
            registry.check_begins(caller)?;
            check_request_age(*request, at.max_request_age, at.decided_at)?;
            enrol::decide(account, caller, identifier)
        }
        Command::Redeem { caller, request, programme, reward, quantity, .. } => {
            check_caller(account, registry, caller)?;
            check_request_age(*request, at.max_request_age, at.decided_at)?;
            link::check_here(account)?;
            redeem::decide(
                account,
                registry,
                &redeem::Order { caller, programme, reward, quantity: *quantity },
                at,
            )
        }
        Command::Reward { caller, request, change, .. } => {
            check_caller(account, registry, caller)?;
            check_request_age(*request, at.max_request_age, at.decided_at)?;
            link::check_here(account)?;
            reward::decide(account, registry, caller, change, at)
        }
        Command::Adjust { caller, request, change, .. } => {
            registry.check(caller)?;
            check_request_age(*request, at.max_request_age, at.decided_at)?;
            link::check_here(account)?;
            adjust::decide(account, registry, caller, change, at)
        }
        Command::TimePassed { .. } => unreachable!("time is decided apart"),
        Command::Consent { caller, request, purpose, given, .. } => {
            check_caller(account, registry, caller)?;
            if *given {
                registry.check_begins(caller)?;
            }
            check_request_age(*request, at.max_request_age, at.decided_at)?;
            link::check_here(account)?;
            consent::decide(account, caller, *purpose, *given)
        }
        Command::AcceptLinks { caller, request, .. } => {
            registry.check(caller)?;
            registry.check_begins(caller)?;
            check_request_age(*request, at.max_request_age, at.decided_at)?;
            link::accept(account, caller)
        }
        Command::Unlink { caller, request, identifier, member } => {
            check_request_age(*request, at.max_request_age, at.decided_at)?;
            link::undo(account, registry, caller, (identifier, member))
        }
        Command::Adopt(_) => unreachable!("a handover is decided apart"),
        Command::FindOrder { .. } | Command::LocateOrder { .. } | Command::OrderLocated { .. } => {
            unreachable!("the search for an order is decided apart, and a shard's part of it by no account")
        }
    }
}

/// An event of an identifier that was linked is its member's account's to judge, but for its age.
fn forwarded(account: &Account, command: &Command, at: &Moment) -> Outcome {
    let forward = account.forward().expect("asked before");
    let checked = match command {
        Command::PartnerEvent(event) => check_event_age(event, at),
        Command::Forwarded { .. }
        | Command::Enrol { .. }
        | Command::Redeem { .. }
        | Command::TimePassed { .. }
        | Command::Reward { .. }
        | Command::Adjust { .. }
        | Command::Link { .. }
        | Command::Consent { .. }
        | Command::Unlink { .. }
        | Command::AcceptLinks { .. }
        | Command::Adopt(_)
        | Command::FindOrder { .. }
        | Command::LocateOrder { .. }
        | Command::OrderLocated { .. } => Ok(()),
    };
    checked.map_or_else(Outcome::Refused, |()| Outcome::Forwarded(forward.to))
}

/// An event whose id may have been forgotten can't be told from a repeat.
fn check_event_age(event: &PartnerEvent, at: &Moment) -> Result<(), Rejection> {
    if event.event_time < at.horizon.minus(at.max_event_age) {
        Err(Rejection::EventTooOld { max_age: at.max_event_age })
    } else {
        Ok(())
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

#[cfg(test)]
mod tests;
