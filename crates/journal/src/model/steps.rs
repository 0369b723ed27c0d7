//! What can happen next, and how much of it.

use super::truth::Request;
use super::world::World;
use crate::log::Offset;

/// How far the histories go.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Bounds {
    /// How many owners, up to 3; the first is assigned at the start.
    pub(crate) owners: usize,
    /// How many requests, each of which anybody may decide.
    pub(crate) requests: Request,
    /// How many TermStarted are sent.
    pub(crate) campaigns: u8,
    /// How many batches are sent.
    pub(crate) batches: u8,
    /// How many records land a second time.
    pub(crate) doubles: u8,
    /// How many crashes.
    pub(crate) crashes: u8,
    /// How often the group assigns the shard to another.
    pub(crate) moves: u8,
    /// How many appends are answered with an error or a time-out.
    pub(crate) doubts: u8,
    /// How many appends are answered as not appended.
    pub(crate) refusals: u8,
    /// How many Rebases are written.
    pub(crate) rebases: u8,
    /// How many Genesis are sent; with 0 the log begins with one in effect.
    pub(crate) geneses: u8,
}

/// What can happen next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    /// The group assigns the shard to this owner, who hears of it.
    Assign(usize),
    /// This owner hears that the shard isn't its own any more.
    Revoke(usize),
    /// It loses all it has in memory.
    Crash(usize),
    /// It reads on, to the next record that concerns it.
    Read(usize),
    /// It reads to the end that it asked for.
    CatchUp(usize),
    /// It decides this request.
    Decide(usize, Request),
    /// The confirmation that it asked for arrives.
    Confirm(usize),
    /// This append lands, perhaps again.
    Land(usize),
    /// Its sender hears that it landed.
    Acknowledge(usize),
    /// Its sender hears of an error, or of nothing in time.
    Doubt(usize),
    /// Its sender hears that it will never land, which is so.
    Refuse(usize),
    /// An operator writes a Rebase.
    Rebase,
}

impl World {
    /// Everything that can happen.
    pub(crate) fn steps(&self) -> Vec<Step> {
        let mut steps = vec![];
        for (i, owner) in self.owners.iter().enumerate() {
            let (mine, at_stake) = (self.assigned == i, owner.has_at_stake());
            if !at_stake && self.left.campaigns == 0 {
                continue;
            }
            if mine && !owner.assigned || !mine && self.left.moves > 0 {
                steps.push(Step::Assign(i));
            }
            if owner.assigned && !mine {
                steps.push(Step::Revoke(i));
            }
            if at_stake && self.left.crashes > 0 {
                steps.push(Step::Crash(i));
            }
            match owner.end {
                Some(_) if self.left.campaigns > 0 => steps.push(Step::CatchUp(i)),
                _ if owner.at < self.log.len() && (at_stake || owner.asked.is_some()) => {
                    steps.push(Step::Read(i))
                }
                _ => {}
            }
            if mine && owner.asked.is_some() {
                steps.push(Step::Confirm(i));
            }
            if self.left.batches > 0 && owner.office.may_decide(&self.chain(owner.at)).is_some() {
                let done = self.applied(owner.at) | owner.speculative;
                let open = (0..self.left.requests).filter(|request| done & 1 << request == 0);
                steps.extend(open.map(|request| Step::Decide(i, request)));
            }
        }
        for (k, flight) in self.flights.iter().enumerate() {
            if !flight.landed || self.left.doubles > 0 {
                steps.push(Step::Land(k));
            }
            if flight.sender.is_some() {
                let heeded = |(i, attempt): (usize, _)| self.owners[i].heeds(attempt, Ok(Offset(0)));
                if flight.landed && flight.sender.is_some_and(heeded) {
                    steps.push(Step::Acknowledge(k));
                }
                if self.left.doubts > 0 {
                    steps.push(Step::Doubt(k));
                }
                if !flight.landed && self.left.refusals > 0 {
                    steps.push(Step::Refuse(k));
                }
            }
        }
        if self.left.rebases > 0 {
            steps.push(Step::Rebase);
        }
        steps
    }
}
