//! Members and their enrolment.

use coalition_domain::{AccountId, Command};
use coalition_ledger::view::{AccountView, Position};
use coalition_proto::member::v1 as proto;
use coalition_proto::member::v1::member_service_server::MemberService;
use tonic::{Request, Response, Status};

use super::{Gateway, applied};
use crate::call::Call;
use crate::convert::position::MinPositions;
use crate::convert::{member, name, request};
use crate::forward::blocking;
use crate::history;
use crate::status::Failure;

#[tonic::async_trait]
impl MemberService for Gateway {
    async fn create_member(
        &self,
        request: Request<proto::CreateMemberRequest>,
    ) -> Result<Response<proto::Member>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        let identifier = request::identifier(&call, request.identifier.as_ref())?;
        let id = identifier.account();
        let request = request::request_id(&request.request_id)?;
        let reply = self.command(&call, Command::Enrol { caller: call.caller, request, identifier }).await?;
        applied(&reply)?;
        let view = self.after(&call, id, reply.position).await?;
        let member = member::to_proto(&view, Some(&reply.activity), reply.position)?;
        Ok(Response::new(member))
    }

    async fn get_member(
        &self,
        request: Request<proto::GetMemberRequest>,
    ) -> Result<Response<proto::Member>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        let id = name::member("name", &request.name)?;
        let view = self.member(&call, id, request.min_position.as_ref()).await?;
        Ok(Response::new(whole(&call, view).await?))
    }

    async fn lookup_member(
        &self,
        request: Request<proto::LookupMemberRequest>,
    ) -> Result<Response<proto::Member>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        // Whoever holds the identifier has met the member; a customer number is checked to be the caller's.
        let id = request::identifier(&call, request.identifier.as_ref())?.account();
        let view = self.account(&call, id, &self.min(request.min_position.as_ref())?).await?;
        let member = whole(&call, view).await?;
        // Whose key has looked whom up is kept, and not by which identifier: that would be the member's own.
        tracing::info!(target: "audit", key = %call.caller.key, member = %id, "looked a member up");
        Ok(Response::new(member))
    }
}

impl Gateway {
    /// An account as it is once a decision is in effect.
    pub(super) async fn after(
        &self,
        call: &Call,
        id: AccountId,
        position: Position,
    ) -> Result<AccountView, Failure> {
        self.account(call, id, &MinPositions::one(position)).await
    }
}

/// A member with everything, which may lie in the store.
async fn whole(call: &Call, view: AccountView) -> Result<proto::Member, Failure> {
    blocking(call, move || {
        let enrolment = history::enrolment(&view)?;
        member::to_proto(&view, enrolment.as_ref(), view.position)
    })
    .await
}
