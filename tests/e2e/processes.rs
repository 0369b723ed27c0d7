//! Several processes over one log: killed (-9) and stopped (SIGSTOP) under load, rolled one by one, and every answer that was
//! given holds.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::time::Instant;

use crate::brokers::Brokers;
use crate::harness::binary;
use crate::load::{BETWEEN, Load, check, check_journal, members, set_up, summary};
use crate::network::{Processes, Ways, brokers, rounds};

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_are_killed_and_stopped_take_no_answer_back() {
    let Some(brokers) = Brokers::start(brokers(1)) else { return };
    take_no_answer_back(Some(brokers), 3, rounds(6)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_with_its_log_that_is_killed_takes_no_answer_back() {
    take_no_answer_back(None, 1, rounds(6)).await;
}

async fn take_no_answer_back(brokers: Option<Brokers>, count: usize, rounds: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut processes = Processes::start(folder.path(), brokers, count);
    set_up(processes.get(0), folder.path());
    let members = Arc::new(members(processes.get(count - 1)).await);
    let load = Load::start(&processes, &members);
    let began = Instant::now();
    for round in 0..rounds {
        // At another moment each time.
        load.answers(BETWEEN + round * 37 % 61).await;
        let victim = usize::try_from(round * 5).expect("few") % count;
        if round % 3 == 2 && count > 1 {
            // A zombie: others take over, then it goes on as if nothing had been.
            processes.get(victim).signal("STOP");
            load.answers(BETWEEN).await;
            processes.get(victim).signal("CONT");
        } else {
            processes.take(victim).kill();
            if round % 2 == 1 && count > 1 {
                // Not before others have taken over.
                load.answers(BETWEEN).await;
            }
            tokio::task::block_in_place(|| processes.run(victim));
        }
    }
    load.answers(BETWEEN).await;
    let told = load.end().await;
    summary("killed and stopped", rounds, began.elapsed(), &told);
    check(&processes, &members, &told).await;
    for number in 0..count {
        processes.take(number).stop();
    }
    check_journal(&processes.data(0), processes.brokers.as_ref(), &told);
}

/// As an operator brings a new release in: one process after the other ends in order and comes back. With another release's binary
/// in `COALITION_OTHER_BINARY` they begin with that one; half-way one that has the new release goes back, as one does who has doubts.
#[tokio::test(flavor = "multi_thread")]
async fn processes_that_are_rolled_lose_no_request() {
    let Some(brokers) = Brokers::start(brokers(1)) else { return };
    let (ours, other) = (binary(), std::env::var_os("COALITION_OTHER_BINARY").map(PathBuf::from));
    let folder = tempfile::tempdir().expect("a folder");
    let mut processes = Processes::prepare(folder.path(), Some(brokers), vec![Ways::default(); 3]);
    for number in 0..3 {
        processes.binaries[number] = other.clone().unwrap_or_else(|| ours.clone());
        processes.run(number);
    }
    set_up(processes.get(0), folder.path());
    let members = Arc::new(members(processes.get(1)).await);
    let load = Load::start(&processes, &members);
    let began = Instant::now();
    // Each with the release that it gets.
    let mut rolled: Vec<(usize, &PathBuf)> = (0..3).map(|number| (number, &ours)).collect();
    if let Some(other) = &other {
        let there_and_back = [(0, &ours), (1, &ours), (1, other), (0, other)];
        rolled = [there_and_back.as_slice(), &rolled].concat();
    }
    let rounds = rolled.len() as u64;
    for (number, release) in rolled {
        load.answers(BETWEEN).await;
        let old = processes.take(number);
        processes.binaries[number].clone_from(release);
        tokio::task::block_in_place(|| {
            old.stop();
            processes.run(number);
        });
    }
    load.answers(BETWEEN).await;
    let told = load.end().await;
    summary("rolled", rounds, began.elapsed(), &told);
    check(&processes, &members, &told).await;
    for number in 0..3 {
        processes.take(number).stop();
    }
    check_journal(&processes.data(0), processes.brokers.as_ref(), &told);
}
