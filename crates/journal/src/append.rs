//! What the adapters in one process share: an append that waits for its answer, and how much an answer holds.

use crate::log::{AppendError, Done, Offset, Record, Stored};

/// An append that waits. However it ends, even by a panic or with the log, its caller is told exactly once.
pub(crate) struct Append {
    pub(crate) records: Vec<Record>,
    done: Option<Done>,
}

impl Append {
    pub(crate) fn new(records: Vec<Record>, done: Done) -> Self {
        Self { records, done: Some(done) }
    }

    /// Tells the caller what became of it.
    pub(crate) fn answer(mut self, outcome: Result<Offset, AppendError>) {
        if let Some(done) = self.done.take() {
            done(outcome);
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.records.iter().map(Record::bytes).sum()
    }
}

impl Drop for Append {
    fn drop(&mut self) {
        if let Some(done) = self.done.take() {
            done(Err(AppendError::Doubt("the log ended".to_owned())));
        }
    }
}

/// How many records fit in a number of bytes: the first always does.
pub(crate) struct Fit {
    left: usize,
    first: bool,
}

impl Fit {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { left: bytes_max, first: true }
    }

    /// Whether `next` still fits; nothing behind it does if not.
    pub(crate) fn takes(&mut self, next: &Stored) -> bool {
        let left = self.left.checked_sub(next.record.bytes());
        let takes = left.is_some() || self.first;
        self.left = left.unwrap_or(0);
        self.first = false;
        takes
    }
}
