//! The development commands: `cargo xtask help` lists them.
//!
//! `cargo xtask test` is the one command that says whether the project is in order; what it runs stands in [`steps`].
//! Kept to what cargo can't do by itself, and to almost no dependencies: it is compiled before everything else.

use std::env;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

mod buf;
mod command;
mod fuzz;
mod rules;
mod runner;
mod steps;

/// Commands that hand their arguments on to a binary of the workspace, built for release: name, package, what it does.
const PASSED_ON: &[(&str, &str, &str)] = &[
    ("sim", "coalition-sim", "run the simulator, for example: sim --seeds 1000"),
    ("bench", "coalition-bench", "measure the network: each figure beside its limit"),
];

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<ExitCode> {
    let mut arguments = env::args().skip(1);
    let name = arguments.next().unwrap_or_else(|| "help".to_owned());
    let arguments: Vec<String> = arguments.collect();

    if let Some((_, package, _)) = PASSED_ON.iter().find(|(command, ..)| *command == name) {
        let passed = command::cargo()
            .args(["run", "--quiet", "--release", "--package", package, "--"])
            .args(arguments)
            .status()
            .with_context(|| format!("run {package}"))?
            .success();
        return Ok(code(passed));
    }
    if name == "fuzz" {
        return Ok(code(fuzz::run(&arguments)?));
    }
    if !arguments.is_empty() {
        bail!("{name} takes no arguments; see `cargo xtask help`");
    }
    match name.as_str() {
        "test" => Ok(code(runner::run_all(steps::STEPS))),
        "rules" => Ok(code(rules::print_faults()?)),
        "proto-base" => buf::write_breaking_base().map(|()| ExitCode::SUCCESS),
        "help" | "--help" | "-h" => {
            print!("{}", help());
            Ok(ExitCode::SUCCESS)
        }
        _ => bail!("there is no command {name}; see `cargo xtask help`"),
    }
}

fn code(passed: bool) -> ExitCode {
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn help() -> String {
    let own = [
        (
            "test",
            "check everything; a step whose tool is missing says so, and fails with COALITION_REQUIRE_ALL=1",
        ),
        ("rules", "check the repository's own rules alone"),
        ("fuzz", "run a fuzz target for long, for example: fuzz intake-record --seconds 3600"),
        (
            "proto-base",
            "take proto/ as it is now as what later changes must not break: at a release, or for a break meant so",
        ),
        ("help", "list the commands"),
    ];
    let passed_on = PASSED_ON.iter().map(|(name, _, about)| (*name, *about));
    let mut text = String::from("usage: cargo xtask COMMAND\n\n");
    for (name, about) in own.into_iter().chain(passed_on) {
        text.push_str(&format!("  {name:<12}{about}\n"));
    }
    text
}
