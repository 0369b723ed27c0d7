//! `coalition statement`: who owes whom.

mod events;
mod export;
mod list;
mod network;
mod partner;
mod period;
mod position;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use coalition_domain::calendar::Zone;
use coalition_domain::{PartnerId, ProgrammeId};
use coalition_proto::r#type::v1::Position;

use self::period::{Bound, Period, bound};
use self::position::position;
use crate::client::names::{partner as partner_id, programme, programme_name};
use crate::client::{Options, run as connect};

/// Show what a partner owes and is owed, or who owes what in the whole programme.
///
/// The operator clears between the partners: who funds points pays for them when they are issued, who delivers rewards is paid
/// for the points burnt. A net amount above zero is to be paid by the partner. With --all it shows every party's net position
/// and whose points were burnt where.
///
/// Example: coalition statement cdnow --programme mypoints --from 2026-01-01 --to 2026-02-01
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Statement {
    #[command(flatten)]
    of: Args,
    #[command(subcommand)]
    command: Option<Command>,
}

/// What else there is to a statement.
#[derive(clap::Subcommand)]
enum Command {
    Events(events::Args),
    List(list::Args),
}

/// Whose statement, and of what.
#[derive(clap::Args)]
struct Args {
    /// The partner; with a partner's own key it may be left out.
    #[arg(value_parser = partner_id, conflicts_with = "all")]
    partner: Option<PartnerId>,
    /// Of which programme.
    #[arg(long, required = true, value_parser = programme)]
    programme: Option<ProgrammeId>,
    /// First recorded time that counts, a full hour or a day; without it from the beginning.
    #[arg(long, value_name = "TIME", value_parser = bound)]
    from: Option<Bound>,
    /// First recorded time that counts no more, a full hour or a day; without it up to now.
    #[arg(long, value_name = "TIME", value_parser = bound)]
    to: Option<Bound>,
    /// Where the days of --from and --to begin: a time zone such as Europe/Paris.
    #[arg(long, value_name = "ZONE", default_value = "UTC", value_parser = zone)]
    time_zone: Zone,
    /// Write one partner's statement as CSV to this file, or to standard output with -.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["all", "json"])]
    csv: Option<PathBuf>,
    /// Exactly as it was at these positions, as an earlier statement named them: SHARD:SEQ of every shard, separated by commas.
    #[arg(long, value_name = "POSITIONS", value_delimiter = ',', value_parser = position)]
    positions: Vec<Position>,
    /// Net positions of all parties, and points burnt by issuer and redeemer.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    options: Options,
}

pub(crate) fn run(statement: Statement) -> Result<ExitCode> {
    match &statement.command {
        Some(Command::Events(args)) => events::run(args),
        Some(Command::List(args)) => list::run(args),
        None => show(&statement.of),
    }
}

impl Args {
    /// The programme's name: it is asked for wherever a statement is.
    fn programme(&self) -> String {
        self.programme.as_ref().map(programme_name).unwrap_or_default()
    }
}

fn show(args: &Args) -> Result<ExitCode> {
    let period = Period::of(args.from.as_ref(), args.to.as_ref(), &args.time_zone)?;
    connect(&args.options, async |session| match (&args.csv, args.all) {
        (Some(file), _) => export::run(&session, args, period, file).await,
        (None, true) => network::run(&session, args, period).await,
        (None, false) => partner::run(&session, args, period).await,
    })
}

fn zone(text: &str) -> Result<Zone, String> {
    text.parse().map_err(|error: coalition_domain::calendar::NoZone| error.to_string())
}
