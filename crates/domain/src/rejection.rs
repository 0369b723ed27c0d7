//! Why a command was refused: a closed list, each with a code that callers can rely on.

use serde::{Deserialize, Serialize};

use crate::{
    AccountId, AdjustmentId, BurnId, Currency, PartnerId, Points, ProgrammeId, Purpose, RewardId, Span,
    Timestamp,
};

/// A refused command. Journaled, so that a repeat gets the same answer. Frozen: new reasons at the end.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, thiserror::Error)]
pub enum Rejection {
    /// The network has no such partner.
    #[error("the network has no partner {0}")]
    UnknownPartner(PartnerId),
    /// Neither the event nor its partner names a programme.
    #[error("the event names no programme and partner {0} has no default one")]
    NoProgramme(PartnerId),
    /// The network has no such programme.
    #[error("the network has no programme {0}")]
    UnknownProgramme(ProgrammeId),
    /// The event happened before the programme began.
    #[error("programme {programme} is in force from {from}; the event happened before")]
    ProgrammeNotInForce {
        /// Which programme.
        programme: ProgrammeId,
        /// Its first version's instant.
        from: Timestamp,
    },
    /// No rule of the programme looks at amounts of this currency at this partner.
    #[error("programme {programme} has no rule for amounts in {currency} at this partner")]
    CurrencyNotAccepted {
        /// Which programme.
        programme: ProgrammeId,
        /// The currency of the event.
        currency: Currency,
    },
    /// Below zero.
    #[error("an amount is below zero")]
    AmountNegative,
    /// More points than an account may hold.
    #[error("the points lie beyond the range of points")]
    PointsOutOfRange,
    /// The member has not permitted it.
    #[error("the member has given no consent for {0}")]
    ConsentMissing(Purpose),
    /// Older than the network accepts.
    #[error("the event is older than the network accepts ({} days)", .max_age.as_millis() / 86_400_000)]
    EventTooOld {
        /// The network's limit at that time.
        max_age: Span,
    },
    /// The same id came before with other content.
    #[error("this id was used before for something else")]
    IdReused,
    /// Nobody agreed on a price.
    #[error("partner {partner} has no price in force for programme {programme}")]
    NoContract {
        /// Who should pay or be paid.
        partner: PartnerId,
        /// For which programme.
        programme: ProgrammeId,
    },
    /// Nobody has enrolled on this account.
    #[error("nobody is enrolled on this account")]
    NotEnrolled,
    /// Somebody has enrolled on this account.
    #[error("somebody is enrolled on this identifier already")]
    AlreadyEnrolled,
    /// The catalogue has no such reward.
    #[error("programme {programme} has no reward {reward}")]
    UnknownReward {
        /// Which programme.
        programme: ProgrammeId,
        /// What was asked for.
        reward: RewardId,
    },
    /// Not to be had at this time.
    #[error("reward {0} is not to be had at this time")]
    RewardNotAvailable(RewardId),
    /// Nothing, or too many of it.
    #[error("a quantity lies between 1 and 1000")]
    QuantityOutOfRange,
    /// Not enough points to spend.
    #[error("{} {} short", grouped(.missing.get()), if .missing.get() == 1 { "point" } else { "points" })]
    PointsShort {
        /// How many more it takes.
        missing: Points,
    },
    /// The request id was made too long ago for its repeats to be known.
    #[error("the request id was issued at {issued}, more than {} hours ago; use a new one", .max_age.as_millis() / 3_600_000)]
    RequestTooOld {
        /// The time in the id.
        issued: Timestamp,
        /// The network's limit at that time.
        max_age: Span,
    },
    /// The request id claims to be made in the future.
    #[error("the request id was issued at {0}, which is in the future; check the clock")]
    RequestInFuture(Timestamp),
    /// The caller may not do this.
    #[error("the caller may not do this")]
    PermissionDenied,
    /// The caller's key is not known, or no longer valid.
    #[error("the caller's key is revoked")]
    KeyRevoked,
    /// The decision would be larger than a record may be.
    #[error("the decision is too large for one record; ask for less at once")]
    DecisionTooLarge,
    /// A fault of ours, kept out of the way of others.
    #[error("a fault inside the ledger; it was noted")]
    InternalFault,
    /// The name is taken.
    #[error("{0} exists already")]
    AlreadyExists(String),
    /// The document has faults.
    #[error("the programme document has faults: {0}")]
    ProgrammeInvalid(String),
    /// A new version or price has to leave the network time to hear of it.
    #[error("it takes effect too early: the earliest instant is {earliest}")]
    EffectiveTooEarly {
        /// The earliest instant that would do.
        earliest: Timestamp,
    },
    /// There is no such key.
    #[error("there is no such key")]
    UnknownKey,
    /// A setting outside its range.
    #[error("{0}")]
    SettingOutOfRange(String),
    /// Without it nobody could run the network any more.
    #[error("this is the operator's only key; make another one first")]
    LastOperatorKey,
    /// More purposes than an account keeps.
    #[error("an account keeps consents for {0} purposes at most")]
    TooManyConsents(u32),
    /// The account has no such hold.
    #[error("the account has no such hold")]
    UnknownHold(BurnId),
    /// The account has no such redemption.
    #[error("the account has no such redemption")]
    UnknownRedemption(BurnId),
    /// Its points were given back by time.
    #[error("the hold timed out at {0}; its points are available again")]
    HoldExpired(Timestamp),
    /// It was settled before.
    #[error("the hold was captured or released before")]
    HoldNotOpen,
    /// More points than the hold has.
    #[error("the hold has {held} points, fewer than are to be captured")]
    CaptureTooLarge {
        /// What it has.
        held: Points,
    },
    /// Its points were given back before.
    #[error("the redemption was refunded before")]
    RefundedBefore,
    /// More open holds than an account keeps.
    #[error("an account keeps {0} open holds at most")]
    TooManyHolds(u32),
    /// Nothing is known of what is to be taken back.
    #[error("no such order of this partner is known on this account, and none came in time")]
    OrderNotFound,
    /// The order has no such line.
    #[error("the order has no line of this id")]
    OrderLineNotFound,
    /// More than is left of the order, or of one of its lines.
    #[error("more is returned than is left of the order or line")]
    ReturnExceedsOrder,
    /// The order was paid in another currency.
    #[error("the order is in {order}, the event in {said}")]
    OrderCurrencyDiffers {
        /// The order's.
        order: Currency,
        /// The event's.
        said: Currency,
    },
    /// The order is older than returns are accepted for.
    #[error("the order is older than returns are accepted for ({} days)", .max_age.as_millis() / 86_400_000)]
    ReturnTooLate {
        /// The network's limit at that time.
        max_age: Span,
    },
    /// More lines or grants than an order keeps.
    #[error("the order has more parts, lines or lots than are kept of it")]
    OrderTooLarge,
    /// Fewer points than the reward takes at once.
    #[error("at least {} points are spent on it at once", grouped(.min.get()))]
    RewardBelowMinimum {
        /// The least.
        min: Points,
    },
    /// More points than the reward takes at once.
    #[error("at most {} points are spent on it at once", grouped(.max.get()))]
    RewardAboveMaximum {
        /// The most.
        max: Points,
    },
    /// More points than a member may spend on the reward in a year.
    #[error("{} more points can be spent on it before {until}", grouped(.allowed.get()))]
    RewardLimitReached {
        /// How many more.
        allowed: Points,
        /// When the next year begins.
        until: Timestamp,
    },
    /// The account has no such adjustment.
    #[error("the account has no such adjustment")]
    UnknownAdjustment(AdjustmentId),
    /// It needed a second word that nobody gave in time.
    #[error("the proposal lapsed at {0}")]
    AdjustmentLapsed(Timestamp),
    /// It took effect or was turned down before.
    #[error("the adjustment took effect or was rejected before")]
    AdjustmentNotOpen,
    /// Whoever proposes does not approve.
    #[error("it takes another operator's key than the one that proposed the adjustment")]
    OwnAdjustment,
    /// The identifier's account follows a member's.
    #[error("the identifier is linked to a member already")]
    IdentifierLinked,
    /// The partner begins nothing until it is resumed.
    #[error("partner {0} is suspended")]
    PartnerSuspended(PartnerId),
    /// The account follows another member's, which has what it had.
    #[error("the account was linked to another member's, which has what it had")]
    AccountLinked {
        /// Which.
        to: AccountId,
    },
    /// The identifier's account does not follow this member's.
    #[error("the identifier is not linked to this member")]
    IdentifierNotLinked,
    /// The member enrolled on the identifier: without it nobody would be.
    #[error("the member enrolled on this identifier")]
    IdentifierEnrolled,
    /// What the account had when it was linked is not all with the member yet.
    #[error("what the identifier had is still on its way to the member")]
    HandoverUnfinished,
}

/// A number with a comma before each three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

impl Rejection {
    /// The code: frozen, part of every interface.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownPartner(_) => "UNKNOWN_PARTNER",
            Self::NoProgramme(_) => "NO_PROGRAMME",
            Self::UnknownProgramme(_) => "UNKNOWN_PROGRAMME",
            Self::ProgrammeNotInForce { .. } => "PROGRAMME_NOT_IN_FORCE",
            Self::CurrencyNotAccepted { .. } => "CURRENCY_NOT_ACCEPTED",
            Self::AmountNegative => "AMOUNT_NEGATIVE",
            Self::PointsOutOfRange => "AMOUNT_TOO_LARGE",
            Self::ConsentMissing(_) => "CONSENT_MISSING",
            Self::EventTooOld { .. } => "EVENT_TOO_OLD",
            Self::IdReused => "ID_REUSED",
            Self::NoContract { .. } => "NO_CONTRACT",
            Self::NotEnrolled => "NOT_ENROLLED",
            Self::AlreadyEnrolled => "ALREADY_ENROLLED",
            Self::UnknownReward { .. } => "UNKNOWN_REWARD",
            Self::RewardNotAvailable(_) => "REWARD_NOT_AVAILABLE",
            Self::QuantityOutOfRange | Self::SettingOutOfRange(_) => "INVALID_ARGUMENT",
            Self::PointsShort { .. } => "POINTS_SHORT",
            Self::RequestTooOld { .. } => "REQUEST_TOO_OLD",
            Self::RequestInFuture(_) => "REQUEST_IN_FUTURE",
            Self::PermissionDenied => "PERMISSION_DENIED",
            Self::KeyRevoked => "KEY_REVOKED",
            Self::DecisionTooLarge => "DECISION_TOO_LARGE",
            Self::InternalFault => "INTERNAL_FAULT",
            Self::AlreadyExists(_) => "ALREADY_EXISTS",
            Self::ProgrammeInvalid(_) => "PROGRAMME_INVALID",
            Self::EffectiveTooEarly { .. } => "EFFECTIVE_TOO_EARLY",
            Self::LastOperatorKey => "LAST_OPERATOR_KEY",
            Self::TooManyConsents(_) => "TOO_MANY_CONSENTS",
            Self::UnknownKey => "NOT_FOUND",
            Self::UnknownHold(_) => "UNKNOWN_HOLD",
            Self::UnknownRedemption(_) => "UNKNOWN_REDEMPTION",
            Self::HoldExpired(_) => "HOLD_EXPIRED",
            Self::HoldNotOpen => "HOLD_NOT_OPEN",
            Self::CaptureTooLarge { .. } => "CAPTURE_TOO_LARGE",
            Self::RefundedBefore => "REDEMPTION_REFUNDED",
            Self::TooManyHolds(_) => "TOO_MANY_HOLDS",
            Self::OrderNotFound => "ORDER_NOT_FOUND",
            Self::OrderLineNotFound => "ORDER_LINE_NOT_FOUND",
            Self::ReturnExceedsOrder => "RETURN_EXCEEDS_ORDER",
            Self::OrderCurrencyDiffers { .. } => "ORDER_CURRENCY_DIFFERS",
            Self::ReturnTooLate { .. } => "RETURN_TOO_LATE",
            Self::OrderTooLarge => "ORDER_TOO_LARGE",
            Self::RewardBelowMinimum { .. } => "REWARD_BELOW_MINIMUM",
            Self::RewardAboveMaximum { .. } => "REWARD_ABOVE_MAXIMUM",
            Self::RewardLimitReached { .. } => "REWARD_LIMIT_REACHED",
            Self::UnknownAdjustment(_) => "UNKNOWN_ADJUSTMENT",
            Self::AdjustmentLapsed(_) => "ADJUSTMENT_LAPSED",
            Self::AdjustmentNotOpen => "ADJUSTMENT_NOT_OPEN",
            Self::OwnAdjustment => "OWN_ADJUSTMENT",
            Self::IdentifierLinked => "IDENTIFIER_LINKED",
            Self::PartnerSuspended(_) => "PARTNER_SUSPENDED",
            Self::AccountLinked { .. } => "ACCOUNT_LINKED",
            Self::IdentifierNotLinked => "IDENTIFIER_NOT_LINKED",
            Self::IdentifierEnrolled => "IDENTIFIER_ENROLLED",
            Self::HandoverUnfinished => "HANDOVER_UNFINISHED",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_points_are_told_as_people_write_them() {
        for (missing, told) in [
            (1, "1 point short"),
            (999, "999 points short"),
            (11_829, "11,829 points short"),
            (1_000_000, "1,000,000 points short"),
        ] {
            let missing = Points::new(missing).unwrap();
            assert_eq!(Rejection::PointsShort { missing }.to_string(), told);
        }
    }
}
