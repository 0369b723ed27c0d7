//! What a core shows of its work: counts, how long commands wait, and the way of events that are followed.

use std::io;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};

use bytes::Bytes;
use coalition_domain::Span;
use coalition_journal::log::Stored;
use tracing::Dispatch;
use tracing_subscriber::fmt::MakeWriter;

use super::{Alone, Input, NOW, Tally, event, repeat};
use crate::trace::HEADER;

#[test]
fn decisions_count_when_they_are_in_effect() {
    let mut alone = Alone::in_office();
    assert_eq!(*alone.core.tally(), Tally { terms: 1, ..Tally::default() });
    alone.held = Some(Vec::new());
    alone.say(Input::Inbox(vec![event(0), event(1), repeat(2, 0)]));
    let drafted = Tally { terms: 1, repeated: 1, ..Tally::default() };
    assert_eq!(*alone.core.tally(), drafted);
    let (_, record) = alone.held.take().unwrap().remove(0);
    let read = alone.take(record);
    alone.say(read);
    assert_eq!(*alone.core.tally(), Tally { batches: 1, refused: 2, ..drafted });
}

#[test]
fn a_command_waits_from_the_inbox_until_it_is_in_effect() {
    let at = |offset, millis| Stored { append_time: NOW.plus(Span::from_millis(millis)), ..event(offset) };
    let mut alone = Alone::in_office();
    assert_eq!(alone.core.waits_since(), None);
    alone.held = Some(Vec::new());
    alone.say(Input::Inbox(vec![at(0, 100), at(1, 200)]));
    alone.say(Input::Inbox(vec![at(2, 300)]));
    // The first two are under way, the third waits behind them.
    assert_eq!(alone.core.waits_since(), Some(NOW.plus(Span::from_millis(100))));
    let (_, record) = alone.held.replace(Vec::new()).unwrap().remove(0);
    let read = alone.take(record);
    alone.say(read);
    assert_eq!(alone.core.waits_since(), Some(NOW.plus(Span::from_millis(300))));
    let (_, record) = alone.held.take().unwrap().remove(0);
    let read = alone.take(record);
    alone.say(read);
    assert_eq!(alone.core.waits_since(), None);
    // Nothing is read now: what is there may be as old as the last that was decided.
    alone.say(Input::Revoked);
    assert_eq!(alone.core.waits_since(), Some(NOW.plus(Span::from_millis(300))));
}

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

fn traced(stored: Stored) -> Stored {
    let mut stored = stored;
    let text = Bytes::from(format!("00-{TRACE}-00f067aa0ba902b7-01"));
    stored.record.headers.push((HEADER.to_owned(), text));
    stored
}

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

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// While a process has one subscriber, the first thread that comes to a line asks only its own, which may be none, whether
/// anybody wants to see it, for ever and for all. With two, it asks both.
static OTHER: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(tracing_subscriber::registry()));

/// The log lines of a core that decides these, at DEBUG.
fn lines(events: Vec<Stored>) -> String {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .without_time()
        .with_ansi(false)
        .with_writer(lines.clone())
        .finish();
    LazyLock::force(&OTHER);
    tracing::subscriber::with_default(subscriber, || {
        let mut alone = Alone::in_office();
        alone.say(Input::Inbox(events));
    });
    let bytes: MutexGuard<'_, Vec<u8>> = lines.0.lock().unwrap();
    String::from_utf8(bytes.clone()).unwrap()
}

#[test]
fn an_event_with_a_trace_is_followed_from_its_decision_to_the_fold() {
    let said = lines(vec![event(0), traced(event(1)), traced(repeat(2, 1))]);
    expect_test::expect![[r#"
        DEBUG event{stage="decide" partner="cdnow" event_id="e1" trace_id="4bf92f3577b34da6a3ce929d0e0e4736" shard=0}: coalition::event: decided outcome="UNKNOWN_PARTNER"
        DEBUG event{stage="decide" partner="cdnow" event_id="e1" trace_id="4bf92f3577b34da6a3ce929d0e0e4736" shard=0}: coalition::event: decided outcome="repeated"
        DEBUG batch{shard=0 seq=3 traced=2}:event{stage="append" partner="cdnow" event_id="e1" trace_id="4bf92f3577b34da6a3ce929d0e0e4736" shard=0}: coalition::event: on its way to the journal
        DEBUG batch{shard=0 seq=3 traced=2}:event{stage="append" partner="cdnow" event_id="e1" trace_id="4bf92f3577b34da6a3ce929d0e0e4736" shard=0}: coalition::event: on its way to the journal
        DEBUG batch{shard=0 seq=3 traced=2}:event{stage="fold" partner="cdnow" event_id="e1" trace_id="4bf92f3577b34da6a3ce929d0e0e4736" shard=0}: coalition::event: read back, in effect and folded
        DEBUG batch{shard=0 seq=3 traced=2}:event{stage="fold" partner="cdnow" event_id="e1" trace_id="4bf92f3577b34da6a3ce929d0e0e4736" shard=0}: coalition::event: read back, in effect and folded
    "#]]
    .assert_eq(&said);
}

#[test]
fn of_a_batch_only_some_events_are_followed() {
    let said = lines((0..40).map(|offset| traced(event(offset))).collect());
    assert_eq!(said.matches("stage=\"fold\"").count(), 16);
}

#[test]
fn nothing_is_followed_that_nobody_wants_to_see() {
    let mut alone = Alone::in_office();
    alone.held = Some(Vec::new());
    alone.say(Input::Inbox(vec![traced(event(0))]));
    alone.say(Input::Inbox(vec![traced(event(1))]));
    assert!(alone.core.inbox.iter().all(|queued| queued.trace.is_none()));
}
