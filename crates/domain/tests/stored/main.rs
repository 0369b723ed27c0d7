//! What was ever stored is read for ever: a sample of each stored form, decoded and encoded again.
//!
//! A line of a file in testdata/events is a sample: the variant and its postcard bytes in hex. Lines are never changed or
//! removed. A new variant needs a sample in `samples.rs`, and the failing test says the line to add.

#![allow(clippy::unwrap_used, reason = "all of this crate is test")]

mod fingerprints;
mod samples;
mod variants;

use std::collections::BTreeSet;
use std::fmt::Debug;

use coalition_domain::adjustment::AdjustmentReason;
use coalition_domain::event::{Nothing, Release};
use coalition_domain::handover::Piece;
use coalition_domain::keys::KeyState;
use coalition_domain::programme::Category;
use coalition_domain::settlement::LineKey;
use coalition_domain::{
    AdjustmentChange, Command, Event, EventBody, Outcome, RegistryEvent, Rejection, RewardChange, Role,
    Scheme, WaitsFor, decide,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use self::variants::variants;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    assert!(hex.len().is_multiple_of(2), "half a byte");
    let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(byte).collect()
}

/// The nth line of `file` stores the nth sample.
fn check<T>(file: &str, name: impl Fn(&[u8]) -> String, samples: &[T])
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let mut lines = file.lines();
    let mut missing = String::new();
    for sample in samples {
        let stored = postcard::to_stdvec(sample).unwrap();
        let expected = format!("{} {}", name(&stored), hex(&stored));
        let Some(line) = lines.next() else {
            missing += &format!("{expected}\n");
            continue;
        };
        let (_, stored) = line.split_once(' ').unwrap();
        let (decoded, rest) =
            postcard::take_from_bytes::<T>(&bytes(stored)).map(|(t, r)| (t, r.len())).unwrap();
        assert_eq!((&decoded, rest), (sample, 0), "{line}");
        assert_eq!(line, expected, "another form than the stored one");
    }
    assert_eq!(lines.next(), None, "a stored form without sample");
    assert!(missing.is_empty(), "add these lines:\n{missing}");
}

/// [`check`] of an enum, each of whose variants has a sample.
fn check_enum<T>(file: &str, samples: &[T])
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let variants = variants::<T>();
    // Fewer than 128 variants: the index is the first byte.
    let name = |stored: &[u8]| variants[usize::from(stored[0])].to_owned();
    let sampled: BTreeSet<String> =
        samples.iter().map(|it| name(&postcard::to_stdvec(it).unwrap())).collect();
    let without: Vec<_> = variants.iter().filter(|variant| !sampled.contains(**variant)).collect();
    assert!(without.is_empty(), "variants without sample: {without:?}");
    check(file, name, samples);
}

macro_rules! stored {
    ($($test:ident: $check:ident($file:literal, $samples:expr);)*) => {$(
        #[test]
        fn $test() {
            stored!(@ $check, include_str!(concat!("../../testdata/events/", $file)), $samples);
        }
    )*};
    (@ of_enum, $file:expr, $samples:expr) => { check_enum($file, &$samples) };
    (@ of_struct, $file:expr, $samples:expr) => { check($file, |_| "-".to_owned(), &$samples) };
}

stored! {
    commands: of_enum("command.txt", samples::commands() as [Command; _]);
    changes_of_rewards: of_enum("reward_change.txt", samples::reward_changes() as [RewardChange; _]);
    changes_of_adjustments: of_enum("adjustment_change.txt", samples::adjustments::changes() as [AdjustmentChange; _]);
    reasons_of_adjustments: of_enum("adjustment_reason.txt", samples::adjustments::REASONS as [AdjustmentReason; _]);
    bodies_of_partner_events: of_enum("event_body.txt", samples::bodies() as [EventBody; _]);
    schemes: of_enum("scheme.txt", samples::schemes() as [Scheme; _]);
    roles: of_enum("role.txt", samples::roles() as [Role; _]);
    events: of_enum("event.txt", samples::events() as [Event; _]);
    reasons_for_nothing: of_enum("nothing.txt", samples::NOTHINGS as [Nothing; _]);
    categories: of_enum("category.txt", samples::CATEGORIES as [Category; _]);
    releases: of_enum("release.txt", [Release::Asked, Release::TimedOut] as [Release; _]);
    pieces_of_handovers: of_enum("piece.txt", samples::pieces() as [Piece; _]);
    outcomes: of_enum("outcome.txt", samples::outcomes() as [Outcome; _]);
    rejections: of_enum("rejection.txt", samples::rejections() as [Rejection; _]);
    registry_events: of_enum("registry_event.txt", samples::registry_events() as [RegistryEvent; _]);
    registry_changes: of_enum("registry_change.txt", samples::changes() as [decide::RegistryChange; _]);
    states_of_keys: of_enum("key_state.txt", samples::KEY_STATES as [KeyState; _]);
    lines_of_statements: of_enum("line_key.txt", samples::line_keys() as [LineKey; _]);
    decisions: of_struct("decision.txt", [samples::decision()]);
    registry_decisions: of_struct("registry_decision.txt", samples::registry_decisions());
    pages_of_lots: of_struct("lot_page.txt", [samples::lot_page()]);
    pages_of_keys: of_struct("key_page.txt", [samples::key_page()]);
    enrolments: of_struct("enrolment.txt", [samples::enrolment()]);
    events_that_wait: of_struct("waiting_event.txt", [samples::waiting_event()]);
    what_events_wait_for: of_enum("waits_for.txt", [WaitsFor::Consent(samples::purpose()), WaitsFor::Order, WaitsFor::OrderAnywhere] as [WaitsFor; _]);
    consents: of_struct("consent.txt", [samples::consent()]);
    sums_of_statements: of_struct("line_sum.txt", [samples::line_sum()]);
}

/// Every code is another one, apart from those that two rejections share on purpose.
#[test]
fn codes_tell_rejections_apart() {
    let rejections = samples::rejections();
    let codes: BTreeSet<&str> = rejections.iter().map(Rejection::code).collect();
    assert_eq!(codes.len(), rejections.len() - 1, "only INVALID_ARGUMENT stands for two");
    let screaming = |code: &&str| code.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    assert!(codes.iter().all(screaming), "{codes:?}");
}
