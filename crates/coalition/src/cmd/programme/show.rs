//! `coalition programme list` and `coalition programme show`.

use std::process::ExitCode;

use anyhow::Result;
use coalition_domain::ProgrammeId;
use coalition_proto::catalogue::v1::{ListRewardsRequest, Reward};
use coalition_proto::programme::v1::{
    GetProgrammeRequest, GetProgrammeVersionRequest, ListProgrammesRequest, Programme, ProgrammeVersion,
    ProgrammeVersionState,
};
use serde_json::{Value, json};

use crate::client::advice::READING_VERSION;
use crate::client::names::{programme, programme_name, short};
use crate::client::text::{bought, grouped, time};
use crate::client::{Align, Options, Session, Style, Table, json, run as connect};

/// Items asked for at once.
const PAGE: i32 = 1_000;

/// List the programmes.
///
/// Example: coalition programme list
#[derive(clap::Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    options: Options,
}

/// Show a programme: which version is in force, and what can be had for its points.
///
/// With --version-number it prints that version's document instead, with its rules, byte for byte as it was published, which
/// needs an operator's key.
///
/// Example: coalition programme show mypoints
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The programme.
    #[arg(value_parser = programme)]
    programme: ProgrammeId,
    /// Print the document of this version, 1 or more.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    version_number: Option<u32>,
    #[command(flatten)]
    options: Options,
}

pub(super) fn list(args: &ListArgs) -> Result<ExitCode> {
    connect(&args.options, async |session| {
        let query = ListProgrammesRequest { page_size: PAGE, ..ListProgrammesRequest::default() };
        let programmes = session.list("list the programmes", query).await?;
        let document = || json!({ "programmes": programmes.iter().map(as_json).collect::<Vec<_>>() });
        args.options.answer(document, |style| table(&programmes, style))
    })
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let name = programme_name(&args.programme);
    connect(&args.options, async |session| {
        if let Some(number) = args.version_number {
            let query =
                GetProgrammeVersionRequest { name: format!("{name}/versions/{number}"), min_position: None };
            let found = session.ask(READING_VERSION, query).await?;
            return args.options.answer(|| version_json(&found), |_| found.document.clone());
        }
        let query = GetProgrammeRequest { name: name.clone(), min_position: None };
        let programme = session.ask("read the programme", query).await?;
        // Before its first version is in force there is no catalogue to ask for.
        let rewards =
            if programme.version_in_force == 0 { Vec::new() } else { rewards(&session, &name).await? };
        let document = || {
            let mut document = as_json(&programme);
            document["rewards"] = rewards.iter().map(reward_json).collect();
            document
        };
        args.options.answer(document, |style| text(&programme, &rewards, style))
    })
}

async fn rewards(session: &Session, programme: &str) -> Result<Vec<Reward>> {
    let programme = programme.to_owned();
    let query = ListRewardsRequest { programme, page_size: PAGE, ..ListRewardsRequest::default() };
    session.list("list the rewards", query).await
}

fn table(programmes: &[Programme], style: Style) -> String {
    if programmes.is_empty() {
        return "no programmes yet; `coalition programme publish FILE` publishes one\n".to_owned();
    }
    let mut table = Table::new(&[
        ("programme", Align::Left),
        ("name", Align::Left),
        ("version in force", Align::Right),
        ("first published", Align::Left),
    ]);
    for programme in programmes {
        table.row([
            short(&programme.name).to_owned(),
            programme.display_name.clone(),
            in_force(programme),
            time(programme.create_time.as_ref()),
        ]);
    }
    table.render(style)
}

fn in_force(programme: &Programme) -> String {
    match programme.version_in_force {
        0 => "none yet".to_owned(),
        number => number.to_string(),
    }
}

fn text(programme: &Programme, rewards: &[Reward], style: Style) -> String {
    let mut text = format!(
        "{}: {}\nversion in force  {}\nfirst published   {}\n",
        short(&programme.name),
        programme.display_name,
        in_force(programme),
        time(programme.create_time.as_ref())
    );
    let mut table = Table::new(&[
        ("reward", Align::Left),
        ("name", Align::Left),
        ("points", Align::Right),
        ("redeemer", Align::Left),
        ("buys", Align::Left),
        ("from", Align::Left),
        ("until", Align::Left),
    ]);
    for reward in rewards {
        table.row([
            short(&reward.name).to_owned(),
            reward.display_name.clone(),
            grouped(reward.points),
            format!("{}{}", short(&reward.redeemer), if reward.suspended { " (suspended)" } else { "" }),
            bought("", reward.buys.as_ref()).trim().to_owned(),
            time(reward.start_time.as_ref()),
            time(reward.end_time.as_ref()),
        ]);
    }
    if !table.is_empty() {
        text.push('\n');
        text.push_str(&table.render(style));
    }
    text
}

/// A version that was published, in one line.
pub(super) fn version_line(version: &ProgrammeVersion) -> String {
    let from = time(version.effective_time.as_ref());
    format!("{}: {}, for events from {from}\n", version.name, state(version).replace('_', " "))
}

/// A version that was published or read.
pub(super) fn version_json(version: &ProgrammeVersion) -> Value {
    let hash: String = version.document_hash.iter().map(|byte| format!("{byte:02x}")).collect();
    json!({
        "name": version.name,
        "state": state(version),
        "effective_time": json::time(version.effective_time.as_ref()),
        "document": (!version.document.is_empty()).then_some(&version.document),
        "document_hash": hash,
        "create_time": json::time(version.create_time.as_ref()),
        "position": json::position(version.position.as_ref()),
    })
}

fn state(version: &ProgrammeVersion) -> &'static str {
    match version.state() {
        ProgrammeVersionState::Unspecified => "unknown",
        ProgrammeVersionState::Pending => "pending",
        ProgrammeVersionState::InForce => "in_force",
        ProgrammeVersionState::Void => "void",
    }
}

fn as_json(programme: &Programme) -> Value {
    json!({
        "name": programme.name,
        "display_name": programme.display_name,
        "version_in_force": programme.version_in_force,
        "create_time": json::time(programme.create_time.as_ref()),
    })
}

fn reward_json(reward: &Reward) -> Value {
    let limit = |points: i64| (points > 0).then_some(points);
    json!({
        "name": reward.name,
        "display_name": reward.display_name,
        "redeemer": reward.redeemer,
        "suspended": reward.suspended,
        "points": reward.points,
        "buys": json::bought(reward.buys.as_ref()),
        "min_points": limit(reward.min_points),
        "max_points": limit(reward.max_points),
        "max_points_per_year": limit(reward.max_points_per_year),
        "start_time": json::time(reward.start_time.as_ref()),
        "end_time": json::time(reward.end_time.as_ref()),
    })
}
