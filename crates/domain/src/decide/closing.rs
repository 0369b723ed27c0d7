//! The closing of an account at a partner: the points of its opening are taken back if it comes as early as the rule says.

use super::returns;
use crate::account::{Account, Moment};
use crate::event::{Applied, Nothing, OrderReturn};
use crate::order::{Granted, opening_key};
use crate::registry::Registry;
use crate::{PartnerEvent, Reference, Rejection, Timestamp};

pub(super) fn decide(
    account: &Account,
    registry: &Registry,
    event: &PartnerEvent,
    reference: &Reference,
    at: &Moment,
) -> Result<Applied, Rejection> {
    let order = opening_key(event.partner, reference);
    let opened = returns::find(account, &order, at)?.placed;
    let part = OrderReturn { order, amount: None, lines: Vec::new(), whole: true };
    let keeps = |grant: &Granted| keeps(registry, grant, opened, event.event_time);
    let events = returns::take_back(account, event, part, at, keeps)?;
    Ok(Applied { version: None, events })
}

/// Why the member keeps the points: the version that granted them says.
fn keeps(registry: &Registry, grant: &Granted, opened: Timestamp, closed: Timestamp) -> Option<Nothing> {
    let versions = registry.versions(&grant.version.programme).iter();
    let version = versions.clone().find(|version| version.number == grant.version.number);
    let programme = version.map(|version| &version.programme);
    let rule = programme
        .and_then(|programme| Some((programme, programme.rules.iter().find(|rule| rule.id == grant.rule)?)));
    match rule.and_then(|(programme, rule)| Some(programme.expires_at(opened, &rule.clawback_within?))) {
        None => Some(Nothing::KeptOnClosing),
        Some(until) if until <= closed => Some(Nothing::OpenLongEnough),
        Some(_) => None,
    }
}
