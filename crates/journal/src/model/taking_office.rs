//! The known histories that the rules of taking office (2, 4, 8, Genesis) close, each as it goes with the rules and,
//! where one is taken out, without.
//!
//! `TS(1,X)` is the TermStarted of term 1 by X; `B(1,X,3,q0)` X's batch in term 1 that would be number 3 in effect and
//! applies request 0; `#2` is what its owner sent second. A reader passes over void records of others unsaid.

use super::script::{check, check_from_nothing, in_office};
use crate::plant::Plant;

#[test]
fn rule_2_a_term_is_started_from_outside_it() {
    check(None, in_office!());
    check(
        Some(Plant::TermStartedNeedsCurrentTerm),
        "X catches up => campaigns
         land TS(1,X)
         log => Genesis@0, TS(1,X) void@1
         X reads",
    );
}

#[test]
fn rule_2_a_busy_zombie_starves_no_take_over() {
    check(
        None,
        in_office!(
            "Y assigned => needs end (0)
             Y catches up => needs confirmation
             Y confirmed => needs end (0)
             Y catches up => campaigns
             X decides q0
             land B(1,X,3,q0)
             X reads => settled #2
             X decides q1
             land TS(2,Y)
             land B(1,X,4,q1)
             log => Genesis@0, TS(1,X)@1, B(1,X,3,q0)@2, TS(2,Y)@3, B(1,X,4,q1) void@4
             Y reads
             Y reads => takes office
             X reads => deposed with #3 doubtful, not applied #3, needs confirmation"
        ),
    );
    check(
        Some(Plant::TermStartedContinuesChain),
        "X catches up => campaigns
         land TS(1,?)
         X reads => takes office
         Y assigned => needs end (0)
         Y catches up => needs confirmation
         Y confirmed => needs end (0)
         Y catches up => campaigns
         X decides q0
         land B(1,?,3,q0)
         land TS(2,?)
         log => Genesis@0, TS(1,?)@1, B(1,?,3,q0)@2, TS(2,?) void@3",
    );
}

#[test]
fn rule_2_of_two_with_one_term_the_first_wins() {
    check(
        None,
        "X catches up => campaigns
         Y assigned => needs end (0)
         Y catches up => campaigns
         land TS(1,Y)
         land TS(1,X)
         log => Genesis@0, TS(1,Y)@1, TS(1,X) void@2
         X reads => needs confirmation
         X reads
         Y reads => takes office",
    );
}

#[test]
fn rule_4_an_acknowledged_term_is_not_yet_office() {
    let race = "X catches up => campaigns
                Y assigned => needs end (0)
                Y catches up => campaigns
                land TS(1,X)
                land TS(1,Y)";
    check(
        None,
        &format!(
            "{race}
             ack TS(1,Y)
             log => Genesis@0, TS(1,X)@1, TS(1,Y) void@2
             Y reads => needs confirmation"
        ),
    );
    check(Some(Plant::AckIsOffice), &format!("{race}\n ack TS(1,Y) => FAULT Y takes office unread"));
}

#[test]
fn rule_4_a_lost_term_is_tried_again() {
    check(
        None,
        "X catches up => campaigns
         doubt TS(1,X) => needs end (1)
         X catches up => campaigns
         doubt TS(1,X) => needs end (2)
         X catches up => campaigns
         land TS(1,X)
         X reads => takes office
         X decides q0
         doubt B(1,X,3,q0) => gives up with #4 doubtful, needs end (0)",
    );
    // The lost one lands after all, before the next try or after it.
    check(
        None,
        "X catches up => campaigns
         doubt TS(1,X) => needs end (1)
         land TS(1,X)
         X reads
         X catches up => needs confirmation
         X confirmed => needs end (1)
         X catches up => campaigns
         land TS(1,X)
         land TS(2,X)
         X reads => takes office
         log => Genesis@0, TS(1,X)@1, TS(1,X) void@2, TS(2,X)@3",
    );
    check(Some(Plant::LostTermWaits), "X catches up => campaigns\n doubt TS(1,X)\n doubt TS(1,X)");
}

#[test]
fn rule_8_a_deposed_owner_waits_for_its_assignment_to_be_confirmed() {
    let deposed = in_office!(
        "Y assigned => needs end (0)
         Y catches up => needs confirmation
         Y confirmed => needs end (0)
         Y catches up => campaigns
         land TS(2,Y)
         Y reads => takes office
         X reads"
    );
    // X isn't assigned any more, so nothing confirms it, and Y works on.
    check(
        None,
        &format!(
            "{deposed} => deposed, needs confirmation
             Y decides q0
             land B(2,Y,4,q0)
             X reads
             Y reads => settled #2
             X revoked"
        ),
    );
    let at_once = "X catches up => campaigns
                   land TS(1,X)
                   Y assigned => needs end (0)
                   Y catches up => FAULT Y starts a term, deposed and not confirmed since";
    check(Some(Plant::DeposedCampaignsAtOnce), at_once);
}

#[test]
fn rule_8_the_term_of_a_dead_zombie_deposes_for_a_moment_only() {
    check(
        None,
        "Y assigned => needs end (0)
         Y catches up => campaigns
         Y crashes
         X assigned
         land TS(1,Y)
         X catches up => campaigns
         X reads => needs confirmation
         X confirmed => needs end (1)
         X catches up => campaigns
         land TS(1,X)
         land TS(2,X)
         X reads => takes office
         log => Genesis@0, TS(1,Y)@1, TS(1,X) void@2, TS(2,X)@3",
    );
}

#[test]
fn rule_8_a_confirmation_from_before_the_deposition_does_not_count() {
    let twice = "Y assigned => needs end (0)
                 Y catches up => campaigns
                 Z assigned => needs end (0)
                 X assigned
                 X catches up => campaigns
                 land TS(1,Y)
                 X reads => needs confirmation
                 Z assigned
                 Z catches up => campaigns
                 Z reads => needs confirmation
                 Z confirmed => needs end (1)
                 Z catches up => campaigns
                 land TS(2,Z)
                 X assigned
                 X reads";
    check(
        None,
        &format!(
            "{twice}
             X confirmed => needs confirmation
             X confirmed => needs end (1)
             X catches up => campaigns"
        ),
    );
    check(
        Some(Plant::OldConfirmationCounts),
        &format!(
            "{twice}
             X confirmed => needs end (1)
             X catches up => FAULT X starts a term, deposed and not confirmed since"
        ),
    );
}

#[test]
fn of_two_geneses_the_first_counts() {
    let two = "X catches up => needs Genesis
               Y assigned => needs end (0)
               Y catches up => needs Genesis
               land Genesis
               land Genesis";
    check_from_nothing(
        None,
        &format!(
            "{two}
             X catches up => needs Genesis
             X catches up => campaigns
             land TS(1,X)
             X reads => takes office
             log => Genesis@0, Genesis void@1, TS(1,X)@2"
        ),
    );
    check_from_nothing(Some(Plant::GenesisTwice), &format!("{two} => FAULT Genesis takes effect twice"));
}
