//! `cargo xtask sim`: many seeds, or one again.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use coalition_sim::{Counts, Plant, Trace, run};

/// Simulate networks under faults and judge what comes of it.
#[derive(Parser)]
#[command(name = "sim")]
struct Arguments {
    /// How many seeds to run, one after the other.
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    /// Run this seed, and only this one unless --seeds says more.
    #[arg(long)]
    seed: Option<u64>,
    /// Take a rule out and see it found within 1,000 seeds, or as many as --seeds says: then the exit code is 1.
    #[arg(long)]
    plant: Option<Plant>,
    /// List the rules that can be taken out.
    #[arg(long)]
    list_plants: bool,
    /// Print everything that happens.
    #[arg(long)]
    trace: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse_from(arguments());
    if arguments.list_plants {
        Plant::all().for_each(|plant| println!("{plant}"));
        return ExitCode::SUCCESS;
    }
    let first = arguments.seed.unwrap_or(0);
    let mut progress = Progress::start();
    for seed in first..first.saturating_add(arguments.seeds) {
        let mut trace = Trace::new(arguments.trace);
        match run(seed, arguments.plant, &mut trace) {
            Ok(counts) => progress.seed(&counts),
            Err(fault) => {
                progress.end();
                if !arguments.trace {
                    println!("the end of the trace, of {} lines:", trace.lines());
                    trace.tail().for_each(|line| println!("{line}"));
                }
                report(seed, arguments.plant, &fault);
                return ExitCode::FAILURE;
            }
        }
    }
    progress.end();
    match arguments.plant {
        Some(plant) => println!("{plant} was not found in {} seeds", arguments.seeds),
        None => println!("{} seeds passed\n{}", arguments.seeds, progress.counts),
    }
    ExitCode::SUCCESS
}

/// The command line, where a seed alone means one run, and a plant alone a thousand.
fn arguments() -> Vec<String> {
    let mut arguments: Vec<String> = std::env::args().collect();
    let has = |name: &str| arguments.iter().any(|argument| argument.split('=').next() == Some(name));
    if !has("--seeds") && (has("--seed") || has("--plant")) {
        let seeds = if has("--seed") { "1" } else { "1000" };
        arguments.extend(["--seeds".to_owned(), seeds.to_owned()]);
    }
    arguments
}

fn report(seed: u64, plant: Option<Plant>, fault: &str) {
    println!("\nseed {seed} fails: {fault}");
    let plant = plant.map(|plant| format!(" --plant {plant}")).unwrap_or_default();
    println!("repeat it with: cargo xtask sim --seed {seed}{plant} --trace");
}

/// Seeds per second, on standard error.
struct Progress {
    start: Instant,
    shown: Instant,
    seeds: u32,
    counts: Counts,
}

impl Progress {
    fn start() -> Self {
        let now = Instant::now();
        Self { start: now, shown: now, seeds: 0, counts: Counts::default() }
    }

    fn seed(&mut self, counts: &Counts) {
        self.seeds += 1;
        self.counts.add(counts);
        // A terminal has one line that changes; a file gets a line now and then.
        let pause = Duration::from_secs(if std::io::stderr().is_terminal() { 1 } else { 10 });
        if self.shown.elapsed() >= pause {
            self.shown = Instant::now();
            self.show(if std::io::stderr().is_terminal() { "\r" } else { "\n" });
        }
    }

    fn show(&self, end: &str) {
        let millis = self.start.elapsed().as_millis().max(1);
        let rate = u128::from(self.seeds) * 1_000 / millis;
        eprint!("{} seeds, {rate} a second{end}", self.seeds);
        drop(std::io::stderr().flush());
    }

    fn end(&self) {
        self.show("\n");
    }
}
