//! What to do about a refusal, where its message alone doesn't say it.

use std::collections::BTreeMap;

use coalition_client::Distrust;
use coalition_proto::r#type::v1::ErrorReason;

/// What is said while prices are agreed on: a start that is too early is set there, and not in a document.
pub(crate) const AGREEING: &str = "agree on the contract";
/// While a document is read that was published.
pub(crate) const READING_VERSION: &str = "read the programme's version";
/// While a key is revoked.
pub(crate) const REVOKING: &str = "revoke the key";
/// While an identifier is unlinked.
pub(crate) const UNLINKING: &str = "unlink the identifier";

/// What to do about `reason`, which came while `doing` this, with `metadata` for programs (docs/errors.md).
pub(super) fn on(reason: ErrorReason, doing: &str, metadata: &BTreeMap<String, String>) -> Option<String> {
    here(reason, doing, metadata).or_else(|| always(reason).map(str::to_owned))
}

/// What it depends on what was being done, and on what the answer tells beside the reason.
fn here(reason: ErrorReason, doing: &str, metadata: &BTreeMap<String, String>) -> Option<String> {
    use ErrorReason as R;
    let told = |key: &str| metadata.get(key).map(String::as_str);
    if reason == R::PermissionDenied && told("needs") == Some("operator") {
        return Some("this needs an operator's key".to_owned());
    }
    if reason == R::PermissionDenied
        && let Some(purpose) = told("purpose")
    {
        return Some(format!("the member has to consent to {purpose}; an operator's key opens it without"));
    }
    let advice = match (reason, doing) {
        (R::EffectiveTooEarly, AGREEING) => "set --from to that instant or later",
        (R::EffectiveTooEarly, _) => {
            "set effective_from in the document to that instant, or a few minutes later"
        }
        (R::NotFound, READING_VERSION) => "`coalition programme show` tells which version is in force",
        (R::NotFound, REVOKING) => {
            "a key's name is the ID in apiKeys/ID, said when it was made, and in its secret, ck_ID_SECRET"
        }
        (R::NotFound | R::IdentifierEnrolled | R::IdentifierNotLinked, UNLINKING) => {
            "`coalition member identifiers` tells their numbers; number 0 is what the member enrolled on"
        }
        (_, _) => return None,
    };
    Some(advice.to_owned())
}

/// What to do about it, whatever was being done.
fn always(reason: ErrorReason) -> Option<&'static str> {
    use ErrorReason as R;
    Some(match reason {
        R::Unauthenticated => {
            "show a key of this network with --key-file; `serve` leaves the operator's in operator.key of its data folder"
        }
        R::KeyRevoked => "ask the operator for another key (`coalition partner key`)",
        R::TokenExpired => "get another token (`coalition token create`)",
        R::PermissionDenied | R::PartnerMismatch => {
            "use a key that opens this: that of the partner whose things these are, or an operator's"
        }
        R::UnknownPartner => "see `coalition partner list`; `coalition partner create` registers one",
        R::UnknownProgramme => "see `coalition programme list`",
        R::UnknownReward | R::RewardNotAvailable => "see `coalition programme show` for the rewards",
        R::MemberNotFound | R::NotEnrolled => {
            "check the name or identifier; `coalition member enrol` enrols somebody new"
        }
        R::AlreadyEnrolled | R::AccountLinked | R::IdentifierNotLinked => {
            "`coalition member lookup` tells who it is"
        }
        R::HandoverUnfinished => "try again in a moment",
        R::EventNotFound => {
            "check event id and identifier, both as the partner sent them; one that was sent just now may not be read yet, and one that \
             can't be taken is in `coalition rejected PARTNER`"
        }
        R::NoContract => "agree on prices with `coalition partner contract`",
        R::OrderNotFound => {
            "check the order id, and that purchase and return name the same identifier; an order of another programme is found as well"
        }
        R::IdReused => "use another id for another request",
        R::RequestInFuture | R::RequestTooOld => {
            "leave --request-id out to have a new id made; check this machine's clock"
        }
        R::NotOwner | R::NotApplied | R::OutcomeUnknown | R::Overloaded | R::PositionNotReached => {
            "try again"
        }
        R::DeadlineExceeded => "try again with a longer --timeout",
        R::InternalFault => "the network's operator finds it in the log of `serve`",
        R::FieldMissing => "name it in the command; see its --help",
        R::HoldExpired | R::HoldNotOpen | R::CaptureTooLarge => {
            "`coalition hold show` tells what became of it; `coalition hold create` holds points anew"
        }
        R::UnknownHold | R::TooManyHolds => "see `coalition hold list` for the member's holds",
        R::UnknownAdjustment | R::AdjustmentLapsed | R::AdjustmentNotOpen => {
            "see `coalition adjustment list` for what became of the member's adjustments"
        }
        R::OwnAdjustment => {
            "have somebody else approve it with their key; `coalition partner key --operator` makes one for them"
        }
        R::PartnerSuspended => {
            "an operator lets it take part again with `coalition partner resume`; a refused event is sent again then, with a higher revision"
        }
        R::LastOperatorKey => {
            "make another one with `coalition partner key --operator`, and revoke this one with that"
        }
        R::Unspecified
        | R::EffectiveTooEarly
        | R::TooManyConsents
        | R::UnknownRedemption
        | R::RedemptionRefunded
        | R::NotFound
        | R::Malformed
        | R::FormatNotAccepted
        | R::FieldTooLong
        | R::IdentifierRefused
        | R::AmountNegative
        | R::AmountTooLarge
        | R::CurrencyUnknown
        | R::CurrencyNotAccepted
        | R::EventInFuture
        | R::EventTooOld
        | R::ConsentMissing
        | R::ProgrammeNotInForce
        | R::PointsShort
        | R::DecisionTooLarge
        | R::InvalidArgument
        | R::InvalidPageToken
        | R::ProgrammeInvalid
        | R::AlreadyExists
        | R::NoProgramme
        | R::OrderLineNotFound
        | R::ReturnExceedsOrder
        | R::OrderCurrencyDiffers
        | R::ReturnTooLate
        | R::OrderTooLarge
        | R::RewardBelowMinimum
        | R::RewardAboveMaximum
        | R::RewardLimitReached
        | R::IdentifierLinked
        | R::TooManyIdentifiers
        | R::IdentifierEnrolled
        | R::LinesDiffer => return None,
    })
}

/// What to do about a server that answers and is not believed.
pub(super) fn to_trust(why: &Distrust) -> &'static str {
    match why {
        Distrust::NoTls => "connect with http://, or see what listens there",
        Distrust::Expired => "the gateway's certificate has to be renewed, by whoever runs it",
        Distrust::NotValidYet => "check this machine's clock, and the certificate's dates",
        Distrust::OtherName => "call it in --server by a name that is in its certificate (subjectAltName)",
        Distrust::UnknownIssuer => {
            "with --tls-ca FILE name the authority's certificate, or the gateway's own if it signed itself, in PEM"
        }
        Distrust::Authority => {
            "give the gateway a certificate with basicConstraints CA:FALSE; docs/operating/gateway.md has a command that makes one"
        }
        Distrust::Unfit(_) => {
            "give the gateway another certificate; docs/operating/gateway.md has a command for trials"
        }
    }
}

/// The argument that says a field of the API, where one does.
pub(super) fn argument(field: &str) -> Option<&'static str> {
    Some(match field {
        "display_name" => "--name",
        "default_programme" | "programme" => "--programme",
        "start_time" => "--from",
        "end_time" => "--to",
        "accrual_unit_price" => "--accrual",
        "redemption_unit_price" => "--redemption",
        "quantity" => "--quantity",
        "request_id" => "--request-id",
        "partner" | "partner_id" => "PARTNER",
        "event_id" => "EVENT_ID",
        "reward" => "REWARD",
        "document" => "FILE",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn metadata(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
        entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn commands_and_options_that_are_advised_are_there() {
        let reasons: Vec<_> = (0..1_000).filter_map(|number| ErrorReason::try_from(number).ok()).collect();
        let mut seen = 0;
        for doing in ["", AGREEING, READING_VERSION, REVOKING, UNLINKING] {
            for text in reasons.iter().filter_map(|reason| on(*reason, doing, &metadata(&[]))) {
                for quoted in text.split('`').skip(1).step_by(2) {
                    check_there(quoted);
                    seen += 1;
                }
            }
        }
        assert!(seen >= 40, "{seen}");
    }

    fn check_there(quoted: &str) {
        let mut command = crate::Cli::command();
        for word in quoted.split(' ').filter(|word| *word != "coalition" && !is_placeholder(word)) {
            match word.strip_prefix("--") {
                Some(option) => {
                    let there = command.get_arguments().any(|argument| argument.get_long() == Some(option));
                    assert!(there, "{quoted}: there is no --{option}");
                }
                None => {
                    let found = command.find_subcommand(word).cloned();
                    command = found.unwrap_or_else(|| panic!("{quoted}: there is no {word}"));
                }
            }
        }
    }

    fn is_placeholder(word: &str) -> bool {
        word.bytes().all(|byte| byte.is_ascii_uppercase())
    }

    #[test]
    fn advice_fits_what_was_being_done() {
        let early = |doing| on(ErrorReason::EffectiveTooEarly, doing, &metadata(&[])).unwrap();
        assert!(early(AGREEING).contains("--from") && early("publish the programme").contains("document"));
        let denied = |entries: &[_]| on(ErrorReason::PermissionDenied, "", &metadata(entries)).unwrap();
        assert!(denied(&[("purpose", "share-balance")]).contains("consent to share-balance"));
        assert_eq!(denied(&[("needs", "operator")]), "this needs an operator's key");
        assert!(denied(&[]).contains("that of the partner"));
        assert_eq!(on(ErrorReason::NotFound, "read an activity", &metadata(&[])), None);
    }
}
