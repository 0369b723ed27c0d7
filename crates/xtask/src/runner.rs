//! Runs steps one after the other and sums up. All of them run, whatever fails: one run shows everything.

use std::env;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::steps::Step;

/// When this is `1`, a step whose tool is missing has failed.
const REQUIRE_ALL: &str = "COALITION_REQUIRE_ALL";

#[derive(Clone, PartialEq, Eq, Debug)]
enum Outcome {
    Passed,
    Failed,
    /// It did not run, and why.
    Skipped(String),
}

struct Report {
    name: &'static str,
    outcome: Outcome,
    duration: Duration,
}

/// Runs the steps; whether none failed.
pub(crate) fn run_all(steps: &[Step]) -> bool {
    let require_all = env::var(REQUIRE_ALL).is_ok_and(|value| value == "1");
    let mut reports = Vec::new();
    for step in steps {
        println!("\n=== {}", step.name);
        let start = Instant::now();
        let outcome = match step.tool.map_or(Ok(()), |tool| tool.ready()) {
            Ok(()) => judge(step.run()),
            Err(missing) => absent(step.name, &format!("{missing:#}"), require_all),
        };
        let report = Report { name: step.name, outcome, duration: start.elapsed() };
        println!("=== {}", line(&report));
        reports.push(report);
    }
    println!("\n{}", summary(&reports));
    reports.iter().all(|report| report.outcome != Outcome::Failed)
}

fn judge(result: Result<bool>) -> Outcome {
    match result {
        Ok(true) => Outcome::Passed,
        Ok(false) => Outcome::Failed,
        Err(error) => {
            println!("error: {error:#}");
            Outcome::Failed
        }
    }
}

/// A step that can't run is never passed over in silence.
fn absent(name: &str, why: &str, require_all: bool) -> Outcome {
    println!("!!!\n!!! DID NOT RUN: {name}\n!!! {why}\n!!!");
    if require_all { Outcome::Failed } else { Outcome::Skipped(why.to_owned()) }
}

fn line(report: &Report) -> String {
    let millis = report.duration.as_millis();
    let (word, why) = match &report.outcome {
        Outcome::Passed => ("passed", ""),
        Outcome::Failed => ("FAILED", ""),
        Outcome::Skipped(why) => ("DID NOT RUN", why.lines().next().unwrap_or_default()),
    };
    let line = format!("{:<30} {:>4}.{} s  {word} {why}", report.name, millis / 1_000, millis % 1_000 / 100);
    line.trim_end().to_owned()
}

/// A table and, on a line of its own, the counts.
fn summary(reports: &[Report]) -> String {
    let count =
        |wanted: fn(&Outcome) -> bool| reports.iter().filter(|report| wanted(&report.outcome)).count();
    let lines: Vec<String> = reports.iter().map(line).collect();
    format!(
        "{}\n\n{} passed, {} failed, {} skipped",
        lines.join("\n"),
        count(|outcome| *outcome == Outcome::Passed),
        count(|outcome| *outcome == Outcome::Failed),
        count(|outcome| matches!(outcome, Outcome::Skipped(_))),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_ends_in_the_counts() {
        let report =
            |name, outcome, millis| Report { name, outcome, duration: Duration::from_millis(millis) };
        let reports = [
            report("format", Outcome::Passed, 1_250),
            report("clippy", Outcome::Failed, 61_000),
            report("protobuf lint", Outcome::Skipped("npm is missing\nmore".to_owned()), 7),
        ];
        assert_eq!(
            summary(&reports),
            "format                            1.2 s  passed\n\
             clippy                           61.0 s  FAILED\n\
             protobuf lint                     0.0 s  DID NOT RUN npm is missing\n\
             \n\
             1 passed, 1 failed, 1 skipped"
        );
    }

    #[test]
    fn a_missing_tool_fails_where_all_is_required() {
        assert_eq!(absent("lint", "no buf", true), Outcome::Failed);
        assert_eq!(absent("lint", "no buf", false), Outcome::Skipped("no buf".to_owned()));
    }
}
