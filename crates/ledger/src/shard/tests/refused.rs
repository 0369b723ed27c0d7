//! Refused events on their way back to their partners.

use coalition_domain::Span;

use super::{Alone, Input, event, repeat};
use crate::body::Destination;

/// The numbers of each run that was given back so far.
fn runs(alone: &Alone) -> Vec<Vec<u64>> {
    alone.returns.iter().map(|run| run.iter().map(|refused| refused.number).collect()).collect()
}

fn told(alone: &mut Alone, upto: u64, appended: bool) {
    alone.say(Input::Relayed { to: Destination::Partners, upto, appended });
}

fn facts(alone: &Alone) -> Vec<(Destination, u64)> {
    alone.bodies().into_iter().flat_map(|(terms, _)| terms.relayed).collect()
}

#[test]
fn what_is_refused_goes_back_once_it_is_in_effect_and_one_run_at_a_time() {
    let mut alone = Alone::in_office();
    alone.held = Some(Vec::new());
    alone.say(Input::Inbox(vec![event(0), event(1), repeat(2, 0)]));
    assert!(runs(&alone).is_empty(), "nothing is in effect");
    let (_, record) = alone.held.take().unwrap().remove(0);
    let read = alone.take(record);
    alone.say(read);
    assert_eq!(runs(&alone), [[1, 2]]);
    alone.say(Input::Inbox(vec![event(3)]));
    assert_eq!(runs(&alone).len(), 1, "the first run is under way");
    assert_eq!(alone.returns[0][1].source.offset.0, 1);

    // Not there for sure: once more, after a pause, with whatever has come meanwhile.
    told(&mut alone, 2, false);
    assert_eq!(runs(&alone).len(), 1);
    alone.mono = Span::from_millis(20);
    alone.say(Input::Tick);
    assert_eq!(runs(&alone)[1], [1, 2, 3]);
    told(&mut alone, 3, true);
    assert_eq!((facts(&alone), runs(&alone).len()), (vec![(Destination::Partners, 3)], 2));
    assert_eq!(alone.core.state().refused.count(), 0);
}

#[test]
fn the_next_owner_goes_on_where_the_journal_says() {
    let mut alone = Alone::in_office();
    alone.say(Input::Inbox(vec![event(0)]));
    told(&mut alone, 1, true);
    alone.say(Input::Inbox(vec![event(1)]));
    alone.say(Input::Revoked);
    alone.say(Input::Assigned);
    assert_eq!(runs(&alone), [vec![1], vec![2], vec![2]]);
}
