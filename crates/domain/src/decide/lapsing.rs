//! Points that were out of reach when their order was returned, and come back too late to be spent.
//!
//! The return took others for them, or left a debt. If they lapsed as well, the member would lose them twice: they repay.

use std::collections::BTreeMap;

use crate::account::{Account, Moment};
use crate::burn::BurnState;
use crate::event::Event;
use crate::lot::{Lot, LotAllocation, LotKey};
use crate::order::Granted;
use crate::{BurnId, Command, Points, ProgrammeId};

/// Has what the `events` of an account in debt let lapse repay what is owed, as far as it was taken back before.
pub(super) fn repay(account: &Account, command: &Command, events: &mut Vec<Event>, at: &Moment) {
    let lapses = |event: &Event| matches!(event, Event::LotExpired { pending: false, .. });
    // What a return takes follows from what has lapsed before it: that stands.
    let returns = |event: &Event| matches!(event, Event::OrderReturned(_));
    if !events.iter().any(lapses) || events.iter().any(returns) {
        return;
    }
    let mut after = account.clone();
    after.take_in(events, command, at);
    let mut repaid: BTreeMap<ProgrammeId, Vec<LotAllocation>> = BTreeMap::new();
    let given_back: Vec<BurnId> = events.iter().filter_map(given_back).collect();
    for event in events.iter_mut() {
        let Event::LotExpired { programme, lot, points, pending: false } = event else { continue };
        let allocations = repaid.entry(*programme).or_default();
        let used = allocations.iter().fold(Points::ZERO, |sum, slice| sum.plus(slice.points).unwrap_or(sum));
        let owed = after.purses().get(programme).map_or(Points::ZERO, |purse| purse.debts.total());
        let known = find(account, &after, programme, lot, &given_back).and_then(|lot| granted(&after, lot));
        let Some(grant) = known else { continue };
        let repays = taken_twice(&after, grant).min(*points).min(owed.minus(used).unwrap_or(Points::ZERO));
        if repays.is_zero() {
            continue;
        }
        *points = points.minus(repays).expect("no more than lapses");
        let Granted { lot, issuer, funder, unit_price, .. } = *grant;
        allocations.push(LotAllocation { lot, points: repays, issuer, funder, unit_price });
    }
    events.retain(|event| !matches!(event, Event::LotExpired { points, .. } if points.is_zero()));
    for (programme, allocations) in repaid.into_iter().filter(|(_, slices)| !slices.is_empty()) {
        let sum = allocations.iter().fold(Points::ZERO, |sum, slice| sum.plus(slice.points).unwrap_or(sum));
        let debts = after.purses()[&programme].debts.first(sum);
        events.push(Event::DebtRepaid { programme, allocations, debts });
    }
}

/// The lot as it is in its purse, or in what the decision gives back to it.
fn find<'a>(
    account: &'a Account,
    after: &'a Account,
    programme: &ProgrammeId,
    lot: &LotKey,
    given_back: &[BurnId],
) -> Option<&'a Lot> {
    let burns = given_back.iter().filter_map(|burn| after.burns().get(*burn));
    let slice = || burns.flat_map(|burn| &burn.slices).find(|slice| slice.key == *lot);
    account.purses().get(programme).and_then(|purse| purse.lots.lot(lot)).or_else(slice)
}

/// The hold or redemption of which the fact gives points back to their lots.
pub(super) fn given_back(event: &Event) -> Option<BurnId> {
    match event {
        Event::HoldCaptured { hold: burn, .. }
        | Event::HoldReleased { hold: burn, .. }
        | Event::RedemptionRefunded { of: burn, .. } => Some(*burn),
        Event::MemberEnrolled
        | Event::ConsentGiven { .. }
        | Event::ConsentWithdrawn { .. }
        | Event::PointsAccrued(_)
        | Event::NothingEarned { .. }
        | Event::LotActivated { .. }
        | Event::LotExpired { .. }
        | Event::RewardRedeemed(_)
        | Event::HoldCreated(_)
        | Event::OrderReturned(_)
        | Event::PointsClawedBack(_)
        | Event::DebtRepaid { .. }
        | Event::PointsExchanged(_)
        | Event::AdjustmentCreated { .. }
        | Event::AdjustmentApproved { .. }
        | Event::AdjustmentRejected { .. }
        | Event::PointsTaken(_)
        | Event::AccountLinked { .. }
        | Event::HandedOver { .. }
        | Event::RecordsAdopted { .. }
        | Event::PointsAdopted { .. }
        | Event::PointsSuspended { .. }
        | Event::GrantReversed(_)
        | Event::LinksAccepted
        | Event::AccountUnlinked { .. }
        | Event::OrderKnown { .. }
        | Event::OrderLocated { .. } => None,
    }
}

fn granted<'a>(after: &'a Account, lot: &Lot) -> Option<&'a Granted> {
    after.orders().get(lot.order.as_ref()?)?.grants.iter().find(|grant| grant.lot == lot.key)
}

/// How many points of a grant were taken back, spent or have lapsed, beyond those that there were. Looks at all redemptions,
/// but only of what was taken back while something is owed.
fn taken_twice(after: &Account, grant: &Granted) -> Points {
    if grant.clawed_back.is_zero() {
        return Points::ZERO;
    }
    let redeemed = after.burns().iter().filter(|(_, burn)| matches!(burn.state, BurnState::Redeemed { .. }));
    let slices = redeemed.flat_map(|(_, burn)| &burn.slices).filter(|slice| slice.key == grant.lot);
    let spent = slices.map(|slice| slice.left.get()).sum::<u64>();
    let gone = spent + grant.clawed_back.get() + grant.lapsed.get();
    Points::new(gone.saturating_sub(grant.points.get())).unwrap_or(grant.clawed_back)
}
