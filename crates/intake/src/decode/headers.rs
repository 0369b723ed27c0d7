//! The headers of a record that say how to read it.

use coalition_journal::log::{MALFORMED_HEADER, Record};

use super::malformed;
use crate::{Refusal, TraceParent};

/// What stands before the name of an attribute in the headers of a CloudEvent: its Kafka binding 1.0.2, 3.2.3.1.
const ATTRIBUTE: &str = "ce_";

/// The headers of a record. Names differ by more than the case of their letters: clients are not of one mind there.
#[derive(Clone, Copy)]
pub(super) struct Headers<'a>(&'a Record);

impl<'a> Headers<'a> {
    /// # Errors
    /// `MALFORMED` when a name is no UTF-8.
    pub(super) fn of(record: &'a Record) -> Result<Self, Refusal> {
        if record.headers.iter().any(|(name, _)| name == MALFORMED_HEADER) {
            return Err(malformed("headers", "the name of a header is no UTF-8"));
        }
        Ok(Self(record))
    }

    /// The same for what is told of a record that is refused already: names that are no UTF-8 are passed over.
    pub(super) fn unchecked(record: &'a Record) -> Self {
        Self(record)
    }

    /// The text of a header; `None` without one.
    ///
    /// # Errors
    /// `MALFORMED` when it is no UTF-8, or there are two of different values: it can't be known which one is meant.
    pub(super) fn text(self, name: &str) -> Result<Option<&'a str>, Refusal> {
        let mut values = self.values(name);
        let Some(first) = values.next() else { return Ok(None) };
        if values.any(|other| other != first) {
            return Err(malformed(name, format!("there are several headers {name}, of different values")));
        }
        match std::str::from_utf8(first) {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(malformed(name, format!("the header {name} is no UTF-8"))),
        }
    }

    /// Whether there is an attribute of a CloudEvent.
    pub(super) fn has_attributes(self) -> bool {
        let begins =
            |name: &str| name.get(..ATTRIBUTE.len()).is_some_and(|it| it.eq_ignore_ascii_case(ATTRIBUTE));
        self.0.headers.iter().any(|(name, _)| begins(name))
    }

    /// The trace of the record: that of the transport if there is one, else that of the CloudEvent's extension.
    pub(super) fn traceparent(self) -> Option<TraceParent> {
        let read = |name: &str| self.values(name).find_map(TraceParent::read);
        read("traceparent").or_else(|| read("ce_traceparent"))
    }

    fn values(self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        let named = move |(known, _): &&(String, bytes::Bytes)| known.eq_ignore_ascii_case(name);
        self.0.headers.iter().filter(named).map(|(_, value)| &value[..])
    }
}
