//! Purchases with lines, returns and closings.

use coalition_domain::{OrderLine, Reference, Returned, ReturnedLine};
use coalition_proto::event::v1::{
    AccountClosing, OrderLine as ProtoLine, OrderReturn, ReturnedLine as ProtoReturned,
};

use super::*;

fn money(units: i64) -> Option<ProtoMoney> {
    purchase("USD", units, 0).amount
}

fn line(id: &str, units: i64) -> ProtoLine {
    ProtoLine { line_id: id.into(), amount: money(units) }
}

fn basket(units: i64, lines: Vec<ProtoLine>) -> Body {
    Body::Purchase(Purchase { lines, ..purchase("USD", units, 0) })
}

fn returned(id: &str, amount: Option<ProtoMoney>) -> ProtoReturned {
    ProtoReturned { line_id: id.into(), amount }
}

fn part(amount: Option<ProtoMoney>, lines: Vec<ProtoReturned>) -> Body {
    Body::OrderReturn(OrderReturn { order_id: "o-1".into(), amount, lines })
}

fn translated(body: Body) -> EventBody {
    let event = proto::PartnerEvent { body: Some(body), ..valid() };
    translate(cdnow(), &event, Timestamp::from_millis(NOW * 1_000)).unwrap().body
}

fn name(text: &str) -> Reference {
    Reference::new(text).unwrap()
}

fn dollars(units: i64) -> Money {
    Money { currency: "USD".parse().unwrap(), micros: units * 1_000_000 }
}

#[test]
fn lines_and_returns_become_what_they_say() {
    let lines = ["a", "b"].map(|id| OrderLine { line: name(id), amount: dollars(id.len() as i64) });
    let expected = EventBody::Basket { order: name("o-1"), amount: dollars(2), lines: lines.into() };
    assert_eq!(translated(basket(2, vec![line("a", 1), line("b", 1)])), expected);
    let back = |what| EventBody::Return { order: name("o-1"), what };
    assert_eq!(translated(part(None, vec![])), back(Returned::Whole));
    assert_eq!(translated(part(money(5), vec![])), back(Returned::Amount(dollars(5))));
    let lines = vec![
        ReturnedLine { line: name("a"), amount: None },
        ReturnedLine { line: name("b"), amount: Some(dollars(1)) },
    ];
    let said = part(None, vec![returned("a", None), returned("b", money(1))]);
    assert_eq!(translated(said), back(Returned::Lines(lines)));
    let closing = Body::AccountClosing(AccountClosing { reference: "acc".into() });
    assert_eq!(translated(closing), EventBody::AccountClosing { reference: name("acc") });
}

#[test]
fn lines_sum_to_their_purchase() {
    let differ = Some((ErrorReason::LinesDiffer, "purchase.lines"));
    check_body(basket(3, vec![line("a", 1), line("b", 2)]), None);
    check_body(basket(3, vec![line("a", 1), line("b", 1)]), differ);
    check_body(basket(3, vec![line("a", 4)]), differ);
    check_body(basket(0, vec![line("a", 0)]), None);
    let euros = ProtoLine { amount: purchase("EUR", 3, 0).amount, ..line("a", 3) };
    let other = (ErrorReason::InvalidArgument, "purchase.lines[0].amount.currency_code");
    check_body(basket(3, vec![euros]), Some(other));
    let negative = (ErrorReason::AmountNegative, "purchase.lines[1].amount");
    check_body(basket(3, vec![line("a", 4), line("b", -1)]), Some(negative));
}

#[test]
fn lines_are_named_once_and_are_not_too_many() {
    let lines = |count: i64| (0..count).map(|nth| line(&nth.to_string(), 1)).collect::<Vec<_>>();
    check_body(basket(200, lines(200)), None);
    check_body(basket(201, lines(201)), Some((ErrorReason::FieldTooLong, "purchase.lines")));
    let twice = |field| Some((ErrorReason::InvalidArgument, field));
    check_body(basket(2, vec![line("a", 1), line("a", 1)]), twice("purchase.lines[1].line_id"));
    let lines = vec![returned("a", None), returned("a", money(1))];
    check_body(part(None, lines), twice("order_return.lines[1].line_id"));
    check_body(
        part(None, (0..201).map(|nth| returned(&nth.to_string(), None)).collect()),
        Some((ErrorReason::FieldTooLong, "order_return.lines")),
    );
    check_body(basket(1, vec![line("", 1)]), Some((ErrorReason::FieldMissing, "purchase.lines[0].line_id")));
}

#[test]
fn a_return_is_of_something_and_of_one_kind() {
    let invalid = |field| Some((ErrorReason::InvalidArgument, field));
    check_body(part(money(0), vec![]), invalid("order_return.amount"));
    check_body(part(money(-1), vec![]), Some((ErrorReason::AmountNegative, "order_return.amount")));
    check_body(part(money(1), vec![returned("a", None)]), invalid("order_return.lines"));
    check_body(part(None, vec![returned("a", money(0))]), invalid("order_return.lines[0].amount"));
    let nameless = Body::OrderReturn(OrderReturn { lines: vec![], ..OrderReturn::default() });
    check_body(nameless, Some((ErrorReason::FieldMissing, "order_return.order_id")));
    let closing = Body::AccountClosing(AccountClosing::default());
    check_body(closing, Some((ErrorReason::FieldMissing, "account_closing.reference")));
}
