//! What kind of no an answer is, and what it says.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::fmt;
use std::time::Duration;

use coalition_domain::RequestId;
use coalition_proto::r#type::v1::ErrorReason;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::Distrust;

/// Why a call was not done. The kinds say what can be done about it; [`Detail::reason`] says what it was.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// Nobody answers there. Nothing was sent.
    #[error("no network answers at {server}: {why}")]
    NoServer {
        /// Where.
        server: String,
        /// What the system said.
        why: String,
    },
    /// Somebody answers there who can't be believed to be the network. Nothing was sent.
    #[error("no secure connection to {server}: {why}")]
    Distrusted {
        /// Where.
        server: String,
        /// Why not.
        why: Distrust,
    },
    /// The key is not taken, or doesn't open this.
    #[error("{0}")]
    Denied(Box<Detail>),
    /// What was named is not there.
    #[error("{0}")]
    NotFound(Box<Detail>),
    /// What was sent can't be read or taken; [`Detail::fields`] says what of it.
    #[error("{0}")]
    Invalid(Box<Detail>),
    /// It was understood, and can't be as things stand.
    #[error("{0}")]
    Refused(Box<Detail>),
    /// Nobody answered in time, or nobody who could. What was asked may have taken effect or not: repeat it under the same
    /// request id, [`Detail::request_id`].
    #[error("{0}")]
    Unavailable(Box<Detail>),
    /// A fault of the network, or of what lies between.
    #[error("{0}")]
    Fault(Box<Detail>),
}

/// What an answer says beside its kind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Detail {
    /// The gRPC code.
    pub code: Code,
    /// The reason out of the closed list, as the network named it, such as `POINTS_SHORT`; `None` when it is not the
    /// network that speaks, but what lies between.
    pub reason_name: Option<String>,
    /// In words, for a person.
    pub message: String,
    /// The fields at fault.
    pub fields: Vec<FieldFault>,
    /// What the reason says for programs, such as `points_missing`: docs/errors.md.
    pub metadata: BTreeMap<String, String>,
    /// The call may succeed later as it is, after this at the earliest.
    pub retry_delay: Option<Duration>,
    /// Of a call that changes something: the id to repeat it with.
    pub request_id: Option<RequestId>,
}

/// What is wrong with a field of a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FieldFault {
    /// Its path, such as `purchase.amount`.
    pub field: String,
    /// In words, for a person.
    pub description: String,
}

impl Error {
    /// What the answer says; `None` if there was none.
    pub fn detail(&self) -> Option<&Detail> {
        match self {
            Self::NoServer { .. } | Self::Distrusted { .. } => None,
            Self::Denied(detail)
            | Self::NotFound(detail)
            | Self::Invalid(detail)
            | Self::Refused(detail)
            | Self::Unavailable(detail)
            | Self::Fault(detail) => Some(detail),
        }
    }

    /// The reason out of the closed list; `None` if there is none, or one that this crate doesn't know.
    pub fn reason(&self) -> Option<ErrorReason> {
        self.detail().and_then(Detail::reason)
    }

    /// Whether the same call may succeed later as it is: it is no answer to what was asked.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::NoServer { .. } | Self::Distrusted { .. } | Self::Unavailable(_))
    }

    /// Of the answer to a call that changes something under this id.
    pub(crate) fn of(status: &Status, request_id: Option<RequestId>) -> Self {
        let detail = Box::new(Detail::of(status, request_id));
        match status.code() {
            Code::Unauthenticated | Code::PermissionDenied => Self::Denied(detail),
            Code::NotFound => Self::NotFound(detail),
            Code::InvalidArgument | Code::OutOfRange => Self::Invalid(detail),
            Code::FailedPrecondition | Code::AlreadyExists | Code::Aborted => Self::Refused(detail),
            Code::Unavailable | Code::ResourceExhausted | Code::DeadlineExceeded | Code::Cancelled => {
                Self::Unavailable(detail)
            }
            // No answer of a server, but a connection that broke: such a status has a source.
            Code::Unknown | Code::Internal if status.source().is_some() => Self::Unavailable(detail),
            Code::Ok | Code::Unknown | Code::Unimplemented | Code::Internal | Code::DataLoss => {
                Self::Fault(detail)
            }
        }
    }
}

impl From<Status> for Error {
    fn from(status: Status) -> Self {
        Self::of(&status, None)
    }
}

impl Detail {
    fn of(status: &Status, request_id: Option<RequestId>) -> Self {
        let details = status.get_error_details();
        let fault = |it: &tonic_types::FieldViolation| FieldFault {
            field: it.field.clone(),
            description: it.description.clone(),
        };
        Self {
            code: status.code(),
            reason_name: details.error_info().map(|info| info.reason.clone()),
            message: status.message().to_owned(),
            fields: details
                .bad_request()
                .map_or_else(Vec::new, |bad| bad.field_violations.iter().map(fault).collect()),
            metadata: details
                .error_info()
                .map_or_else(BTreeMap::new, |info| info.metadata.clone().into_iter().collect()),
            retry_delay: details.retry_info().and_then(|info| info.retry_delay),
            request_id,
        }
    }

    /// The reason out of the closed list; `None` if there is none, or one that this crate doesn't know.
    pub fn reason(&self) -> Option<ErrorReason> {
        self.reason_name.as_deref().and_then(ErrorReason::from_reason)
    }

    /// Whether the time that the call was given is over.
    pub fn timed_out(&self) -> bool {
        self.reason_name.is_none() && matches!(self.code, Code::Cancelled | Code::DeadlineExceeded)
    }
}

impl fmt::Display for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.reason_name, self.message.as_str()) {
            (Some(reason), message) => write!(f, "{message} ({reason})"),
            (None, _) if self.timed_out() => f.write_str("no answer in time"),
            (None, "") => write!(f, "{}", self.code),
            (None, message) => f.write_str(message),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use tonic_types::ErrorDetails;

    use super::*;

    #[test]
    fn an_answer_is_taken_apart() {
        let metadata = HashMap::from([("points_missing".to_owned(), "250".to_owned())]);
        let mut details = ErrorDetails::with_error_info("POINTS_SHORT", "coalition", metadata);
        details.add_bad_request_violation("quantity", "is too large");
        details.set_retry_info(Some(Duration::from_millis(200)));
        let status = Status::with_error_details(Code::FailedPrecondition, "250 points short", details);
        let id: RequestId = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f".parse().unwrap();
        let error = Error::of(&status, Some(id));
        assert!(matches!(error, Error::Refused(_)));
        assert_eq!(error.to_string(), "250 points short (POINTS_SHORT)");
        assert_eq!(error.reason(), Some(ErrorReason::PointsShort));
        let detail = error.detail().unwrap();
        assert_eq!(detail.metadata["points_missing"], "250");
        let fault = FieldFault { field: "quantity".to_owned(), description: "is too large".to_owned() };
        assert_eq!(detail.fields, [fault]);
        assert_eq!((detail.retry_delay, detail.request_id), (Some(Duration::from_millis(200)), Some(id)));
    }

    #[test]
    fn reasons_of_a_later_network_are_named_all_the_same() {
        let details = ErrorDetails::with_error_info("NEW_REASON", "coalition", HashMap::new());
        let error = Error::from(Status::with_error_details(Code::NotFound, "not there", details));
        assert_eq!((error.to_string().as_str(), error.reason()), ("not there (NEW_REASON)", None));
    }

    #[test]
    fn only_what_is_no_answer_may_pass() {
        for code in (0..=16).map(Code::from_i32) {
            let passing =
                [Code::Unavailable, Code::ResourceExhausted, Code::DeadlineExceeded, Code::Cancelled];
            assert_eq!(Error::from(Status::new(code, "")).may_pass(), passing.contains(&code), "{code}");
        }
        let broken = Status::from_error(Box::new(std::io::Error::other("connection reset")));
        assert!(Error::from(broken).may_pass());
    }

    #[test]
    fn silence_is_told_as_such() {
        let told = |code, message: &str| Error::from(Status::new(code, message)).to_string();
        assert_eq!(told(Code::DeadlineExceeded, "x"), "no answer in time");
        assert_eq!(told(Code::Internal, ""), Code::Internal.to_string());
        assert_eq!(told(Code::Unavailable, "gone"), "gone");
    }
}
