//! The life of a shard in a process: nothing, a follower, an owner, and back, as the group says.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::Settings;
use super::handle::{Status, Unavailable};
use super::open::{self, Place};
use super::retry::{PAUSE, Waited, chain, refuse, wait};
use super::worker::{Exit, Life, Message, TICK, Worker};
use crate::group::Duty;
use crate::shard::Input;

/// A projection that has worked for so long has not failed for the same reason as the last one.
const MENDED: Duration = Duration::from_secs(60);
/// Failures of the projection after each other that are nothing worse than unexpected.
const FAILURES_WARNED: u32 = 3;
/// How long callers wait, in a shard that is others' now, for what became of what was under way.
const UNDER_WAY_MAX: Duration = Duration::from_secs(10);

impl Worker<'_> {
    /// Runs the shard until it is told to stop, with a new projection whenever one fails.
    pub(super) fn supervise(
        place: Place,
        settings: &Settings,
        (sender, messages): (Sender<Message>, Receiver<Message>),
        published: watch::Sender<Option<Status>>,
        queued: Arc<AtomicUsize>,
    ) {
        let shard = place.genesis.shard;
        let duty = Cell::new(Duty::Nothing);
        let wait = |pause, why: &dyn Fn() -> Unavailable| wait(&messages, &queued, pause, &duty, why);
        let (mut failures, mut life) = (0, Life::default());
        loop {
            if duty.get() == Duty::Nothing {
                published.send_replace(None);
                match wait(None, &|| Unavailable::NotOwner(shard)) {
                    Waited::Stop => return,
                    Waited::Duty | Waited::Over => continue,
                }
            }
            let began = Instant::now();
            life = Life(life.0 + 1);
            let run = || match place.open(settings.limits.accounts_max) {
                Ok(projection) => Worker::run(
                    &place,
                    settings,
                    projection,
                    (&sender, &messages, life),
                    &published,
                    &queued,
                    &duty,
                ),
                Err(error @ open::Error::OtherJournal(_)) => Exit::Broken(chain(&error)),
                Err(error) => Exit::StoreFailed(chain(&error)),
            };
            // A broken invariant stops this shard and no other.
            let fault = |_| Exit::Broken("a fault inside the ledger; it was noted".to_owned());
            match catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(fault) {
                Exit::Stopped => return,
                Exit::Released => tracing::info!(%shard, "others run the shard now"),
                Exit::Broken(why) => {
                    tracing::error!(%shard, why, "the shard has stopped");
                    published.send_modify(|status| {
                        status.get_or_insert_with(|| Status::starting(shard)).stopped = Some(why);
                    });
                    while wait(None, &|| Unavailable::Rebuilding(shard)) != Waited::Stop {}
                    return;
                }
                Exit::StoreFailed(why) => {
                    failures = if began.elapsed() < MENDED { failures + 1 } else { 0 };
                    // It mends itself; what does so again and again wants a person.
                    if failures < FAILURES_WARNED {
                        tracing::warn!(%shard, why, failures, "the projection failed; it is opened again");
                    } else {
                        tracing::error!(%shard, why, failures, "the projection fails again and again; check the disk of the data folder");
                    }
                    let pause = PAUSE * 2_u32.pow(failures.min(5));
                    if wait(Some(pause), &|| Unavailable::Rebuilding(shard)) == Waited::Stop {
                        return;
                    }
                }
            }
        }
    }

    /// Whether the shard is others', and whoever waited for it here has heard what became of it, or has waited too long.
    pub(super) fn is_released(&self) -> bool {
        // One that has stopped for good goes on showing it.
        let over = |since: Instant| self.waiting.is_empty() || since.elapsed() > UNDER_WAY_MAX;
        self.released.is_some_and(over) && self.shard.stopped().is_none()
    }

    /// The group says what this process is to the shard.
    pub(super) fn duty(&mut self, now: Duty) {
        match (self.duty.replace(now), now) {
            (Duty::Own, Duty::Follow | Duty::Nothing) => self.step(Input::Revoked),
            (Duty::Follow | Duty::Nothing, Duty::Own) => self.step(Input::Assigned),
            (Duty::Own, Duty::Own) | (Duty::Follow | Duty::Nothing, Duty::Follow | Duty::Nothing) => {}
        }
        self.released = (now == Duty::Nothing).then(Instant::now);
    }

    /// Writes the last checkpoint.
    pub(super) fn finish(mut self) -> Exit {
        let shard = self.place.genesis.shard;
        let gone = || Unavailable::NotOwner(shard);
        for (_, question) in std::mem::take(&mut self.questions) {
            self.queued.fetch_sub(1, Ordering::Relaxed);
            question.refuse(gone());
        }
        while self.checkpointer.busy && self.failed.is_none() {
            match self.messages.recv_timeout(TICK) {
                Ok(message @ (Message::Input(..) | Message::StoreFailed(..))) => self.take(message),
                Ok(Message::Duty(now)) => drop(self.duty.replace(now)),
                Ok(Message::Stop) => self.stopping = true,
                Ok(message) => refuse(message, self.queued, &gone),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        if let Some(taking) = self.shard.take_changes() {
            self.checkpointer.hand_over(taking);
        }
        drop(self.checkpointer.end());
        if self.stopping { Exit::Stopped } else { Exit::Released }
    }
}
