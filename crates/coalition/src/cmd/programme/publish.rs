//! `coalition programme publish`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use coalition_domain::RequestId;
use coalition_proto::programme::v1::{
    GetProgrammeVersionRequest, ListProgrammeVersionsRequest, ProgrammeVersion, ProgrammeVersionState,
    PublishProgrammeVersionRequest,
};
use coalition_proto::r#type::v1::ErrorReason;

use super::{show, validate};
use crate::client::failure::is;
use crate::client::names::{programme_name, short};
use crate::client::{Options, Session, note, request_id, run as connect};

/// What a person is told is being done.
const DOING: &str = "publish the programme";

/// Publish a version of a programme.
///
/// The document is checked first, and sent only when it has no fault. The first version may take effect in the past, a later one
/// has to take effect a minute from now at the soonest, so that the whole network has it by then. A document that is the newest
/// version already is not published again. Needs an operator's key.
///
/// Example: coalition programme publish mypoints.toml
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The document.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The id of this request, to repeat one of the same key whose answer was lost; without it a new one is made.
    #[arg(long, value_name = "UUID")]
    request_id: Option<RequestId>,
    #[command(flatten)]
    options: Options,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let (document, parsed) = validate::read(&args.file)?;
    let programme = match parsed {
        Ok(programme) => programme_name(&programme.id),
        Err(faults) => {
            note(validate::lines(&args.file, &faults).trim_end());
            bail!("the document has faults; nothing was published");
        }
    };
    let id = request_id(args.request_id);
    connect(&args.options, async |session| {
        // A repeat under its id gets the first answer.
        let newest = if args.request_id.is_some() { None } else { newest(&session, &programme).await? };
        if let Some(version) = newest.filter(|it| it.document == document && !is_void(it)) {
            note(&format!("the document is version {} already; nothing was published", short(&version.name)));
            return args.options.answer(|| show::version_json(&version), |_| show::version_line(&version));
        }
        let query = PublishProgrammeVersionRequest { document, request_id: id.to_string() };
        let version = session.change(DOING, query).await?;
        args.options.answer(|| show::version_json(&version), |_| show::version_line(&version))
    })
}

/// The version that was published last, with its document; none before the first.
async fn newest(session: &Session, programme: &str) -> Result<Option<ProgrammeVersion>> {
    let programme = programme.to_owned();
    let query =
        ListProgrammeVersionsRequest { programme, page_size: 1, ..ListProgrammeVersionsRequest::default() };
    let listed = match session.ask(DOING, query).await {
        Ok(listed) => listed.versions,
        Err(error) if is(&error, ErrorReason::UnknownProgramme) => return Ok(None),
        Err(error) => return Err(error),
    };
    let Some(version) = listed.into_iter().next() else { return Ok(None) };
    let query = GetProgrammeVersionRequest { name: version.name, min_position: None };
    session.ask(DOING, query).await.map(Some)
}

/// One that never applies is none to leave it at.
fn is_void(version: &ProgrammeVersion) -> bool {
    version.state() == ProgrammeVersionState::Void
}
