//! The key that a caller shows with each call.

use std::fmt;
use std::str::FromStr;

use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::{Request, Status};

/// A key of the network, `ck_...`. It is a secret: nothing here prints it.
#[derive(Clone)]
pub struct Key(MetadataValue<Ascii>);

/// A text that can't be a key. The text itself is never repeated.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoKey {
    /// Nothing there.
    #[error("is empty")]
    Empty,
    /// More than a line, or not printable ASCII.
    #[error("holds no key: a key is one line of ASCII")]
    Characters,
}

impl FromStr for Key {
    type Err = NoKey;

    /// Reads a key; blanks and line ends around it, as files have them, don't count.
    fn from_str(text: &str) -> Result<Self, NoKey> {
        let key = text.trim();
        if key.is_empty() {
            return Err(NoKey::Empty);
        }
        if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(NoKey::Characters);
        }
        let mut header: MetadataValue<Ascii> =
            format!("Bearer {key}").parse().map_err(|_| NoKey::Characters)?;
        header.set_sensitive(true);
        Ok(Self(header))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

impl Interceptor for Key {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_shown_as_a_bearer_and_never_printed() {
        let mut key: Key = "ck_a_b\n".parse().unwrap();
        let request = key.call(Request::new(())).unwrap();
        assert_eq!(request.metadata().get("authorization").unwrap().to_str().unwrap(), "Bearer ck_a_b");
        assert!(!format!("{request:?} {key:?}").contains("ck_a_b"));
    }

    #[test]
    fn what_is_no_line_of_text_is_no_key() {
        for (text, why) in [
            ("", NoKey::Empty),
            (" \n", NoKey::Empty),
            ("two\nlines", NoKey::Characters),
            ("k\u{e9}y", NoKey::Characters),
        ] {
            assert_eq!(text.parse::<Key>().unwrap_err(), why, "{text:?}");
        }
    }
}
