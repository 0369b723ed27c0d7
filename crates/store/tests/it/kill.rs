//! kill -9 while checkpoints are written: what was acknowledged is there, and the rows are those of the mark.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use coalition_store::Found;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::common::{all, checkpoint, identity, mark, open, rows_at};

const FOLDER: &str = "STORE_KILL_FOLDER";
const ROUNDS: u64 = 12;
const ACKNOWLEDGED: &str = "acknowledged ";

/// Not a test of its own: the process that is killed. It writes one checkpoint after the other and says so.
#[test]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let mut opened = open(Path::new(&folder), &identity());
    let first = match opened.found {
        Found::Empty => 1,
        Found::At(mark) => mark.seq + 1,
        Found::SetAside { why, .. } => panic!("{why}"),
    };
    for seq in first.. {
        opened.writer.apply(&checkpoint(seq)).unwrap();
        println!("{ACKNOWLEDGED}{seq}");
    }
}

fn start(folder: &Path) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["kill::child", "--exact", "--nocapture"]).env(FOLDER, folder).stdout(Stdio::piped());
    command.spawn().unwrap()
}

/// Lets the child write for a while, kills it, and answers the last mark that it acknowledged.
fn killed(folder: &Path, after: Duration) -> u64 {
    let mut child = start(folder);
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (sender, acknowledged) = mpsc::channel();
    let reading = std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            // The test harness writes on the same line before the first of ours.
            if let Some((_, seq)) = line.split_once(ACKNOWLEDGED) {
                sender.send(seq.parse().unwrap()).unwrap();
            }
        }
    });
    let mut last: u64 = acknowledged.recv().expect("the child's first checkpoint");
    let (_never, pause) = mpsc::channel::<()>();
    // Nothing to wait for: the moment of the kill is what varies.
    let _ = pause.recv_timeout(after);
    child.kill().unwrap();
    child.wait().unwrap();
    reading.join().unwrap();
    while let Ok(seq) = acknowledged.try_recv() {
        last = seq;
    }
    last
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("shard-1");
    let mut dice = ChaCha8Rng::seed_from_u64(11);
    let mut unacknowledged = 0;
    for round in 0..ROUNDS {
        let after = Duration::from_micros(dice.next_u64() % 60_000);
        let last = killed(&folder, after);
        let opened = open(&folder, &identity());
        let Found::At(found) = opened.found else { panic!("round {round}: {:?} after {last}", opened.found) };
        assert!(found.seq >= last, "round {round}: {found} after {last} was acknowledged");
        assert_eq!(found, mark(found.seq), "round {round}");
        assert!(all(&*opened.reader) == rows_at(found.seq), "round {round}: rows are not those of {found}");
        unacknowledged += u64::from(found.seq > last);
    }
    println!("{unacknowledged} of {ROUNDS} kept a checkpoint that was not acknowledged yet");
}
