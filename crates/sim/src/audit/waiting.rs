//! Events of one account that wait for a consent.

use coalition_domain::{PartnerEvent, Timestamp};
use coalition_ledger::inbox::Source;

use super::account::Account;

/// An event that waits for a consent.
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

    /// The event that has to be decided before anything else of this account: its consent is there.
    pub(super) fn ready(&self) -> Option<&PartnerEvent> {
        let permits = self.consent.is_some_and(|(given, _)| given);
        self.waiting.first().map(|waiting| &waiting.event).filter(|_| permits)
    }
}
