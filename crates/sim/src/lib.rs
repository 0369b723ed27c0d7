//! The deterministic simulator: whole networks in one thread, with every fault that the design speaks of, and an
//! auditor that judges what came of it.
//!
//! A seed says everything: sizes, workload, faults, and who goes on next at each step. What runs are the real shard
//! cores over the real log and store in memory; only their shell is another. Called by `cargo xtask sim`; its failures
//! are repeated by their seed alone, as long as nobody changes what is simulated.

mod audit;
mod plants;
mod random;
mod settings;
mod trace;
mod workload;
mod world;

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

pub use self::plants::Plant;
pub use self::trace::Trace;
pub use self::world::Counts;
use self::world::World;

/// The least that a run asks of the network.
pub const COMMANDS_MIN: usize = 1_000;

/// The least that goes wrong in a run.
pub const FAULTS_MIN: usize = 3;

thread_local! {
    /// While a seed runs on this thread: what the last panic said.
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
    static RUNNING: Cell<bool> = const { Cell::new(false) };
}

/// Runs a seed and judges it.
///
/// # Errors
/// What the auditor found, or what a core said when it panicked.
pub fn run(seed: u64, plant: Option<Plant>, trace: &mut Trace) -> Result<Counts, String> {
    keep_panics();
    RUNNING.set(true);
    let judged = catch_unwind(AssertUnwindSafe(|| {
        let mut world = World::new(seed, plant, trace);
        world.run();
        let counts = audit::judge(&world)?;
        assert!(counts.commands >= COMMANDS_MIN, "{} commands only", counts.commands);
        assert!(counts.faults() >= FAULTS_MIN, "{} faults only", counts.faults());
        Ok(counts)
    }));
    RUNNING.set(false);
    judged.unwrap_or_else(|_| Err(PANIC.with_borrow_mut(Option::take).unwrap_or_default()))
}

/// Panics in a run are findings, and those of a decision are caught by the ledger itself: neither goes to the terminal.
fn keep_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if RUNNING.get() {
                PANIC.with_borrow_mut(|kept| *kept = Some(panic.to_string()));
            } else {
                usual(panic);
            }
        }));
    });
}
