//! What a command says when it fails, and the code that it ends with.

use std::fmt;
use std::process::ExitCode;

use coalition_client::{Detail, Distrust, Error};
use coalition_domain::RequestId;
use coalition_proto::r#type::v1::ErrorReason;
use serde_json::json;

use super::advice;

/// Something failed here.
const FAILED: u8 = 1;
/// The arguments don't make a call.
const USAGE: u8 = 2;
/// The network understood and said no.
pub(crate) const REFUSED: u8 = 3;
/// The network has no such thing.
const NOT_FOUND: u8 = 4;
/// Nobody answered, or nobody who could: try again.
pub(crate) const UNAVAILABLE: u8 = 5;

/// What the transport says of a connection that broke, and of an answer that is none of its kind, such as a web server's.
const BROKEN: [&str; 2] = ["h2 protocol error", "transport error"];

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
            Some(detail) => match (in_arguments(detail), &detail.reason_name) {
                (Some(message), Some(reason)) => write!(f, "{}: {message} ({reason})", self.doing),
                _ => write!(f, "{}: {}", self.doing, self.error),
            },
            None => write!(f, "{}: {}", self.doing, self.error),
        }
    }
}

/// A message about a field of the API, as one about the argument that says it.
fn in_arguments(detail: &Detail) -> Option<String> {
    let [fault] = detail.fields.as_slice() else { return None };
    let argument = advice::argument(&fault.field)?;
    let rest = detail.message.strip_prefix(fault.field.as_str())?.strip_prefix(' ')?;
    Some(format!("{argument} {rest}"))
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
        faults.filter(|(message, fault)| !message.contains(&fault.description)).map(|(_, fault)| {
            let field = advice::argument(&fault.field).unwrap_or(&fault.field);
            format!("{field}: {}", fault.description)
        })
    }

    fn exit_code(&self) -> u8 {
        match self.error {
            Error::NotFound(_) => NOT_FOUND,
            Error::NoServer { .. } | Error::Distrusted { .. } | Error::Unavailable(_) => UNAVAILABLE,
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
        let known = self
            .error
            .detail()
            .and_then(|detail| advice::on(detail.reason()?, &self.doing, &detail.metadata));
        // Without a reason it is not the network that speaks, but what lies between.
        known.or_else(|| {
            let broken = |detail: &Detail| BROKEN.iter().any(|message| detail.message.starts_with(message));
            let advice = if self.error.detail().is_some_and(broken) {
                "what answers there is no coalition gateway, or it went away: check --server, and try again"
            } else {
                "try again; is the network running?"
            };
            (self.exit_code() == UNAVAILABLE).then(|| advice.to_owned())
        })
    }
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
    /// Somebody listens there who is not believed.
    Distrusted {
        /// Where.
        server: String,
        /// Why.
        why: Distrust,
    },
    /// Something failed here, and there is something to do about it.
    Advised {
        /// What.
        what: String,
        /// What to do.
        advice: String,
        /// The exit code.
        code: u8,
    },
}

impl Trouble {
    /// Something failed here, and this is what to do.
    pub(crate) fn advised(what: String, advice: impl Into<String>) -> Self {
        Self::Advised { what, advice: advice.into(), code: FAILED }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(what) | Self::Advised { what, .. } => f.write_str(what),
            Self::Distrusted { server, why } => write!(f, "no secure connection to {server}: {why}"),
            Self::NoServer { server, why } => write!(f, "no network answers at {server}: {why}"),
        }
    }
}

impl std::error::Error for Trouble {}

/// Says on stderr what failed, why and what to do, for a person or for a program, and gives the exit code.
pub(crate) fn report(error: &anyhow::Error, json: bool) -> ExitCode {
    let told = explain(error);
    super::note(&if json { told.json().to_string() } else { told.text() });
    ExitCode::from(told.code)
}

/// Whether the network refused for this reason.
pub(crate) fn is(error: &anyhow::Error, reason: ErrorReason) -> bool {
    call(error).is_some_and(|call| call.error.reason() == Some(reason))
}

/// Whether the network refused the call as a whole: repeated, it is refused again.
pub(crate) fn is_refusal(error: &anyhow::Error) -> bool {
    call(error).is_some_and(|call| matches!(call.exit_code(), REFUSED | NOT_FOUND))
}

fn call(error: &anyhow::Error) -> Option<&CallFailed> {
    error.chain().find_map(|cause| cause.downcast_ref())
}

/// A failure, told.
struct Told<'a> {
    message: String,
    fields: Vec<String>,
    advice: Option<String>,
    /// Of the network's answer, where there is one.
    call: Option<&'a CallFailed>,
    code: u8,
}

fn explain(error: &anyhow::Error) -> Told<'_> {
    let message = error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ");
    let call = call(error);
    let trouble = error.chain().find_map(|cause| cause.downcast_ref::<Trouble>());
    let (advice, code) = match (call, trouble) {
        (Some(call), _) => (call.advice(), call.exit_code()),
        (None, Some(Trouble::Usage(_))) => (None, USAGE),
        (None, Some(Trouble::NoServer { .. })) => {
            let advice =
                "start one with `coalition serve` or `coalition demo`, or say where it is with --server";
            (Some(advice.to_owned()), UNAVAILABLE)
        }
        (None, Some(Trouble::Distrusted { why, .. })) => {
            (Some(advice::to_trust(why).to_owned()), UNAVAILABLE)
        }
        (None, Some(Trouble::Advised { advice, code, .. })) => (Some(advice.clone()), *code),
        (None, None) => (None, FAILED),
    };
    let fields = call.map(|call| call.fields().collect()).unwrap_or_default();
    Told { message, fields, advice, call, code }
}

impl Told<'_> {
    fn text(&self) -> String {
        let mut text = format!("error: {}", self.message);
        for field in &self.fields {
            text.push_str(&format!("\n  {field}"));
        }
        if let Some(advice) = &self.advice {
            text.push_str(&format!("\nwhat to do: {advice}"));
        }
        text
    }

    fn json(&self) -> serde_json::Value {
        let detail = self.call.and_then(|call| call.error.detail());
        json!({
            "error": {
                "reason": detail.and_then(|detail| detail.reason_name.as_ref()),
                "message": self.message,
                "metadata": detail.map(|detail| &detail.metadata),
                "request_id": self.call.and_then(|call| call.request).map(|id| id.to_string()),
                "exit_code": self.code,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use anyhow::Context;
    use tonic::{Code, Status};
    use tonic_types::{ErrorDetails, StatusExt};

    use super::*;

    fn told(error: &anyhow::Error) -> (String, u8) {
        let told = explain(error);
        (told.text(), told.code)
    }

    fn refused(code: Code, reason: &str, request: Option<RequestId>) -> anyhow::Error {
        let details = ErrorDetails::with_error_info(reason, "coalition", HashMap::new());
        let error = Status::with_error_details(code, "250 points short", details).into();
        CallFailed { doing: "redeem".to_owned(), error, request }.into()
    }

    #[test]
    fn a_refusal_says_what_why_and_ends_with_its_own_code() {
        let short = told(&refused(Code::FailedPrecondition, "POINTS_SHORT", None));
        assert_eq!(short, ("error: redeem: 250 points short (POINTS_SHORT)".to_owned(), 3));
        let (text, code) = told(&refused(Code::NotFound, "UNKNOWN_PARTNER", None));
        assert!(text.contains("\nwhat to do: see `coalition partner list`"), "{text}");
        assert_eq!(code, 4);
    }

    #[test]
    fn what_may_have_taken_effect_is_repeated_under_its_id() {
        let id: RequestId = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f".parse().unwrap();
        let (text, code) = told(&refused(Code::Unavailable, "OUTCOME_UNKNOWN", Some(id)));
        assert!(text.contains("--request-id 017f22e2-79b0-7cc3-98c4-dc0c0c07398f"), "{text}");
        assert_eq!(code, 5);
    }

    #[test]
    fn fields_at_fault_are_listed() {
        let mut details = ErrorDetails::new();
        details.add_bad_request_violation("start_time", "is no full hour");
        let status = Status::with_error_details(Code::InvalidArgument, "a field is wrong", details);
        let error = CallFailed::new("read", status.into());
        let (text, code) = told(&error.into());
        assert_eq!((text.as_str(), code), ("error: read: a field is wrong\n  --from: is no full hour", 3));
    }

    #[test]
    fn fields_of_the_api_are_told_as_arguments() {
        let mut details = ErrorDetails::with_error_info("FIELD_MISSING", "coalition", HashMap::new());
        details.add_bad_request_violation("partner", "is required");
        let status = Status::with_error_details(Code::InvalidArgument, "partner is required", details);
        let (text, _) = told(&CallFailed::new("read", status.into()).into());
        assert!(text.starts_with("error: read: PARTNER is required (FIELD_MISSING)\nwhat to do: "), "{text}");
    }

    #[test]
    fn a_program_is_told_in_one_document() {
        let id: RequestId = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f".parse().unwrap();
        let metadata = HashMap::from([("points_missing".to_owned(), "250".to_owned())]);
        let details = ErrorDetails::with_error_info("POINTS_SHORT", "coalition", metadata);
        let error = Status::with_error_details(Code::FailedPrecondition, "250 points short", details).into();
        let error = CallFailed { doing: "redeem".to_owned(), error, request: Some(id) };
        let expected = json!({ "error": {
            "reason": "POINTS_SHORT",
            "message": "redeem: 250 points short (POINTS_SHORT)",
            "metadata": { "points_missing": "250" },
            "request_id": "017f22e2-79b0-7cc3-98c4-dc0c0c07398f",
            "exit_code": 3,
        }});
        assert_eq!(explain(&error.into()).json(), expected);
        let usage = explain(&Trouble::Usage("no key".to_owned()).into()).json();
        assert_eq!((&usage["error"]["reason"], &usage["error"]["exit_code"]), (&json!(null), &json!(2)));
    }

    #[test]
    fn other_failures_tell_their_causes() {
        let io = std::io::Error::other("disk on fire");
        let error = Err::<(), _>(io).context("read x.toml").unwrap_err();
        assert_eq!(told(&error), ("error: read x.toml: disk on fire".to_owned(), 1));
        assert_eq!(told(&Trouble::Usage("no key".to_owned()).into()).1, 2);
    }
}
