//! The published normalisation of e-mail addresses (docs/guides/identifiers.md): every partner that hashes by it comes to
//! one identifier for one address.

use sha2::{Digest, Sha256};

/// The longest address, in bytes (RFC 5321, 4.5.3.1.3, less the brackets).
const ADDRESS_MAX: usize = 254;

/// Why a text has no hash. The text itself is not repeated.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "not an e-mail address: local part, @ and domain, up to {ADDRESS_MAX} printable ASCII characters without blanks"
)]
pub struct NoAddress;

/// The value of an `EMAIL_HASH` identifier: SHA-256, as 64 lower-case hexadecimal digits, of the address without the blanks
/// around it and with A to Z as a to z. Nothing else is changed, so that programs in any language agree.
///
/// # Errors
/// A text that is no address. A domain outside ASCII has to be given in its `xn--` form.
pub fn email_hash(address: &str) -> Result<String, NoAddress> {
    let address = address.trim_matches([' ', '\t', '\r', '\n']);
    let (local, domain) = address.rsplit_once('@').ok_or(NoAddress)?;
    let graphic = address.bytes().all(|byte| byte.is_ascii_graphic());
    if local.is_empty() || domain.is_empty() || !graphic || address.len() > ADDRESS_MAX {
        return Err(NoAddress);
    }
    let hash = Sha256::digest(address.to_ascii_lowercase());
    Ok(hash.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_published_examples_hold() {
        let examples: Value =
            serde_json::from_str(include_str!("../../../docs/guides/email-hashes.json")).unwrap();
        let of = |name: &str| examples[name].as_array().unwrap().clone();
        for example in of("hashed") {
            let address = example["address"].as_str().unwrap();
            assert_eq!(
                email_hash(address).as_deref(),
                Ok(example["email_hash"].as_str().unwrap()),
                "{address}"
            );
        }
        for address in of("refused") {
            assert_eq!(email_hash(address.as_str().unwrap()), Err(NoAddress), "{address}");
        }
    }
}
