//! The inbox and its position.

use coalition_journal::log::{AppendError, Offset};

use super::{Alone, Input, event, stored};

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
