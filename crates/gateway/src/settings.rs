//! What the gateway is allowed and allows.

use std::time::Duration;

/// The gateway's settings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// How long a call may take that states no deadline.
    pub deadline_default: Duration,
    /// How long a call may take, whatever it states.
    pub deadline_max: Duration,
    /// The largest request, in bytes.
    pub message_bytes_max: usize,
    /// Calls under way at once; more are refused with `OVERLOADED`.
    pub requests_max: usize,
    /// How long calls that are under way at the end may take to finish.
    pub drain_max: Duration,
    /// Partitions of a partner's topic that is created here.
    pub partner_partitions: u32,
    /// Serve in plain text beyond this machine: whoever can listen in then learns keys and points.
    pub plaintext_beyond_loopback: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            deadline_default: Duration::from_secs(10),
            deadline_max: Duration::from_secs(60),
            message_bytes_max: 4 * 1024 * 1024,
            requests_max: 1_024,
            drain_max: Duration::from_secs(10),
            partner_partitions: 1,
            plaintext_beyond_loopback: false,
        }
    }
}
