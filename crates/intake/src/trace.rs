//! The trace that a partner's record belongs to, and the lines by which intake tells of it.

use coalition_journal::entry::ShardId;
use coalition_journal::log::{Offset, Partition, Record};
use coalition_ledger::inbox::Request;
pub use coalition_ledger::trace::TraceParent;
use coalition_ledger::trace::{self, TARGET};

use crate::judge::Refused;

/// A record of `events` was accepted, as `record`, for `shard`.
pub(crate) fn accepted(events: &Partition, offset: Offset, record: &Record, shard: ShardId) {
    if !trace::enabled() {
        return;
    }
    with_event("judge", record, shard, || tracing::debug!(target: TARGET, %events, %offset, "accepted"));
}

/// A record of `events` goes back to its partner.
pub(crate) fn refused(events: &Partition, offset: Offset, record: &Record, refused: &Refused) {
    if !trace::enabled() {
        return;
    }
    // Not even its event id is known to be one.
    if let Some(trace) = TraceParent::of(record) {
        let reason = refused.refusal.reason.reason();
        let span = tracing::debug_span!(target: TARGET, "event", stage = "judge", trace_id = trace.id());
        span.in_scope(|| tracing::debug!(target: TARGET, %events, %offset, reason, "refused"));
    }
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
