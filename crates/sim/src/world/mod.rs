//! The network in one thread: processes with a shard core each for every shard, a log and disks with faults, intake,
//! clients, the group that assigns shards, and a scheduler that picks by chance who goes on next.

mod clients;
mod counts;
mod faults;
mod flights;
mod intake;
mod process;
mod reads;
mod shell;

use std::collections::BTreeMap;
use std::sync::Arc;

use coalition_domain::{Span, Timestamp};
use coalition_journal::entry::{Genesis, NetworkId, ShardCount, ShardId, TopicId, Topics};
use coalition_journal::log::{Log, Offset, Partition, Stored};
use coalition_journal::memory::Memory;
use coalition_ledger::runtime::{INBOX, JOURNAL};
use coalition_store::Mark;
use uuid::Uuid;

pub(crate) use self::clients::{Request, Said};
pub use self::counts::Counts;
pub(crate) use self::process::{Process, Slot};
pub(crate) use self::reads::Seen;
use crate::audit::Content;
use crate::plants::Plant;
use crate::random::Random;
use crate::settings::Settings;
use crate::trace::Trace;
use crate::workload::{CONSENT_WAIT, START};

/// Steps within which everything has to be decided once the faults are over.
const CALM_STEPS: usize = 250_000;

/// A checkpoint that a disk took: whose, what it stands for, where the journal ended then, and what the disk held.
pub(crate) struct Taken {
    pub(crate) shard: ShardId,
    pub(crate) mark: Mark,
    pub(crate) end: Offset,
    pub(crate) content: Content,
}

/// Everything there is.
pub(crate) struct World<'a> {
    pub(crate) settings: Settings,
    pub(crate) log: Arc<Memory>,
    pub(crate) geneses: Vec<Genesis>,
    pub(crate) processes: Vec<Process>,
    pub(crate) clients: clients::Clients,
    pub(crate) counts: Counts,
    pub(crate) taken: Vec<Taken>,
    pub(crate) reads: reads::Reads,
    /// What the log has forgotten of each inbox.
    pub(crate) trimmed: BTreeMap<ShardId, Vec<Stored>>,
    random: Random,
    trace: &'a mut Trace,
    plant: Option<Plant>,
    now: Timestamp,
    /// To which process the group has given each shard.
    assigned: Vec<usize>,
    wires: flights::Wires,
    flights: flights::Flights,
    intake: intake::Intake,
    lives: u64,
    calm: bool,
    /// Steps since something happened.
    idle: u32,
    /// Whatever waits for a consent has waited in vain.
    waited: bool,
    /// What was due by then must be journaled in the end.
    pub(crate) passed: Timestamp,
}

/// The topic of refused events: one here, where each partner has its own outside.
const REJECTED: &str = "coalition.rejected";

pub(crate) fn journal(shard: ShardId) -> Partition {
    Partition::new(JOURNAL, shard.0)
}

pub(crate) fn inbox(shard: ShardId) -> Partition {
    Partition::new(INBOX, shard.0)
}

/// Where refused events of a shard go.
pub(crate) fn rejected(shard: ShardId) -> Partition {
    Partition::new(REJECTED, shard.0)
}

impl<'a> World<'a> {
    /// The world of a seed, before anything happened.
    pub(crate) fn new(seed: u64, plant: Option<Plant>, trace: &'a mut Trace) -> Self {
        let mut random = Random::new(seed);
        let settings = Settings::draw(&mut random);
        let log = Arc::new(Memory::steered());
        log.set_now(START);
        let create = |topic| log.create_topic(topic, settings.shards).expect("a new log takes topics").id;
        create(REJECTED);
        let topics = Topics { journal: TopicId(create(JOURNAL)), inbox: TopicId(create(INBOX)) };
        let genesis = |shard| Genesis {
            network: NetworkId(Uuid::from_u128(7)),
            shard: ShardId(shard),
            shard_count: ShardCount(settings.shards),
            topics,
        };
        trace.note(format_args!("seed {seed}: {settings:?}"));
        let mut world = Self {
            geneses: (0..settings.shards).map(genesis).collect(),
            processes: (0..settings.processes).map(|_| Process::new(settings.shards)).collect(),
            assigned: (0..settings.shards).map(|_| random.below(settings.processes)).collect(),
            settings,
            log,
            clients: clients::Clients::default(),
            counts: Counts::default(),
            taken: Vec::new(),
            reads: reads::Reads::default(),
            trimmed: BTreeMap::new(),
            random,
            trace,
            plant,
            now: START,
            wires: flights::Wires::default(),
            flights: flights::Flights::default(),
            intake: intake::Intake::default(),
            lives: 0,
            calm: false,
            idle: 0,
            waited: false,
            passed: Timestamp::MIN,
        };
        (0..world.processes.len()).for_each(|process| world.start(process));
        world
    }

    /// Runs the workload under faults, then without any until all is decided.
    ///
    /// # Panics
    /// If a core does, or if the calm does not bring everything to its end.
    pub(crate) fn run(&mut self) {
        while self.counts.commands < self.settings.commands || self.counts.faults() < crate::FAULTS_MIN {
            self.counts.steps += 1;
            self.faults();
            self.turn();
            self.work();
        }
        self.calm_down();
        self.come_to_rest();
        // A clock may be off by half a minute when an event begins to wait, and when its time is over.
        self.pass(Span::from_millis(CONSENT_WAIT.as_millis() + 60_000));
        self.waited = true;
        self.come_to_rest();
        self.let_time_pass();
        self.come_to_rest();
        self.last_checkpoints();
    }

    /// Days pass in which nobody asks for anything; some or all are down for all of them.
    fn let_time_pass(&mut self) {
        let down: Vec<usize> = (0..self.processes.len())
            .filter(|process| self.processes[*process].alive() && self.random.happens(5_000))
            .collect();
        down.iter().for_each(|process| self.kill(*process));
        let most = Span::from_days(3).as_millis();
        let span = Span::from_millis(self.random.between(most / 4, most));
        self.pass(span);
        // Clocks may be off by half a minute.
        self.passed = self.now.minus(Span::from_secs(60));
        down.iter().for_each(|process| self.start(*process));
    }

    fn come_to_rest(&mut self) {
        for step in 0.. {
            if step % 64 == 0 && self.is_quiet() {
                break;
            }
            self.counts.calm_steps += 1;
            assert!(step < CALM_STEPS, "liveness: {} after the faults are over", self.unfinished());
            self.turn();
        }
    }

    /// The time that passes is small here; hours pass as a fault. In the calm it is longer while everybody only waits for it.
    fn turn(&mut self) {
        let longer = if self.calm { 1 << (self.idle / 32).min(6) } else { 1 };
        let millis = self.random.between(0, 40);
        self.pass(Span::from_millis(millis * longer));
        let lines = self.trace.lines();
        self.go_on();
        self.idle = if self.trace.lines() == lines { self.idle + 1 } else { 0 };
    }

    fn go_on(&mut self) {
        match self.random.below(100) {
            0..60 => self.run_somewhere(),
            60..85 => self.move_flight(),
            85..92 => self.send_intake(),
            92..95 => self.read_somewhere(),
            _ => self.run_client(),
        }
    }

    /// Counts the steps of the scheduler: the clients' own time.
    fn step_number(&self) -> usize {
        self.counts.steps + self.counts.calm_steps
    }

    fn pass(&mut self, span: Span) {
        self.now = self.now.plus(span);
        self.log.set_now(self.now);
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    fn shards(&self) -> impl Iterator<Item = ShardId> + use<> {
        (0..self.settings.shards).map(ShardId)
    }

    fn calm_down(&mut self) {
        self.trace.note(format_args!("the faults are over"));
        self.calm = true;
        self.flights.end_stalls();
        for process in 0..self.processes.len() {
            self.processes[process].wall_offset = Span::ZERO;
            self.processes[process].mend();
            if !self.processes[process].alive() && (process == 0 || self.random.happens(5_000)) {
                self.start(process);
            }
        }
        for shard in self.shards() {
            if !self.processes[self.assigned[shard.0 as usize]].alive() {
                self.reassign(shard);
            }
        }
    }

    /// Whether nothing is under way and everything was decided.
    fn is_quiet(&self) -> bool {
        self.unfinished().is_empty()
    }

    /// What is still to be done.
    fn unfinished(&self) -> String {
        let mut left = Vec::new();
        if self.clients.open() > 0 {
            left.push(format!("{} requests are open", self.clients.open()));
        }
        if self.unanswered() > 0 {
            left.push(format!("{} attempts wait for an answer", self.unanswered()));
        }
        if self.intake.waiting() > 0 {
            left.push(format!("{} events wait for the inbox", self.intake.waiting()));
        }
        if !self.log.is_calm() {
            left.push("appends are in flight".to_owned());
        }
        let end = |partition| self.log.bounds(&partition).expect("it exists").1;
        let home = self.processes[self.assigned[0]].slots.first();
        let changes = home.map_or(0, |slot| slot.core.state().registry_log.len());
        for (number, process) in self.processes.iter().enumerate() {
            for (shard, slot) in self.shards().zip(&process.slots) {
                let meta = &slot.core.state().meta;
                let owner = self.assigned[shard.0 as usize] == number;
                if meta.journal_next < end(journal(shard)) || !slot.tasks.is_empty() {
                    left.push(format!("process {number} is behind in shard {shard}"));
                } else if owner && meta.inbox_next < end(inbox(shard)) {
                    left.push(format!("the inbox of shard {shard} waits at {}", meta.inbox_next));
                } else if owner && !(slot.core.in_office() && slot.core.is_idle()) {
                    left.push(format!("the owner of shard {shard} is not at rest"));
                } else if owner && slot.core.state().refused.count() > 0 {
                    left.push(format!("shard {shard} has refused events that wait to be given back"));
                } else if owner && slot.core.state().outbox.count() > 0 {
                    left.push(format!("shard {shard} has something to ask of others"));
                } else if owner && self.waited && slot.core.state().due.count() > 0 {
                    left.push(format!("shard {shard} has events that wait"));
                } else if owner && slot.core.state().timers.is_due(self.passed) {
                    left.push(format!("shard {shard} has accounts that are due"));
                } else if slot.core.state().registry_log.len() < changes {
                    left.push(format!("shard {shard} has not heard of all changes"));
                }
            }
        }
        left.join("; ")
    }
}
