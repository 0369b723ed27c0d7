//! Enrolment by request: who may, and what it takes.

use expect_test::expect;

use super::script::{Line, read};
use super::world::World;
use super::{MYPOINTS, check};
use crate::event::Outcome;
use crate::{Account, Command, Identifier, Rejection, Scheme};

#[test]
fn an_enrolment_is_asked_by_operator_or_partner_and_once() {
    check(
        MYPOINTS,
        "",
        "
        1997-01-12 operator enrol 1
        1997-01-12 cdnow enrol 1
        1997-01-12 member enrol 1
    ",
        expect![[r#"
            1997-01-12 operator enrol 1
                enrolled
            1997-01-12 cdnow enrol 1
                enrolled
            1997-01-12 member enrol 1
                refused PERMISSION_DENIED: the caller may not do this"#]],
    );
    check(
        MYPOINTS,
        "1997-01-11 cdnow enrol 1",
        "1997-01-12 operator enrol 1",
        expect!["refused ALREADY_ENROLLED: somebody is enrolled on this identifier already"],
    );
    check(
        MYPOINTS,
        "1997-01-12 mypoints sign_up s1",
        "1997-01-13 operator enrol 1",
        expect!["refused ALREADY_ENROLLED: somebody is enrolled on this identifier already"],
    );
    // The member signs up in person later: that is news to the rules, not to the enrolment.
    check(
        MYPOINTS,
        "1997-01-11 cdnow enrol 1",
        "1997-01-12 mypoints sign_up s1",
        expect![[r#"
        by mypoints 1
        +150 Base by joining: mypoints, mypoints pays 9000 micros USD
        mypoints: 150"#]],
    );
}

#[test]
fn a_partner_enrols_nobody_by_anothers_customer_number() {
    let at = |partner| Identifier::new(Scheme::CustomerNumber(read(partner)), "00001").unwrap();
    let enrol = |who: &str, identifier: Identifier| {
        let mut world = World::new(MYPOINTS);
        world.account = Account::new(identifier.account());
        let line = format!("1997-01-12 {who} enrol 1");
        let line = Line::new(&line);
        let command = Command::Enrol { caller: line.caller(), request: line.request(), identifier };
        world.decide(&command, line.now);
        world.journal.remove(0).0.outcome
    };
    assert!(matches!(enrol("cdnow", at("cdnow")), Outcome::Applied(_)));
    assert!(matches!(enrol("operator", at("cdnow")), Outcome::Applied(_)));
    assert_eq!(enrol("airline", at("cdnow")), Outcome::Refused(Rejection::PermissionDenied));
}
