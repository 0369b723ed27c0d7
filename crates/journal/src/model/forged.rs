//! What no history of honest owners shows: an office that meets it gives up its term instead of going on.

use bytes::Bytes;

use super::truth::{Rec, batch, genesis, owner_id};
use crate::chain::{Chain, Verdict, Why};
use crate::effect::Effect;
use crate::entry::Entry;
use crate::office::Office;
use crate::plant::Plant;

fn read(chain: &mut Chain, office: &mut Office, entry: &Entry) -> Vec<Effect> {
    let raw = entry.encode();
    let verdict = chain.judge(&raw, Some(entry));
    office.read(&raw, Some(entry), verdict)
}

/// In office of term 1.
fn in_office(mut office: Office) -> (Chain, Office) {
    let mut chain = Chain::new();
    assert_eq!(office.assigned(), [Effect::NeedEnd { tries: 0 }]);
    assert_eq!(read(&mut chain, &mut office, &genesis()), []);
    let effects = office.caught_up(&chain, owner_id(0, 0, 0));
    let [Effect::Append { entry, .. }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(read(&mut chain, &mut office, entry), [Effect::TookOffice]);
    (chain, office)
}

/// The next batch of `office`, for request 0.
fn next(chain: &Chain, office: &Office) -> Entry {
    batch(office.may_decide(chain).expect("in office, with nothing under way"), 0, 0)
}

#[test]
fn an_own_batch_that_is_void_in_its_own_term_ends_it() {
    let (chain, mut office) = in_office(Office::new());
    let entry = next(&chain, &office);
    let attempt = office.sent(entry.encode());
    let (raw, void) = (entry.encode(), Verdict::Void(Why::OtherHead));
    let over = Effect::TermOver { deposed: false, doubtful: Some(attempt) };
    assert_eq!(office.read(&raw, Some(&entry), void), [over, Effect::NeedEnd { tries: 0 }]);
    assert_eq!(office.in_office(), None);

    let (chain, mut office) = in_office(Office::new().planted(Plant::VoidOwnIgnored));
    let entry = next(&chain, &office);
    office.sent(entry.encode());
    assert_eq!(office.read(&raw, Some(&entry), void), []);
    assert_eq!(office.may_decide(&chain), None, "it waits on, and everything after would be void");
}

#[test]
fn a_batch_of_its_term_that_it_did_not_send_ends_it() {
    let (mut chain, mut office) = in_office(Office::new());
    let attempt = office.sent(next(&chain, &office).encode());
    let header = crate::entry::BatchHeader {
        term: chain.term(),
        owner: chain.owner().expect("in office"),
        seq: chain.seq().next(),
        prev_hash: chain.head(),
    };
    let over = Effect::TermOver { deposed: false, doubtful: Some(attempt) };
    let foreign = batch(header, 1, 0);
    assert_eq!(read(&mut chain, &mut office, &foreign), [over, Effect::NeedEnd { tries: 0 }]);
}

#[test]
fn what_is_no_entry_concerns_no_office() {
    let (mut chain, mut office) = in_office(Office::new());
    let before = office.clone();
    let noise = Bytes::from_static(b"noise");
    assert_eq!(Entry::decode(&noise), Ok(None));
    let verdict = chain.judge(&noise, None);
    assert_eq!(verdict, Verdict::Void(Why::NoEntry));
    assert_eq!(office.read(&noise, None, verdict), []);
    assert_eq!(office, before);
}

#[test]
fn an_attempt_is_answered_once_whatever_the_log_says_later() {
    let (mut chain, mut office) = in_office(Office::new());
    let entry = next(&chain, &office);
    let attempt = office.sent(entry.encode());
    assert_eq!(read(&mut chain, &mut office, &entry), [Effect::Settled(attempt)]);
    let before = office.clone();
    let doubt = crate::log::AppendError::Doubt("late".into());
    assert_eq!(office.appended(attempt, &Err(doubt)), []);
    assert_eq!(office.timed_out(attempt), []);
    assert_eq!(office, before);
    assert_ne!(Rec::of(&next(&chain, &office)).print, Rec::of(&entry).print);
}
