//! `coalition programme`: documents checked and published, programmes looked at.

mod publish;
mod show;
mod test;
mod validate;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

/// Check programme documents, play scenarios, publish them, and see which version is in force.
///
/// A programme says what earns points and what can be had for them. It is one TOML file; docs/guides/write-a-programme.md
/// tells how to write it. A published version never changes.
#[derive(Subcommand)]
pub(crate) enum Command {
    Validate(validate::Args),
    Test(test::Args),
    Publish(publish::Args),
    List(show::ListArgs),
    Show(show::Args),
}

pub(crate) fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Validate(args) => validate::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Publish(args) => publish::run(&args),
        Command::List(args) => show::list(&args),
        Command::Show(args) => show::run(&args),
    }
}
