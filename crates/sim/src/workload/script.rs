//! What the operator does: partners, contracts, keys, and a programme in two versions.

use std::sync::Arc;

use coalition_domain::decide::{RegistryChange, RegistryCommand};
use coalition_domain::registry::Settings;
use coalition_domain::{Points, Span, Timestamp, UnitPrice};

use super::requests::ADJUSTMENT_LIMIT;
use super::{CONSENT_WAIT, Random, START, boss, member, partner, programme, request, root, till};

/// The one programme; the second version doubles what purchases earn.
const DOCUMENT: &str = r#"
[programme]
id = "miles"
name = "Miles"
effective_from = EFFECTIVE

[[rule]]
id = "sign-up"
event = "sign_up"
points = 150
once = "member"

[[rule]]
id = "purchase"
event = "purchase"
points = RATE
per = { amount = "1.00", currency = "USD", rounding = "down" }

[[rule]]
id = "web"
event = "purchase"
channels = ["web"]
points = 30
category = "bonus"
funder = "bank"
expires_after_days = 1

[[rule]]
id = "letter"
event = "email_read"
points = 10
once = "reference"
consent = "marketing"

[[rule]]
id = "opening"
event = "account_opening"
points = 250
once = "member_and_partner"
category = "bonus"
expires_after_days = 1
clawback_within_days = 1

[[rule]]
id = "review"
event = "engagement"
kind = "review"
points = 7
category = "promotional"
expires_after_days = 2

[[rule]]
id = "survey"
event = "engagement"
kind = "survey"
points = 20
available_after_days = 1
funder = "bank"

[[reward]]
id = "mug"
name = "Mug"
redeemer = "shop"
points = 60

[[reward]]
id = "pin"
name = "Pin"
redeemer = "shop"
points = 5

[[reward]]
id = "trip"
name = "Trip"
redeemer = "air"
points = 700

[[reward]]
id = "flight"
name = "Flight"
redeemer = "air"
points = 40
buys = { units = 500, unit = "sky" }
limits = { max_points = 200, max_points_a_year = 400 }

[[reward]]
id = "cash"
name = "Cash"
redeemer = "shop"
points = 20
buys = { amount = "0.10", currency = "USD" }
"#;

fn document(effective: Timestamp, rate: u32) -> Arc<str> {
    DOCUMENT.replace("EFFECTIVE", &effective.to_string()).replace("RATE", &rate.to_string()).into()
}

/// So many of them set the network up.
pub(crate) const SET_UP: usize = 13;

/// A partner is suspended or resumed, or is not, as it is unknown or the caller may not.
pub(crate) fn suspension(random: &mut Random, now: Timestamp) -> RegistryCommand {
    let id = partner(random.pick::<&str>(&["shop", "bank", "mail", "mail", "air", "stray", "ghost"]));
    // Most of the time all take part.
    let change = if random.happens(3_500) {
        RegistryChange::SuspendPartner { id }
    } else {
        RegistryChange::ResumePartner { id }
    };
    let caller = *random.pick(&[root(), root(), root(), root(), boss(), boss(), till(), member()]);
    RegistryCommand { caller: Some(caller), request: request(random, now), change }
}

/// Commands to the registry in their order, each with the number of other commands after which it may come.
pub(crate) fn script(
    step: usize,
    random: &mut Random,
    now: Timestamp,
    commands: usize,
) -> Option<(usize, RegistryCommand)> {
    let usd = "USD".parse().expect("a currency");
    let price = |micros| UnitPrice::new(usd, micros).ok();
    let create = |name: &str, default: bool| RegistryChange::CreatePartner {
        id: partner(name),
        display_name: name.to_owned(),
        default_programme: default.then(programme),
    };
    let contract = |name: &str, from, accrual, redemption| RegistryChange::CreateContract {
        partner: partner(name),
        programme: programme(),
        from,
        accrual,
        redemption,
    };
    let day_before = START.minus(Span::from_days(1));
    let (after, change) = match step {
        0 => {
            let settings =
                Settings { max_event_age: Span::from_days(1), max_request_age: Span::from_days(30) };
            let (consent_wait, key, secret_hash) = (CONSENT_WAIT, root().key, [1; 32]);
            let adjustment_limit = Points::new(ADJUSTMENT_LIMIT).expect("few");
            (0, RegistryChange::SetUpWhole { settings, consent_wait, adjustment_limit, key, secret_hash })
        }
        1 => (0, create("shop", true)),
        2 => (0, create("bank", true)),
        3 => (0, create("air", false)),
        4 => (0, create("mail", true)),
        5 => (0, RegistryChange::PublishProgramme { document: document(day_before, 1) }),
        6 => (0, contract("shop", day_before, price(9_000), price(5_000))),
        7 => (0, contract("bank", day_before, price(8_000), None)),
        8 => (0, contract("air", day_before, price(10_000), price(7_000))),
        9 => (0, contract("mail", day_before, price(9_500), None)),
        10 => {
            let role = till().role;
            (0, RegistryChange::CreateKey { id: till().key, secret_hash: [2; 32], role })
        }
        11 => {
            let role = member().role;
            (0, RegistryChange::CreateKey { id: member().key, secret_hash: [3; 32], role })
        }
        12 => {
            let role = boss().role;
            (0, RegistryChange::CreateKey { id: boss().key, secret_hash: [4; 32], role })
        }
        13 => (commands / 4, create("stray", true)),
        14 => (commands / 3, contract("shop", now.plus(Span::from_secs(400)), price(9_900), price(5_500))),
        15 => {
            let document = document(now.plus(Span::from_secs(600)), 2);
            (commands / 2, RegistryChange::PublishProgramme { document })
        }
        16 => (commands / 3 * 2, contract("stray", now, price(4_000), None)),
        17 => (commands / 5 * 4, RegistryChange::RevokeKey { id: till().key }),
        _ => return None,
    };
    let caller = (step > 0).then(root);
    Some((after, RegistryCommand { caller, request: request(random, now), change }))
}
