//! Returns with another card than the order's: the shards are asked, and the account that knows the order decides.

use coalition_domain::{EventBody, Money, Reference, Returned, Span};
use coalition_journal::log::Stored;

use super::orders::DOCUMENT;
use super::waiting::{at, network_by, of_mail, pass, told};
use super::{Alone, Input, stored};

fn order() -> Reference {
    Reference::new("o1").unwrap()
}

fn bought(offset: u64, member: u64) -> Stored {
    let amount = Money { currency: "USD".parse().unwrap(), micros: 10_000_000 };
    of_mail(offset, member, EventBody::Purchase { order: order(), amount })
}

fn returned(offset: u64, member: u64) -> Stored {
    of_mail(offset, member, EventBody::Return { order: order(), what: Returned::Whole })
}

/// Puts what the shard sends into its own inbox, of which `next` is the next record, until it sends nothing more.
fn deliver(alone: &mut Alone, next: &mut u64) {
    while let Some((to, upto, record)) = alone.relays.pop_front() {
        alone.say(Input::Relayed { to, upto, appended: true });
        alone.say(Input::Inbox(vec![stored(*next, record)]));
        *next += 1;
    }
}

/// What became of events, in order.
fn decided(alone: &Alone) -> Vec<(String, &'static str)> {
    told(alone).into_iter().flatten().map(|(event, _, outcome)| (event, outcome)).collect()
}

fn event(offset: u64, outcome: &'static str) -> (String, &'static str) {
    (format!("e{offset}"), outcome)
}

#[test]
fn the_account_that_knows_the_order_decides_its_return() {
    for from_store in [None, Some(true), Some(false)] {
        let mut alone = network_by(DOCUMENT);
        alone.say(Input::Inbox(vec![bought(0, 1)]));
        if let Some(from_store) = from_store {
            alone.restart(from_store);
        }
        alone.say(Input::Inbox(vec![returned(1, 2)]));
        deliver(&mut alone, &mut 2);
        let expected = [event(0, "applied"), event(1, "waits"), event(1, "forwarded"), event(1, "applied")];
        assert_eq!(decided(&alone), expected, "{from_store:?}");
        let sources = told(&alone).concat();
        assert_eq!(sources[3], at(1, "applied"), "it is known where the partner's topic has it");
        assert_eq!(alone.core.state().inquiries.count(), 0);
        pass(&mut alone, Span::from_secs(3_600));
        assert_eq!(decided(&alone).len(), 4, "nothing waits any more");
    }
}

#[test]
fn an_order_that_comes_later_is_heard_of() {
    for from_store in [true, false] {
        let (mut alone, mut next) = (network_by(DOCUMENT), 1);
        alone.say(Input::Inbox(vec![returned(0, 2)]));
        deliver(&mut alone, &mut next);
        alone.restart(from_store);
        assert_eq!(alone.core.state().inquiries.count(), 1, "from the store: {from_store}");
        alone.say(Input::Inbox(vec![bought(next, 1)]));
        let bought = next;
        next += 1;
        deliver(&mut alone, &mut next);
        let expected =
            [event(0, "waits"), event(bought, "applied"), event(0, "forwarded"), event(0, "applied")];
        assert_eq!(decided(&alone), expected, "from the store: {from_store}");
    }
}

#[test]
fn an_order_that_comes_with_the_card_of_its_return_is_heard_of_at_once() {
    let (mut alone, mut next) = (network_by(DOCUMENT), 1);
    alone.say(Input::Inbox(vec![returned(0, 2)]));
    deliver(&mut alone, &mut next);
    alone.say(Input::Inbox(vec![bought(next, 2)]));
    let expected = [event(0, "waits"), event(next, "applied"), event(0, "applied")];
    next += 1;
    assert_eq!(decided(&alone), expected);
    deliver(&mut alone, &mut next);
    assert_eq!(decided(&alone), expected, "an answer that comes too late changes nothing");
}

#[test]
fn an_order_that_nobody_knows_is_forgotten_when_the_return_is_refused() {
    let mut alone = network_by(DOCUMENT);
    alone.say(Input::Inbox(vec![returned(0, 2)]));
    deliver(&mut alone, &mut 1);
    pass(&mut alone, Span::from_secs(3_600));
    assert_eq!(decided(&alone), [event(0, "waits"), event(0, "ORDER_NOT_FOUND")]);
    pass(&mut alone, Span::from_secs(1));
    alone.say(Input::Inbox(vec![bought(2, 1)]));
    assert_eq!(alone.core.state().inquiries.count(), 0);
}

#[test]
fn what_was_returned_before_is_not_returned_with_another_card() {
    let (mut alone, mut next) = (network_by(DOCUMENT), 3);
    alone.say(Input::Inbox(vec![bought(0, 1), returned(1, 1), returned(2, 2)]));
    deliver(&mut alone, &mut next);
    let outcomes: Vec<_> = decided(&alone).into_iter().map(|(_, outcome)| outcome).collect();
    assert_eq!(outcomes, ["applied", "applied", "waits", "forwarded", "RETURN_EXCEEDS_ORDER"]);
}
