//! What a shard counts of its own work: plain numbers, which the shell shows to others.

use coalition_domain::Outcome;

use crate::body::Item;

/// Counts since the core was made. What is read of other terms, as after a restart, is not its own work.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// Terms that it took office in.
    pub terms: u64,
    /// Batches in effect.
    pub batches: u64,
    /// Decisions in effect by which something happened.
    pub applied: u64,
    /// Decisions in effect that refuse.
    pub refused: u64,
    /// Decisions in effect that a command waits.
    pub waiting: u64,
    /// Commands that were decided before.
    pub repeated: u64,
}

impl Tally {
    /// A batch of its own is in effect.
    pub(super) fn batch<T>(&mut self, items: &[(Item, T)]) {
        self.batches += 1;
        for (item, _) in items {
            match item {
                Item::Account(decision, _) => match decision.outcome {
                    Outcome::Applied(_) => self.applied += 1,
                    Outcome::Refused(_) => self.refused += 1,
                    Outcome::Waiting(_) => self.waiting += 1,
                    // Counted where it is decided.
                    Outcome::Forwarded(_) => {}
                },
                Item::Registry(decision) => match decision.outcome {
                    Ok(_) => self.applied += 1,
                    Err(_) => self.refused += 1,
                },
                // Decided elsewhere, and taken in here; or counted by its decisions.
                Item::Relayed(_) | Item::Taken(..) | Item::Asked { .. } => {}
            }
        }
    }
}
