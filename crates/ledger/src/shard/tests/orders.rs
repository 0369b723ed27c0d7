//! Returns: before their purchase, and after the account came back from the store.

use coalition_domain::{EventBody, Money, Reference, Returned, Span};
use coalition_journal::log::Stored;

use super::waiting::{at, network_by, of_mail, pass, told};
use super::{Alone, Input};

pub(super) const DOCUMENT: &str = r#"
[programme]
id = "miles"
name = "Miles"
effective_from = 2025-01-01T00:00:00Z

[[rule]]
id = "dollars"
event = "purchase"
points = 1
per = { amount = "1.00", currency = "USD", rounding = "down" }
"#;

fn order(nth: u64) -> Reference {
    Reference::new(format!("o{nth}")).unwrap()
}

fn bought(offset: u64, nth: u64) -> Stored {
    let amount = Money { currency: "USD".parse().unwrap(), micros: 10_000_000 };
    of_mail(offset, 1, EventBody::Purchase { order: order(nth), amount })
}

fn returned(offset: u64, nth: u64) -> Stored {
    of_mail(offset, 1, EventBody::Return { order: order(nth), what: Returned::Whole })
}

fn said(alone: &mut Alone, records: Vec<Stored>) -> Vec<&'static str> {
    let before = told(alone).len();
    alone.say(Input::Inbox(records));
    told(alone).drain(before..).flatten().map(|(_, _, outcome)| outcome).collect()
}

#[test]
fn a_purchase_brings_about_the_return_that_waited_for_it() {
    let mut alone = network_by(DOCUMENT);
    alone.say(Input::Inbox(vec![returned(0, 0), returned(1, 7)]));
    alone.say(Input::Inbox(vec![bought(2, 0), returned(3, 0)]));
    let told_so_far = told(&alone);
    assert_eq!(told_so_far[0], [at(0, "waits"), at(1, "waits")]);
    assert_eq!(told_so_far[1], [at(2, "applied"), at(0, "applied"), at(3, "RETURN_EXCEEDS_ORDER")]);
    pass(&mut alone, Span::from_secs(3_600));
    assert_eq!(told(&alone)[2..], [vec![at(1, "ORDER_NOT_FOUND")]]);
}

/// So many orders fill several pages, which then have rows of their own.
#[test]
fn orders_are_found_after_a_restart_and_a_rebuild() {
    for from_store in [true, false] {
        let mut alone = network_by(DOCUMENT);
        let applied = said(&mut alone, (0..100).map(|nth| bought(nth, nth)).collect());
        assert_eq!(applied, ["applied"; 100]);
        alone.restart(from_store);
        assert_eq!(said(&mut alone, vec![returned(100, 3), returned(101, 99)]), ["applied"; 2]);
        alone.restart(from_store);
        let again = said(&mut alone, vec![returned(102, 3), returned(103, 4), returned(104, 99)]);
        assert_eq!(again, ["RETURN_EXCEEDS_ORDER", "applied", "RETURN_EXCEEDS_ORDER"]);
    }
}
