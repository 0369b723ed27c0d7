//! Random purchases, returns, redemptions, adjustments and waits: what was returned in all is what is taken back in all.
//!
//! [`World`] holds every decision against invariants 1 and 2, and that nothing can be spent while something is owed.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::script::{instant, member};
use super::world::World;
use crate::event::{Event, Outcome};
use crate::lot::LotKey;
use crate::order::order_key;
use crate::{Command, EventBody, Fingerprint, PartnerEvent, Span};

const PROGRAMME: &str = r#"
    [programme]
    id = "mypoints"
    name = "MyPoints"
    effective_from = 1996-01-01T00:00:00Z

    [[rule]]
    id = "dollars"
    event = "purchase"
    points = 3
    per = { amount = "1.00", currency = "USD", rounding = "down" }
    available_after_days = 3
    expires_after_days = 30

    [[rule]]
    id = "web"
    event = "purchase"
    points = 7
    channels = ["web"]
    category = "bonus"
    funder = "bank"

    [[reward]]
    id = "cup"
    name = "A cup"
    redeemer = "airline"
    points = 20
"#;

/// So many orders, and so many partners that have them.
const ORDERS: u8 = 5;

fn lines() -> impl Strategy<Value = Vec<(i64, String)>> {
    let order = 0..ORDERS;
    let line = prop_oneof![
        4 => (order.clone(), 0..40_u8, any::<bool>()).prop_map(|(order, dollars, web)| {
            format!("cdnow purchase ID {dollars}.50 USD order=o{order}{}", if web { " channel=web" } else { "" })
        }),
        2 => (order.clone(), 0..20_u8, 0..20_u8).prop_map(|(order, a, b)| {
            format!("cdnow basket ID USD a:{a} b:{b}.25 order=o{order}")
        }),
        4 => (order.clone(), 1..30_u8).prop_map(|(order, dollars)| {
            format!("cdnow return ID o{order} {dollars} USD")
        }),
        1 => order.clone().prop_map(|order| format!("cdnow return ID o{order}")),
        2 => (order.clone(), any::<bool>()).prop_map(|(order, b)| {
            format!("cdnow return ID o{order} USD {}", if b { "b:" } else { "a:3" })
        }),
        3 => (1..4_u8).prop_map(|cups| format!("member redeem ID cup quantity={cups}")),
        1 => (1..90_u8).prop_map(|points| format!("operator grant ID {points}")),
        1 => (1..90_u8).prop_map(|points| format!("operator take ID {points} owed_to=bank")),
        2 => Just("time passes".to_owned()),
    ];
    proptest::collection::vec((0..200_i64, line), 0..60)
}

/// By grant of an order: what was granted, taken back and has lapsed.
#[derive(Default, Clone, Copy)]
struct Tally {
    granted: u64,
    taken: u64,
    lapsed: u64,
}

/// What the journal says, read without the orders that the account keeps.
fn tallies(world: &World) -> BTreeMap<LotKey, (Fingerprint, Tally)> {
    let mut tallies: BTreeMap<LotKey, (Fingerprint, Tally)> = BTreeMap::new();
    for (decision, at) in &world.journal {
        let Outcome::Applied(applied) = &decision.outcome else { continue };
        let mut nth = 0;
        for event in &applied.events {
            if let Event::PointsAccrued(accrual) = event {
                // What is given by hand can't be returned.
                let Some(order) = bought(&decision.command) else { continue };
                let tally = Tally { granted: accrual.points.get(), ..Tally::default() };
                tallies.insert(accrual.lot(at.place, nth), (order, tally));
                nth += 1;
            } else if let Event::PointsClawedBack(clawback) = event {
                let (order, tally) = tallies.get_mut(&clawback.lot).expect("it was granted");
                assert_eq!(*order, clawback.order);
                tally.taken += clawback.points.get();
                assert!(tally.taken + tally.lapsed <= tally.granted, "more than was granted");
            } else if let Event::LotExpired { lot, points, .. } = event {
                tallies.get_mut(lot).expect("it was granted").1.lapsed += points.get();
            }
        }
    }
    tallies
}

fn bought(command: &Command) -> Option<Fingerprint> {
    let Command::PartnerEvent(PartnerEvent { partner, body, .. }) = command else { return None };
    let (EventBody::Purchase { order, .. } | EventBody::Basket { order, .. }) = body else { return None };
    Some(order_key(*partner, order))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn everything_returned_takes_exactly_what_was_granted_and_not_lapsed(lines in lines()) {
        let mut world = World::new(PROGRAMME);
        let mut now = instant("1997-01-01");
        world.say("1997-01-01 operator enrol 1000");
        for (number, (hours, line)) in lines.iter().enumerate() {
            now = now.plus(Span::from_secs(hours * 3_600));
            let id = if line.starts_with("member") || line.starts_with("operator") { number.to_string() } else { format!("e{number}") };
            world.say(&format!("{now} {}", line.replace("ID", &id)));
        }
        // What is too early by then is over.
        now = now.plus(Span::from_days(2));
        for order in 0..ORDERS {
            world.say(&format!("{now} cdnow return all{order} o{order}"));
        }
        for (lot, (order, tally)) in tallies(&world) {
            prop_assert_eq!(tally.taken + tally.lapsed, tally.granted, "{:?} of {:?}", lot, order);
        }
        let (mut replayed, id) = (crate::Account::new(member().account()), member().account());
        for (decision, at) in &world.journal {
            replayed.evolve(decision, at);
        }
        prop_assert_eq!(replayed.id(), id);
        prop_assert_eq!(&replayed, &world.account);
    }
}
