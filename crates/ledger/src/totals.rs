//! Sums over a shard: the books of the double entry, and the lines of settlement.

use std::collections::{BTreeMap, BTreeSet};

use coalition_domain::event::{Book, Event};
use coalition_domain::settlement::{Hour, LineKey, LineSum, lines};
use coalition_domain::{ProgrammeId, Timestamp};

/// A line of settlement in one hour.
pub type LineOfHour = (ProgrammeId, Hour, LineKey);

/// The books of the double entry. No number of events that a partner can send reaches 128 bits; 64 it could.
pub type Books = BTreeMap<(ProgrammeId, Book), i128>;

/// The sums. Lines of hours that are over leave memory once they are stored: nothing adds to them any more.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Totals {
    books: Books,
    lines: BTreeMap<LineOfHour, LineSum>,
    changed: BTreeSet<LineOfHour>,
}

impl Totals {
    /// Puts stored sums together again.
    pub fn from_parts(books: Books, lines: BTreeMap<LineOfHour, LineSum>) -> Self {
        Self { books, lines, changed: BTreeSet::new() }
    }

    /// The books, which sum to zero for each programme: invariant 1.
    pub fn books(&self) -> &Books {
        &self.books
    }

    /// The lines that are in memory.
    pub fn lines(&self) -> &BTreeMap<LineOfHour, LineSum> {
        &self.lines
    }

    /// Adds an event.
    ///
    /// # Panics
    /// If a member's book would fall below zero: invariants 1 and 2.
    pub fn add(&mut self, event: &Event, seq: u64, decided_at: Timestamp) {
        let Some((programme, postings)) = event.postings() else { return };
        for posting in postings {
            let sum = self.books.entry((programme, posting.book)).or_default();
            *sum += i128::from(posting.points);
            match posting.book {
                Book::Available | Book::Pending | Book::Held => {
                    assert!(*sum >= 0, "book {:?} of {programme} is below zero", posting.book)
                }
                Book::Debt => assert!(*sum <= 0, "more debt of {programme} is repaid than there is"),
                Book::Issued(_)
                | Book::Redeemed(_)
                | Book::Expired
                | Book::ClawedBack(_)
                | Book::InTransit
                | Book::Suspense => {}
            }
        }
        for (programme, key, sum) in lines(event, seq) {
            let line = (programme, Hour::of(decided_at), key);
            self.lines.entry(line).and_modify(|known| known.add(&sum)).or_insert(sum);
            self.changed.insert(line);
        }
    }

    /// The lines that changed since the last call; they go to the store.
    pub fn take_changed(&mut self) -> Vec<(LineOfHour, LineSum)> {
        std::mem::take(&mut self.changed).into_iter().map(|line| (line, self.lines[&line])).collect()
    }

    /// Forgets the lines of hours before that of `now`; to be called when all that were taken are stored.
    pub fn forget_before(&mut self, now: Timestamp) {
        let hour = Hour::of(now);
        self.lines.retain(|line, _| line.1 >= hour || self.changed.contains(line));
    }
}
