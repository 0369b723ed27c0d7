//! Trying again: how long to wait before it, and how to say why.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::handle::Unavailable;
use super::orders::Orders;
use super::post::Postbox;
use super::worker::Message;

/// How long to wait before what failed is tried again.
pub(super) const PAUSE: Duration = Duration::from_millis(200);

/// Refuses what comes while there is no projection: for so long, or for ever, but no longer than until `orders` has a stop or
/// another duty, which it keeps up to date.
pub(super) fn wait(
    messages: &Postbox,
    queued: &AtomicUsize,
    pause: Option<Duration>,
    orders: &Orders,
    why: &dyn Fn() -> Unavailable,
) {
    let until = pause.map(|pause| Instant::now() + pause);
    while !orders.stop.get() {
        let message = match until {
            Some(until) => messages.recv_timeout(until.saturating_duration_since(Instant::now())),
            None => messages.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match message {
            Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => orders.stop.set(true),
            Ok(Message::Duty(now)) => {
                if orders.duty.replace(now) != now {
                    return;
                }
            }
            Ok(message) => refuse(message, queued, why),
            Err(RecvTimeoutError::Timeout) => return,
        }
    }
}

/// Tells whoever asks why there is no answer; lets go of everything else.
pub(super) fn refuse(message: Message, queued: &AtomicUsize, why: &dyn Fn() -> Unavailable) {
    // Whoever has gone away hears nothing.
    match message {
        Message::Command { reply, .. } => drop(reply.send(Err(why()))),
        Message::Change { reply, .. } => drop(reply.send(Err(why()))),
        Message::Question(_, question) => question.refuse(why()),
        // Dropping the reply tells the caller.
        Message::Behind { .. } => {}
        Message::Wake(_)
        | Message::Input(..)
        | Message::StoreFailed(..)
        | Message::Duty(_)
        | Message::Stop => {
            return;
        }
    }
    queued.fetch_sub(1, Ordering::Relaxed);
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
