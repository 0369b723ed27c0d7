//! What happened, in order: a hash over all of it, the last lines for a person, all of them if asked for.

use std::collections::VecDeque;
use std::fmt::{self, Write};

/// Lines kept for a report.
const TAIL: usize = 60;

/// The trace of one run.
#[derive(Debug)]
pub struct Trace {
    hash: u64,
    lines: u64,
    tail: VecDeque<String>,
    print: bool,
    /// A line that fell out of the tail, to be written again.
    spare: String,
}

impl Trace {
    /// An empty one; it prints every line if `print` says so.
    pub fn new(print: bool) -> Self {
        // The offset of FNV-1a, whose prime is below; here it takes eight bytes at a time.
        let hash = 0xcbf2_9ce4_8422_2325;
        Self { hash, lines: 0, tail: VecDeque::new(), print, spare: String::new() }
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
        let mut line = std::mem::take(&mut self.spare);
        line.clear();
        write!(line, "{:>6} {what}", self.lines).expect("a string takes all");
        for chunk in line.as_bytes().chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            // The rotation lets high bytes reach low ones.
            let mixed = (self.hash ^ u64::from_le_bytes(word)).wrapping_mul(0x0100_0000_01b3);
            self.hash = mixed.rotate_left(29);
        }
        self.lines += 1;
        if self.print {
            println!("{line}");
        }
        if self.tail.len() == TAIL {
            self.spare = self.tail.pop_front().unwrap_or_default();
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
