//! `coalition statement`: who owes whom.

mod network;
mod partner;

use std::process::ExitCode;

use anyhow::Result;
use coalition_domain::{PartnerId, ProgrammeId, Timestamp};

use crate::client::failure::Trouble;
use crate::client::names::{hour, partner as partner_id, programme};
use crate::client::{Options, run as connect};

/// Show what a partner owes and is owed, or who owes what in the whole programme.
///
/// The operator clears between the partners: who funds points pays for them when they are issued, who delivers rewards is paid
/// for the points burnt. A net amount above zero is to be paid by the partner. With --all it shows every party's net position
/// and whose points were burnt where.
///
/// Example: coalition statement cdnow --programme mypoints --from 2026-01-01 --to 2026-02-01
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The partner; with a partner's own key it may be left out.
    #[arg(value_parser = partner_id, conflicts_with = "all")]
    partner: Option<PartnerId>,
    /// Of which programme.
    #[arg(long, value_parser = programme)]
    programme: ProgrammeId,
    /// First recorded time that counts, a full hour or a day; without it from the beginning.
    #[arg(long, value_name = "TIME", value_parser = hour)]
    from: Option<Timestamp>,
    /// First recorded time that counts no more, a full hour or a day; without it up to now.
    #[arg(long, value_name = "TIME", value_parser = hour)]
    to: Option<Timestamp>,
    /// Net positions of all parties, and points burnt by issuer and redeemer.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    options: Options,
}

pub(crate) fn run(args: Args) -> Result<ExitCode> {
    if let (Some(from), Some(to)) = (args.from, args.to)
        && to < from
    {
        return Err(Trouble::Usage("--to lies before --from".to_owned()).into());
    }
    connect(&args.options, async |session| {
        if args.all { network::run(&session, &args).await } else { partner::run(&session, &args).await }
    })
}
