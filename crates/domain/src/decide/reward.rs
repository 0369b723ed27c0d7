//! Holds, captures, releases and refunds: points on their way to a reward, and back.

use super::redeem::{self, Order, Quote};
use super::time::DUE_MAX;
use crate::account::{Account, Moment};
use crate::burn::{Burn, BurnState, HOLD_TTL_MAX, HOLD_TTL_MIN, HOLDS_MAX, HoldState, split};
use crate::event::{Applied, Event, Exchange, ExchangeState, Hold, Redemption, Release};
use crate::lot::Lot;
use crate::registry::Registry;
use crate::{
    Bought, BurnId, Caller, PartnerId, Points, ProgrammeId, Rejection, RewardChange, Role, Span, Timestamp,
};

pub(super) fn decide(
    account: &Account,
    registry: &Registry,
    caller: &Caller,
    change: &RewardChange,
    at: &Moment,
) -> Result<Applied, Rejection> {
    match change {
        RewardChange::Hold { programme, reward, quantity, ttl } => {
            let order = Order { caller, programme, reward, quantity: *quantity };
            hold(account, registry, &order, *ttl, at)
        }
        RewardChange::Capture { hold, points } => {
            capture(account, registry, caller, (*hold, *points), at.decided_at)
        }
        RewardChange::Release { hold } => release(account, caller, *hold, at.decided_at),
        RewardChange::Refund { redemption } => refund(account, caller, *redemption, at.decided_at),
    }
}

fn hold(
    account: &Account,
    registry: &Registry,
    order: &Order<'_>,
    ttl: Span,
    at: &Moment,
) -> Result<Applied, Rejection> {
    let Quote { version, redeemer, points, allocations, bought, due: mut events, .. } =
        redeem::quote(account, registry, order, at)?;
    if !(HOLD_TTL_MIN..=HOLD_TTL_MAX).contains(&ttl) {
        return Err(Rejection::SettingOutOfRange("a hold lasts 1 minute to 30 days".to_owned()));
    }
    if account.burns().open(at.decided_at).count() >= HOLDS_MAX as usize {
        return Err(Rejection::TooManyHolds(HOLDS_MAX));
    }
    events.push(Event::HoldCreated(Hold {
        programme: *order.programme,
        reward: *order.reward,
        quantity: order.quantity,
        redeemer,
        points,
        by: order.caller.role,
        until: at.decided_at.plus(ttl),
        allocations,
    }));
    let (programme, reward, state) = (*order.programme, *order.reward, ExchangeState::Promised);
    let exchange = |bought| Exchange { programme, reward, redeemer, bought, state };
    events.extend(bought.map(exchange).map(Event::PointsExchanged));
    Ok(Applied { version: Some(version), events })
}

fn capture(
    account: &Account,
    registry: &Registry,
    caller: &Caller,
    (id, points): (BurnId, Option<Points>),
    now: Timestamp,
) -> Result<Applied, Rejection> {
    let Known { burn, until, state, .. } = known_hold(account, id)?;
    may_settle(caller, burn.redeemer, Rejection::UnknownHold(id))?;
    check_open(until, state, now)?;
    let points = points.unwrap_or(burn.points);
    if points.is_zero() {
        return Err(Rejection::SettingOutOfRange("a capture takes 1 point at least".to_owned()));
    }
    let Burn { programme, reward, quantity, redeemer, points: held, .. } = *burn;
    let released = held.minus(points).ok_or(Rejection::CaptureTooLarge { held })?;
    let bought = bought_by(burn, points)?;
    let unit_price = redeem::price(registry, &programme, &redeemer, now)?;
    let allocations = burn.allocations(points);
    let redemption = Redemption { programme, reward, quantity, redeemer, unit_price, points, allocations };
    let (_, rest) = split(burn.slices.clone(), points);
    let mut events = vec![Event::HoldCaptured { hold: id, redemption, released }];
    events.extend(exchange(burn, bought, ExchangeState::Bought));
    events.extend(lapsed(&programme, &rest, now));
    Ok(Applied { version: None, events })
}

fn release(account: &Account, caller: &Caller, id: BurnId, now: Timestamp) -> Result<Applied, Rejection> {
    let Known { burn, by, until, state } = known_hold(account, id)?;
    if caller.role != by {
        may_settle(caller, burn.redeemer, Rejection::UnknownHold(id))?;
    }
    check_open(until, state, now)?;
    let Burn { programme, points, .. } = *burn;
    let mut events = vec![Event::HoldReleased { hold: id, programme, points, why: Release::Asked }];
    events.extend(lapsed(&programme, &burn.slices, now));
    Ok(Applied { version: None, events })
}

fn refund(account: &Account, caller: &Caller, id: BurnId, now: Timestamp) -> Result<Applied, Rejection> {
    let burn = account.burns().get(id).ok_or(Rejection::UnknownRedemption(id))?;
    let unit_price = match burn.state {
        BurnState::Redeemed { unit_price } => Some(unit_price),
        BurnState::Refunded { .. } => None,
        BurnState::Hold { .. } => return Err(Rejection::UnknownRedemption(id)),
    };
    may_settle(caller, burn.redeemer, Rejection::UnknownRedemption(id))?;
    let unit_price = unit_price.ok_or(Rejection::RefundedBefore)?;
    let Burn { programme, reward, quantity, redeemer, points, .. } = *burn;
    account.has(&programme).and_then(|has| has.plus(points)).map_err(|_| Rejection::PointsOutOfRange)?;
    let allocations = burn.allocations(points);
    let redemption = Redemption { programme, reward, quantity, redeemer, unit_price, points, allocations };
    let mut events = vec![Event::RedemptionRefunded { of: id, redemption }];
    events.extend(exchange(burn, burn.bought, ExchangeState::Undone));
    events.extend(lapsed(&programme, &burn.slices, now));
    Ok(Applied { version: None, events })
}

/// What `points` of a hold buy: they are those of whole rewards, so that nothing is rounded.
fn bought_by(hold: &Burn, points: Points) -> Result<Option<Bought>, Rejection> {
    let Some(bought) = hold.bought else { return Ok(None) };
    let price = hold.points.get() / u64::from(hold.quantity);
    if !points.get().is_multiple_of(price) {
        let fault = format!("a capture of this hold takes a multiple of {price} points");
        return Err(Rejection::SettingOutOfRange(fault));
    }
    Ok(bought.one_of(hold.quantity).times(points.get() / price))
}

fn exchange(burn: &Burn, bought: Option<Bought>, state: ExchangeState) -> Option<Event> {
    let Burn { programme, reward, redeemer, .. } = *burn;
    let exchange = |bought| Exchange { programme, reward, redeemer, bought, state };
    bought.map(exchange).map(Event::PointsExchanged)
}

/// A hold, with what only a hold has.
struct Known<'a> {
    burn: &'a Burn,
    by: Role,
    until: Timestamp,
    state: HoldState,
}

fn known_hold(account: &Account, id: BurnId) -> Result<Known<'_>, Rejection> {
    let burn = account.burns().get(id).ok_or(Rejection::UnknownHold(id))?;
    match burn.state {
        BurnState::Hold { by, until, state } => Ok(Known { burn, by, until, state }),
        BurnState::Redeemed { .. } | BurnState::Refunded { .. } => Err(Rejection::UnknownHold(id)),
    }
}

/// Whoever delivers may burn what is held, and give back what was burnt. Another partner learns nothing of it, not even
/// that it is there.
fn may_settle(caller: &Caller, redeemer: PartnerId, unknown: Rejection) -> Result<(), Rejection> {
    match caller.role {
        Role::Operator => Ok(()),
        Role::Partner(partner) if partner == redeemer => Ok(()),
        Role::Partner(_) => Err(unknown),
        Role::Member(_) => Err(Rejection::PermissionDenied),
    }
}

/// A hold whose time is over is no longer open, whether that is journaled yet or not.
fn check_open(until: Timestamp, state: HoldState, now: Timestamp) -> Result<(), Rejection> {
    match state {
        HoldState::Open if now < until => Ok(()),
        HoldState::Open | HoldState::Released(Release::TimedOut) => Err(Rejection::HoldExpired(until)),
        HoldState::Captured(_) | HoldState::Released(Release::Asked) => Err(Rejection::HoldNotOpen),
    }
}

/// The expiry of what was given back too late to be spent, journaled along with it. Of many lots it is left to time: giving
/// back must not take a larger record than taking did.
fn lapsed(programme: &ProgrammeId, slices: &[Lot], now: Timestamp) -> Vec<Event> {
    let lapsed = slices.iter().filter(|slice| slices.len() <= DUE_MAX && slice.expired(now));
    let event = |slice: &Lot| Event::LotExpired {
        programme: *programme,
        lot: slice.key,
        points: slice.left,
        pending: false,
    };
    lapsed.map(event).collect()
}
