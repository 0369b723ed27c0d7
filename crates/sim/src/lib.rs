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

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

pub use self::plants::Plant;
pub use self::trace::Trace;
pub use self::world::Counts;
use self::world::World;

/// The least that a run asks of the network.
pub const COMMANDS_MIN: usize = 300;

/// The least that goes wrong in a run.
pub const FAULTS_MIN: usize = 3;

thread_local! {
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Keeps what a panic says for the report, in place of the terminal. Panics are findings here, and those of a decision
/// are caught by the ledger itself.
pub fn keep_panics() {
    std::panic::set_hook(Box::new(|panic| {
        PANIC.with_borrow_mut(|kept| *kept = Some(panic.to_string()));
    }));
}

/// Runs a seed and judges it.
///
/// # Errors
/// What the auditor found, or what a core said when it panicked.
pub fn run(seed: u64, plant: Option<Plant>, trace: &mut Trace) -> Result<Counts, String> {
    let judged = catch_unwind(AssertUnwindSafe(|| {
        let mut world = World::new(seed, plant, trace);
        world.run();
        let counts = audit::judge(&world)?;
        assert!(counts.commands >= COMMANDS_MIN, "{} commands only", counts.commands);
        assert!(counts.faults() >= FAULTS_MIN, "{} faults only", counts.faults());
        Ok(counts)
    }));
    judged.unwrap_or_else(|panic| {
        let kept = PANIC.with_borrow_mut(Option::take);
        let said = panic.downcast_ref::<String>().cloned();
        let said = said.or_else(|| panic.downcast_ref::<&str>().map(|said| (*said).to_owned()));
        Err(kept.or(said).unwrap_or_else(|| "a panic".to_owned()))
    })
}
