//! Short names that people choose: partners, programmes, rules, rewards.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest slug, in characters.
pub const SLUG_MAX: usize = 31;

/// 1 to 31 of `a`-`z`, `0`-`9`, `-` and `_`, starting with a letter or digit.
///
/// Held in place and `Copy`: an accrual names five of them, and none costs an allocation.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Slug {
    length: u8,
    bytes: [u8; SLUG_MAX],
}

/// A text that is no name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no name; a name is 1 to 31 of a-z, 0-9, - and _, starting with a letter or digit")]
pub struct NoSlug(String);

impl Slug {
    pub(crate) fn new(text: &str) -> Result<Self, NoSlug> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
        let starts = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if !starts || text.len() > SLUG_MAX || !text.bytes().all(allowed) {
            return Err(NoSlug(text.chars().take(64).collect()));
        }
        let mut bytes = [0; SLUG_MAX];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        Ok(Self { length: u8::try_from(text.len()).expect("at most 31"), bytes })
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.length)]).expect("made of ascii")
    }
}

impl Ord for Slug {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        // As text sorts: what follows a name is zeros, which are less than any letter.
        self.bytes.cmp(&other.bytes)
    }
}

impl PartialOrd for Slug {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Debug for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Slug {
    type Err = NoSlug;

    fn from_str(text: &str) -> Result<Self, NoSlug> {
        Self::new(text)
    }
}

impl Serialize for Slug {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Slug {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Slug;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Slug, E> {
                Slug::new(text).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Visitor).map_err(D::Error::custom)
    }
}

/// Declares a kind of name, so that one kind is never taken for another.
macro_rules! names {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        ///
        /// 1 to 31 of `a`-`z`, `0`-`9`, `-` and `_`, starting with a letter or digit.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Slug);

        impl $name {
            /// Checks the alphabet and the length.
            pub fn new(text: &str) -> Result<Self, NoSlug> {
                Slug::new(text).map(Self)
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = NoSlug;

            fn from_str(text: &str) -> Result<Self, NoSlug> {
                Self::new(text)
            }
        }
    )*};
}

names! {
    /// A partner: a merchant's legal entity in the coalition.
    PartnerId
    /// A programme: a rule set and its currency.
    ProgrammeId
    /// A rule of a programme; unique in its document.
    RuleId
    /// A reward of a programme; unique in its document.
    RewardId
    /// How an event came about: `web`, `shop`, `phone`.
    Channel
    /// What a member permits, such as `marketing`.
    Purpose
    /// The public half of a key.
    KeyId
    /// A partner's own kind of engagement, such as `review`.
    EngagementKind
    /// A unit of an outside programme that points can buy, such as `sky-miles`.
    UnitId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_to_their_alphabet_and_length() {
        for good in ["a", "0-cd_now", &"x".repeat(31)] {
            assert_eq!(PartnerId::new(good).unwrap().as_str(), good);
        }
        for bad in ["", "-a", "A", "a b", "a.b", "é", &"x".repeat(32)] {
            assert!(PartnerId::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_sort_as_text_and_survive_storage() {
        let (a, ab, b) = (RuleId::new("a").unwrap(), RuleId::new("ab").unwrap(), RuleId::new("b").unwrap());
        assert!(a < ab && ab < b);
        let stored = postcard::to_stdvec(&ab).unwrap();
        assert_eq!(stored, b"\x02ab");
        assert_eq!(postcard::from_bytes::<RuleId>(&stored).unwrap(), ab);
        assert!(postcard::from_bytes::<RuleId>(b"\x02A!").is_err());
    }
}
