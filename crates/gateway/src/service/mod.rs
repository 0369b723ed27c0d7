//! The services, one file each: what a request asks for, the ledger's answer, written back.

mod account;
mod adjustment;
mod catalogue;
mod consent;
mod event;
mod event_list;
mod key;
pub(crate) mod line_events;
mod member;
mod operator;
mod partner;
mod programme;
mod redemption;
pub(crate) mod rejected;
mod settlement;
mod statements;
mod token;
mod update;

use std::sync::Arc;

use coalition_domain::{Outcome, Registry, Rejection};
use coalition_journal::log::Log;
use coalition_ledger::runtime::{Ledger, Reply};
use coalition_proto::r#type::v1::Position;
use tokio::sync::Semaphore;

use crate::coalesced::Coalesced;
use crate::convert::position::{MinPositions, Stand};
use crate::pace::Pace;
use crate::settings::Settings;
use crate::status::Failure;

/// The gateway, which is every service; cheap to clone.
#[derive(Clone)]
pub(crate) struct Gateway {
    pub(crate) ledger: Ledger,
    pub(crate) log: Arc<dyn Log>,
    pub(crate) settings: Arc<Settings>,
    /// One for each call that may be under way.
    pub(crate) permits: Arc<Semaphore>,
    pub(crate) pace: Arc<Pace>,
    /// The registry as the home shard knows it: keys that nobody knows ask for it, and anybody can make such up.
    pub(crate) newest: Arc<Coalesced<Arc<Registry>>>,
}

impl Gateway {
    pub(crate) fn new(ledger: Ledger, log: Arc<dyn Log>, settings: Settings) -> Self {
        let permits = Arc::new(Semaphore::new(settings.requests_max.min(Semaphore::MAX_PERMITS)));
        let pace = Arc::new(Pace::new(&settings));
        Self { ledger, log, settings: Arc::new(settings), permits, pace, newest: Arc::default() }
    }

    /// Reads `min_position` of a request.
    fn min(&self, position: Option<&Position>) -> Result<MinPositions, Failure> {
        MinPositions::read("min_position", position, self.ledger.shards())
    }

    /// Reads `min_positions` and `positions` of a request.
    fn stand(&self, min: &[Position], at: &[Position]) -> Result<Stand, Failure> {
        Stand::read(min, at, self.ledger.shards())
    }

    /// Reads `min_positions` of a request.
    fn mins(&self, positions: &[Position]) -> Result<MinPositions, Failure> {
        MinPositions::read("min_positions", positions, self.ledger.shards())
    }
}

/// An answer that took effect, or the rejection as a failure.
fn applied(reply: &Reply) -> Result<(), Failure> {
    match &reply.activity.decision.outcome {
        Outcome::Applied(_) => Ok(()),
        Outcome::Refused(rejection) => Err(rejection.into()),
        Outcome::Waiting(wait) => Err((&wait.waits_for.missed()).into()),
        Outcome::Forwarded(_) => unreachable!("nothing but events is forwarded"),
    }
}

/// What the registry decided, or its rejection as a failure.
fn accepted<T>(outcome: &Result<T, Rejection>) -> Result<&T, Failure> {
    outcome.as_ref().map_err(Failure::from)
}
