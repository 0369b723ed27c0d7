//! Handovers: a member's account takes in what an account that was linked to it had. It can't be refused.

use crate::account::{Account, Moment};
use crate::event::{Applied, Event, Outcome, Reversal};
use crate::handover::{Handover, Piece, Sums, adopted};
use crate::lot::{Lot, LotAllocation, LotKey};
use crate::order::Granted;
use crate::{Command, Points, ProgrammeId, Rejection};

/// Points of a rule that grants once, and has granted to the member before, are taken back again.
pub(super) fn decide(account: &Account, handover: &Handover, command: &Command, at: &Moment) -> Applied {
    let mut after = account.clone();
    let mut events = Vec::new();
    for (number, piece) in (0..).zip(&handover.pieces) {
        let next = match piece {
            Piece::Identifier { .. } | Piece::Orders { .. } | Piece::Claims { .. } | Piece::Unlinked => {
                vec![Event::RecordsAdopted { piece: number }]
            }
            Piece::Points { programme, .. } => points(&after, handover, number, *programme),
        };
        after.take_in(&next, command, at);
        events.extend(next);
    }
    Applied { version: None, events }
}

fn points(account: &Account, handover: &Handover, number: u32, programme: ProgrammeId) -> Vec<Event> {
    let Piece::Points { lots, debts, .. } = &handover.pieces[number as usize] else { return Vec::new() };
    let Some(sums) = fits(account, &programme, Sums::of(lots, debts)) else {
        return suspended(handover, number).into_iter().collect();
    };
    let Sums { available, pending, debt } = sums;
    let mut events = vec![Event::PointsAdopted { piece: number, programme, available, pending, debt }];
    let nth = account.nth_link(&handover.from);
    let granted_before =
        lots.iter().filter(|lot| lot.claim.is_some_and(|claim| account.keys().claimed(&claim)));
    events.extend(granted_before.filter_map(|lot| {
        let key = adopted(lot.key, nth);
        let points = lot.left.min(open(account, lot, &key));
        let allocation = LotAllocation { lot: key, ..lot.slice(points) };
        let reversal = Reversal { programme, rule: lot.rule, allocation, pending: lot.pending };
        (!points.is_zero()).then_some(Event::GrantReversed(reversal))
    }));
    events
}

/// What of a lot's grant was not taken back yet: a return may have come between an order and its points.
fn open(account: &Account, lot: &Lot, key: &LotKey) -> Points {
    let order = lot.order.and_then(|order| account.orders().get(&order));
    let grant = order.and_then(|order| order.grants.iter().find(|grant| grant.lot == *key));
    let left = |grant: &Granted| grant.points.minus(grant.clawed_back)?.minus(grant.lapsed);
    grant.map_or(lot.left, |grant| left(grant).unwrap_or_default())
}

/// The sums, if the purse has room for them.
fn fits(account: &Account, programme: &ProgrammeId, sums: Option<Sums>) -> Option<Sums> {
    let sums = sums?;
    let has = account.has(programme).ok()?;
    has.plus(sums.available).ok()?.plus(sums.pending).ok()?;
    let purse = account.purses().get(programme);
    purse.is_none_or(|purse| purse.debts.with(sums.debt).is_ok()).then_some(sums)
}

/// What becomes of a piece that can't be taken in. The identifier can always: whatever follows is counted by it; and so can its end.
fn suspended(handover: &Handover, number: u32) -> Option<Event> {
    match &handover.pieces[number as usize] {
        Piece::Points { programme, lots, debts } => {
            let points = Sums::of(lots, debts)?.net();
            Some(Event::PointsSuspended { piece: number, programme: *programme, points })
        }
        Piece::Identifier { .. } | Piece::Unlinked => Some(Event::RecordsAdopted { piece: number }),
        Piece::Orders { .. } | Piece::Claims { .. } => None,
    }
}

/// The outcome of a command that could not be decided: it is refused, but for a handover, which goes to suspense.
pub fn undecidable(command: &Command, why: Rejection) -> Outcome {
    match command {
        Command::Adopt(handover) => {
            let events = (0..).zip(&handover.pieces).filter_map(|(number, _)| suspended(handover, number));
            Outcome::Applied(Applied { version: None, events: events.collect() })
        }
        Command::PartnerEvent(_)
        | Command::Enrol { .. }
        | Command::Redeem { .. }
        | Command::TimePassed { .. }
        | Command::Reward { .. }
        | Command::Adjust { .. }
        | Command::Link { .. }
        | Command::Consent { .. }
        | Command::Unlink { .. }
        | Command::AcceptLinks { .. }
        | Command::Forwarded { .. }
        | Command::FindOrder { .. }
        | Command::LocateOrder { .. }
        | Command::OrderLocated { .. } => Outcome::Refused(why),
    }
}
