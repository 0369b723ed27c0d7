//! Orders, their returns, and debt.

use coalition_domain::debt::Debt;
use coalition_domain::event::{Clawback, LineReturn, OrderReturn, TakenBack};
use coalition_domain::lot::LotAllocation;
use coalition_domain::{Event, EventBody, Fingerprint, Money, OrderLine, Reference, Returned, ReturnedLine};

use super::{lot_key, points, price, read, reference, version};

pub(super) fn dollars(micros: i64) -> Money {
    Money { currency: read("USD"), micros }
}

pub(crate) fn bodies() -> [EventBody; 6] {
    let order = || reference("order 1");
    let line = |line: &str, micros| OrderLine { line: reference(line), amount: dollars(micros) };
    let returned = |line: &str, amount| ReturnedLine { line: reference(line), amount };
    let back = |what| EventBody::Return { order: order(), what };
    [
        EventBody::Basket {
            order: order(),
            amount: dollars(11_770_000),
            lines: vec![line("book", 11_000_000), line("disc", 770_000)],
        },
        back(Returned::Whole),
        back(Returned::Amount(dollars(1_770_000))),
        back(Returned::Lines(vec![returned("book", Some(dollars(1_000_000))), returned("disc", None)])),
        EventBody::AccountClosing { reference: reference("a1") },
        EventBody::Return { order: Reference::new("été").unwrap(), what: Returned::Whole },
    ]
}

pub(super) fn allocation(count: u64) -> LotAllocation {
    LotAllocation {
        lot: lot_key(),
        points: points(count),
        issuer: read("cdnow"),
        funder: read("bank"),
        unit_price: price(9_000),
    }
}

pub(crate) fn events() -> [Event; 5] {
    let order = Fingerprint::of("sample").done();
    let line = LineReturn { line: order, amount: dollars(300) };
    let part = OrderReturn { order, amount: Some(dollars(300)), lines: vec![line], whole: false };
    let closed = OrderReturn { amount: None, lines: vec![], whole: true, ..part.clone() };
    let (issuer, funder, unit_price) = (read("cdnow"), read("bank"), price(9_000));
    let clawback = Clawback {
        order,
        version: version(),
        rule: read("dollars"),
        lot: lot_key(),
        issuer,
        funder,
        unit_price,
        points: points(500),
        taken: vec![
            TakenBack { allocation: allocation(200), pending: true },
            TakenBack { allocation: allocation(20), pending: false },
        ],
        debt: points(280),
    };
    let paid = Clawback { taken: vec![], debt: points(0), ..clawback.clone() };
    [
        Event::OrderReturned(part),
        Event::OrderReturned(closed),
        Event::PointsClawedBack(clawback),
        Event::PointsClawedBack(paid),
        Event::DebtRepaid {
            programme: read("mypoints"),
            allocations: vec![allocation(280)],
            debts: vec![Debt { issuer, funder, unit_price, points: points(280) }],
        },
    ]
}
