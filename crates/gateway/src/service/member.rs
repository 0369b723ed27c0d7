//! Members and their enrolment.

use coalition_domain::handover::LINKS_MAX;
use coalition_domain::{AccountId, Command};
use coalition_ledger::view::{AccountView, Position};
use coalition_proto::member::v1 as proto;
use coalition_proto::member::v1::member_service_server::MemberService;
use coalition_proto::r#type::v1::ErrorReason;
use tonic::{Request, Response, Status};

use super::{Gateway, applied, consent};
use crate::call::Call;
use crate::convert::member::Known;
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
        Ok(Response::new(seen(&call, &view, member)))
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
        let view = member::enrolled(self.account(&call, member, &MinPositions::default()).await?)?;
        let linked = identifier.account();
        let known = view.account().linked().iter().any(|known| known.account == linked);
        if !known && !view.account().may_link() {
            let message = format!("{LINKS_MAX} identifiers were linked to the member already");
            return Err(Failure::new(ErrorReason::TooManyIdentifiers, message).into());
        }
        // An account that stays does so for ever: none is asked to for a link that is going to be refused. To itself nothing is
        // linked.
        let own = self.account(&call, linked, &MinPositions::default()).await?;
        let may_follow = own.account().forward().is_none() && !own.account().stays();
        if !view.account().stays() && may_follow && linked != member {
            let accept = Command::AcceptLinks { caller: call.caller, request, account: member };
            applied(&self.command(&call, accept).await?)?;
        }
        let command = Command::Link { caller: call.caller, request, identifier, member };
        let reply = self.command(&call, command).await?;
        applied(&reply)?;
        Ok(Response::new(self.heard(&call, member, linked, reply.position).await?))
    }

    async fn delete_identifier(
        &self,
        request: Request<proto::DeleteIdentifierRequest>,
    ) -> Result<Response<proto::MemberIdentifier>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        let (member, number) = name::identifier("name", &request.name)?;
        let request = request::request_id(&request.request_id)?;
        let view = self.member(&call, member, None).await?;
        let named = |known: &Known<'_>| known.number == number && known.is_of(call.caller.role);
        let Some(known) = member::identifiers(view.account()).find(named) else {
            return Err(Failure::new(ErrorReason::NotFound, "the member has no such identifier").into());
        };
        let (linked, identifier) = (known.account, known.identifier.clone());
        let command = Command::Unlink { caller: call.caller, request, identifier, member };
        let reply = self.command(&call, command).await?;
        applied(&reply)?;
        Ok(Response::new(self.heard(&call, member, linked, reply.position).await?))
    }

    async fn list_identifiers(
        &self,
        request: Request<proto::ListIdentifiersRequest>,
    ) -> Result<Response<proto::ListIdentifiersResponse>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        let id = name::member("parent", &request.parent)?;
        let page = Page::<u32>::of(&call, request.page_size, &request.page_token, &[&request.parent])?;
        let view = self.member(&call, id, request.min_position.as_ref()).await?;
        let shown = |known: &Known<'_>| !known.ended && known.is_of(call.caller.role);
        let known = member::identifiers(view.account()).filter(shown);
        let (listed, next_page_token) = page.cut(known, |known| known.number);
        Ok(Response::new(proto::ListIdentifiersResponse {
            identifiers: listed.iter().map(|known| known.to_proto(&view)).collect(),
            next_page_token,
            position: Some(position::to_proto(view.position)),
        }))
    }

    async fn get_consent(
        &self,
        request: Request<proto::GetConsentRequest>,
    ) -> Result<Response<proto::Consent>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        Ok(Response::new(self.consent(&call, request).await?))
    }

    async fn update_consent(
        &self,
        request: Request<proto::UpdateConsentRequest>,
    ) -> Result<Response<proto::Consent>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        Ok(Response::new(self.change_consent(&call, request).await?))
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

    /// An identifier of a member as soon as the member's account has heard whether the identifier's follows it, as `decided`.
    async fn heard(
        &self,
        call: &Call,
        member: AccountId,
        linked: AccountId,
        decided: Position,
    ) -> Result<proto::MemberIdentifier, Failure> {
        let mut view =
            self.account(call, member, &MinPositions::default()).await.map_err(Failure::after_effect)?;
        loop {
            // By a repeat, or a call behind this one, it may be otherwise again.
            let own = self.after(call, linked, decided).await?;
            let ended = own.account().forward().is_none_or(|forward| forward.to != member);
            let heard = |known: &Known<'_>| known.account == linked && known.ended == ended;
            if let Some(known) = member::identifiers(view.account()).find(heard) {
                return Ok(known.to_proto(&view));
            }
            let next = Position { seq: view.position.seq.next(), ..view.position };
            view = self.after(call, member, next).await?;
        }
    }

    /// An account as it is once what the call asked for is in effect.
    ///
    /// # Errors
    /// None that lets the caller believe that nothing came of it.
    pub(super) async fn after(
        &self,
        call: &Call,
        id: AccountId,
        position: Position,
    ) -> Result<AccountView, Failure> {
        self.account(call, id, &MinPositions::one(position)).await.map_err(Failure::after_effect)
    }
}

/// A member with everything, which may lie in the store.
async fn whole(call: &Call, view: AccountView) -> Result<proto::Member, Failure> {
    let (view, member) = blocking(call, move || {
        let enrolment = history::enrolment(&view)?;
        let member = member::to_proto(&view, enrolment.as_ref(), view.position)?;
        Ok((view, member))
    })
    .await?;
    Ok(seen(call, &view, member))
}

/// A member as the caller may see them: a partner hears of the consents that it needs, and not by which other partner they joined.
fn seen(call: &Call, view: &AccountView, member: proto::Member) -> proto::Member {
    let Some(partner) = call.partner() else { return member };
    let consents = member.consents.into_iter().filter_map(|consent| consent::shown(view, &partner, consent));
    let consents = consents.collect();
    let own = member.enrolling_partner == format!("partners/{partner}");
    let enrolling_partner = if own { member.enrolling_partner } else { String::new() };
    proto::Member { consents, enrolling_partner, ..member }
}
