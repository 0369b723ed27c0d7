//! Processes: their disks, which outlive them, and a slot for each shard, which does not.

use std::sync::Arc;

use coalition_domain::{Span, Timestamp};
use coalition_journal::effect::Deposition;
use coalition_journal::entry::{Hash, ShardId};
use coalition_journal::log::Log;
use coalition_ledger::clock::Now;
use coalition_ledger::rows;
use coalition_ledger::shard::{Input, Shard};
use coalition_ledger::state::{State, Taking};
use coalition_store::{Checkpoint, Identity, Memory, Opened, Reader, Store, Writer};

use super::World;
use crate::plants::Plant;

/// What a slot's shell still has to do; chance picks the order.
pub(super) enum Task {
    /// Ask the log for the journal's end, at this reading of the monotonic clock or later.
    AskEnd(Span),
    /// Ask the group whether the shard is still this process's.
    Confirm(Deposition),
    /// Hear from the group whose the shard is.
    Assignment,
    /// Read accounts from the store.
    Load(Vec<coalition_domain::AccountId>),
    /// Read due times from the store.
    LoadTimers { after: Option<coalition_ledger::timers::Entry>, most: usize },
    /// Search the store's index of orders.
    FindOrder { order: coalition_domain::Fingerprint, segment: u64, since: coalition_domain::Timestamp },
    /// Write a checkpoint.
    Store(Box<Taking>),
    /// Write the rest of its rows.
    Finish(Box<(Taking, Checkpoint)>),
    /// Step the core.
    Say(Input),
}

/// One shard in one process.
pub(crate) struct Slot {
    pub(crate) core: Shard,
    pub(crate) reader: Arc<dyn Reader>,
    pub(super) writer: Box<dyn Writer>,
    pub(super) tasks: Vec<Task>,
    /// Unique among all slots that there ever were.
    pub(super) life: u64,
    pub(super) storing: bool,
    pub(super) reading_journal: bool,
    pub(super) reading_inbox: bool,
    /// The newest position that it has shown or answered by.
    pub(super) told: u64,
}

/// A process, alive or not.
pub(crate) struct Process {
    pub(crate) slots: Vec<Slot>,
    pub(super) disks: Vec<Memory>,
    /// Copies of the disks from some time ago, to come back as.
    pub(super) old_disks: Vec<Option<Memory>>,
    /// How far the wall clock is from the true time.
    pub(super) wall_offset: Span,
    /// What the monotonic clock showed when the true time began.
    pub(super) mono_origin: Span,
    /// It stands still until then, as if stopped from outside: nothing of it goes on.
    still_until: Option<Timestamp>,
    /// The clocks as each shard had read them when the process was stopped: its next step goes by them.
    pub(super) stale: Vec<Option<Now>>,
    /// Disks that take their time until then, by shard.
    pub(super) slow_until: Vec<Timestamp>,
    /// Disks that are full until then, by shard.
    pub(super) full_until: Vec<Timestamp>,
}

impl Process {
    pub(super) fn new(shards: u32) -> Self {
        Self {
            slots: Vec::new(),
            disks: (0..shards).map(|_| Memory::new()).collect(),
            old_disks: (0..shards).map(|_| None).collect(),
            wall_offset: Span::ZERO,
            mono_origin: Span::ZERO,
            still_until: None,
            stale: (0..shards).map(|_| None).collect(),
            slow_until: (0..shards).map(|_| Timestamp::MIN).collect(),
            full_until: (0..shards).map(|_| Timestamp::MIN).collect(),
        }
    }

    pub(crate) fn alive(&self) -> bool {
        !self.slots.is_empty()
    }

    /// Whether it has been stopped from outside.
    pub(super) fn stands_still(&self, now: Timestamp) -> bool {
        self.still_until.is_some_and(|until| now < until)
    }

    /// Stops it where it is, which may be behind a look at its clocks.
    pub(super) fn stop(&mut self, until: Timestamp, read: Option<Now>) {
        self.still_until = Some(until);
        self.stale.iter_mut().for_each(|stale| *stale = read);
    }

    /// It goes on, and its disks are as they should be.
    pub(super) fn mend(&mut self) {
        self.still_until = None;
        self.slow_until.iter_mut().chain(&mut self.full_until).for_each(|until| *until = Timestamp::MIN);
    }
}

impl World<'_> {
    pub(super) fn start(&mut self, process: usize) {
        self.trace.note(format_args!("process {process} starts"));
        self.processes[process].mono_origin = Span::from_millis(self.random.between(0, 1_000_000));
        for shard in self.shards() {
            let slot = self.open(process, shard);
            self.processes[process].slots.push(slot);
        }
    }

    /// Opens a shard anew on its disk, as after a failure of the store.
    pub(super) fn reopen(&mut self, process: usize, shard: ShardId) {
        let slot = self.open(process, shard);
        self.processes[process].slots[shard.0 as usize] = slot;
    }

    fn open(&mut self, process: usize, shard: ShardId) -> Slot {
        let genesis = self.geneses[shard.0 as usize];
        let identity = Identity { network: genesis.network.0, shard: shard.0, format: rows::FORMAT };
        let disk = self.processes[process].disks[shard.0 as usize].clone();
        let accounts_max = self.settings.limits.accounts_max;
        let (opened, state) = loop {
            let opened = disk.open(&identity).expect("a store in memory opens");
            match State::load(&*opened.reader, accounts_max, genesis.shard_count) {
                Ok(state) if self.is_of_journal(shard, &state) => break (opened, state),
                Ok(_) | Err(_) => opened.writer.discard("not of this journal").expect("it can be discarded"),
            }
        };
        let Opened { reader, writer, found } = opened;
        self.trace.note(format_args!("{process}/{shard} opens its store: {found:?}"));
        let core = Shard::new(genesis, state, self.settings.limits.clone());
        let core = match self.plant {
            Some(Plant::Ledger(plant)) => core.planted(plant),
            Some(Plant::Fence(plant)) => core.planted_in_fence(plant),
            Some(Plant::Shell(_)) | None => core,
        };
        self.lives += 1;
        Slot {
            core,
            reader,
            writer,
            tasks: vec![Task::Assignment],
            life: self.lives,
            storing: false,
            reading_journal: false,
            reading_inbox: false,
            told: 0,
        }
    }

    /// Whether the journal holds the record at which the state stands.
    fn is_of_journal(&self, shard: ShardId, state: &State) -> bool {
        let Some((offset, hash)) = state.meta.last_record else { return true };
        let read = self.log.read(&super::journal(shard), offset, 1).expect("a journal is not trimmed");
        read.first().is_some_and(|record| Hash::default().then(&record.record.value) == hash)
    }

    /// The process dies where it stands.
    pub(super) fn kill(&mut self, process: usize) {
        self.trace.note(format_args!("process {process} dies"));
        let process = &mut self.processes[process];
        process.slots.clear();
        process.stop(Timestamp::MIN, None);
    }
}
