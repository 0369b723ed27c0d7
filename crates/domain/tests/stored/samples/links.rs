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

fn order_key() -> Fingerprint {
    Fingerprint::of("order").done()
}

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

pub(crate) fn pieces() -> [Piece; 7] {
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
        Piece::Unlinked,
    ]
}

pub(crate) fn commands() -> [Command; 9] {
    // The last kind came later than this sample.
    let handover = Handover { from: account(), to: account(), pieces: pieces()[..6].to_vec() };
    [
        Command::Link { caller: caller(), request: request(), identifier: customer(), member: account() },
        Command::Adopt(handover),
        Command::Forwarded { event: partner_event(), account: account() },
        Command::Consent {
            caller: caller(),
            request: request(),
            account: account(),
            purpose: purpose(),
            given: true,
        },
        Command::Unlink { caller: caller(), request: request(), identifier: customer(), member: account() },
        Command::AcceptLinks { caller: caller(), request: request(), account: account() },
        Command::FindOrder { order: order_key(), asker: account(), until: NOW },
        Command::LocateOrder { account: account(), order: order_key(), asker: account() },
        Command::OrderLocated { account: account(), order: order_key(), at: account() },
    ]
}

pub(crate) fn events() -> [Event; 11] {
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
        Event::LinksAccepted,
        Event::AccountUnlinked { from: account() },
        Event::OrderKnown { order: order_key(), asker: account() },
        Event::OrderLocated { order: order_key(), at: account() },
    ]
}

pub(crate) fn outcome() -> Outcome {
    Outcome::Forwarded(account())
}

pub(crate) fn rejections() -> [Rejection; 5] {
    [
        Rejection::IdentifierLinked,
        Rejection::AccountLinked { to: account() },
        Rejection::IdentifierNotLinked,
        Rejection::IdentifierEnrolled,
        Rejection::HandoverUnfinished,
    ]
}
