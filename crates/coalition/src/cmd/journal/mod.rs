//! `coalition journal`: into the journal of a network that is not running.

mod offline;
mod progress;
mod rebuild;
mod ship;
mod skip;
mod tail;
mod verify;
mod words;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

/// Look into the journal of a network that is not running, verify its projection, rebuild it, bring it to another
/// machine, or let a shard go on
/// behind a gap of its inbox.
///
/// The journal holds every decision and is the only truth; the projection is what was derived from it, so that balances are at
/// hand. These commands work on the data folder itself, which one process at a time may use: stop the network first.
#[derive(Subcommand)]
pub(crate) enum Command {
    Tail(tail::Args),
    Verify(verify::Args),
    Rebuild(rebuild::Args),
    Skip(skip::Args),
    Export(ship::ExportArgs),
    Import(ship::ImportArgs),
}

pub(crate) fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Tail(args) => tail::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Rebuild(args) => rebuild::run(&args),
        Command::Skip(args) => skip::run(&args),
        Command::Export(args) => ship::export(&args),
        Command::Import(args) => ship::import(&args),
    }
}
