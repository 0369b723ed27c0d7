//! What points buy of rewards that are no things.

use coalition_domain::event::Event;
use coalition_domain::{Bought, Outcome};
use coalition_intake::convert::money_to_proto;
use coalition_ledger::resident::Activity;
use coalition_proto::r#type::v1 as proto;

/// What the points of an activity buy, would buy or had bought.
pub(crate) fn of(activity: &Activity) -> Option<proto::Bought> {
    let Outcome::Applied(applied) = &activity.decision.outcome else { return None };
    applied.events.iter().find_map(|event| {
        let Event::PointsExchanged(exchange) = event else { return None };
        Some(to_proto(&exchange.bought))
    })
}

pub(crate) fn to_proto(bought: &Bought) -> proto::Bought {
    let what = match bought {
        Bought::Units { unit, count } => proto::bought::What::Units(proto::Units {
            unit: unit.to_string(),
            count: i64::try_from(*count).unwrap_or(i64::MAX), // at most 10^18
        }),
        Bought::Money(money) => proto::bought::What::Money(money_to_proto(money)),
    };
    proto::Bought { what: Some(what) }
}
