//! What the fuzz targets see of the judgement that the thread passes.

use coalition_domain::{AccountId, PartnerId};
use coalition_journal::log::{Record, Stored};

use crate::judge::judge;

/// What becomes of a record: one for the inbox and its account, or the refusal in words for developers and whether the record is
/// withheld.
///
/// # Errors
/// The record goes back.
pub fn judged(
    partner: PartnerId,
    partition: u32,
    stored: &Stored,
) -> Result<(AccountId, Record), (String, bool)> {
    judge(partner, partition, stored)
        .map(|accepted| (accepted.account, accepted.record))
        .map_err(|refused| (format!("{refused:?}"), refused.hidden))
}
