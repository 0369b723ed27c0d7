//! What an operator looks at.

use coalition_domain::event::Book;
use coalition_domain::{AdjustmentChange, ProgrammeId};
use coalition_journal::entry::{Seq, ShardId};
use coalition_journal::log::Partition;
use coalition_ledger::runtime::{INBOX, Status as ShardStatus};
use coalition_ledger::totals::Books;
use coalition_ledger::view::Position;
use coalition_proto::operator::v1 as proto;
use coalition_proto::operator::v1::operator_service_server::OperatorService;
use tonic::{Request, Response, Status};

use super::Gateway;
use super::account::check_programme;
use crate::call::Call;
use crate::convert::position::MinPositions;
use crate::convert::{name, position};
use crate::forward::{blocking, now};
use crate::page::Page;
use crate::status::Failure;

#[tonic::async_trait]
impl OperatorService for Gateway {
    async fn get_conservation_report(
        &self,
        request: Request<proto::GetConservationReportRequest>,
    ) -> Result<Response<proto::ConservationReport>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        let min = self.mins(&request.min_positions)?;
        let registry = self.registry(&call, &MinPositions::default()).await?.registry;
        let programmes = if request.programme.is_empty() {
            registry.programmes().map(|(id, _)| *id).collect()
        } else {
            let programme = name::programme("programme", &request.programme)?;
            check_programme(&registry, &programme)?;
            vec![programme]
        };
        let shards = self.sums(&call, &min).await?;
        let mut books = Books::new();
        for (book, points) in shards.iter().flat_map(|sums| &sums.books) {
            *books.entry(*book).or_default() += points;
        }
        Ok(Response::new(proto::ConservationReport {
            rows: programmes.iter().map(|programme| conservation(programme, &books)).collect(),
            positions: shards.iter().map(|sums| position::to_proto(sums.position)).collect(),
        }))
    }

    async fn list_shards(
        &self,
        request: Request<proto::ListShardsRequest>,
    ) -> Result<Response<proto::ListShardsResponse>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        let page = Page::<u32>::of(&call, request.page_size, &request.page_token, &[])?;
        let (shards, next_page_token) = page.cut(self.shards(), |shard| shard.0);
        let gateway = self.clone();
        let shards = blocking(&call, move || {
            shards.into_iter().map(|shard| gateway.shard(shard)).collect::<Result<Vec<_>, _>>()
        });
        Ok(Response::new(proto::ListShardsResponse { shards: shards.await?, next_page_token }))
    }

    async fn create_adjustment(
        &self,
        request: Request<proto::CreateAdjustmentRequest>,
    ) -> Result<Response<proto::Adjustment>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        Ok(Response::new(self.create_by_hand(&call, &request).await?))
    }

    async fn approve_adjustment(
        &self,
        request: Request<proto::ApproveAdjustmentRequest>,
    ) -> Result<Response<proto::Adjustment>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        let named = (request.name.as_str(), request.request_id.as_str());
        let approve = |adjustment| AdjustmentChange::Approve { adjustment };
        Ok(Response::new(self.review(&call, named, approve).await?))
    }

    async fn reject_adjustment(
        &self,
        request: Request<proto::RejectAdjustmentRequest>,
    ) -> Result<Response<proto::Adjustment>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        let named = (request.name.as_str(), request.request_id.as_str());
        let reject = |adjustment| AdjustmentChange::Reject { adjustment };
        Ok(Response::new(self.review(&call, named, reject).await?))
    }

    async fn get_adjustment(
        &self,
        request: Request<proto::GetAdjustmentRequest>,
    ) -> Result<Response<proto::Adjustment>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        Ok(Response::new(self.adjustment(&call, &request).await?))
    }

    async fn list_adjustments(
        &self,
        request: Request<proto::ListAdjustmentsRequest>,
    ) -> Result<Response<proto::ListAdjustmentsResponse>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        Ok(Response::new(self.adjustments(&call, &request).await?))
    }
}

impl Gateway {
    /// A shard as this process sees it. Asks the log, so not for the runtime's threads.
    fn shard(&self, shard: ShardId) -> Result<proto::Shard, Failure> {
        let at = |seq| Some(position::to_proto(Position { shard, seq }));
        let freshness = self.ledger.freshness(shard, &*self.log, now())?;
        let (Some(status), Some(freshness)) = (self.ledger.status(shard), freshness) else {
            return Ok(proto::Shard {
                position: at(Seq::default()),
                role: proto::ShardRole::Replaying.into(),
                stored_position: at(Seq::default()),
                ..proto::Shard::default()
            });
        };
        let age = freshness.balance_age.as_millis();
        Ok(proto::Shard {
            position: at(status.position.seq),
            term: status.term.0,
            role: role(&status).into(),
            head_hash: status.head.0.to_vec(),
            stored_position: at(status.stored),
            inbox_lag: i64::try_from(freshness.inbox_lag).unwrap_or(i64::MAX),
            balance_age: Some(prost_types::Duration {
                seconds: age / 1_000,
                nanos: i32::try_from(age % 1_000).expect("below a thousand") * 1_000_000,
            }),
        })
    }

    /// Records of a shard's inbox that no decision in effect covers. Asks the log, so not for the runtime's threads.
    pub(super) fn inbox_lag(&self, status: &ShardStatus) -> Result<u64, Failure> {
        let (_, end) = self.log.bounds(&Partition::new(INBOX, status.position.shard.0))?;
        Ok(end.0.saturating_sub(status.inbox_next.0))
    }
}

fn role(status: &ShardStatus) -> proto::ShardRole {
    match (&status.stopped, status.in_office) {
        (Some(_), _) => proto::ShardRole::Stopped,
        (None, true) => proto::ShardRole::Owner,
        (None, false) => proto::ShardRole::Replaying,
    }
}

fn conservation(programme: &ProgrammeId, books: &Books) -> proto::ConservationRow {
    let mut row = proto::ConservationRow {
        programme: name::of_programme(programme),
        ..proto::ConservationRow::default()
    };
    let mut difference = 0;
    for ((_, book), points) in books.iter().filter(|((of, _), _)| of == programme) {
        // All books sum to zero: issuing takes from the issuer's what it adds to the member's.
        difference -= points;
        let (sum, points) = match book {
            Book::Issued(_) => (&mut row.issued, -points),
            Book::Available => (&mut row.available, *points),
            Book::Pending => (&mut row.pending, *points),
            Book::Redeemed(_) => (&mut row.redeemed, *points),
            Book::Expired => (&mut row.expired, *points),
            Book::Held => (&mut row.held, *points),
            Book::ClawedBack(_) => (&mut row.clawed_back, *points),
            Book::Debt => (&mut row.debt, -points),
            Book::InTransit => (&mut row.in_transit, *points),
            Book::Suspense => (&mut row.suspense, *points),
        };
        *sum = within_64_bits(i128::from(*sum) + points);
    }
    row.difference = within_64_bits(difference);
    row
}

/// What the API can say of a sum: at the most its own largest number.
fn within_64_bits(points: i128) -> i64 {
    i64::try_from(points).unwrap_or(if points < 0 { i64::MIN } else { i64::MAX })
}
