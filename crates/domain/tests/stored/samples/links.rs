//! Links, handovers, and what becomes of them.

use coalition_domain::debt::Debt;
use coalition_domain::event::Reversal;
use coalition_domain::handover::{Handover, Piece};
use coalition_domain::order::{Granted, LineRecord, OrderRecord};
use coalition_domain::{Command, Event, Fingerprint, Outcome, Rejection};

use super::orders::{allocation, dollars};
use super::{
    NOW, account, caller, consent, customer, lot_key, lot_page, partner_event, points, price, purpose, read,
    request, version,
};

fn order() -> OrderRecord {
    let line = LineRecord { line: Fingerprint::of("line").done(), amount: 300, returned: 20 };
    let granted = Granted {
        lot: lot_key(),
        version: version(),
        rule: read("dollars"),
        issuer: read("cdnow"),
        funder: read("bank"),
        unit_price: price(9_000),
        points: points(500),
        clawed_back: points(20),
        lapsed: points(1),
    };
    OrderRecord {
        placed: NOW,
        amount: Some(dollars(300)),
        returned: 20,
        whole: false,
        lines: vec![line],
        grants: vec![granted],
    }
}

pub(crate) fn pieces() -> [Piece; 6] {
    let (claim, next) = (Fingerprint::of("once").done(), Some(Fingerprint::of("sample").done()));
    let (issuer, funder, unit_price) = (read("cdnow"), read("bank"), price(9_000));
    let debt = Debt { issuer, funder, unit_price, points: points(20) };
    [
        Piece::Identifier { identifier: customer(), consents: vec![(purpose(), consent())] },
        Piece::Orders { orders: vec![(claim, order())], next },
        Piece::Orders { orders: vec![], next: None },
        Piece::Points { programme: read("mypoints"), lots: lot_page().lots, debts: vec![debt] },
        Piece::Claims { claims: vec![claim], next },
        Piece::Claims { claims: vec![claim], next: None },
    ]
}

pub(crate) fn commands() -> [Command; 3] {
    let handover = Handover { from: account(), to: account(), pieces: pieces().to_vec() };
    [
        Command::Link { caller: caller(), request: request(), identifier: customer(), member: account() },
        Command::Adopt(handover),
        Command::Forwarded { event: partner_event(), account: account() },
    ]
}

pub(crate) fn events() -> [Event; 7] {
    let [piece, ..] = pieces();
    let programme = read("mypoints");
    let (allocation, pending) = (allocation(200), true);
    [
        Event::AccountLinked { to: account() },
        Event::HandedOver { to: account(), piece },
        Event::RecordsAdopted { piece: 300 },
        Event::PointsAdopted {
            piece: 1,
            programme,
            available: points(300),
            pending: points(20),
            debt: points(1),
        },
        Event::PointsSuspended { piece: 1, programme, points: 319 },
        Event::PointsSuspended { piece: 1, programme, points: -1 },
        Event::GrantReversed(Reversal { programme, rule: read("dollars"), allocation, pending }),
    ]
}

pub(crate) fn outcome() -> Outcome {
    Outcome::Forwarded(account())
}

pub(crate) fn rejection() -> Rejection {
    Rejection::IdentifierLinked
}
