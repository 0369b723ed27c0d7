//! The known histories that the rules of settling a batch (3, 5, 6, 7, 10, Rebase) close, each as it goes with the rules and,
//! where one is taken out, without.
//!
//! `TS(1,X)` is the TermStarted of term 1 by X; `B(1,X,3,q0)` X's batch in term 1 that would be number 3 in effect and
//! applies request 0; `#2` is what its owner sent second. A reader passes over void records of others unsaid.

use super::script::{check, in_office};
use crate::plant::Plant;

#[test]
fn rule_3_a_duplicate_does_not_count_twice() {
    check(
        None,
        in_office!(
            "X decides q0
             land B(1,X,3,q0)
             land B(1,X,3,q0)
             X reads => settled #2
             X reads
             X decides q1
             land B(1,X,4,q1)
             X reads => settled #3
             log => Genesis@0, TS(1,X)@1, B(1,X,3,q0)@2, B(1,X,3,q0) void@3, B(1,X,4,q1)@4"
        ),
    );
    check(
        Some(Plant::ContinuationIgnored),
        in_office!(
            "X decides q0
             land B(1,X,3,q0)
             land B(1,X,3,q0) => FAULT B(1,X,3,q0) takes effect twice"
        ),
    );
}

#[test]
fn rule_3_the_batch_of_a_term_that_is_over_is_void() {
    let take_over = in_office!(
        "X decides q0
         Y assigned => needs end (0)
         Y catches up => needs confirmation
         Y confirmed => needs end (0)
         Y catches up => campaigns
         land TS(2,Y)
         land B(1,X,3,q0)"
    );
    check(None, &format!("{take_over}\n log => Genesis@0, TS(1,X)@1, TS(2,Y)@2, B(1,X,3,q0) void@3"));
    let fault = "FAULT B(1,X,3,q0) takes effect while another is in office";
    check(Some(Plant::TermIgnored), &format!("{take_over} => {fault}"));
}

#[test]
fn rule_5_an_acknowledgement_answers_nothing() {
    let late = in_office!(
        "X decides q0
         Y assigned => needs end (0)
         Y catches up => needs confirmation
         Y confirmed => needs end (0)
         Y catches up => campaigns
         land TS(2,Y)
         land B(1,X,3,q0)"
    );
    check(
        None,
        &format!(
            "{late}
             ack B(1,X,3,q0)
             X reads => deposed with #2 doubtful, not applied #2, needs confirmation"
        ),
    );
    let fault = "FAULT B(1,X,3,q0) is answered and in effect 0 times";
    check(Some(Plant::AnswerOnAck), &format!("{late}\n ack B(1,X,3,q0) => {fault}"));
}

#[test]
fn rule_5_an_acknowledgement_of_a_given_up_term_is_ignored() {
    let given_up = in_office!(
        "X decides q0
         doubt B(1,X,3,q0) => gives up with #2 doubtful, needs end (0)
         X catches up => campaigns
         land TS(2,X)
         land B(1,X,3,q0)"
    );
    check(
        None,
        &format!(
            "{given_up}
             ack B(1,X,3,q0)
             X reads => not applied #2, takes office"
        ),
    );
    let fault = "FAULT B(1,X,3,q0) is answered and in effect 0 times";
    check(Some(Plant::GivenUpAckCounts), &format!("{given_up}\n ack B(1,X,3,q0) => {fault}"));
}

#[test]
fn rule_6_a_doubtful_batch_lands_later_and_is_answered_then() {
    check(
        None,
        in_office!(
            "X decides q0
             doubt B(1,X,3,q0) => gives up with #2 doubtful, needs end (0)
             X catches up => campaigns
             land B(1,X,3,q0)
             land TS(2,X)
             X reads => settled #2
             X reads => takes office
             log => Genesis@0, TS(1,X)@1, B(1,X,3,q0)@2, TS(2,X)@3"
        ),
    );
    let fault = "land B(1,X,3,q0) => FAULT B(1,X,3,q0) takes effect after \"not applied\" was said";
    let decided = in_office!("X decides q0\n doubt B(1,X,3,q0)");
    check(
        Some(Plant::DoubtIsNotApplied),
        &format!("{decided} => gives up with #2 doubtful, needs end (0), not applied #2\n {fault}"),
    );
    check(Some(Plant::DoubtKeepsTerm), &format!("{decided} => not applied #2, not appended #2\n {fault}"));
    check(
        Some(Plant::EndIsProof),
        &format!(
            "{decided} => gives up with #2 doubtful, needs end (0)
             X catches up => campaigns, not applied #2
             {fault}"
        ),
    );
}

#[test]
fn rule_6_a_proof_that_nothing_was_appended_leaves_the_term() {
    check(
        None,
        in_office!(
            "X decides q0
             refuse B(1,X,3,q0) => not appended #2
             X decides q1
             land B(1,X,3,q1)
             X reads => settled #3"
        ),
    );
}

#[test]
fn rules_6_and_7_what_was_decided_in_a_given_up_term_is_dropped() {
    let given_up = |said: &str| {
        let start = in_office!("X decides q0\n doubt B(1,X,3,q0)");
        format!(
            "{start} => {said}
             X catches up => campaigns
             land TS(2,X)
             X reads => not applied #2, takes office
             X decides q1
             land B(2,X,4,q1)"
        )
    };
    let plain = given_up("gives up with #2 doubtful, needs end (0)");
    check(None, &format!("{plain}\n X reads => settled #4"));
    let planted = given_up("needs end (0)");
    let fault = "FAULT B(2,X,4,q1) was decided on a state that never was";
    check(Some(Plant::KeepsSpeculative), &format!("{planted} => {fault}"));
}

#[test]
fn rules_6_and_10_not_applied_speaks_of_one_attempt() {
    check(
        None,
        in_office!(
            "X decides q0
             land B(1,X,3,q0)
             X reads => settled #2
             X decides q1
             doubt B(1,X,4,q1) => gives up with #3 doubtful, needs end (0)
             X catches up => campaigns
             land TS(2,X)
             X reads => not applied #3, takes office
             X decides q1
             land B(2,X,5,q1)
             land B(1,X,4,q1)
             X reads => settled #5
             log => Genesis@0, TS(1,X)@1, B(1,X,3,q0)@2, TS(2,X)@3, B(2,X,5,q1)@4, B(1,X,4,q1) void@5"
        ),
    );
}

#[test]
fn a_revoked_owner_gives_up_and_still_learns_what_became_of_its_batch() {
    check(
        None,
        in_office!(
            "X decides q0
             Y assigned => needs end (0)
             X revoked => gives up with #2 doubtful
             Y catches up => needs confirmation
             Y confirmed => needs end (0)
             Y catches up => campaigns
             land B(1,X,3,q0)
             land TS(2,Y)
             X reads => settled #2"
        ),
    );
}

#[test]
fn a_rebase_ends_the_term_and_counts_once() {
    let moved = in_office!(
        "X decides q0
         rebase
         land Rebase"
    );
    check(
        None,
        &format!(
            "{moved}
             land B(1,X,3,q0)
             land Rebase
             X reads => gives up with #2 doubtful, needs end (0)
             X catches up => campaigns
             land TS(2,X)
             X reads => not applied #2, takes office
             log => Genesis@0, TS(1,X)@1, Rebase@2, B(1,X,3,q0) void@3, Rebase void@4, TS(2,X)@5"
        ),
    );
    check(Some(Plant::RebaseUnchained), &format!("{moved}\n land Rebase => FAULT Rebase takes effect twice"));
}
