//! Why no TLS connection came about with a server that answers, in words for a person.

use std::error::Error;
use std::{fmt, io};

use tokio_rustls::rustls::{self, CertificateError as Fault, InvalidMessage};

/// What keeps a server that answers from being believed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Distrust {
    /// It answers in plain text.
    NoTls,
    /// Its certificate has expired.
    Expired,
    /// Its certificate is not valid yet, by this machine's clock.
    NotValidYet,
    /// Its certificate is for another name than the one it was called by.
    OtherName,
    /// Nobody who is trusted has signed its certificate.
    UnknownIssuer,
    /// Its certificate says of itself that it is an authority's.
    Authority,
    /// Its certificate is no good for another reason, which is this.
    Unfit(String),
}

impl Distrust {
    /// What is wrong with the server or with who vouches for it, if `cause` is such a thing.
    pub(crate) fn of(cause: &(dyn Error + 'static)) -> Option<Self> {
        let error = cause.downcast_ref::<io::Error>()?.get_ref()?.downcast_ref::<rustls::Error>()?;
        if matches!(error, rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType)) {
            return Some(Self::NoTls);
        }
        let rustls::Error::InvalidCertificate(fault) = error else { return None };
        // Each fault has a variant with its circumstances and one without.
        Some(if matches!(fault, Fault::Expired | Fault::ExpiredContext { .. }) {
            Self::Expired
        } else if matches!(fault, Fault::NotValidYet | Fault::NotValidYetContext { .. }) {
            Self::NotValidYet
        } else if matches!(fault, Fault::NotValidForName | Fault::NotValidForNameContext { .. }) {
            Self::OtherName
        } else if matches!(fault, Fault::UnknownIssuer | Fault::BadSignature) {
            Self::UnknownIssuer
        } else if matches!(fault, Fault::Other(other) if other.0.to_string() == AUTHORITY) {
            Self::Authority
        } else {
            Self::Unfit(fault.to_string())
        })
    }
}

/// What the library that checks certificates calls it, which has no variant of its own here; a test makes one.
const AUTHORITY: &str = "CaUsedAsEndEntity";

impl fmt::Display for Distrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTls => f.write_str("it speaks no TLS there"),
            Self::Expired => f.write_str("its certificate has expired"),
            Self::NotValidYet => f.write_str("its certificate is not valid yet"),
            Self::OtherName => f.write_str("its certificate is for another name"),
            Self::UnknownIssuer => f.write_str("nobody who is trusted here vouches for its certificate"),
            Self::Authority => f.write_str("its certificate is an authority's (CA:TRUE), not a server's"),
            Self::Unfit(why) => write!(f, "its certificate is no good: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_fault_of_tls_is_told_by_others() {
        let other = io::Error::other(rustls::Error::DecryptError);
        assert_eq!(Distrust::of(&other), None);
        assert_eq!(Distrust::of(&io::Error::other("x")), None);
        assert_eq!(Distrust::of(&std::fmt::Error), None);
        let invalid = |fault| Distrust::of(&io::Error::other(rustls::Error::InvalidCertificate(fault)));
        assert_eq!(invalid(Fault::Expired), Some(Distrust::Expired));
        assert!(matches!(invalid(Fault::BadEncoding), Some(Distrust::Unfit(_))));
    }
}
