//! What is in memory of a partition: its records from where its reader is, and some before.

use std::collections::VecDeque;

use crate::append::Fit;
use crate::log::{Offset, Stored};

/// Records of a partition in memory, without any missing between the first and the last.
pub(super) struct Tail {
    /// What is known begins here.
    low: Offset,
    /// And ends here: what comes next has this offset at least.
    next: Offset,
    records: VecDeque<Stored>,
    bytes: usize,
    bytes_max: usize,
    /// Where the last read ended, if there was one.
    reader: Option<Offset>,
    /// Bytes from there on.
    unread: usize,
}

impl Tail {
    /// Nothing, to be filled from `from` on.
    pub(super) fn new(from: Offset, bytes_max: usize) -> Self {
        Self { low: from, next: from, records: VecDeque::new(), bytes: 0, bytes_max, reader: None, unread: 0 }
    }

    /// Whether it is known what lies at `from`, or it comes next.
    pub(super) fn covers(&self, from: Offset) -> bool {
        (self.low..=self.next).contains(&from)
    }

    /// The least offset of the next record.
    pub(super) fn next(&self) -> Offset {
        self.next
    }

    /// Takes a record that was fetched; one that is known already is left out. Whether it was taken.
    pub(super) fn push(&mut self, stored: Stored) -> bool {
        if stored.offset < self.next {
            return false;
        }
        self.next = stored.offset.plus(1);
        let bytes = stored.record.bytes();
        self.bytes += bytes;
        self.unread += bytes;
        self.records.push_back(stored);
        // What nobody has read yet stays, if there is a reader.
        while self.bytes > self.bytes_max
            && let Some(oldest) =
                self.records.pop_front_if(|first| self.reader.is_none_or(|at| first.offset < at))
        {
            self.bytes -= oldest.record.bytes();
            self.low = oldest.offset.plus(1);
        }
        true
    }

    /// Records from `from` on, which must be covered, as [`crate::log::Log::read`] says.
    pub(super) fn read(&mut self, from: Offset, bytes_max: usize) -> Vec<Stored> {
        let index = self.records.partition_point(|stored| stored.offset < from);
        let mut fit = Fit::new(bytes_max);
        let read: Vec<_> =
            self.records.range(index..).take_while(|stored| fit.takes(stored)).cloned().collect();
        let bytes = |records: &[Stored]| records.iter().map(|stored| stored.record.bytes()).sum::<usize>();
        if self.reader != Some(from) {
            self.unread = self.records.range(index..).map(|stored| stored.record.bytes()).sum();
        }
        self.unread -= bytes(&read);
        self.reader = Some(read.last().map_or(from, |last| last.offset.plus(1)));
        read
    }

    /// Nothing before `start` is there any more.
    pub(super) fn trimmed(&mut self, start: Offset) {
        while let Some(oldest) = self.records.pop_front_if(|first| first.offset < start) {
            let bytes = oldest.record.bytes();
            self.bytes -= bytes;
            if self.reader.is_none_or(|at| oldest.offset >= at) {
                self.unread -= bytes;
            }
        }
        self.low = self.low.max(start);
        self.next = self.next.max(start);
    }

    /// Whether a reader has so much to read that no more should be fetched.
    pub(super) fn is_full(&self) -> bool {
        self.reader.is_some() && self.unread >= self.bytes_max
    }

    /// Whether so much of it was read that more should be fetched.
    pub(super) fn has_room(&self) -> bool {
        self.unread <= self.bytes_max / 2
    }
}

#[cfg(test)]
mod tests {
    use coalition_domain::Timestamp;

    use super::*;
    use crate::log::Record;

    /// 20 bytes, as they are counted.
    fn stored(offset: u64) -> Stored {
        Stored { offset: Offset(offset), append_time: Timestamp::MIN, record: Record::of("1234") }
    }

    fn tail(from: u64, records: impl IntoIterator<Item = u64>) -> Tail {
        let mut tail = Tail::new(Offset(from), 100);
        for offset in records {
            assert!(tail.push(stored(offset)));
        }
        tail
    }

    fn check(tail: &mut Tail, from: u64, bytes_max: usize, expected: &[u64]) {
        assert!(tail.covers(Offset(from)), "{from} is covered");
        let read: Vec<_> = tail.read(Offset(from), bytes_max).iter().map(|stored| stored.offset.0).collect();
        assert_eq!(read, expected);
        let at = tail.reader.expect("read");
        let unread: usize =
            tail.records.iter().filter(|it| it.offset >= at).map(|it| it.record.bytes()).sum();
        assert_eq!(tail.unread, unread);
    }

    #[test]
    fn reads_anywhere_in_what_it_has() {
        let mut tail = tail(5, 5..9);
        check(&mut tail, 5, 40, &[5, 6]);
        check(&mut tail, 7, 0, &[7]);
        check(&mut tail, 8, 1000, &[8]);
        check(&mut tail, 9, 1000, &[]);
        check(&mut tail, 6, 59, &[6, 7]);
        assert!(!tail.covers(Offset(4)) && !tail.covers(Offset(10)));
    }

    #[test]
    fn a_gap_is_read_over() {
        let mut tail = tail(5, [7, 10]);
        check(&mut tail, 5, 1000, &[7, 10]);
        check(&mut tail, 8, 1000, &[10]);
        check(&mut tail, 11, 1000, &[]);
    }

    #[test]
    fn what_came_before_is_left_out() {
        let mut tail = tail(5, 5..7);
        assert!(!tail.push(stored(6)));
        check(&mut tail, 5, 1000, &[5, 6]);
    }

    #[test]
    fn without_a_reader_the_oldest_go() {
        let mut tail = tail(0, 0..20);
        assert!(!tail.is_full());
        assert!(!tail.covers(Offset(14)));
        check(&mut tail, 15, 1000, &[15, 16, 17, 18, 19]);
    }

    #[test]
    fn what_is_not_read_stays_and_stops_the_fetching() {
        let mut tail = tail(0, 0..2);
        check(&mut tail, 0, 20, &[0]);
        for offset in 2..5 {
            tail.push(stored(offset));
            assert!(!tail.is_full());
        }
        tail.push(stored(5));
        assert!(tail.is_full() && !tail.has_room());
        check(&mut tail, 1, 59, &[1, 2]);
        assert!(!tail.is_full() && !tail.has_room());
        check(&mut tail, 3, 0, &[3]);
        assert!(tail.has_room());
        check(&mut tail, 4, 1000, &[4, 5]);
    }

    #[test]
    fn what_is_trimmed_is_not_read() {
        let mut tail = tail(0, 0..5);
        check(&mut tail, 0, 20, &[0]);
        tail.trimmed(Offset(3));
        assert!(!tail.covers(Offset(2)));
        check(&mut tail, 3, 1000, &[3, 4]);
        tail.trimmed(Offset(9));
        check(&mut tail, 9, 1000, &[]);
        assert!(!tail.push(stored(8)) && tail.push(stored(9)));
        check(&mut tail, 9, 1000, &[9]);
    }
}
