//! What sums were at a position, and what they are made of, read from the journal again.

use coalition_domain::settlement::{Hour, LineKey};
use coalition_domain::{EventBody, Money, ProgrammeId, Reference, Span};
use coalition_journal::entry::Seq;
use coalition_journal::log::{Log, Offset, Partition, Record, Stored};
use coalition_journal::memory::Memory;

use super::orders::DOCUMENT;
use super::waiting::{network_by, of_mail, pass};
use super::{Alone, GENESIS, Input};
use crate::runtime::JOURNAL;
use crate::view::{PartKey, SumsView};

const ALWAYS: (Hour, Hour) = (Hour(i64::MIN), Hour(i64::MAX));

fn miles() -> ProgrammeId {
    "miles".parse().unwrap()
}

/// A purchase of as many dollars as its number says.
pub(super) fn bought(nth: u64) -> Stored {
    let amount = Money { currency: "USD".parse().unwrap(), micros: i64::try_from(nth).unwrap() * 1_000_000 };
    let order = Reference::new(format!("o{nth}")).unwrap();
    of_mail(nth, nth % 5, EventBody::Purchase { order, amount })
}

pub(super) fn view(alone: &Alone) -> SumsView {
    SumsView::of(GENESIS.shard, alone.core.state(), &alone.store.reader)
}

/// The journal as a log, of which what lies before `start` is gone.
fn log(alone: &Alone, start: u64) -> Memory {
    let log = Memory::new();
    log.create_topic(JOURNAL, 1).unwrap();
    let journal = Partition::new(JOURNAL, 0);
    for stored in &alone.journal {
        log.append(&journal, vec![Record::of(stored.record.value.clone())], Box::new(|_| ()));
    }
    log.trim(&journal, Offset(start)).unwrap();
    log
}

/// A hundred purchases within more than three hours, and the sum of each position on the way.
fn traded() -> (Alone, Vec<(Seq, i128)>) {
    let (mut alone, mut seen) = (network_by(DOCUMENT), Vec::new());
    for nth in 0..100 {
        pass(&mut alone, Span::from_secs(120));
        alone.say(Input::Inbox(vec![bought(nth)]));
        let sums = view(&alone).lines(&miles(), ALWAYS).unwrap();
        seen.push((view(&alone).position.seq, sums.values().map(|sum| sum.points).sum()));
    }
    // 0 + 1 + ... + 99 dollars, each of which is worth a point.
    assert_eq!(seen.last().unwrap().1, 4_950);
    (alone, seen)
}

#[test]
fn sums_are_what_they_were_at_each_position() {
    for from_store in [true, false] {
        let (mut alone, seen) = traded();
        alone.restart(from_store);
        let log = log(&alone, 0);
        for (at, points) in &seen {
            let sums = view(&alone).lines_at(&log, &miles(), ALWAYS, *at, &|| false).unwrap();
            assert_eq!(sums.values().map(|sum| sum.points).sum::<i128>(), *points, "{at:?}");
            assert!(sums.values().all(|sum| sum.last <= at.0), "{sums:?}");
        }
    }
}

#[test]
fn a_journal_is_read_from_a_milestone_on() {
    let (mut alone, seen) = traded();
    alone.restart(true);
    // The records before the second milestone are not needed for an hour that began behind it.
    let log = log(&alone, 64);
    let (at, points) = seen[96];
    let sums = view(&alone).lines_at(&log, &miles(), ALWAYS, at, &|| false).unwrap();
    assert_eq!(sums.values().map(|sum| sum.points).sum::<i128>(), points);
    assert!(view(&alone).lines_at(&log, &miles(), ALWAYS, seen[40].0, &|| false).is_err());
}

#[test]
fn a_line_is_the_sum_of_its_parts_in_pages() {
    let (mut alone, seen) = traded();
    alone.restart(true);
    let log = log(&alone, 0);
    let view = view(&alone);
    let lines = view.lines(&miles(), ALWAYS).unwrap();
    let [line]: [LineKey; 1] = lines.keys().copied().collect::<Vec<_>>().try_into().unwrap();
    for (at, points) in [seen[99], seen[50]] {
        let (mut names, mut sum, mut after): (Vec<PartKey>, i128, Option<PartKey>) = (Vec::new(), 0, None);
        loop {
            let page = view.parts(&log, (&miles(), &line), ALWAYS, at, (after, 7), &|| false).unwrap();
            assert!(page.parts.len() == 7 || page.more_after.is_none());
            names.extend(page.parts.iter().map(|part| part.key));
            sum += page.parts.iter().map(|part| i128::from(part.points)).sum::<i128>();
            after = page.more_after;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(sum, points);
        assert!(names.is_sorted_by(|one, next| one < next));
        // A dollar or more earns; the first purchase was of none.
        assert_eq!(names.len(), if at == seen[99].0 { 99 } else { 50 });
    }
}

#[test]
fn who_has_no_time_left_is_told_so() {
    let (alone, seen) = traded();
    let said = view(&alone).lines_at(&log(&alone, 0), &miles(), ALWAYS, seen[98].0, &|| true);
    assert!(matches!(said, Err(crate::lookback::Error::GivenUp)), "{said:?}");
}
