//! How many records a second the embedded log takes, beside a plain file under the same load as the limit.
//!
//! `cargo run --profile profiling -p coalition-journal --example log_throughput [FOLDER]`
//!
//! Four partitions, a caller each. A caller keeps a number of appends ahead of their answers: one, as a shard does, or
//! many, as an intake does. The plain file is written and synced (fdatasync) once for as many records as are waiting.
//! FOLDER, by default the current one, says which disk is measured.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use coalition_journal::embedded::{Embedded, Settings};
use coalition_journal::log::{Log, Partition, Record};

const PARTITIONS: u32 = 4;
const RUN: Duration = Duration::from_secs(4);

type Outcome = Result<Vec<Duration>, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let folder = std::env::args_os().nth(1).unwrap_or_else(|| ".".into());
    println!(
        "{:>9} {:>6}  {:<14} {:>9} {:>8} {:>10} {:>10}",
        "bytes", "ahead", "", "records/s", "MB/s", "median", "worst"
    );
    for bytes in [1_000, 100_000] {
        for ahead in [1, 64] {
            let scratch = tempfile::tempdir_in(&folder)?;
            report("embedded log", bytes, ahead, embedded(scratch.path(), bytes, ahead)?);
            let scratch = tempfile::tempdir_in(&folder)?;
            report("plain file", bytes, ahead, plain(scratch.path(), bytes, ahead)?);
        }
    }
    Ok(())
}

fn report(what: &str, bytes: usize, ahead: usize, mut latencies: Vec<Duration>) {
    latencies.sort_unstable();
    let per_s = latencies.len() as u128 * 1000 / RUN.as_millis();
    let mb_per_s = per_s * bytes as u128 / 1_000_000;
    let median = latencies[latencies.len() / 2].as_micros();
    let worst = latencies[latencies.len() - 1].as_micros();
    println!("{bytes:>9} {ahead:>6}  {what:<14} {per_s:>9} {mb_per_s:>8} {median:>7} us {worst:>7} us");
}

/// Runs a caller for each partition; the time from call to answer of each record.
fn callers(caller: impl Fn(u32) -> Outcome + Sync) -> Outcome {
    thread::scope(|scope| {
        let caller = &caller;
        let threads: Vec<_> = (0..PARTITIONS).map(|number| scope.spawn(move || caller(number))).collect();
        let mut all = Vec::new();
        for thread in threads {
            all.extend(thread.join().map_err(|_| "a caller panicked")??);
        }
        Ok(all)
    })
}

fn content(number: u32, bytes: usize) -> Vec<u8> {
    let word = |index: u32| (index ^ number << 24).wrapping_mul(2_654_435_761).to_le_bytes();
    (0..).flat_map(word).take(bytes).collect()
}

fn embedded(folder: &Path, bytes: usize, ahead: usize) -> Outcome {
    let log = Embedded::open(folder, Settings::default())?;
    log.create_topic("t", PARTITIONS)?;
    callers(|number| {
        let to = Partition::new("t", number);
        let record = Record::of(content(number, bytes));
        let (tell, told) = mpsc::channel();
        let (mut latencies, mut waiting) = (Vec::new(), 0);
        let began = Instant::now();
        while began.elapsed() < RUN || waiting > 0 {
            if began.elapsed() < RUN && waiting < ahead {
                let (tell, called) = (tell.clone(), Instant::now());
                let done = move |outcome: Result<_, _>| _ = tell.send(outcome.map(|_| called.elapsed()));
                log.append(&to, vec![record.clone()], Box::new(done));
                waiting += 1;
            } else {
                latencies.push(told.recv()??);
                waiting -= 1;
            }
        }
        Ok(latencies)
    })
}

fn plain(folder: &Path, bytes: usize, ahead: usize) -> Outcome {
    callers(|number| {
        let mut file = File::create(folder.join(number.to_string()))?;
        let records = content(number, bytes).repeat(ahead);
        let mut latencies = Vec::new();
        let began = Instant::now();
        while began.elapsed() < RUN {
            let called = Instant::now();
            file.write_all(&records)?;
            file.sync_data()?;
            latencies.extend(std::iter::repeat_n(called.elapsed(), ahead));
        }
        Ok(latencies)
    })
}
