//! An account in parts, as it is stored.

use std::collections::BTreeSet;

use super::{Account, Consent, Enrolment, Purse};
use crate::adjustment::{AdjustmentId, AdjustmentRecord};
use crate::burn::Burns;
use crate::handover::{Forward, Linked};
use crate::keys::KeyIndex;
use crate::order::OrderRecord;
use crate::pages::Pages;
use crate::waiting::WaitingEvent;
use crate::{AccountId, Few, PartnerId, ProgrammeId, Purpose};

/// The parts of an account, for those who store it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccountParts {
    /// How many commands it has answered.
    pub activities: u32,
    /// Who enrolled.
    pub enrolment: Option<Enrolment>,
    /// What was said on consents.
    pub consents: Few<Purpose, Consent>,
    /// The partners that may sign the member in.
    pub sign_in: BTreeSet<PartnerId>,
    /// The points.
    pub purses: Few<ProgrammeId, Purse>,
    /// The known ids.
    pub keys: KeyIndex,
    /// The events that came too early, in the order in which they came.
    pub waiting: Vec<WaitingEvent>,
    /// The holds and redemptions.
    pub burns: Burns,
    /// What was bought, and accounts that were opened.
    pub orders: Pages<OrderRecord>,
    /// What operators have given or taken by hand, or proposed to.
    pub adjustments: Pages<AdjustmentRecord, AdjustmentId>,
    /// Which member's account it follows.
    pub forward: Option<Forward>,
    /// The identifiers that were linked to the member.
    pub linked: Vec<Linked>,
    /// Whether it is never linked to another member's.
    pub stays: bool,
    /// The first activity since it follows nobody any more.
    pub own_since: u32,
}

impl Account {
    /// Puts a stored account together again.
    pub fn from_parts(id: AccountId, parts: AccountParts) -> Self {
        let AccountParts {
            activities,
            enrolment,
            consents,
            sign_in,
            purses,
            keys,
            waiting,
            burns,
            orders,
            adjustments,
            forward,
            linked,
            stays,
            own_since,
        } = parts;
        Self {
            id,
            changed: 0,
            activities,
            enrolment,
            consents,
            sign_in,
            purses,
            keys,
            waiting,
            burns,
            orders,
            adjustments,
            forward: forward.map(Box::new),
            linked,
            stays,
            own_since,
        }
    }
}
