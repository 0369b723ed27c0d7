//! `coalition partner create` and `coalition partner list`.

use std::process::ExitCode;

use anyhow::Result;
use coalition_domain::{PartnerId, ProgrammeId, RequestId};
use coalition_proto::partner::v1::{CreatePartnerRequest, ListPartnersRequest, Partner};
use coalition_proto::programme::v1::GetProgrammeRequest;
use coalition_proto::r#type::v1::ErrorReason;
use serde_json::{Value, json};

use crate::client::names::{label, partner, programme, programme_name, short};
use crate::client::text::time;
use crate::client::{Align, Options, Session, Style, Table, failure, json, note, request_id, run as connect};

/// Partners asked for at once.
const PAGE: i32 = 1_000;

/// Register a partner.
///
/// Creates the topics that it writes its events to. It earns or redeems nothing before prices are agreed with it
/// (`coalition partner contract`).
///
/// Example: coalition partner create cdnow --name CDNOW --programme mypoints
#[derive(clap::Args)]
pub(crate) struct CreateArgs {
    /// Its name in the network: 1 to 31 of a-z, 0-9, - and _, the first a letter or a digit.
    #[arg(value_parser = partner)]
    id: PartnerId,
    /// What it is called: 1 to 100 characters on one line.
    #[arg(long, value_parser = label)]
    name: String,
    /// The programme of events that name none; without it they are refused.
    #[arg(long, value_parser = programme)]
    programme: Option<ProgrammeId>,
    /// The id of this request, to repeat one of the same key whose answer was lost; without it a new one is made.
    #[arg(long, value_name = "UUID")]
    request_id: Option<RequestId>,
    #[command(flatten)]
    options: Options,
}

/// List the partners, by name.
///
/// Example: coalition partner list
#[derive(clap::Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    options: Options,
}

pub(super) fn create(args: &CreateArgs) -> Result<ExitCode> {
    let id = request_id(args.request_id);
    connect(&args.options, async |session| {
        let query = CreatePartnerRequest {
            partner_id: args.id.to_string(),
            display_name: args.name.clone(),
            default_programme: args.programme.as_ref().map(programme_name).unwrap_or_default(),
            request_id: id.to_string(),
        };
        let partner = session.change("register the partner", query).await?;
        if let Some(programme) = &args.programme {
            warn_of_unknown(&session, programme).await;
        }
        args.options.answer(|| as_json(&partner), |_| format!("registered {}\n", partner.name))
    })
}

/// Says so if the network has no such programme yet: partners may be registered before it is published.
pub(super) async fn warn_of_unknown(session: &Session, programme: &ProgrammeId) {
    let query = GetProgrammeRequest { name: programme_name(programme), min_position: None };
    let asked = session.ask("read the programme", query).await;
    // The partner is registered; that this can't be found out now is no failure of that.
    if asked.is_err_and(|error| failure::is(&error, ErrorReason::UnknownProgramme)) {
        note(&format!(
            "warning: the network has no programme {programme} yet; its events are refused until it is published"
        ));
    }
}

pub(super) fn list(args: &ListArgs) -> Result<ExitCode> {
    connect(&args.options, async |session| {
        let query = ListPartnersRequest { page_size: PAGE, ..ListPartnersRequest::default() };
        let partners = session.list("list the partners", query).await?;
        let document = || json!({ "partners": partners.iter().map(as_json).collect::<Vec<_>>() });
        args.options.answer(document, |style| text(&partners, style))
    })
}

fn text(partners: &[Partner], style: Style) -> String {
    if partners.is_empty() {
        return "no partners yet; `coalition partner create` registers one\n".to_owned();
    }
    let mut table = Table::new(&[
        ("partner", Align::Left),
        ("name", Align::Left),
        ("programme", Align::Left),
        ("since", Align::Left),
        ("suspended", Align::Left),
    ]);
    for partner in partners {
        table.row([
            short(&partner.name).to_owned(),
            partner.display_name.clone(),
            short(&partner.default_programme).to_owned(),
            time(partner.create_time.as_ref()),
            time(partner.suspend_time.as_ref()),
        ]);
    }
    table.render(style)
}

pub(super) fn as_json(partner: &Partner) -> Value {
    json!({
        "name": partner.name,
        "display_name": partner.display_name,
        "default_programme": json::name(&partner.default_programme),
        "create_time": json::time(partner.create_time.as_ref()),
        "suspend_time": json::time(partner.suspend_time.as_ref()),
        "position": json::position(partner.position.as_ref()),
    })
}
