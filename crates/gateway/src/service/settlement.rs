//! Who owes whom.

use std::collections::BTreeMap;

use coalition_domain::settlement::{Hour, LineKey};
use coalition_domain::{Currency, PartnerId, ProgrammeId};
use coalition_intake::convert::money_to_proto;
use coalition_proto::settlement::v1 as proto;
use coalition_proto::settlement::v1::settlement_service_server::SettlementService;
use coalition_proto::r#type::v1::Position;
use tonic::{Request, Response, Status};

use super::Gateway;
use super::account::check_programme;
use super::partner::check_partner;
use crate::call::Call;
use crate::convert::position::MinPositions;
use crate::convert::settlement::{self, Line, Owed};
use crate::convert::{name, position};
use crate::forward::blocking;
use crate::status::Failure;

/// The operator's name among the parties.
const OPERATOR: &str = "operator";

impl Gateway {
    /// The lines of a programme over all shards, and what they stand on.
    async fn lines(
        &self,
        call: &Call,
        programme: ProgrammeId,
        (from, until): (Hour, Hour),
        min: &MinPositions,
    ) -> Result<(Vec<Line>, Vec<Position>), Failure> {
        let registry = self.registry(call, &MinPositions::default()).await?.registry;
        check_programme(&registry, &programme)?;
        let shards = self.sums(call, min).await?;
        blocking(call, move || {
            let positions = shards.iter().map(|sums| position::to_proto(sums.position)).collect();
            let mut sums = Vec::with_capacity(shards.len());
            for shard in &shards {
                sums.push((shard.position.shard, shard.lines(&programme, from, until)?));
            }
            Ok((settlement::lines(sums)?, positions))
        })
        .await
    }

    async fn check_known(&self, call: &Call, partner: &PartnerId) -> Result<(), Failure> {
        check_partner(&self.registry(call, &MinPositions::default()).await?.registry, partner)
    }
}

#[tonic::async_trait]
impl SettlementService for Gateway {
    async fn get_settlement_statement(
        &self,
        request: Request<proto::GetSettlementStatementRequest>,
    ) -> Result<Response<proto::SettlementStatement>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        let partner = call.partner_named("partner", &request.partner)?;
        let programme = name::programme("programme", &request.programme)?;
        let hours = settlement::hours(request.start_time.as_ref(), request.end_time.as_ref())?;
        let min = self.mins(&request.min_positions)?;
        self.check_known(&call, &partner).await?;
        let (mut lines, positions) = self.lines(&call, programme, hours, &min).await?;
        lines.retain(|line| line.line.partner() == partner);
        let net = settlement::owed(&lines)
            .into_iter()
            .map(|((_, currency), owed)| Ok(money_to_proto(&owed.net(currency)?)));
        Ok(Response::new(proto::SettlementStatement {
            partner: name::of_partner(partner),
            programme: name::of_programme(programme),
            start_time: request.start_time,
            end_time: request.end_time,
            net_amounts: net.collect::<Result<_, Failure>>()?,
            lines: lines.iter().map(settlement::line_to_proto).collect::<Result<_, Failure>>()?,
            positions,
        }))
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
        let min = self.mins(&request.min_positions)?;
        if let Some(partner) = &only {
            self.check_known(&call, partner).await?;
        }
        let (lines, positions) = self.lines(&call, programme, hours, &min).await?;
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
        let min = self.mins(&request.min_positions)?;
        let (mut lines, positions) = self.lines(&call, programme, hours, &min).await?;
        if let Some(own) = call.partner() {
            lines.retain(|line| match &line.line.key {
                LineKey::Issued { .. } | LineKey::Refunded { .. } | LineKey::ClawedBack { .. } => false,
                LineKey::Redeemed { issuer, redeemer, .. } => own == *issuer || own == *redeemer,
            });
        }
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
