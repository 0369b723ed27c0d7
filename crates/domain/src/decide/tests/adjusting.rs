//! Points that operators give and take by hand, and the word of a second one.

use expect_test::{Expect, expect};

use super::world::World;
use super::{MYPOINTS, check, script};
use crate::adjustment::AdjustmentState;
use crate::event::Book;
use crate::settlement::{LineKey, lines};
use crate::{AdjustmentId, Event, Outcome, Points, RegistryEvent};

/// 150 points of MyPoints and 600 of CDnow. Two operators' keys; one adjusts up to 10,000 points alone.
const GIVEN: &str = "
    1997-01-01 operator key deputy operator
    1997-01-12 mypoints sign_up s1
    1997-01-12 cdnow purchase p1 600 USD
";

fn of_given(when: &str, then: Expect) {
    check(MYPOINTS, GIVEN, when, then);
}

/// A member with 750 points, and what is said of the proposal of activity 2: 10,001 points.
fn of_proposed(when: &str, then: Expect) {
    check(MYPOINTS, &format!("{GIVEN}\n1997-01-13 operator grant 1 10001"), when, then);
}

fn world(script: &str) -> World {
    let mut world = World::new(MYPOINTS);
    super::lines(script).for_each(|line| drop(world.say(line)));
    world
}

#[test]
fn points_are_given_at_the_price_of_the_named_partner() {
    of_given(
        "
        1997-01-13 operator grant 1 100 funder=bank
        1997-01-13 operator grant 1 100 funder=bank until=1997-02-01
        ",
        expect![[r#"
            1997-01-13 operator grant 1 100 funder=bank
                by mypoints 1
                adjusted by operator
                +100 Adjustment by adjustment: bank, bank pays 8000 micros USD
                mypoints: 850
            1997-01-13 operator grant 1 100 funder=bank until=1997-02-01
                by mypoints 1
                adjusted by operator
                +100 Adjustment by adjustment: bank, bank pays 8000 micros USD, until 1997-02-01T00:00:00Z
                mypoints: 850"#]],
    );
}

#[test]
fn points_are_taken_in_burn_order() {
    of_given(
        "
        1997-01-13 operator take 1 200
        1997-01-13 operator take 1 750
        1997-01-13 operator take 1 751
        1997-01-13 operator take 1 751 owed_to=bank
        ",
        expect![[r#"
            1997-01-13 operator take 1 200
                by mypoints 1
                adjusted by operator
                -200 by hand
                  150 of mypoints, mypoints paid 9000 micros USD for lot 1.0
                  50 of cdnow, cdnow paid 9000 micros USD for lot 2.0
                mypoints: 550
            1997-01-13 operator take 1 750
                by mypoints 1
                adjusted by operator
                -750 by hand
                  150 of mypoints, mypoints paid 9000 micros USD for lot 1.0
                  600 of cdnow, cdnow paid 9000 micros USD for lot 2.0
                mypoints: 0
            1997-01-13 operator take 1 751
                refused POINTS_SHORT: 1 point short
            1997-01-13 operator take 1 751 owed_to=bank
                by mypoints 1
                adjusted by operator
                -751 by hand
                  150 of mypoints, mypoints paid 9000 micros USD for lot 1.0
                  600 of cdnow, cdnow paid 9000 micros USD for lot 2.0
                  1 owed to bank, 8000 micros USD for each
                mypoints: 0, 1 owed"#]],
    );
}

#[test]
fn what_is_owed_is_repaid_first_and_more_can_be_owed() {
    check(
        MYPOINTS,
        &format!("{GIVEN}\n1997-01-13 operator take 1 800 owed_to=bank"),
        "
        1997-01-14 operator grant 2 60
        1997-01-14 operator take 2 10
        1997-01-14 operator take 2 10 owed_to=bank
        1997-01-14 operator take 2 10 owed_to=cdnow
        ",
        expect![[r#"
            1997-01-14 operator grant 2 60
                by mypoints 1
                adjusted by operator
                +60 Adjustment by adjustment: cdnow, cdnow pays 9000 micros USD
                50 owed for bank, bank is credited
                  50 of lot 4.0
                mypoints: 10
            1997-01-14 operator take 2 10
                refused POINTS_SHORT: 60 points short
            1997-01-14 operator take 2 10 owed_to=bank
                by mypoints 1
                adjusted by operator
                -10 by hand
                  10 owed to bank, 8000 micros USD for each
                mypoints: 0, 60 owed
            1997-01-14 operator take 2 10 owed_to=cdnow
                by mypoints 1
                adjusted by operator
                -10 by hand
                  10 owed to cdnow, 9000 micros USD for each
                mypoints: 0, 60 owed"#]],
    );
}

#[test]
fn points_that_are_held_are_not_taken_unless_time_has_given_them_back() {
    check(
        MYPOINTS,
        &format!("{GIVEN}\n1997-01-13 cdnow hold 1 voucher"),
        "
        1997-01-13T00:29:59Z operator take 2 251
        1997-01-13T00:30:00Z operator take 2 251
        ",
        expect![[r#"
            1997-01-13T00:29:59Z operator take 2 251
                refused POINTS_SHORT: 1 point short
            1997-01-13T00:30:00Z operator take 2 251
                by mypoints 1
                adjusted by operator
                hold 2 gives 500 back: TimedOut
                -251 by hand
                  150 of mypoints, mypoints paid 9000 micros USD for lot 1.0
                  101 of cdnow, cdnow paid 9000 micros USD for lot 2.0
                mypoints: 499"#]],
    );
}

#[test]
fn what_cannot_be_adjusted_is_refused() {
    of_given(
        "
        1997-01-13 operator grant 1 0
        1997-01-13 operator grant 1 1 funder=nobody
        1997-01-13 operator grant 1 1 funder=rival
        1997-01-13 operator take 1 1 owed_to=nobody
        1997-01-13 operator take 1 1 owed_to=rival
        1997-01-13 operator grant 1 1 programme=other
        1997-01-13 operator grant 1 1 until=1997-01-13
        1997-01-13 operator grant 1 1 until=1997-01-13T00:00:00.001Z
        1997-01-13 operator grant 1 1000000000000000
        1997-01-13 operator take 1 1000000000000000 owed_to=cdnow
        1997-01-13 operator approve 1 7
        1997-01-13 operator reject 1 7
        1997-01-13 cdnow grant 1 1
        1997-01-13 member grant 1 1
        1997-01-13 operator grant 1 1 key=cdnow
        1997-01-13 operator grant 1 1 issued=1996-01-01
        ",
        expect![[r#"
            1997-01-13 operator grant 1 0
                refused INVALID_ARGUMENT: an adjustment is of 1 point at least
            1997-01-13 operator grant 1 1 funder=nobody
                refused UNKNOWN_PARTNER: the network has no partner nobody
            1997-01-13 operator grant 1 1 funder=rival
                refused NO_CONTRACT: partner rival has no price in force for programme mypoints
            1997-01-13 operator take 1 1 owed_to=nobody
                refused UNKNOWN_PARTNER: the network has no partner nobody
            1997-01-13 operator take 1 1 owed_to=rival
                refused NO_CONTRACT: partner rival has no price in force for programme mypoints
            1997-01-13 operator grant 1 1 programme=other
                refused UNKNOWN_PROGRAMME: the network has no programme other
            1997-01-13 operator grant 1 1 until=1997-01-13
                refused INVALID_ARGUMENT: the points would have lapsed already
            1997-01-13 operator grant 1 1 until=1997-01-13T00:00:00.001Z
                by mypoints 1
                adjusted by operator
                +1 Adjustment by adjustment: cdnow, cdnow pays 9000 micros USD, until 1997-01-13T00:00:00.001Z
                mypoints: 751
            1997-01-13 operator grant 1 1000000000000000
                refused AMOUNT_TOO_LARGE: the points lie beyond the range of points
            1997-01-13 operator take 1 1000000000000000 owed_to=cdnow
                by mypoints 1
                proposed by operator until 1997-01-20T00:00:00Z
                mypoints: 750
            1997-01-13 operator approve 1 7
                refused UNKNOWN_ADJUSTMENT: the account has no such adjustment
            1997-01-13 operator reject 1 7
                refused UNKNOWN_ADJUSTMENT: the account has no such adjustment
            1997-01-13 cdnow grant 1 1
                refused PERMISSION_DENIED: the caller may not do this
            1997-01-13 member grant 1 1
                refused PERMISSION_DENIED: the caller may not do this
            1997-01-13 operator grant 1 1 key=cdnow
                refused PERMISSION_DENIED: the caller may not do this
            1997-01-13 operator grant 1 1 issued=1996-01-01
                refused REQUEST_TOO_OLD: the request id was issued at 1996-01-01T00:00:00Z, more than 24 hours ago; use a new one"#]],
    );
    check(
        MYPOINTS,
        "1997-01-12 cdnow purchase p1 600 USD",
        "1997-01-13 operator take 1 1",
        expect!["refused NOT_ENROLLED: nobody is enrolled on this account"],
    );
}

#[test]
fn above_the_limit_it_takes_another_operators_word() {
    of_given(
        "
        1997-01-13 operator grant 1 10000
        1997-01-13 operator grant 1 10001
        1997-01-13 operator take 1 10001 owed_to=bank
        1997-01-13 operator take 1 10001
        1997-01-13 operator grant 1 10001 funder=rival
        ",
        expect![[r#"
            1997-01-13 operator grant 1 10000
                by mypoints 1
                adjusted by operator
                +10000 Adjustment by adjustment: cdnow, cdnow pays 9000 micros USD
                mypoints: 10750
            1997-01-13 operator grant 1 10001
                by mypoints 1
                proposed by operator until 1997-01-20T00:00:00Z
                mypoints: 750
            1997-01-13 operator take 1 10001 owed_to=bank
                by mypoints 1
                proposed by operator until 1997-01-20T00:00:00Z
                mypoints: 750
            1997-01-13 operator take 1 10001
                refused POINTS_SHORT: 9,251 points short
            1997-01-13 operator grant 1 10001 funder=rival
                refused NO_CONTRACT: partner rival has no price in force for programme mypoints"#]],
    );
    of_proposed(
        "
        1997-01-14 operator approve 2 2
        1997-01-14 cdnow approve 2 2
        1997-01-14 operator approve 2 2 key=deputy
        1997-01-19T23:59:59.999Z operator approve 2 2 key=deputy
        1997-01-20 operator approve 2 2 key=deputy
        1997-01-20 operator reject 2 2
        1997-01-14 operator reject 2 2
        1997-01-14 operator reject 2 2 key=deputy
        1997-01-14 operator redeem 2 voucher quantity=2
        ",
        expect![[r#"
            1997-01-14 operator approve 2 2
                refused OWN_ADJUSTMENT: it takes another operator's key than the one that proposed the adjustment
            1997-01-14 cdnow approve 2 2
                refused PERMISSION_DENIED: the caller may not do this
            1997-01-14 operator approve 2 2 key=deputy
                by mypoints 1
                2 approved by deputy
                +10001 Adjustment by adjustment: cdnow, cdnow pays 9000 micros USD
                mypoints: 10751
            1997-01-19T23:59:59.999Z operator approve 2 2 key=deputy
                by mypoints 1
                2 approved by deputy
                +10001 Adjustment by adjustment: cdnow, cdnow pays 9000 micros USD
                mypoints: 10751
            1997-01-20 operator approve 2 2 key=deputy
                refused ADJUSTMENT_LAPSED: the proposal lapsed at 1997-01-20T00:00:00Z
            1997-01-20 operator reject 2 2
                refused ADJUSTMENT_LAPSED: the proposal lapsed at 1997-01-20T00:00:00Z
            1997-01-14 operator reject 2 2
                2 rejected by operator
                mypoints: 750
            1997-01-14 operator reject 2 2 key=deputy
                2 rejected by deputy
                mypoints: 750
            1997-01-14 operator redeem 2 voucher quantity=2
                refused POINTS_SHORT: 250 points short"#]],
    );
}

#[test]
fn a_network_sets_its_own_limit() {
    let mut world = world(GIVEN);
    world.registry.evolve(&RegistryEvent::AdjustmentLimitChanged(Points::ZERO));
    let said = world.say("1997-01-13 operator grant 1 1");
    assert!(said.contains("proposed by operator until 1997-01-20T00:00:00Z"), "{said}");
}

#[test]
fn a_word_is_said_once() {
    for (first, second) in [("approve", "approve"), ("approve", "reject"), ("reject", "approve")] {
        let mut world = world(&format!(
            "{GIVEN}
            1997-01-13 operator grant 1 10001
            1997-01-14 operator {first} 2 2 key=deputy"
        ));
        let said = world.say(&format!("1997-01-14 operator {second} 3 2 key=deputy"));
        assert_eq!(said, "refused ADJUSTMENT_NOT_OPEN: the adjustment took effect or was rejected before");
        // Also when its time would be over.
        assert_eq!(world.say(&format!("1997-01-30 operator {first} 2 2 issued=1997-01-30")), said);
    }
}

#[test]
fn a_repeat_has_no_second_effect_and_an_id_stands_for_one_thing() {
    let given = format!(
        "{GIVEN}
        1997-01-13 operator grant 1 100 note=late
        1997-01-13 operator take 2 100
        1997-01-13 operator grant 3 10001
        1997-01-13 operator approve 4 4 key=deputy
        1997-01-13 operator grant 5 10001
        1997-01-13 operator reject 6 6"
    );
    check(
        MYPOINTS,
        &given,
        "
        1997-01-13 operator grant 1 100 note=late
        1997-01-13 operator grant 1 100 note=later
        1997-01-13 operator grant 1 100 note=late funder=bank
        1997-01-13 operator grant 1 100 note=late until=1998-01-01
        1997-01-13 operator grant 1 101 note=late
        1997-01-13 operator take 1 100
        1997-01-13 operator take 2 100
        1997-01-13 operator take 2 100 owed_to=cdnow
        1997-01-13 operator grant 3 10001 key=deputy
        1997-01-13 operator approve 4 4 key=deputy
        1997-01-13 operator reject 4 4 key=deputy
        1997-01-13 operator reject 6 6
        ",
        expect![[r#"
            1997-01-13 operator grant 1 100 note=late
                repeat of 2
            1997-01-13 operator grant 1 100 note=later
                refused ID_REUSED: this id was used before for something else
            1997-01-13 operator grant 1 100 note=late funder=bank
                refused ID_REUSED: this id was used before for something else
            1997-01-13 operator grant 1 100 note=late until=1998-01-01
                refused ID_REUSED: this id was used before for something else
            1997-01-13 operator grant 1 101 note=late
                refused ID_REUSED: this id was used before for something else
            1997-01-13 operator take 1 100
                refused ID_REUSED: this id was used before for something else
            1997-01-13 operator take 2 100
                repeat of 3
            1997-01-13 operator take 2 100 owed_to=cdnow
                refused ID_REUSED: this id was used before for something else
            1997-01-13 operator grant 3 10001 key=deputy
                repeat of 4
            1997-01-13 operator approve 4 4 key=deputy
                repeat of 5
            1997-01-13 operator reject 4 4 key=deputy
                refused ID_REUSED: this id was used before for something else
            1997-01-13 operator reject 6 6
                repeat of 7"#]],
    );
}

#[test]
fn the_account_remembers_who_said_what() {
    let world = world(&format!(
        "{GIVEN}
        1997-01-13 operator grant 1 10001
        1997-01-14 operator approve 2 2 key=deputy
        1997-01-15 operator take 3 1"
    ));
    let state = |id| world.account.adjustments().get(&AdjustmentId(id)).map(|it| it.state);
    let approved = Some((script::read("deputy"), script::instant("1997-01-14")));
    assert_eq!(state(2), Some(AdjustmentState::Applied { approved }));
    assert_eq!(state(3), None, "the word, not the adjustment");
    assert_eq!(state(4), Some(AdjustmentState::Applied { approved: None }));
}

/// What was given is billed like any accrual, and what was taken is credited to whoever paid for it.
#[test]
fn books_and_settlement_follow() {
    let world = world(&format!(
        "{GIVEN}
        1997-01-13 operator grant 1 100 funder=bank
        1997-01-14 operator take 2 900 owed_to=airline"
    ));
    let booked = |book| world.booked(&script::read("mypoints"), book);
    let partner = |name| script::read(name);
    assert_eq!(booked(Book::Issued(partner("bank"))), -100);
    // Categories are burnt one after the other: base before adjustment.
    for (of, points) in [("mypoints", 150), ("cdnow", 600), ("bank", 100), ("airline", 50)] {
        assert_eq!(booked(Book::ClawedBack(partner(of))), points, "{of}");
    }
    assert_eq!((booked(Book::Available), booked(Book::Debt)), (0, -50));

    let Some((decision, at)) = world.journal.last() else { panic!("it was decided") };
    let Outcome::Applied(applied) = &decision.outcome else { panic!("it took effect") };
    let credited: Vec<_> = applied.events.iter().flat_map(|event| lines(event, at.place.seq)).collect();
    let credited: Vec<_> = credited
        .iter()
        .map(|(_, key, sum)| match key {
            LineKey::ClawedBack { funder, unit_price, .. } => {
                (funder.as_str(), unit_price.micros(), sum.points)
            }
            LineKey::Issued { .. } | LineKey::Redeemed { .. } | LineKey::Refunded { .. } => panic!("{key:?}"),
        })
        .collect();
    assert_eq!(credited, [("bank", 8_000, 100), ("cdnow", 9_000, 600), ("mypoints", 9_000, 150)]);
    assert!(matches!(applied.events.last(), Some(Event::PointsTaken(_))));
}
