//! `coalition redemption`: what can be done about a redemption afterwards.

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;
use coalition_proto::redemption::v1::RefundRedemptionRequest;

use super::hold::Asked;
use super::redeem;
use crate::client::run as connect;

/// Undo redemptions.
#[derive(Subcommand)]
pub(crate) enum Command {
    Refund(RefundArgs),
}

/// Give the points of a redemption back, all of them: to the lots that they came from, with their expiry.
///
/// Example: coalition redemption refund members/6ba7b810-9dad-11d1-80b4-00c04fd430c8/redemptions/8
#[derive(clap::Args)]
pub(crate) struct RefundArgs {
    /// The redemption: members/UUID/redemptions/NUMBER.
    redemption: String,
    #[command(flatten)]
    asked: Asked,
}

pub(crate) fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Refund(args) => refund(args),
    }
}

fn refund(args: RefundArgs) -> Result<ExitCode> {
    connect(&args.asked.options, async |session| {
        let id = args.asked.id();
        let query = RefundRedemptionRequest { name: args.redemption.clone(), request_id: id.to_string() };
        let redemption = session.change("refund the redemption", query).await?;
        let document = || redeem::as_json(&redemption, id);
        args.asked.options.answer(document, |style| redeem::text(&redemption, style))
    })
}
