//! The search for an order that the account of its return does not know: it was bought with another card.
//!
//! Every shard is asked. One that finds the account which knows the order has it say so; the account of the return hears of
//! it, and leaves the return to the other one. Until then it decides the return itself, if the order comes here.

use super::Verdict;
use crate::account::Account;
use crate::event::{Applied, Event, Outcome};
use crate::order::taken_back;
use crate::{AccountId, Command, Fingerprint, Timestamp};

/// Whether the account knows the order, and tells the one that asks. What moved with a link is known to both accounts; the
/// return follows the link. To the account that this one follows nothing is told: what there was came there, and the return would
/// be sent back.
pub(super) fn locate(account: &Account, order: Fingerprint, asker: AccountId) -> Verdict {
    let follows = account.forward().is_some_and(|forward| forward.to == asker);
    let knows = account.id() != asker && !follows && account.orders().get(&order).is_some();
    said(knows.then_some(Event::OrderKnown { order, asker }))
}

/// What waits for the order can go where it is known. A second account that knows it, or one that is told of too late,
/// changes nothing.
pub(super) fn located(account: &Account, order: Fingerprint, at: AccountId) -> Verdict {
    let waits = account.waiting().iter().any(|waiting| waiting.searches(&order));
    said(waits.then_some(Event::OrderLocated { order, at }))
}

fn said(event: Option<Event>) -> Verdict {
    event.map_or(Verdict::Nothing, |event| {
        Verdict::Decided(Outcome::Applied(Applied { version: None, events: vec![event] }))
    })
}

/// What the shards are asked when an event waits for an order.
pub(crate) fn question(command: &Command, until: Timestamp) -> Option<Command> {
    let event = command.event()?;
    let order = taken_back(event.partner, &event.body)?;
    Some(Command::FindOrder { order, asker: command.account(), until })
}
