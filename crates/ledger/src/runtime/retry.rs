//! Trying again: how long to wait before it, and how to say why.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::worker::Message;

/// How long to wait before what failed is tried again.
pub(super) const PAUSE: Duration = Duration::from_millis(200);

/// Refuses for a while what comes while there is no projection; true when told to stop.
pub(super) fn wait_or_stop(messages: &Receiver<Message>, queued: &AtomicUsize, pause: Duration) -> bool {
    let until = Instant::now() + pause;
    loop {
        match messages.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => return true,
            // Dropping the reply tells the caller.
            Ok(
                Message::Command { .. }
                | Message::Change { .. }
                | Message::View { .. }
                | Message::Sums { .. }
                | Message::Search { .. }
                | Message::Behind { .. },
            ) => {
                queued.fetch_sub(1, Ordering::Relaxed);
            }
            Ok(Message::Wake(_) | Message::Input(_) | Message::StoreFailed(_)) => {}
            Err(RecvTimeoutError::Timeout) => return false,
        }
    }
}

/// How long to wait before the next try for a term: doubling from 50 ms to 3.2 s, half of it by chance.
pub(super) fn backoff(tries: u32) -> Duration {
    if tries == 0 {
        return Duration::ZERO;
    }
    let most = 50_u64 << tries.min(6);
    let chance = Uuid::new_v4().as_u128() % u128::from(most / 2);
    Duration::from_millis(most / 2 + u64::try_from(chance).unwrap_or(0))
}

/// An error with its sources, in one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let sources = std::iter::successors(error.source(), |error| error.source());
    sources.fold(error.to_string(), |text, source| format!("{text}: {source}"))
}
