//! What time alone brings about: lots that can be spent now, and lots that have lapsed.

use coalition_domain::{Event, Outcome};

use super::{Judgement, holds};

/// A decision that time alone has brought about says something, and of lots only. Whether it was due is judged lot by lot,
/// as it is with every other command.
pub(super) fn brings_about(outcome: &Outcome) -> Judgement {
    let of_time = |event: &Event| matches!(event, Event::LotActivated { .. } | Event::LotExpired { .. });
    let good = match outcome {
        Outcome::Applied(applied) => !applied.events.is_empty() && applied.events.iter().all(of_time),
        Outcome::Refused(_) | Outcome::Waiting(_) => false,
    };
    holds(good, || format!("time brings about {outcome:?}"))
}
