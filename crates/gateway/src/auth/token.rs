//! Tokens of members: `ct_`, what is said, `.`, and the signature of a key's holder over it, both in base64url.
//!
//! The pair that signs is drawn from the key's secret, so it lasts as long as the key and no machine has to keep it; the
//! registry has its public half, so every gateway can verify what another signed.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use coalition_domain::registry::TokenKey;
use coalition_domain::{AccountId, KeyId, Span, Timestamp};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};

use super::Secret;

const PREFIX: &str = "ct_";

/// What is signed begins so: no other thing that a key might ever sign is a token.
const PURPOSE: &[u8] = b"coalition member token 1\0";

/// How long a token may be good, from when it is signed.
pub(crate) const TOKEN_TTL: std::ops::RangeInclusive<Span> = Span::from_secs(60)..=Span::from_days(1);

/// How far ahead the clock of the gateway that signed it may be.
pub(super) const CLOCK_SKEW: Span = Span::from_secs(300);

/// The longest token that is looked at, in bytes.
const TEXT_MAX: usize = 512;

/// What a token says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MemberToken {
    /// The key whose holder signed it.
    pub key: KeyId,
    /// Whom it lets in.
    pub member: AccountId,
    /// When it opens nothing any more.
    pub expires_at: Timestamp,
}

/// A token as it came: what it says is not to be trusted yet.
pub(crate) struct Shown {
    pub(crate) token: MemberToken,
    said: Vec<u8>,
    signature: Vec<u8>,
}

impl MemberToken {
    /// The text to hand to the member, signed by the holder of `secret`.
    pub fn sign(&self, secret: &Secret) -> String {
        let said = postcard::to_stdvec(self).expect("a token is plain data");
        let signature = pair(secret).sign(&signed(&said));
        let [said, signature] =
            [said.as_slice(), signature.as_ref()].map(|part| URL_SAFE_NO_PAD.encode(part));
        format!("{PREFIX}{said}.{signature}")
    }
}

impl Shown {
    /// Reads what a caller shows; `None` if it is no token.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (said, signature) =
            text.strip_prefix(PREFIX).filter(|_| text.len() <= TEXT_MAX)?.split_once('.')?;
        let [said, signature] = [said, signature].map(|part| URL_SAFE_NO_PAD.decode(part).ok());
        let said = said?;
        let token = postcard::take_from_bytes(&said).ok().filter(|(_, rest)| rest.is_empty());
        Some(Self { token: token?.0, said, signature: signature? })
    }

    /// Whether it was signed with this key.
    pub(crate) fn is_by(&self, key: &TokenKey) -> bool {
        UnparsedPublicKey::new(&ED25519, key.0).verify(&signed(&self.said), &self.signature).is_ok()
    }
}

/// What verifies that the holder of `secret` signed.
pub(crate) fn token_key(secret: &Secret) -> TokenKey {
    let public = pair(secret).public_key().as_ref().try_into();
    TokenKey(public.expect("a public key of Ed25519 has 32 bytes"))
}

fn pair(secret: &Secret) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&secret.seed(PURPOSE)).expect("a seed has 32 bytes")
}

fn signed(said: &[u8]) -> Vec<u8> {
    [PURPOSE, said].concat()
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::NewKey;
    use super::*;

    fn token() -> MemberToken {
        let key = KeyId::new(&"k".repeat(31)).unwrap();
        MemberToken { key, member: AccountId(Uuid::from_u128(7)), expires_at: Timestamp::MAX }
    }

    #[test]
    fn a_token_says_what_was_signed_and_by_whom() {
        let (one, other) = (NewKey::draw().unwrap().secret, NewKey::draw().unwrap().secret);
        let text = token().sign(&one);
        assert!(text.len() <= TEXT_MAX && text.bytes().all(|byte| byte.is_ascii_graphic()), "{text}");
        let shown = Shown::parse(&text).unwrap();
        assert_eq!(shown.token, token());
        assert!(shown.is_by(&token_key(&one)));
        assert!(!shown.is_by(&token_key(&other)));
        assert!(!shown.is_by(&TokenKey(one.hash())), "what the registry keeps of a key signs nothing");
    }

    #[test]
    fn no_letter_of_a_token_can_be_changed() {
        let secret = NewKey::draw().unwrap().secret;
        let (text, key) = (token().sign(&secret), token_key(&secret));
        for at in PREFIX.len()..text.len() {
            let mut other = text.clone().into_bytes();
            other[at] = if other[at] == b'A' { b'B' } else { b'A' };
            let other = String::from_utf8(other).unwrap();
            assert!(!Shown::parse(&other).is_some_and(|shown| shown.is_by(&key)), "{other}");
        }
    }

    #[test]
    fn what_is_no_token_is_none() {
        let text = token().sign(&NewKey::draw().unwrap().secret);
        let long = format!("{text}{}", "A".repeat(TEXT_MAX));
        for text in ["", "ct_", "ct_.", "ct_AA.AA", "ck_a_b", &text[1..], &long] {
            assert!(Shown::parse(text).is_none(), "{text}");
        }
    }
}
