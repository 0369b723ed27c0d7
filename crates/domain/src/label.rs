//! Texts for people: what partners, programmes and rewards are called.

use std::fmt;

/// The longest label, in characters.
pub const LABEL_MAX: usize = 100;

/// A text for people: 1 to 100 characters on one line, not all blank, without what acts on the text around it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Label(String);

/// A text that is no label.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoLabel {
    /// Nothing, or nothing to see.
    #[error("must not be blank")]
    Blank,
    /// Longer than a label may be.
    #[error("has {0} characters, at most {LABEL_MAX} are allowed")]
    TooLong(usize),
    /// Line ends and other control characters, which act on terminals.
    #[error("must be one line without control characters")]
    Control,
    /// Characters that turn the direction of writing: what is shown after them is not what is there.
    #[error("must not turn the direction of writing")]
    Direction,
}

impl Label {
    /// Checks the text.
    ///
    /// # Errors
    /// See [`NoLabel`], the first that applies.
    pub fn new(text: impl Into<String>) -> Result<Self, NoLabel> {
        let text = text.into();
        let length = text.chars().count();
        if text.trim().is_empty() {
            Err(NoLabel::Blank)
        } else if length > LABEL_MAX {
            Err(NoLabel::TooLong(length))
        } else if text.chars().any(char::is_control) {
            Err(NoLabel::Control)
        } else if text.chars().any(turns) {
            Err(NoLabel::Direction)
        } else {
            Ok(Self(text))
        }
    }

    /// The text.
    pub fn into_string(self) -> String {
        self.0
    }
}

/// Embeddings, overrides and isolates of the bidirectional algorithm (Unicode Standard Annex 9), and line separators.
fn turns(character: char) -> bool {
    matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_what_they_look_like() {
        for good in ["x", "Café №1", "קפה", &"é".repeat(100)] {
            assert_eq!(Label::new(good).unwrap().to_string(), good);
        }
        for (bad, why) in [
            ("", NoLabel::Blank),
            (" \u{3000}", NoLabel::Blank),
            ("a\nb", NoLabel::Control),
            ("a\u{1b}[2J", NoLabel::Control),
            ("shop\u{202e}pohs", NoLabel::Direction),
            ("a\u{2067}b", NoLabel::Direction),
            (&"é".repeat(101), NoLabel::TooLong(101)),
            (&"x".repeat(3_000_000), NoLabel::TooLong(3_000_000)),
        ] {
            assert_eq!(Label::new(bad), Err(why));
        }
    }
}
