//! Flaws on purpose: each takes one rule out, so that a test can see the fault that the rule prevents.
//!
//! They can be planted in tests and with the feature `plants` only. Without it [`Planted`] is empty and
//! [`Planted::has`] is always false, so that the rules cost nothing.

use std::fmt;
use std::str::FromStr;

macro_rules! plants {
    ($($plant:ident $name:literal $about:literal)*) => {
        /// A rule taken out. The number in the text is the rule's in docs/ARCHITECTURE.md.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Plant {
            $(#[doc = $about] $plant,)*
        }

        impl Plant {
            /// All there are.
            pub const ALL: &[Self] = &[$(Self::$plant,)*];

            /// What it is called on a command line.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$plant => $name,)* }
            }

            /// What it does, in a line.
            #[must_use]
            pub const fn about(self) -> &'static str {
                match self { $(Self::$plant => $about,)* }
            }
        }
    };
}

plants! {
    TermStartedNeedsCurrentTerm "term-started-needs-current-term"
        "2: a TermStarted takes effect only in the term that it starts"
    TermStartedContinuesChain "term-started-continues-chain"
        "2: a TermStarted takes effect only on the head that its owner had read"
    AnyTermStarts "any-term-starts"
        "2: a TermStarted takes effect whatever its term"
    OwnerReused "owner-reused"
        "2: the owner's id is not drawn afresh"
    TermIgnored "term-ignored"
        "3: a batch takes effect wherever it lands, whatever its term, owner, seq and prev_hash"
    ContinuationIgnored "continuation-ignored"
        "3: a batch takes effect in its term whatever its seq and prev_hash"
    OwnerUnchecked "owner-unchecked"
        "3: term and owner of a batch are not looked at, seq and prev_hash are"
    SeqUnchecked "seq-unchecked"
        "3: the seq of a batch is not looked at, all else is"
    PrevHashUnchecked "prev-hash-unchecked"
        "3: the prev_hash of a batch is not looked at, all else is"
    GenesisTwice "genesis-twice"
        "3: a Genesis takes effect again"
    GenesisNotNeeded "genesis-not-needed"
        "3: records take effect before there is a Genesis"
    RebaseKeepsTerm "rebase-keeps-term"
        "3: a Rebase leaves the owner in office"
    RebaseUnchained "rebase-unchained"
        "3: a Rebase takes effect on any head, so its copies do too"
    AckIsOffice "ack-is-office"
        "4: the acknowledgement of a TermStarted is taken for office"
    LostTermWaits "lost-term-waits"
        "4: whoever appended a TermStarted waits to read it, whatever became of the append"
    AnswerOnAck "answer-on-ack"
        "5: a batch is answered when it is acknowledged"
    GivenUpAckCounts "given-up-ack-counts"
        "5: an acknowledgement of a given-up term still settles its batch"
    DoubtIsNotApplied "doubt-is-not-applied"
        "6: an error or time-out is answered as not applied, and the term given up"
    DoubtKeepsTerm "doubt-keeps-term"
        "6: an error or time-out is answered as not applied, and the term goes on"
    EndIsProof "end-is-proof"
        "6: a doubtful batch that is not found up to the end of the log is answered as not applied"
    VoidOwnIgnored "void-own-ignored"
        "6: a void batch of one's own term is passed over"
    KeepsSpeculative "keeps-speculative"
        "6, 7: nobody is told that a term is over, so the speculative state survives it"
    DeposedCampaignsAtOnce "deposed-campaigns-at-once"
        "8: a deposed owner starts a term without a confirmed assignment"
    OldConfirmationCounts "old-confirmation-counts"
        "8: a confirmation sent before the deposition counts"
}

impl fmt::Display for Plant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that no plant has.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("no plant is called \"{0}\"")]
pub struct NoPlant(String);

impl FromStr for Plant {
    type Err = NoPlant;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().copied().find(|plant| plant.name() == text).ok_or_else(|| NoPlant(text.to_owned()))
    }
}

/// The flaw that is planted, if any: none can be without the feature.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub(crate) struct Planted(#[cfg(any(test, feature = "plants"))] Option<Plant>);

impl Planted {
    #[cfg(any(test, feature = "plants"))]
    pub(crate) const fn one(plant: Plant) -> Self {
        Self(Some(plant))
    }

    #[cfg(any(test, feature = "plants"))]
    pub(crate) const fn has(self, plant: Plant) -> bool {
        matches!(self.0, Some(planted) if planted as u8 == plant as u8)
    }

    #[cfg(not(any(test, feature = "plants")))]
    pub(crate) const fn has(self, _: Plant) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_plant_is_found_by_its_name() {
        for &plant in Plant::ALL {
            assert_eq!(plant.to_string().parse(), Ok(plant));
        }
        assert_eq!("nothing".parse::<Plant>(), Err(NoPlant("nothing".to_owned())));
    }
}
