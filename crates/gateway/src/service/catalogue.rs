//! What can be had for points.

use coalition_domain::account::Balance;
use coalition_domain::programme::Reward;
use coalition_domain::{PartnerId, Points, ProgrammeId, RewardId};
use coalition_ledger::view::Position;
use coalition_proto::catalogue::v1 as proto;
use coalition_proto::catalogue::v1::catalogue_service_server::CatalogueService;
use coalition_proto::r#type::v1::Position as ProtoPosition;
use tonic::{Request, Response, Status};

use super::Gateway;
use super::account::{read_time, shares_balance};
use crate::call::Call;
use crate::convert::name;
use crate::convert::position::MinPositions;
use crate::convert::programme::reward_to_proto;
use crate::forward::now;
use crate::page::Page;
use crate::status::Failure;

/// What a member has to spend, for the rewards that the caller may compare it with.
struct Purse {
    balance: Balance,
    position: Position,
    /// The caller may compare with the rewards of this partner only.
    only: Option<PartnerId>,
}

impl Purse {
    fn for_reward(&self, reward: &Reward) -> Option<(Balance, Position)> {
        let open = self.only.is_none_or(|partner| partner == reward.redeemer);
        open.then_some((self.balance.clone(), self.position))
    }
}

impl Gateway {
    /// What the member has that the request names, if it names one. At the till a partner needs to know how many points
    /// are missing for what it delivers itself; how many there are it learns with the member's consent.
    async fn purse(
        &self,
        call: &Call,
        member: &str,
        programme: &ProgrammeId,
        min: Option<&ProtoPosition>,
    ) -> Result<Option<Purse>, Failure> {
        if member.is_empty() {
            return Ok(None);
        }
        let view = self.member(call, name::member("member", member)?, min).await?;
        let balance = view.account().balance(programme, read_time(&view));
        let only = call.partner().filter(|_| !shares_balance(&view));
        Ok(Some(Purse { balance, position: view.position, only }))
    }
}

#[tonic::async_trait]
impl CatalogueService for Gateway {
    async fn get_reward(
        &self,
        request: Request<proto::GetRewardRequest>,
    ) -> Result<Response<proto::Reward>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        let (programme, id) = name::reward("name", &request.name)?;
        let min = request.min_position.as_ref();
        let purse = self.purse(&call, &request.member, &programme, min).await?;
        let registry = self.registry(&call, &MinPositions::default()).await?.registry;
        let version = registry.version(&programme, now()).map_err(|why| Failure::from(&why))?;
        let reward = version.programme.rewards.iter().find(|reward| reward.id == id);
        let unknown = || coalition_domain::Rejection::UnknownReward { programme, reward: id };
        let reward = reward.ok_or_else(|| Failure::from(&unknown()))?;
        let balance = purse.and_then(|purse| purse.for_reward(reward));
        Ok(Response::new(reward_to_proto(&registry, version, reward, balance)))
    }

    async fn list_rewards(
        &self,
        request: Request<proto::ListRewardsRequest>,
    ) -> Result<Response<proto::ListRewardsResponse>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        let programme = name::programme("programme", &request.programme)?;
        let filter = [request.programme.as_str(), &request.member];
        let page = Page::<(Points, RewardId)>::of(&call, request.page_size, &request.page_token, &filter)?;
        let min = request.min_position.as_ref();
        let purse = self.purse(&call, &request.member, &programme, min).await?;
        let registry = self.registry(&call, &MinPositions::default()).await?.registry;
        let version = registry.version(&programme, now()).map_err(|why| Failure::from(&why))?;
        let mut rewards: Vec<_> = version.programme.rewards.iter().collect();
        rewards.sort_by_key(|reward| (reward.points, reward.id));
        let (rewards, next_page_token) = page.cut(rewards.into_iter(), |reward| (reward.points, reward.id));
        let balance = |reward| purse.as_ref().and_then(|purse| purse.for_reward(reward));
        let write = |reward| reward_to_proto(&registry, version, reward, balance(reward));
        let rewards = rewards.into_iter().map(write).collect();
        Ok(Response::new(proto::ListRewardsResponse { rewards, next_page_token }))
    }
}
