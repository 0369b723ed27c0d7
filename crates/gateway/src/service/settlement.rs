//! Who owes whom.

use std::collections::BTreeMap;
use std::sync::Arc;

use coalition_domain::settlement::LineKey;
use coalition_domain::{Currency, PartnerId, ProgrammeId};
use coalition_journal::entry::Seq;
use coalition_journal::log::Log;
use coalition_ledger::view::{Hours, SumsView};
use coalition_proto::settlement::v1 as proto;
use coalition_proto::settlement::v1::settlement_service_server::SettlementService;
use coalition_proto::r#type::v1::Position;
use tokio::time::Instant;
use tonic::{Request, Response, Status};

use super::Gateway;
use super::account::check_programme;
use super::partner::check_partner;
use crate::call::Call;
use crate::convert::position::{MinPositions, Stand};
use crate::convert::settlement::{self, Line, Owed};
use crate::convert::{name, statement_csv};
use crate::forward::{blocking, now};
use crate::page::Page;
use crate::status::Failure;

/// The operator's name among the parties.
const OPERATOR: &str = "operator";

/// The largest part of a document that goes out at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// An answer in parts, all of which are there.
type Parts<T> = tokio_stream::Iter<std::vec::IntoIter<Result<T, Status>>>;

fn parts<T>(parts: Vec<T>) -> Parts<T> {
    tokio_stream::iter(parts.into_iter().map(Ok).collect::<Vec<_>>())
}

/// Whose statement is asked for, and of what.
struct Asked {
    partner: PartnerId,
    programme: ProgrammeId,
    hours: Hours,
    stand: Stand,
}

/// Reads the fields that every request for a statement has.
macro_rules! asked {
    ($gateway:expr, $call:expr, $request:expr) => {
        Asked {
            partner: $call.partner_named("partner", &$request.partner)?,
            programme: name::programme("programme", &$request.programme)?,
            hours: settlement::hours($request.start_time.as_ref(), $request.end_time.as_ref())?,
            stand: $gateway.stand(&$request.min_positions, &$request.positions)?,
        }
    };
}

impl Asked {
    /// What tells the lists of two statements apart.
    fn filter(&self) -> [String; 5] {
        let (from, until) = self.hours;
        let stand = match &self.stand {
            Stand::Newest(_) => String::new(),
            Stand::At(positions) => format!("{positions:?}"),
        };
        [self.partner.to_string(), self.programme.to_string(), from.0.to_string(), until.0.to_string(), stand]
    }
}

fn written(asked: &Asked, lines: &[Line]) -> Result<Vec<proto::SettlementLine>, Failure> {
    lines.iter().map(|line| settlement::line_to_proto(&asked.programme, line)).collect()
}

impl Gateway {
    /// The lines of a partner's statement, and what they stand on.
    async fn statement(&self, call: &Call, asked: &Asked) -> Result<(Vec<Line>, Vec<Position>), Failure> {
        self.check_known(call, &asked.partner).await?;
        let partner = asked.partner;
        let wanted = move |key: &LineKey| key.partner() == partner;
        self.lines(call, asked.programme, asked.hours, &asked.stand, wanted).await
    }

    /// The lines of a programme over all shards that are wanted, and what they stand on.
    async fn lines(
        &self,
        call: &Call,
        programme: ProgrammeId,
        hours: Hours,
        stand: &Stand,
        wanted: impl Fn(&LineKey) -> bool + Send + 'static,
    ) -> Result<(Vec<Line>, Vec<Position>), Failure> {
        let registry = self.registry(call, &MinPositions::default()).await?.registry;
        check_programme(&registry, &programme)?;
        let shards = self.sums_on(call, stand).await?;
        let (log, deadline) = (Arc::clone(&self.log), call.deadline);
        blocking(call, move || {
            let given_up = || Instant::now() >= deadline;
            Ok((sum_up(&shards, &*log, &programme, hours, &given_up, wanted)?, stood_on(&shards)))
        })
        .await
    }

    pub(super) async fn check_known(&self, call: &Call, partner: &PartnerId) -> Result<(), Failure> {
        check_partner(&self.registry(call, &MinPositions::default()).await?.registry, partner)
    }
}

/// The lines of a programme over all shards that are wanted. Not for an async thread.
pub(super) fn sum_up(
    shards: &[(SumsView, Seq)],
    log: &dyn Log,
    programme: &ProgrammeId,
    hours: Hours,
    given_up: &dyn Fn() -> bool,
    wanted: impl Fn(&LineKey) -> bool,
) -> Result<Vec<Line>, Failure> {
    let mut sums = Vec::with_capacity(shards.len());
    for (shard, at) in shards {
        let lines = shard.lines_at(log, programme, hours, *at, given_up)?;
        sums.push((shard.position.shard, lines));
    }
    settlement::lines(sums, wanted)
}

/// The positions that sums count up to.
pub(super) fn stood_on(shards: &[(SumsView, Seq)]) -> Vec<Position> {
    let at = |(sums, seq): &(SumsView, Seq)| Position { shard: sums.position.shard.0, seq: seq.0 };
    shards.iter().map(at).collect()
}

#[tonic::async_trait]
impl SettlementService for Gateway {
    async fn get_settlement_statement(
        &self,
        request: Request<proto::GetSettlementStatementRequest>,
    ) -> Result<Response<proto::SettlementStatement>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        let asked = asked!(self, &call, request);
        let (lines, positions) = self.statement(&call, &asked).await?;
        let statement = settlement::statement(&lines, asked.hours.1, now())?;
        Ok(Response::new(proto::SettlementStatement {
            partner: name::of_partner(asked.partner),
            programme: name::of_programme(asked.programme),
            start_time: request.start_time,
            end_time: request.end_time,
            lines: written(&asked, &lines)?,
            positions,
            ..statement
        }))
    }

    async fn list_settlement_statements(
        &self,
        request: Request<proto::ListSettlementStatementsRequest>,
    ) -> Result<Response<proto::ListSettlementStatementsResponse>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        Ok(Response::new(self.statements(&call, request).await?))
    }

    async fn list_settlement_lines(
        &self,
        request: Request<proto::ListSettlementLinesRequest>,
    ) -> Result<Response<proto::ListSettlementLinesResponse>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        let asked = asked!(self, &call, request);
        let filter = asked.filter();
        let filter = filter.each_ref().map(String::as_str);
        let page = Page::<LineKey>::of(&call, request.page_size, &request.page_token, &filter)?;
        let (lines, positions) = self.statement(&call, &asked).await?;
        let (lines, next_page_token) = page.cut(lines.into_iter(), |line| line.line.key);
        let lines = written(&asked, &lines)?;
        Ok(Response::new(proto::ListSettlementLinesResponse { lines, next_page_token, positions }))
    }

    type StreamSettlementLinesStream = Parts<proto::StreamSettlementLinesResponse>;

    async fn stream_settlement_lines(
        &self,
        request: Request<proto::StreamSettlementLinesRequest>,
    ) -> Result<Response<Self::StreamSettlementLinesStream>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        let asked = asked!(self, &call, request);
        let filter = asked.filter();
        let filter = filter.each_ref().map(String::as_str);
        let page = Page::<LineKey>::of(&call, 0, &request.resume_token, &filter)?;
        let (lines, _) = self.statement(&call, &asked).await?;
        let rest = lines.iter().filter(|line| page.after.is_none_or(|after| line.line.key > after));
        let write = |line: &Line| {
            let resume_token = page.token(&line.line.key);
            let line = Some(settlement::line_to_proto(&asked.programme, line)?);
            Ok::<_, Failure>(proto::StreamSettlementLinesResponse { line, resume_token })
        };
        let lines: Vec<_> = rest.map(write).collect::<Result<_, _>>()?;
        Ok(Response::new(parts(lines)))
    }

    type ExportSettlementStatementStream = Parts<proto::ExportSettlementStatementResponse>;

    async fn export_settlement_statement(
        &self,
        request: Request<proto::ExportSettlementStatementRequest>,
    ) -> Result<Response<Self::ExportSettlementStatementStream>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        let asked = asked!(self, &call, request);
        let (lines, mut positions) = self.statement(&call, &asked).await?;
        let document = statement_csv::write(&asked.partner, &asked.programme, asked.hours, &lines)?;
        let chunk = |content: &[u8]| proto::ExportSettlementStatementResponse {
            content: content.to_vec(),
            positions: std::mem::take(&mut positions),
        };
        Ok(Response::new(parts(document.chunks(CHUNK_BYTES).map(chunk).collect())))
    }

    async fn list_line_events(
        &self,
        request: Request<proto::ListLineEventsRequest>,
    ) -> Result<Response<proto::ListLineEventsResponse>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        Ok(Response::new(self.line_events(&call, request).await?))
    }

    async fn get_net_position(
        &self,
        request: Request<proto::GetNetPositionRequest>,
    ) -> Result<Response<proto::NetPosition>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        let only = match (request.partner.as_str(), call.partner()) {
            ("", None) => None,
            (partner, _) => Some(call.partner_named("partner", partner)?),
        };
        let programme = name::programme("programme", &request.programme)?;
        let hours = settlement::hours(request.start_time.as_ref(), request.end_time.as_ref())?;
        let stand = self.stand(&request.min_positions, &request.positions)?;
        if let Some(partner) = &only {
            self.check_known(&call, partner).await?;
        }
        let wanted = move |key: &LineKey| only.is_none_or(|only| key.partner() == only);
        let (lines, positions) = self.lines(&call, programme, hours, &stand, wanted).await?;
        let owed = settlement::owed(&lines);
        Ok(Response::new(proto::NetPosition {
            programme: name::of_programme(programme),
            rows: rows(&owed, only)?,
            positions,
            start_time: request.start_time,
            end_time: request.end_time,
        }))
    }

    async fn get_burn_matrix(
        &self,
        request: Request<proto::GetBurnMatrixRequest>,
    ) -> Result<Response<proto::BurnMatrix>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        let programme = name::programme("programme", &request.programme)?;
        let hours = settlement::hours(request.start_time.as_ref(), request.end_time.as_ref())?;
        let stand = self.stand(&request.min_positions, &request.positions)?;
        let own = call.partner();
        let wanted = move |key: &LineKey| match key {
            LineKey::Issued { .. } | LineKey::Refunded { .. } | LineKey::ClawedBack { .. } => false,
            LineKey::Redeemed { issuer, redeemer, .. } => {
                own.is_none_or(|own| own == *issuer || own == *redeemer)
            }
        };
        let (lines, positions) = self.lines(&call, programme, hours, &stand, wanted).await?;
        let cells = lines.iter().filter_map(|line| settlement::cell_to_proto(line).transpose());
        Ok(Response::new(proto::BurnMatrix {
            programme: name::of_programme(programme),
            cells: cells.collect::<Result<_, Failure>>()?,
            positions,
            start_time: request.start_time,
            end_time: request.end_time,
        }))
    }
}

/// The rows of `only`, or of all parties: the operator's are the other side of all partners'.
fn rows(
    owed: &BTreeMap<(PartnerId, Currency), Owed>,
    only: Option<PartnerId>,
) -> Result<Vec<proto::NetPositionRow>, Failure> {
    let mut operator: BTreeMap<Currency, Owed> = BTreeMap::new();
    for ((_, currency), partner) in owed {
        operator.entry(*currency).or_default().clear(*partner);
    }
    let operator = operator.into_iter().filter(|_| only.is_none());
    let operator = operator.map(|(currency, owed)| owed.to_row(OPERATOR.to_owned(), currency));
    let partners = owed.iter().filter(|((partner, _), _)| only.is_none_or(|only| only == *partner));
    let partners =
        partners.map(|((partner, currency), owed)| owed.to_row(name::of_partner(partner), *currency));
    operator.chain(partners).collect()
}
