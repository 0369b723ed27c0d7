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
}

impl Plant {
    /// All that can be planted.
    pub fn all() -> impl Iterator<Item = Self> {
        let ledger = Ledger::ALL.iter().copied().map(Self::Ledger);
        ledger.chain(Fence::ALL.iter().copied().map(Self::Fence))
    }

    /// What it is called on a command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ledger(plant) => plant.name(),
            Self::Fence(plant) => plant.name(),
        }
    }

    /// What it does, in a line.
    pub fn about(self) -> &'static str {
        match self {
            Self::Ledger(plant) => plant.about(),
            Self::Fence(plant) => plant.about(),
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
