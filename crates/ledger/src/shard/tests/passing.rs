//! What time brings about, with nobody asking for anything.

use coalition_domain::{Command, Event, Outcome, Span};

use super::waiting::{letter_of as letter, network_by, pass, wait};
use super::{Alone, Input, NOW};
use crate::body::Item;
use crate::timers;

const DAY: Span = Span::from_days(1);

/// Points can be spent a day after the letter was read, and lapse two days after it.
const DOCUMENT: &str = r#"
[programme]
id = "miles"
name = "Miles"
effective_from = 2025-01-01T00:00:00Z

[[rule]]
id = "letter"
event = "email_read"
points = 10
available_after_days = 1
expires_after_days = 2
"#;

/// What each batch says of accounts: of letters, and of what time has brought about.
fn told(alone: &Alone) -> Vec<Vec<&'static str>> {
    let of_time = |event: &Event| {
        let lapsed = matches!(event, Event::LotExpired { .. });
        assert!(lapsed || matches!(event, Event::LotActivated { .. }), "time brings about {event:?}");
        if lapsed { "lapsed" } else { "activated" }
    };
    let item = |(item, _): &(Item, _)| match item {
        Item::Account(decision, None) => match (&decision.command, &decision.outcome) {
            (Command::TimePassed { .. }, Outcome::Applied(applied)) => {
                applied.events.iter().map(of_time).collect()
            }
            other => panic!("{other:?} has no source"),
        },
        Item::Account(..) => vec!["letter"],
        Item::Registry(_) | Item::Relayed(_) | Item::Taken(..) | Item::Asked { .. } => vec![],
    };
    let batches = alone.bodies().into_iter().map(|(_, items)| items.iter().flat_map(item).collect());
    batches.filter(|said: &Vec<_>| !said.is_empty()).collect()
}

fn rows(alone: &mut Alone) -> Vec<timers::Entry> {
    let mut taking = alone.core.take_changes().unwrap();
    alone.store.writer.apply(&taking.rows()).unwrap();
    timers::load(&*alone.store.reader, None, 100).unwrap()
}

#[test]
fn it_is_journaled_at_its_instant() {
    let mut alone = network_by(DOCUMENT);
    alone.say(Input::Inbox(vec![letter(0, 1)]));
    for (days, said) in [(1, "activated"), (2, "lapsed")] {
        pass(&mut alone, Span::from_millis(DAY.as_millis() - 1));
        assert_eq!(told(&alone).len(), days, "nothing is due before");
        pass(&mut alone, Span::from_millis(1));
        assert_eq!(told(&alone).last().unwrap(), &[said]);
    }
    pass(&mut alone, DAY);
    assert_eq!(told(&alone).len(), 3, "it is journaled once");
    assert_eq!(rows(&mut alone), []);
}

#[test]
fn it_is_journaled_though_the_shard_was_down_at_its_instant() {
    for from_store in [true, false] {
        for (days, said) in [(1, "activated"), (3, "lapsed")] {
            let mut alone = network_by(DOCUMENT);
            alone.say(Input::Inbox(vec![letter(0, 1), letter(1, 2)]));
            wait(&mut alone, Span::from_days(days));
            alone.restart(from_store);
            pass(&mut alone, Span::ZERO);
            let expected = [vec!["letter"; 2], vec![said; 2]];
            assert_eq!(told(&alone), expected, "{days} days, from the store: {from_store}");
        }
    }
}

#[test]
fn commands_go_on_while_much_is_due() {
    let mut alone = network_by(DOCUMENT);
    alone.core.limits.batch_commands_max = 8;
    (0..30).for_each(|member| alone.say(Input::Inbox(vec![letter(member, member)])));
    wait(&mut alone, DAY);
    alone.say(Input::Inbox((30..48).map(|offset| letter(offset, offset)).collect()));
    let batches = told(&alone)[30..].to_vec();
    let count = |batch: &[&str]| {
        let of = |what| batch.iter().filter(|said| **said == what).count();
        (of("activated"), of("letter"))
    };
    let counts: Vec<_> = batches.iter().map(|batch| count(batch)).collect();
    // The accounts of the letters have to be loaded first.
    assert_eq!(counts[..1], [(2, 0)]);
    assert_eq!(counts[1..4], [(2, 6); 3], "a quarter of each batch");
    assert_eq!(counts[4..], [(2, 0); 11], "and no more of it when nobody asks for anything");
}

#[test]
fn a_shard_that_ends_leaves_the_rest_to_the_next_start() {
    let mut alone = network_by(DOCUMENT);
    alone.core.limits.batch_commands_max = 8;
    (0..30).for_each(|member| alone.say(Input::Inbox(vec![letter(member, member)])));
    wait(&mut alone, DAY);
    alone.held = Some(Vec::new());
    alone.say(Input::Tick);
    assert!(!alone.core.is_idle());
    alone.core.end();
    let held = alone.held.take().unwrap();
    for (_, record) in held {
        let read = alone.take(record);
        alone.say(read);
    }
    assert_eq!(told(&alone)[30..], [["activated"; 2]], "what was under way, and no more");
    assert!(alone.core.is_idle());
    alone.restart(true);
    pass(&mut alone, Span::ZERO);
    assert_eq!(told(&alone).concat().iter().filter(|said| **said == "activated").count(), 30);
}

#[test]
fn an_account_whose_time_can_not_be_decided_stops_nobody() {
    let mut alone = network_by(DOCUMENT);
    alone.say(Input::Inbox(vec![letter(0, 1)]));
    wait(&mut alone, DAY);
    alone.core.timeless.extend(alone.core.state.timers.at(NOW.plus(DAY)).collect::<Vec<_>>());
    alone.say(Input::Inbox(vec![letter(1, 2)]));
    assert_eq!(told(&alone), [["letter"], ["letter"]]);
    alone.core.timeless.clear();
    pass(&mut alone, Span::ZERO);
    assert_eq!(told(&alone).last().unwrap(), &["activated"]);
}

#[test]
fn an_index_that_is_lost_shows() {
    let mut alone = network_by(DOCUMENT);
    alone.say(Input::Inbox(vec![letter(0, 1)]));
    alone.restart(true);
    alone.core.state.timers = timers::Timers::forgotten();
    pass(&mut alone, DAY);
    assert_eq!(told(&alone), [["letter"]]);
}
