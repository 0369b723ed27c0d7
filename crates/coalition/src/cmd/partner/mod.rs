//! `coalition partner`: partners, their contracts and their keys.

mod change;
mod contract;
mod key;
mod keys;
mod register;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

/// Register and change partners, suspend and resume them, agree prices with them, make and revoke their keys.
///
/// What an operator does first on a new network, with the key that `coalition serve` left in operator.key of its data folder.
#[derive(Subcommand)]
pub(crate) enum Command {
    Create(register::CreateArgs),
    List(register::ListArgs),
    Update(change::UpdateArgs),
    Suspend(change::SuspendArgs),
    Resume(change::ResumeArgs),
    Contract(contract::Args),
    Key(key::Args),
    RevokeKey(key::RevokeArgs),
    Keys(keys::Args),
}

pub(crate) fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Create(args) => register::create(&args),
        Command::List(args) => register::list(&args),
        Command::Update(args) => change::update(&args),
        Command::Suspend(args) => change::suspend(&args),
        Command::Resume(args) => change::resume(&args),
        Command::Contract(args) => contract::run(&args),
        Command::Key(args) => key::run(&args),
        Command::RevokeKey(args) => key::revoke(&args),
        Command::Keys(args) => keys::run(&args),
    }
}
