//! kill -9 in the middle of the demo, then again from the same folder: the same figures.

use std::path::Path;

use crate::demo::assert_figures;
use crate::harness::{demo, run, start_demo};

/// Rounds, each with a folder of its own and a kill at another moment.
const ROUNDS: u64 = 20;

/// Bytes in the folder: grows while the demo works, and says how far it is without asking it.
fn size(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let entry = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(found) if found.is_dir() => size(&entry.path()),
        Ok(found) => found.len(),
        Err(_) => 0,
    };
    entries.flatten().map(entry).sum()
}

#[test]
fn a_killed_demo_goes_on_to_the_same_figures() {
    let whole = tempfile::tempdir().expect("a folder");
    assert_figures(&demo(whole.path()));
    let full = size(whole.path());
    for round in 0..ROUNDS {
        let folder = tempfile::tempdir().expect("a folder");
        let mut running = start_demo(folder.path());
        // Spread over the run: killed when the folder has grown to a twentieth, two twentieths, ... of its final size.
        let enough = full * (round + 1) / (ROUNDS + 1);
        while size(folder.path()) < enough && running.0.try_wait().expect("a child").is_none() {
            std::thread::yield_now();
        }
        drop(running);
        assert_figures(&demo(folder.path()));
        let verified = run(&["journal", "verify", "--data", &folder.path().display().to_string()]);
        assert_eq!(verified.matches("equal").count(), 4, "round {round}: {verified}");
    }
}
