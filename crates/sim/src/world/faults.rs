//! What goes wrong between steps, and what is asked.

use coalition_domain::{Account, Command, PartnerEvent, Span};
use coalition_journal::entry::ShardId;
use coalition_ledger::shard::Direct;
use coalition_store::{Damage, Memory};

use super::World;
use super::process::Task;
use crate::workload;

impl World<'_> {
    /// Whatever goes wrong at this step.
    pub(super) fn faults(&mut self) {
        let rates = self.settings.rates.clone();
        let process = self.random.below(self.processes.len());
        if self.random.happens(rates.crash) && self.processes[process].alive() {
            self.counts.crashes += 1;
            self.kill(process);
            self.touch_disks(process);
        }
        if !self.processes[process].alive() && self.random.happens(100) {
            self.start(process);
        }
        let shard = ShardId(u32::try_from(self.random.below(self.geneses.len())).expect("few shards"));
        let owner_lives = self.processes[self.assigned[shard.0 as usize]].alive();
        if self.random.happens(if owner_lives { rates.moves } else { 200 }) {
            self.reassign(shard);
        }
        if self.random.happens(rates.stall) {
            self.counts.stalls += 1;
            self.stall_somewhere();
        }
        if self.random.happens(rates.clock) {
            self.jump_clock(process);
        } else if self.processes[process].wall_offset != Span::ZERO && self.random.happens(100) {
            self.processes[process].wall_offset = Span::ZERO;
        }
        self.break_disks(process);
        if self.random.happens(rates.still) && self.processes[process].alive() {
            self.stop_process(process);
        }
        if self.random.happens(rates.leap) {
            // Seldom a day: much lapses by then, and partners' events are too old. The ids of requests are known for 30.
            let day =
                if self.now < workload::START.plus(Span::from_days(10)) { 90_000_000 } else { 7_200_000 };
            let leaps = [20_000, 20_000, 600_000, 600_000, 7_200_000, 7_200_000, day];
            let most = *self.random.pick(&leaps);
            let span = Span::from_millis(self.random.between(0, most));
            self.trace.note(format_args!("{} ms pass", span.as_millis()));
            self.pass(span);
        }
        if self.random.happens(rates.deaf / 50) {
            self.counts.intakes += 1;
            self.restart_intake();
        }
    }

    /// The group gives a shard to another process that lives; nobody hears of it at once.
    pub(super) fn reassign(&mut self, shard: ShardId) {
        let living: Vec<usize> =
            (0..self.processes.len()).filter(|process| self.processes[*process].alive()).collect();
        if living.is_empty() {
            return;
        }
        let (old, new) = (self.assigned[shard.0 as usize], *self.random.pick(&living));
        if old == new {
            return;
        }
        self.trace.note(format_args!("the group moves shard {shard} from process {old} to {new}"));
        self.assigned[shard.0 as usize] = new;
        if self.processes[old].alive() {
            self.counts.moves += 1;
        }
        // The old owner may learn of it only when its next confirmation is refused.
        let told = if self.calm || self.random.happens(5_000) { vec![old, new] } else { vec![new] };
        for process in told {
            if let Some(slot) = self.processes[process].slots.get_mut(shard.0 as usize) {
                slot.tasks.push(Task::Assignment);
            }
        }
    }

    /// A process is stopped from outside, and goes on as if nothing had been; most of its shards are given to others.
    fn stop_process(&mut self, process: usize) {
        let until = self.now.plus(Span::from_millis(self.random.between(500, 60_000)));
        let read = self.random.happens(7_000).then(|| self.clock(process));
        self.trace.note(format_args!("process {process} stands still until {until}"));
        self.counts.stills += 1;
        self.processes[process].stop(until, read);
        for shard in self.shards() {
            if self.assigned[shard.0 as usize] == process && self.random.happens(7_000) {
                self.reassign(shard);
            }
        }
    }

    /// A disk takes its time for a while, or is full.
    fn break_disks(&mut self, process: usize) {
        let shard = self.random.below(self.geneses.len());
        let until = self.now.plus(Span::from_millis(self.random.between(1_000, 30_000)));
        if self.random.happens(self.settings.rates.slow) {
            self.counts.slow += 1;
            self.trace.note(format_args!("the disk of {process}/{shard} is slow until {until}"));
            self.processes[process].slow_until[shard] = until;
        }
        if self.random.happens(self.settings.rates.full) {
            self.counts.full += 1;
            self.trace.note(format_args!("the disk of {process}/{shard} is full until {until}"));
            self.processes[process].full_until[shard] = until;
        }
    }

    /// What a dead process finds when it starts again: its disks as they were, or not.
    fn touch_disks(&mut self, process: usize) {
        for shard in 0..self.geneses.len() {
            let (disks, now) = (self.settings.rates.disk, self.random.below(3));
            let happens = self.random.happens(disks);
            let process = &mut self.processes[process];
            let kept = process.disks[shard].copy();
            if happens {
                self.counts.disks += 1;
                match (now, process.old_disks[shard].take()) {
                    (0, _) => process.disks[shard] = Memory::new(),
                    (1, _) => process.disks[shard].damage(Damage::SidecarMissing),
                    (_, Some(old)) => process.disks[shard] = old,
                    (_, None) => {}
                }
            }
            process.old_disks[shard] = Some(kept);
        }
    }

    fn jump_clock(&mut self, process: usize) {
        let most = *self.random.pick(&[20_000, 300_000, 90_000_000, 400_000_000_000]);
        let span = Span::from_millis(self.random.between(-most, most));
        self.trace.note(format_args!("the clock of process {process} is {} ms off", span.as_millis()));
        self.counts.clocks += 1;
        self.processes[process].wall_offset = span;
    }

    /// Partners and clients ask for something, now and then.
    pub(super) fn work(&mut self) {
        if !self.random.happens(self.settings.pace) {
            return;
        }
        let (members, now) = (self.settings.members, self.now);
        if !self.clients.changing() {
            let step = workload::script(self.clients.script, &mut self.random, now, self.settings.commands);
            if let Some((_, command)) = step.filter(|(after, _)| *after <= self.counts.commands) {
                self.clients.script += 1;
                self.counts.commands += 1;
                return self.ask_registry(command);
            }
        }
        // Most wait until there is somebody to ask; those who don't hear so.
        if self.clients.script < workload::SET_UP && !self.random.happens(1_000) {
            return;
        }
        self.counts.commands += 1;
        if self.clients.script >= workload::SET_UP && !self.clients.changing() && self.random.happens(200) {
            let command = workload::suspension(&mut self.random, now);
            return self.ask_registry(command);
        }
        let known = self.intake.events.len();
        match self.random.below(100) {
            0..12 if known > 0 => {
                let event = self.random.pick(&self.intake.events).clone();
                self.publish(event);
            }
            12..20 if known > 0 => {
                let event = self.random.pick(&self.intake.events).clone();
                let event = workload::altered(&mut self.random, &event);
                self.publish_new(event);
            }
            20 => self.publish_junk(),
            21..50 if self.clients.open() < 12 => {
                let earlier = self.clients.requests.len();
                let earlier = (earlier > 0).then(|| self.random.below(earlier));
                let earlier = earlier.map(|number| self.clients.requests[number].direct.clone());
                let reused = match earlier {
                    Some(Direct::Account(command)) if self.random.happens(700) => workload::reused(&command),
                    Some(Direct::Account(_) | Direct::Registry(_)) | None => None,
                };
                let known = match self.random.below(27) {
                    0..7 => self.settling(),
                    7..10 => self.spending(),
                    10..15 => self.linking(),
                    15..20 => self.adjusting(),
                    20..22 => self.consenting(),
                    _ => None,
                };
                let command =
                    reused.or(known).unwrap_or_else(|| workload::direct(&mut self.random, members, now));
                self.ask(command);
            }
            50..64 if known > 0 => {
                let recent = known - known.min(30);
                let event = self.random.pick(&self.intake.events[recent..]).clone();
                self.follow_up(&event);
            }
            _ => {
                let event = workload::event(&mut self.random, known, members, now);
                self.publish_new(event.clone());
                // What returns it may be there before it.
                if self.random.happens(1_000) {
                    self.follow_up(&event);
                }
            }
        }
    }

    /// An event may have a return, or be one of several parts of its order.
    fn follow_up(&mut self, event: &PartnerEvent) {
        let (number, now) = (self.intake.events.len(), self.now);
        let other = workload::identifier(&mut self.random, self.settings.members);
        let next = if self.random.happens(2_000) {
            workload::further(&mut self.random, number, event)
        } else {
            workload::returned(&mut self.random, number, event, other, now)
        };
        next.into_iter().for_each(|event| self.publish_new(event));
    }

    /// Somebody whom the one who is in office has at hand.
    fn resident(&mut self) -> Option<&Account> {
        let id = workload::account(&mut self.random, self.settings.members);
        let shard = id.shard(self.settings.shards) as usize;
        let slot = self.processes[self.assigned[shard]].slots.get(shard)?;
        Some(&slot.core.state().accounts.get(&id)?.account)
    }

    /// A request about a hold or redemption.
    fn settling(&mut self) -> Option<Command> {
        let account = self.resident()?;
        let (id, burns) = (account.id(), account.burns().iter().rev());
        // The newest are the ones that are still open.
        let newest: Vec<_> = burns.take(3).map(|(id, burn)| (*id, burn.points)).collect();
        let burn = if newest.is_empty() { return None } else { *self.random.pick(&newest) };
        Some(workload::settling(&mut self.random, id, burn, self.now))
    }

    /// A request that an identifier be linked to an account that has said that it stays, or that it say so: the gateway asks for
    /// no other. Or that one that was linked be so no longer.
    fn linking(&mut self) -> Option<Command> {
        let (members, now) = (self.settings.members, self.now);
        // Of some, one who has enrolled.
        let some: Vec<_> = (0..4).filter_map(|_| self.resident().cloned()).collect();
        let account = some.iter().find(|account| account.enrolment().is_some()).or(some.first())?;
        let (member, linked) = (account.id(), account.linked());
        if self.random.happens(if linked.is_empty() { 500 } else { 2_000 }) {
            let known = linked.first().map(|linked| linked.identifier.clone());
            let identifier = known.unwrap_or_else(|| workload::identifier(&mut self.random, members));
            return Some(workload::unlink(&mut self.random, identifier, member, now));
        }
        if !account.stays() {
            return Some(workload::acceptance(&mut self.random, member, now));
        }
        account.may_link().then(|| workload::link(&mut self.random, members, member, now))
    }

    /// Points given or taken by hand, or a word on what was proposed.
    fn adjusting(&mut self) -> Option<Command> {
        let account = self.resident()?;
        let (id, known) = (account.id(), account.adjustments().iter().rev());
        let newest: Vec<_> = known.take(3).map(|(id, _)| *id).collect();
        Some(workload::adjust(&mut self.random, id, &newest, self.now))
    }

    /// A member's word on a consent.
    fn consenting(&mut self) -> Option<Command> {
        let id = self.resident()?.id();
        Some(workload::consent(&mut self.random, id, self.now))
    }

    /// A request for all that somebody has.
    fn spending(&mut self) -> Option<Command> {
        let now = self.now;
        let account = self.resident()?;
        let (id, balance) = (account.id(), account.balance(&workload::programme(), now));
        Some(workload::spending(&mut self.random, id, balance.available, now))
    }
}
