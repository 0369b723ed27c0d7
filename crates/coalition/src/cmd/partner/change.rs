//! `coalition partner update`, `coalition partner suspend` and `coalition partner resume`.

use std::process::ExitCode;

use anyhow::Result;
use coalition_domain::{PartnerId, ProgrammeId, RequestId};
use coalition_proto::partner::v1::{
    Partner, ResumePartnerRequest, SuspendPartnerRequest, UpdatePartnerRequest,
};
use prost_types::FieldMask;

use super::register::{as_json, warn_of_unknown};
use crate::client::names::{label, partner, partner_name, programme, programme_name};
use crate::client::text::time;
use crate::client::{Options, request_id, run as connect};

/// Change what a partner is called, or the programme of its events that name none.
///
/// Example: coalition partner update cdnow --name "CDnow Inc."
#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(true))]
pub(crate) struct UpdateArgs {
    /// The partner.
    #[arg(value_parser = partner)]
    partner: PartnerId,
    /// What it is called: 1 to 100 characters on one line.
    #[arg(long, group = "what", value_parser = label)]
    name: Option<String>,
    /// The programme of its events that name none.
    #[arg(long, group = "what", value_parser = programme)]
    programme: Option<ProgrammeId>,
    /// Refuse its events that name no programme.
    #[arg(long, group = "what", conflicts_with = "programme")]
    no_programme: bool,
    /// The id of this request, to repeat one of the same key whose answer was lost; without it a new one is made.
    #[arg(long, value_name = "UUID")]
    request_id: Option<RequestId>,
    #[command(flatten)]
    options: Options,
}

/// Let nothing begin at a partner until it is resumed.
///
/// Its events are refused, and can be sent again later with a higher revision; so are holds and redemptions of its rewards, and
/// what begins something with its keys. Returns, captures, releases and refunds go on, its keys read as before, points and
/// statements stay.
///
/// Example: coalition partner suspend cdnow
#[derive(clap::Args)]
pub(crate) struct SuspendArgs {
    #[command(flatten)]
    asked: Asked,
}

/// Let a suspended partner take part again.
///
/// Example: coalition partner resume cdnow
#[derive(clap::Args)]
pub(crate) struct ResumeArgs {
    #[command(flatten)]
    asked: Asked,
}

/// Which partner, and how the call is made.
#[derive(clap::Args)]
struct Asked {
    /// The partner.
    #[arg(value_parser = partner)]
    partner: PartnerId,
    /// The id of this request, to repeat one of the same key whose answer was lost; without it a new one is made.
    #[arg(long, value_name = "UUID")]
    request_id: Option<RequestId>,
    #[command(flatten)]
    options: Options,
}

pub(super) fn update(args: &UpdateArgs) -> Result<ExitCode> {
    let id = request_id(args.request_id);
    connect(&args.options, async |session| {
        let query = UpdatePartnerRequest {
            partner: Some(Partner {
                name: partner_name(&args.partner),
                display_name: args.name.clone().unwrap_or_default(),
                default_programme: args.programme.as_ref().map(programme_name).unwrap_or_default(),
                ..Partner::default()
            }),
            update_mask: Some(args.mask()),
            request_id: id.to_string(),
        };
        let partner = session.change("change the partner", query).await?;
        if let Some(programme) = &args.programme {
            warn_of_unknown(&session, programme).await;
        }
        args.options.answer(|| as_json(&partner), |_| format!("updated {}\n", partner.name))
    })
}

impl UpdateArgs {
    fn mask(&self) -> FieldMask {
        let programme = self.programme.is_some() || self.no_programme;
        let changed = [("display_name", self.name.is_some()), ("default_programme", programme)];
        let paths = changed.into_iter().filter(|(_, changes)| *changes).map(|(path, _)| path.to_owned());
        FieldMask { paths: paths.collect() }
    }
}

pub(super) fn suspend(SuspendArgs { asked }: &SuspendArgs) -> Result<ExitCode> {
    let (name, request_id) = (partner_name(&asked.partner), request_id(asked.request_id).to_string());
    connect(&asked.options, async |session| {
        let partner =
            session.change("suspend the partner", SuspendPartnerRequest { name, request_id }).await?;
        let since = time(partner.suspend_time.as_ref());
        asked.options.answer(|| as_json(&partner), |_| format!("{} suspended since {since}\n", partner.name))
    })
}

pub(super) fn resume(ResumeArgs { asked }: &ResumeArgs) -> Result<ExitCode> {
    let (name, request_id) = (partner_name(&asked.partner), request_id(asked.request_id).to_string());
    connect(&asked.options, async |session| {
        let partner = session.change("resume the partner", ResumePartnerRequest { name, request_id }).await?;
        asked.options.answer(|| as_json(&partner), |_| format!("{} takes part again\n", partner.name))
    })
}
