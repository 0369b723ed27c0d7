//! Breadth first through every history.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hasher};

use super::recovery::recovers;
use super::steps::{Bounds, Step};
use super::truth::Fault;
use super::world::{Said, World};
use crate::effect::Effect;
use crate::plant::Plant;

/// What a search came to.
pub(crate) struct Found {
    /// How many states there are.
    pub(crate) states: usize,
    /// How many steps lie between the first and the last.
    pub(crate) depth: usize,
    /// The shortest history that shows a fault, the fault in the first line.
    pub(crate) fault: Option<String>,
    /// How often each kind of thing was said.
    pub(crate) said: BTreeMap<&'static str, usize>,
}

/// Goes through every history within `bounds`, up to the first fault. With `recovery`, each state must also be one
/// that the owners recover from.
pub(crate) fn search(bounds: Bounds, plant: Option<Plant>, recovery: bool) -> Found {
    let first = World::new(bounds, plant);
    let mut seen = BTreeSet::from([fingerprint(&first)]);
    let mut reached: Vec<(usize, Option<Step>)> = vec![(0, None)];
    let mut said = BTreeMap::new();
    let mut level = vec![(0, first)];
    let mut depth = 0;
    while !level.is_empty() {
        let mut next = vec![];
        for (id, world) in level {
            for step in world.steps() {
                let mut after = world.clone();
                let fault = match after.take(step) {
                    Err(fault) => Some(fault),
                    Ok(heard) => {
                        note(&mut said, &heard);
                        if !seen.insert(fingerprint(&after)) {
                            continue;
                        }
                        reached.push((id, Some(step)));
                        let fault = recovery.then(|| stuck(&after)).flatten();
                        next.push((reached.len() - 1, after));
                        fault
                    }
                };
                if let Some(fault) = fault {
                    let fault = Some(tell(bounds, plant, &path(&reached, id, step), &fault));
                    return Found { states: seen.len(), depth: depth + 1, fault, said };
                }
            }
        }
        depth += usize::from(!next.is_empty());
        level = next;
    }
    Found { states: seen.len(), depth, fault: None, said }
}

fn stuck(world: &World) -> Option<Fault> {
    [false, true].into_iter().find_map(|lost| match recovers(world.clone(), lost) {
        Ok(true) => None,
        Ok(false) => Some(format!("nobody gets to work any more, with appends lost: {lost}")),
        Err(fault) => Some(fault),
    })
}

fn note(said: &mut BTreeMap<&'static str, usize>, heard: &Said) {
    for (_, effect) in heard {
        let kind = match effect {
            Effect::NeedEnd { .. } => "need end",
            Effect::NeedGenesis => "need Genesis",
            Effect::NeedConfirmation(_) => "need confirmation",
            Effect::Append { .. } => "append",
            Effect::TookOffice => "took office",
            Effect::Settled(_) => "settled",
            Effect::NotAppended(_) => "not appended",
            Effect::TermOver { deposed: true, .. } => "deposed",
            Effect::TermOver { deposed: false, .. } => "gave up",
            Effect::NotApplied(_) => "not applied",
        };
        *said.entry(kind).or_default() += 1;
    }
}

/// Wide enough that no two states of millions share one.
fn fingerprint(world: &World) -> u128 {
    let [low, high] = [0, 1].map(|salt| {
        let mut hasher = DefaultHasher::new();
        hasher.write_u8(salt);
        world.essence(&mut hasher);
        u128::from(hasher.finish())
    });
    high << 64 | low
}

fn path(reached: &[(usize, Option<Step>)], id: usize, last: Step) -> Vec<Step> {
    let back = std::iter::successors(Some(id), |&id| (id > 0).then(|| reached[id].0));
    let mut steps: Vec<Step> = std::iter::once(last).chain(back.filter_map(|id| reached[id].1)).collect();
    steps.reverse();
    steps
}

/// The history in words.
fn tell(bounds: Bounds, plant: Option<Plant>, steps: &[Step], fault: &Fault) -> String {
    let mut world = World::new(bounds, plant);
    let mut lines = vec![];
    for &step in steps {
        let what = match step {
            Step::Land(k) | Step::Acknowledge(k) | Step::Doubt(k) | Step::Refuse(k) => {
                format!("{step:?} {}", world.flights[k].rec)
            }
            Step::Assign(_)
            | Step::Revoke(_)
            | Step::Crash(_)
            | Step::Read(_)
            | Step::CatchUp(_)
            | Step::Decide(..)
            | Step::Confirm(_)
            | Step::Rebase => format!("{step:?}"),
        };
        let said =
            world.take(step).map_or_else(|fault| format!("FAULT: {fault}"), |said| format!("{said:?}"));
        lines.push(format!("{what}: {said}"));
    }
    format!("{fault}\n{}\nlog: {}", lines.join("\n"), world.written())
}
