//! One partner's statement as CSV.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use coalition_proto::settlement::v1::ExportSettlementStatementRequest;

use super::{Args, Period};
use crate::client::Session;
use crate::client::failure::CallFailed;
use crate::client::names::partner_name;

const DOING: &str = "export the statement";

pub(super) async fn run(session: &Session, args: &Args, period: Period, file: &Path) -> Result<ExitCode> {
    let query = ExportSettlementStatementRequest {
        partner: args.partner.as_ref().map(partner_name).unwrap_or_default(),
        programme: args.programme(),
        start_time: period.from,
        end_time: period.to,
        min_positions: Vec::new(),
        positions: args.positions.clone(),
    };
    let mut parts = session.ask(DOING, query).await?;
    let mut document = Vec::new();
    while let Some(part) = parts.message().await.map_err(|status| CallFailed::new(DOING, status.into()))? {
        document.extend(part.content);
    }
    // Written when all of it is there: half a statement is worse than none.
    if file == Path::new("-") {
        match io::stdout().lock().write_all(&document) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
            done => done.context("write the answer")?,
        }
    } else {
        let doing = || format!("write {}", file.display());
        let mut written = File::create(file).with_context(doing)?;
        written.write_all(&document).and_then(|()| written.sync_all()).with_context(doing)?;
    }
    Ok(ExitCode::SUCCESS)
}
