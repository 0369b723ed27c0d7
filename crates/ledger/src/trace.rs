//! The trace that an event belongs to, and the log lines by which it is followed from stage to stage.
//!
//! One target for all of them, over all crates: `RUST_LOG=warn,coalition::event=debug` shows the way of every event and
//! call that came with a `traceparent`. Switched off, that costs one look at an atomic.

use std::fmt;

use coalition_domain::PartnerEvent;
use coalition_journal::entry::ShardId;
use coalition_journal::log::Record;
use tracing::span::EnteredSpan;

/// The target of these lines and spans.
pub const TARGET: &str = "coalition::event";

/// The header of a record, and the key of a call's metadata, that names the trace.
pub const HEADER: &str = "traceparent";

/// How long its text is.
const LENGTH: usize = 55;

/// A `traceparent` of W3C Trace Context 1.0, level 1: version, trace id, parent id and flags, each of the form that the
/// recommendation asks for. A value without anything on the heap, as a shard carries it beside each event.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TraceParent([u8; LENGTH]);

impl TraceParent {
    /// Reads the text of such a header; `None` for any other text, which the recommendation wants to be passed over.
    pub fn read(text: &[u8]) -> Option<Self> {
        let text: [u8; LENGTH] = text.try_into().ok()?;
        let mut parts = text.split(|byte| *byte == b'-');
        let hex = |part: &[u8], length: usize| {
            part.len() == length && part.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        let named = |part: &[u8], length| hex(part, length) && part.iter().any(|byte| *byte != b'0');
        let good = parts.next().is_some_and(|version| hex(version, 2) && version != b"ff")
            && parts.next().is_some_and(|trace| named(trace, 32))
            && parts.next().is_some_and(|parent| named(parent, 16))
            && parts.next().is_some_and(|flags| hex(flags, 2))
            && parts.next().is_none();
        good.then_some(Self(text))
    }

    /// The trace of a record, if its headers name one.
    pub fn of(record: &Record) -> Option<Self> {
        let header = record.headers.iter().find(|(name, _)| name == HEADER);
        header.and_then(|(_, value)| Self::read(value))
    }

    /// A trace that begins here, out of bytes drawn by chance; not sampled, as nobody has asked for that.
    pub fn begin(chance: [u8; 24]) -> Self {
        let (trace, parent) = chance.split_at(16);
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let text = format!("00-{}-{}-00", hex(trace), hex(parent));
        // All zeros name nothing; chance does not come to that.
        Self::read(text.as_bytes())
            .unwrap_or(Self(*b"00-00000000000000000000000000000001-0000000000000001-00"))
    }

    /// The text of the header.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("only digits and dashes are read")
    }

    /// The trace's id: 32 hexadecimal digits, by which log lines are found.
    pub fn id(&self) -> &str {
        &self.as_str()[3..35]
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

tokio::task_local! {
    static CARRIED: TraceParent;
}

/// Carries out `what` as part of a trace: what it asks of other processes names that.
pub async fn within<T>(trace: TraceParent, what: impl Future<Output = T>) -> T {
    CARRIED.scope(trace, what).await
}

/// The trace as part of which this is carried out, if there is one.
pub fn carried() -> Option<TraceParent> {
    CARRIED.try_with(|trace| *trace).ok()
}

/// Whether anybody wants to see the way of events.
pub fn enabled() -> bool {
    tracing::enabled!(target: TARGET, tracing::Level::DEBUG)
}

/// The span of one event at one stage of its way, entered: lines within carry partner, event id, shard and trace id.
pub fn stage(
    stage: &'static str,
    trace: &TraceParent,
    event: &PartnerEvent,
    shard: Option<ShardId>,
) -> EnteredSpan {
    let span = tracing::debug_span!(
        target: TARGET,
        "event",
        stage,
        partner = event.partner.as_str(),
        event_id = event.event_id.as_str(),
        shard = tracing::field::Empty,
        trace_id = trace.id(),
    );
    if let Some(shard) = shard {
        span.record("shard", shard.0);
    }
    span.entered()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    // The recommendation's own example.
    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn only_what_the_recommendation_allows_is_a_trace() {
        let good = TraceParent::read(GOOD.as_bytes()).unwrap();
        assert_eq!((good.as_str(), good.id()), (GOOD, "4bf92f3577b34da6a3ce929d0e0e4736"));
        for bad in [
            "",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
            "00-4bf92f3577b34da6a3ce929d0e0e473-600f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba9-2b7-01",
        ] {
            assert_eq!(TraceParent::read(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(TraceParent::read(&[0xff; LENGTH]), None);
    }

    #[test]
    fn it_is_found_among_the_headers_of_a_record() {
        let header = |name: &str| (name.to_owned(), Bytes::from_static(GOOD.as_bytes()));
        let record = |headers| Record { headers, ..Record::default() };
        assert_eq!(
            TraceParent::of(&record(vec![header("tracestate"), header(HEADER)])).unwrap().as_str(),
            GOOD
        );
        assert_eq!(TraceParent::of(&record(vec![header("tracestate")])), None);
    }

    #[test]
    fn one_that_begins_here_is_of_the_same_form() {
        let chance = std::array::from_fn(|place| u8::try_from(place).unwrap());
        let begun = TraceParent::begin(chance);
        assert_eq!(begun.as_str(), "00-000102030405060708090a0b0c0d0e0f-1011121314151617-00");
        assert!(TraceParent::read(TraceParent::begin([0; 24]).as_str().as_bytes()).is_some());
    }
}
