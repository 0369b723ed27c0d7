//! Entries of a member's history.

use std::collections::BTreeMap;

use coalition_domain::event::{Clawback, Event, Hold, Redemption, Release};
use coalition_domain::handover::Piece;
use coalition_domain::{
    AccountId, Caller, Command, Decision, EventBody, Outcome, PartnerId, ProgrammeId, Registry, RewardChange,
    Role,
};
use coalition_intake::convert::timestamp_to_proto;
use coalition_journal::entry::{Seq, ShardId};
use coalition_ledger::resident::Activity;
use coalition_ledger::view::Position;
use coalition_proto::account::v1::{self as proto, ActivityType};
use coalition_proto::r#type::v1 as shared;

use super::{adjustment, bought, event, lot, name, position, redemption, settlement};

/// Whether an activity is something of the role's own; what a member's key opens is theirs altogether.
pub(crate) fn is_of(activity: &Activity, role: Role) -> bool {
    // Between accounts: nothing happened to the member.
    if let Command::AcceptLinks { .. } = activity.decision.command {
        return false;
    }
    match role {
        Role::Operator => true,
        // A proposal is nothing yet.
        Role::Member(_) => !adjustment::is_between_operators(activity),
        Role::Partner(partner) => partner_of(&activity.decision) == Some(partner),
    }
}

/// The programme that an activity concerns.
pub(crate) fn programme(activity: &Activity, registry: &Registry) -> Option<ProgrammeId> {
    let decided = match &activity.decision.outcome {
        Outcome::Applied(applied) => applied.version.map(|version| version.programme),
        Outcome::Refused(_) | Outcome::Waiting(_) | Outcome::Forwarded(_) => None,
    };
    // What has no version of its own is known by whose points it moved.
    let moved_in = || {
        decided_events(&activity.decision).find_map(|event| event.postings().map(|(programme, _)| programme))
    };
    decided.or_else(|| match &activity.decision.command {
        Command::PartnerEvent(event) | Command::Forwarded { event, .. } => {
            moved_in().or_else(|| event::programme(event, registry))
        }
        Command::Enrol { .. } => None,
        Command::Redeem { programme, .. } => Some(*programme),
        Command::TimePassed { .. }
        | Command::Reward { .. }
        | Command::Adjust { .. }
        | Command::Link { .. }
        | Command::Consent { .. }
        | Command::Unlink { .. }
        | Command::AcceptLinks { .. }
        | Command::Adopt(_)
        | Command::FindOrder { .. }
        | Command::LocateOrder { .. }
        | Command::OrderLocated { .. } => moved_in(),
    })
}

/// An entry of the history of `account` as `role` may see it, with what each rule said if that was asked for. What a member
/// owes may come from another partner, so a partner sees its own part alone: what it gave and took back.
pub(crate) fn to_proto(
    account: AccountId,
    activity: &Activity,
    registry: &Registry,
    (shard, role): (ShardId, Role),
    with_rules: bool,
) -> proto::Activity {
    let command = &activity.decision.command;
    let mut entry = proto::Activity {
        name: format!("members/{account}/activities/{}", u64::from(activity.number) + 1),
        r#type: kind(activity).into(),
        programme: programme(activity, registry).map(name::of_programme).unwrap_or_default(),
        partner: partner_of(&activity.decision).map(name::of_partner).unwrap_or_default(),
        source: source(command),
        record_time: Some(timestamp_to_proto(activity.decided_at)),
        event_time: Some(timestamp_to_proto(activity.decided_at)),
        position: Some(position::to_proto(Position { shard, seq: Seq(activity.place.seq) })),
        ..proto::Activity::default()
    };
    if let Some(event) = command.event() {
        entry.event_time = Some(timestamp_to_proto(event.event_time));
        entry.channel = event.channel.map(|channel| channel.to_string()).unwrap_or_default();
        entry.order_id = event::order(&event.body).map(ToString::to_string).unwrap_or_default();
    }
    match &activity.decision.outcome {
        Outcome::Applied(applied) => {
            entry.set_state(shared::EventState::Applied);
            entry.programme_version = applied.version.map_or(0, |version| version.number);
            let owed = !matches!(role, Role::Partner(_));
            entry.points = applied.events.iter().map(|event| moved(event, owed)).sum();
            entry.grants = lot::grants(applied);
            entry.burnt = burnt(activity);
            entry.settlement_lines = settlement::lines_of_decision(activity, role);
            entry.bought = bought::of(activity);
            entry.taken_back = applied.events.iter().filter_map(|event| taken_back(event, owed)).collect();
            entry.adjustment = adjustment::name_in(account, activity);
            entry.adjustment_reason = adjustment::reason_in(activity).into();
            entry.debt_repaid = applied.events.iter().filter(|_| owed).map(repaid).sum();
            entry.rules = entry.grants.iter().map(|grant| grant.rule.clone()).collect();
            if redemption::burnt(activity).is_some() {
                entry.redemption = redemption::name_of(account, activity);
            }
            if with_rules {
                entry.rule_outcomes = event::rule_outcomes(applied);
            }
        }
        Outcome::Refused(rejection) => {
            entry.set_state(shared::EventState::Refused);
            entry.refusal = Some(event::refusal(rejection));
        }
        Outcome::Waiting(wait) => {
            entry.set_state(shared::EventState::Waiting);
            entry.refusal = Some(event::refusal(&wait.waits_for.missed()));
            entry.waits_until_time = Some(timestamp_to_proto(wait.until));
        }
        Outcome::Forwarded(_) => entry.set_state(shared::EventState::Received),
    }
    entry
}

/// What an event does to the sum of available and pending points; without what is `owed`, as if nothing was.
fn moved(event: &Event, owed: bool) -> i64 {
    match event {
        Event::PointsAccrued(accrual) => accrual.points.signed(),
        // What time has brought about along with it may be of others' lots and holds.
        Event::LotExpired { .. } | Event::HoldReleased { why: Release::TimedOut, .. } if !owed => 0,
        Event::LotExpired { points, .. } => -points.signed(),
        Event::RewardRedeemed(Redemption { points, .. }) | Event::HoldCreated(Hold { points, .. }) => {
            -points.signed()
        }
        Event::HoldCaptured { released: points, .. }
        | Event::HoldReleased { points, .. }
        | Event::RedemptionRefunded { redemption: Redemption { points, .. }, .. } => points.signed(),
        Event::PointsClawedBack(clawback) if owed => clawback.debt.signed() - clawback.points.signed(),
        Event::PointsClawedBack(clawback) => -clawback.points.signed(),
        Event::DebtRepaid { .. } if owed => -repaid(event),
        Event::DebtRepaid { .. } => 0,
        Event::PointsTaken(taking) => {
            taking.owed.as_ref().map_or(0, |debt| debt.points.signed()) - taking.points.signed()
        }
        Event::PointsAdopted { available, pending, .. } => available.signed() + pending.signed(),
        Event::HandedOver { piece: Piece::Points { lots, .. }, .. } => {
            -lots.iter().map(|lot| lot.left.signed()).sum::<i64>()
        }
        Event::GrantReversed(reversal) => -reversal.allocation.points.signed(),
        Event::AccountLinked { .. }
        | Event::HandedOver {
            piece: Piece::Identifier { .. } | Piece::Orders { .. } | Piece::Claims { .. } | Piece::Unlinked,
            ..
        }
        | Event::RecordsAdopted { .. }
        | Event::LinksAccepted
        | Event::AccountUnlinked { .. }
        | Event::OrderKnown { .. }
        | Event::OrderLocated { .. }
        | Event::PointsSuspended { .. }
        | Event::OrderReturned(_)
        | Event::AdjustmentCreated { .. }
        | Event::AdjustmentApproved { .. }
        | Event::AdjustmentRejected { .. }
        | Event::MemberEnrolled
        | Event::ConsentGiven { .. }
        | Event::ConsentWithdrawn { .. }
        | Event::NothingEarned { .. }
        | Event::LotActivated { .. }
        | Event::PointsExchanged(_) => 0,
    }
}

fn taken_back(event: &Event, owed: bool) -> Option<proto::TakenBackPoints> {
    let Clawback { version, rule, points, debt, .. } = clawback(event)?;
    Some(proto::TakenBackPoints {
        rule: rule.to_string(),
        programme: name::of_programme(version.programme),
        programme_version: version.number,
        points: points.signed(),
        debt: if owed { debt.signed() } else { 0 },
    })
}

/// The points that went to a debt.
fn repaid(event: &Event) -> i64 {
    match event {
        Event::DebtRepaid { debts, .. } => debts.iter().map(|debt| debt.points.signed()).sum(),
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
        | Event::OrderLocated { .. } => 0,
    }
}

fn clawback(event: &Event) -> Option<&Clawback> {
    match event {
        Event::PointsClawedBack(clawback) => Some(clawback),
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

fn burnt(activity: &Activity) -> Vec<proto::BurntPoints> {
    let mut by_issuer: BTreeMap<PartnerId, i64> = BTreeMap::new();
    for allocation in redemption::burnt(activity).into_iter().flat_map(|redemption| &redemption.allocations) {
        *by_issuer.entry(allocation.issuer).or_default() += allocation.points.signed();
    }
    let row = |(issuer, points)| proto::BurntPoints { issuer: name::of_partner(issuer), points };
    by_issuer.into_iter().map(row).collect()
}

fn decided_events(decision: &Decision) -> impl Iterator<Item = &Event> {
    let applied = match &decision.outcome {
        Outcome::Applied(applied) => Some(applied),
        Outcome::Refused(_) | Outcome::Waiting(_) | Outcome::Forwarded(_) => None,
    };
    applied.into_iter().flat_map(|applied| &applied.events)
}

/// The partner that took part: the sender of an event, the redeemer, or who asked.
pub(crate) fn partner_of(decision: &Decision) -> Option<PartnerId> {
    let asked = |caller: &Caller| match caller.role {
        Role::Partner(partner) => Some(partner),
        Role::Operator | Role::Member(_) => None,
    };
    match &decision.command {
        Command::PartnerEvent(event) | Command::Forwarded { event, .. } => Some(event.partner),
        Command::Enrol { caller, .. }
        | Command::Link { caller, .. }
        | Command::Consent { caller, .. }
        | Command::Unlink { caller, .. }
        | Command::AcceptLinks { caller, .. } => asked(caller),
        Command::TimePassed { .. }
        | Command::Adopt(_)
        | Command::FindOrder { .. }
        | Command::LocateOrder { .. }
        | Command::OrderLocated { .. } => None,
        // Whoever pays for points that were given.
        Command::Adjust { .. } => decided_events(decision).find_map(adjustment::funder),
        Command::Redeem { caller, .. } | Command::Reward { caller, .. } => {
            decided_events(decision).find_map(redeemer).or_else(|| asked(caller))
        }
    }
}

/// Who delivers the reward that an event is about.
fn redeemer(event: &Event) -> Option<PartnerId> {
    match event {
        Event::RewardRedeemed(redemption)
        | Event::HoldCaptured { redemption, .. }
        | Event::RedemptionRefunded { redemption, .. } => Some(redemption.redeemer),
        Event::HoldCreated(hold) => Some(hold.redeemer),
        Event::MemberEnrolled
        | Event::ConsentGiven { .. }
        | Event::ConsentWithdrawn { .. }
        | Event::PointsAccrued(_)
        | Event::NothingEarned { .. }
        | Event::LotActivated { .. }
        | Event::LotExpired { .. }
        | Event::HoldReleased { .. }
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

pub(crate) fn source(command: &Command) -> Option<proto::activity::Source> {
    match command {
        Command::PartnerEvent(event) | Command::Forwarded { event, .. } => {
            Some(proto::activity::Source::EventId(event.event_id.to_string()))
        }
        Command::Enrol { request, .. }
        | Command::Redeem { request, .. }
        | Command::Reward { request, .. }
        | Command::Adjust { request, .. }
        | Command::Link { request, .. }
        | Command::Consent { request, .. }
        | Command::Unlink { request, .. }
        | Command::AcceptLinks { request, .. } => {
            Some(proto::activity::Source::RequestId(request.to_string()))
        }
        Command::TimePassed { .. }
        | Command::Adopt(_)
        | Command::FindOrder { .. }
        | Command::LocateOrder { .. }
        | Command::OrderLocated { .. } => None,
    }
}

fn kind(activity: &Activity) -> ActivityType {
    match &activity.decision.command {
        Command::PartnerEvent(event) | Command::Forwarded { event, .. } => match &event.body {
            EventBody::SignUp { .. } => ActivityType::SignUp,
            EventBody::ConsentGiven { .. } => ActivityType::ConsentGiven,
            EventBody::ConsentWithdrawn { .. } => ActivityType::ConsentWithdrawn,
            EventBody::Purchase { .. } | EventBody::Basket { .. } => ActivityType::Purchase,
            EventBody::Return { .. } => ActivityType::Return,
            EventBody::AccountClosing { .. } => ActivityType::AccountClosing,
            EventBody::EmailRead { .. } => ActivityType::EmailRead,
            EventBody::AccountOpening { .. } => ActivityType::AccountOpening,
            EventBody::Engagement { .. } => ActivityType::Engagement,
        },
        Command::Enrol { .. } => ActivityType::Enrolment,
        Command::Link { .. }
        | Command::Adopt(_)
        | Command::FindOrder { .. }
        | Command::LocateOrder { .. }
        | Command::OrderLocated { .. }
        | Command::Unlink { .. }
        | Command::AcceptLinks { .. } => ActivityType::Link,
        Command::Consent { given: true, .. } => ActivityType::ConsentGiven,
        Command::Consent { given: false, .. } => ActivityType::ConsentWithdrawn,
        Command::Redeem { .. } => ActivityType::Redemption,
        Command::Reward { change, .. } => match change {
            RewardChange::Hold { .. } => ActivityType::Hold,
            RewardChange::Capture { .. } => ActivityType::Capture,
            RewardChange::Release { .. } => ActivityType::Release,
            RewardChange::Refund { .. } => ActivityType::Refund,
        },
        Command::Adjust { .. } => ActivityType::Adjustment,
        // A decision on what time has brought about is of one kind.
        Command::TimePassed { .. } => {
            let says = |what: fn(&Event) -> bool| decided_events(&activity.decision).any(what);
            if says(|event| matches!(event, Event::HandedOver { .. })) {
                ActivityType::Link
            } else if says(|event| matches!(event, Event::HoldReleased { .. })) {
                ActivityType::Release
            } else if says(|event| matches!(event, Event::LotActivated { .. })) {
                ActivityType::Activation
            } else {
                // Of what lapsed all may have repaid a debt.
                ActivityType::Expiry
            }
        }
    }
}
