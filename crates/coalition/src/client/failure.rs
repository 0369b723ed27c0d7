//! What a command says when it fails, and the code that it ends with.

use std::fmt;
use std::process::ExitCode;

use coalition_client::Error;
use coalition_domain::RequestId;
use coalition_proto::r#type::v1::ErrorReason;

/// Something failed here.
const FAILED: u8 = 1;
/// The arguments don't make a call.
const USAGE: u8 = 2;
/// The network understood and said no.
pub(crate) const REFUSED: u8 = 3;
/// The network has no such thing.
const NOT_FOUND: u8 = 4;
/// Nobody answered, or nobody who could: try again.
const UNAVAILABLE: u8 = 5;

/// A call that the network did not do.
#[derive(Debug)]
pub(crate) struct CallFailed {
    /// What was being done, such as "look the member up".
    doing: String,
    /// What came back.
    error: Error,
    /// Of a call that changes something: the id to repeat it with by hand.
    request: Option<RequestId>,
}

impl fmt::Display for CallFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.error.detail() {
            Some(detail) if detail.timed_out() => write!(f, "{}: no answer within --timeout", self.doing),
            Some(_) | None => write!(f, "{}: {}", self.doing, self.error),
        }
    }
}

impl std::error::Error for CallFailed {}

impl CallFailed {
    /// A call that can't be repeated by hand under an id.
    pub(crate) fn new(doing: &str, error: Error) -> Self {
        Self { doing: doing.to_owned(), error, request: None }
    }

    /// A call that can be repeated by hand under its id.
    pub(crate) fn of_change(doing: &str, error: Error) -> Self {
        let request = error.detail().and_then(|detail| detail.request_id);
        Self { doing: doing.to_owned(), error, request }
    }

    /// The fields at fault that the message itself doesn't tell.
    fn fields(&self) -> impl Iterator<Item = String> {
        let detail = self.error.detail().into_iter();
        let faults = detail.flat_map(|detail| detail.fields.iter().map(|fault| (&detail.message, fault)));
        faults
            .filter(|(message, fault)| !message.contains(&fault.description))
            .map(|(_, fault)| format!("{}: {}", fault.field, fault.description))
    }

    fn exit_code(&self) -> u8 {
        match self.error {
            Error::NotFound(_) => NOT_FOUND,
            Error::NoServer { .. } | Error::Unavailable(_) => UNAVAILABLE,
            Error::Denied(_) | Error::Invalid(_) | Error::Refused(_) => REFUSED,
            Error::Fault(_) => FAILED,
        }
    }

    fn advice(&self) -> Option<String> {
        if let (UNAVAILABLE, Some(request)) = (self.exit_code(), self.request) {
            return Some(format!(
                "it may have taken effect or not: repeat the command with --request-id {request}, which does it once at most"
            ));
        }
        let known = self.error.reason().and_then(advice).map(str::to_owned);
        // Without a reason it is not the network that speaks, but what lies between.
        known.or_else(|| {
            (self.exit_code() == UNAVAILABLE).then(|| "try again; is the network running?".to_owned())
        })
    }
}

/// What to do about a refusal, where the message alone doesn't say it.
fn advice(reason: ErrorReason) -> Option<&'static str> {
    use ErrorReason as R;
    Some(match reason {
        R::Unauthenticated => {
            "show a key of this network with --key-file; `serve` leaves the operator's in operator.key of its data folder"
        }
        R::KeyRevoked => "ask the operator for another key (`coalition partner key`)",
        R::PermissionDenied | R::PartnerMismatch => {
            "use a key that opens this: the partner's own, or an operator's"
        }
        R::UnknownPartner => "see `coalition partner list`; `coalition partner create` registers one",
        R::UnknownProgramme => "see `coalition programme list`",
        R::UnknownReward | R::RewardNotAvailable => "see `coalition programme show` for the rewards",
        R::MemberNotFound => "check the name or identifier; `coalition member enrol` enrols somebody new",
        R::EventNotFound => {
            "check event id and identifier, both as the partner sent them; one that was sent just now may not be read yet"
        }
        R::NoContract => "agree on prices with `coalition partner contract`",
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
        R::EffectiveTooEarly => {
            "set effective_from in the document, or --from of `coalition partner contract`, a few minutes later than that"
        }
        R::LastOperatorKey => {
            "make another one with `coalition partner key --operator`, and revoke this one with that"
        }
        R::Unspecified
        | R::TooManyConsents
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
        | R::AlreadyEnrolled
        | R::ProgrammeNotInForce
        | R::PointsShort
        | R::NotEnrolled
        | R::DecisionTooLarge
        | R::InvalidArgument
        | R::InvalidPageToken
        | R::ProgrammeInvalid
        | R::AlreadyExists
        | R::NoProgramme => return None,
    })
}

/// What keeps a command from making its call at all.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The arguments and the environment don't make a call.
    Usage(String),
    /// Nobody listens there.
    NoServer {
        /// Where.
        server: String,
        /// What the system said.
        why: String,
    },
    /// Something failed here, and there is something to do about it.
    Advised {
        /// What.
        what: String,
        /// What to do.
        advice: String,
    },
}

impl Trouble {
    /// Something failed here, and this is what to do.
    pub(crate) fn advised(what: String, advice: impl Into<String>) -> Self {
        Self::Advised { what, advice: advice.into() }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(what) | Self::Advised { what, .. } => f.write_str(what),
            Self::NoServer { server, why } => write!(f, "no network answers at {server}: {why}"),
        }
    }
}

impl std::error::Error for Trouble {}

/// Says on stderr what failed, why and what to do, and gives the exit code.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    let (text, code) = explain(error);
    super::note(&text);
    ExitCode::from(code)
}

fn explain(error: &anyhow::Error) -> (String, u8) {
    let chain: Vec<String> = error.chain().map(ToString::to_string).collect();
    let mut text = format!("error: {}", chain.join(": "));
    let call = error.chain().find_map(|cause| cause.downcast_ref::<CallFailed>());
    let trouble = error.chain().find_map(|cause| cause.downcast_ref::<Trouble>());
    let (advice, code) = match (call, trouble) {
        (Some(call), _) => {
            for field in call.fields() {
                text.push_str("\n  ");
                text.push_str(&field);
            }
            (call.advice(), call.exit_code())
        }
        (None, Some(Trouble::Usage(_))) => (None, USAGE),
        (None, Some(Trouble::NoServer { .. })) => {
            let advice =
                "start one with `coalition serve` or `coalition demo`, or say where it is with --server";
            (Some(advice.to_owned()), UNAVAILABLE)
        }
        (None, Some(Trouble::Advised { advice, .. })) => (Some(advice.clone()), FAILED),
        (None, None) => (None, FAILED),
    };
    if let Some(advice) = advice {
        text.push_str("\nwhat to do: ");
        text.push_str(&advice);
    }
    (text, code)
}

#[cfg(test)]
mod tests {
    use anyhow::Context;
    use clap::CommandFactory;
    use tonic::{Code, Status};
    use tonic_types::{ErrorDetails, StatusExt};

    use super::*;

    fn refused(code: Code, reason: &str, request: Option<RequestId>) -> anyhow::Error {
        let details = ErrorDetails::with_error_info(reason, "coalition", std::collections::HashMap::new());
        let error = Status::with_error_details(code, "250 points short", details).into();
        CallFailed { doing: "redeem".to_owned(), error, request }.into()
    }

    #[test]
    fn a_refusal_says_what_why_and_ends_with_its_own_code() {
        let short = explain(&refused(Code::FailedPrecondition, "POINTS_SHORT", None));
        assert_eq!(short, ("error: redeem: 250 points short (POINTS_SHORT)".to_owned(), 3));
        let (text, code) = explain(&refused(Code::NotFound, "UNKNOWN_PARTNER", None));
        assert!(text.contains("\nwhat to do: see `coalition partner list`"), "{text}");
        assert_eq!(code, 4);
    }

    #[test]
    fn commands_and_options_that_are_advised_are_there() {
        let reasons = (0..1_000).filter_map(|number| ErrorReason::try_from(number).ok());
        let mut seen = 0;
        for quoted in reasons.filter_map(advice).flat_map(|text| text.split('`').skip(1).step_by(2)) {
            let mut command = crate::Cli::command();
            for word in quoted.split(' ').filter(|word| *word != "coalition") {
                match word.strip_prefix("--") {
                    Some(option) => {
                        let there =
                            command.get_arguments().any(|argument| argument.get_long() == Some(option));
                        assert!(there, "{quoted}: there is no --{option}");
                    }
                    None => {
                        let found = command.find_subcommand(word).cloned();
                        command = found.unwrap_or_else(|| panic!("{quoted}: there is no {word}"));
                    }
                }
            }
            seen += 1;
        }
        assert!(seen >= 8, "{seen}");
    }

    #[test]
    fn what_may_have_taken_effect_is_repeated_under_its_id() {
        let id: RequestId = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f".parse().unwrap();
        let (text, code) = explain(&refused(Code::Unavailable, "OUTCOME_UNKNOWN", Some(id)));
        assert!(text.contains("--request-id 017f22e2-79b0-7cc3-98c4-dc0c0c07398f"), "{text}");
        assert_eq!(code, 5);
    }

    #[test]
    fn fields_at_fault_are_listed() {
        let mut details = ErrorDetails::new();
        details.add_bad_request_violation("start_time", "is no full hour");
        let status = Status::with_error_details(Code::InvalidArgument, "a field is wrong", details);
        let error = CallFailed::new("read", status.into());
        let (text, code) = explain(&error.into());
        assert_eq!(
            (text.as_str(), code),
            ("error: read: a field is wrong\n  start_time: is no full hour", 3)
        );
    }

    #[test]
    fn other_failures_tell_their_causes() {
        let io = std::io::Error::other("disk on fire");
        let error = Err::<(), _>(io).context("read x.toml").unwrap_err();
        assert_eq!(explain(&error), ("error: read x.toml: disk on fire".to_owned(), 1));
        assert_eq!(explain(&Trouble::Usage("no key".to_owned()).into()).1, 2);
    }
}
