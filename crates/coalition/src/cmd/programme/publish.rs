//! `coalition programme publish`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use coalition_domain::RequestId;
use coalition_proto::programme::v1::PublishProgrammeVersionRequest;

use super::{show, validate};
use crate::client::{Options, note, request_id, run as connect};

/// Publish a version of a programme.
///
/// The document is checked first, and sent only when it has no fault. The first version may take effect in the past, a later one
/// has to take effect a minute from now at the soonest, so that the whole network has it by then. Needs an operator's key.
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
    if let Err(faults) = parsed {
        note(validate::lines(&args.file, &faults).trim_end());
        note("error: the document has faults; nothing was published");
        return Ok(ExitCode::FAILURE);
    }
    let id = request_id(args.request_id);
    connect(&args.options, async |session| {
        let query = PublishProgrammeVersionRequest { document, request_id: id.to_string() };
        let version = session.change("publish the programme", query).await?;
        args.options.answer(|| show::version_json(&version), |_| show::version_line(&version))
    })
}
