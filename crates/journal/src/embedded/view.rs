//! What readers see of a partition: its bounds, and its last records in memory.

use std::collections::{BTreeMap, VecDeque};

use crate::append::Fit;
use crate::log::{Offset, Stored};

/// The durable state of a partition as readers see it. Live readers are served from the tail and never touch the
/// database.
pub(super) struct View {
    start: Offset,
    end: Offset,
    tail: VecDeque<Stored>,
    tail_bytes: usize,
    tail_bytes_max: usize,
    /// What each group noted last.
    pub(super) groups: BTreeMap<String, Offset>,
}

/// Where to read.
pub(super) enum Source {
    /// These are the records.
    Memory(Vec<Stored>),
    /// They are in the database, before this offset.
    Database(Offset),
    /// They were trimmed; what is left starts here.
    Trimmed(Offset),
}

impl View {
    pub(super) fn new(tail_bytes_max: usize) -> Self {
        Self {
            start: Offset(0),
            end: Offset(0),
            tail: VecDeque::new(),
            tail_bytes: 0,
            tail_bytes_max,
            groups: BTreeMap::new(),
        }
    }

    /// The partition as found in its database. Of one already known only the bounds can be new.
    pub(super) fn opened(&mut self, start: Offset, end: Offset) {
        if end != self.end {
            // Records that nobody saw appended lie behind the tail, which has no gaps.
            self.tail.clear();
            self.tail_bytes = 0;
        }
        (self.start, self.end) = (start, end);
    }

    /// The first offset and the next.
    pub(super) fn bounds(&self) -> (Offset, Offset) {
        (self.start, self.end)
    }

    /// `records` are durable, the first at the end.
    pub(super) fn grew(&mut self, records: Vec<Stored>) {
        for stored in records {
            assert_eq!(stored.offset, self.end, "offsets are dense");
            self.end = stored.offset.plus(1);
            self.tail_bytes += stored.record.bytes();
            self.tail.push_back(stored);
        }
        while self.tail_bytes > self.tail_bytes_max
            && let Some(oldest) = self.tail.pop_front()
        {
            self.tail_bytes -= oldest.record.bytes();
        }
    }

    /// Nothing before `start` is there any more.
    pub(super) fn trimmed(&mut self, start: Offset) {
        self.start = start;
        while self.tail.front().is_some_and(|oldest| oldest.offset < start)
            && let Some(oldest) = self.tail.pop_front()
        {
            self.tail_bytes -= oldest.record.bytes();
        }
    }

    /// Records from `from` on, as [`crate::log::Log::read`] says, or where to find them.
    pub(super) fn read(&self, from: Offset, bytes_max: usize) -> Source {
        if from < self.start {
            return Source::Trimmed(self.start);
        }
        if from >= self.end {
            return Source::Memory(Vec::new());
        }
        let Some(index) = self.tail.front().and_then(|first| from.0.checked_sub(first.offset.0)) else {
            return Source::Database(self.end);
        };
        let index = usize::try_from(index).expect("the tail is in memory");
        let mut fit = Fit::new(bytes_max);
        Source::Memory(self.tail.range(index..).take_while(|stored| fit.takes(stored)).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use coalition_domain::Timestamp;

    use super::*;
    use crate::log::Record;

    fn stored(offset: u64) -> Stored {
        Stored { offset: Offset(offset), append_time: Timestamp::MIN, record: Record::of("12345678") }
    }

    fn check(view: &View, from: u64, bytes_max: usize, expected: &str) {
        let found = match view.read(Offset(from), bytes_max) {
            Source::Memory(records) => {
                records.iter().map(|stored| stored.offset.to_string()).collect::<Vec<_>>().join(" ")
            }
            Source::Database(end) => format!("database before {end}"),
            Source::Trimmed(start) => format!("trimmed before {start}"),
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn serves_the_tail_from_memory() {
        let one = stored(0).record.bytes();
        let mut view = View::new(3 * one);
        check(&view, 0, 100, "");
        view.grew((0..3).map(stored).collect());
        check(&view, 0, 2 * one, "@0 @1");
        check(&view, 0, 2 * one - 1, "@0");
        check(&view, 1, 0, "@1");
        check(&view, 3, 100, "");
        check(&view, 9, 100, "");
        view.grew(vec![stored(3)]);
        check(&view, 0, 100, "database before @4");
        check(&view, 1, 10 * one, "@1 @2 @3");
        view.trimmed(Offset(2));
        check(&view, 1, 100, "trimmed before @2");
        check(&view, 2, 10 * one, "@2 @3");
        view.opened(Offset(2), Offset(6));
        check(&view, 2, 100, "database before @6");
        view.grew(vec![stored(6)]);
        check(&view, 5, 100, "database before @7");
        check(&view, 6, 100, "@6");
    }
}
