//! Who calls, and what their key opens.

mod policy;
mod secret;

use coalition_domain::{Caller, Registry};
use coalition_proto::r#type::v1::ErrorReason;
use tonic::codegen::http::{HeaderMap, header};

pub(crate) use self::policy::{Row, Whose, row};
pub use self::secret::{NewKey, Secret};
use crate::status::Failure;

/// The caller of a request with these headers.
pub(crate) fn authenticate(headers: &HeaderMap, registry: &Registry) -> Result<Caller, Failure> {
    let refuse = |message| Failure::new(ErrorReason::Unauthenticated, message);
    let value = headers.get(header::AUTHORIZATION).ok_or_else(|| {
        refuse("the call has no key; send it in the header \"authorization: Bearer ck_...\"")
    })?;
    // One answer for every key that is not right: it says nothing of which half was wrong.
    let unknown = || refuse("the network does not know this key");
    let (key, secret) = value
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .and_then(|(_, token)| Secret::parse(token.trim()))
        .ok_or_else(unknown)?;
    let known = registry.key(&key).filter(|known| secret.is_of(&known.secret_hash)).ok_or_else(unknown)?;
    if known.revoked_at.is_some() {
        return Err(Failure::new(
            ErrorReason::KeyRevoked,
            "the key was revoked; ask the operator for another",
        ));
    }
    Ok(Caller { key, role: known.role })
}

#[cfg(test)]
mod tests {
    use coalition_domain::decide::RegistryChange;
    use coalition_domain::registry::{ApiKey, RegistryEvent};
    use coalition_domain::{Role, Timestamp};

    use super::*;

    fn registry(new: &NewKey, revoked: bool) -> Registry {
        let mut registry = Registry::default();
        let RegistryChange::CreateKey { id, secret_hash, role } = new.create(Role::Operator) else {
            panic!("a key is created")
        };
        let created_at = Timestamp::from_millis(1);
        registry.evolve(&RegistryEvent::KeyCreated(ApiKey {
            id,
            secret_hash,
            role,
            created_at,
            revoked_at: None,
        }));
        if revoked {
            registry.evolve(&RegistryEvent::KeyRevoked { id, at: created_at });
        }
        registry
    }

    fn headers(value: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().unwrap())])
    }

    #[test]
    fn a_call_is_let_in_with_a_known_key_and_its_secret_only() {
        let (new, other) = (NewKey::draw().unwrap(), NewKey::draw().unwrap());
        let registry_of = |revoked| registry(&new, revoked);
        let token = new.secret.reveal().to_owned();
        let wrong = format!("{}0", &token[..token.len() - 1]);
        let wrong = if wrong == token { format!("{}1", &token[..token.len() - 1]) } else { wrong };
        for (value, revoked, expected) in [
            (format!("Bearer {token}"), false, None),
            (format!("bearer  {token}"), false, None),
            (format!("Bearer {token}"), true, Some(ErrorReason::KeyRevoked)),
            (format!("Bearer {wrong}"), false, Some(ErrorReason::Unauthenticated)),
            (format!("Bearer {wrong}"), true, Some(ErrorReason::Unauthenticated)),
            (format!("Bearer {}", other.secret.reveal()), false, Some(ErrorReason::Unauthenticated)),
            (format!("Basic {token}"), false, Some(ErrorReason::Unauthenticated)),
            (token.clone(), false, Some(ErrorReason::Unauthenticated)),
            ("Bearer ck_".to_owned(), false, Some(ErrorReason::Unauthenticated)),
            (String::new(), false, Some(ErrorReason::Unauthenticated)),
        ] {
            let said = authenticate(&headers(&value), &registry_of(revoked));
            assert_eq!(said.err().map(|failure| failure.reason), expected, "{value}");
        }
        let said = authenticate(&HeaderMap::new(), &registry_of(false));
        assert_eq!(said.map_err(|failure| failure.reason), Err(ErrorReason::Unauthenticated));
    }
}
