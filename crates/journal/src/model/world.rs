//! The log, the appends on their way to it, and the owners: one state of the model, and the steps out of it.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::owner::Owner;
use super::steps::{Bounds, Step};
use super::truth::{Cell, Fault, Rec, Request, Requests, batch, genesis, is_of, name, owner_id, rebase};
use crate::chain::Chain;
use crate::effect::{Attempt, Effect};
use crate::entry::{Entry, Hash};
use crate::log::{AppendError, Offset};
use crate::plant::Plant;

/// An append that was sent.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Flight {
    pub(crate) rec: Rc<Rec>,
    pub(crate) landed: bool,
    /// Who still waits for an answer.
    pub(crate) sender: Option<(usize, Attempt)>,
}

/// One state.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) left: Bounds,
    pub(crate) plant: Option<Plant>,
    /// Whether to keep what can't matter any more, for a history that is told in full.
    pub(crate) keeps_all: bool,
    pub(crate) log: Vec<Rc<Cell>>,
    pub(crate) flights: Vec<Flight>,
    pub(crate) owners: Vec<Owner>,
    pub(crate) assigned: usize,
    /// The records that were answered as not applied.
    denied: BTreeSet<Hash>,
}

/// What was said in a step.
pub(crate) type Said = Vec<(usize, Effect)>;

impl World {
    pub(crate) fn new(bounds: Bounds, plant: Option<Plant>) -> Self {
        let mut world = Self {
            left: bounds,
            plant,
            keeps_all: false,
            log: vec![],
            flights: vec![],
            owners: vec![],
            assigned: 0,
            denied: BTreeSet::new(),
        };
        if bounds.geneses == 0 {
            let cell =
                Cell::land(&[], &world.first_chain(), &Rec::of(&genesis())).expect("a Genesis begins a log");
            world.log.push(Rc::new(cell));
        }
        world.owners = (0..bounds.owners).map(|_| Owner::born(0, plant)).collect();
        world.take(Step::Assign(0)).expect("an assignment breaks nothing");
        world
    }

    fn first_chain(&self) -> Chain {
        self.plant.map_or_else(Chain::new, |plant| Chain::new().planted(plant))
    }

    /// The chain as it is to who reads at `at`.
    pub(crate) fn chain(&self, at: usize) -> Chain {
        at.checked_sub(1).map_or_else(|| self.first_chain(), |last| self.log[last].chain.clone())
    }

    /// What is applied to who reads at `at`.
    pub(crate) fn applied(&self, at: usize) -> Requests {
        at.checked_sub(1).map_or(0, |last| self.log[last].applied)
    }

    /// What its future depends on: two worlds alike in this go on alike.
    pub(crate) fn essence(&self, into: &mut impl std::hash::Hasher) {
        use std::hash::Hash as _;
        let prints: Vec<Hash> = self.log.iter().map(|cell| cell.rec.print).collect();
        (self.left, prints, &self.flights, &self.owners, self.assigned, &self.denied).hash(into);
    }

    /// The log in words.
    pub(crate) fn written(&self) -> String {
        let cells = self.log.iter().enumerate().map(|(at, cell)| format!("{cell}@{at}"));
        cells.collect::<Vec<_>>().join(", ")
    }

    /// Whether every request is applied, and every batch of those who are assigned answered.
    pub(crate) fn is_done(&self) -> bool {
        let all = (1 << self.left.requests) - 1;
        self.applied(self.log.len()) == all && self.owners[self.assigned].open.is_empty()
    }

    /// Takes a step; what was said in it, or the fault that it shows.
    pub(crate) fn take(&mut self, step: Step) -> Result<Said, Fault> {
        let mut said = vec![];
        match step {
            Step::Assign(i) => {
                self.left.moves -= u8::from(self.assigned != i);
                self.assigned = i;
                self.owners[i].assigned = true;
                let effects = self.owners[i].office.assigned();
                self.carry_out(i, effects, &mut said)?;
            }
            Step::Revoke(i) => {
                let owner = &mut self.owners[i];
                (owner.assigned, owner.campaigns, owner.end, owner.asked) = (false, false, None, None);
                let effects = owner.office.revoked();
                self.carry_out(i, effects, &mut said)?;
            }
            Step::Crash(i) => {
                self.left.crashes -= 1;
                self.owners[i] = Owner::born(self.owners[i].life + 1, self.plant);
                for flight in &mut self.flights {
                    flight.sender.take_if(|(sender, _)| *sender == i);
                }
            }
            Step::Read(i) => self.read_on(i, &mut said)?,
            Step::CatchUp(i) => {
                let end = self.owners[i].end.unwrap_or(0);
                while self.owners[i].at < end {
                    self.read(i, &mut said)?;
                }
                self.caught_up(i, &mut said)?;
            }
            Step::Decide(i, request) => self.decide(i, request),
            Step::Confirm(i) => {
                let owner = &mut self.owners[i];
                if let Some((deposition, counts)) = owner.asked.take() {
                    owner.deposed &= !counts;
                    let effects = owner.office.confirmed(deposition);
                    self.carry_out(i, effects, &mut said)?;
                }
            }
            Step::Land(k) => self.land(k)?,
            Step::Acknowledge(k) => {
                let sender = self.flights[k].sender.take();
                self.answer(sender, Ok(Offset(0)), &mut said)?;
            }
            Step::Doubt(k) => {
                self.left.doubts -= 1;
                let sender = self.flights[k].sender;
                self.answer(sender, Err(AppendError::Doubt(String::new())), &mut said)?;
            }
            Step::Refuse(k) => {
                self.left.refusals -= 1;
                let sender = self.flights.remove(k).sender;
                self.answer(sender, Err(AppendError::NotAppended(String::new())), &mut said)?;
            }
            Step::Rebase => {
                self.left.rebases -= 1;
                let rec = Rec::of(&rebase(&self.chain(self.log.len())));
                self.flights.push(Flight { rec, landed: false, sender: None });
            }
        }
        self.only_one_runs_a_term()?;
        self.forget();
        Ok(said)
    }

    /// Drops what can't matter any more: answers that their owner would ignore, and records that nobody waits for and
    /// that would be void wherever they land.
    fn forget(&mut self) {
        if self.keeps_all {
            return;
        }
        let owners = &self.owners;
        for flight in &mut self.flights {
            flight.sender.take_if(|(i, attempt)| !owners[*i].heeds_any(*attempt));
        }
        let (chain, doubles) = (self.chain(self.log.len()), self.left.doubles);
        self.flights.retain(|flight| {
            let may_land = !flight.landed || doubles > 0;
            flight.sender.is_some() || may_land && !flight.rec.is_void_for_ever(&chain)
        });
        self.flights.sort();
    }

    /// Nothing that is on its way lands any more, and its senders hear so.
    pub(crate) fn lose_flights(&mut self) -> Result<(), Fault> {
        let (landed, lost) = std::mem::take(&mut self.flights).into_iter().partition(|flight| flight.landed);
        self.flights = landed;
        let lost: Vec<Flight> = lost;
        for flight in lost {
            self.answer(flight.sender, Err(AppendError::Doubt(String::new())), &mut vec![])?;
        }
        Ok(())
    }

    fn land(&mut self, k: usize) -> Result<(), Fault> {
        let flight = &mut self.flights[k];
        self.left.doubles -= u8::from(flight.landed);
        flight.landed = true;
        let rec = flight.rec.clone();
        let cell = Cell::land(&self.log, &self.first_chain(), &rec)?;
        if cell.in_effect() && self.denied.contains(&rec.print) {
            return Err(format!("{rec} takes effect after \"not applied\" was said"));
        }
        // A void batch may be read by who waits for it; any other void record is to every office as if it weren't there.
        let awaited = |owner: &Owner| owner.open.values().any(|open| *open == rec);
        if cell.in_effect() || self.keeps_all || self.owners.iter().any(awaited) {
            self.log.push(Rc::new(cell));
        }
        Ok(())
    }

    fn answer(
        &mut self,
        sender: Option<(usize, Attempt)>,
        outcome: Result<Offset, AppendError>,
        said: &mut Said,
    ) -> Result<(), Fault> {
        let Some((i, attempt)) = sender else { return Ok(()) };
        let effects = self.owners[i].office.appended(attempt, &outcome);
        self.carry_out(i, effects, said)
    }

    fn decide(&mut self, i: usize, request: Request) {
        self.left.batches -= 1;
        let base = self.applied(self.owners[i].at) | self.owners[i].speculative;
        let chain = self.chain(self.owners[i].at);
        let owner = &mut self.owners[i];
        let header = owner.office.may_decide(&chain).expect("a step that is offered");
        let rec = Rec::of(&batch(header, request, base));
        let attempt = owner.office.sent(rec.raw.clone());
        owner.speculative |= 1 << request;
        owner.open.insert(attempt, rec.clone());
        self.flights.push(Flight { rec, landed: false, sender: Some((i, attempt)) });
    }

    /// Reads up to and with the next record that is in effect or is answered to.
    fn read_on(&mut self, i: usize, said: &mut Said) -> Result<(), Fault> {
        let heard = said.len();
        while self.owners[i].at < self.log.len() {
            self.read(i, said)?;
            if said.len() > heard || self.log[self.owners[i].at - 1].in_effect() {
                break;
            }
        }
        Ok(())
    }

    fn read(&mut self, i: usize, said: &mut Said) -> Result<(), Fault> {
        let owner = &mut self.owners[i];
        let cell = self.log[owner.at].clone();
        if let (true, Entry::TermStarted(started)) = (cell.in_effect(), &cell.entry)
            && !is_of(started.owner, i, owner.life)
        {
            owner.deposed = true;
            owner.asked = owner.asked.map(|(deposition, _)| (deposition, false));
        }
        owner.at += 1;
        let effects = owner.office.read(&cell.rec.raw, Some(&cell.entry), cell.verdict);
        self.carry_out(i, effects, said)
    }

    fn caught_up(&mut self, i: usize, said: &mut Said) -> Result<(), Fault> {
        let chain = self.chain(self.owners[i].at);
        let owner = &mut self.owners[i];
        owner.end = None;
        let effects = owner.office.caught_up(&chain, owner_id(i, owner.life, owner.draws));
        self.carry_out(i, effects, said)
    }

    fn carry_out(&mut self, i: usize, effects: Vec<Effect>, said: &mut Said) -> Result<(), Fault> {
        for effect in effects {
            said.push((i, effect.clone()));
            let end = self.log.len();
            let owner = &mut self.owners[i];
            match effect {
                Effect::NeedEnd { .. } => (owner.campaigns, owner.end) = (false, Some(end)),
                Effect::NeedGenesis => {
                    owner.end = Some(end);
                    if self.left.geneses > 0 {
                        self.left.geneses -= 1;
                        self.flights.push(Flight { rec: Rec::of(&genesis()), landed: false, sender: None });
                    }
                }
                Effect::NeedConfirmation(deposition) => {
                    (owner.campaigns, owner.asked) = (false, Some((deposition, true)))
                }
                Effect::Append { attempt, entry } => {
                    owner.campaigns = true;
                    owner.draws += 1;
                    if owner.deposed {
                        return Err(format!("{} starts a term, deposed and not confirmed since", name(i)));
                    }
                    self.left.campaigns = self.left.campaigns.saturating_sub(1);
                    let sender = Some((i, attempt));
                    self.flights.push(Flight { rec: Rec::of(&entry), landed: false, sender });
                }
                Effect::TookOffice => {
                    owner.campaigns = false;
                    self.check_office(i)?;
                }
                Effect::Settled(attempt) => self.settled(i, attempt)?,
                Effect::NotAppended(attempt) => {
                    owner.open.remove(&attempt);
                    owner.speculative = 0;
                }
                Effect::TermOver { .. } => owner.speculative = 0,
                Effect::NotApplied(attempt) => self.not_applied(i, attempt)?,
            }
        }
        Ok(())
    }

    fn check_office(&self, i: usize) -> Result<(), Fault> {
        let owner = &self.owners[i];
        let chain = self.chain(owner.at);
        let reads = chain.owner().map(|id| (chain.term(), id));
        if owner.office.in_office() == reads {
            Ok(())
        } else {
            Err(format!("{} takes office unread", name(i)))
        }
    }

    fn settled(&mut self, i: usize, attempt: Attempt) -> Result<(), Fault> {
        let owner = &mut self.owners[i];
        let Some(rec) = owner.open.remove(&attempt) else { return Err("a batch is answered twice".into()) };
        owner.speculative = 0;
        let times = self.log.iter().filter(|cell| cell.in_effect() && cell.rec == rec).count();
        if times == 1 { Ok(()) } else { Err(format!("{rec} is answered and in effect {times} times")) }
    }

    fn not_applied(&mut self, i: usize, attempt: Attempt) -> Result<(), Fault> {
        let Some(rec) = self.owners[i].open.remove(&attempt) else {
            return Err("a batch is answered twice".into());
        };
        self.denied.insert(rec.print);
        if self.log.iter().any(|cell| cell.in_effect() && cell.rec == rec) {
            return Err(format!("{rec} is called not applied and is in effect"));
        }
        Ok(())
    }

    fn only_one_runs_a_term(&self) -> Result<(), Fault> {
        let mut running = BTreeSet::new();
        for office in self.owners.iter().filter_map(|owner| owner.office.in_office()) {
            if !running.insert(office) {
                return Err(format!("two run {}", office.0));
            }
        }
        Ok(())
    }
}
