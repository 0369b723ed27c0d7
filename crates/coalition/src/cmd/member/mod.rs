//! `coalition member`: who they are, what they have, what happened.

mod activity;
mod balance;
mod consent;
mod identity;
mod link;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

/// Look members up: who they are, what they have, what happened.
///
/// A member is named by members/UUID, by the UUID alone, or by an identifier: --email-hash, --card-token or --customer. Nothing
/// here says who a person is: addresses and card numbers are neither taken nor shown.
#[derive(Subcommand)]
pub(crate) enum Command {
    Enrol(identity::EnrolArgs),
    Show(identity::ShowArgs),
    Lookup(identity::LookupArgs),
    Balance(balance::Args),
    Activity(activity::Args),
    Link(link::LinkArgs),
    Unlink(link::UnlinkArgs),
    Identifiers(link::ListArgs),
    #[command(subcommand)]
    Consent(consent::Command),
}

pub(crate) fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Enrol(args) => identity::enrol(&args),
        Command::Show(args) => identity::show(&args),
        Command::Lookup(args) => identity::lookup(&args),
        Command::Balance(args) => balance::run(&args),
        Command::Activity(args) => activity::run(&args),
        Command::Link(args) => link::link(&args),
        Command::Unlink(args) => link::unlink(&args),
        Command::Identifiers(args) => link::list(&args),
        Command::Consent(command) => consent::run(command),
    }
}
