//! Many seeds on several threads, with their progress.

use std::collections::BTreeSet;
use std::io::{IsTerminal, Write};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use coalition_sim::Counts;

/// What is to be run.
pub(crate) struct Job {
    pub(crate) seeds: Range<u64>,
    /// Whether to go on after a seed that fails.
    pub(crate) go_on: bool,
    /// Say nothing but what is found.
    pub(crate) quiet: bool,
}

/// What came of it.
#[derive(Default)]
pub(crate) struct Many {
    /// How many seeds were run.
    pub(crate) run: u64,
    /// What happened in those that passed.
    pub(crate) counts: Counts,
    /// Those that failed; the first of them is the first that there is.
    pub(crate) failed: BTreeSet<u64>,
}

struct Shared {
    next: u64,
    running: BTreeSet<u64>,
    found: Many,
    start: Instant,
    shown: Instant,
}

/// Runs them, so many at a time.
pub(crate) fn run(job: &Job, jobs: usize, judge: impl Fn(u64) -> Result<Counts, String> + Sync) -> Many {
    let now = Instant::now();
    let shared = Shared {
        next: job.seeds.start,
        running: BTreeSet::new(),
        found: Many::default(),
        start: now,
        shown: now,
    };
    let shared = Mutex::new(shared);
    let lock = || shared.lock().unwrap_or_else(PoisonError::into_inner);
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                loop {
                    let mut state = lock();
                    let over = !job.go_on && !state.found.failed.is_empty();
                    if over || state.next >= job.seeds.end {
                        return;
                    }
                    let seed = state.next;
                    state.next += 1;
                    state.running.insert(seed);
                    drop(state);
                    let judged = judge(seed);
                    lock().heard(job, seed, judged);
                }
            });
        }
    });
    let state = shared.into_inner().unwrap_or_else(PoisonError::into_inner);
    if !job.quiet {
        state.show(job, "\n");
    }
    state.found
}

impl Shared {
    fn heard(&mut self, job: &Job, seed: u64, judged: Result<Counts, String>) {
        self.running.remove(&seed);
        self.found.run += 1;
        match judged {
            Ok(counts) => self.found.counts.add(&counts),
            Err(fault) => {
                self.found.failed.insert(seed);
                if !job.quiet {
                    println!("{fault}");
                }
            }
        }
        // A terminal has one line that changes; a file gets a line now and then.
        let terminal = std::io::stderr().is_terminal();
        let pause = Duration::from_secs(if terminal { 1 } else { 30 });
        if !job.quiet && self.shown.elapsed() >= pause {
            self.shown = Instant::now();
            self.show(job, if terminal { "\r" } else { "\n" });
        }
    }

    fn show(&self, job: &Job, end: &str) {
        let millis = self.start.elapsed().as_millis().max(1);
        let tenths = u128::from(self.found.run) * 10_000 / millis;
        let (done, all) = (self.found.run, job.seeds.end - job.seeds.start);
        let left = u128::from(all - done) * millis / u128::from(done.max(1)) / 60_000;
        // Whoever goes on from here misses none.
        let from = self.running.first().copied().unwrap_or(self.next);
        let failed = self.found.failed.len();
        eprint!(
            "{done} of {all} seeds, {}.{} a second, {failed} failed, {left} min left, all done below {from}{end}",
            tenths / 10,
            tenths % 10
        );
        drop(std::io::stderr().flush());
    }
}
