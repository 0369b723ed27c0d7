//! Orders in lines and in parts, and what is returned of them.

use coalition_domain::order::taken_back;
use coalition_domain::{
    EventBody, Identifier, Money, OrderLine, PartnerEvent, Reference, Returned, ReturnedLine, Span, Timestamp,
};

use super::{Random, reference};

/// The lines that baskets are made of.
const LINES: [&str; 3] = ["a", "b", "c"];

fn usd(micros: i64) -> Money {
    Money { currency: "USD".parse().expect("a currency"), micros }
}

/// Several things bought at once.
pub(super) fn basket(random: &mut Random, number: usize) -> EventBody {
    let line = |line: &&str| {
        let micros = random.between(0, 40_000_000);
        OrderLine { line: reference((*line).to_owned()), amount: usd(micros) }
    };
    let lines: Vec<OrderLine> = LINES.iter().map(line).collect();
    let amount = usd(lines.iter().map(|line| line.amount.micros).sum());
    EventBody::Basket { order: reference(format!("o-{number}")), amount, lines }
}

/// A further part of the order that an event placed, as old as the first.
pub(crate) fn further(random: &mut Random, number: usize, event: &PartnerEvent) -> Option<PartnerEvent> {
    let (order, currency) = match &event.body {
        EventBody::Purchase { order, amount } | EventBody::Basket { order, amount, .. } => {
            (order.clone(), amount.currency)
        }
        EventBody::SignUp { .. }
        | EventBody::ConsentGiven { .. }
        | EventBody::ConsentWithdrawn { .. }
        | EventBody::EmailRead { .. }
        | EventBody::AccountOpening { .. }
        | EventBody::Engagement { .. }
        | EventBody::Return { .. }
        | EventBody::AccountClosing { .. } => return None,
    };
    let amount = Money { currency, micros: random.between(0, 50_000_000) };
    let (event_id, body) = (reference(format!("e-{number}")), EventBody::Purchase { order, amount });
    Some(PartnerEvent { event_id, body, ..event.clone() })
}

/// Takes back what an event bought or opened, whole or in part; now and then too much, with another card or with none.
pub(crate) fn returned(
    random: &mut Random,
    number: usize,
    event: &PartnerEvent,
    other: Identifier,
    now: Timestamp,
) -> Option<PartnerEvent> {
    let body = match &event.body {
        EventBody::Purchase { order, amount } | EventBody::Basket { order, amount, .. } => {
            EventBody::Return { order: order.clone(), what: what(random, &event.body, amount) }
        }
        EventBody::AccountOpening { reference } => {
            EventBody::AccountClosing { reference: reference.clone()? }
        }
        EventBody::SignUp { .. }
        | EventBody::ConsentGiven { .. }
        | EventBody::ConsentWithdrawn { .. }
        | EventBody::EmailRead { .. }
        | EventBody::Engagement { .. }
        | EventBody::Return { .. }
        | EventBody::AccountClosing { .. } => return None,
    };
    let key = taken_back(event.partner, &body)?;
    let identifier = match random.below(10) {
        0 => other,
        1 => Identifier::of_order(event.partner, &key),
        _ => event.identifier.clone(),
    };
    let event_time = now.minus(Span::from_millis(random.between(0, 60_000)));
    let event_id = reference(format!("e-{number}"));
    Some(PartnerEvent { event_id, identifier, event_time, channel: None, body, ..event.clone() })
}

fn what(random: &mut Random, body: &EventBody, paid: &Money) -> Returned {
    let lines: &[OrderLine] = match body {
        EventBody::Basket { lines, .. } => lines,
        EventBody::Purchase { .. }
        | EventBody::SignUp { .. }
        | EventBody::ConsentGiven { .. }
        | EventBody::ConsentWithdrawn { .. }
        | EventBody::EmailRead { .. }
        | EventBody::AccountOpening { .. }
        | EventBody::Engagement { .. }
        | EventBody::Return { .. }
        | EventBody::AccountClosing { .. } => &[],
    };
    match random.below(10) {
        0..3 => Returned::Whole,
        3..7 if !lines.is_empty() => {
            let mut named: Vec<_> = lines.iter().filter(|_| random.happens(6_000)).collect();
            if named.is_empty() {
                named.extend(lines.first());
            }
            Returned::Lines(named.into_iter().map(|line| part_of(random, line)).collect())
        }
        _ => Returned::Amount(usd(random.between(1, paid.micros / 2 + 1))),
    }
}

fn part_of(random: &mut Random, line: &OrderLine) -> ReturnedLine {
    // More than what is left of it, now and then; and of a line that the order does not have.
    let micros = random.between(1, line.amount.micros + 5_000_000);
    let name = if random.happens(300) { format!("z{}", line.line) } else { line.line.to_string() };
    let amount = random.happens(5_000).then(|| usd(micros));
    ReturnedLine { line: Reference::new(name).expect("a good reference"), amount }
}
