//! Histories as text: a step a line, behind `=>` what is said in it, and at last what the log holds.

use super::steps::{Bounds, Step};
use super::truth::name;
use super::world::World;
use crate::effect::Effect;
use crate::plant::Plant;

const PLENTY: Bounds = Bounds {
    owners: 3,
    requests: 8,
    campaigns: 99,
    batches: 99,
    doubles: 99,
    crashes: 99,
    moves: 99,
    doubts: 99,
    refusals: 99,
    rebases: 99,
    geneses: 0,
};

/// Plays `script` with `plant` in place and compares. X is assigned at the start; the journal has its Genesis.
pub(crate) fn check(plant: Option<Plant>, script: &str) {
    play(PLENTY, plant, script);
}

/// The same from an empty journal.
pub(crate) fn check_from_nothing(plant: Option<Plant>, script: &str) {
    play(Bounds { geneses: 99, ..PLENTY }, plant, script);
}

fn play(bounds: Bounds, plant: Option<Plant>, script: &str) {
    let mut world = World::new(bounds, plant);
    world.keeps_all = true;
    let mut told = String::new();
    let mut expected = String::new();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        expected += &format!("{line}\n");
        let step = line.split("=>").next().unwrap_or_default().trim();
        let said = if step == "log" {
            world.written()
        } else {
            match world.take(parse(step, &world)) {
                Ok(said) => said.iter().map(|(_, effect)| words(effect)).collect::<Vec<_>>().join(", "),
                Err(fault) => format!("FAULT {fault}"),
            }
        };
        told += &if said.is_empty() { format!("{step}\n") } else { format!("{step} => {said}\n") };
    }
    assert_eq!(told, expected, "\nwith {plant:?}, happened:\n{told}\nexpected:\n{expected}");
}

fn parse(text: &str, world: &World) -> Step {
    let flight = |wanted: &str| {
        let is_it = |k: &usize| world.flights[*k].rec.to_string() == wanted;
        (0..world.flights.len()).rev().find(is_it).unwrap_or_else(|| panic!("\"{text}\": no such append"))
    };
    let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
    if let Some(i) = (0..world.owners.len()).find(|&i| first == name(i).to_string()) {
        return match rest {
            "assigned" => Step::Assign(i),
            "revoked" => Step::Revoke(i),
            "crashes" => Step::Crash(i),
            "reads" => Step::Read(i),
            "catches up" => Step::CatchUp(i),
            "confirmed" => Step::Confirm(i),
            _ => match rest.strip_prefix("decides q").and_then(|request| request.parse().ok()) {
                Some(request) => Step::Decide(i, request),
                None => panic!("\"{text}\" is no step"),
            },
        };
    }
    match first {
        "land" => Step::Land(flight(rest)),
        "ack" => Step::Acknowledge(flight(rest)),
        "doubt" => Step::Doubt(flight(rest)),
        "refuse" => Step::Refuse(flight(rest)),
        "rebase" => Step::Rebase,
        _ => panic!("\"{text}\" is no step"),
    }
}

fn words(effect: &Effect) -> String {
    match effect {
        Effect::NeedEnd { tries } => format!("needs end ({tries})"),
        Effect::NeedGenesis => "needs Genesis".into(),
        Effect::NeedConfirmation(_) => "needs confirmation".into(),
        Effect::Append { .. } => "campaigns".into(),
        Effect::TookOffice => "takes office".into(),
        Effect::Settled(attempt) => format!("settled #{}", attempt.0),
        Effect::NotAppended(attempt) => format!("not appended #{}", attempt.0),
        Effect::NotApplied(attempt) => format!("not applied #{}", attempt.0),
        Effect::TermOver { deposed, doubtful } => {
            let why = if *deposed { "deposed" } else { "gives up" };
            doubtful.map_or_else(|| why.into(), |attempt| format!("{why} with #{} doubtful", attempt.0))
        }
    }
}

/// X in office of term 1. The first line of most histories.
macro_rules! in_office {
    ($($rest:literal)*) => {
        concat!("X catches up => campaigns\n land TS(1,X)\n X reads => takes office\n", $($rest),*)
    };
}
pub(crate) use in_office;
