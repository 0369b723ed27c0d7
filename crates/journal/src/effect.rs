//! What an [`Office`] tells its caller to do.

use crate::entry::Entry;
#[cfg(doc)]
use crate::office::Office;

/// One call of the log's append; never used again in the life of an [`Office`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Attempt(pub(crate) u64);

/// How many terms of others were seen to start: a confirmation counts for those before it was asked for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Deposition(pub(crate) u64);

/// What the caller has to do, in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Effect {
    /// Ask the log for its end now, read and fold everything before it, then call [`Office::caught_up`].
    NeedEnd {
        /// How many terms this office tried to start in vain since it last was in one: unless it is 0, wait first, with
        /// jitter, the longer the more.
        tries: u32,
    },
    /// The journal is empty: append its Genesis and, whatever becomes of that, do as for [`Effect::NeedEnd`].
    NeedGenesis,
    /// Have the assignment confirmed: a request fenced by the member's generation, sent from now on, repeated until it
    /// succeeds or the assignment is gone. Then call [`Office::confirmed`] with this, or [`Office::revoked`].
    NeedConfirmation(Deposition),
    /// Append the entry, a TermStarted. Tell [`Office::appended`] the outcome and, when it wasn't read for long,
    /// [`Office::timed_out`].
    Append {
        /// Its name.
        attempt: Attempt,
        /// What to append.
        entry: Entry,
    },
    /// In office: everything before was folded, so decisions may be made on it.
    TookOffice,
    /// The batch is in effect: answer.
    Settled(Attempt),
    /// The batch is proven not to be in the log. The term goes on: drop its speculative state and decide again, or
    /// send the same bytes once more.
    NotAppended(Attempt),
    /// Drop the speculative state and all queued decisions. Of the doubtful batch [`Effect::Settled`] or
    /// [`Effect::NotApplied`] will be said, as soon as the journal tells; its callers wait or hear "unknown".
    TermOver {
        /// Whether another one is in office now.
        deposed: bool,
        /// The batch that was under way.
        doubtful: Option<Attempt>,
    },
    /// The batch can't take effect any more. That speaks of this attempt alone: its requests may have been applied by
    /// another, so it is answered as retryable under the same id.
    NotApplied(Attempt),
}
