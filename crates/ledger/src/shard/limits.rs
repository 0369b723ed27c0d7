//! What a shard is allowed.

use coalition_domain::Span;

/// What a shard is allowed.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Accounts kept in memory, and those that are newer than the store. Here and below one that takes more than
    /// [`ACCOUNT_BYTES`](crate::resident::ACCOUNT_BYTES) counts as several.
    pub accounts_max: usize,
    /// Commands in one batch.
    pub batch_commands_max: usize,
    /// The same while somebody has asked something within the last second: who asks waits for the batch that is being made, and
    /// for the one that is under way.
    pub batch_attended_max: usize,
    /// Encoded bytes of the decisions of one batch; a single larger decision has a batch of its own.
    pub batch_bytes_max: usize,
    /// Commands read ahead from the inbox.
    pub inbox_commands_max: usize,
    /// Bytes of the journal that may be in memory alone while a checkpoint is under way; beyond them the shard waits
    /// for the store.
    pub unstored_bytes_max: usize,
    /// Accounts that may have changed since a checkpoint was taken that is still under way; at so many the shard waits for
    /// the store. They and those of the checkpoint are in memory whatever [`accounts_max`](Self::accounts_max) says: at half of
    /// that, both together stay within it.
    pub unstored_accounts_max: usize,
    /// Accounts whose due times are held in memory; twice as many at the most, besides those that are newer than the store.
    pub timers_max: usize,
    /// How long an append may take until it is doubted.
    pub append_timeout: Span,
    /// How far the owner's clock may be from the log's.
    pub clock_skew_max: Span,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            accounts_max: 100_000,
            batch_commands_max: 4_096,
            batch_attended_max: 256,
            batch_bytes_max: 768 * 1024,
            inbox_commands_max: 16_384,
            unstored_bytes_max: 64 * 1024 * 1024,
            unstored_accounts_max: 50_000,
            timers_max: crate::timers::WINDOW,
            append_timeout: Span::from_secs(10),
            clock_skew_max: Span::from_secs(30),
        }
    }
}
