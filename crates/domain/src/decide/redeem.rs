//! Redemption in one call: points burnt for a reward.

use super::debt;
use crate::account::{Account, Moment, Purse};
use crate::event::{Applied, Event, Exchange, ExchangeState, Redemption, VersionId};
use crate::lot::LotAllocation;
use crate::programme::{Limits, Programme, Reward};
use crate::registry::Registry;
use crate::{
    Bought, Caller, PartnerId, Points, ProgrammeId, Rejection, RewardId, Role, Timestamp, UnitPrice,
};

/// The most of one reward in one redemption.
pub const QUANTITY_MAX: u32 = 1_000;

/// What is asked for.
pub(super) struct Order<'a> {
    pub(super) caller: &'a Caller,
    pub(super) programme: &'a ProgrammeId,
    pub(super) reward: &'a RewardId,
    pub(super) quantity: u32,
}

/// What it takes.
pub(super) struct Quote {
    pub(super) version: VersionId,
    pub(super) redeemer: PartnerId,
    pub(super) unit_price: UnitPrice,
    pub(super) points: Points,
    pub(super) allocations: Vec<LotAllocation>,
    /// What it buys.
    pub(super) bought: Option<Bought>,
    /// What time has made true of the points, journaled before they are taken.
    pub(super) due: Vec<Event>,
}

pub(super) fn decide(
    account: &Account,
    registry: &Registry,
    order: &Order<'_>,
    at: &Moment,
) -> Result<Applied, Rejection> {
    let Quote { version, redeemer, unit_price, points, allocations, bought, due: mut events } =
        quote(account, registry, order, at)?;
    events.push(Event::RewardRedeemed(Redemption {
        programme: *order.programme,
        reward: *order.reward,
        quantity: order.quantity,
        redeemer,
        unit_price,
        points,
        allocations,
    }));
    let (programme, reward) = (*order.programme, *order.reward);
    let exchange = |bought| Exchange { programme, reward, redeemer, bought, state: ExchangeState::Bought };
    events.extend(bought.map(exchange).map(Event::PointsExchanged));
    Ok(Applied { version: Some(version), events })
}

/// What an order takes, if it can be had now by this caller.
pub(super) fn quote(
    account: &Account,
    registry: &Registry,
    order: &Order<'_>,
    at: &Moment,
) -> Result<Quote, Rejection> {
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
    registry.check_begins(order.caller)?;
    registry.check_takes_part(&reward.redeemer)?;
    if account.enrolment().is_none() {
        return Err(Rejection::NotEnrolled);
    }
    if !(1..=QUANTITY_MAX).contains(&order.quantity) {
        return Err(Rejection::QuantityOutOfRange);
    }
    if !reward.can_be_had(now) {
        return Err(Rejection::RewardNotAvailable(reward.id));
    }
    let unit_price = price(registry, order.programme, &reward.redeemer, now)?;
    let points = reward.points.times(order.quantity).map_err(|_| Rejection::PointsOutOfRange)?;
    let times = |bought: Bought| bought.times(order.quantity.into()).ok_or(Rejection::PointsOutOfRange);
    let bought = reward.buys.map(times).transpose()?;

    let (account, mut due) = super::time::given_back(account, order.programme, now);
    check_limits(&account, &version.programme, reward, points, now)?;
    let none = Purse::default();
    let purse = account.purses().get(order.programme).unwrap_or(&none);
    let allocations = debt::allocate(purse, points, now)?;
    due.extend(super::due(&account, order.programme, now, &allocations));
    let version = VersionId { programme: *order.programme, number: version.number };
    Ok(Quote { version, redeemer: reward.redeemer, unit_price, points, allocations, bought, due })
}

/// Whether so many points may be spent on a reward, at once and in this year.
fn check_limits(
    account: &Account,
    programme: &Programme,
    reward: &Reward,
    points: Points,
    now: Timestamp,
) -> Result<(), Rejection> {
    let Limits { min, max, max_a_year } = reward.limits;
    if let Some(min) = min.filter(|min| points < *min) {
        return Err(Rejection::RewardBelowMinimum { min });
    }
    if let Some(max) = max.filter(|max| points > *max) {
        return Err(Rejection::RewardAboveMaximum { max });
    }
    let Some(limit) = max_a_year else { return Ok(()) };
    let year = programme.year(now);
    let spent = account.burns().spent_on(&programme.id, &reward.id, year.start);
    // A version may have lowered the limit below what was spent by then.
    let allowed = Points::new(limit.get().saturating_sub(spent)).expect("no more than the limit");
    if points > allowed {
        return Err(Rejection::RewardLimitReached { allowed, until: year.end });
    }
    Ok(())
}

/// What the redeemer is paid for a point at `now`.
pub(super) fn price(
    registry: &Registry,
    programme: &ProgrammeId,
    redeemer: &PartnerId,
    now: Timestamp,
) -> Result<UnitPrice, Rejection> {
    let contract = registry.contract(programme, redeemer, now);
    contract
        .and_then(|contract| contract.redemption)
        .ok_or(Rejection::NoContract { partner: *redeemer, programme: *programme })
}
