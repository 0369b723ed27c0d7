//! The shell around each core, cut into steps between which anything can happen.

use coalition_domain::Span;
use coalition_journal::entry::{OwnerId, ShardId};
use coalition_journal::log::{Error, Log, Offset, Record};
use coalition_ledger::body::Destination;
use coalition_ledger::clock::Now;
use coalition_ledger::finder::{self, Kind};
use coalition_ledger::rows;
use coalition_ledger::shard::{Input, Output};
use coalition_ledger::state::Taking;
use coalition_ledger::timers;
use coalition_store::{Checkpoint, Damage, Fault};

use super::flights::Wire;
use super::process::{Slot, Task};
use super::{Taken, World, inbox, journal, rejected};
use crate::audit;
use crate::plants::{Plant, Shell};

impl World<'_> {
    /// One slot of one process that lives goes on: the first from a random one on that has something to do. So few steps
    /// of the scheduler are for nothing.
    pub(super) fn run_somewhere(&mut self) {
        let (processes, shards) = (self.processes.len(), self.geneses.len());
        let first = self.random.below(processes * shards);
        for nth in (first..processes * shards).chain(0..first) {
            let (process, shard) = (nth / shards, ShardId(u32::try_from(nth % shards).expect("few shards")));
            let runs = self.processes[process].alive() && !self.processes[process].stands_still(self.now);
            if runs && self.run_slot(process, shard) {
                return;
            }
        }
    }

    /// Something that a slot can do; false: there is nothing, and it let the others go on.
    fn run_slot(&mut self, process: usize, shard: ShardId) -> bool {
        let mono = self.clock(process).mono;
        let slot = &self.processes[process].slots[shard.0 as usize];
        let slow = self.now < self.processes[process].slow_until[shard.0 as usize];
        let due = |task: &Task| match task {
            Task::AskEnd(after) => *after <= mono,
            Task::Load(_)
            | Task::LoadTimers { .. }
            | Task::FindOrder { .. }
            | Task::Store(_)
            | Task::Finish(_) => !slow,
            Task::Confirm(_) | Task::Assignment | Task::Say(_) => true,
        };
        let can: Vec<usize> = (0..slot.tasks.len()).filter(|number| due(&slot.tasks[*number])).collect();
        let end = |partition| self.log.bounds(&partition).expect("it exists").1;
        let ahead = |from: Option<Offset>, partition| from.is_some_and(|from| from < end(partition));
        let journal = !slot.reading_journal && ahead(slot.core.wants_journal(), journal(shard));
        let inbox = !slot.reading_inbox && ahead(slot.core.wants_inbox(), inbox(shard));
        let reads = usize::from(journal) + usize::from(inbox);
        let chosen = self.random.below(can.len() + reads + 1);
        if chosen < can.len() {
            let task = self.slot(process, shard).tasks.swap_remove(can[chosen]);
            self.carry_on(process, shard, task);
        } else if chosen < can.len() + usize::from(journal) {
            self.read_journal(process, shard);
        } else if chosen < can.len() + reads {
            self.read_inbox(process, shard);
        } else if self.random.happens(self.settings.checkpoints) {
            self.checkpoint(process, shard);
        } else if self.random.happens(500) {
            self.step(process, shard, Input::Tick);
        } else {
            return false;
        }
        true
    }

    pub(super) fn slot(&mut self, process: usize, shard: ShardId) -> &mut Slot {
        &mut self.processes[process].slots[shard.0 as usize]
    }

    pub(super) fn clock(&self, process: usize) -> Now {
        let process = &self.processes[process];
        let passed = self.now.since(crate::workload::START).as_millis();
        Now {
            wall: self.now.plus(process.wall_offset),
            mono: Span::from_millis(process.mono_origin.as_millis() + passed),
        }
    }

    fn read_journal(&mut self, process: usize, shard: ShardId) {
        let slot = self.slot(process, shard);
        if let (false, Some(from)) = (slot.reading_journal, slot.core.wants_journal()) {
            let bytes_max = self.random.below(4_000);
            let records = self.log.read(&journal(shard), from, bytes_max).expect("a journal is not trimmed");
            if !records.is_empty() {
                let slot = self.slot(process, shard);
                slot.reading_journal = true;
                slot.tasks.push(Task::Say(Input::Journal(records)));
            }
        }
    }

    fn read_inbox(&mut self, process: usize, shard: ShardId) {
        let slot = self.slot(process, shard);
        if let (false, Some(from)) = (slot.reading_inbox, slot.core.wants_inbox()) {
            let bytes_max = self.random.below(4_000);
            let records = match self.log.read(&inbox(shard), from, bytes_max) {
                Ok(records) => records,
                // Another owner has decided what was here; this one will find that in the journal.
                Err(Error::Trimmed { .. }) => return,
                Err(error) => panic!("an inbox can't be read: {error}"),
            };
            if !records.is_empty() {
                let slot = self.slot(process, shard);
                slot.reading_inbox = true;
                slot.tasks.push(Task::Say(Input::Inbox(records)));
            }
        }
    }

    fn checkpoint(&mut self, process: usize, shard: ShardId) {
        let slot = self.slot(process, shard);
        if !slot.storing
            && let Some(taking) = slot.core.take_changes()
        {
            slot.storing = true;
            slot.tasks.push(Task::Store(Box::new(taking)));
        }
    }

    fn carry_on(&mut self, process: usize, shard: ShardId, task: Task) {
        match task {
            Task::AskEnd(_) => {
                let end = self.log.bounds(&journal(shard)).expect("the journal exists").1;
                self.slot(process, shard).tasks.push(Task::Say(Input::End(end)));
            }
            Task::Confirm(of) => {
                let input =
                    if self.is_assigned(process, shard) { Input::Confirmed(of) } else { Input::Revoked };
                self.step(process, shard, input);
            }
            Task::Assignment => {
                let input = if self.is_assigned(process, shard) { Input::Assigned } else { Input::Revoked };
                self.step(process, shard, input);
            }
            Task::Load(_) | Task::LoadTimers { .. } | Task::FindOrder { .. }
                if !self.calm && self.random.happens(self.settings.rates.unreadable) =>
            {
                self.counts.unreadable += 1;
                self.trace.note(format_args!("{process}/{shard} can't read its store"));
                // Some of what can't be read is damaged, which the next opening finds out; the rest was the machine's mood.
                if self.random.happens(5_000) {
                    let why = Damage::Unreadable("simulated".to_owned());
                    self.processes[process].disks[shard.0 as usize].damage(why);
                }
                self.reopen(process, shard);
            }
            Task::Load(accounts) => {
                let slot = self.slot(process, shard);
                let load = |id| rows::load_account(&*slot.reader, id).expect("the store can be read");
                let loaded = accounts.iter().map(load).collect();
                slot.tasks.push(Task::Say(Input::Loaded(loaded)));
            }
            Task::LoadTimers { after, most } => {
                let slot = self.slot(process, shard);
                let entries = timers::load(&*slot.reader, after, most).expect("the store can be read");
                slot.tasks.push(Task::Say(Input::Timers(entries)));
            }
            Task::FindOrder { order, segment, since } => {
                let slot = self.slot(process, shard);
                let found = finder::find(&*slot.reader, Kind::Orders, &order, segment, since);
                slot.tasks.push(Task::Say(Input::Order(order, found.expect("the store can be read"))));
            }
            Task::Store(mut taking) => {
                let full = self.now < self.processes[process].full_until[shard.0 as usize];
                let fails = full || !self.calm && self.random.happens(self.settings.rates.store);
                if fails {
                    let fault = if full || self.random.happens(5_000) { Fault::Before } else { Fault::After };
                    self.processes[process].disks[shard.0 as usize].fail_next(fault);
                    self.counts.store += 1;
                }
                let rows = taking.rows();
                if fails || self.random.happens(5_000) {
                    return self.apply(process, shard, &taking, &rows, fails);
                }
                let some = self.random.below(rows.rows().len() + 1);
                self.trace
                    .note(format_args!("{process}/{shard} begins to store {}: {some} rows", taking.mark));
                self.counts.parts += 1;
                self.processes[process].disks[shard.0 as usize].begin(&rows, some);
                if self.plant == Some(Plant::Shell(Shell::StoredInPart)) {
                    self.step(process, shard, Input::Stored(taking.mark.seq, taking.written()));
                }
                self.slot(process, shard).tasks.push(Task::Finish(Box::new((*taking, rows))));
            }
            Task::Finish(begun) => self.apply(process, shard, &begun.0, &begun.1, false),
            Task::Say(input) => {
                let slot = self.slot(process, shard);
                match &input {
                    Input::Journal(_) => slot.reading_journal = false,
                    Input::Inbox(_) => slot.reading_inbox = false,
                    Input::Stored(..) => {
                        slot.storing = false;
                        self.trim_inbox(process, shard);
                    }
                    Input::Tick
                    | Input::Assigned
                    | Input::Revoked
                    | Input::Confirmed(_)
                    | Input::End(_)
                    | Input::Loaded(_)
                    | Input::Timers(_)
                    | Input::Order(..)
                    | Input::Appended(..)
                    | Input::Direct(..)
                    | Input::Relayed { .. } => {}
                }
                self.step(process, shard, input);
            }
        }
    }

    /// The store takes all rows of a checkpoint, unless it `fails`.
    fn apply(&mut self, process: usize, shard: ShardId, taking: &Taking, rows: &Checkpoint, fails: bool) {
        let done = self.slot(process, shard).writer.apply(rows);
        self.trace.note(format_args!("{process}/{shard} stores {}: {done:?}", taking.mark));
        match done {
            Ok(()) => {
                let stored = Input::Stored(taking.mark.seq, taking.written());
                self.slot(process, shard).tasks.push(Task::Say(stored));
                let end = self.log.bounds(&journal(shard)).expect("the journal exists").1;
                let process = &self.processes[process];
                let (disk, slot) = (&process.disks[shard.0 as usize], &process.slots[shard.0 as usize]);
                let content = audit::content(disk, &*slot.reader);
                self.taken.push(Taken { shard, mark: taking.mark, end, content });
            }
            Err(error) => {
                assert!(fails, "a checkpoint is refused: {error:?}");
                self.reopen(process, shard);
            }
        }
    }

    /// The log forgets what is decided, as the journal has each command; the auditor keeps it.
    fn trim_inbox(&mut self, process: usize, shard: ShardId) {
        let Some(keep) = self.settings.inbox_keep else { return };
        let next = self.slot(process, shard).core.state().meta.inbox_next.0;
        let (before, of) = (Offset(next.saturating_sub(keep)), inbox(shard));
        let (start, _) = self.log.bounds(&of).expect("the inbox exists");
        if before > start {
            let mut records = self.log.read(&of, start, usize::MAX).expect("from its start on");
            records.retain(|record| record.offset < before);
            self.trimmed.entry(shard).or_default().extend(records);
            self.log.trim(&of, before).expect("a log in memory can be trimmed");
            self.trace.note(format_args!("the inbox of shard {shard} begins at {before}"));
            self.counts.trims += 1;
        }
    }

    fn step(&mut self, process: usize, shard: ShardId, input: Input) {
        let now = self.processes[process].stale[shard.0 as usize].take();
        let now = now.unwrap_or_else(|| self.clock(process));
        let fresh = OwnerId(self.random.uuid());
        if !matches!(input, Input::Tick) {
            self.trace.note(format_args!("{process}/{shard} <- {}", describe(&input)));
        }
        let slot = self.slot(process, shard);
        let was_in_office = slot.core.in_office();
        let outputs = slot.core.step(input, now, fresh);
        let (seq, in_office) = (slot.core.state().meta.chain.seq(), slot.core.in_office());
        if let Some(stop) = slot.core.stopped() {
            panic!("{process}/{shard} stopped: {stop}");
        }
        if was_in_office != in_office {
            let what = if in_office { "took office" } else { "lost office" };
            self.trace.note(format_args!("{process}/{shard} {what} at {seq}"));
        }
        for output in outputs {
            self.carry_out(process, shard, output);
        }
    }

    fn carry_out(&mut self, process: usize, shard: ShardId, output: Output) {
        let life = self.slot(process, shard).life;
        match output {
            Output::NeedEnd { tries } => {
                let most = 50 << tries.min(6);
                let wait = if tries == 0 { 0 } else { self.random.between(most / 2, most) };
                let mono = self.clock(process).mono.as_millis();
                self.slot(process, shard).tasks.push(Task::AskEnd(Span::from_millis(mono + wait)));
            }
            Output::NeedConfirmation(of) => self.slot(process, shard).tasks.push(Task::Confirm(of)),
            Output::Append { attempt, record } => {
                self.trace.note(format_args!("{process}/{shard} -> {attempt:?} {} bytes", record.len()));
                let wire =
                    attempt.map_or(Wire::Nobody, |attempt| Wire::Attempt { process, shard, life, attempt });
                self.append(&journal(shard), Record::of(record), wire);
            }
            Output::Load(accounts) => self.slot(process, shard).tasks.push(Task::Load(accounts)),
            Output::LoadTimers { after, most } => {
                self.slot(process, shard).tasks.push(Task::LoadTimers { after, most });
            }
            Output::FindOrder { order, segment, since } => {
                self.slot(process, shard).tasks.push(Task::FindOrder { order, segment, since });
            }
            Output::Answer(token, answer) => self.answered(process, shard, token, answer),
            Output::Relay { shard: other, to, upto, record } => {
                self.trace.note(format_args!("{process}/{shard} relays to shard {other} up to {upto}"));
                let to_inbox = inbox(other);
                self.append(&to_inbox, Record::of(record), Wire::Relay { process, shard, life, to, upto });
            }
            Output::Return(refused) => {
                let (to, upto) = (Destination::Partners, refused.last().expect("one at least").number);
                self.trace.note(format_args!("{process}/{shard} gives refused events back up to {upto}"));
                let run: Vec<_> = refused.iter().map(|refused| &**refused).collect();
                let record = postcard::to_stdvec(&run).expect("they are journaled in this form");
                let wire = Wire::Relay { process, shard, life, to, upto };
                self.append(&rejected(shard), Record::of(record), wire);
            }
        }
    }

    fn is_assigned(&self, process: usize, shard: ShardId) -> bool {
        self.assigned[shard.0 as usize] == process
    }

    /// Everything that is alive writes down what it knows.
    pub(super) fn last_checkpoints(&mut self) {
        for process in 0..self.processes.len() {
            for shard in self.shards().take(self.processes[process].slots.len()) {
                self.checkpoint(process, shard);
                while let Some(task) = self.slot(process, shard).tasks.pop() {
                    self.carry_on(process, shard, task);
                }
            }
        }
    }
}

fn describe(input: &Input) -> String {
    let offsets = |records: &[coalition_journal::log::Stored]| {
        let last = records.last().map(|record| record.offset.to_string()).unwrap_or_default();
        records.first().map(|record| format!("{} to {last}", record.offset)).unwrap_or_default()
    };
    match input {
        Input::Journal(records) => format!("journal {}", offsets(records)),
        Input::Inbox(records) => format!("inbox {}", offsets(records)),
        Input::Loaded(residents) => format!("{} accounts", residents.len()),
        Input::Timers(entries) => format!("{} due times", entries.len()),
        Input::Order(order, account) => format!("order {order:?} of {account:?}"),
        Input::Direct(token, _) => format!("attempt {}", token.0),
        Input::Tick
        | Input::Assigned
        | Input::Revoked
        | Input::Confirmed(_)
        | Input::End(_)
        | Input::Appended(..)
        | Input::Relayed { .. }
        | Input::Stored(..) => format!("{input:?}"),
    }
}
