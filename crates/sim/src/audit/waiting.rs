//! Events of one account that wait for a consent, or for the order that they return.

use coalition_domain::{
    AccountId, Command, EventBody, Fingerprint, PartnerEvent, PartnerId, Purpose, Timestamp, WaitsFor,
};
use coalition_ledger::inbox::Source;

use super::account::Account;
use super::order::taken_back;

/// An event that waits.
pub(super) struct Waiting {
    pub(super) event: PartnerEvent,
    pub(super) until: Timestamp,
    pub(super) source: Option<Source>,
    /// Every shard was asked for what it takes back.
    pub(super) searched: bool,
    /// The account that knows it, once that was heard of.
    pub(super) found: Option<AccountId>,
    /// Its partner was suspended meanwhile: whatever comes, it may wait until its time is over.
    pub(super) held_back: bool,
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
        let is_ready = |waiting: &&Waiting| match taken_back(&waiting.event) {
            _ if self.forward.is_some() || waiting.found.is_some() => true,
            Some(order) => self.orders.contains_key(&order),
            None => permits,
        };
        self.waiting.iter().filter(|waiting| !waiting.held_back).find(is_ready).map(|waiting| &waiting.event)
    }

    /// A partner is suspended: what begins something there goes on waiting.
    pub(super) fn hold_back(&mut self, partner: &PartnerId) {
        let begins = |waiting: &&mut Waiting| waiting.event.partner == *partner && begins(&waiting.event);
        self.waiting.iter_mut().filter(begins).for_each(|waiting| waiting.held_back = true);
    }

    /// What waits for this order, if every shard was asked for it and none has answered yet.
    pub(super) fn searching(&mut self, order: Fingerprint) -> impl Iterator<Item = &mut Waiting> {
        let searches = move |waiting: &&mut Waiting| {
            waiting.searched && waiting.found.is_none() && taken_back(&waiting.event) == Some(order)
        };
        self.waiting.iter_mut().filter(searches)
    }

    /// What has to come before an event that may wait, of whoever it is that it names.
    pub(super) fn needs(&self, command: &Command, code: &str) -> Option<WaitsFor> {
        let linked = |event: &PartnerEvent| self.links.contains(&event.identifier.account());
        let own = !matches!(command, Command::Forwarded { event, .. } if !linked(event));
        healed_by(code).map(|needs| match needs {
            WaitsFor::OrderAnywhere if !own => WaitsFor::Order,
            WaitsFor::OrderAnywhere | WaitsFor::Order | WaitsFor::Consent(_) => needs,
        })
    }
}

/// Whether an event begins something, which it can't at a suspended partner.
pub(super) fn begins(event: &PartnerEvent) -> bool {
    match &event.body {
        EventBody::SignUp { .. }
        | EventBody::ConsentGiven { .. }
        | EventBody::Purchase { .. }
        | EventBody::Basket { .. }
        | EventBody::EmailRead { .. }
        | EventBody::AccountOpening { .. }
        | EventBody::Engagement { .. } => true,
        EventBody::ConsentWithdrawn { .. } | EventBody::Return { .. } | EventBody::AccountClosing { .. } => {
            false
        }
    }
}

/// What would heal a refusal, if time may bring it.
pub(super) fn healed_by(code: &str) -> Option<WaitsFor> {
    match code {
        "CONSENT_MISSING" => Some(WaitsFor::Consent(Purpose::new("marketing").expect("a good name"))),
        "ORDER_NOT_FOUND" => Some(WaitsFor::OrderAnywhere),
        _ => None,
    }
}
