//! Adjustments: points given or taken by an operator, above a limit only with the word of another one.

use super::{debt, partner_event, time};
use crate::account::{Account, Moment, Purse};
use crate::adjustment::{Adjustment, AdjustmentId, AdjustmentRecord, AdjustmentState, Entry, PROPOSAL_TTL};
use crate::debt::Debt;
use crate::event::{Accrual, Applied, Event, Taking, VersionId};
use crate::lot::Expiry;
use crate::programme::Category;
use crate::registry::Registry;
use crate::{
    AdjustmentChange, Caller, PartnerId, Points, ProgrammeId, Rejection, Role, Timestamp, UnitPrice,
};

/// What stands for a rule in the lots of adjustments.
const RULE: &str = "adjustment";

pub(super) fn decide(
    account: &Account,
    registry: &Registry,
    caller: &Caller,
    change: &AdjustmentChange,
    at: &Moment,
) -> Result<Applied, Rejection> {
    if caller.role != Role::Operator {
        return Err(Rejection::PermissionDenied);
    }
    match change {
        AdjustmentChange::Create(adjustment) => create(account, registry, caller, adjustment, at),
        AdjustmentChange::Approve { adjustment } => approve(account, registry, caller, *adjustment, at),
        AdjustmentChange::Reject { adjustment } => {
            open(account, *adjustment, at.decided_at)?;
            let rejected = Event::AdjustmentRejected { adjustment: *adjustment, by: caller.key };
            Ok(Applied { version: None, events: vec![rejected] })
        }
    }
}

fn create(
    account: &Account,
    registry: &Registry,
    caller: &Caller,
    adjustment: &Adjustment,
    at: &Moment,
) -> Result<Applied, Rejection> {
    // Also of a proposal: what could not be done is not worth another operator's time.
    let Applied { version, events } = effect(account, registry, adjustment, at)?;
    let proposed = adjustment.points > registry.adjustment_limit();
    let until = proposed.then(|| at.decided_at.plus(PROPOSAL_TTL));
    let created = Event::AdjustmentCreated { adjustment: adjustment.clone(), by: caller.key, until };
    let events = events.into_iter().filter(|_| !proposed);
    Ok(Applied { version, events: std::iter::once(created).chain(events).collect() })
}

/// The points are there, and the prices are those, of the time at which they are booked.
fn approve(
    account: &Account,
    registry: &Registry,
    caller: &Caller,
    id: AdjustmentId,
    at: &Moment,
) -> Result<Applied, Rejection> {
    let record = open(account, id, at.decided_at)?;
    if record.by == caller.key {
        return Err(Rejection::OwnAdjustment);
    }
    let Applied { version, events } = effect(account, registry, &record.adjustment, at)?;
    let reason = record.adjustment.reason;
    let approved = Event::AdjustmentApproved { adjustment: id, by: caller.key, reason };
    Ok(Applied { version, events: std::iter::once(approved).chain(events).collect() })
}

/// A proposal on which nobody has said a word yet.
fn open(account: &Account, id: AdjustmentId, now: Timestamp) -> Result<&AdjustmentRecord, Rejection> {
    let record = account.adjustments().get(&id).ok_or(Rejection::UnknownAdjustment(id))?;
    match record.state {
        AdjustmentState::Proposed { until } if now < until => Ok(record),
        AdjustmentState::Proposed { until } => Err(Rejection::AdjustmentLapsed(until)),
        AdjustmentState::Applied { .. } | AdjustmentState::Rejected { .. } => {
            Err(Rejection::AdjustmentNotOpen)
        }
    }
}

fn effect(
    account: &Account,
    registry: &Registry,
    adjustment: &Adjustment,
    at: &Moment,
) -> Result<Applied, Rejection> {
    let Adjustment { programme, points, entry, .. } = adjustment;
    if account.enrolment().is_none() {
        return Err(Rejection::NotEnrolled);
    }
    if points.is_zero() {
        return Err(Rejection::SettingOutOfRange("an adjustment is of 1 point at least".to_owned()));
    }
    let number = registry.version(programme, at.decided_at)?.number;
    let version = VersionId { programme: *programme, number };
    let events = match entry {
        Entry::Grant { funder, category, expires_at } => {
            let unit_price = price(registry, programme, funder, at.decided_at)?;
            vec![grant(account, adjustment, (*funder, unit_price), *category, Expiry(*expires_at), at)?]
        }
        Entry::Take { owed_to } => {
            let now = at.decided_at;
            let owed_to = owed_to.map(|to| Ok((to, price(registry, programme, &to, now)?))).transpose()?;
            take(account, programme, *points, owed_to, now)?
        }
    };
    Ok(Applied { version: Some(version), events })
}

fn grant(
    account: &Account,
    adjustment: &Adjustment,
    (funder, unit_price): (PartnerId, UnitPrice),
    category: Category,
    expires_at: Expiry,
    at: &Moment,
) -> Result<Event, Rejection> {
    let Adjustment { programme, points, .. } = *adjustment;
    // Nobody could ever spend them, yet the funder would be billed.
    if expires_at.0.is_some_and(|expires_at| expires_at <= at.decided_at) {
        return Err(Rejection::SettingOutOfRange("the points would have lapsed already".to_owned()));
    }
    account.has(&programme).and_then(|has| has.plus(points)).map_err(|_| Rejection::PointsOutOfRange)?;
    Ok(Event::PointsAccrued(Accrual {
        programme,
        rule: RULE.parse().expect("it is a slug"),
        points,
        issuer: funder,
        funder,
        unit_price,
        category,
        available_from: at.decided_at,
        pending: false,
        expires_at,
        claim: None,
    }))
}

/// What can be spent is taken; points that are held or still to be activated are not touched.
fn take(
    account: &Account,
    programme: &ProgrammeId,
    points: Points,
    owed_to: Option<(PartnerId, UnitPrice)>,
    now: Timestamp,
) -> Result<Vec<Event>, Rejection> {
    let (account, mut events) = time::given_back(account, programme, now);
    let none = Purse::default();
    let purse = account.purses().get(programme).unwrap_or(&none);
    let (allocations, owed) = match owed_to {
        None => (debt::allocate(purse, points, now)?, None),
        Some((to, unit_price)) => {
            let (slices, missing) = purse.lots.first(points, |lot| lot.burnable(now));
            purse.debts.with(missing).map_err(|_| Rejection::PointsOutOfRange)?;
            let owed = Debt { issuer: to, funder: to, unit_price, points: missing };
            let slices = slices.into_iter().map(|(lot, points)| lot.slice(points));
            (slices.collect(), (!missing.is_zero()).then_some(owed))
        }
    };
    events.extend(super::due(&account, programme, now, &allocations));
    events.push(Event::PointsTaken(Taking { programme: *programme, points, allocations, owed }));
    Ok(events)
}

/// What a partner pays for a point, or gets back for one.
fn price(
    registry: &Registry,
    programme: &ProgrammeId,
    partner: &PartnerId,
    now: Timestamp,
) -> Result<UnitPrice, Rejection> {
    registry.partner(partner).ok_or(Rejection::UnknownPartner(*partner))?;
    partner_event::price(registry, programme, partner, now)
}
