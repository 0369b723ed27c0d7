//! A process: its office, and what its ledger keeps.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::truth::{Rec, Requests};
use crate::effect::{Attempt, Deposition};
use crate::log::{AppendError, Offset};
use crate::office::Office;
use crate::plant::Plant;

/// A process, with what its ledger keeps.
#[derive(Clone, Hash)]
pub(crate) struct Owner {
    pub(crate) office: Office,
    pub(crate) life: u8,
    pub(crate) draws: u8,
    /// Whether it thinks that the shard is its own.
    pub(crate) assigned: bool,
    /// The next offset to read.
    pub(crate) at: usize,
    /// Up to where it has to read before it campaigns.
    pub(crate) end: Option<usize>,
    /// Whether it waits to read a TermStarted of its own.
    pub(crate) campaigns: bool,
    /// The confirmation that was asked for, and whether it read no foreign TermStarted since.
    pub(crate) asked: Option<(Deposition, bool)>,
    /// Whether it read a foreign TermStarted since it last asked for a confirmation that came.
    pub(crate) deposed: bool,
    /// The batches that it has not answered.
    pub(crate) open: BTreeMap<Attempt, Rc<Rec>>,
    /// What it decided and has not read back.
    pub(crate) speculative: Requests,
}

impl Owner {
    /// Freshly started, for the `life`th time.
    pub(crate) fn born(life: u8, plant: Option<Plant>) -> Self {
        let office = Office::new();
        Self {
            office: match plant {
                Some(plant) => office.planted(plant),
                None => office,
            },
            life,
            draws: 0,
            assigned: false,
            at: 0,
            end: None,
            campaigns: false,
            asked: None,
            deposed: false,
            open: BTreeMap::new(),
            speculative: 0,
        }
    }

    /// Whether anything of its own is still to come.
    pub(crate) fn has_at_stake(&self) -> bool {
        self.campaigns || self.office.in_office().is_some() || !self.open.is_empty()
    }

    /// Whether this answer to `attempt` would do anything.
    pub(crate) fn heeds(&self, attempt: Attempt, outcome: Result<Offset, AppendError>) -> bool {
        let mut office = self.office.clone();
        !office.appended(attempt, &outcome).is_empty() || office != self.office
    }

    pub(crate) fn heeds_any(&self, attempt: Attempt) -> bool {
        self.heeds(attempt, Ok(Offset(0))) || self.heeds(attempt, Err(AppendError::Doubt(String::new())))
    }
}
