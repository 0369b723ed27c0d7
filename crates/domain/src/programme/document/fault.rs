//! What is wrong with a document, and where.

use std::fmt;
use std::fmt::Write as _;

/// One thing that is wrong with a programme document.
///
/// Shown as `12:10 rule.purchase.points: must lie between 1 and 1000000000000000`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// Counted from 1.
    pub line: u32,
    /// Counted from 1, in characters.
    pub column: u32,
    /// What it is about: `programme.name`, `rule.purchase.points`, or `rule[2].points`, counted from 1, where the rule
    /// has no usable id. Empty for what concerns the document as a whole.
    pub path: String,
    /// What is wrong, in one line without control characters.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{} ", self.line, self.column)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

/// What has been found so far, in any order.
pub(super) struct Faults {
    found: Vec<Found>,
    /// Whether the document is asked for all that a new one has to be, and not only for what published ones were.
    pub(super) new: bool,
}

struct Found {
    offset: usize,
    path: String,
    message: String,
}

impl Faults {
    /// None yet.
    pub(super) fn of(new: bool) -> Self {
        Self { found: Vec::new(), new }
    }

    /// `offset` is in bytes.
    pub(super) fn add(&mut self, offset: usize, path: impl Into<String>, message: impl Into<String>) {
        self.found.push(Found { offset, path: path.into(), message: message.into() });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// In the order of their places in `text`; those of one place in the order in which they were found.
    ///
    /// One pass over the text serves all of them: a document may have as many faults as lines.
    pub(super) fn place(mut self, text: &str) -> Vec<Fault> {
        self.found.sort_by_key(|found| found.offset);
        let mut characters = text.char_indices().peekable();
        let (mut line, mut column) = (1, 1);
        let place = |found: Found| {
            while let Some((_, character)) = characters.next_if(|(at, _)| *at < found.offset) {
                (line, column) = if character == '\n' { (line + 1, 1) } else { (line, column + 1) };
            }
            Fault { line, column, path: found.path, message: printable(&found.message) }
        };
        self.found.into_iter().map(place).collect()
    }
}

/// Text of the document in a message, cut to a length that stays readable.
pub(super) fn excerpt(text: &str) -> String {
    text.chars().take(64).collect()
}

/// Messages quote the document and end on terminals: its control characters must not act there.
fn printable(message: &str) -> String {
    let mut shown = String::with_capacity(message.len());
    for character in message.chars() {
        if character.is_control() {
            write!(shown, "{}", character.escape_default()).expect("a string takes every text");
        } else {
            shown.push(character);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_characters_not_bytes() {
        let text = "é=1\nab = 'ü' # x\n";
        let mut faults = Faults::of(true);
        for part in ["# x", "1", "é", "ab", "'ü'"] {
            faults.add(text.find(part).unwrap(), "", part);
        }
        faults.add(text.len(), "a.b", "the end");
        let shown: Vec<String> = faults.place(text).iter().map(Fault::to_string).collect();
        assert_eq!(shown, ["1:1 é", "1:3 1", "2:1 ab", "2:6 'ü'", "2:10 # x", "3:1 a.b: the end"]);
    }

    #[test]
    fn control_characters_of_the_document_are_shown_not_sent() {
        let mut faults = Faults::of(true);
        faults.add(0, "", "bad \u{1b}[2J\n");
        assert_eq!(faults.place("")[0].message, "bad \\u{1b}[2J\\n");
    }
}
