//! Who calls, and what their key opens.

mod policy;
mod secret;
mod token;

use coalition_domain::{Caller, KeyId, Registry, Role, Timestamp};
use coalition_proto::r#type::v1::ErrorReason;
use tonic::codegen::http::{HeaderMap, header};

pub(crate) use self::policy::{Row, Whose, row};
pub use self::secret::{NewKey, Secret};
pub use self::token::MemberToken;
use self::token::{CLOCK_SKEW, Shown};
pub(crate) use self::token::{TOKEN_TTL, token_key};
use crate::status::Failure;

/// The caller, at the time `now`, of a request with these headers: the holder of a key, or a member with a token that the
/// holder of a key signed.
pub(crate) fn authenticate(
    headers: &HeaderMap,
    registry: &Registry,
    now: Timestamp,
) -> Result<Caller, Failure> {
    let refuse = |message| Failure::new(ErrorReason::Unauthenticated, message);
    if !headers.contains_key(header::AUTHORIZATION) {
        return Err(refuse("the call has no key; send it in the header \"authorization: Bearer ck_...\""));
    }
    // One answer for every key that is not right: it says nothing of which half was wrong.
    let unknown = || refuse("the network does not know this key");
    let shown = bearer(headers).ok_or_else(unknown)?;
    let (key, token) = match (Secret::parse(shown), Shown::parse(shown)) {
        (Some((key, secret)), _) => {
            let known = registry.key(&key).filter(|known| secret.is_of(&known.secret_hash));
            (known.ok_or_else(unknown)?, None)
        }
        (None, Some(shown)) => {
            let key = shown.token.key;
            let signer = registry.key(&key).zip(registry.token_key(&key));
            let (known, _) = signer.filter(|(_, by)| shown.is_by(by)).ok_or_else(unknown)?;
            (known, Some(shown.token))
        }
        (None, None) => return Err(unknown()),
    };
    if key.revoked_at.is_some() {
        return Err(Failure::new(
            ErrorReason::KeyRevoked,
            "the key was revoked; ask the operator for another",
        ));
    }
    // Whoever holds a key can sign what they like: what nobody would have been given is none.
    if token.is_some_and(|token| token.expires_at > now.plus(*TOKEN_TTL.end()).plus(CLOCK_SKEW)) {
        return Err(unknown());
    }
    match token {
        None => Ok(Caller { key: key.id, role: key.role }),
        Some(token) if now < token.expires_at => Ok(Caller { key: key.id, role: Role::Member(token.member) }),
        Some(_) => Err(Failure::new(ErrorReason::TokenExpired, "the token's time is over; get another")),
    }
}

/// The secret of the key with which a call was let in; `None` if that was a token.
pub(crate) fn secret(headers: &HeaderMap) -> Option<Secret> {
    Some(Secret::parse(bearer(headers)?)?.1)
}

/// The id of the key that is shown; `None` if that is none, or a token.
pub(crate) fn key_of(headers: &HeaderMap) -> Option<KeyId> {
    Some(Secret::parse(bearer(headers)?)?.0)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, shown) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(shown.trim())
}

#[cfg(test)]
mod tests {
    use coalition_domain::AccountId;
    use coalition_domain::decide::RegistryChange;
    use coalition_domain::registry::{ApiKey, RegistryEvent};
    use uuid::Uuid;

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

    const NOW: Timestamp = Timestamp::from_millis(1_000);

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
            let said = authenticate(&headers(&value), &registry_of(revoked), NOW);
            assert_eq!(said.err().map(|failure| failure.reason), expected, "{value}");
        }
        let said = authenticate(&HeaderMap::new(), &registry_of(false), NOW);
        assert_eq!(said.map_err(|failure| failure.reason), Err(ErrorReason::Unauthenticated));
    }

    #[test]
    fn a_token_lets_its_member_in_until_its_time_is_over() {
        let (new, other) = (NewKey::draw().unwrap(), NewKey::draw().unwrap());
        let member = AccountId(Uuid::from_u128(7));
        let token = |key: &NewKey, expires_at| {
            let text = MemberToken { key: new.id, member, expires_at: Timestamp::from_millis(expires_at) };
            text.sign(&key.secret)
        };
        let knowing = |revoked| {
            let mut registry = registry(&new, revoked);
            let token_key = token_key(&new.secret);
            registry.evolve(&RegistryEvent::TokenKeyRegistered { id: new.id, token_key });
            registry
        };
        for (text, registry, expected) in [
            (token(&new, 1_001), knowing(false), None),
            (token(&new, 1_000 + 86_400_000 + 300_000), knowing(false), None),
            (token(&new, 1_001 + 86_400_000 + 300_000), knowing(false), Some(ErrorReason::Unauthenticated)),
            (token(&new, 1_000), knowing(false), Some(ErrorReason::TokenExpired)),
            (token(&new, 1_001), knowing(true), Some(ErrorReason::KeyRevoked)),
            (token(&new, 1_001), registry(&new, false), Some(ErrorReason::Unauthenticated)),
            (token(&other, 1_001), knowing(false), Some(ErrorReason::Unauthenticated)),
            (token(&other, 1_000), knowing(true), Some(ErrorReason::Unauthenticated)),
        ] {
            let said = authenticate(&headers(&format!("Bearer {text}")), &registry, NOW);
            match expected {
                None => assert_eq!(said.unwrap(), Caller { key: new.id, role: Role::Member(member) }),
                Some(reason) => assert_eq!(said.unwrap_err().reason, reason),
            }
        }
    }
}
