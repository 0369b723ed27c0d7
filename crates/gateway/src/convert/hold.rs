//! Holds.

use coalition_domain::burn::{BurnState, HOLD_TTL, HOLD_TTL_MAX, HOLD_TTL_MIN, HoldState};
use coalition_domain::event::{Event, Hold, Release};
use coalition_domain::{Account, AccountId, BurnId, Outcome, Role, Span, Timestamp};
use coalition_intake::convert::timestamp_to_proto;
use coalition_journal::entry::{Seq, ShardId};
use coalition_ledger::resident::Activity;
use coalition_ledger::view::Position;
use coalition_proto::redemption::v1 as proto;

use super::{bought, name, position, redemption};
use crate::status::Failure;

/// The name of a hold.
pub(crate) fn name_of(account: AccountId, id: BurnId) -> String {
    format!("members/{account}/holds/{}", u64::from(id.0) + 1)
}

/// Reads how long a hold is to last.
pub(crate) fn ttl(ttl: Option<&prost_types::Duration>) -> Result<Span, Failure> {
    let Some(ttl) = ttl else { return Ok(HOLD_TTL) };
    let millis =
        ttl.seconds.checked_mul(1_000).and_then(|ms| ms.checked_add(i64::from(ttl.nanos) / 1_000_000));
    let span = millis.map(Span::from_millis).filter(|span| (HOLD_TTL_MIN..=HOLD_TTL_MAX).contains(span));
    span.ok_or_else(|| Failure::invalid("ttl", "lies between 1 minute and 30 days"))
}

/// The hold that an activity of `account` created, as `role` may see it at `now`; `None` if it created none, or it is not
/// theirs.
pub(crate) fn to_proto(
    account: &Account,
    activity: &Activity,
    now: Timestamp,
    shard: ShardId,
    role: Role,
) -> Option<proto::Hold> {
    let Hold { programme, reward, quantity, redeemer, points, until, .. } = created(activity)?;
    let (id, member) = (BurnId(activity.number), account.id());
    if !redemption::visible(*redeemer, member, role) {
        return None;
    }
    let (state, captured) = state(account, id, now);
    Some(proto::Hold {
        name: name_of(member, id),
        member: name::of_member(member),
        reward: name::of_reward(programme, reward),
        quantity: i32::try_from(*quantity).unwrap_or(i32::MAX), // at most 1,000
        redeemer: name::of_partner(redeemer),
        points: points.signed(),
        bought: bought::of(activity),
        state: state.into(),
        redemption: captured.map(|captured| redemption::of_burn(member, captured)).unwrap_or_default(),
        create_time: Some(timestamp_to_proto(activity.decided_at)),
        expire_time: Some(timestamp_to_proto(*until)),
        position: Some(position::to_proto(Position { shard, seq: Seq(activity.place.seq) })),
    })
}

fn created(activity: &Activity) -> Option<&Hold> {
    let Outcome::Applied(applied) = &activity.decision.outcome else { return None };
    applied.events.iter().find_map(|event| match event {
        Event::HoldCreated(hold) => Some(hold),
        Event::MemberEnrolled
        | Event::ConsentGiven { .. }
        | Event::ConsentWithdrawn { .. }
        | Event::PointsAccrued(_)
        | Event::NothingEarned { .. }
        | Event::LotActivated { .. }
        | Event::LotExpired { .. }
        | Event::RewardRedeemed(_)
        | Event::HoldCaptured { .. }
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

/// What became of a hold by `now`, journaled or not, and the redemption that captured it.
fn state(account: &Account, id: BurnId, now: Timestamp) -> (proto::HoldState, Option<BurnId>) {
    match account.burns().get(id).map(|burn| burn.state) {
        Some(BurnState::Hold { state, until, .. }) => match state {
            HoldState::Open if now < until => (proto::HoldState::Open, None),
            HoldState::Open | HoldState::Released(Release::TimedOut) => (proto::HoldState::Expired, None),
            HoldState::Captured(redemption) => (proto::HoldState::Captured, Some(redemption)),
            HoldState::Released(Release::Asked) => (proto::HoldState::Released, None),
        },
        Some(BurnState::Redeemed { .. } | BurnState::Refunded { .. }) | None => {
            (proto::HoldState::Unspecified, None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hold_lasts_a_minute_to_thirty_days() {
        let read = |seconds, nanos| ttl(Some(&prost_types::Duration { seconds, nanos })).map(Span::as_millis);
        assert_eq!(ttl(None).unwrap().as_millis(), 1_800_000);
        assert_eq!(read(60, 0).unwrap(), 60_000);
        assert_eq!(read(30 * 86_400, 0).unwrap(), 2_592_000_000);
        for (seconds, nanos) in [(59, 999_000_000), (30 * 86_400, 1_000_000), (-60, 0), (i64::MAX, 0)] {
            assert!(read(seconds, nanos).is_err(), "{seconds}.{nanos:09}");
        }
    }
}
