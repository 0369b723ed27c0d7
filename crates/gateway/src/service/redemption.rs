//! Burning points for rewards, at once or in two steps, and giving them back.

use coalition_domain::decide::QUANTITY_MAX;
use coalition_domain::programme::Reward;
use coalition_domain::{AccountId, BurnId, Command, Points, ProgrammeId, Rejection, RewardChange, RewardId};
use coalition_ledger::runtime::Reply;
use coalition_ledger::view::AccountView;
use coalition_proto::redemption::v1 as proto;
use coalition_proto::redemption::v1::redemption_service_server::RedemptionService;
use coalition_proto::r#type::v1::ErrorReason;
use tonic::{Request, Response, Status};

use super::account::read_time;
use super::{Gateway, applied};
use crate::call::Call;
use crate::convert::position::MinPositions;
use crate::convert::{hold, name, position, redemption, request};
use crate::forward::{blocking, now};
use crate::history;
use crate::page::Page;
use crate::status::Failure;

/// A reward that is asked for, and how many of it.
struct Order {
    account: AccountId,
    programme: ProgrammeId,
    reward: RewardId,
    quantity: u32,
}

impl Gateway {
    /// Reads what a caller may ask for. What can't be decided otherwise later is said here, so that it uses up no request
    /// id and leaves no trace with the member. The owner judges again.
    async fn order(&self, call: &Call, member: &str, reward: &str, quantity: i32) -> Result<Order, Failure> {
        let account = name::member("member", member)?;
        call.check_member(&account)?;
        let (programme, reward) = name::reward("reward", reward)?;
        if quantity == 0 {
            return Err(Failure::missing("quantity"));
        }
        let quantity = u32::try_from(quantity).ok().filter(|quantity| *quantity <= QUANTITY_MAX);
        let quantity = quantity.ok_or_else(|| Failure::from(&Rejection::QuantityOutOfRange))?;
        if let Some(partner) = call.partner() {
            let registry = self.registry(call, &MinPositions::default()).await?.registry;
            let version = registry.version(&programme, now()).map_err(|why| Failure::from(&why))?;
            let delivers = |it: &Reward| it.id == reward && it.redeemer != partner;
            if version.programme.rewards.iter().any(delivers) {
                return Err(Failure::denied("another partner delivers this reward"));
            }
        }
        Ok(Order { account, programme, reward, quantity })
    }

    /// Has a change of a hold or redemption decided.
    async fn reward(
        &self,
        call: &Call,
        account: AccountId,
        request_id: &str,
        change: RewardChange,
    ) -> Result<Reply, Failure> {
        let (caller, request) = (call.caller, request::request_id(request_id)?);
        let reply = self.command(call, Command::Reward { caller, request, account, change }).await?;
        applied(&reply)?;
        Ok(reply)
    }
}

#[tonic::async_trait]
impl RedemptionService for Gateway {
    async fn create_redemption(
        &self,
        request: Request<proto::CreateRedemptionRequest>,
    ) -> Result<Response<proto::Redemption>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        let Order { account, programme, reward, quantity } =
            self.order(&call, &request.member, &request.reward, request.quantity).await?;
        let (caller, request) = (call.caller, request::request_id(&request.request_id)?);
        let command = Command::Redeem { caller, request, account, programme, reward, quantity };
        let reply = self.command(&call, command).await?;
        applied(&reply)?;
        Ok(Response::new(self.redeemed(&call, account, &reply).await?))
    }

    async fn get_redemption(
        &self,
        request: Request<proto::GetRedemptionRequest>,
    ) -> Result<Response<proto::Redemption>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        let (id, number) = name::redemption("name", &request.name)?;
        let view = self.member(&call, id, request.min_position.as_ref()).await?;
        Ok(Response::new(find_redemption(&call, view, BurnId(number - 1), self.ledger.shards()).await?))
    }

    async fn list_redemptions(
        &self,
        request: Request<proto::ListRedemptionsRequest>,
    ) -> Result<Response<proto::ListRedemptionsResponse>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        let id = name::member("member", &request.member)?;
        let page = Page::<u32>::of(&call, request.page_size, &request.page_token, &[&request.member])?;
        let view = self.member(&call, id, request.min_position.as_ref()).await?;
        let (shards, role) = (self.ledger.shards(), call.caller.role);
        let listed = blocking(&call, move || {
            let (redemptions, next) = history::walk(&view, page.after, page.size, |entry| {
                let state = redemption::state(view.account(), BurnId(entry.number));
                redemption::to_proto(&view, entry, state, shards, role)
            })?;
            Ok(proto::ListRedemptionsResponse {
                redemptions,
                next_page_token: next.map(|next| page.token(&next)).unwrap_or_default(),
                position: Some(position::to_proto(view.position)),
            })
        });
        Ok(Response::new(listed.await?))
    }

    async fn refund_redemption(
        &self,
        request: Request<proto::RefundRedemptionRequest>,
    ) -> Result<Response<proto::Redemption>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        let (id, number) = name::redemption("name", &request.name)?;
        let redemption = BurnId(number - 1);
        let change = RewardChange::Refund { redemption };
        let reply = self.reward(&call, id, &request.request_id, change).await?;
        let view = self.after(&call, id, reply.position).await?;
        let refunded = find_redemption(&call, view, redemption, self.ledger.shards()).await;
        Ok(Response::new(refunded.map_err(Failure::after_effect)?))
    }

    async fn create_hold(
        &self,
        request: Request<proto::CreateHoldRequest>,
    ) -> Result<Response<proto::Hold>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        let Order { account, programme, reward, quantity } =
            self.order(&call, &request.member, &request.reward, request.quantity).await?;
        let ttl = hold::ttl(request.ttl.as_ref())?;
        let change = RewardChange::Hold { programme, reward, quantity, ttl };
        let reply = self.reward(&call, account, &request.request_id, change).await?;
        let view = self.after(&call, account, reply.position).await?;
        let held = find_hold(&call, view, reply.activity.number).await;
        Ok(Response::new(held.map_err(Failure::after_effect)?))
    }

    async fn get_hold(
        &self,
        request: Request<proto::GetHoldRequest>,
    ) -> Result<Response<proto::Hold>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        let (id, number) = name::hold("name", &request.name)?;
        let view = self.member(&call, id, request.min_position.as_ref()).await?;
        Ok(Response::new(find_hold(&call, view, number - 1).await?))
    }

    async fn list_holds(
        &self,
        request: Request<proto::ListHoldsRequest>,
    ) -> Result<Response<proto::ListHoldsResponse>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        let id = name::member("member", &request.member)?;
        let page = Page::<u32>::of(&call, request.page_size, &request.page_token, &[&request.member])?;
        let view = self.member(&call, id, request.min_position.as_ref()).await?;
        let role = call.caller.role;
        let listed = blocking(&call, move || {
            let (shard, now) = (view.position.shard, read_time(&view));
            let (holds, next) = history::walk(&view, page.after, page.size, |entry| {
                hold::to_proto(view.account(), entry, now, shard, role)
            })?;
            Ok(proto::ListHoldsResponse {
                holds,
                next_page_token: next.map(|next| page.token(&next)).unwrap_or_default(),
                position: Some(position::to_proto(view.position)),
            })
        });
        Ok(Response::new(listed.await?))
    }

    async fn capture_hold(
        &self,
        request: Request<proto::CaptureHoldRequest>,
    ) -> Result<Response<proto::Redemption>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        let (id, number) = name::hold("name", &request.name)?;
        let points = u64::try_from(request.points).ok().and_then(|points| Points::new(points).ok());
        let points = points.ok_or_else(|| Failure::invalid("points", "is out of range"))?;
        let points = Some(points).filter(|points| !points.is_zero());
        let change = RewardChange::Capture { hold: BurnId(number - 1), points };
        let reply = self.reward(&call, id, &request.request_id, change).await?;
        Ok(Response::new(self.redeemed(&call, id, &reply).await?))
    }

    async fn release_hold(
        &self,
        request: Request<proto::ReleaseHoldRequest>,
    ) -> Result<Response<proto::Hold>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        let (id, number) = name::hold("name", &request.name)?;
        call.check_member(&id)?;
        let change = RewardChange::Release { hold: BurnId(number - 1) };
        let reply = self.reward(&call, id, &request.request_id, change).await?;
        let view = self.after(&call, id, reply.position).await?;
        let released = find_hold(&call, view, number - 1).await;
        Ok(Response::new(released.map_err(Failure::after_effect)?))
    }
}

impl Gateway {
    /// The redemption that a reply is, as it is now: a repeat may come after its refund.
    async fn redeemed(
        &self,
        call: &Call,
        account: AccountId,
        reply: &Reply,
    ) -> Result<proto::Redemption, Failure> {
        let view = self.after(call, account, reply.position).await?;
        let state = redemption::state(view.account(), BurnId(reply.activity.number));
        let role = call.caller.role;
        let lost = || Failure::internal(&"a redemption that took effect and burnt nothing of the caller's");
        redemption::to_proto(&view, &reply.activity, state, self.ledger.shards(), role).ok_or_else(lost)
    }
}

async fn find_redemption(
    call: &Call,
    view: AccountView,
    id: BurnId,
    shards: u32,
) -> Result<proto::Redemption, Failure> {
    let role = call.caller.role;
    let found = blocking(call, move || {
        let state = redemption::state(view.account(), id);
        let found = view.activity(id.0)?;
        let found = found.and_then(|entry| redemption::to_proto(&view, &entry, state, shards, role));
        found.ok_or_else(|| Failure::new(ErrorReason::NotFound, "the member has no such redemption"))
    });
    found.await
}

async fn find_hold(call: &Call, view: AccountView, number: u32) -> Result<proto::Hold, Failure> {
    let role = call.caller.role;
    let found = blocking(call, move || {
        let (shard, now) = (view.position.shard, read_time(&view));
        let found = view.activity(number)?;
        let found = found.and_then(|entry| hold::to_proto(view.account(), &entry, now, shard, role));
        found.ok_or_else(|| Failure::new(ErrorReason::NotFound, "the member has no such hold"))
    });
    found.await
}
