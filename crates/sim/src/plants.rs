//! The flaws that the simulator can plant, by name: those of its kind that it is known to find.

use std::fmt;
use std::str::FromStr;

use coalition_journal::plant::Plant as Fence;
use coalition_ledger::plant::Plant as Ledger;

/// A rule taken out, of the ledger or of the fence.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Plant {
    /// Of the ledger.
    Ledger(Ledger),
    /// Of the journal that fences itself.
    Fence(Fence),
    /// Of the shell around a core.
    Shell(Shell),
}

/// A rule of the shell taken out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shell {
    /// A read at least at a position is answered before that is folded.
    ReadTooEarly,
    /// A shard hears that a checkpoint is stored as soon as some of its rows are.
    StoredInPart,
}

impl Shell {
    const ALL: &[Self] = &[Self::ReadTooEarly, Self::StoredInPart];

    const fn name(self) -> &'static str {
        match self {
            Self::ReadTooEarly => "read-too-early",
            Self::StoredInPart => "stored-in-part",
        }
    }

    const fn about(self) -> &'static str {
        match self {
            Self::ReadTooEarly => "reads: one at least at a position is answered before that is folded",
            Self::StoredInPart => {
                "store: a checkpoint counts as stored as soon as some of its rows are there"
            }
        }
    }
}

/// Those of the fence that show in a ledger. Others are held by a second rule, so that nothing comes of them here, or
/// need records that a ledger never writes; the fence's own tests have a history for each.
const FENCE: &[Fence] = &[
    Fence::TermStartedNeedsCurrentTerm,
    Fence::TermStartedContinuesChain,
    Fence::AnyTermStarts,
    Fence::TermIgnored,
    Fence::ContinuationIgnored,
    Fence::GenesisTwice,
    Fence::LostTermWaits,
    Fence::AnswerOnAck,
    Fence::GivenUpAckCounts,
    Fence::DoubtIsNotApplied,
    Fence::DoubtKeepsTerm,
    Fence::EndIsProof,
    Fence::KeepsSpeculative,
    Fence::DeposedCampaignsAtOnce,
];

impl Plant {
    /// All that can be planted.
    pub fn all() -> impl Iterator<Item = Self> {
        let ledger = Ledger::ALL.iter().copied().map(Self::Ledger);
        ledger
            .chain(FENCE.iter().copied().map(Self::Fence))
            .chain(Shell::ALL.iter().copied().map(Self::Shell))
    }

    /// What it is called on a command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ledger(plant) => plant.name(),
            Self::Fence(plant) => plant.name(),
            Self::Shell(plant) => plant.name(),
        }
    }

    /// What it does, in a line.
    pub fn about(self) -> &'static str {
        match self {
            Self::Ledger(plant) => plant.about(),
            Self::Fence(plant) => plant.about(),
            Self::Shell(plant) => plant.about(),
        }
    }
}

impl fmt::Display for Plant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Plant {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::all().find(|plant| plant.name() == text);
        found.ok_or_else(|| format!("no plant is called \"{text}\"; --list-plants names them"))
    }
}
