//! `coalition member enrol`, `show` and `lookup`.

use std::process::ExitCode;

use anyhow::Result;
use coalition_domain::RequestId;
use coalition_proto::member::v1::{
    Consent, CreateMemberRequest, GetMemberRequest, LookupMemberRequest, Member,
};
use serde_json::{Value, json};

use crate::client::names::short;
use crate::client::text::time;
use crate::client::{
    Align, IdentifierArgs, MemberArgs, Options, Style, Table, json, note, request_id, run as connect,
};

/// Enrol a member on an identifier.
///
/// Points that the identifier has gathered before become the member's. Prints the member.
///
/// Example: coalition member enrol --customer cdnow:00001
#[derive(clap::Args)]
pub(crate) struct EnrolArgs {
    #[command(flatten)]
    identifier: IdentifierArgs,
    /// The id of this request, to repeat one of the same key whose answer was lost; without it a new one is made.
    #[arg(long, value_name = "UUID")]
    request_id: Option<RequestId>,
    #[command(flatten)]
    options: Options,
}

/// Show a member and the consents they gave.
///
/// Example: coalition member show --customer cdnow:00001
#[derive(clap::Args)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    member: MemberArgs,
    #[command(flatten)]
    options: Options,
}

/// Print the name of the member that an identifier stands for.
///
/// It is what all other commands take, and what the API calls the member.
///
/// Example: coalition member lookup --customer cdnow:00001
#[derive(clap::Args)]
pub(crate) struct LookupArgs {
    #[command(flatten)]
    identifier: IdentifierArgs,
    #[command(flatten)]
    options: Options,
}

pub(super) fn enrol(args: &EnrolArgs) -> Result<ExitCode> {
    let id = request_id(args.request_id);
    if args.request_id.is_none() {
        note(&format!("request id {id}"));
    }
    connect(&args.options, async |session| {
        let query = CreateMemberRequest {
            identifier: Some(args.identifier.identifier()),
            request_id: id.to_string(),
        };
        let member = session.change("enrol the member", query).await?;
        args.options.answer(|| as_json(&member), |style| text(&member, style))
    })
}

pub(super) fn show(args: &ShowArgs) -> Result<ExitCode> {
    connect(&args.options, async |session| {
        let query = GetMemberRequest { name: session.member_name(&args.member).await?, min_position: None };
        let member = session.ask("read the member", query).await?;
        args.options.answer(|| as_json(&member), |style| text(&member, style))
    })
}

pub(super) fn lookup(args: &LookupArgs) -> Result<ExitCode> {
    connect(&args.options, async |session| {
        let query =
            LookupMemberRequest { identifier: Some(args.identifier.identifier()), min_position: None };
        let member = session.ask("look the member up", query).await?;
        args.options.answer(|| as_json(&member), |_| format!("{}\n", member.name))
    })
}

fn text(member: &Member, style: Style) -> String {
    let through = match short(&member.enrolling_partner) {
        "" => "the operator",
        partner => partner,
    };
    let mut text =
        format!("{}\nenrolled  {} through {through}\n", member.name, time(member.create_time.as_ref()));
    let mut table = Table::new(&[("consent", Align::Left), ("", Align::Left), ("since", Align::Left)]);
    for consent in &member.consents {
        let state = if consent.given { "given" } else { "withdrawn" };
        table.row([consent.purpose.clone(), state.to_owned(), time(consent.update_time.as_ref())]);
    }
    if !table.is_empty() {
        text.push('\n');
        text.push_str(&table.render(style));
    }
    text
}

fn as_json(member: &Member) -> Value {
    json!({
        "name": member.name,
        "create_time": json::time(member.create_time.as_ref()),
        "enrolling_partner": json::name(&member.enrolling_partner),
        "consents": member.consents.iter().map(consent_json).collect::<Vec<_>>(),
        "position": json::position(member.position.as_ref()),
    })
}

/// What a member said on a purpose.
pub(super) fn consent_json(consent: &Consent) -> Value {
    json!({
        "name": consent.name,
        "purpose": consent.purpose,
        "given": consent.given,
        "update_time": json::time(consent.update_time.as_ref()),
    })
}
