//! How much happened, and how much of it went wrong.

use std::collections::BTreeMap;
use std::fmt;

/// What happened in a run.
#[derive(Clone, Default, Debug)]
pub struct Counts {
    /// Commands: events published and requests made.
    pub commands: usize,
    /// Steps of the scheduler while there are faults.
    pub steps: usize,
    /// Steps of it after that.
    pub calm_steps: usize,
    /// Appends by fate, good ones apart.
    pub appends: BTreeMap<String, usize>,
    /// Partitions that stood still.
    pub stalls: usize,
    /// Processes that died.
    pub crashes: usize,
    /// Disks that were lost, old or damaged after that.
    pub disks: usize,
    /// Shards that were moved while their owner lived.
    pub moves: usize,
    /// Checkpoints that failed.
    pub store: usize,
    /// Checkpoints of which some rows could be read before the others.
    pub parts: usize,
    /// Stores that could not be read.
    pub unreadable: usize,
    /// Disks that were slow.
    pub slow: usize,
    /// Disks that were full.
    pub full: usize,
    /// Processes that stood still.
    pub stills: usize,
    /// Moves between a record and its answer.
    pub mid_commits: usize,
    /// Events that intake gave back to their partners.
    pub given_back: usize,
    /// Times that the log forgot the beginning of an inbox.
    pub trims: usize,
    /// What clients were shown.
    pub reads: usize,
    /// Wall clocks that jumped.
    pub clocks: usize,
    /// Clients that died while they waited.
    pub deaf: usize,
    /// Restarts of intake.
    pub intakes: usize,
    /// Events that waited for a consent and were applied.
    pub waited_applied: usize,
    /// Events that waited for one in vain.
    pub waited_refused: usize,
    /// Returns and closings that were applied.
    pub returns: usize,
    /// Clawbacks that left something owed.
    pub debts: usize,
    /// Repayments of what was owed.
    pub repaid: usize,
    /// Identifiers that were linked to a member.
    pub links: usize,
    /// Identifiers that were unlinked again.
    pub unlinks: usize,
    /// Grants that came with them and had been given before.
    pub reversed: usize,
    /// Returns whose order another account knew.
    pub found: usize,
    /// Times that points were given or taken by hand.
    pub adjusted: usize,
    /// Facts of what points bought, or no longer do.
    pub exchanged: usize,
    /// Decisions that time alone has brought about.
    pub of_time: usize,
    /// Terms in effect.
    pub terms: usize,
    /// Batches in effect.
    pub batches: usize,
    /// Records that are void.
    pub voids: usize,
}

impl Counts {
    pub(super) fn append(&mut self, fate: String) {
        *self.appends.entry(fate).or_default() += 1;
    }

    /// Adds those of another run.
    pub fn add(&mut self, other: &Self) {
        self.commands += other.commands;
        self.steps += other.steps;
        self.calm_steps += other.calm_steps;
        for (fate, count) in &other.appends {
            *self.appends.entry(fate.clone()).or_default() += count;
        }
        self.stalls += other.stalls;
        self.crashes += other.crashes;
        self.disks += other.disks;
        self.moves += other.moves;
        self.store += other.store;
        self.parts += other.parts;
        self.unreadable += other.unreadable;
        self.slow += other.slow;
        self.full += other.full;
        self.stills += other.stills;
        self.mid_commits += other.mid_commits;
        self.reads += other.reads;
        self.trims += other.trims;
        self.given_back += other.given_back;
        self.clocks += other.clocks;
        self.deaf += other.deaf;
        self.intakes += other.intakes;
        self.waited_applied += other.waited_applied;
        self.waited_refused += other.waited_refused;
        self.returns += other.returns;
        self.debts += other.debts;
        self.repaid += other.repaid;
        self.links += other.links;
        self.unlinks += other.unlinks;
        self.reversed += other.reversed;
        self.found += other.found;
        self.adjusted += other.adjusted;
        self.exchanged += other.exchanged;
        self.of_time += other.of_time;
        self.terms += other.terms;
        self.batches += other.batches;
        self.voids += other.voids;
    }

    /// How many faults came about.
    pub fn faults(&self) -> usize {
        let appends: usize = self.appends.values().sum();
        let rest = [self.stalls, self.crashes, self.moves, self.store, self.clocks, self.deaf, self.intakes];
        let disks = [self.disks, self.unreadable, self.slow, self.full, self.stills];
        appends + rest.iter().chain(&disks).sum::<usize>()
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "commands {}, steps {} and {} in the calm, terms {}, batches {}, void records {}",
            self.commands, self.steps, self.calm_steps, self.terms, self.batches, self.voids
        )?;
        writeln!(f, "events that waited: applied {}, refused {}", self.waited_applied, self.waited_refused)?;
        writeln!(f, "returns {}, debts {}, repayments {}", self.returns, self.debts, self.repaid)?;
        writeln!(f, "links {}, unlinks {}, grants reversed {}", self.links, self.unlinks, self.reversed)?;
        writeln!(f, "returns whose order another account knew {}", self.found)?;
        writeln!(f, "adjustments that took effect {}, exchanges {}", self.adjusted, self.exchanged)?;
        writeln!(
            f,
            "reads {}, checkpoints seen in part {}, trimmed inboxes {}, events given back by intake {}",
            self.reads, self.parts, self.trims, self.given_back
        )?;
        writeln!(f, "decisions of time alone: {}", self.of_time)?;
        write!(f, "appends")?;
        for (fate, count) in &self.appends {
            write!(f, " {fate} {count}")?;
        }
        write!(
            f,
            "\nstalls {}, crashes {}, disks {}, unreadable {}, slow {}, full {}, stopped {}, moves {}, of them in mid-commit {}, checkpoints {}, clocks {}, deaf clients {}, restarts of intake {}",
            self.stalls,
            self.crashes,
            self.disks,
            self.unreadable,
            self.slow,
            self.full,
            self.stills,
            self.moves,
            self.mid_commits,
            self.store,
            self.clocks,
            self.deaf,
            self.intakes
        )
    }
}
