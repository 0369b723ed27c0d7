//! The owner's clock against the log's: rule 12.

use coalition_domain::Span;

use super::{Alone, Input};

#[test]
fn a_clock_that_is_off_ends_the_term_and_starts_no_others_at_once() {
    let mut alone = Alone::in_office();
    assert_eq!(alone.terms(), 1);
    alone.wall_offset = Span::from_days(1_000);
    alone.mono = Span::from_secs(1);
    alone.say(Input::Revoked);
    alone.say(Input::Assigned);
    alone.say(Input::Assigned);
    // The term before knew the right time, so one more is started at once; that one finds the clock off from its start.
    assert_eq!((alone.core.in_office(), alone.terms()), (false, 3));
    alone.mono = Span::from_secs(31);
    alone.say(Input::Tick);
    assert_eq!(alone.terms(), 3);
    alone.mono = Span::from_secs(32);
    alone.say(Input::Tick);
    assert_eq!((alone.core.in_office(), alone.terms()), (false, 4));
    alone.wall_offset = Span::ZERO;
    alone.mono = Span::from_secs(64);
    alone.say(Input::Tick);
    assert_eq!((alone.core.in_office(), alone.terms()), (true, 5));
}
