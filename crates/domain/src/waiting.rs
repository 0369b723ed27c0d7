//! Events that came too early: what an account keeps of them until they are decided again.

use serde::{Deserialize, Serialize};

use crate::event::WaitsFor;
use crate::order::taken_back;
use crate::{AccountId, Fingerprint, PartnerEvent, Place, Span, Wait};

/// Events of one account that may wait at a time, so that its row stays small; what comes beyond them is refused.
pub const WAITING_MAX: usize = 16;

/// Lines of orders that the events of one account that wait may have in all, for the same reason.
pub const WAITING_LINES_MAX: usize = 200;

/// How long an event waits for the consent that it needs, unless the network says another time.
pub const CONSENT_WAIT: Span = Span::from_days(1);

/// The longest that a network may have events wait.
pub const CONSENT_WAIT_MAX: Span = Span::from_days(30);

/// An event that waits. Frozen in stored data, until the format of the rows is raised.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WaitingEvent {
    /// What the partner said.
    pub event: PartnerEvent,
    /// Where the journal has the decision that it waits.
    pub place: Place,
    /// How long, and what for.
    pub wait: Wait,
    /// The account that knows the order for which it waits, once it was found.
    pub found: Option<AccountId>,
}

impl WaitingEvent {
    /// Whether it waits for this order, and other accounts were asked for it.
    pub fn searches(&self, order: &Fingerprint) -> bool {
        self.wait.waits_for == WaitsFor::OrderAnywhere
            && self.found.is_none()
            && taken_back(self.event.partner, &self.event.body).as_ref() == Some(order)
    }
}
