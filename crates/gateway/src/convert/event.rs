//! What became of a partner's event.

use coalition_domain::event::{Applied, Event, Nothing};
use coalition_domain::{EventBody, Outcome, PartnerEvent, ProgrammeId, Reference, Registry, Rejection, Role};
use coalition_intake::convert::timestamp_to_proto;
use coalition_journal::entry::{Seq, ShardId};
use coalition_ledger::resident::Activity;
use coalition_ledger::view::Position;
use coalition_proto::event::v1 as proto;
use coalition_proto::r#type::v1 as shared;

use super::{lot, name, position, settlement};
use crate::status;

/// The record of an event that `activity` answered, as `role` may see it.
pub(crate) fn to_proto(
    event: &PartnerEvent,
    activity: &Activity,
    registry: &Registry,
    (shard, role): (ShardId, Role),
) -> proto::PartnerEventRecord {
    let mut record = proto::PartnerEventRecord {
        partner: name::of_partner(event.partner),
        event_id: event.event_id.to_string(),
        programme: programme(event, registry).map(name::of_programme).unwrap_or_default(),
        event_time: Some(timestamp_to_proto(event.event_time)),
        record_time: Some(timestamp_to_proto(activity.decided_at)),
        position: Some(position::to_proto(Position { shard, seq: Seq(activity.place.seq) })),
        order_id: order(&event.body).map(ToString::to_string).unwrap_or_default(),
        ..proto::PartnerEventRecord::default()
    };
    match &activity.decision.outcome {
        Outcome::Applied(applied) => {
            if let Some(version) = applied.version {
                record.programme = name::of_programme(version.programme);
                record.programme_version = version.number;
            }
            record.set_state(shared::EventState::Applied);
            record.points = lot::granted(applied);
            record.grants = lot::grants(applied);
            record.rule_outcomes = rule_outcomes(applied);
            record.settlement_lines = settlement::lines_of_decision(activity, role);
        }
        Outcome::Refused(rejection) => {
            record.set_state(shared::EventState::Refused);
            record.refusal = Some(refusal(rejection));
        }
        Outcome::Waiting(wait) => {
            record.set_state(shared::EventState::Waiting);
            record.refusal = Some(refusal(&wait.waits_for.missed()));
            record.waits_until_time = Some(timestamp_to_proto(wait.until));
        }
        Outcome::Forwarded(_) => record.set_state(shared::EventState::Received),
    }
    record
}

/// The programme that an event counts in, as far as it or its partner names one.
pub(crate) fn programme(event: &PartnerEvent, registry: &Registry) -> Option<ProgrammeId> {
    let default = || registry.partner(&event.partner).and_then(|partner| partner.default_programme);
    event.programme.or_else(default)
}

/// The order that an event is about.
pub(crate) fn order(body: &EventBody) -> Option<&Reference> {
    match body {
        EventBody::Purchase { order, .. }
        | EventBody::Basket { order, .. }
        | EventBody::Return { order, .. } => Some(order),
        EventBody::SignUp { .. }
        | EventBody::ConsentGiven { .. }
        | EventBody::ConsentWithdrawn { .. }
        | EventBody::EmailRead { .. }
        | EventBody::AccountOpening { .. }
        | EventBody::Engagement { .. }
        | EventBody::AccountClosing { .. } => None,
    }
}

/// A rejection, for a record of the past.
pub(crate) fn refusal(rejection: &Rejection) -> shared::Refusal {
    shared::Refusal {
        reason: status::reason(rejection).into(),
        message: rejection.to_string(),
        field: String::new(),
    }
}

/// What each rule said.
pub(crate) fn rule_outcomes(applied: &Applied) -> Vec<shared::RuleOutcome> {
    applied.events.iter().filter_map(rule_outcome).collect()
}

fn rule_outcome(event: &Event) -> Option<shared::RuleOutcome> {
    match event {
        Event::PointsAccrued(accrual) => Some(shared::RuleOutcome {
            rule: accrual.rule.to_string(),
            verdict: shared::RuleVerdict::Granted.into(),
            points: accrual.points.signed(),
            message: "granted".to_owned(),
        }),
        Event::NothingEarned { rule, why } => Some(shared::RuleOutcome {
            rule: rule.map(|rule| rule.to_string()).unwrap_or_default(),
            verdict: verdict(*why).into(),
            points: 0,
            message: why.explain().to_owned(),
        }),
        Event::PointsClawedBack(clawback) => Some(shared::RuleOutcome {
            rule: clawback.rule.to_string(),
            verdict: shared::RuleVerdict::TakenBack.into(),
            points: clawback.points.signed(),
            message: "taken back".to_owned(),
        }),
        Event::OrderReturned(_)
        | Event::DebtRepaid { .. }
        | Event::MemberEnrolled
        | Event::ConsentGiven { .. }
        | Event::ConsentWithdrawn { .. }
        | Event::LotActivated { .. }
        | Event::LotExpired { .. }
        | Event::RewardRedeemed(_)
        | Event::HoldCreated(_)
        | Event::HoldCaptured { .. }
        | Event::HoldReleased { .. }
        | Event::RedemptionRefunded { .. }
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

fn verdict(why: Nothing) -> shared::RuleVerdict {
    match why {
        Nothing::NoRule => shared::RuleVerdict::NoRule,
        Nothing::GrantedBefore => shared::RuleVerdict::GrantedBefore,
        Nothing::OtherChannel => shared::RuleVerdict::OtherChannel,
        Nothing::OutsideWindow => shared::RuleVerdict::OutsideWindow,
        Nothing::OtherCurrency => shared::RuleVerdict::OtherCurrency,
        Nothing::AmountTooSmall => shared::RuleVerdict::AmountTooSmall,
        Nothing::ConsentMissing => shared::RuleVerdict::ConsentMissing,
        Nothing::NoReference => shared::RuleVerdict::NoReference,
        Nothing::LapsedAlready => shared::RuleVerdict::LapsedAlready,
        Nothing::KeptOnClosing => shared::RuleVerdict::KeptOnClosing,
        Nothing::OpenLongEnough => shared::RuleVerdict::OpenLongEnough,
    }
}
