//! A `[[reward]]` of a document.

use super::rule::window;
use super::section::Section;
use super::value::{label, micros, parsed, points};
use crate::programme::{Limits, Reward};
use crate::{Bought, Money, Points, RewardId};

/// All keys but the id; `None` when a needed one is missing or at fault.
pub(super) fn reward(section: &mut Section<'_>, id: Option<RewardId>) -> Option<Reward> {
    let name = section.need("name", label);
    section.check_label("name", name.as_ref());
    let redeemer = section.need("redeemer", parsed);
    let points = section.need("points", points);
    let (thing, buys) = (!section.has("buys"), section.section("buys").and_then(buys));
    let limits = section.section("limits").map(|limits| read_limits(limits, points)).unwrap_or_default();
    let (from, until) = window(section);
    if !thing && buys.is_none() {
        return None;
    }
    Some(Reward { id: id?, name: name?, redeemer: redeemer?, points: points?, buys, limits, from, until })
}

/// What one of it is worth: `units` of a `unit`, or an `amount` in a `currency`.
fn buys(mut section: Section<'_>) -> Option<Bought> {
    let bought = if section.has("amount") || section.has("currency") {
        let (amount, currency) = (section.need("amount", micros), section.need("currency", parsed));
        let money = amount.zip(currency).map(|(micros, currency)| Money { micros, currency });
        // Nobody can be paid a part of a cent.
        if money.is_some_and(|money| money.micros % money.currency.minor_micros() != 0) {
            section.fault("amount", "is no whole number of the currency's smallest unit");
        }
        money.map(Bought::Money)
    } else {
        let (count, unit) = (section.need("units", points), section.need("unit", parsed));
        count.zip(unit).map(|(count, unit)| Bought::Units { unit, count: count.get() })
    };
    section.finish();
    bought
}

fn read_limits(mut section: Section<'_>, price: Option<Points>) -> Limits {
    let min = section.read("min_points", points);
    let max = section.read("max_points", points);
    let max_a_year = section.read("max_points_a_year", points);
    for (key, most) in [("max_points", max), ("max_points_a_year", max_a_year)] {
        for (name, least) in [("the price", price), ("min_points", min)] {
            if most.zip(least).is_some_and(|(most, least)| most < least) {
                section.fault(key, format!("is below {name}, so that it could never be had"));
            }
        }
    }
    section.finish();
    Limits { min, max, max_a_year }
}
