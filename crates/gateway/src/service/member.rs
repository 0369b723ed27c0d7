//! Members and their enrolment.

use coalition_domain::handover::LINKS_MAX;
use coalition_domain::{AccountId, Command};
use coalition_ledger::view::{AccountView, Position};
use coalition_proto::member::v1 as proto;
use coalition_proto::member::v1::member_service_server::MemberService;
use coalition_proto::r#type::v1::ErrorReason;
use tonic::{Request, Response, Status};

use super::{Gateway, applied};
use crate::call::Call;
use crate::convert::position::MinPositions;
use crate::convert::{member, name, position, request};
use crate::forward::blocking;
use crate::history;
use crate::page::Page;
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
        let view = self.followed(&call, id, &self.min(request.min_position.as_ref())?).await?;
        let followed = view.account().id();
        let member = whole(&call, view).await?;
        // Whose key has looked whom up is kept, and not by which identifier: that would be the member's own.
        tracing::info!(target: "audit", key = %call.caller.key, member = %followed, "looked a member up");
        Ok(Response::new(member))
    }

    async fn create_identifier(
        &self,
        request: Request<proto::CreateIdentifierRequest>,
    ) -> Result<Response<proto::MemberIdentifier>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        let member = name::member("parent", &request.parent)?;
        let identifier = request::identifier(&call, request.identifier.as_ref())?;
        let request = request::request_id(&request.request_id)?;
        // Nobody's enrolment ends, so what is true of it here stays true.
        let view = self.account(&call, member, &MinPositions::default()).await?;
        if view.account().enrolment().is_none() {
            return Err(member::not_found().into());
        }
        let linked = identifier.account();
        let known = view.account().linked().iter().any(|known| known.account == linked);
        if !known && !view.account().may_link() {
            let message = format!("{LINKS_MAX} identifiers are linked to the member already");
            return Err(Failure::new(ErrorReason::TooManyIdentifiers, message).into());
        }
        let command = Command::Link { caller: call.caller, request, identifier, member };
        applied(&self.command(&call, command).await?)?;
        let view = self.linked(&call, member, linked).await?;
        let linked = member::identifiers(&view).into_iter().find(|(account, _)| *account == linked);
        let (_, linked) = linked.ok_or_else(|| Failure::internal(&"a link that is gone"))?;
        Ok(Response::new(linked))
    }

    async fn list_identifiers(
        &self,
        request: Request<proto::ListIdentifiersRequest>,
    ) -> Result<Response<proto::ListIdentifiersResponse>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        let id = name::member("parent", &request.parent)?;
        let page = Page::<u32>::of(&call, request.page_size, &request.page_token, &[&request.parent])?;
        let view = self.member(&call, id, request.min_position.as_ref()).await?;
        let numbered = (0_u32..).zip(member::identifiers(&view));
        let (listed, next_page_token) = page.cut(numbered, |(number, _)| *number);
        Ok(Response::new(proto::ListIdentifiersResponse {
            identifiers: listed.into_iter().map(|(_, (_, identifier))| identifier).collect(),
            next_page_token,
            position: Some(position::to_proto(view.position)),
        }))
    }
}

impl Gateway {
    /// The account of an identifier, or the member's that it was linked to.
    pub(super) async fn followed(
        &self,
        call: &Call,
        id: AccountId,
        min: &MinPositions,
    ) -> Result<AccountView, Failure> {
        let view = self.account(call, id, min).await?;
        match view.account().forward() {
            Some(forward) => self.account(call, forward.to, min).await,
            None => Ok(view),
        }
    }

    /// A member's account as soon as it has heard of a link that is in effect.
    async fn linked(
        &self,
        call: &Call,
        member: AccountId,
        account: AccountId,
    ) -> Result<AccountView, Failure> {
        let mut view = self.account(call, member, &MinPositions::default()).await?;
        while !view.account().linked().iter().any(|linked| linked.account == account) {
            let next = Position { seq: view.position.seq.next(), ..view.position };
            view = self.after(call, member, next).await?;
        }
        Ok(view)
    }

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
