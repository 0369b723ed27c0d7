//! Once faults stop, whoever is assigned gets to work: checked from every state that a search reaches.

use super::steps::Step;
use super::truth::Fault;
use super::world::World;

/// More than any history within the bounds takes.
const ROUNDS_MAX: usize = 12;
/// What an owner does in a round: it is assigned, confirmed, reads, campaigns, decides.
const STEPS_MAX: usize = 8;
const PLENTY: u8 = 200;

/// Whether from here on every request is applied and no batch stays unanswered, if what is on its way lands (or, with
/// `lost`, is lost and its sender hears of nothing), whoever thinks itself assigned acts as it thinks, and nobody
/// crashes.
pub(crate) fn recovers(mut world: World, lost: bool) -> Result<bool, Fault> {
    (world.left.campaigns, world.left.batches, world.left.geneses) = (PLENTY, PLENTY, PLENTY);
    if lost {
        world.lose_flights()?;
    }
    (world.left.doubts, world.left.doubles) = (0, 0);
    for _ in 0..ROUNDS_MAX {
        if world.is_done() {
            return Ok(true);
        }
        while let Some(step) = world.steps().into_iter().find(|step| matches!(step, Step::Land(_))) {
            world.take(step)?;
        }
        for i in 0..world.owners.len() {
            for _ in 0..STEPS_MAX {
                let Some(step) = world.steps().into_iter().find(|step| goes_on(*step, i, &world)) else {
                    break;
                };
                world.take(step)?;
            }
        }
    }
    Ok(false)
}

/// What owner `i` does by itself; nobody tells it that it is no longer assigned.
fn goes_on(step: Step, i: usize, world: &World) -> bool {
    match step {
        Step::Assign(owner) => owner == i && world.assigned == i,
        Step::Read(owner) | Step::CatchUp(owner) | Step::Decide(owner, _) | Step::Confirm(owner) => {
            owner == i
        }
        Step::Revoke(_)
        | Step::Crash(_)
        | Step::Land(_)
        | Step::Acknowledge(_)
        | Step::Doubt(_)
        | Step::Refuse(_)
        | Step::Rebase => false,
    }
}
