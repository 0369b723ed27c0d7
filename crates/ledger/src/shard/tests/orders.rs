//! Returns: before their purchase, and after the account came back from the store.

use coalition_domain::{EventBody, Money, Reference, Returned, Span};
use coalition_journal::log::Stored;
use coalition_store::{Checkpoint, Order, Range};

use super::waiting::{at, network_by, of_mail, pass, told};
use super::{Alone, Input};
use crate::rows;

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

/// Takes a checkpoint, with further rows if there are any, and keeps the shard going with it.
fn store(alone: &mut Alone, more: &[(Vec<u8>, Vec<u8>)]) {
    let mut taking = alone.core.take_changes().unwrap();
    let mut rows: Checkpoint = taking.rows();
    for (key, value) in more {
        rows.put(key.clone(), value.clone());
    }
    alone.store.writer.apply(&rows).unwrap();
    alone.say(Input::Stored(taking.mark.seq, taking.accounts()));
}

/// The keys of the stored pages of orders.
fn pages(alone: &Alone, account: &[u8]) -> Vec<Vec<u8>> {
    let of_orders = Range::prefix([b"a", account, &[4]].concat());
    alone
        .store
        .reader
        .scan(&of_orders, Order::Ascending, 100)
        .unwrap()
        .into_iter()
        .map(|row| row.key)
        .collect()
}

/// A purchase changes the account's own row, too: as long as they are few, orders lie there. An earlier version put fewer of
/// them there, and its store may still have their page in a row: it is passed over, until it is written anew.
#[test]
fn orders_lie_in_the_accounts_own_row_until_they_are_many() {
    let mut alone = network_by(DOCUMENT);
    said(&mut alone, (0..5).map(|nth| bought(nth, nth)).collect());
    let id = alone.core.state().accounts.newest().unwrap();
    let account = |alone: &Alone| alone.core.state().accounts.get(&id).unwrap().account.clone();
    let loaded = |alone: &Alone| rows::load_account(&*alone.store.reader, &id).unwrap().account;
    let page = rows::encode(&*account(&alone).orders().pages()[0]);
    let row = [&b"a"[..], id.0.as_bytes(), &[4], &[0; 16], &[0, 0]].concat();
    store(&mut alone, &[]);
    assert!(pages(&alone, id.0.as_bytes()).is_empty());

    said(&mut alone, (5..10).map(|nth| bought(nth, nth)).collect());
    store(&mut alone, &[(row.clone(), page)]);
    assert_eq!(pages(&alone, id.0.as_bytes()), [row.clone()]);
    assert_eq!(loaded(&alone).orders().iter().count(), 10);

    for (from, many) in [(10, 20), (20, 100)] {
        said(&mut alone, (from..many).map(|nth| bought(nth, nth)).collect());
        store(&mut alone, &[]);
        let pages = pages(&alone, id.0.as_bytes());
        assert_eq!((pages.len(), &pages[0]), (account(&alone).orders().pages().len(), &row));
        assert!(loaded(&alone).orders().iter().eq(account(&alone).orders().iter()));
    }
}
