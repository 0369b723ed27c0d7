//! The reasons against what is written of them elsewhere: the API's comments, the domain's codes, docs/errors.md.

use std::collections::{BTreeMap, BTreeSet};

use coalition_domain::{BurnId, Points, Span, Timestamp};

use super::*;

const DECLARED: &str = include_str!("../../../../proto/coalition/type/v1/error_reason.proto");
const DOCUMENT: &str = include_str!("../../../../docs/errors.md");

/// Every reason of the API with its code, as its comments in proto/ say: `... [CODE].`, then the value.
fn declared() -> BTreeMap<String, String> {
    let mut declared = BTreeMap::new();
    let mut code = None;
    for line in DECLARED.lines().map(str::trim) {
        if let Some(value) = line.strip_prefix("ERROR_REASON_").and_then(|line| line.split(" = ").next()) {
            if value != "UNSPECIFIED" {
                declared
                    .insert(value.to_owned(), code.take().unwrap_or_else(|| panic!("{value} has no code")));
            }
        } else if let Some((_, rest)) = line.split_once('[') {
            code = rest.split_once(']').map(|(code, _)| code.to_owned());
        }
    }
    declared
}

/// `INVALID_ARGUMENT` of [`Code::InvalidArgument`].
fn name(code: Code) -> String {
    let mut name = String::new();
    for letter in format!("{code:?}").chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

#[test]
fn codes_are_those_that_the_api_promises() {
    let declared = declared();
    assert!(declared.len() > 40, "{declared:?}");
    for (reason, promised) in declared {
        let code = code(ErrorReason::from_reason(&reason).unwrap());
        assert_eq!(name(code), promised, "{reason}");
    }
}

#[test]
fn every_reason_is_documented_with_its_code_and_no_other() {
    let mut rows = BTreeMap::new();
    for line in DOCUMENT.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let [_, reason, code, when, what, _] = cells.as_slice() else { panic!("{line}") };
        assert!(!when.is_empty() && !what.is_empty(), "{line}");
        let before = rows.insert(reason.trim_matches('`').to_owned(), (*code).to_owned());
        assert_eq!(before, None, "{reason} has two rows");
    }
    assert_eq!(rows, declared());
}

/// A sample of each rejection; the match in [`reason`] does not compile without a new one.
fn rejections() -> Vec<Rejection> {
    let (partner, programme) = ("p".parse().unwrap(), "q".parse().unwrap());
    let (reward, time) = ("r".parse().unwrap(), Timestamp::from_millis(0));
    vec![
        Rejection::UnknownPartner(partner),
        Rejection::NoProgramme(partner),
        Rejection::UnknownProgramme(programme),
        Rejection::ProgrammeNotInForce { programme, from: time },
        Rejection::CurrencyNotAccepted { programme, currency: "USD".parse().unwrap() },
        Rejection::AmountNegative,
        Rejection::PointsOutOfRange,
        Rejection::ConsentMissing("c".parse().unwrap()),
        Rejection::EventTooOld { max_age: Span::from_days(1) },
        Rejection::IdReused,
        Rejection::NoContract { partner, programme },
        Rejection::NotEnrolled,
        Rejection::AlreadyEnrolled,
        Rejection::UnknownReward { programme, reward },
        Rejection::RewardNotAvailable(reward),
        Rejection::QuantityOutOfRange,
        Rejection::PointsShort { missing: Points::new(1).unwrap() },
        Rejection::RequestTooOld { issued: time, max_age: Span::from_days(1) },
        Rejection::RequestInFuture(time),
        Rejection::PermissionDenied,
        Rejection::KeyRevoked,
        Rejection::DecisionTooLarge,
        Rejection::InternalFault,
        Rejection::AlreadyExists("x".to_owned()),
        Rejection::ProgrammeInvalid("x".to_owned()),
        Rejection::EffectiveTooEarly { earliest: time },
        Rejection::UnknownKey,
        Rejection::SettingOutOfRange("x".to_owned()),
        Rejection::LastOperatorKey,
        Rejection::TooManyConsents(1),
        Rejection::UnknownHold(BurnId(1)),
        Rejection::UnknownRedemption(BurnId(1)),
        Rejection::HoldExpired(time),
        Rejection::HoldNotOpen,
        Rejection::CaptureTooLarge { held: Points::new(1).unwrap() },
        Rejection::RefundedBefore,
        Rejection::TooManyHolds(1),
        Rejection::RewardBelowMinimum { min: Points::new(1).unwrap() },
        Rejection::RewardAboveMaximum { max: Points::new(1).unwrap() },
        Rejection::RewardLimitReached { allowed: Points::ZERO, until: time },
        Rejection::AccountLinked { to: coalition_domain::AccountId(uuid::Uuid::nil()) },
        Rejection::IdentifierNotLinked,
        Rejection::IdentifierEnrolled,
        Rejection::HandoverUnfinished,
    ]
}

#[test]
fn the_reason_of_a_rejection_is_its_code_in_the_domain() {
    for rejection in rejections() {
        assert_eq!(reason(&rejection).reason(), rejection.code(), "{rejection:?}");
    }
}

#[test]
fn messages_are_lower_case_without_a_full_stop() {
    for rejection in rejections() {
        let message = Failure::from(&rejection).message;
        let first = message.chars().next().unwrap();
        assert!(!first.is_uppercase() && !message.ends_with('.'), "{message}");
    }
}

#[test]
fn what_the_metadata_holds_is_documented() {
    let documented = |key: &String| DOCUMENT.contains(&format!("`{key}`"));
    let keys: BTreeSet<_> =
        rejections().iter().flat_map(|rejection| Failure::from(rejection).metadata.into_keys()).collect();
    assert!(keys.contains("points_missing"));
    assert_eq!(keys.into_iter().filter(|key| !documented(key)).collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn a_status_carries_reason_fields_and_when_to_try_again() {
    let status = Status::from(Failure::invalid("page_size", "is below 0"));
    let details = status.get_error_details();
    assert_eq!((status.code(), status.message()), (Code::InvalidArgument, "page_size is below 0"));
    let info = details.error_info().unwrap();
    assert_eq!((info.reason.as_str(), info.domain.as_str()), ("INVALID_ARGUMENT", "coalition"));
    assert_eq!(details.bad_request().unwrap().field_violations[0].field, "page_size");
    assert!(details.retry_info().is_none());
    let status = Status::from(Failure::from(Unavailable::NotApplied));
    assert_eq!(status.get_error_details().retry_info().unwrap().retry_delay, Some(RETRY));
}
