//! A `[[rule]]` of a document.

use toml::de::DeValue;

use super::section::Section;
use super::value::{Read, choice, instant, micros, parsed, points, whole};
use crate::calendar::{EndOf, Term};
use crate::programme::{Category, Grant, Life, Once, Rounding, Rule, Trigger};
use crate::{Points, RuleId, Timestamp};

/// `None`: an engagement, whose kind stands in a key of its own.
const EVENTS: [(&str, Option<Trigger>); 5] = [
    ("sign_up", Some(Trigger::SignUp)),
    ("purchase", Some(Trigger::Purchase)),
    ("email_read", Some(Trigger::EmailRead)),
    ("account_opening", Some(Trigger::AccountOpening)),
    ("engagement", None),
];

const ONCE: [(&str, Once); 3] = [
    ("member", Once::Member),
    ("member_and_partner", Once::MemberAndPartner),
    ("reference", Once::Reference),
];

const ROUNDINGS: [(&str, Rounding); 3] =
    [("down", Rounding::Down), ("up", Rounding::Up), ("half_even", Rounding::HalfEven)];

/// No event adjusts points or buys them, so no rule grants lots of those categories.
const CATEGORIES: [(&str, Category); 3] =
    [("base", Category::Base), ("bonus", Category::Bonus), ("promotional", Category::Promotional)];

const ENDS: [(&str, EndOf); 2] = [("month", EndOf::Month), ("year", EndOf::Year)];

/// The longest wait until points can be spent, in days.
const AVAILABLE_AFTER_DAYS_MAX: u32 = 3_650;
/// The longest life of points, in days.
const EXPIRES_AFTER_DAYS_MAX: u32 = 36_500;
/// The same, in months.
const EXPIRES_AFTER_MONTHS_MAX: u32 = 1_200;
/// The longest time within which the closing of an account takes points back, in days.
const CLAWBACK_WITHIN_DAYS_MAX: u32 = 3_650;

/// All keys but the id, in a document with a time zone or without; `None` when a needed one is missing or at fault.
pub(super) fn rule(section: &mut Section<'_>, id: Option<RuleId>, in_zone: bool) -> Option<Rule> {
    let on = trigger(section);
    let partners = section.names("partners");
    let channels = section.names("channels");
    let (from, until) = window(section);
    let grant = grant(section, on);
    let category = section.read("category", |value| choice(value, &CATEGORIES));
    let funder = section.read("funder", parsed);
    let once = section.read("once", |value| choice(value, &ONCE));
    if on == Some(Trigger::SignUp) && once == Some(Once::Reference) {
        section.fault("once", "a sign-up names no reference, so the rule could never grant");
    }
    let consent = section.read("consent", parsed);
    let (available_after_days, expires_after) = life(section, in_zone);
    let clawback_within = section
        .read("clawback_within_days", |value| number(value, 1, CLAWBACK_WITHIN_DAYS_MAX))
        .map(|days| Life { term: Term::Days(days), end_of: None });
    if section.has("clawback_within_days") && !matches!(on, None | Some(Trigger::AccountOpening)) {
        section.fault("clawback_within_days", "only what was opened can be closed; a purchase is returned");
    }
    Some(Rule {
        id: id?,
        on: on?,
        partners,
        channels,
        from,
        until,
        grant: grant?,
        category: category.unwrap_or(Category::Base),
        funder,
        once,
        consent,
        available_after_days,
        expires_after,
        clawback_within,
    })
}

/// `from` and `until` of a rule or a reward.
pub(super) fn window(section: &mut Section<'_>) -> (Option<Timestamp>, Option<Timestamp>) {
    let (from, until) = (section.read("from", instant), section.read("until", instant));
    section.check_sayable("from", from);
    section.check_sayable("until", until);
    if let (Some(from), Some(until)) = (from, until)
        && from >= until
    {
        section.fault("until", format!("must lie after `from`, which is {from}"));
    }
    (from, until)
}

/// `event` and `kind`.
fn trigger(section: &mut Section<'_>) -> Option<Trigger> {
    let event = section.need("event", |value| choice(value, &EVENTS));
    let kind = section.read("kind", parsed);
    match event? {
        Some(trigger) => {
            if section.has("kind") {
                section.fault("kind", "only an engagement has a kind");
            }
            Some(trigger)
        }
        None => {
            if !section.has("kind") {
                section.fault("kind", "missing; an engagement is of a kind");
            }
            kind.map(Trigger::Engagement)
        }
    }
}

/// `points` and `per`.
fn grant(section: &mut Section<'_>, on: Option<Trigger>) -> Option<Grant> {
    let points = section.need("points", points);
    if section.has("per") && !matches!(on, None | Some(Trigger::Purchase)) {
        section.fault("per", "only a purchase has an amount");
    }
    match section.section("per") {
        Some(per) => per_amount(per, points),
        None => points.map(Grant::Fixed),
    }
}

fn per_amount(mut per: Section<'_>, points: Option<Points>) -> Option<Grant> {
    let amount = per.need("amount", micros);
    let currency = per.need("currency", parsed);
    let rounding = per.need("rounding", |value| choice(value, &ROUNDINGS));
    per.finish();
    Some(Grant::PerAmount { points: points?, per_micros: amount?, currency: currency?, rounding: rounding? })
}

/// `available_after_days`, and when points lapse.
fn life(section: &mut Section<'_>, in_zone: bool) -> (u32, Option<Life>) {
    let available = section
        .read("available_after_days", |value| number(value, 0, AVAILABLE_AFTER_DAYS_MAX))
        .unwrap_or_default();
    let days = section.read("expires_after_days", |value| number(value, 1, EXPIRES_AFTER_DAYS_MAX));
    let months = section.read("expires_after_months", |value| number(value, 1, EXPIRES_AFTER_MONTHS_MAX));
    let end_of = section.read("expires_at_end_of", |value| choice(value, &ENDS));
    for key in ["expires_after_months", "expires_at_end_of"] {
        if section.has(key) && !in_zone {
            section.fault(key, "goes by a calendar: say whose, as programme.time_zone");
        }
    }
    if days.is_some() && months.is_some() {
        section.fault("expires_after_months", "points lapse after days or after months, not both");
    }
    let counted = section.has("expires_after_days") || section.has("expires_after_months");
    if section.has("expires_at_end_of") && !counted {
        section.fault(
            "expires_at_end_of",
            "of which month or year? add expires_after_days or expires_after_months",
        );
    }
    // The decision never comes before the event, so such points would lapse unspent, always.
    let longest = days.or(months.map(|months| months * 31));
    if end_of.is_none() && longest.is_some_and(|longest| longest <= available) {
        let key = if days.is_some() { "expires_after_days" } else { "expires_after_months" };
        section.fault(key, "must be above available_after_days, or the points could never be spent");
    }
    let term = days.map(Term::Days).or(months.map(Term::Months));
    (available, term.map(|term| Life { term, end_of }))
}

fn number(value: &DeValue, from: u32, to: u32) -> Read<u32> {
    let number = whole(value, from.into()..=to.into())?;
    u32::try_from(number).map_err(|error| error.to_string())
}
