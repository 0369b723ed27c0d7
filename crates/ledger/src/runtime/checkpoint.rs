//! Checkpoints on a thread of their own: encoding and writing cost the shard nothing but the hand-over.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use coalition_store::Writer;
use prometheus::Histogram;

use super::post::Post;
use super::retry::chain;
use super::worker::{Life, Message};
use crate::shard::Input;
use crate::state::Taking;

/// From one to the next by the clock, as many times as long as one took: what they take from the machine is bounded, and what changed
/// twice meanwhile is stored once.
const REST: u32 = 4;
/// But no longer than so many intervals: a disk that hung for once should not make the next start replay hours.
const INTERVALS_MAX: u32 = 12;

/// The thread, as the shard sees it.
pub(super) struct Checkpointer {
    jobs: Option<Sender<Box<Taking>>>,
    thread: Option<JoinHandle<Box<dyn Writer>>>,
    busy: bool,
    /// When the last one was taken.
    taken: Instant,
    /// How long it took until the store had it.
    took: Duration,
}

impl Checkpointer {
    /// Starts it over `writer`; it tells `shard` of each checkpoint that the store holds, and of a failure, and `took` how
    /// long each one took.
    pub(super) fn start(
        writer: Box<dyn Writer>,
        (shard, life): (Post, Life),
        name: String,
        took: Histogram,
    ) -> std::io::Result<Self> {
        let (jobs, queue) = channel();
        let thread = std::thread::Builder::new()
            .name(name)
            .spawn(move || run(writer, &queue, (&shard, life), &took))?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
            busy: false,
            taken: Instant::now(),
            took: Duration::ZERO,
        })
    }

    /// Whether one is under way.
    pub(super) fn is_busy(&self) -> bool {
        self.busy
    }

    /// The store has the one that was under way.
    pub(super) fn done(&mut self) {
        self.busy = false;
        self.took = self.taken.elapsed();
    }

    /// Whether it is time for one by the clock alone, which is `interval`, or longer where the store is that slow or the
    /// machine that busy.
    pub(super) fn is_due(&self, interval: Duration) -> bool {
        self.taken.elapsed() >= interval.max((self.took * REST).min(interval * INTERVALS_MAX))
    }

    /// Hands one over.
    pub(super) fn hand_over(&mut self, taking: Taking) {
        self.busy = true;
        self.taken = Instant::now();
        if let Some(jobs) = &self.jobs {
            // A thread that has failed has said so; the shard will hear it.
            drop(jobs.send(Box::new(taking)));
        }
    }

    /// Ends the thread after what it has been given, and gives the writer back, unless the thread panicked.
    pub(super) fn end(mut self) -> Option<Box<dyn Writer>> {
        self.jobs = None;
        self.thread.take().and_then(|thread| thread.join().ok())
    }
}

/// As nice(1) counts.
#[cfg(target_os = "linux")]
const NICE: i32 = 5;

fn run(
    mut writer: Box<dyn Writer>,
    queue: &Receiver<Box<Taking>>,
    (shard, life): (&Post, Life),
    took: &Histogram,
) -> Box<dyn Writer> {
    give_way();
    while let Ok(mut taking) = queue.recv() {
        let began = Instant::now();
        let said = match writer.apply(&taking.rows()) {
            Ok(()) => Message::Input(life, Input::Stored(taking.mark.seq, taking.written())),
            Err(error) => Message::StoreFailed(life, chain(&error)),
        };
        took.observe(began.elapsed().as_secs_f64());
        drop(shard.send(said));
    }
    writer
}

/// The thread leaves the processor to those that somebody waits for.
fn give_way() {
    // On other systems this is said of the whole process.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        tracing::debug!(%error, "a thread keeps its priority");
    }
}
