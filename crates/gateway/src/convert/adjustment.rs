//! Adjustments.

use coalition_domain::adjustment::{Adjustment, AdjustmentReason, AdjustmentRecord, AdjustmentState, Entry};
use coalition_domain::programme::Category;
use coalition_domain::{AccountId, AdjustmentId, Command, Event, Outcome, PartnerId, Points, Timestamp};
use coalition_intake::convert::{note_from_proto, timestamp_from_proto, timestamp_to_proto};
use coalition_ledger::resident::Activity;
use coalition_ledger::view::Position;
use coalition_proto::operator::v1 as proto;
use coalition_proto::r#type::v1 as shared;
use proto::create_adjustment_request::Entry as Asked;

use super::{lot, name, position};
use crate::status::Failure;

/// Reads what is to be given or taken.
pub(crate) fn from_proto(request: &proto::CreateAdjustmentRequest) -> Result<Adjustment, Failure> {
    let points = u64::try_from(request.points).ok().and_then(|points| Points::new(points).ok());
    let points = points.filter(|points| !points.is_zero());
    let entry = match request.entry.as_ref().ok_or_else(|| Failure::missing("entry"))? {
        Asked::Grant(grant) => Entry::Grant {
            funder: name::partner("grant.funder", &grant.funder)?,
            category: lot::category_from_proto("grant.category", grant.category, Category::Adjustment)?,
            expires_at: match &grant.expire_time {
                Some(time) => Some(timestamp_from_proto(time, "grant.expire_time")?),
                None => None,
            },
        },
        Asked::Taking(taking) if taking.owed_to.is_empty() => Entry::Take { owed_to: None },
        Asked::Taking(taking) => {
            Entry::Take { owed_to: Some(name::partner("taking.owed_to", &taking.owed_to)?) }
        }
    };
    Ok(Adjustment {
        programme: name::programme("programme", &request.programme)?,
        points: points.ok_or_else(|| Failure::invalid("points", "is out of range: 1 to 10^15"))?,
        entry,
        reason: reason_from_proto(request.reason)?,
        note: match request.note.as_str() {
            "" => None,
            note => Some(note_from_proto(note, "note")?),
        },
    })
}

/// The name of an adjustment.
pub(crate) fn name_of(account: AccountId, id: AdjustmentId) -> String {
    format!("members/{account}/adjustments/{}", u64::from(id.0) + 1)
}

/// An adjustment of `account` as it is at `now`.
pub(crate) fn to_proto(
    account: AccountId,
    (id, record): (AdjustmentId, &AdjustmentRecord),
    now: Timestamp,
    at: Position,
) -> proto::Adjustment {
    let AdjustmentRecord { adjustment, by, created_at, state } = record;
    let mut written = proto::Adjustment {
        name: name_of(account, id),
        member: name::of_member(account),
        programme: name::of_programme(adjustment.programme),
        points: adjustment.points.signed(),
        entry: Some(entry_to_proto(&adjustment.entry)),
        reason: reason(adjustment.reason).into(),
        note: adjustment.note.as_ref().map(|note| note.as_str().to_owned()).unwrap_or_default(),
        creator: name::of_key(by),
        create_time: Some(timestamp_to_proto(*created_at)),
        position: Some(position::to_proto(at)),
        ..proto::Adjustment::default()
    };
    let reviewed = match state {
        AdjustmentState::Proposed { until } => {
            let lapsed = *until <= now;
            written.set_state(if lapsed {
                proto::AdjustmentState::Lapsed
            } else {
                proto::AdjustmentState::Proposed
            });
            written.lapse_time = Some(timestamp_to_proto(*until));
            None
        }
        AdjustmentState::Applied { approved } => {
            written.set_state(proto::AdjustmentState::Applied);
            *approved
        }
        AdjustmentState::Rejected { by, at } => {
            written.set_state(proto::AdjustmentState::Rejected);
            Some((*by, *at))
        }
    };
    if let Some((by, at)) = reviewed {
        written.reviewer = name::of_key(by);
        written.review_time = Some(timestamp_to_proto(at));
    }
    written
}

fn entry_to_proto(entry: &Entry) -> proto::adjustment::Entry {
    match entry {
        Entry::Grant { funder, category, expires_at } => proto::adjustment::Entry::Grant(proto::PointGrant {
            funder: name::of_partner(funder),
            category: lot::category(*category).into(),
            expire_time: expires_at.map(timestamp_to_proto),
        }),
        Entry::Take { owed_to } => proto::adjustment::Entry::Taking(proto::PointTaking {
            owed_to: owed_to.map(name::of_partner).unwrap_or_default(),
        }),
    }
}

/// Whether an activity is a word about an adjustment that has moved no points: a proposal, its rejection, a refusal.
pub(crate) fn is_between_operators(activity: &Activity) -> bool {
    match activity.decision.command {
        Command::Adjust { .. } => !events(activity).iter().any(|event| event.postings().is_some()),
        Command::PartnerEvent(_)
        | Command::Enrol { .. }
        | Command::Redeem { .. }
        | Command::TimePassed { .. }
        | Command::Reward { .. }
        | Command::Link { .. }
        | Command::Consent { .. }
        | Command::Unlink { .. }
        | Command::AcceptLinks { .. }
        | Command::Adopt(_)
        | Command::FindOrder { .. }
        | Command::LocateOrder { .. }
        | Command::OrderLocated { .. }
        | Command::Forwarded { .. } => false,
    }
}

/// The name of the adjustment that an activity of `account` is about; empty: about none.
pub(crate) fn name_in(account: AccountId, activity: &Activity) -> String {
    let id = events(activity).iter().find_map(|event| word(event, AdjustmentId(activity.number)));
    id.map(|(id, _)| name_of(account, id)).unwrap_or_default()
}

/// Why points were given or taken, where an activity did that or proposed it.
pub(crate) fn reason_in(activity: &Activity) -> shared::AdjustmentReason {
    let why = events(activity).iter().find_map(|event| word(event, AdjustmentId(activity.number)));
    why.and_then(|(_, why)| why).map_or(shared::AdjustmentReason::Unspecified, reason)
}

/// Who pays for points that were given.
pub(crate) fn funder(event: &Event) -> Option<PartnerId> {
    event.accrual().map(|accrual| accrual.funder)
}

/// The adjustment that an event is about, if it is about one, and why that was made.
fn word(event: &Event, created: AdjustmentId) -> Option<(AdjustmentId, Option<AdjustmentReason>)> {
    match event {
        Event::AdjustmentCreated { adjustment, .. } => Some((created, Some(adjustment.reason))),
        Event::AdjustmentApproved { adjustment, reason, .. } => Some((*adjustment, Some(*reason))),
        Event::AdjustmentRejected { adjustment, .. } => Some((*adjustment, None)),
        Event::MemberEnrolled
        | Event::ConsentGiven { .. }
        | Event::ConsentWithdrawn { .. }
        | Event::PointsAccrued(_)
        | Event::NothingEarned { .. }
        | Event::LotActivated { .. }
        | Event::LotExpired { .. }
        | Event::RewardRedeemed(_)
        | Event::HoldCreated(_)
        | Event::HoldCaptured { .. }
        | Event::HoldReleased { .. }
        | Event::RedemptionRefunded { .. }
        | Event::OrderReturned(_)
        | Event::PointsClawedBack(_)
        | Event::DebtRepaid { .. }
        | Event::PointsExchanged(_)
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

fn events(activity: &Activity) -> &[Event] {
    match &activity.decision.outcome {
        Outcome::Applied(applied) => &applied.events,
        Outcome::Refused(_) | Outcome::Waiting(_) | Outcome::Forwarded(_) => &[],
    }
}

fn reason(reason: AdjustmentReason) -> shared::AdjustmentReason {
    match reason {
        AdjustmentReason::Goodwill => shared::AdjustmentReason::Goodwill,
        AdjustmentReason::MissingEvent => shared::AdjustmentReason::MissingEvent,
        AdjustmentReason::Correction => shared::AdjustmentReason::Correction,
        AdjustmentReason::Fraud => shared::AdjustmentReason::Fraud,
    }
}

fn reason_from_proto(reason: i32) -> Result<AdjustmentReason, Failure> {
    use shared::AdjustmentReason as Said;
    match Said::try_from(reason) {
        Ok(Said::Unspecified) => Err(Failure::missing("reason")),
        Ok(Said::Goodwill) => Ok(AdjustmentReason::Goodwill),
        Ok(Said::MissingEvent) => Ok(AdjustmentReason::MissingEvent),
        Ok(Said::Correction) => Ok(AdjustmentReason::Correction),
        Ok(Said::Fraud) => Ok(AdjustmentReason::Fraud),
        Err(_) => Err(Failure::invalid("reason", "is no reason for an adjustment")),
    }
}
