//! What a decision looks at does not grow with the lots of its account.

use super::script::{Line, instant, read};
use super::world::World;
use super::{MYPOINTS, lines};
use crate::account::{Account, AccountParts, Moment, Place, Purse};
use crate::burn::Burns;
use crate::decide::{Verdict, decide};
use crate::event::{Event, Outcome};
use crate::lot::{LotBook, lots_looked_at};
use crate::pages::Pages;
use crate::{Span, Timestamp};

/// A network whose one member has a lot of 100 points that can be spent from the 11th on, and burns first then.
fn world() -> World {
    let slow = "id = \"dollars\"\ncategory = \"promotional\"\navailable_after_days = 10";
    let mut world = World::new(&MYPOINTS.replace("id = \"dollars\"", slow));
    world.say("1997-01-01 operator enrol 1");
    world.say("1997-01-01 cdnow purchase p1 100 USD");
    world
}

/// The member of that network, with so many lots of 100 points besides that can be spent.
fn account(world: &World, lots: u32) -> Account {
    account_of(world, lots, None)
}

/// The same; if there is an instant, its lots can be spent from then on.
fn account_of(world: &World, lots: u32, from: Option<&str>) -> Account {
    let pages = |book: &LotBook| book.pages().iter().map(|page| (**page).clone()).collect();
    let purse = &world.account.purses()[&read("mypoints")];
    let mut book = purse.lots.clone();
    let mut lot = book.iter().next().unwrap().clone();
    (lot.pending, lot.key.available_from) = (from.is_some(), from.map_or(Timestamp::MIN, instant));
    for nth in 0..lots {
        lot.key.nth = nth;
        book.insert(lot.clone(), 0);
    }
    // Loaded from storage, as far as the book can tell.
    let lots = LotBook::from_pages(pages(&book), book.next_page());
    let parts = AccountParts {
        activities: world.account.activities(),
        enrolment: world.account.enrolment().cloned(),
        consents: world.account.consents().clone(),
        sign_in: world.account.sign_in().clone(),
        purses: [(read("mypoints"), Purse { lots, debts: purse.debts.clone() })].into_iter().collect(),
        keys: world.account.keys().clone(),
        waiting: Vec::new(),
        burns: Burns::default(),
        orders: Pages::default(),
        adjustments: Pages::default(),
        forward: None,
        linked: Vec::new(),
        stays: false,
        own_since: 0,
    };
    Account::from_parts(world.account.id(), parts)
}

/// How many lots are looked at when `line` is decided, by an account of so many of them, and what comes of it.
fn looked_at(world: &World, lots: u32, line: &str) -> (usize, Outcome) {
    looked_at_by(world, account(world, lots), line)
}

fn looked_at_by(world: &World, account: Account, line: &str) -> (usize, Outcome) {
    let line = Line::new(line);
    let (command, age) = (line.command(), Span::from_days(30));
    let place = Place { seq: 100, index: 0 };
    let at =
        Moment { place, decided_at: line.now, horizon: line.now, max_event_age: age, max_request_age: age };
    let mut verdict = None;
    let count = lots_looked_at(|| verdict = Some(decide(&account, &world.registry, &command, &at)));
    let Some(Verdict::Decided(outcome)) = verdict else { panic!("not decided") };
    (count, outcome)
}

#[test]
fn a_decision_looks_at_no_more_lots_the_more_there_are() {
    let world = world();
    let script = "
        // The lot waits, and is due.
        1997-01-02 cdnow purchase p2 5 USD
        1997-01-11 cdnow purchase p2 5 USD
        // Nothing is granted.
        1997-01-02 mypoints consent_given c1 marketing
        // A burn of 5 lots, without and with the one that waited.
        1997-01-02 member redeem 2 voucher
        1997-01-11 member redeem 2 voucher
    ";
    for line in lines(script) {
        let (few, many) = (looked_at(&world, 10, line), looked_at(&world, 10_000, line));
        assert_eq!(few, many, "{line}");
        assert!(few.0 > 0 && matches!(few.1, Outcome::Applied(_)), "{line}: {few:?}");
    }
}

/// The points that are missing follow from sums.
#[test]
fn a_refusal_looks_at_no_lots() {
    let world = world();
    for (lots, quantity, missing) in [(10, 3, "500"), (900, 200, "10,000")] {
        let line = format!("1997-01-02 member redeem 2 voucher quantity={quantity}");
        let (count, outcome) = looked_at(&world, lots, &line);
        let Outcome::Refused(rejection) = outcome else { panic!("applied") };
        assert_eq!(rejection.to_string(), format!("{missing} points short"));
        assert!(count <= 2, "{count} lots");
    }
}

#[test]
fn a_balance_looks_at_no_lots_but_those_that_time_has_changed() {
    let (world, programme) = (world(), read("mypoints"));
    for lots in [10, 10_000] {
        let account = account(&world, lots);
        for (now, expected) in [("1997-01-10", (0, 100)), ("1997-01-11", (100, 0))] {
            let mut balance = None;
            let now = instant(now);
            let count = lots_looked_at(|| balance = Some(account.balance(&programme, now)));
            let balance = balance.unwrap();
            let besides = u64::from(lots) * 100;
            assert_eq!((balance.available.get() - besides, balance.pending.get()), expected);
            assert!(count <= 3, "{count} lots");
        }
    }
}

/// What repays is found among what the event makes spendable: as long as something is owed, all other lots wait.
#[test]
fn a_repayment_looks_at_no_lots_that_wait() {
    let mut world = world();
    let script = "
        1997-01-11 cdnow purchase p2 400 USD order=o2
        1997-01-21 member redeem 2 voucher
        1997-01-22 cdnow return r2 o2
        1997-01-22 cdnow purchase p3 100 USD
    ";
    lines(script).for_each(|line| drop(world.say(line)));
    for (now, repaid) in [("1997-01-25", 0), ("1997-02-01", 1)] {
        let line = format!("{now} cdnow purchase p4 5 USD");
        let looked_at = |lots| looked_at_by(&world, account_of(&world, lots, Some("1998-01-01")), &line);
        let (few, many) = (looked_at(10), looked_at(10_000));
        assert_eq!(few, many, "{line}");
        let Outcome::Applied(applied) = few.1 else { panic!("refused") };
        let repayments = applied.events.iter().filter(|event| matches!(event, Event::DebtRepaid { .. }));
        assert_eq!(repayments.count(), repaid, "{line}");
    }
}
