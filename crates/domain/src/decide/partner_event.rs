//! Partner events: what the programme in force at the event's own time grants for it, at today's prices.

use super::{closing, consent, returns};
use crate::account::{Account, Moment};
use crate::event::{Accrual, Applied, Event, Nothing, VersionId};
use crate::lot::Expiry;
use crate::programme::{Grant, Once, Programme, Rounding, Rule, Trigger};
use crate::registry::Registry;
use crate::{
    EventBody, Fingerprint, Money, PartnerEvent, PartnerId, Points, ProgrammeId, Purpose, Rejection,
    Timestamp, UnitPrice,
};

pub(super) fn decide(
    account: &Account,
    registry: &Registry,
    event: &PartnerEvent,
    at: &Moment,
) -> Result<Applied, Rejection> {
    let partner = registry.partner(&event.partner).ok_or(Rejection::UnknownPartner(event.partner))?;
    if event.body.begins() {
        registry.check_takes_part(&event.partner)?;
    }
    match &event.body {
        EventBody::Return { order, what } => return returns::decide(account, event, (order, what), at),
        EventBody::AccountClosing { reference } => {
            return closing::decide(account, registry, event, reference, at);
        }
        EventBody::SignUp { .. }
        | EventBody::ConsentGiven { .. }
        | EventBody::ConsentWithdrawn { .. }
        | EventBody::Purchase { .. }
        | EventBody::EmailRead { .. }
        | EventBody::AccountOpening { .. }
        | EventBody::Engagement { .. }
        | EventBody::Basket { .. } => {}
    }
    let programme =
        event.programme.or(partner.default_programme).ok_or(Rejection::NoProgramme(event.partner))?;
    let version = registry.version(&programme, event.event_time)?;
    if let Some(amount) = event.body.amount() {
        check_amount(&version.programme, event, amount)?;
    }
    let mut events = super::due(account, &programme, at.decided_at, &[]);
    facts(account, event, &mut events)?;

    let mut has = account.has(&programme).map_err(|_| Rejection::PointsOutOfRange)?;
    let mut granted = false;
    let mut missing = None;
    for rule in looks_at(&version.programme, event) {
        let points = match grant(account, event, &version.programme, rule, &events, at.decided_at)? {
            Ok(points) => points,
            Err(why) => {
                if why == Nothing::ConsentMissing {
                    missing = missing.or(rule.consent);
                }
                events.push(Event::NothingEarned { rule: Some(rule.id), why });
                continue;
            }
        };
        has = has.plus(points).map_err(|_| Rejection::PointsOutOfRange)?;
        events.push(Event::PointsAccrued(accrue(registry, event, &version.programme, rule, points, at)?));
        granted = true;
    }
    // It can come again once the consent is there. A sign-up says more than its points: it enrols all the same.
    let says_more = matches!(event.body, EventBody::SignUp { .. });
    if let (false, false, Some(purpose)) = (granted, says_more, missing) {
        return Err(Rejection::ConsentMissing(purpose));
    }
    if earns(&event.body) && looks_at(&version.programme, event).next().is_none() {
        events.push(Event::NothingEarned { rule: None, why: Nothing::NoRule });
    }
    returns::check_part(account, event, &events)?;
    Ok(Applied { version: Some(VersionId { programme, number: version.number }), events })
}

/// What the event says of the member, apart from points.
fn facts(account: &Account, event: &PartnerEvent, events: &mut Vec<Event>) -> Result<(), Rejection> {
    // An older word on a consent, come late, does not undo a newer one.
    let newest = |purpose: &Purpose| {
        account.consents().get(purpose).is_none_or(|known| known.since <= event.event_time)
    };
    match &event.body {
        EventBody::SignUp { consents } => {
            if account.enrolment().is_none() {
                events.push(Event::MemberEnrolled);
            }
            events.extend(
                consents
                    .iter()
                    .filter(|purpose| newest(purpose))
                    .map(|purpose| Event::ConsentGiven { purpose: *purpose }),
            );
        }
        EventBody::ConsentGiven { purpose } if newest(purpose) => {
            events.push(Event::ConsentGiven { purpose: *purpose })
        }
        EventBody::ConsentWithdrawn { purpose } if newest(purpose) => {
            events.push(Event::ConsentWithdrawn { purpose: *purpose });
        }
        EventBody::ConsentGiven { .. }
        | EventBody::ConsentWithdrawn { .. }
        | EventBody::Purchase { .. }
        | EventBody::EmailRead { .. }
        | EventBody::AccountOpening { .. }
        | EventBody::Engagement { .. }
        | EventBody::Basket { .. }
        | EventBody::Return { .. }
        | EventBody::AccountClosing { .. } => {}
    }
    consent::check_room(account, events.iter().filter_map(purpose))
}

fn purpose(event: &Event) -> Option<&Purpose> {
    match event {
        Event::ConsentGiven { purpose } | Event::ConsentWithdrawn { purpose } => Some(purpose),
        Event::MemberEnrolled
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

/// Whether events of this kind are meant to earn points.
fn earns(body: &EventBody) -> bool {
    trigger(body).is_some()
}

fn trigger(body: &EventBody) -> Option<Trigger> {
    match body {
        EventBody::SignUp { .. } => Some(Trigger::SignUp),
        EventBody::Purchase { .. } | EventBody::Basket { .. } => Some(Trigger::Purchase),
        EventBody::EmailRead { .. } => Some(Trigger::EmailRead),
        EventBody::AccountOpening { .. } => Some(Trigger::AccountOpening),
        EventBody::Engagement { kind, .. } => Some(Trigger::Engagement(*kind)),
        EventBody::ConsentGiven { .. }
        | EventBody::ConsentWithdrawn { .. }
        | EventBody::Return { .. }
        | EventBody::AccountClosing { .. } => None,
    }
}

/// The rules that look at such an event at this partner, in the order of the document.
fn looks_at<'a>(programme: &'a Programme, event: &'a PartnerEvent) -> impl Iterator<Item = &'a Rule> {
    let trigger = trigger(&event.body);
    programme.rules.iter().filter(move |rule| {
        Some(rule.on) == trigger
            && rule.partners.as_ref().is_none_or(|partners| partners.contains(&event.partner))
    })
}

/// How many points a rule grants, or why none.
fn grant(
    account: &Account,
    event: &PartnerEvent,
    programme: &Programme,
    rule: &Rule,
    facts: &[Event],
    now: Timestamp,
) -> Result<Result<Points, Nothing>, Rejection> {
    let time = event.event_time;
    if rule.from.is_some_and(|from| time < from) || rule.until.is_some_and(|until| until <= time) {
        return Ok(Err(Nothing::OutsideWindow));
    }
    if rule
        .channels
        .as_ref()
        .is_some_and(|channels| event.channel.is_none_or(|channel| !channels.contains(&channel)))
    {
        return Ok(Err(Nothing::OtherChannel));
    }
    if let Some(purpose) = rule.consent {
        let now_given = facts.contains(&Event::ConsentGiven { purpose });
        if !now_given && !account.permits(&purpose) {
            return Ok(Err(Nothing::ConsentMissing));
        }
    }
    if rule.once == Some(Once::Reference) && event.body.reference().is_none() {
        return Ok(Err(Nothing::NoReference));
    }
    if claim(event, &programme.id, rule).is_some_and(|claim| account.keys().claimed(&claim)) {
        return Ok(Err(Nothing::GrantedBefore));
    }
    let points = match (&rule.grant, event.body.amount()) {
        (Grant::Fixed(points), _) => *points,
        (Grant::PerAmount { points, per_micros, currency, rounding }, Some(amount)) => {
            if amount.currency != *currency {
                return Ok(Err(Nothing::OtherCurrency));
            }
            let exact = i128::from(amount.micros) * i128::from(points.get());
            let points = divide(exact, i128::from(*per_micros), *rounding);
            u64::try_from(points)
                .ok()
                .and_then(|points| Points::new(points).ok())
                .ok_or(Rejection::PointsOutOfRange)?
        }
        (Grant::PerAmount { .. }, None) => Points::ZERO,
    };
    if points.is_zero() {
        return Ok(Err(Nothing::AmountTooSmall));
    }
    // Nobody could ever spend them, yet the funder would be billed.
    let (available_from, expires_at) = life(event, programme, rule, now);
    let lapses_first = expires_at.0.is_some_and(|expires_at| expires_at <= available_from);
    Ok(if lapses_first { Err(Nothing::LapsedAlready) } else { Ok(points) })
}

/// From when the points that a rule grants now can be spent, never before now, and when they lapse.
fn life(event: &PartnerEvent, programme: &Programme, rule: &Rule, now: Timestamp) -> (Timestamp, Expiry) {
    let expires_at = rule.expires_after.map(|life| programme.expires_at(event.event_time, &life));
    (programme.available_from(now, rule.available_after_days), Expiry(expires_at))
}

fn accrue(
    registry: &Registry,
    event: &PartnerEvent,
    programme: &Programme,
    rule: &Rule,
    points: Points,
    at: &Moment,
) -> Result<Accrual, Rejection> {
    let now = at.decided_at;
    let funder = rule.funder.unwrap_or(event.partner);
    let unit_price = price(registry, &programme.id, &funder, now)?;
    let (available_from, expires_at) = life(event, programme, rule, now);
    Ok(Accrual {
        programme: programme.id,
        rule: rule.id,
        points,
        issuer: event.partner,
        funder,
        unit_price,
        category: rule.category,
        available_from,
        pending: available_from > now,
        expires_at,
        claim: claim(event, &programme.id, rule),
    })
}

/// What the funder pays for a point at `now`.
pub(super) fn price(
    registry: &Registry,
    programme: &ProgrammeId,
    funder: &PartnerId,
    now: Timestamp,
) -> Result<UnitPrice, Rejection> {
    let contract = registry.contract(programme, funder, now);
    contract
        .and_then(|contract| contract.accrual)
        .ok_or(Rejection::NoContract { partner: *funder, programme: *programme })
}

/// What a rule that grants once remembers. Frozen.
fn claim(event: &PartnerEvent, programme: &ProgrammeId, rule: &Rule) -> Option<Fingerprint> {
    let feed = || {
        Fingerprint::of("once").field(1, programme.as_str().as_bytes()).field(2, rule.id.as_str().as_bytes())
    };
    let partner = event.partner.as_str().as_bytes();
    match rule.once? {
        Once::Member => Some(feed().done()),
        Once::MemberAndPartner => Some(feed().field(3, partner).done()),
        Once::Reference => event
            .body
            .reference()
            .map(|reference| feed().field(3, partner).field(4, reference.as_str().as_bytes()).done()),
    }
}

/// An amount that no rule understands is refused rather than taken for nothing.
fn check_amount(programme: &Programme, event: &PartnerEvent, amount: &Money) -> Result<(), Rejection> {
    if amount.micros < 0 {
        return Err(Rejection::AmountNegative);
    }
    let mut currencies = looks_at(programme, event)
        .filter_map(|rule| match rule.grant {
            Grant::PerAmount { currency, .. } => Some(currency),
            Grant::Fixed(_) => None,
        })
        .peekable();
    if currencies.peek().is_some() && currencies.all(|currency| currency != amount.currency) {
        return Err(Rejection::CurrencyNotAccepted { programme: programme.id, currency: amount.currency });
    }
    Ok(())
}

/// `dividend / divisor` in whole numbers; `divisor` is above zero.
fn divide(dividend: i128, divisor: i128, rounding: Rounding) -> i128 {
    let (quotient, rest) = (dividend.div_euclid(divisor), dividend.rem_euclid(divisor));
    let up = match rounding {
        Rounding::Down => false,
        Rounding::Up => rest > 0,
        Rounding::HalfEven => rest * 2 > divisor || (rest * 2 == divisor && quotient % 2 != 0),
    };
    quotient + i128::from(up)
}
