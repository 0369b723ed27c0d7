//! Returns: what was granted for an order is taken back, in proportion to what was returned of it in all.

use std::collections::BTreeSet;

use crate::account::{Account, Moment, orders};
use crate::event::{Applied, Clawback, Event, LineReturn, Nothing, OrderReturn, TakenBack};
use crate::order::{Granted, ORDER_BYTES_MAX, OrderRecord, line_key, order_key};
use crate::{Command, EventBody, Fingerprint, Money, PartnerEvent, Reference, Rejection, Returned};

pub(super) fn decide(
    account: &Account,
    event: &PartnerEvent,
    (order, what): (&Reference, &Returned),
    at: &Moment,
) -> Result<Applied, Rejection> {
    let key = order_key(event.partner, order);
    let record = find(account, &key, at)?;
    let part = part(key, record, what)?;
    let events = take_back(account, event, part, at, |_| None)?;
    Ok(Applied { version: None, events })
}

/// What is known of an order, if it may be returned.
pub(super) fn find<'a>(
    account: &'a Account,
    key: &Fingerprint,
    at: &Moment,
) -> Result<&'a OrderRecord, Rejection> {
    let record = account.orders().get(key).ok_or(Rejection::OrderNotFound)?;
    if record.placed < at.horizon.minus(at.max_event_age) {
        return Err(Rejection::ReturnTooLate { max_age: at.max_event_age });
    }
    if record.whole {
        return Err(Rejection::ReturnExceedsOrder);
    }
    Ok(record)
}

/// What a return takes of its order.
fn part(order: Fingerprint, record: &OrderRecord, what: &Returned) -> Result<OrderReturn, Rejection> {
    let paid = record.amount.ok_or(Rejection::OrderNotFound)?;
    let money = |micros| Money { micros, ..paid };
    let (micros, lines) = match what {
        Returned::Whole => (record.left(), Vec::new()),
        Returned::Amount(amount) => (checked(amount, paid, record.left())?, Vec::new()),
        Returned::Lines(named) => {
            let mut lines = Vec::new();
            for line in named {
                let known = record.line(&line_key(&line.line)).ok_or(Rejection::OrderLineNotFound)?;
                let micros = match &line.amount {
                    Some(amount) => checked(amount, paid, known.left())?,
                    None if known.left() == 0 && known.amount > 0 => {
                        return Err(Rejection::ReturnExceedsOrder);
                    }
                    None => known.left(),
                };
                lines.push(LineReturn { line: known.line, amount: money(micros) });
            }
            (lines.iter().fold(0_i64, |sum, line| sum.saturating_add(line.amount.micros)), lines)
        }
    };
    // A part that was returned by its amount may have been of any line.
    if micros > record.left() {
        return Err(Rejection::ReturnExceedsOrder);
    }
    let whole = matches!(what, Returned::Whole) || (paid.micros > 0 && micros == record.left());
    Ok(OrderReturn { order, amount: Some(money(micros)), lines, whole })
}

fn checked(amount: &Money, paid: Money, left: i64) -> Result<i64, Rejection> {
    if amount.currency != paid.currency {
        Err(Rejection::OrderCurrencyDiffers { order: paid.currency, said: amount.currency })
    } else if amount.micros < 0 {
        Err(Rejection::AmountNegative)
    } else if amount.micros > left {
        Err(Rejection::ReturnExceedsOrder)
    } else {
        Ok(amount.micros)
    }
}

/// The facts of a part that is taken back: what time has made true, the part, and the points of those grants that nothing
/// `keeps`.
pub(super) fn take_back(
    account: &Account,
    event: &PartnerEvent,
    part: OrderReturn,
    at: &Moment,
    keeps: impl Fn(&Granted) -> Option<Nothing>,
) -> Result<Vec<Event>, Rejection> {
    let command = Command::PartnerEvent(event.clone());
    let key = part.order;
    let known = |account: &Account| account.orders().get(&key).expect("it was found before").clone();
    let programmes: BTreeSet<_> = known(account).grants.iter().map(|grant| grant.version.programme).collect();
    let mut events = Vec::new();
    for programme in &programmes {
        // What was held may have lapsed since: it is not taken a second time.
        let (account, given_back) = super::time::given_back(account, programme, at.decided_at);
        events.extend(given_back);
        events.extend(super::due(&account, programme, at.decided_at, &[]));
    }
    events.push(Event::OrderReturned(part));
    let mut after = account.clone();
    after.take_in(&events, &command, at);
    for nth in 0..known(&after).grants.len() {
        // Each grant sees what those before it have taken.
        let order = known(&after);
        let grant = &order.grants[nth];
        let next = match keeps(grant) {
            None => clawback(&after, key, &order, grant, at)?.map(Event::PointsClawedBack),
            Some(why) => Some(Event::NothingEarned { rule: Some(grant.rule), why }),
        };
        if let Some(next) = next {
            after.take_in(std::slice::from_ref(&next), &command, at);
            events.push(next);
        }
    }
    Ok(events)
}

/// From the lot of the grant first, also if it is still to be activated; then from others that can be spent, in burn
/// order. What is still missing is owed. Points that are held or spent are not touched.
fn clawback(
    account: &Account,
    key: Fingerprint,
    order: &OrderRecord,
    grant: &Granted,
    at: &Moment,
) -> Result<Option<Clawback>, Rejection> {
    let points = order.owed(grant);
    if points.is_zero() {
        return Ok(None);
    }
    let purse = account.purses().get(&grant.version.programme).expect("what was granted had a purse");
    let own = purse.lots.lot(&grant.lot).map(|lot| (lot, lot.left.min(points)));
    let rest = points.minus(own.map_or_else(Default::default, |(_, points)| points)).expect("a part of it");
    let (others, debt) = purse.lots.first(rest, |lot| lot.key != grant.lot && lot.burnable(at.decided_at));
    purse.debts.with(debt).map_err(|_| Rejection::PointsOutOfRange)?;
    let taken = own.into_iter().chain(others);
    let taken = taken
        .map(|(lot, points)| TakenBack { allocation: lot.slice(points), pending: lot.pending })
        .collect();
    let Granted { lot, version, rule, issuer, funder, unit_price, .. } = *grant;
    Ok(Some(Clawback { order: key, version, rule, lot, issuer, funder, unit_price, points, taken, debt }))
}

/// A further part of an order is of its currency, and the order stays of a size that a row can hold.
pub(super) fn check_part(account: &Account, event: &PartnerEvent, events: &[Event]) -> Result<(), Rejection> {
    let Some(key) = orders::key_of_event(event) else { return Ok(()) };
    let lines = match &event.body {
        EventBody::Basket { lines, .. } => lines.len(),
        EventBody::SignUp { .. }
        | EventBody::ConsentGiven { .. }
        | EventBody::ConsentWithdrawn { .. }
        | EventBody::Purchase { .. }
        | EventBody::EmailRead { .. }
        | EventBody::AccountOpening { .. }
        | EventBody::Engagement { .. }
        | EventBody::Return { .. }
        | EventBody::AccountClosing { .. } => 0,
    };
    let grants = events.iter().filter(|event| matches!(event, Event::PointsAccrued(_))).count();
    let none = OrderRecord::new(event.event_time, None);
    let known = account.orders().get(&key).unwrap_or(&none);
    if known.weight_with(lines, grants) > ORDER_BYTES_MAX {
        return Err(Rejection::OrderTooLarge);
    }
    match (known.amount, event.body.amount()) {
        (Some(paid), Some(part)) if paid.currency != part.currency => {
            Err(Rejection::OrderCurrencyDiffers { order: paid.currency, said: part.currency })
        }
        (Some(_) | None, Some(_) | None) => Ok(()),
    }
}
