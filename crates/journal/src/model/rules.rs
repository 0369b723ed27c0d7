//! Every history within the bounds keeps what the rules promise; and where a rule is taken out, one doesn't.

use super::search::{Found, search};
use super::steps::Bounds;
use crate::plant::Plant;

/// Two owners, two terms, two batches of two requests, and one of each fault, two of doubt.
const TWO: Bounds = Bounds {
    owners: 2,
    requests: 2,
    campaigns: 2,
    batches: 2,
    doubles: 1,
    crashes: 1,
    moves: 1,
    doubts: 2,
    refusals: 1,
    rebases: 0,
    geneses: 0,
};

/// No history within `bounds` shows a fault, the owners recover from each, and `kinds` kinds of things are said: a model
/// in which nothing happens would keep every promise too.
fn check_kept(what: &str, bounds: Bounds, kinds: usize) {
    let Found { states, depth, fault, said } = search(bounds, None, true);
    println!("{what}: {states} states, {depth} steps deep, said: {said:?}");
    assert_eq!(fault, None, "{what}");
    assert_eq!(said.len(), kinds, "{what}: {said:?}");
}

#[test]
fn two_owners() {
    check_kept("two owners", TWO, 9);
}

#[test]
fn two_owners_three_terms() {
    check_kept("three terms", Bounds { campaigns: 3, doubts: 1, refusals: 0, ..TWO }, 8);
}

#[test]
fn two_owners_three_batches() {
    check_kept("three batches", Bounds { batches: 3, doubts: 1, refusals: 0, ..TWO }, 8);
}

#[test]
fn three_owners() {
    let (campaigns, batches, doubles, crashes, moves, doubts, refusals) = (3, 1, 0, 0, 2, 1, 0);
    let bounds = Bounds {
        owners: 3,
        requests: 1,
        campaigns,
        batches,
        doubles,
        crashes,
        moves,
        doubts,
        refusals,
        ..TWO
    };
    check_kept("three owners", bounds, 8);
}

#[test]
fn an_empty_journal() {
    check_kept("an empty journal", Bounds { geneses: 2, doubts: 1, refusals: 0, ..TWO }, 9);
}

#[test]
fn a_rebase() {
    check_kept("a rebase", Bounds { rebases: 1, crashes: 0, doubts: 1, refusals: 0, ..TWO }, 8);
}

/// The first fault that histories show when `plant` takes its rule out.
fn check_seen(plant: Plant, bounds: Bounds, recovery: bool, fault: &str) {
    let found = search(bounds, Some(plant), recovery);
    let history = found.fault.unwrap_or_else(|| panic!("{plant} is not seen in {} states", found.states));
    println!("{plant}, after {} states: {history}\n", found.states);
    assert_eq!(history.lines().next(), Some(fault), "{plant}: {history}");
}

#[test]
fn each_rule_is_missed() {
    let three = Bounds { campaigns: 3, ..TWO };
    let empty = Bounds { geneses: 2, ..TWO };
    let moved = Bounds { rebases: 1, ..TWO };
    for (plant, bounds, fault) in [
        (Plant::TermStartedContinuesChain, TWO, "two run term 1"),
        (Plant::AnyTermStarts, TWO, "TS(1,X) takes effect twice"),
        (Plant::OwnerReused, TWO, "two run term 1"),
        (Plant::TermIgnored, TWO, "B(1,X,3,q0) takes effect twice"),
        (Plant::ContinuationIgnored, TWO, "B(1,X,3,q0) takes effect twice"),
        (Plant::GenesisTwice, empty, "Genesis takes effect twice"),
        (Plant::RebaseUnchained, moved, "Rebase takes effect twice"),
        (Plant::AckIsOffice, TWO, "X takes office unread"),
        (Plant::AnswerOnAck, TWO, "B(1,X,3,q1) is answered and in effect 0 times"),
        (Plant::GivenUpAckCounts, TWO, "B(1,X,3,q0) is answered and in effect 0 times"),
        (Plant::DoubtIsNotApplied, TWO, "B(1,X,3,q0) is called not applied and is in effect"),
        (Plant::DoubtKeepsTerm, TWO, "B(1,X,3,q0) is called not applied and is in effect"),
        (Plant::EndIsProof, TWO, "B(1,X,3,q0) takes effect after \"not applied\" was said"),
        (Plant::KeepsSpeculative, TWO, "B(2,X,4,q1) was decided on a state that never was"),
        (Plant::DeposedCampaignsAtOnce, TWO, "Y starts a term, deposed and not confirmed since"),
        (Plant::OldConfirmationCounts, three, "Y starts a term, deposed and not confirmed since"),
    ] {
        check_seen(plant, bounds, false, fault);
    }
    for (plant, lost) in [(Plant::TermStartedNeedsCurrentTerm, false), (Plant::LostTermWaits, true)] {
        check_seen(plant, TWO, true, &format!("nobody gets to work any more, with appends lost: {lost}"));
    }
}

/// Of what a batch has to say of what it continues, each part alone keeps late and double batches out, since a
/// TermStarted moves seq and head as well; so does the head for the owner before a Rebase. So no history of honest
/// owners shows that one of these is missing: what they guard against is shown in [`crate::chain`] and
/// [`super::forged`] with records that no honest owner writes.
#[test]
fn one_check_covers_for_another() {
    let moved = Bounds { rebases: 1, crashes: 0, doubts: 1, refusals: 0, ..TWO };
    for (plant, bounds) in [
        (Plant::OwnerUnchecked, TWO),
        (Plant::SeqUnchecked, TWO),
        (Plant::PrevHashUnchecked, TWO),
        (Plant::VoidOwnIgnored, TWO),
        (Plant::RebaseKeepsTerm, moved),
    ] {
        assert_eq!(search(bounds, Some(plant), false).fault, None, "{plant}");
    }
}
