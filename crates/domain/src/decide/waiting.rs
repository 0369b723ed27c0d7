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
    let Some(waits_for) = may_come(&rejection, account, command) else {
        return Outcome::Refused(rejection);
    };
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
    let command = Command::of_event(waiting.event.clone(), account.id());
    match partner_event::decide(account, registry, &waiting.event, at) {
        Ok(applied) => Some(Outcome::Applied(debt::repaid(account, &command, applied, at))),
        Err(Rejection::OrderNotFound) if waiting.found.is_some() => waiting.found.map(Outcome::Forwarded),
        Err(rejection)
            if at.decided_at < waiting.wait.until && may_come(&rejection, account, &command).is_some() =>
        {
            None
        }
        // Its partner may be back before its time is over.
        Err(Rejection::PartnerSuspended(_)) if at.decided_at < waiting.wait.until => None,
        Err(rejection) => Some(Outcome::Refused(rejection)),
    }
}

/// What would heal a rejection, if time may bring it.
fn may_come(rejection: &Rejection, account: &Account, command: &Command) -> Option<WaitsFor> {
    if let Rejection::ConsentMissing(purpose) = rejection {
        return Some(WaitsFor::Consent(*purpose));
    }
    // What came here as the order was found here is sent on no more, so that it can't go round in circles. The order may
    // still be on its way from an account that was linked.
    let identifier = &command.event()?.identifier;
    let own = identifier.account() == account.id()
        || account.linked().iter().any(|linked| linked.identifier == *identifier);
    let order = if own { WaitsFor::OrderAnywhere } else { WaitsFor::Order };
    (*rejection == Rejection::OrderNotFound).then_some(order)
}

/// Whether what became of a command may be what another one waits for: a consent, an order, an account that was opened; or
/// the account of a member, whose to decide it is.
pub fn brings(decision: &Decision) -> bool {
    let Outcome::Applied(applied) = &decision.outcome else { return false };
    orders::is_kept(&decision.command)
        || applied.events.iter().any(|event| {
            matches!(
                event,
                Event::ConsentGiven { .. }
                    | Event::AccountLinked { .. }
                    | Event::RecordsAdopted { .. }
                    | Event::OrderLocated { .. }
            )
        })
}
