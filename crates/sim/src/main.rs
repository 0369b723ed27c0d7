//! `cargo xtask sim`: many seeds, or one again.

mod many;

use std::process::ExitCode;

use clap::Parser;
use coalition_sim::{Counts, Plant, Trace, run};

use self::many::{Job, Many};

/// A fifth less time for each seed than with the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Simulate networks under faults and judge what comes of it.
#[derive(Parser)]
#[command(name = "sim")]
struct Arguments {
    /// How many seeds to run. 100, or 1 after --seed, or 1,000 with --plant.
    #[arg(long)]
    seeds: Option<u64>,
    /// Run this seed, and only this one unless --seeds says more.
    #[arg(long, conflicts_with = "from")]
    seed: Option<u64>,
    /// Begin with this seed: an earlier run says from where it can go on.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Run at so many seeds at a time. As many as there are processors.
    #[arg(long)]
    jobs: Option<usize>,
    /// Print seeds that fail and go on, instead of ending with the first.
    #[arg(long)]
    go_on: bool,
    /// Run 100,000 seeds, going on after those that fail, and then see each plant found within 1,000.
    #[arg(long, conflicts_with_all = ["plant", "seed"])]
    full: bool,
    /// Take a rule out and see it found within 1,000 seeds, or as many as --seeds says: then the exit code is 1.
    #[arg(long)]
    plant: Option<Plant>,
    /// List the rules that can be taken out.
    #[arg(long)]
    list_plants: bool,
    /// Print the first seed that sees each of them, as testdata/plants.txt has them.
    #[arg(long)]
    find_plants: bool,
    /// Print everything that happens; of one seed at a time.
    #[arg(long)]
    trace: bool,
}

/// Seeds of a full run.
const FULL: u64 = 100_000;

/// Seeds within which a plant has to be found.
const WITHIN: u64 = 1_000;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.list_plants {
        Plant::all().for_each(|plant| println!("{plant}"));
        return ExitCode::SUCCESS;
    }
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let jobs = arguments.jobs.unwrap_or(processors).max(1);
    if arguments.find_plants {
        return code(find_plants(jobs));
    }
    let usual = match (arguments.full, arguments.seed, arguments.plant) {
        (true, ..) => FULL.saturating_sub(arguments.from),
        (false, Some(_), _) => 1,
        (false, None, Some(_)) => WITHIN,
        (false, None, None) => 100,
    };
    let first = arguments.seed.unwrap_or(arguments.from);
    let seeds = arguments.seeds.unwrap_or(usual);
    let jobs = if arguments.trace { 1 } else { jobs };
    let go_on = arguments.go_on || arguments.full;
    let job = Job { seeds: first..first.saturating_add(seeds), go_on, quiet: false };
    let found = many::run(&job, jobs, |seed| judge(seed, &arguments));
    let passed = report(&found, arguments.plant);
    code(if arguments.full { find_plants(jobs) && passed } else { passed })
}

fn code(passed: bool) -> ExitCode {
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// One seed; every hundredth is run a second time, and has to go the same way.
fn judge(seed: u64, arguments: &Arguments) -> Result<Counts, String> {
    let mut trace = Trace::new(arguments.trace);
    let judged = run(seed, arguments.plant, &mut trace);
    if seed % 100 == 99 && arguments.plant.is_none() && !arguments.trace {
        let mut again = Trace::new(false);
        drop(run(seed, None, &mut again));
        if again.hash() != trace.hash() {
            return Err("it does not go the same way twice".to_owned());
        }
    }
    judged.map_err(|fault| {
        let mut said = String::new();
        if !arguments.trace {
            said = format!("the end of the trace, of {} lines:\n", trace.lines());
            trace.tail().for_each(|line| said.extend([line, "\n"]));
        }
        let plant = arguments.plant.map(|plant| format!(" --plant {plant}")).unwrap_or_default();
        format!(
            "{said}\nseed {seed} fails: {fault}\nrepeat it with: cargo xtask sim --seed {seed}{plant} --trace"
        )
    })
}

/// Whether all seeds passed.
fn report(found: &Many, plant: Option<Plant>) -> bool {
    let (run, failed) = (found.run, &found.failed);
    match (plant, failed.is_empty()) {
        (Some(plant), true) => println!("{plant} was not found in {run} seeds"),
        (None, true) => println!("{run} seeds passed\n{}", found.counts),
        (_, false) => {
            let seeds: Vec<String> = failed.iter().map(u64::to_string).collect();
            println!("{run} seeds were run, {} failed: {}", failed.len(), seeds.join(", "));
        }
    }
    failed.is_empty()
}

/// The first seed for each plant; whether all were found.
fn find_plants(jobs: usize) -> bool {
    let mut all = true;
    for plant in Plant::all() {
        let job = Job { seeds: 0..WITHIN, go_on: false, quiet: true };
        let found = many::run(&job, jobs, |seed| run(seed, Some(plant), &mut Trace::new(false)));
        match found.failed.first() {
            Some(seed) => println!("{plant} {seed}"),
            None => println!("{plant} was not found in {WITHIN} seeds"),
        }
        all &= !found.failed.is_empty();
    }
    all
}
