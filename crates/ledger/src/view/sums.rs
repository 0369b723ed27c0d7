//! The sums of a shard: as they are, as they were at a position, and what they are made of.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use coalition_domain::event::Decision;
use coalition_domain::settlement::{Hour, LineKey, LineSum, lines_of};
use coalition_domain::{Place, ProgrammeId, Timestamp};
use coalition_journal::entry::{Seq, ShardId};
use coalition_journal::log::Log;
use coalition_store::Reader;

use super::Position;
use crate::body::Item;
use crate::lookback::{self, batches};
use crate::rows;
use crate::state::State;
use crate::totals::{Books, LineOfHour};

/// Decisions looked at for one answer, so that one that finds few of them ends.
const LOOKED_AT_MAX: usize = 200_000;

/// The sums of a shard at a position.
#[derive(Clone)]
pub struct SumsView {
    /// Everything up to here is in them.
    pub position: Position,
    /// The double entry; sums to zero for each programme.
    pub books: Books,
    pub(crate) lines: BTreeMap<LineOfHour, LineSum>,
    pub(crate) reader: Arc<dyn Reader>,
}

/// Names what a decision adds to a line, and orders such parts: the decision, and which of its parts of that line it is.
pub type PartKey = (Place, u32);

/// What a decision adds to a line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Part {
    /// Its name.
    pub key: PartKey,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// The decision.
    pub decision: Decision,
    /// How many points.
    pub points: i64,
}

/// Some parts of a line.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Parts {
    /// The parts, in the order of their keys.
    pub parts: Vec<Part>,
    /// Behind which key there may be more.
    pub more_after: Option<PartKey>,
}

/// Hours of recorded time: `from <= hour < until`.
pub type Hours = (Hour, Hour);

impl SumsView {
    /// The sums in `state`, with `reader` the store behind it.
    pub fn of(shard: ShardId, state: &State, reader: &Arc<dyn Reader>) -> Self {
        Self {
            position: Position { shard, seq: state.meta.chain.seq() },
            books: state.totals.books().clone(),
            lines: state.totals.lines().clone(),
            reader: Arc::clone(reader),
        }
    }

    /// The settlement lines of `programme` over `hours`. Reads the store: not for an async thread.
    ///
    /// # Errors
    /// The store, or what it holds, can't be read.
    pub fn lines(
        &self,
        programme: &ProgrammeId,
        hours: Hours,
    ) -> Result<BTreeMap<LineKey, LineSum>, rows::Error> {
        let mut sums = BTreeMap::new();
        self.each_line(programme, hours, |(_, _, line), sum| add(&mut sums, line, sum))?;
        Ok(sums)
    }

    /// The same as they were at `at`, a position that is in these sums. Of the hour in which that lies, the decisions up to
    /// there are read again; `given_up` says that it is to end. Not for an async thread.
    ///
    /// # Errors
    /// See [`lookback::Error`].
    pub fn lines_at(
        &self,
        log: &dyn Log,
        programme: &ProgrammeId,
        hours: Hours,
        at: Seq,
        given_up: &dyn Fn() -> bool,
    ) -> Result<BTreeMap<LineKey, LineSum>, lookback::Error> {
        let (mut sums, mut cut, mut first) = (BTreeMap::new(), BTreeSet::new(), u64::MAX);
        self.each_line(programme, hours, |line, sum| {
            if sum.last <= at.0 {
                add(&mut sums, line.2, sum);
            } else if sum.first <= at.0 {
                cut.insert(line);
                first = first.min(sum.first);
            }
        })?;
        if cut.is_empty() {
            return Ok(sums);
        }
        let mut in_time = true;
        batches((log, &*self.reader, self.position.shard), (first, at.0), |seq, terms, items| {
            in_time = !given_up();
            let hour = Hour::of(terms.decided_at);
            for (programme, line, sum) in items.iter().flat_map(|(item, _)| lines_of_item(item, seq)) {
                if cut.contains(&(programme, hour, line)) {
                    add(&mut sums, line, &sum);
                }
            }
            if in_time { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        if in_time { Ok(sums) } else { Err(lookback::Error::GivenUp) }
    }

    /// What the line `key` sums over `hours` up to `at`, as far as it lies behind `after`: at most `limit` parts, and fewer if
    /// it is `given_up` before. Not for an async thread.
    ///
    /// # Errors
    /// See [`lookback::Error`].
    pub fn parts(
        &self,
        log: &dyn Log,
        (programme, key): (&ProgrammeId, &LineKey),
        hours: Hours,
        at: Seq,
        (after, limit): (Option<PartKey>, usize),
        given_up: &dyn Fn() -> bool,
    ) -> Result<Parts, lookback::Error> {
        // Hours follow one another in the journal, too.
        let mut ranges: BTreeMap<Hour, (u64, u64)> = BTreeMap::new();
        self.each_line(programme, hours, |(_, hour, line), sum| {
            if line == *key && sum.first <= at.0 {
                ranges.insert(hour, (sum.first, sum.last.min(at.0)));
            }
        })?;
        let (mut found, mut looked_at) = (Parts::default(), 0);
        let behind = after.map_or(0, |(place, _)| place.seq);
        for (nth, (first, last)) in ranges.into_values().filter(|(_, last)| *last >= behind).enumerate() {
            if nth > 0 && given_up() {
                found.more_after = Some((Place { seq: first.max(behind) - 1, index: u32::MAX }, u32::MAX));
                break;
            }
            batches(
                (log, &*self.reader, self.position.shard),
                (first.max(behind), last),
                |seq, terms, items| {
                    for (index, (item, _)) in (0..).zip(items) {
                        let of_line =
                            lines_of_item(item, seq).filter(|(of, line, _)| (of, line) == (programme, key));
                        for (nth, (_, _, sum)) in (0..).zip(of_line) {
                            let name = (Place { seq, index }, nth);
                            if after.is_some_and(|after| name <= after) {
                                continue;
                            }
                            if found.parts.len() == limit {
                                found.more_after = Some(
                                    found.parts.last().map_or(after.unwrap_or_default(), |part| part.key),
                                );
                                return ControlFlow::Break(());
                            }
                            let Item::Account(decision, _) = item else { continue };
                            let points = i64::try_from(sum.points);
                            let points = points.expect("points of one decision are within their range");
                            let decision = decision.clone();
                            found.parts.push(Part {
                                key: name,
                                decided_at: terms.decided_at,
                                decision,
                                points,
                            });
                        }
                    }
                    looked_at += items.len();
                    if looked_at >= LOOKED_AT_MAX || given_up() {
                        found.more_after = Some((Place { seq, index: u32::MAX }, u32::MAX));
                        return ControlFlow::Break(());
                    }
                    ControlFlow::Continue(())
                },
            )?;
            if found.more_after.is_some() {
                break;
            }
        }
        Ok(found)
    }

    /// The lines of `programme` over `hours`, one for each hour. Reads the store: not for an async thread.
    ///
    /// # Errors
    /// The store, or what it holds, can't be read.
    pub fn each_line(
        &self,
        programme: &ProgrammeId,
        (from, until): Hours,
        mut each: impl FnMut(LineOfHour, &LineSum),
    ) -> Result<(), rows::Error> {
        rows::scan_lines(&*self.reader, programme, from, until, |line, sum| {
            // What memory has is as new or newer; what began after this view is none of its business.
            if !self.lines.contains_key(&line) && sum.first <= self.position.seq.0 {
                each(line, &sum);
            }
        })?;
        let wanted = |(id, hour, _): &LineOfHour| id == programme && from <= *hour && *hour < until;
        for (line, sum) in self.lines.iter().filter(|(line, _)| wanted(line)) {
            each(*line, sum);
        }
        Ok(())
    }
}

fn add(sums: &mut BTreeMap<LineKey, LineSum>, line: LineKey, sum: &LineSum) {
    sums.entry(line).and_modify(|known| known.add(sum)).or_insert(*sum);
}

fn lines_of_item(item: &Item, seq: u64) -> impl Iterator<Item = (ProgrammeId, LineKey, LineSum)> {
    let decision = match item {
        Item::Account(decision, _) => Some(decision),
        Item::Registry(_) | Item::Relayed(_) | Item::Taken(..) | Item::Asked { .. } => None,
    };
    decision.into_iter().flat_map(move |decision| lines_of(decision, seq))
}
