//! An append on its way: its records are answered one by one, its caller once.

use std::sync::{Arc, Mutex, PoisonError};

use crate::append::Append;
use crate::log::{AppendError, Offset};

/// An append whose records are on their way.
pub(super) struct Flight(Mutex<State>);

struct State {
    append: Option<Append>,
    /// Records without an answer.
    left: usize,
    first: Option<Offset>,
    doubt: Option<String>,
}

/// One record of a flight. Whoever drops it without an answer leaves its caller in doubt.
pub(super) struct Part {
    flight: Arc<Flight>,
    first: bool,
    answered: bool,
}

impl Flight {
    /// A flight of `count` records, one at least.
    pub(super) fn new(append: Append, count: usize) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State { append: Some(append), left: count, first: None, doubt: None })))
    }

    /// Its record number `index`.
    pub(super) fn part(self: &Arc<Self>, index: usize) -> Part {
        Part { flight: Arc::clone(self), first: index == 0, answered: false }
    }

    /// Nothing of it was sent.
    pub(super) fn not_sent(&self, why: String) {
        self.end(|state| state.append.take().map(|append| (append, Err(AppendError::NotAppended(why)))));
    }

    /// `count` of its records were not sent, after others were.
    pub(super) fn cut_short(&self, count: usize, why: String) {
        self.settle(count, None, Some(why));
    }

    fn settle(&self, count: usize, first: Option<Offset>, doubt: Option<String>) {
        self.end(|state| {
            state.left -= count;
            state.first = state.first.or(first);
            state.doubt = state.doubt.take().or(doubt);
            if state.left > 0 {
                return None;
            }
            let outcome = match (state.doubt.take(), state.first) {
                (None, Some(first)) => Ok(first),
                (why, _) => Err(AppendError::Doubt(why.unwrap_or_else(|| "no offset".to_owned()))),
            };
            state.append.take().map(|append| (append, outcome))
        });
    }

    /// The caller is told outside the lock.
    fn end(&self, how: impl FnOnce(&mut State) -> Option<(Append, Result<Offset, AppendError>)>) {
        let told = how(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if let Some((append, outcome)) = told {
            append.answer(outcome);
        }
    }
}

impl Part {
    /// It is stored, at `offset` if that is known. Without one nothing is known that could be told: a broker that had
    /// stored it before a repeat may not say where.
    pub(super) fn stored(mut self, offset: Option<Offset>) {
        self.answered = true;
        let doubt = offset.is_none().then(|| "stored, but it was not said where".to_owned());
        self.flight.settle(1, offset.filter(|_| self.first), doubt);
    }

    /// It may be stored, or not.
    pub(super) fn doubt(mut self, why: String) {
        self.answered = true;
        self.flight.settle(1, None, Some(why));
    }

    /// It never was on its way, and is not counted.
    pub(super) fn withdraw(mut self) {
        self.answered = true;
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.answered {
            self.flight.settle(1, None, Some("the log ended".to_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{self, Receiver};

    use super::*;

    fn flight(count: usize) -> (Arc<Flight>, Receiver<Result<Offset, AppendError>>) {
        let (tell, told) = mpsc::channel();
        let append = Append::new(Vec::new(), Box::new(move |outcome| tell.send(outcome).expect("heard")));
        (Flight::new(append, count), told)
    }

    fn check(told: &Receiver<Result<Offset, AppendError>>, expected: &str) {
        let outcome = told.try_recv().map_or("nothing".to_owned(), |outcome| match outcome {
            Ok(offset) => offset.to_string(),
            Err(error) => error.to_string(),
        });
        assert_eq!(outcome, expected);
    }

    #[test]
    fn it_is_told_once_all_records_are_stored_and_where_the_first_is() {
        let (flight, told) = flight(3);
        flight.part(1).stored(Some(Offset(8)));
        flight.part(0).stored(Some(Offset(7)));
        check(&told, "nothing");
        flight.part(2).stored(Some(Offset(11)));
        check(&told, "@7");
    }

    #[test]
    fn one_record_in_doubt_is_all_in_doubt() {
        let (flight, told) = flight(2);
        flight.part(0).stored(Some(Offset(7)));
        flight.part(1).doubt("timed out".to_owned());
        check(&told, "outcome of an append unknown: timed out");
    }

    #[test]
    fn stored_without_an_offset_is_doubt() {
        let (flight, told) = flight(1);
        flight.part(0).stored(None);
        check(&told, "outcome of an append unknown: stored, but it was not said where");
    }

    #[test]
    fn a_record_that_is_dropped_is_in_doubt() {
        let (flight, told) = flight(1);
        drop(flight.part(0));
        check(&told, "outcome of an append unknown: the log ended");
    }

    #[test]
    fn an_append_cut_short_is_in_doubt_and_one_never_begun_is_not() {
        let (flight, told) = self::flight(3);
        let part = flight.part(0);
        flight.cut_short(2, "no room".to_owned());
        check(&told, "nothing");
        part.stored(Some(Offset(1)));
        check(&told, "outcome of an append unknown: no room");
        let (flight, told) = self::flight(3);
        flight.part(0).withdraw();
        flight.not_sent("no room".to_owned());
        check(&told, "not appended: no room");
    }
}
