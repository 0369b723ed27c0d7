//! Why no TLS connection came about, in words for a person.

use std::error::Error;
use std::io;

use tokio_rustls::rustls::{self, CertificateError as Fault, InvalidMessage};

/// What is wrong with the server or with who vouches for it, if `cause` is such a thing.
pub(crate) fn told(cause: &(dyn Error + 'static)) -> Option<&'static str> {
    let error = cause.downcast_ref::<io::Error>()?.get_ref()?.downcast_ref::<rustls::Error>()?;
    if matches!(error, rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType)) {
        return Some("it speaks no TLS there: connect with http://");
    }
    let rustls::Error::InvalidCertificate(fault) = error else { return None };
    // Each fault has a variant with its circumstances and one without.
    if matches!(fault, Fault::Expired | Fault::ExpiredContext { .. }) {
        Some("its certificate has expired")
    } else if matches!(fault, Fault::NotValidYet | Fault::NotValidYetContext { .. }) {
        Some("its certificate is not valid yet")
    } else if matches!(fault, Fault::NotValidForName | Fault::NotValidForNameContext { .. }) {
        Some("its certificate is for another name")
    } else if matches!(fault, Fault::UnknownIssuer | Fault::BadSignature) {
        Some("nobody who is trusted here vouches for its certificate")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_fault_of_tls_is_told_by_others() {
        let other = io::Error::other(rustls::Error::DecryptError);
        assert_eq!(told(&other), None);
        assert_eq!(told(&io::Error::other("x")), None);
        assert_eq!(told(&std::fmt::Error), None);
        let expired = io::Error::other(rustls::Error::InvalidCertificate(Fault::Expired));
        assert_eq!(told(&expired), Some("its certificate has expired"));
    }
}
