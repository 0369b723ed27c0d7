//! Stores of a network that works, damaged in every way that a file system knows: each time the network comes back with the
//! balances that its clients are owed, and with the rows that its journal makes.
//!
//! `COALITION_ROUNDS=500` asks for more rounds than the usual ones.

#![allow(clippy::unwrap_used, reason = "helpers of tests, which may")]

mod damaging;
mod network;

use std::collections::BTreeMap;
use std::process::Command;

use self::damaging::{Damage, Dice};
use self::network::Network;

/// Set in the process that does the work: one that survives a write beyond its limit.
const INSIDE: &str = "COALITION_TEST_DAMAGE_INSIDE";
/// Rounds that one network lives for: its journal is replayed in each.
const ROUNDS_OF_A_NETWORK: u64 = 25;

fn rounds() -> u64 {
    std::env::var("COALITION_ROUNDS").map_or(20, |rounds| rounds.parse().expect("a number of rounds"))
}

/// A full disk is a limit on the size of files, whose signal has to be ignored: only what starts a process can say so.
#[test]
fn a_damaged_store_ends_in_right_balances() {
    let ignoring = "trap '' XFSZ; exec \"$0\" \"$@\"";
    let test = std::env::current_exe().unwrap();
    let done = Command::new("sh")
        .args(["-c", ignoring])
        .arg(test)
        .args(["--exact", "inside", "--nocapture"])
        .env(INSIDE, "1")
        .status()
        .unwrap();
    assert!(done.success(), "see above");
}

/// Not a test of its own: what [`a_damaged_store_ends_in_right_balances`] runs.
#[test]
fn inside() {
    if std::env::var_os(INSIDE).is_none() {
        return;
    }
    let mut tally: BTreeMap<&str, [u32; 2]> = BTreeMap::new();
    let mut felt = 0;
    for first in (0..rounds()).step_by(ROUNDS_OF_A_NETWORK.try_into().unwrap()) {
        let mut network = Network::new(first);
        for round in first..rounds().min(first + ROUNDS_OF_A_NETWORK) {
            let mut dice = Dice::new(round);
            // In turn, so that a few rounds see each.
            let damage = Damage::ALL[usize::try_from(round).unwrap() % Damage::ALL.len()];
            if damage == Damage::FullDisk {
                felt += u32::from(network.live_on_a_full_disk(&mut dice));
            } else {
                network.live(&mut dice);
            }
            let how = damaging::damage(damage, &network.folders(), &mut dice);
            let what = format!("round {round}: {how}");
            let set_aside = network.start_and_check(&what);
            let [kept, rebuilt] = tally.entry(damage.name()).or_default();
            *(if set_aside { rebuilt } else { kept }) += 1;
        }
    }
    for (name, [kept, rebuilt]) in tally {
        println!("{name}: {kept} stores went on, {rebuilt} were set aside and rebuilt");
    }
    println!("{} rounds; {felt} checkpoints met a full disk", rounds());
    // A few rounds may all fit into what the store has already.
    assert!(felt > 0 || rounds() < 100, "no checkpoint met a full disk");
}
