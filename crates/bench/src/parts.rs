//! What is run for which figures, in which order.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use crate::place::Place;
use crate::report::{Report, figures};
use crate::workload::Shape;
use crate::{Run, balance, copy, end_to_end, ledger, members, network, redeem, replay, size, takeover};

/// What is run for a figure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Part {
    Ledger,
    Replay,
    EndToEnd,
    Redeem,
    Balance,
    TakeOver,
    Size,
}

impl Part {
    /// Whether it needs what the ledger's part makes or measures: the journal, the rate.
    fn needs_ledger(self) -> bool {
        match self {
            Self::Ledger | Self::Replay | Self::EndToEnd | Self::Redeem => true,
            Self::Balance | Self::TakeOver | Self::Size => false,
        }
    }
}

/// Runs all that is asked for, and notes what was seen.
pub(crate) fn run(place: &Place, run: &Run, report: &mut Report) -> Result<()> {
    let asked = |part: Part| run.only.is_empty() || figures(&run.only).any(|figure| figure.part == part);
    let ledger = run.only.is_empty() || figures(&run.only).any(|figure| figure.part.needs_ledger());
    let shape = run.shape();
    for round in 1..=run.rounds {
        eprintln!("round {round} of {}", run.rounds);
        // Turn about, so that neither always finds the warmer machine.
        let odd = round % 2 == 1;
        if ledger {
            ledgers(place, &shape, (asked(Part::Ledger), asked(Part::Replay)), odd, report)?;
        }
        if asked(Part::EndToEnd) {
            fresh(place, |folder| end_to_end::run(place, folder, &shape, report))?;
        }
        if asked(Part::Redeem) || asked(Part::Balance) {
            fresh(place, |folder| {
                let stage = members::Stage::start(place, folder, &shape)?;
                if asked(Part::Balance) {
                    balance::run(&stage, run.calls.saturating_mul(10), odd, report)?;
                }
                if asked(Part::Redeem) {
                    redeem::run(&stage, run.calls, report)?;
                }
                stage.stop()
            })?;
        }
        if asked(Part::TakeOver) {
            let shape = Shape { events: run.takeover_accounts, accounts: run.takeover_accounts, ..shape };
            let timeout = Duration::from_millis(run.session_timeout_ms);
            fresh(place, |folder| takeover::run(place, folder, &shape, timeout, report))?;
        }
        if asked(Part::Size) {
            size::run(Shape::of_one_each(run.accounts_small, run.shards), report)?;
        }
    }
    if asked(Part::Size) && run.large {
        size::run(Shape::of_one_each(run.accounts_large, run.shards), report)?;
    }
    Ok(())
}

/// The ledger, the copy and the replay, which share one folder.
fn ledgers(
    place: &Place,
    shape: &Shape,
    (copied, replayed): (bool, bool),
    odd: bool,
    report: &mut Report,
) -> Result<()> {
    fresh(place, |folder| {
        network::prepare(place, folder, shape)?;
        if copied && !odd {
            copy::run(place, folder, shape, report)?;
        }
        ledger::run(place, folder, shape, report)?;
        if copied && odd {
            copy::run(place, folder, shape, report)?;
        }
        if replayed {
            replay::run(place, folder, shape, report)?;
        }
        Ok(())
    })
}

/// In a folder of its own, on a log with nothing in it.
fn fresh(place: &Place, run: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let folder = tempfile::tempdir()?;
    run(folder.path())?;
    place.clear()
}
