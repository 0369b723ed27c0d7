//! Points that a rule grants. Frozen in stored data.

use serde::{Deserialize, Serialize};

use super::Event;
use crate::lot::{Expiry, LotKey};
use crate::programme::Category;
use crate::{Fingerprint, PartnerId, Place, Points, ProgrammeId, RuleId, Timestamp, UnitPrice};

/// Points granted by a rule.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Accrual {
    /// Of which programme.
    pub programme: ProgrammeId,
    /// By which rule.
    pub rule: RuleId,
    /// How many; above zero.
    pub points: Points,
    /// Whose event it was.
    pub issuer: PartnerId,
    /// Who pays.
    pub funder: PartnerId,
    /// How much for one, at the time of the decision.
    pub unit_price: UnitPrice,
    /// What kind of points.
    pub category: Category,
    /// From when they can be spent.
    pub available_from: Timestamp,
    /// Whether they had to wait when they were granted.
    pub pending: bool,
    /// When they lapse.
    pub expires_at: Expiry,
    /// What the rule will not grant again.
    pub claim: Option<Fingerprint>,
}

impl Event {
    /// The grant that it is, if it is one.
    pub fn accrual(&self) -> Option<&Accrual> {
        match self {
            Self::PointsAccrued(accrual) => Some(accrual),
            Self::MemberEnrolled
            | Self::ConsentGiven { .. }
            | Self::ConsentWithdrawn { .. }
            | Self::NothingEarned { .. }
            | Self::LotActivated { .. }
            | Self::LotExpired { .. }
            | Self::RewardRedeemed(_)
            | Self::HoldCreated(_)
            | Self::HoldCaptured { .. }
            | Self::HoldReleased { .. }
            | Self::RedemptionRefunded { .. }
            | Self::OrderReturned(_)
            | Self::PointsClawedBack(_)
            | Self::DebtRepaid { .. }
            | Self::PointsExchanged(_)
            | Self::AdjustmentCreated { .. }
            | Self::AdjustmentApproved { .. }
            | Self::AdjustmentRejected { .. }
            | Self::PointsTaken(_)
            | Self::AccountLinked { .. }
            | Self::HandedOver { .. }
            | Self::RecordsAdopted { .. }
            | Self::PointsAdopted { .. }
            | Self::PointsSuspended { .. }
            | Self::GrantReversed(_)
            | Self::LinksAccepted
            | Self::AccountUnlinked { .. }
            | Self::OrderKnown { .. }
            | Self::OrderLocated { .. } => None,
        }
    }
}

impl Accrual {
    /// The name of its lot, which is the `nth` of the decision at `granted`.
    pub(crate) fn lot(&self, granted: Place, nth: u32) -> LotKey {
        let Self { expires_at, category, available_from, .. } = *self;
        LotKey { expires_at, category, available_from, granted, nth }
    }
}
