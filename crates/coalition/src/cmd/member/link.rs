//! `coalition member link`, `unlink` and `identifiers`.

use std::process::ExitCode;

use anyhow::Result;
use coalition_domain::{AccountId, RequestId};
use coalition_proto::member::v1::{
    CreateIdentifierRequest, DeleteIdentifierRequest, ListIdentifiersRequest, MemberIdentifier,
};
use coalition_proto::r#type::v1::{Identifier, IdentifierScheme};
use serde_json::{Value, json};

use crate::client::advice::UNLINKING;
use crate::client::names::{member, member_name, short};
use crate::client::text::time;
use crate::client::{
    Align, IdentifierArgs, MemberArgs, Options, Table, json, note, request_id, run as connect,
};

/// Link a further identifier to a member.
///
/// What the identifier has earned is the member's from then on, and what comes for it later, too. The first link of an
/// identifier wins; one that was enrolled by request, or with which a member did something, can't be linked. Prints the identifier.
///
/// Example: coalition member link --card-token tok_1 --to members/0190b9a8-1e1f-7cc3-98c4-dc0c0c07398f
#[derive(clap::Args)]
pub(crate) struct LinkArgs {
    #[command(flatten)]
    identifier: IdentifierArgs,
    /// The member: members/UUID, or the UUID alone.
    #[arg(long, value_name = "MEMBER", value_parser = member)]
    to: AccountId,
    /// The id of this request, to repeat one of the same key whose answer was lost; without it a new one is made.
    #[arg(long, value_name = "UUID")]
    request_id: Option<RequestId>,
    #[command(flatten)]
    options: Options,
}

/// Unlink an identifier from its member.
///
/// What it has brought stays with the member; what comes for it later is its own, until it is linked again. The identifier
/// that the member enrolled on stays. Prints the identifier that it was.
///
/// Example: coalition member unlink --customer cdnow:00001 1
#[derive(clap::Args)]
#[command(allow_missing_positional = true)]
pub(crate) struct UnlinkArgs {
    #[command(flatten)]
    member: MemberArgs,
    /// The identifier's number, as `coalition member identifiers` tells it.
    #[arg(value_name = "NO")]
    number: u32,
    /// The id of this request, to repeat one of the same key whose answer was lost; without it a new one is made.
    #[arg(long, value_name = "UUID")]
    request_id: Option<RequestId>,
    #[command(flatten)]
    options: Options,
}

/// List the identifiers of a member.
///
/// The one that they enrolled on comes first.
///
/// Example: coalition member identifiers --customer cdnow:00001
#[derive(clap::Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    member: MemberArgs,
    #[command(flatten)]
    options: Options,
}

pub(super) fn link(args: &LinkArgs) -> Result<ExitCode> {
    let id = request_id(args.request_id);
    if args.request_id.is_none() {
        note(&format!("request id {id}"));
    }
    connect(&args.options, async |session| {
        let query = CreateIdentifierRequest {
            parent: member_name(&args.to),
            identifier: Some(args.identifier.identifier()),
            request_id: id.to_string(),
        };
        let linked = session.change("link the identifier", query).await?;
        args.options.answer(|| as_json(&linked), |style| table(std::slice::from_ref(&linked)).render(style))
    })
}

pub(super) fn unlink(args: &UnlinkArgs) -> Result<ExitCode> {
    let id = request_id(args.request_id);
    if args.request_id.is_none() {
        note(&format!("request id {id}"));
    }
    connect(&args.options, async |session| {
        let member = session.member_name(&args.member).await?;
        let name = format!("{member}/identifiers/{}", args.number);
        let query = DeleteIdentifierRequest { name, request_id: id.to_string() };
        let unlinked = session.change(UNLINKING, query).await?;
        args.options
            .answer(|| as_json(&unlinked), |style| table(std::slice::from_ref(&unlinked)).render(style))
    })
}

pub(super) fn list(args: &ListArgs) -> Result<ExitCode> {
    connect(&args.options, async |session| {
        let parent = session.member_name(&args.member).await?;
        let query = ListIdentifiersRequest { parent, ..ListIdentifiersRequest::default() };
        let listed = session.list("list the identifiers", query).await?;
        let document = || json!({ "identifiers": listed.iter().map(as_json).collect::<Vec<_>>() });
        args.options.answer(document, |style| table(&listed).render(style))
    })
}

fn table(listed: &[MemberIdentifier]) -> Table {
    let columns =
        [("no", Align::Right), ("since", Align::Left), ("kind", Align::Left), ("value", Align::Left)];
    let mut table = Table::new(&columns);
    for linked in listed {
        let (kind, value) = linked.identifier.as_ref().map(told).unwrap_or_default();
        table.row([short(&linked.name).to_owned(), time(linked.create_time.as_ref()), kind, value]);
    }
    table
}

fn told(identifier: &Identifier) -> (String, String) {
    let kind = match identifier.scheme() {
        IdentifierScheme::Unspecified => "unknown".to_owned(),
        IdentifierScheme::EmailHash => "email hash".to_owned(),
        IdentifierScheme::CardToken => "card token".to_owned(),
        IdentifierScheme::CustomerNumber => format!("customer of {}", short(&identifier.scope)),
    };
    (kind, identifier.value.clone())
}

fn as_json(linked: &MemberIdentifier) -> Value {
    let identifier = linked.identifier.clone().unwrap_or_default();
    json!({
        "name": linked.name,
        "scheme": identifier.scheme().as_str_name(),
        "scope": json::name(&identifier.scope),
        "value": identifier.value,
        "create_time": json::time(linked.create_time.as_ref()),
        "position": json::position(linked.position.as_ref()),
    })
}
