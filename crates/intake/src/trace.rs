//! The trace that a partner's record belongs to, and the lines by which intake tells of it.

use coalition_domain::{PartnerId, Reference};
use coalition_journal::entry::ShardId;
use coalition_journal::log::{Offset, Partition, Record, Stored};
use coalition_ledger::inbox::Request;
pub use coalition_ledger::trace::TraceParent;
use coalition_ledger::trace::{self, TARGET};
use coalition_proto::event::v1::PartnerEvent;

use crate::judge::Refused;
use crate::{Refusal, decode, personal};

/// A record of `events` was accepted, as `record`, for `shard`.
pub(crate) fn accepted(events: &Partition, offset: Offset, record: &Record, shard: ShardId) {
    if !trace::enabled() {
        return;
    }
    with_event("judge", record, shard, || tracing::debug!(target: TARGET, %events, %offset, "accepted"));
}

/// A record of `events`, which are those of `partner`, goes back.
pub(crate) fn refused(partner: PartnerId, events: &Partition, stored: &Stored, refused: &Refused) {
    if !trace::enabled() {
        return;
    }
    if let Some(trace) = decode::traceparent(&stored.record) {
        let reason = refused.refusal.reason.reason();
        judged(&trace, partner, refused.event_id.as_ref()).in_scope(
            || tracing::debug!(target: TARGET, %events, offset = %stored.offset, reason, "refused"),
        );
    }
}

/// Tells, in the trace of a call, of an event that is refused there and so never comes into the topic of `partner`.
pub fn trace_refused(trace: &TraceParent, partner: PartnerId, event: &PartnerEvent, refusal: &Refusal) {
    if !trace::enabled() {
        return;
    }
    let event_id = personal::event_id(event, refusal);
    let reason = refusal.reason.reason();
    judged(trace, partner, event_id.as_ref())
        .in_scope(|| tracing::debug!(target: TARGET, reason, "refused in the call"));
}

/// The span of an event that is refused; its id may not be known, and its shard never is.
fn judged(trace: &TraceParent, partner: PartnerId, event_id: Option<&Reference>) -> tracing::Span {
    let event_id = event_id.map(Reference::as_str);
    let (partner, trace_id) = (partner.as_str(), trace.id());
    tracing::debug_span!(target: TARGET, "event", stage = "judge", partner, event_id, trace_id)
}

/// These records are in the inbox of `shard`, from `first` on.
pub(crate) fn placed(shard: ShardId, first: Offset, records: &[Record]) {
    if !trace::enabled() {
        return;
    }
    for (nth, record) in (0..).zip(records) {
        let offset = first.plus(nth);
        with_event("inbox", record, shard, || tracing::debug!(target: TARGET, %offset, "in the inbox"));
    }
}

/// Says something of a record on its way to the inbox, if it has a trace.
fn with_event(stage: &'static str, record: &Record, shard: ShardId, say: impl Fn()) {
    if let Some(trace) = TraceParent::of(record)
        && let Ok(Request::Event(event, _)) = Request::decode(&record.value)
    {
        let _stage = trace::stage(stage, &trace, &event, Some(shard));
        say();
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, LazyLock, Mutex};

    use coalition_domain::Timestamp;
    use coalition_proto::r#type::v1::{ErrorReason, Identifier};

    use super::*;
    use crate::judge::Stage;

    /// While a process has one subscriber, the first thread that comes to a line asks only its own, which may be none,
    /// whether anybody wants to see it, for ever and for all. With two, it asks both.
    static OTHER: LazyLock<tracing::Dispatch> =
        LazyLock::new(|| tracing::Dispatch::new(tracing_subscriber::registry()));

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn check(say: impl FnOnce(), expected: &str) {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::DEBUG)
            .without_time()
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        LazyLock::force(&OTHER);
        tracing::subscriber::with_default(subscriber, say);
        let bytes = lines.0.lock().unwrap();
        assert_eq!(std::str::from_utf8(&bytes).unwrap().trim(), expected);
    }

    const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_record_that_goes_back_is_told_of_with_what_could_be_read() {
        let headers = vec![("ce_traceparent".to_owned(), TRACE.into())];
        let record = Record { headers, ..Record::of(&b"x"[..]) };
        let stored = Stored { offset: Offset(7), append_time: Timestamp::from_millis(0), record };
        let tell = |event_id: Option<&str>, stored: &Stored| {
            let refusal = Refusal::new(ErrorReason::AmountNegative, "purchase.amount", "below zero");
            let event_id = event_id.map(|id| Reference::new(id).unwrap());
            let told = Refused { stage: Stage::Translate, refusal, hidden: false, event_id };
            let partner = PartnerId::new("shop").unwrap();
            refused(partner, &Partition::new("t", 1), stored, &told);
        };
        check(
            || tell(Some("e1"), &stored),
            "DEBUG event{stage=\"judge\" partner=\"shop\" event_id=\"e1\" \
             trace_id=\"4bf92f3577b34da6a3ce929d0e0e4736\"}: coalition::event: refused events=t/1 offset=@7 \
             reason=\"AMOUNT_NEGATIVE\"",
        );
        check(
            || tell(None, &stored),
            "DEBUG event{stage=\"judge\" partner=\"shop\" trace_id=\"4bf92f3577b34da6a3ce929d0e0e4736\"}: \
             coalition::event: refused events=t/1 offset=@7 reason=\"AMOUNT_NEGATIVE\"",
        );
        check(|| tell(None, &Stored { record: Record::of(&b"x"[..]), ..stored.clone() }), "");
    }

    #[test]
    fn an_event_that_a_call_refuses_is_told_of_without_what_must_not_be_kept() {
        let identifier = Identifier { value: "jane@example.com".to_owned(), ..Identifier::default() };
        let event = |event_id: &str| PartnerEvent {
            event_id: event_id.to_owned(),
            identifier: Some(identifier.clone()),
            ..PartnerEvent::default()
        };
        let refusal = Refusal::new(ErrorReason::IdentifierRefused, "identifier.value", "an address");
        let (trace, partner) =
            (TraceParent::read(TRACE.as_bytes()).unwrap(), PartnerId::new("shop").unwrap());
        for (event_id, shown) in [("e1", "event_id=\"e1\" "), ("of jane@example.com", "")] {
            check(
                || trace_refused(&trace, partner, &event(event_id), &refusal),
                &format!(
                    "DEBUG event{{stage=\"judge\" partner=\"shop\" {shown}trace_id=\"{}\"}}: coalition::event: \
                     refused in the call reason=\"IDENTIFIER_REFUSED\"",
                    trace.id()
                ),
            );
        }
    }
}
