//! The gateway's certificate and its key: read from files of the operator's, and read again when they were renewed.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig};

/// What is spoken inside, as the two sides agree on it: HTTP/2 by choice, HTTP/1.1 for gRPC-Web.
const SPOKEN: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// TLS 1.2 and 1.3 with a certificate from files; cheap to clone, and all clones change together.
#[derive(Clone)]
pub struct Tls {
    shared: Arc<Shared>,
}

struct Shared {
    certificate: PathBuf,
    key: PathBuf,
    config: RwLock<Arc<ServerConfig>>,
}

/// Why a certificate can't be served. Nothing of the key is in it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file can't be read, or holds no PEM of the kind that it should.
    #[error("read the {what} in {}", path.display())]
    Unreadable {
        /// Certificate or key.
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// What was wrong.
        source: pem::Error,
    },
    /// The two don't go together, or the key is of a kind that isn't known.
    #[error("use the certificate in {} with the key in {}", certificate.display(), key.display())]
    Unfit {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// What was wrong.
        source: rustls::Error,
    },
}

impl Tls {
    /// Reads a certificate, followed by those that lead to its authority, and its key (PKCS #8, PKCS #1 or SEC 1), all PEM.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn open(certificate: &Path, key: &Path) -> Result<Self, Error> {
        let config = RwLock::new(read(certificate, key)?);
        let shared = Shared { certificate: certificate.to_owned(), key: key.to_owned(), config };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Reads the files again: connections made from now on get what they hold, those that are there stay as they are.
    ///
    /// # Errors
    /// See [`Error`]; what was served before is then served on.
    pub fn reload(&self) -> Result<(), Error> {
        let config = read(&self.shared.certificate, &self.shared.key)?;
        *self.shared.config.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }

    /// What a new connection is served with.
    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.shared.config.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shared { certificate, key, .. } = &*self.shared;
        f.debug_struct("Tls").field("certificate", certificate).field("key", key).finish_non_exhaustive()
    }
}

fn read(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, Error> {
    let unreadable = |what, path: &Path| {
        let path = path.to_owned();
        move |source| Error::Unreadable { what, path, source }
    };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .and_then(|chain| if chain.is_empty() { Err(pem::Error::NoItemsFound) } else { Ok(chain) })
        .map_err(unreadable("certificate", certificate))?;
    let secret = PrivateKeyDer::from_pem_file(key).map_err(unreadable("key", key))?;
    let unfit = |source| Error::Unfit { certificate: certificate.to_owned(), key: key.to_owned(), source };
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(unfit)?
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .map_err(unfit)?;
    config.alpn_protocols = SPOKEN.iter().map(|protocol| protocol.to_vec()).collect();
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use rcgen::generate_simple_self_signed;

    use super::*;

    /// The error of files that hold these texts, with its cause.
    fn fault(certificate: &str, key: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let (cert_file, key_file) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        std::fs::write(&cert_file, certificate).unwrap();
        std::fs::write(&key_file, key).unwrap();
        let error = Tls::open(&cert_file, &key_file).unwrap_err();
        let text = format!("{error}: {}", error.source().unwrap());
        text.replace(&format!("{}/", folder.path().display()), "")
    }

    #[test]
    fn files_that_make_no_identity_are_told_apart() {
        let (one, other) = (["a.example".to_owned()], ["b.example".to_owned()]);
        let (one, other) =
            (generate_simple_self_signed(one).unwrap(), generate_simple_self_signed(other).unwrap());
        let (cert, key) = (one.cert.pem(), one.signing_key.serialize_pem());
        assert_eq!(fault("", &key), "read the certificate in cert.pem: no items found");
        assert_eq!(fault(&key, &key), "read the certificate in cert.pem: no items found");
        assert_eq!(fault(&cert, &cert), "read the key in key.pem: no items found");
        assert!(
            fault("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n", &key).contains("base64")
        );
        let wrong = fault(&cert, &other.signing_key.serialize_pem());
        assert!(wrong.starts_with("use the certificate in cert.pem with the key in key.pem: "), "{wrong}");
        let missing = Tls::open(Path::new("/no/such/cert"), Path::new("/no/such/key")).unwrap_err();
        assert_eq!(missing.to_string(), "read the certificate in /no/such/cert");
    }

    #[test]
    fn a_reload_takes_what_is_good_and_keeps_what_was_for_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        let write = |name: &str| {
            let identity = generate_simple_self_signed([name.to_owned()]).unwrap();
            std::fs::write(&cert, identity.cert.pem()).unwrap();
            std::fs::write(&key, identity.signing_key.serialize_pem()).unwrap();
        };
        write("a.example");
        let tls = Tls::open(&cert, &key).unwrap();
        let first = tls.config();
        std::fs::write(&cert, "").unwrap();
        tls.reload().unwrap_err();
        assert!(Arc::ptr_eq(&first, &tls.config()));
        write("b.example");
        tls.clone().reload().unwrap();
        assert!(!Arc::ptr_eq(&first, &tls.config()));
    }
}
