//! Redemption in one call: points burnt for a reward.

use crate::account::{Account, Moment};
use crate::event::{Applied, Event, Redemption, VersionId};
use crate::lot::LotBook;
use crate::registry::Registry;
use crate::{Caller, ProgrammeId, Rejection, RewardId, Role};

/// The most of one reward in one redemption.
pub const QUANTITY_MAX: u32 = 1_000;

/// What is asked for.
pub(super) struct Order<'a> {
    pub(super) caller: &'a Caller,
    pub(super) programme: &'a ProgrammeId,
    pub(super) reward: &'a RewardId,
    pub(super) quantity: u32,
}

pub(super) fn decide(
    account: &Account,
    registry: &Registry,
    order: &Order<'_>,
    at: &Moment,
) -> Result<Applied, Rejection> {
    let now = at.decided_at;
    let version = registry.version(order.programme, now)?;
    let unknown = || Rejection::UnknownReward { programme: *order.programme, reward: *order.reward };
    let reward =
        version.programme.rewards.iter().find(|reward| reward.id == *order.reward).ok_or_else(unknown)?;
    match order.caller.role {
        Role::Operator => {}
        Role::Partner(partner) if partner == reward.redeemer => {}
        Role::Member(member) if member == account.id() => {}
        Role::Partner(_) | Role::Member(_) => return Err(Rejection::PermissionDenied),
    }
    if account.enrolment().is_none() {
        return Err(Rejection::NotEnrolled);
    }
    if !(1..=QUANTITY_MAX).contains(&order.quantity) {
        return Err(Rejection::QuantityOutOfRange);
    }
    if reward.from.is_some_and(|from| now < from) || reward.until.is_some_and(|until| until <= now) {
        return Err(Rejection::RewardNotAvailable(reward.id));
    }
    let contract = registry.contract(order.programme, &reward.redeemer, now);
    let unit_price = contract
        .and_then(|contract| contract.redemption)
        .ok_or(Rejection::NoContract { partner: reward.redeemer, programme: *order.programme })?;
    let points = reward.points.times(order.quantity).map_err(|_| Rejection::PointsOutOfRange)?;

    let none = LotBook::default();
    let lots = account.purses().get(order.programme).map_or(&none, |purse| &purse.lots);
    let allocations = lots.allocate(points, now).map_err(|missing| Rejection::PointsShort { missing })?;
    let mut events = super::due(account, order.programme, now, &allocations);
    events.push(Event::RewardRedeemed(Redemption {
        programme: *order.programme,
        reward: reward.id,
        quantity: order.quantity,
        redeemer: reward.redeemer,
        unit_price,
        points,
        allocations,
    }));
    Ok(Applied { version: Some(VersionId { programme: *order.programme, number: version.number }), events })
}
