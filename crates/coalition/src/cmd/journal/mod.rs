//! `coalition journal`: into the journal of a network that is not running.

mod offline;
mod progress;
mod rebuild;
mod tail;
mod verify;
mod words;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

/// Look into the journal of a network that is not running, verify its projection, or rebuild it.
///
/// The journal holds every decision and is the only truth; the projection is what was derived from it, so that balances are at
/// hand. These commands work on the data folder itself, which one process at a time may use: stop the network first.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Print the last records of the journal, and what was decided in them.
    Tail(tail::Args),
    /// Replay the journal and compare what comes out with the stored projection.
    Verify(verify::Args),
    /// Set the stored projection aside and make it anew from the journal.
    Rebuild(rebuild::Args),
}

pub(crate) fn run(args: Args) -> Result<ExitCode> {
    match args.command {
        Command::Tail(args) => tail::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Rebuild(args) => rebuild::run(&args),
    }
}
