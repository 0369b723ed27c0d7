//! Why a call failed, and the status that says so: `google.rpc.Status` with `ErrorInfo`, and with `BadRequest` and
//! `RetryInfo` where they help.

use std::collections::HashMap;
use std::fmt::Display;
use std::time::Duration;

use coalition_domain::Rejection;
use coalition_ledger::runtime::Unavailable;
use coalition_proto::r#type::v1::ErrorReason;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

use crate::convert::name;

/// The domain of every `ErrorInfo`.
const DOMAIN: &str = "coalition";

/// When to try again after a passing trouble, at the earliest.
const RETRY: Duration = Duration::from_millis(200);

/// Why a call failed.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) reason: ErrorReason,
    pub(crate) message: String,
    metadata: HashMap<String, String>,
    violations: Vec<FieldViolation>,
    retry: Option<Duration>,
}

impl Failure {
    /// A failure for `reason`; `message` is for a person, lower case, and holds nothing that the caller sent.
    pub(crate) fn new(reason: ErrorReason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            metadata: HashMap::new(),
            violations: Vec::new(),
            retry: None,
        }
    }

    /// A field has a value that it may not have.
    pub(crate) fn invalid(field: &str, message: impl Into<String>) -> Self {
        Self::of_field(ErrorReason::InvalidArgument, field, message)
    }

    /// A required field is not set.
    pub(crate) fn missing(field: &str) -> Self {
        Self::of_field(ErrorReason::FieldMissing, field, "is required")
    }

    /// A fault of one field.
    pub(crate) fn of_field(reason: ErrorReason, field: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self::new(reason, format!("{field} {message}")).violating(field, message)
    }

    /// The key does not open this.
    pub(crate) fn denied(message: &str) -> Self {
        Self::new(ErrorReason::PermissionDenied, message)
    }

    /// A broken promise of ours, noted for a person here, where it is found.
    pub(crate) fn internal(what: &dyn Display) -> Self {
        tracing::error!(%what, "a call met a fault of the gateway");
        Self::new(ErrorReason::InternalFault, "a fault inside the gateway; it was noted")
    }

    /// A line more for programs.
    pub(crate) fn with(mut self, key: &str, value: impl Display) -> Self {
        self.metadata.insert(key.to_owned(), value.to_string());
        self
    }

    /// One more field at fault.
    pub(crate) fn violating(mut self, field: &str, description: impl Into<String>) -> Self {
        self.violations.push(FieldViolation::new(field, description));
        self
    }

    /// When to try again, of what passes.
    pub(crate) fn after(mut self, wait: Duration) -> Self {
        self.retry = self.retry.map(|retry| retry.max(wait));
        self
    }

    /// What is told of a call that took effect before it met this: nothing by which it might be made anew, under another id.
    pub(crate) fn after_effect(self) -> Self {
        if let Code::Unavailable | Code::ResourceExhausted | Code::DeadlineExceeded = code(self.reason) {
            let message = "it took effect, but what it came to can't be read at this moment; repeat with the same request id";
            return Self { retry: self.retry, ..unknown(message) };
        }
        self
    }

    /// It will pass: the caller may try again.
    pub(crate) fn passing(mut self) -> Self {
        self.retry = Some(RETRY);
        self
    }
}

impl From<Failure> for Status {
    fn from(failure: Failure) -> Self {
        let Failure { reason, message, metadata, violations, retry } = failure;
        let mut details = ErrorDetails::with_error_info(reason.reason(), DOMAIN, metadata);
        if !violations.is_empty() {
            details.set_bad_request(violations);
        }
        if retry.is_some() {
            details.set_retry_info(retry);
        }
        Status::with_error_details(code(reason), message, details)
    }
}

/// The gRPC code of a reason, as proto/coalition/type/v1/error_reason.proto promises it.
pub(crate) fn code(reason: ErrorReason) -> Code {
    use ErrorReason as R;
    match reason {
        R::Unauthenticated | R::KeyRevoked | R::TokenExpired => Code::Unauthenticated,
        R::PermissionDenied | R::PartnerMismatch => Code::PermissionDenied,
        R::UnknownPartner
        | R::UnknownProgramme
        | R::UnknownReward
        | R::UnknownHold
        | R::UnknownRedemption
        | R::UnknownAdjustment
        | R::MemberNotFound
        | R::EventNotFound
        | R::NotFound => Code::NotFound,
        R::Malformed
        | R::FormatNotAccepted
        | R::FieldMissing
        | R::FieldTooLong
        | R::IdentifierRefused
        | R::AmountNegative
        | R::AmountTooLarge
        | R::LinesDiffer
        | R::CurrencyUnknown
        | R::EventInFuture
        | R::RequestInFuture
        | R::InvalidArgument
        | R::InvalidPageToken
        | R::ProgrammeInvalid => Code::InvalidArgument,
        R::CurrencyNotAccepted
        | R::EventTooOld
        | R::ConsentMissing
        | R::ProgrammeNotInForce
        | R::NoContract
        | R::RewardNotAvailable
        | R::PointsShort
        | R::NotEnrolled
        | R::RequestTooOld
        | R::DecisionTooLarge
        | R::NoProgramme
        | R::EffectiveTooEarly
        | R::LastOperatorKey
        | R::TooManyConsents
        | R::HoldExpired
        | R::HoldNotOpen
        | R::CaptureTooLarge
        | R::RedemptionRefunded
        | R::TooManyHolds
        | R::OrderNotFound
        | R::OrderLineNotFound
        | R::ReturnExceedsOrder
        | R::OrderCurrencyDiffers
        | R::ReturnTooLate
        | R::OrderTooLarge
        | R::RewardBelowMinimum
        | R::RewardAboveMaximum
        | R::RewardLimitReached
        | R::AdjustmentLapsed
        | R::AdjustmentNotOpen
        | R::OwnAdjustment
        | R::TooManyIdentifiers
        | R::PartnerSuspended
        | R::AccountLinked
        | R::IdentifierNotLinked
        | R::IdentifierEnrolled
        | R::HandoverUnfinished => Code::FailedPrecondition,
        R::AlreadyEnrolled | R::IdentifierLinked | R::IdReused | R::AlreadyExists => Code::AlreadyExists,
        R::NotOwner | R::OutcomeUnknown | R::NotApplied | R::PositionNotReached => Code::Unavailable,
        R::Overloaded => Code::ResourceExhausted,
        R::DeadlineExceeded => Code::DeadlineExceeded,
        R::InternalFault | R::Unspecified => Code::Internal,
    }
}

/// The reason of a rejection.
pub(crate) fn reason(rejection: &Rejection) -> ErrorReason {
    match rejection {
        Rejection::UnknownPartner(_) => ErrorReason::UnknownPartner,
        Rejection::NoProgramme(_) => ErrorReason::NoProgramme,
        Rejection::UnknownProgramme(_) => ErrorReason::UnknownProgramme,
        Rejection::ProgrammeNotInForce { .. } => ErrorReason::ProgrammeNotInForce,
        Rejection::CurrencyNotAccepted { .. } => ErrorReason::CurrencyNotAccepted,
        Rejection::AmountNegative => ErrorReason::AmountNegative,
        Rejection::PointsOutOfRange => ErrorReason::AmountTooLarge,
        Rejection::ConsentMissing(_) => ErrorReason::ConsentMissing,
        Rejection::EventTooOld { .. } => ErrorReason::EventTooOld,
        Rejection::IdReused => ErrorReason::IdReused,
        Rejection::NoContract { .. } => ErrorReason::NoContract,
        Rejection::NotEnrolled => ErrorReason::NotEnrolled,
        Rejection::AlreadyEnrolled => ErrorReason::AlreadyEnrolled,
        Rejection::UnknownReward { .. } => ErrorReason::UnknownReward,
        Rejection::RewardNotAvailable(_) => ErrorReason::RewardNotAvailable,
        Rejection::QuantityOutOfRange | Rejection::SettingOutOfRange(_) => ErrorReason::InvalidArgument,
        Rejection::PointsShort { .. } => ErrorReason::PointsShort,
        Rejection::RequestTooOld { .. } => ErrorReason::RequestTooOld,
        Rejection::RequestInFuture(_) => ErrorReason::RequestInFuture,
        Rejection::PermissionDenied => ErrorReason::PermissionDenied,
        Rejection::KeyRevoked => ErrorReason::KeyRevoked,
        Rejection::DecisionTooLarge => ErrorReason::DecisionTooLarge,
        Rejection::InternalFault => ErrorReason::InternalFault,
        Rejection::AlreadyExists(_) => ErrorReason::AlreadyExists,
        Rejection::ProgrammeInvalid(_) => ErrorReason::ProgrammeInvalid,
        Rejection::EffectiveTooEarly { .. } => ErrorReason::EffectiveTooEarly,
        Rejection::UnknownKey => ErrorReason::NotFound,
        Rejection::LastOperatorKey => ErrorReason::LastOperatorKey,
        Rejection::TooManyConsents(_) => ErrorReason::TooManyConsents,
        Rejection::UnknownHold(_) => ErrorReason::UnknownHold,
        Rejection::UnknownRedemption(_) => ErrorReason::UnknownRedemption,
        Rejection::HoldExpired(_) => ErrorReason::HoldExpired,
        Rejection::HoldNotOpen => ErrorReason::HoldNotOpen,
        Rejection::CaptureTooLarge { .. } => ErrorReason::CaptureTooLarge,
        Rejection::RefundedBefore => ErrorReason::RedemptionRefunded,
        Rejection::TooManyHolds(_) => ErrorReason::TooManyHolds,
        Rejection::OrderNotFound => ErrorReason::OrderNotFound,
        Rejection::OrderLineNotFound => ErrorReason::OrderLineNotFound,
        Rejection::ReturnExceedsOrder => ErrorReason::ReturnExceedsOrder,
        Rejection::OrderCurrencyDiffers { .. } => ErrorReason::OrderCurrencyDiffers,
        Rejection::ReturnTooLate { .. } => ErrorReason::ReturnTooLate,
        Rejection::OrderTooLarge => ErrorReason::OrderTooLarge,
        Rejection::RewardBelowMinimum { .. } => ErrorReason::RewardBelowMinimum,
        Rejection::RewardAboveMaximum { .. } => ErrorReason::RewardAboveMaximum,
        Rejection::RewardLimitReached { .. } => ErrorReason::RewardLimitReached,
        Rejection::UnknownAdjustment(_) => ErrorReason::UnknownAdjustment,
        Rejection::AdjustmentLapsed(_) => ErrorReason::AdjustmentLapsed,
        Rejection::AdjustmentNotOpen => ErrorReason::AdjustmentNotOpen,
        Rejection::OwnAdjustment => ErrorReason::OwnAdjustment,
        Rejection::IdentifierLinked => ErrorReason::IdentifierLinked,
        Rejection::PartnerSuspended(_) => ErrorReason::PartnerSuspended,
        Rejection::AccountLinked { .. } => ErrorReason::AccountLinked,
        Rejection::IdentifierNotLinked => ErrorReason::IdentifierNotLinked,
        Rejection::IdentifierEnrolled => ErrorReason::IdentifierEnrolled,
        Rejection::HandoverUnfinished => ErrorReason::HandoverUnfinished,
    }
}

impl From<&Rejection> for Failure {
    fn from(rejection: &Rejection) -> Self {
        let failure = Failure::new(reason(rejection), rejection.to_string());
        match rejection {
            Rejection::PointsShort { missing } => failure.with("points_missing", missing),
            Rejection::EffectiveTooEarly { earliest } => failure.with("earliest", earliest),
            Rejection::ProgrammeNotInForce { from, .. } => failure.with("from", from),
            Rejection::CurrencyNotAccepted { currency, .. } => failure.with("currency", currency),
            Rejection::ConsentMissing(purpose) => failure.with("purpose", purpose),
            Rejection::OrderCurrencyDiffers { order, .. } => failure.with("currency", order),
            Rejection::EventTooOld { max_age } | Rejection::ReturnTooLate { max_age } => {
                failure.with("max_event_age_ms", max_age.as_millis())
            }
            Rejection::RequestTooOld { max_age, .. } => {
                failure.with("max_request_age_ms", max_age.as_millis())
            }
            Rejection::NoContract { partner, programme } => {
                failure.with("partner", partner).with("programme", programme)
            }
            Rejection::AdjustmentLapsed(until) => failure.with("lapsed", until),
            Rejection::PartnerSuspended(partner) => failure.with("partner", partner),
            Rejection::HoldExpired(until) => failure.with("expired", until),
            Rejection::CaptureTooLarge { held } => failure.with("points_held", held),
            Rejection::RewardBelowMinimum { min } => failure.with("points_min", min),
            Rejection::RewardAboveMaximum { max } => failure.with("points_max", max),
            Rejection::RewardLimitReached { allowed, until } => {
                failure.with("points_allowed", allowed).with("until", until)
            }
            Rejection::AccountLinked { to } => failure.with("member", name::of_member(to)),
            Rejection::QuantityOutOfRange => failure.violating("quantity", "lies between 1 and 1000"),
            Rejection::UnknownPartner(_)
            | Rejection::NoProgramme(_)
            | Rejection::UnknownProgramme(_)
            | Rejection::AmountNegative
            | Rejection::PointsOutOfRange
            | Rejection::IdReused
            | Rejection::NotEnrolled
            | Rejection::AlreadyEnrolled
            | Rejection::UnknownReward { .. }
            | Rejection::RewardNotAvailable(_)
            | Rejection::RequestInFuture(_)
            | Rejection::PermissionDenied
            | Rejection::KeyRevoked
            | Rejection::DecisionTooLarge
            | Rejection::InternalFault
            | Rejection::AlreadyExists(_)
            | Rejection::ProgrammeInvalid(_)
            | Rejection::UnknownKey
            | Rejection::LastOperatorKey
            | Rejection::TooManyConsents(_)
            | Rejection::UnknownAdjustment(_)
            | Rejection::AdjustmentNotOpen
            | Rejection::OwnAdjustment
            | Rejection::UnknownHold(_)
            | Rejection::UnknownRedemption(_)
            | Rejection::HoldNotOpen
            | Rejection::RefundedBefore
            | Rejection::TooManyHolds(_)
            | Rejection::SettingOutOfRange(_)
            | Rejection::OrderNotFound
            | Rejection::OrderLineNotFound
            | Rejection::ReturnExceedsOrder
            | Rejection::OrderTooLarge
            | Rejection::IdentifierLinked
            | Rejection::IdentifierNotLinked
            | Rejection::IdentifierEnrolled
            | Rejection::HandoverUnfinished => failure,
        }
    }
}

impl From<Unavailable> for Failure {
    fn from(why: Unavailable) -> Self {
        let message = why.to_string();
        let (reason, shard) = match why {
            // A shard that stopped is nobody's here; the shard itself told the operator.
            Unavailable::NotOwner(shard)
            | Unavailable::Rebuilding(shard)
            | Unavailable::Stopped(shard, _) => (ErrorReason::NotOwner, Some(shard)),
            Unavailable::NotApplied => (ErrorReason::NotApplied, None),
            Unavailable::OutcomeUnknown => (ErrorReason::OutcomeUnknown, None),
            Unavailable::Overloaded(shard) => (ErrorReason::Overloaded, Some(shard)),
        };
        let failure = Failure::new(reason, message).passing();
        match shard {
            Some(shard) => failure.with("shard", shard),
            None => failure,
        }
    }
}

/// Too much is under way.
pub(crate) fn overloaded(message: &str) -> Failure {
    Failure::new(ErrorReason::Overloaded, message).passing()
}

/// The outcome of something that was sent is not known.
pub(crate) fn unknown(message: &str) -> Failure {
    Failure::new(ErrorReason::OutcomeUnknown, message).passing()
}

/// The time that the call was given is over as it read something.
pub(crate) fn deadline() -> Failure {
    Failure::new(ErrorReason::DeadlineExceeded, "the call took longer than its deadline; allow it more time")
        .passing()
}

/// The shard is not as far as the caller asked for.
pub(crate) fn not_reached() -> Failure {
    let message = "the shard has not reached min_position yet; repeat the call";
    Failure::new(ErrorReason::PositionNotReached, message).passing()
}

#[cfg(test)]
mod tests;
