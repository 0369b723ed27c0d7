//! `coalition`: the coalition points network in one binary.

mod client;
mod cmd;
mod config;
mod demo;
mod folder;
mod log;
mod node;
mod observe;
mod office;
mod peers;
mod renew;
mod stop;

use std::process::ExitCode;

use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};

/// Accounts are many small values, of which shards and checkpoints copy and free some all the time: a quarter less of the
/// processor's time than with the system's allocator (docs/benchmarks.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A coalition points network: partners publish what happened, members earn and redeem everywhere, billing settles.
#[derive(Parser)]
#[command(name = "coalition", version, about, propagate_version = true, max_term_width = 100, after_help = AFTER_HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Start with the demo, which needs nothing else:
  coalition demo

Exit codes: 0 done, 1 failed, 2 wrong arguments, 3 refused by the network, 4 not found, 5 not reachable or not ready (try again).";

/// The commands; what each does is said where its arguments are, and its help shows it from there.
#[derive(Subcommand)]
enum Command {
    Demo(demo::Args),
    Serve(cmd::serve::Args),
    #[command(subcommand)]
    Programme(cmd::programme::Command),
    #[command(subcommand)]
    Partner(cmd::partner::Command),
    #[command(subcommand)]
    Member(cmd::member::Command),
    #[command(subcommand)]
    Token(cmd::token::Command),
    Redeem(cmd::redeem::Args),
    #[command(subcommand)]
    Hold(cmd::hold::Command),
    #[command(subcommand)]
    Redemption(cmd::redemption::Command),
    #[command(subcommand)]
    Adjustment(cmd::adjustment::Command),
    Statement(cmd::statement::Statement),
    Publish(cmd::publish::Args),
    // Larger than the others by far.
    Event(Box<cmd::event::Event>),
    Rejected(cmd::rejected::Args),
    #[command(subcommand)]
    Topics(cmd::topics::Command),
    #[command(subcommand)]
    Journal(cmd::journal::Command),
    Completions(cmd::completions::Args),
}

fn main() -> ExitCode {
    let matches = Cli::command().get_matches();
    let json = for_a_program(&matches);
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let done = match cli.command {
        Command::Demo(args) => demo::run(args),
        Command::Serve(args) => cmd::serve::run(args),
        Command::Programme(command) => cmd::programme::run(command),
        Command::Partner(command) => cmd::partner::run(command),
        Command::Member(command) => cmd::member::run(command),
        Command::Token(command) => cmd::token::run(command),
        Command::Redeem(args) => cmd::redeem::run(args),
        Command::Hold(command) => cmd::hold::run(command),
        Command::Redemption(command) => cmd::redemption::run(command),
        Command::Adjustment(command) => cmd::adjustment::run(command),
        Command::Statement(args) => cmd::statement::run(args),
        Command::Publish(args) => cmd::publish::run(args),
        Command::Event(args) => cmd::event::run(*args),
        Command::Rejected(args) => cmd::rejected::run(args),
        Command::Topics(command) => cmd::topics::run(command),
        Command::Journal(command) => cmd::journal::run(command),
        Command::Completions(args) => cmd::completions::run(&args, Cli::command()),
    };
    match done {
        Ok(code) => code,
        Err(error) => client::failure::report(&error, json),
    }
}

/// Whether the command that was given was asked for JSON.
fn for_a_program(matches: &ArgMatches) -> bool {
    let asked = matches.try_get_one::<bool>("json").ok().flatten().copied();
    asked.or_else(|| matches.subcommand().map(|(_, matches)| for_a_program(matches))).unwrap_or(false)
}
