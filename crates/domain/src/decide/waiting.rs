//! Events that come too early: they wait for what they need, for a time that the network has set.
//!
//! They are decided again when something came that may be it, in the order in which they came, and at the latest when
//! their time is over. How old they are was judged when they came.

use super::partner_event;
use crate::account::{Account, Moment};
use crate::event::{Outcome, Wait, WaitsFor};
use crate::registry::Registry;
use crate::waiting::{WAITING_MAX, WaitingEvent};
use crate::{Rejection, Span};

/// What a rejection comes to that time may heal.
pub(super) fn refused_or_waiting(
    account: &Account,
    registry: &Registry,
    rejection: Rejection,
    at: &Moment,
) -> Outcome {
    let Rejection::ConsentMissing(purpose) = rejection else { return Outcome::Refused(rejection) };
    let (waits_for, span) = (WaitsFor::Consent(purpose), registry.consent_wait());
    if span == Span::ZERO || account.waiting().len() >= WAITING_MAX {
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
    match partner_event::decide(account, registry, &waiting.event, at) {
        Ok(applied) => Some(Outcome::Applied(applied)),
        Err(Rejection::ConsentMissing(_)) if at.decided_at < waiting.wait.until => None,
        Err(rejection) => Some(Outcome::Refused(rejection)),
    }
}
