//! Links: what a card earned before it was linked, and what it earns later, is its member's.

use expect_test::{Expect, expect};

use super::script::{instant, read};
use super::world::World;
use super::{MYPOINTS, lines};
use crate::decide::undecidable;
use crate::event::{Book, Decision, Event, Outcome};
use crate::handover::{Handover, Piece, outgoing};
use crate::{Command, Identifier, Points, Rejection, Scheme, Timestamp};

/// A member, and a card of which nobody knows yet that it is theirs.
pub(super) struct Pair {
    pub(super) card: World,
    pub(super) member: World,
    /// What was decided of the card and has been relayed.
    relayed: usize,
}

impl Pair {
    pub(super) fn new(documents: &str) -> Self {
        let card = Identifier::new(Scheme::CardToken, "tok_1").unwrap();
        Self { card: World::of(documents, card), member: World::new(documents), relayed: 0 }
    }

    /// Lines that begin with `card` are the card's; what follows from them for the member is decided at once.
    pub(super) fn say(&mut self, line: &str) -> String {
        let Some(line) = line.strip_prefix("card ") else { return self.member.say(line) };
        let said = self.card.say(line);
        let now = instant(line.split_whitespace().next().unwrap());
        [said].into_iter().chain(self.relay(now)).collect::<Vec<_>>().join("\n")
    }

    fn relay(&mut self, now: Timestamp) -> Vec<String> {
        let decided: Vec<Decision> =
            self.card.journal[self.relayed..].iter().map(|(decision, _)| decision.clone()).collect();
        self.relayed = self.card.journal.len();
        // Nobody else is asked for orders here.
        let asked = |command: &Command| matches!(command, Command::FindOrder { .. });
        let commands = decided.iter().filter_map(outgoing).filter(|command| !asked(command));
        commands.map(|command| format!("member: {}", self.member.told(&command, now))).collect()
    }

    fn transit(&self) -> i64 {
        let booked = |world: &World| world.booked(&read("mypoints"), Book::InTransit);
        booked(&self.card) + booked(&self.member)
    }
}

pub(super) fn check(documents: &str, given: &str, when: &str, then: Expect) {
    let mut pair = Pair::new(documents);
    for line in lines(given) {
        pair.say(line);
    }
    let said: Vec<String> =
        lines(when).map(|line| format!("{line}\n{}", pair.say(line)).replace('\n', "\n    ")).collect();
    then.assert_eq(&said.join("\n"));
    assert_eq!(pair.transit(), 0, "everything arrived");
}

pub(super) const ENROLLED: &str = "1997-01-01 operator enrol 1";

/// As the programme of the other tests, with a rule that grants once for each member.
pub(super) fn welcome() -> String {
    format!(
        "{MYPOINTS}
    [[rule]]
    id = \"welcome\"
    event = \"engagement\"
    kind = \"welcome\"
    points = 150
    once = \"member\"
    funder = \"bank\""
    )
}

#[test]
fn a13_points_of_a_card_are_kept_and_credited_when_it_is_linked() {
    check(
        MYPOINTS,
        &format!("{ENROLLED}\ncard 1997-01-12 cdnow purchase p1 100 USD order=o1"),
        "
        card 1997-01-20 operator link 2
        card 1997-01-21 cdnow purchase p2 10 USD order=o2
        card 1997-01-21 cdnow purchase p2 10 USD order=o2
        card 1997-01-22 cdnow return r1 o1
    ",
        expect![[r#"
            card 1997-01-20 operator link 2
                linked
                hands over the identifier and 0 consents
                hands over 1 orders
                hands over 1 lots and 0 debts of mypoints
                mypoints: 0
                member: adopts piece 0
                adopts piece 1
                adopts piece 2 of mypoints: 100, 0 later, 0 owed
                mypoints: 100
            card 1997-01-21 cdnow purchase p2 10 USD order=o2
                forwarded
                member: by mypoints 1
                +10 Base by dollars: cdnow, cdnow pays 9000 micros USD
                mypoints: 110
            card 1997-01-21 cdnow purchase p2 10 USD order=o2
                repeat of 2
            card 1997-01-22 cdnow return r1 o1
                forwarded
                member: returned 100.00 USD, nothing is left
                -100 of dollars of mypoints 1: cdnow had paid 9000 micros USD
                  100 of lot 1.65536
                mypoints: 10"#]],
    );
}

#[test]
fn a1_what_a_rule_grants_once_stays_once_across_a_link() {
    check(
        &welcome(),
        &format!(
            "{ENROLLED}
             1997-01-02 cdnow engagement w1 welcome
             card 1997-01-03 bank engagement w2 welcome"
        ),
        "
        card 1997-01-20 operator link 2
        card 1997-01-21 airline engagement w3 welcome
        1997-01-21 airline engagement w4 welcome
    ",
        expect![[r#"
            card 1997-01-20 operator link 2
                linked
                hands over the identifier and 0 consents
                hands over 1 lots and 0 debts of mypoints
                hands over 1 once-limits
                mypoints: 0
                member: adopts piece 0
                adopts piece 1 of mypoints: 150, 0 later, 0 owed
                welcome granted before: bank is credited
                  150 of lot 1.65536
                adopts piece 2
                mypoints: 150
            card 1997-01-21 airline engagement w3 welcome
                forwarded
                member: by mypoints 1
                nothing by welcome: GrantedBefore
                mypoints: 150
            1997-01-21 airline engagement w4 welcome
                by mypoints 1
                nothing by welcome: GrantedBefore
                mypoints: 150"#]],
    );
}

/// The reversed grant pays for no other of its order.
#[test]
fn a_part_of_an_order_with_a_reversed_grant_takes_its_share_of_the_others() {
    let programme = format!(
        "{MYPOINTS}
    [[rule]]
    id = \"first\"
    event = \"purchase\"
    points = 150
    once = \"member\"
    funder = \"bank\""
    );
    check(
        &programme,
        &format!(
            "{ENROLLED}
             1997-01-02 cdnow purchase p0 1 USD order=o0
             card 1997-01-12 cdnow purchase p1 100 USD order=o1
             card 1997-01-20 operator link 2"
        ),
        "card 1997-01-22 cdnow return r1 o1 50 USD",
        expect![[r#"
            card 1997-01-22 cdnow return r1 o1 50 USD
                forwarded
                member: returned 50.00 USD
                -50 of dollars of mypoints 1: cdnow had paid 9000 micros USD
                  50 of lot 1.65536
                mypoints: 201"#]],
    );
}

#[test]
fn the_first_link_wins_and_members_are_not_linked() {
    check(
        MYPOINTS,
        ENROLLED,
        "
        card 1997-01-19 member link 2
        card 1997-01-20 operator link 3
        card 1997-01-20 operator link 3
        card 1997-01-21 operator link 4
        card 1997-01-21 operator enrol 5
        1997-01-21 operator link 6
    ",
        expect![[r#"
            card 1997-01-19 member link 2
                refused PERMISSION_DENIED: the caller may not do this
            card 1997-01-20 operator link 3
                linked
                hands over the identifier and 0 consents
                member: adopts piece 0
            card 1997-01-20 operator link 3
                repeat of 1
            card 1997-01-21 operator link 4
                refused IDENTIFIER_LINKED: the identifier is linked to a member already
            card 1997-01-21 operator enrol 5
                refused IDENTIFIER_LINKED: the identifier is linked to a member already
            1997-01-21 operator link 6
                refused ALREADY_ENROLLED: somebody is enrolled on this identifier already"#]],
    );
    check(
        MYPOINTS,
        "card 1997-01-01 operator enrol 1",
        "card 1997-01-20 operator link 2",
        expect![[r#"
            card 1997-01-20 operator link 2
                refused ALREADY_ENROLLED: somebody is enrolled on this identifier already"#]],
    );
}

#[test]
fn what_waits_goes_along_and_waits_on_with_the_member() {
    check(
        MYPOINTS,
        &format!("{ENROLLED}\ncard 1997-01-12T10:00:00Z cdnow return r1 o1"),
        "
        card 1997-01-12T11:00:00Z operator link 2
        1997-01-12T12:00:00Z cdnow purchase p1 100 USD order=o1
    ",
        expect![[r#"
            card 1997-01-12T11:00:00Z operator link 2
                linked
                hands over the identifier and 0 consents
                r1 at last: forwarded
                member: adopts piece 0
                member: waits until 1997-01-13T11:00:00Z for the order
            1997-01-12T12:00:00Z cdnow purchase p1 100 USD order=o1
                by mypoints 1
                +100 Base by dollars: cdnow, cdnow pays 9000 micros USD
                mypoints: 100
                r1 at last: returned 100.00 USD, nothing is left
                -100 of dollars of mypoints 1: cdnow had paid 9000 micros USD
                  100 of lot 4.0
                mypoints: 0"#]],
    );
}

#[test]
fn what_comes_with_a_link_repays_what_the_member_owes() {
    check(
        &MYPOINTS.replace("points = 500", "points = 80"),
        &format!(
            "{ENROLLED}
             1997-01-02 cdnow purchase p0 100 USD order=o0
             1997-01-03 operator redeem 2 voucher
             1997-01-04 cdnow return r0 o0
             card 1997-01-12 cdnow purchase p1 60 USD order=o1"
        ),
        "card 1997-01-20 operator link 3",
        expect![[r#"
            card 1997-01-20 operator link 3
                linked
                hands over the identifier and 0 consents
                hands over 1 orders
                hands over 1 lots and 0 debts of mypoints
                mypoints: 0
                member: adopts piece 0
                adopts piece 1
                adopts piece 2 of mypoints: 60, 0 later, 0 owed
                60 owed for cdnow, cdnow is credited
                  60 of lot 1.65536
                mypoints: 0, 20 owed"#]],
    );
}

#[test]
fn what_one_decision_cannot_hand_over_is_due_at_once() {
    let mut pair = Pair::new(MYPOINTS);
    pair.say(ENROLLED);
    let orders = 1_500;
    for nth in 0..orders {
        pair.card.say(&format!("1997-01-12 cdnow purchase p{nth} 2 USD order=o{nth}"));
    }
    assert_eq!(pair.card.account.next_due(), None);
    pair.say("card 1997-01-20 operator link 2");
    let mut chunks = 1;
    while let Some(due) = pair.card.account.next_due() {
        assert_eq!(due, instant("1997-01-20"));
        pair.say("card 1997-01-20 time passes");
        chunks += 1;
    }
    assert!((3..=20).contains(&chunks), "{chunks} decisions");
    let mypoints = read("mypoints");
    let now = instant("1997-01-20");
    assert_eq!(pair.member.account.balance(&mypoints, now).available, Points::new(3_000).unwrap());
    assert_eq!(pair.card.account.balance(&mypoints, now).available, Points::ZERO);
    assert_eq!((pair.member.account.orders().iter().count(), pair.transit()), (orders, 0));
    assert_eq!(pair.card.say("1997-01-20 time passes"), "nothing to journal");
}

/// A handover that can't be decided, or has no room, is nobody's points until a person has seen to it.
#[test]
fn what_cannot_be_taken_in_goes_to_suspense() {
    let mut pair = Pair::new(MYPOINTS);
    pair.card.say("1997-01-12 cdnow purchase p1 100 USD order=o1");
    pair.card.say("1997-01-20 operator link 2");
    let (decision, _) = pair.card.journal.last().unwrap();
    let adopt = outgoing(decision).unwrap();
    let Outcome::Applied(applied) = undecidable(&adopt, Rejection::InternalFault) else { panic!("refused") };
    let [Event::RecordsAdopted { piece: 0 }, Event::PointsSuspended { points: 100, .. }] = applied.events[..]
    else {
        panic!("{:?}", applied.events)
    };
    // More than an account may hold.
    let Command::Adopt(Handover { from, to, mut pieces }) = adopt else { panic!("no handover") };
    for piece in &mut pieces {
        if let Piece::Points { lots, .. } = piece {
            lots[0].left = Points::MAX;
        }
    }
    pair.member.say("1997-01-02 cdnow purchase p0 1 USD order=o0");
    let said = pair.member.told(&Command::Adopt(Handover { from, to, pieces }), instant("1997-01-20"));
    assert!(said.contains("to suspense"), "{said}");
    assert_eq!(pair.member.account.balance(&read("mypoints"), instant("1997-01-20")).available.get(), 1);
}

/// What was taken back at the link is not taken once more when the account that earned it is closed.
#[test]
fn a_grant_that_was_reversed_is_not_taken_back_again() {
    let opening = format!(
        "{MYPOINTS}
    [[rule]]
    id = \"opening\"
    event = \"account_opening\"
    points = 250
    once = \"member_and_partner\"
    clawback_within_days = 90"
    );
    check(
        &opening,
        &format!(
            "{ENROLLED}
             1997-01-02 bank account_opening a1 first
             card 1997-01-03 bank account_opening a2 second
             card 1997-01-20 operator link 2"
        ),
        "1997-01-21 bank account_closing c1 second",
        expect![[r#"
            1997-01-21 bank account_closing c1 second
                returned account, nothing is left
                mypoints: 250"#]],
    );
}
