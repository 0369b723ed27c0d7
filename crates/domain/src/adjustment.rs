//! Adjustments: points that the operator gives or takes by hand, and what an account remembers of each.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::pages::Weigh;
use crate::programme::Category;
use crate::{KeyId, PartnerId, Points, ProgrammeId, Span, Timestamp};

/// The most points that one operator's key moves alone, unless the network says another number.
pub const ADJUSTMENT_LIMIT: Points = match Points::new(10_000) {
    Ok(points) => points,
    Err(_) => Points::ZERO,
};

/// How long a proposal waits for another operator's word.
pub const PROPOSAL_TTL: Span = Span::from_days(7);

/// The longest note, in characters.
pub const NOTE_MAX: usize = 200;

/// Names an adjustment in its account: the number of the activity that created it. Frozen in stored data, as are all
/// serialised types of this file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AdjustmentId(pub u32);

impl fmt::Display for AdjustmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Why points are given or taken by hand.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum AdjustmentReason {
    /// To make up for something.
    Goodwill,
    /// What a partner's event should have brought, and no event came.
    MissingEvent,
    /// What an event or an earlier adjustment brought should have been something else.
    Correction,
    /// Points were got by deceit.
    Fraud,
}

/// A text of an operator for operators: 1 to 200 characters without control characters.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Note(Box<str>);

/// A text that is no note.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoNote {
    /// Nothing there.
    #[error("is empty")]
    Empty,
    /// Above 200 characters.
    #[error("is longer than {NOTE_MAX} characters")]
    TooLong,
    /// Holds a control character.
    #[error("holds a control character")]
    Control,
}

impl Note {
    /// Checks length and alphabet.
    ///
    /// # Errors
    /// See [`NoNote`], the first that applies.
    pub fn new(text: impl Into<Box<str>>) -> Result<Self, NoNote> {
        let text = text.into();
        if text.is_empty() {
            Err(NoNote::Empty)
        } else if text.chars().count() > NOTE_MAX {
            Err(NoNote::TooLong)
        } else if text.chars().any(char::is_control) {
            Err(NoNote::Control)
        } else {
            Ok(Self(text))
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Note {
    type Error = NoNote;

    fn try_from(text: String) -> Result<Self, NoNote> {
        Self::new(text)
    }
}

impl From<Note> for String {
    fn from(note: Note) -> Self {
        note.0.into()
    }
}

/// What is to be done to an account's points.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Adjustment {
    /// Of which programme.
    pub programme: ProgrammeId,
    /// How many; above zero.
    pub points: Points,
    /// Whether they are given or taken.
    pub entry: Entry,
    /// Why.
    pub reason: AdjustmentReason,
    /// More on that, for operators alone.
    pub note: Option<Note>,
}

/// The two kinds of adjustment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Entry {
    /// Points are given: a new lot, that can be spent at once.
    Grant {
        /// Who pays for them, at the price of its contract.
        funder: PartnerId,
        /// What kind of points.
        category: Category,
        /// When they lapse.
        expires_at: Option<Timestamp>,
    },
    /// Points that can be spent are taken, in burn order.
    Take {
        /// To whom points are owed that are not there, at the price of its contract; `None`: nothing is taken then.
        owed_to: Option<PartnerId>,
    },
}

/// An adjustment as its account remembers it. Frozen in stored data, until the format of the rows is raised.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AdjustmentRecord {
    /// What was asked.
    pub adjustment: Adjustment,
    /// By whose key.
    pub by: KeyId,
    /// When.
    pub created_at: Timestamp,
    /// What became of it.
    pub state: AdjustmentState,
}

/// What became of an adjustment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum AdjustmentState {
    /// It needs another operator's word, which can be given before this instant. After it nothing comes of it any more:
    /// no points wait for that, so it isn't journaled.
    Proposed {
        /// Which instant.
        until: Timestamp,
    },
    /// It took effect with the word of another key, or at once if there is none.
    Applied {
        /// Whose.
        approved: Option<(KeyId, Timestamp)>,
    },
    /// It was turned down.
    Rejected {
        /// By whose key.
        by: KeyId,
        /// When.
        at: Timestamp,
    },
}

impl Weigh for AdjustmentRecord {
    fn weight(&self) -> usize {
        192 + self.adjustment.note.as_ref().map_or(0, |note| note.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_short_texts_without_control_characters() {
        assert_eq!(Note::new(""), Err(NoNote::Empty));
        assert_eq!(Note::new("é".repeat(201)), Err(NoNote::TooLong));
        assert_eq!(Note::new("a\nb"), Err(NoNote::Control));
        assert!(Note::new("é".repeat(200)).is_ok());
        assert!(postcard::from_bytes::<Note>(&postcard::to_stdvec("a\nb").unwrap()).is_err());
    }
}
