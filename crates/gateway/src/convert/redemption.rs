//! Redemptions.

use coalition_domain::burn::BurnState;
use coalition_domain::event::{Event, Redemption};
use coalition_domain::lot::LotAllocation;
use coalition_domain::{Account, AccountId, BurnId, Outcome, PartnerId, Role};
use coalition_intake::convert::timestamp_to_proto;
use coalition_journal::entry::{Seq, ShardId};
use coalition_ledger::resident::Activity;
use coalition_ledger::view::{AccountView, Position};
use coalition_proto::redemption::v1 as proto;

use super::request::unit_price_to_proto;
use super::{bought, hold, name, position};

/// The name of the redemption that an activity was.
pub(crate) fn name_of(account: AccountId, activity: &Activity) -> String {
    of_burn(account, BurnId(activity.number))
}

/// The name of a redemption.
pub(crate) fn of_burn(account: AccountId, id: BurnId) -> String {
    format!("members/{account}/redemptions/{}", u64::from(id.0) + 1)
}

/// What became of a redemption, as its account knows it.
pub(crate) fn state(account: &Account, id: BurnId) -> proto::RedemptionState {
    match account.burns().get(id).map(|burn| burn.state) {
        Some(BurnState::Refunded { .. }) => proto::RedemptionState::Refunded,
        Some(BurnState::Redeemed { .. } | BurnState::Hold { .. }) | None => proto::RedemptionState::Completed,
    }
}

/// What an activity burnt points for, if it did.
pub(crate) fn burnt(activity: &Activity) -> Option<&Redemption> {
    burn(activity).map(|(redemption, _)| redemption)
}

/// What an activity burnt points for, and the hold that had them.
fn burn(activity: &Activity) -> Option<(&Redemption, Option<BurnId>)> {
    let Outcome::Applied(applied) = &activity.decision.outcome else { return None };
    applied.events.iter().find_map(|event| match event {
        Event::RewardRedeemed(redemption) => Some((redemption, None)),
        Event::HoldCaptured { hold, redemption, .. } => Some((redemption, Some(*hold))),
        Event::MemberEnrolled
        | Event::ConsentGiven { .. }
        | Event::ConsentWithdrawn { .. }
        | Event::PointsAccrued(_)
        | Event::NothingEarned { .. }
        | Event::LotActivated { .. }
        | Event::LotExpired { .. }
        | Event::HoldCreated(_)
        | Event::HoldReleased { .. }
        | Event::RedemptionRefunded { .. }
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
    })
}

/// The redemption that an activity of an account was, in a network of so many shards, as `role` may see it; `None` if it was none, or
/// is not theirs.
pub(crate) fn to_proto(
    view: &AccountView,
    activity: &Activity,
    state: proto::RedemptionState,
    shards: u32,
    role: Role,
) -> Option<proto::Redemption> {
    let (account, shard) = (view.account().id(), view.position.shard);
    let (redemption, held) = burn(activity)?;
    let Redemption { programme, reward, quantity, redeemer, unit_price, points, allocations } = redemption;
    if !visible(*redeemer, account, role) {
        return None;
    }
    let version = match &activity.decision.outcome {
        Outcome::Applied(applied) => applied.version.map_or(0, |version| version.number),
        Outcome::Refused(_) | Outcome::Waiting(_) | Outcome::Forwarded(_) => 0,
    };
    Some(proto::Redemption {
        name: name_of(account, activity),
        member: name::of_member(account),
        reward: name::of_reward(programme, reward),
        quantity: i32::try_from(*quantity).unwrap_or(i32::MAX), // at most 1,000
        redeemer: name::of_partner(redeemer),
        points: points.signed(),
        allocations: allocations.iter().map(|allocation| slice(view, allocation, shards, role)).collect(),
        redemption_unit_price: match role {
            Role::Operator | Role::Partner(_) => Some(unit_price_to_proto(unit_price)),
            Role::Member(_) => None,
        },
        programme_version: version,
        create_time: Some(timestamp_to_proto(activity.decided_at)),
        position: Some(position::to_proto(Position { shard, seq: Seq(activity.place.seq) })),
        state: state.into(),
        bought: bought::of(activity),
        hold: held.map(|held| hold::name_of(account, held)).unwrap_or_default(),
    })
}

/// Whether a role may see a redemption or hold.
pub(super) fn visible(redeemer: PartnerId, account: AccountId, role: Role) -> bool {
    match role {
        Role::Operator => true,
        Role::Partner(partner) => partner == redeemer,
        Role::Member(member) => member == account,
    }
}

fn slice(view: &AccountView, allocation: &LotAllocation, shards: u32, role: Role) -> proto::LotAllocation {
    // A lot that came with a link was granted to the account of its identifier.
    let (link, number) = allocation.lot.origin();
    let linked = link.and_then(|link| view.account().linked().get(link));
    let shard = linked.map_or(view.position.shard, |linked| ShardId(linked.account.shard(shards)));
    // What a lot cost its funder is between funder and operator.
    let funder = role == Role::Operator;
    proto::LotAllocation {
        issuer: name::of_partner(allocation.issuer),
        funder: if funder { name::of_partner(allocation.funder) } else { String::new() },
        points: allocation.points.signed(),
        accrual_unit_price: funder.then(|| unit_price_to_proto(&allocation.unit_price)),
        lot_position: Some(position::to_proto(Position { shard, seq: Seq(allocation.lot.granted.seq) })),
        lot_number: number,
    }
}
