//! Burning points for rewards.

use coalition_domain::decide::QUANTITY_MAX;
use coalition_domain::programme::Reward;
use coalition_domain::{Command, Rejection};
use coalition_proto::redemption::v1 as proto;
use coalition_proto::redemption::v1::redemption_service_server::RedemptionService;
use coalition_proto::r#type::v1::ErrorReason;
use tonic::{Request, Response, Status};

use super::{Gateway, applied};
use crate::call::Call;
use crate::convert::position::MinPositions;
use crate::convert::{name, position, redemption, request};
use crate::forward::{blocking, now};
use crate::history;
use crate::page::Page;
use crate::status::Failure;

#[tonic::async_trait]
impl RedemptionService for Gateway {
    async fn create_redemption(
        &self,
        request: Request<proto::CreateRedemptionRequest>,
    ) -> Result<Response<proto::Redemption>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        let account = name::member("member", &request.member)?;
        call.check_member(&account)?;
        let (programme, reward) = name::reward("reward", &request.reward)?;
        // What can't be decided otherwise later is said here, so that it uses up no request id and leaves no trace with
        // the member. The owner judges again.
        if request.quantity == 0 {
            return Err(Failure::missing("quantity").into());
        }
        let quantity = u32::try_from(request.quantity).ok().filter(|quantity| *quantity <= QUANTITY_MAX);
        let quantity = quantity.ok_or_else(|| Failure::from(&Rejection::QuantityOutOfRange))?;
        let request = request::request_id(&request.request_id)?;
        if let Some(partner) = call.partner() {
            let registry = self.registry(&call, &MinPositions::default()).await?.registry;
            let version = registry.version(&programme, now()).map_err(|why| Failure::from(&why))?;
            let delivers = |it: &Reward| it.id == reward && it.redeemer != partner;
            if version.programme.rewards.iter().any(delivers) {
                return Err(Failure::denied("another partner delivers this reward").into());
            }
        }
        let caller = call.caller;
        let command = Command::Redeem { caller, request, account, programme, reward, quantity };
        let reply = self.command(&call, command).await?;
        applied(&reply)?;
        let written = redemption::to_proto(account, &reply.activity, reply.position.shard, caller.role);
        let lost = || Failure::internal(&"a redemption that took effect and burnt nothing of the caller's");
        Ok(Response::new(written.ok_or_else(lost)?))
    }

    async fn get_redemption(
        &self,
        request: Request<proto::GetRedemptionRequest>,
    ) -> Result<Response<proto::Redemption>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        let (id, number) = name::redemption("name", &request.name)?;
        let view = self.member(&call, id, request.min_position.as_ref()).await?;
        let role = call.caller.role;
        let found = blocking(&call, move || {
            let entry = view.activity(number - 1)?;
            let found = entry.and_then(|entry| redemption::to_proto(id, &entry, view.position.shard, role));
            found.ok_or_else(|| Failure::new(ErrorReason::NotFound, "the member has no such redemption"))
        });
        Ok(Response::new(found.await?))
    }

    async fn list_redemptions(
        &self,
        request: Request<proto::ListRedemptionsRequest>,
    ) -> Result<Response<proto::ListRedemptionsResponse>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        let id = name::member("member", &request.member)?;
        let page = Page::<u32>::of(&call, request.page_size, &request.page_token, &[&request.member])?;
        let view = self.member(&call, id, request.min_position.as_ref()).await?;
        let role = call.caller.role;
        let listed = blocking(&call, move || {
            let shard = view.position.shard;
            let (redemptions, next) = history::walk(&view, page.after, page.size, |entry| {
                redemption::to_proto(id, entry, shard, role)
            })?;
            Ok(proto::ListRedemptionsResponse {
                redemptions,
                next_page_token: next.map(|next| page.token(&next)).unwrap_or_default(),
                position: Some(position::to_proto(view.position)),
            })
        });
        Ok(Response::new(listed.await?))
    }
}
