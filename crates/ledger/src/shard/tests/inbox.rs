//! The inbox and its position.

use coalition_journal::log::{AppendError, Offset};

use super::{Alone, Input, NOW, Now, Span, event, repeat, stored};

fn positions(alone: &Alone) -> Vec<u64> {
    alone.bodies().iter().map(|(terms, _)| terms.inbox_next.0).collect()
}

#[test]
fn a_read_that_comes_back_after_the_position_was_set_back_is_left_alone() {
    let mut alone = Alone::in_office();
    alone.held = Some(Vec::new());
    alone.say(Input::Inbox(vec![event(0), event(1)]));
    assert_eq!(alone.core.wants_inbox(), Some(Offset(2)));
    // The next read is under way when the log refuses the batch: its commands have to be read again.
    let (attempt, _) = alone.held.take().unwrap().remove(0);
    alone.say(Input::Appended(attempt, Err(AppendError::NotAppended("full".to_owned()))));
    assert_eq!(alone.core.wants_inbox(), Some(Offset(0)));
    alone.say(Input::Inbox(vec![event(2), event(3)]));
    assert_eq!(alone.core.wants_inbox(), Some(Offset(0)));
}

#[test]
fn the_position_moves_past_what_is_no_request() {
    let mut alone = Alone::in_office();
    alone.say(Input::Inbox(vec![event(0), stored(1, "junk".into())]));
    assert_eq!(positions(&alone), [2]);
    alone.say(Input::Inbox(vec![stored(2, "junk".into())]));
    assert_eq!(positions(&alone), [2, 3]);
    assert!(alone.core.is_idle());
}

#[test]
fn a_batch_looks_at_a_bounded_number_of_commands_also_if_they_are_repeats() {
    let mut alone = Alone::in_office();
    let bound = alone.core.limits.batch_commands_max as u64;
    let first = std::iter::once(event(0));
    alone.say(Input::Inbox(first.chain((1..bound + 10).map(|offset| repeat(offset, 0))).collect()));
    assert_eq!(positions(&alone), [bound, bound + 10]);
    let items: Vec<_> = alone.bodies().iter().map(|(_, items)| items.len()).collect();
    assert_eq!(items, [1, 0], "a repeat makes no item");
}

#[test]
fn batches_are_small_while_somebody_asks() {
    let mut alone = Alone::in_office();
    alone.core.limits.batch_attended_max = 3;
    let now = |alone: &Alone| Now { wall: NOW.plus(alone.mono), mono: alone.mono };
    alone.core.asked(now(&alone));
    alone.say(Input::Inbox((0..7).map(event).collect()));
    assert_eq!(positions(&alone), [3, 6, 7]);
    alone.mono = Span::from_millis(1_000);
    alone.say(Input::Inbox((7..11).map(event).collect()));
    assert_eq!(positions(&alone)[3..], [10, 11], "a second later it may ask again");
    alone.mono = Span::from_millis(1_001);
    alone.say(Input::Inbox((11..18).map(event).collect()));
    assert_eq!(positions(&alone)[5..], [18]);
}

#[test]
fn what_the_store_does_not_have_is_bounded() {
    let mut alone = Alone::in_office();
    alone.say(Input::Inbox(vec![event(0)]));
    let taking = alone.core.take_changes().unwrap();
    // A checkpoint is under way, and as much as may be comes on top of it.
    alone.core.limits.unstored_bytes_max = 0;
    alone.say(Input::Inbox(vec![event(1)]));
    assert_eq!(alone.core.wants_inbox(), None);
    assert!(alone.core.wants_journal().is_some(), "in office its own records have to be read back");
    alone.core.limits.unstored_bytes_max = usize::MAX;
    assert_eq!(alone.core.wants_inbox(), Some(Offset(2)));
    // Of accounts one has changed since.
    alone.core.limits.unstored_accounts_max = 2;
    assert_eq!(alone.core.wants_inbox(), Some(Offset(2)));
    alone.core.limits.unstored_accounts_max = 1;
    assert_eq!(alone.core.wants_inbox(), None);
    let stored = |alone: &mut Alone| alone.say(Input::Stored(taking.mark.seq, taking.written()));
    stored(&mut alone);
    assert_eq!(alone.core.wants_inbox(), Some(Offset(2)), "it may take the next checkpoint");
    // Out of office it is the journal that has to wait.
    let taking = alone.core.take_changes().unwrap();
    alone.say(Input::Inbox(vec![event(2)]));
    alone.say(Input::Revoked);
    assert_eq!(alone.core.wants_journal(), None);
    alone.say(Input::Stored(taking.mark.seq, taking.written()));
    assert!(alone.core.wants_journal().is_some());
}
