//! Returns: before their purchase, and after the account came back from the store.

use coalition_domain::settlement::LineSum;
use coalition_domain::{AccountId, EventBody, Money, Outcome, Reference, Returned, ReturnedLine, Span};
use coalition_journal::log::Stored;
use coalition_store::{MAX_VALUE, Order, Range, Row};

use super::waiting::{at, network_by, of_mail, pass, told};
use super::{Alone, GENESIS, Input, NOW};
use crate::rows;
use crate::totals::{Books, Totals};
use crate::view::AccountView;

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

/// Takes a checkpoint, and keeps the shard going with it.
fn store(alone: &mut Alone) {
    let mut taking = alone.core.take_changes().unwrap();
    alone.store.writer.apply(&taking.rows()).unwrap();
    alone.say(Input::Stored(taking.mark.seq, taking.written()));
}

/// The rows of an account whose keys go on with `kind`.
fn rows_of(alone: &Alone, account: AccountId, kind: u8) -> Vec<Row> {
    let kind = Range::prefix([b"a", account.0.as_bytes().as_slice(), &[kind]].concat());
    alone.store.reader.scan(&kind, Order::Ascending, 100).unwrap()
}

/// A purchase changes the account's own row, too: as long as they are few, orders lie there.
#[test]
fn orders_lie_in_the_accounts_own_row_until_they_are_many() {
    let mut alone = network_by(DOCUMENT);
    let mut stored = 0;
    for (many, in_rows) in [(1, false), (10, false), (20, true), (100, true)] {
        said(&mut alone, (stored..many).map(|nth| bought(nth, nth)).collect());
        store(&mut alone);
        stored = many;
        let id = alone.core.state().accounts.newest().unwrap();
        let account = &alone.core.state().accounts.get(&id).unwrap().account;
        let loaded = rows::load_account(&*alone.store.reader, &id).unwrap().account;
        assert!(loaded.orders().iter().eq(account.orders().iter()), "{many}");
        let pages = account.orders().pages().len();
        assert_eq!(rows_of(&alone, id, 4).len(), if in_rows { pages } else { 0 }, "{many}");
    }
}

/// As many returns as may wait, with as many lines and as long ids as there may be, don't fit into a row. What comes of them must not
/// hold up the checkpoints of a shard, nor leave anything behind.
#[test]
fn what_waits_may_be_longer_than_a_row() {
    let long = |nth: u64| Reference::new(format!("{nth:0128}")).unwrap();
    let returned = |nth: u64| {
        let lines = |line| ReturnedLine { line: long(nth * 12 + line), amount: None };
        let what = Returned::Lines((0..12).map(lines).collect());
        of_mail(nth, 1, EventBody::Return { order: long(nth), what })
    };
    let mut alone = network_by(DOCUMENT);
    assert_eq!(said(&mut alone, (0..16).map(returned).collect()), ["waits"; 16]);
    store(&mut alone);
    let id = alone.core.state().accounts.newest().unwrap();
    let own = rows_of(&alone, id, 0);
    assert!(own.len() == 2 && own.iter().all(|row| row.value.len() < MAX_VALUE), "{}", own.len());
    // From the store it waits as before, and is written again as it was.
    assert_eq!(said(&mut alone, vec![bought(16, 0)]), ["applied"]);
    alone.restart(true);
    assert_eq!(said(&mut alone, vec![bought(17, 1)]), ["applied"]);
    store(&mut alone);
    assert_eq!(rows_of(&alone, id, 0).len(), 2);
    pass(&mut alone, Span::from_secs(3_600));
    store(&mut alone);
    assert_eq!(rows_of(&alone, id, 0).len(), 1);
    let resident = alone.core.state().accounts.get(&id).unwrap();
    assert_eq!(resident.own_rows, 1);
    assert!(resident.account.waiting().is_empty());
}

/// Amounts are a partner's to say, and the fold of what was decided must never fail.
#[test]
fn books_and_lines_hold_more_than_64_bits() {
    let mut alone = network_by(DOCUMENT);
    said(&mut alone, vec![bought(0, 0)]);
    let account = alone.core.state().accounts.newest().unwrap();
    let view = AccountView::of(GENESIS.shard, alone.core.state(), &alone.store.reader, account).unwrap();
    let Outcome::Applied(applied) = view.activity(0).unwrap().unwrap().decision.outcome else { panic!() };
    let events = applied.events;
    let add = |mut totals: Totals| {
        events.iter().for_each(|event| totals.add(event, 1, NOW));
        (totals.books().clone(), totals.lines().clone())
    };
    let (once, lines) = add(Totals::default());
    assert!(!once.is_empty() && !lines.is_empty());
    let full = |points: &i128| i128::from(if *points < 0 { i64::MIN } else { i64::MAX });
    let filled: Books = once.iter().map(|(book, points)| (*book, full(points))).collect();
    let full = |sum: LineSum| LineSum { points: i64::MAX.into(), ..sum };
    let full = lines.iter().map(|(line, sum)| (*line, full(*sum))).collect();
    let (more, more_lines) = add(Totals::from_parts(filled.clone(), full));
    assert!(once.iter().all(|(book, points)| more[book] == filled[book] + points), "{more:?}");
    let added = |(line, sum): (_, &LineSum)| more_lines[line].points == i128::from(i64::MAX) + sum.points;
    assert!(lines.iter().all(added), "{more_lines:?}");
}
