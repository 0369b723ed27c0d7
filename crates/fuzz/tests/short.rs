//! Each target for a while, with the same inputs each time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use coalition_fuzz::{Target, mutate, target};

/// Inputs of each target.
const INPUTS: u64 = 150_000;
/// The longest time for one of them.
const INPUT_TIME_MAX: Duration = Duration::from_secs(5);

fn run(target: &Target, input: &[u8], of: &str) {
    let since = Instant::now();
    let passed = catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    let took = since.elapsed();
    assert!(passed.is_ok(), "{} fails with {of}: {input:02x?}", target.name);
    assert!(took < INPUT_TIME_MAX, "{} takes {took:?} with {of}: {input:02x?}", target.name);
}

fn short(name: &str) {
    let target = target(name).expect("a target");
    let seeds = (target.seeds)();
    assert!(!seeds.is_empty());
    for (number, seed) in seeds.iter().enumerate() {
        run(target, seed, &format!("seed {number}"));
    }
    for number in 0..INPUTS {
        run(target, &mutate::input(&seeds, number), &format!("input {number}"));
    }
}

macro_rules! targets {
    ($($test:ident $name:literal;)*) => {
        $(#[test]
        fn $test() {
            short($name);
        })*

        #[test]
        fn every_target_is_here() {
            let names: Vec<_> = coalition_fuzz::TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(names, [$($name),*]);
        }
    };
}

targets! {
    intake_record "intake-record";
    journal_record "journal-record";
    inbox_record "inbox-record";
    group_record "group-record";
    process_message "process-message";
    page_token "page-token";
    config "config";
    programme "programme";
}
