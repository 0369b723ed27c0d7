//! Appends in flight: the fate of each is drawn once, and its stages come when chance picks them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use coalition_domain::{Span, Timestamp};
use coalition_journal::effect::Attempt;
use coalition_journal::entry::ShardId;
use coalition_journal::log::{AppendError, Log, Offset, Partition, Record};
use coalition_journal::memory::{FlightId, InFlight};
use coalition_ledger::body::Destination;
use coalition_ledger::shard::Input;

use super::World;
use super::process::Task;

/// What becomes of an append.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    Good,
    Lost,
    AnswerLost,
    Late,
    Duplicated,
    Refused,
}

/// Who waits for the outcome of an append.
#[derive(Clone, Debug)]
pub(super) enum Wire {
    /// A core that lives as long as `life`.
    Attempt { process: usize, shard: ShardId, life: u64, attempt: Attempt },
    /// The same, for what it sends elsewhere.
    Relay { process: usize, shard: ShardId, life: u64, to: Destination, upto: u64 },
    /// Intake, with this record.
    Intake(usize),
    /// Nobody.
    Nobody,
}

type Outcome = Result<Offset, AppendError>;

/// Outcomes on their way from the log.
#[derive(Clone, Default)]
pub(super) struct Wires(Arc<Mutex<Vec<(Wire, Outcome)>>>);

/// The fates of what is in flight, and the partitions that stand still.
#[derive(Default)]
pub(super) struct Flights {
    fates: BTreeMap<FlightId, Fate>,
    stalled: BTreeMap<Partition, Timestamp>,
}

impl Flights {
    pub(super) fn stall(&mut self, partition: Partition, until: Timestamp) {
        self.stalled.insert(partition, until);
    }

    pub(super) fn end_stalls(&mut self) {
        self.stalled.clear();
    }
}

fn doubt() -> Outcome {
    Err(AppendError::Doubt("simulated".to_owned()))
}

impl World<'_> {
    /// Appends to the steered log; `wire` hears the outcome.
    pub(super) fn append(&mut self, to: &Partition, record: Record, wire: Wire) {
        let wires = self.wires.clone();
        let done = move |outcome| {
            wires.0.lock().unwrap_or_else(PoisonError::into_inner).push((wire, outcome));
        };
        self.log.append(to, vec![record], Box::new(done));
    }

    /// Takes one append a stage further.
    pub(super) fn move_flight(&mut self) {
        let now = self.now;
        self.flights.stalled.retain(|_, until| *until > now);
        let flights = self.log.flights(|to| !self.flights.stalled.contains_key(to));
        if flights.is_empty() {
            return;
        }
        let flight = self.log.flight(*self.random.pick(&flights));
        let fate = match self.flights.fates.get(&flight.id) {
            Some(fate) => *fate,
            None => self.draw_fate(&flight),
        };
        self.stage(&flight, fate);
        self.hand_out();
    }

    fn draw_fate(&mut self, flight: &InFlight) -> Fate {
        let rates = &self.settings.rates;
        let fates = [
            (Fate::Lost, rates.lost),
            (Fate::AnswerLost, rates.answer_lost),
            (Fate::Late, rates.late),
            (Fate::Duplicated, rates.duplicated),
            (Fate::Refused, rates.refused),
        ];
        let fate = fates.into_iter().find(|(_, rate)| !self.calm && self.random.happens(*rate));
        let fate = fate.map_or(Fate::Good, |(fate, _)| fate);
        if fate != Fate::Good {
            self.counts.append(format!("{fate:?}"));
        }
        self.flights.fates.insert(flight.id, fate);
        fate
    }

    fn stage(&mut self, flight: &InFlight, fate: Fate) {
        let copies = flight.delivered.len();
        match fate {
            Fate::Good if copies == 0 => self.deliver(flight),
            Fate::Good => self.answer(flight, Ok(flight.delivered[0]), true),
            Fate::Lost => self.answer(flight, doubt(), true),
            Fate::AnswerLost if copies == 0 => self.deliver(flight),
            Fate::AnswerLost => self.answer(flight, doubt(), true),
            Fate::Late if !flight.answered => self.answer(flight, doubt(), false),
            Fate::Late if copies == 0 => {
                if self.calm || self.random.happens(500) {
                    self.deliver(flight);
                }
            }
            Fate::Late => self.forget(flight),
            Fate::Duplicated if copies == 0 => self.deliver(flight),
            Fate::Duplicated if !flight.answered => self.answer(flight, Ok(flight.delivered[0]), false),
            Fate::Duplicated if copies < 3 => {
                if self.calm || self.random.happens(2_000) {
                    self.deliver(flight);
                }
            }
            Fate::Duplicated => self.forget(flight),
            Fate::Refused => {
                let refusal = AppendError::NotAppended("simulated".to_owned());
                self.answer(flight, Err(refusal), true);
            }
        }
    }

    fn deliver(&mut self, flight: &InFlight) {
        let offset = self.log.deliver(flight.id);
        self.trace.note(format_args!("log: {} lands at {}{offset}", flight.id, flight.to));
        // A shard moves while its owner waits to hear of a record that is in the journal already.
        let shard = self.shards().find(|shard| flight.to == super::journal(*shard));
        if let Some(shard) =
            shard.filter(|_| !self.calm && self.random.happens(self.settings.rates.mid_commit))
        {
            self.counts.mid_commits += 1;
            self.reassign(shard);
        }
    }

    fn answer(&mut self, flight: &InFlight, outcome: Outcome, over: bool) {
        self.trace.note(format_args!("log: {} is answered {outcome:?}", flight.id));
        self.log.answer(flight.id, outcome);
        if over {
            self.forget(flight);
        }
    }

    fn forget(&mut self, flight: &InFlight) {
        self.log.forget(flight.id);
        self.flights.fates.remove(&flight.id);
    }

    /// Brings outcomes to those who still live to hear them.
    fn hand_out(&mut self) {
        let said = std::mem::take(&mut *self.wires.0.lock().unwrap_or_else(PoisonError::into_inner));
        for (wire, outcome) in said {
            match wire {
                Wire::Attempt { process, shard, life, attempt } => {
                    self.tell(process, shard, life, Input::Appended(attempt, outcome));
                }
                Wire::Relay { process, shard, life, to, upto } => {
                    let appended = outcome.is_ok();
                    self.tell(process, shard, life, Input::Relayed { to, upto, appended });
                }
                Wire::Intake(record) => self.intake.heard(record, outcome.is_ok()),
                Wire::Nobody => {}
            }
        }
    }

    fn tell(&mut self, process: usize, shard: ShardId, life: u64, input: Input) {
        let slot = self.processes[process].slots.get_mut(shard.0 as usize);
        if let Some(slot) = slot.filter(|slot| slot.life == life) {
            slot.tasks.push(Task::Say(input));
        }
    }

    /// A partition stands still for seconds: appends to it run into their time-outs.
    pub(super) fn stall_somewhere(&mut self) {
        let shard = ShardId(u32::try_from(self.random.below(self.geneses.len())).expect("few shards"));
        let partition = if self.random.happens(5_000) { super::journal(shard) } else { super::inbox(shard) };
        let until = self.now.plus(Span::from_millis(self.random.between(1_000, 15_000)));
        self.trace.note(format_args!("log: {partition} stands still until {until}"));
        self.flights.stall(partition, until);
    }
}
