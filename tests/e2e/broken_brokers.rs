//! Brokers that are killed (-9), stand still (SIGSTOP) and are restarted one by one under several processes and load: the
//! network waits, or says that it can't, and goes on by itself.

use std::sync::Arc;

use tokio::task::block_in_place;
use tokio::time::Instant;

use crate::brokers::Brokers;
use crate::load::{BETWEEN, Load, check, check_journal, members, set_up, summary};
use crate::network::{Processes, rounds};

#[tokio::test(flavor = "multi_thread")]
async fn brokers_that_are_killed_stopped_and_rolled_cost_no_answer() {
    let Some(brokers) = Brokers::start(3) else { return };
    // The third, which restarts all, takes as long as both others.
    let rounds = rounds(2);
    let folder = tempfile::tempdir().expect("a folder");
    let mut processes = Processes::start(folder.path(), Some(brokers), 3);
    set_up(processes.get(0), folder.path());
    let members = Arc::new(members(processes.get(2)).await);
    let load = Load::start_slow(&processes, &members, 50);
    let began = Instant::now();
    for round in 0..rounds {
        // At another moment each time.
        load.answers(BETWEEN + round * 37 % 61).await;
        let brokers = processes.brokers.as_ref().expect("there are some");
        let victim = u16::try_from(round / 3 % 3).expect("few") + 1;
        let blow = Instant::now();
        match round % 3 {
            0 => {
                block_in_place(|| brokers.kill(victim));
                load.answers(BETWEEN).await;
                block_in_place(|| brokers.restart(victim));
            }
            1 => {
                // Until the controllers have given what it led to others; then it goes on as if nothing had been.
                block_in_place(|| brokers.pause(victim));
                brokers.until_all_serve(false).await;
                load.answers(BETWEEN).await;
                block_in_place(|| brokers.resume(victim));
                brokers.until_all_serve(true).await;
            }
            _ => {
                for number in 1..=3 {
                    block_in_place(|| brokers.restart(number));
                    load.answers(1).await;
                }
            }
        }
        load.answers(BETWEEN).await;
        println!("round {round}: {:.1?}", blow.elapsed());
    }
    load.answers(BETWEEN).await;
    let told = load.end().await;
    summary("brokers killed, stopped and rolled", rounds, began.elapsed(), &told);
    check(&processes, &members, &told).await;
    for number in 0..3 {
        processes.take(number).stop();
    }
    check_journal(&processes.data(0), processes.brokers.as_ref(), &told);
}
