//! GetBalance against a method that does next to nothing, on the same server, by the same callers.

use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::task::JoinSet;

use crate::caller::Caller;
use crate::members::Stage;
use crate::report::Report;

const CONNECTIONS: usize = 4;
/// Calls under way at once.
const CALLERS: usize = 32;

pub(crate) fn run(stage: &Stage, calls: u32, odd: bool, report: &mut Report) -> Result<()> {
    let each = calls.div_ceil(u32::try_from(CALLERS)?);
    let calls = each * u32::try_from(CALLERS)?;
    stage.runtime.block_on(async {
        let mut callers = Vec::new();
        for _ in 0..CONNECTIONS {
            callers.push(Caller::connect(&stage.served).await?);
        }
        // Once for nothing, so that neither pays for the first time.
        took(stage, &callers, each / 10 + 1, true).await?;
        took(stage, &callers, each / 10 + 1, false).await?;
        for asking in [odd, !odd] {
            let key = if asking { "get_balance_per_s" } else { "empty_per_s" };
            report.rate(key, calls, took(stage, &callers, each, asking).await?);
        }
        Ok(())
    })
}

/// How long it takes until all callers have asked so often: for balances, or for nothing.
async fn took(stage: &Stage, callers: &[Caller], each: u32, asking: bool) -> Result<Duration> {
    let began = Instant::now();
    let mut calling = JoinSet::new();
    for number in 0..CALLERS {
        let caller = callers[number % callers.len()].clone();
        let members: Vec<String> =
            stage.members.iter().flatten().skip(number).step_by(CALLERS).cloned().collect();
        calling.spawn(async move {
            for member in members.iter().cycle().take(each as usize) {
                if asking {
                    caller.balance(member).await?;
                } else {
                    caller.nothing().await?;
                }
            }
            anyhow::Ok(())
        });
    }
    while let Some(called) = calling.join_next().await {
        called??;
    }
    Ok(began.elapsed())
}
