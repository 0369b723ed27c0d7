//! Events of one account that wait for a consent, or for the order that they return.

use coalition_domain::{PartnerEvent, Purpose, Timestamp, WaitsFor};
use coalition_ledger::inbox::Source;

use super::account::Account;
use super::order::taken_back;

/// An event that waits.
pub(super) struct Waiting {
    pub(super) event: PartnerEvent,
    pub(super) until: Timestamp,
    pub(super) source: Option<Source>,
}

/// Events of one account that may wait at a time.
pub(super) const WAITING_MAX: usize = 16;

impl Account {
    /// Where an event came from that waits.
    pub(super) fn waits(&self, event: &PartnerEvent) -> Option<Option<Source>> {
        self.waiting.iter().find(|waiting| waiting.event == *event).map(|waiting| waiting.source)
    }

    /// The event that has to be decided before anything else of this account: what it waited for is there.
    pub(super) fn ready(&self) -> Option<&PartnerEvent> {
        let permits = self.consent.is_some_and(|(given, _)| given);
        let events = self.waiting.iter().map(|waiting| &waiting.event);
        let is_ready = |event: &&PartnerEvent| match taken_back(event) {
            _ if self.forward.is_some() => true,
            Some(order) => self.orders.contains_key(&order),
            None => permits,
        };
        events.into_iter().find(is_ready)
    }
}

/// What would heal a refusal, if time may bring it.
pub(super) fn healed_by(code: &str) -> Option<WaitsFor> {
    match code {
        "CONSENT_MISSING" => Some(WaitsFor::Consent(Purpose::new("marketing").expect("a good name"))),
        "ORDER_NOT_FOUND" => Some(WaitsFor::Order),
        _ => None,
    }
}
