//! `coalition member`: who they are, what they have, what happened.

mod activity;
mod balance;
mod identity;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

/// Look members up: who they are, what they have, what happened.
///
/// A member is named by members/UUID, by the UUID alone, or by an identifier: --email-hash, --card-token or --customer. Nothing
/// here says who a person is: addresses and card numbers are neither taken nor shown.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Enrol a member on an identifier.
    Enrol(identity::EnrolArgs),
    /// Show a member and the consents they gave.
    Show(identity::ShowArgs),
    /// Print the name of the member that an identifier stands for.
    Lookup(identity::LookupArgs),
    /// Show what a member can spend, what waits and what lapses.
    Balance(balance::Args),
    /// List what happened on a member's account, newest first.
    Activity(activity::Args),
}

pub(crate) fn run(args: Args) -> Result<ExitCode> {
    match args.command {
        Command::Enrol(args) => identity::enrol(&args),
        Command::Show(args) => identity::show(&args),
        Command::Lookup(args) => identity::lookup(&args),
        Command::Balance(args) => balance::run(&args),
        Command::Activity(args) => activity::run(&args),
    }
}
