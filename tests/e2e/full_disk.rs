//! Full disks under the log: the network says that it can't, with a code, and goes on when there is room again.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::task::block_in_place;
use tokio::time::Instant;

use crate::brokers::Brokers;
use crate::load::{BETWEEN, Load, check, check_journal, members, set_up, summary};
use crate::network::{Processes, brokers, rounds};
use crate::small_disks::SmallDisks;

/// Refusals that there have to be before there is room again.
const REFUSALS: u64 = 8;
/// Of each disk.
const MIB: u32 = 96;

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_under_the_embedded_log_is_told_and_passes() {
    let outer = tempfile::tempdir().expect("a folder");
    let disk = outer.path().join("disk");
    let Some(disks) = SmallDisks::mount(std::slice::from_ref(&disk), MIB) else { return };
    let rounds = rounds(3);
    let mut processes = Processes::start(&disks.outside(&disk), None, 1);
    block_in_place(|| set_up(processes.get(0), outer.path()));
    let members = Arc::new(members(processes.get(0)).await);
    let load = Load::start_slow(&processes, &members, 10);
    let began = Instant::now();
    for round in 0..rounds {
        load.answers(BETWEEN + round * 37 % 61).await;
        block_in_place(|| disks.fill(&disk));
        load.refusals(REFUSALS).await;
        let killed = round % 3 == 2;
        if killed {
            processes.take(0).kill();
        }
        disks.clear(&disk);
        if killed {
            block_in_place(|| processes.run(0));
        }
        // By itself.
        load.answers(BETWEEN).await;
    }
    let told = load.end().await;
    summary("a full disk, embedded log", rounds, began.elapsed(), &told);
    check(&processes, &members, &told).await;
    processes.take(0).stop();
    check_journal(&processes.data(0), None, &told);
}

#[tokio::test(flavor = "multi_thread")]
async fn full_disks_under_brokers_are_told_and_pass() {
    let (outer, count) = (tempfile::tempdir().expect("a folder"), brokers(1));
    let cluster = outer.path().join("kafka");
    let folders: Vec<PathBuf> = (1..=count).map(|number| cluster.join(number.to_string())).collect();
    let Some(disks) = SmallDisks::mount(&folders, MIB) else { return };
    let Some(brokers) = Brokers::start_on(&disks, &cluster, count) else { return };
    let rounds = rounds(1);
    let network = outer.path().join("network");
    std::fs::create_dir(&network).expect("room for a folder");
    let mut processes = Processes::start(&network, Some(brokers), 3);
    block_in_place(|| set_up(processes.get(0), &network));
    let members = Arc::new(members(processes.get(2)).await);
    let load = Load::start_slow(&processes, &members, 20);
    let began = Instant::now();
    for round in 0..rounds {
        let brokers = processes.brokers.as_ref().expect("there are some");
        load.answers(BETWEEN + round * 37 % 61).await;
        // One of three first: the others have all that counts.
        let victim = usize::try_from(round).expect("few") % folders.len();
        block_in_place(|| disks.fill(&folders[victim]));
        if count > 1 {
            brokers.until_ended(1).await;
            load.answers(BETWEEN).await;
        }
        if count == 1 || round % 2 == 1 {
            let others = folders.iter().enumerate().filter(|(number, _)| *number != victim);
            block_in_place(|| others.for_each(|(_, folder)| disks.fill(folder)));
            load.refusals(REFUSALS).await;
            // A broker that has no room ends.
            brokers.until_ended(folders.len()).await;
            folders.iter().for_each(|folder| disks.clear(folder));
        } else {
            disks.clear(&folders[victim]);
        }
        // Whoever makes room starts it again, which is all that there is to do.
        brokers.start_ended().await;
        load.answers(BETWEEN).await;
    }
    let told = load.end().await;
    summary("full disks, brokers", rounds, began.elapsed(), &told);
    check(&processes, &members, &told).await;
    for number in 0..3 {
        processes.take(number).stop();
    }
    check_journal(&processes.data(0), processes.brokers.as_ref(), &told);
}
