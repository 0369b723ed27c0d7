//! Events that come too early: they wait for what they need, for a time that the network has set.
//!
//! They are decided again when something came that may be it, in the order in which they came, and at the latest when
//! their time is over. How old they are was judged when they came.

use super::{debt, partner_event};
use crate::account::{Account, Moment, orders};
use crate::event::{Event, Outcome, Wait, WaitsFor};
use crate::registry::Registry;
use crate::waiting::{WAITING_LINES_MAX, WAITING_MAX, WaitingEvent};
use crate::{Command, Decision, Rejection, Span};

/// What a rejection comes to that time may heal.
pub(super) fn refused_or_waiting(
    account: &Account,
    registry: &Registry,
    command: &Command,
    rejection: Rejection,
    at: &Moment,
) -> Outcome {
    let Some(waits_for) = may_come(&rejection) else { return Outcome::Refused(rejection) };
    let span = registry.consent_wait();
    let lines = account.waiting().iter().map(|waiting| waiting.event.body.lines()).sum::<usize>();
    let more = command.event().map_or(0, |event| event.body.lines());
    let full = account.waiting().len() >= WAITING_MAX || lines + more > WAITING_LINES_MAX;
    if span == Span::ZERO || full {
        return Outcome::Refused(waits_for.missed());
    }
    Outcome::Waiting(Wait { until: at.decided_at.plus(span), waits_for })
}

/// Decides an event of the account that waits once more; `None`: it waits on. Pure and total.
pub fn decide_waiting(
    account: &Account,
    registry: &Registry,
    waiting: &WaitingEvent,
    at: &Moment,
) -> Option<Outcome> {
    if let Some(forward) = account.forward() {
        return Some(Outcome::Forwarded(forward.to));
    }
    match partner_event::decide(account, registry, &waiting.event, at) {
        Ok(applied) => {
            let command = Command::of_event(waiting.event.clone(), account.id());
            Some(Outcome::Applied(debt::repaid(account, &command, applied, at)))
        }
        Err(rejection) if at.decided_at < waiting.wait.until && may_come(&rejection).is_some() => None,
        Err(rejection) => Some(Outcome::Refused(rejection)),
    }
}

/// What would heal a rejection, if time may bring it.
fn may_come(rejection: &Rejection) -> Option<WaitsFor> {
    if let Rejection::ConsentMissing(purpose) = rejection {
        return Some(WaitsFor::Consent(*purpose));
    }
    (*rejection == Rejection::OrderNotFound).then_some(WaitsFor::Order)
}

/// Whether what became of a command may be what another one waits for: a consent, an order, an account that was opened; or
/// the account of a member, whose to decide it is.
pub fn brings(decision: &Decision) -> bool {
    let Outcome::Applied(applied) = &decision.outcome else { return false };
    orders::key_of(&decision.command).is_some()
        || applied.events.iter().any(|event| {
            matches!(
                event,
                Event::ConsentGiven { .. } | Event::AccountLinked { .. } | Event::RecordsAdopted { .. }
            )
        })
}
