//! `coalition member consent`.

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;
use coalition_domain::{Purpose, RequestId};
use coalition_proto::member::v1::{Consent, GetConsentRequest, UpdateConsentRequest};

use super::identity::consent_json;
use crate::client::text::time;
use crate::client::{MemberArgs, Options, note, request_id, run as connect};

/// Show, give and withdraw a member's consent to a purpose.
#[derive(Subcommand)]
pub(crate) enum Command {
    Show(ShowArgs),
    Give(GiveArgs),
    Withdraw(WithdrawArgs),
}

/// Show whether a member permits a purpose.
///
/// A partner sees the consents that it needs for its own events and calls.
///
/// Example: coalition member consent show --customer cdnow:00001 commercial-offers
#[derive(clap::Args)]
#[command(allow_missing_positional = true)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    of: Of,
    #[command(flatten)]
    options: Options,
}

/// Give a consent in the member's name.
///
/// Events that wait for it are decided at once. Who may sign a member in is said by that partner's own event.
///
/// Example: coalition member consent give --customer cdnow:00001 commercial-offers
#[derive(clap::Args)]
#[command(allow_missing_positional = true)]
pub(crate) struct GiveArgs {
    #[command(flatten)]
    change: Change,
}

/// Withdraw a consent in the member's name.
///
/// Points that it has earned stay. To withdraw sign-in keeps every partner from signing the member in.
///
/// Example: coalition member consent withdraw --customer cdnow:00001 commercial-offers
#[derive(clap::Args)]
#[command(allow_missing_positional = true)]
pub(crate) struct WithdrawArgs {
    #[command(flatten)]
    change: Change,
}

/// Whose consent to what.
#[derive(clap::Args)]
struct Of {
    #[command(flatten)]
    member: MemberArgs,
    /// The purpose, such as commercial-offers.
    #[arg(value_parser = purpose)]
    purpose: Purpose,
}

#[derive(clap::Args)]
struct Change {
    #[command(flatten)]
    of: Of,
    /// The id of this request, to repeat one of the same key whose answer was lost; without it a new one is made.
    #[arg(long, value_name = "UUID")]
    request_id: Option<RequestId>,
    #[command(flatten)]
    options: Options,
}

fn purpose(text: &str) -> Result<Purpose, String> {
    Purpose::new(text).map_err(|error| error.to_string())
}

pub(super) fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Show(args) => show(&args),
        Command::Give(args) => change(&args.change, true),
        Command::Withdraw(args) => change(&args.change, false),
    }
}

fn show(args: &ShowArgs) -> Result<ExitCode> {
    connect(&args.options, async |session| {
        let member = session.member_name(&args.of.member).await?;
        let query = GetConsentRequest { name: name(&member, &args.of.purpose), min_position: None };
        let consent = session.ask("read the consent", query).await?;
        args.options.answer(|| consent_json(&consent), |_| text(&consent))
    })
}

fn change(args: &Change, given: bool) -> Result<ExitCode> {
    let id = request_id(args.request_id);
    if args.request_id.is_none() {
        note(&format!("request id {id}"));
    }
    connect(&args.options, async |session| {
        let member = session.member_name(&args.of.member).await?;
        let consent = Consent { name: name(&member, &args.of.purpose), given, ..Consent::default() };
        let query =
            UpdateConsentRequest { consent: Some(consent), update_mask: None, request_id: id.to_string() };
        let doing = if given { "give the consent" } else { "withdraw the consent" };
        let consent = session.change(doing, query).await?;
        args.options.answer(|| consent_json(&consent), |_| text(&consent))
    })
}

fn name(member: &str, purpose: &Purpose) -> String {
    format!("{member}/consents/{purpose}")
}

fn text(consent: &Consent) -> String {
    let state = match (consent.given, &consent.update_time) {
        (true, _) => "given",
        (false, Some(_)) => "withdrawn",
        (false, None) => "not given",
    };
    let since = time(consent.update_time.as_ref());
    let since = if since.is_empty() { since } else { format!(" since {since}") };
    format!("{} {state}{since}\n", consent.purpose)
}
