//! What happened, in order: a hash over all of it, the last lines for a person, all of them if asked for.

use std::collections::VecDeque;
use std::fmt;

/// Lines kept for a report.
const TAIL: usize = 60;

/// The trace of one run.
#[derive(Debug)]
pub struct Trace {
    hash: u64,
    lines: u64,
    tail: VecDeque<String>,
    print: bool,
}

impl Trace {
    /// An empty one; it prints every line if `print` says so.
    pub fn new(print: bool) -> Self {
        // FNV-1a, whose offset and prime these are.
        Self { hash: 0xcbf2_9ce4_8422_2325, lines: 0, tail: VecDeque::new(), print }
    }

    /// Equal for two runs that went the same way.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// How many lines there were.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// The last lines.
    pub fn tail(&self) -> impl Iterator<Item = &str> {
        self.tail.iter().map(String::as_str)
    }

    pub(crate) fn note(&mut self, what: fmt::Arguments<'_>) {
        let line = format!("{:>6} {what}", self.lines);
        for byte in line.bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        self.lines += 1;
        if self.print {
            println!("{line}");
        }
        if self.tail.len() == TAIL {
            self.tail.pop_front();
        }
        self.tail.push_back(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_counts_and_the_last_are_kept() {
        let of = |last: u32| {
            let mut trace = Trace::new(false);
            for number in (0..100).chain([last]) {
                trace.note(format_args!("step {number}"));
            }
            trace
        };
        assert_eq!(of(1).hash(), of(1).hash());
        assert_ne!(of(1).hash(), of(2).hash());
        let trace = of(7);
        assert_eq!((trace.lines(), trace.tail().count()), (101, TAIL));
        assert_eq!(trace.tail().last(), Some("   100 step 7"));
    }
}
