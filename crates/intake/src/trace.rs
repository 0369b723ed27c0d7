//! The trace that a partner's record belongs to.

use std::fmt;

/// A `traceparent` of W3C Trace Context 1.0, level 1: version, trace id, parent id and flags, each of the form that the
/// recommendation asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TraceParent(Box<str>);

impl TraceParent {
    /// Reads the text of such a header; `None` for any other text, which the recommendation wants to be passed over.
    pub fn read(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        let parts: Vec<&str> = text.split('-').collect();
        let [version, trace, parent, flags] = parts[..] else { return None };
        let hex = |text: &str, length: usize| {
            text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        let named = |text: &str, length| hex(text, length) && text.bytes().any(|byte| byte != b'0');
        let known = hex(version, 2) && version != "ff";
        (known && named(trace, 32) && named(parent, 16) && hex(flags, 2)).then(|| Self(text.into()))
    }

    /// The text of the header.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_recommendation_allows_is_a_trace() {
        // The recommendation's own example.
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(TraceParent::read(good.as_bytes()).unwrap().as_str(), good);
        for bad in [
            "",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
        ] {
            assert_eq!(TraceParent::read(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(TraceParent::read(b"\xff"), None);
    }
}
