//! What the gateway is allowed and allows.

use std::time::Duration;

use coalition_intake::Quota;

use crate::metrics::Metrics;
use crate::tls::Tls;
use crate::web::Origin;

/// The gateway's settings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long a call may take that states no deadline.
    pub deadline_default: Duration,
    /// How long a call may take, whatever it states.
    pub deadline_max: Duration,
    /// The largest request, in bytes.
    pub message_bytes_max: usize,
    /// Calls under way at once, over all connections; more are refused with `OVERLOADED`.
    pub requests_max: usize,
    /// Connections at once; more are closed as soon as they are made. Each holds a file of the process.
    pub connections_max: usize,
    /// Calls under way at once on one connection; a client keeps more to itself until one has ended.
    pub streams_max: u32,
    /// How long a connection may take to shake hands and to say what it speaks; it is closed when it takes longer.
    pub handshake_max: Duration,
    /// After how long a silence a connection is asked whether anybody is there.
    pub keepalive_interval: Duration,
    /// How long the answer to that may take; without it the connection is closed.
    pub keepalive_timeout: Duration,
    /// How long calls that are under way at the end may take to finish.
    pub drain_max: Duration,
    /// How long a shard may be out of office before the gateway says that it doesn't serve: where others take shards over, the
    /// time that they have for it.
    pub unowned_max: Duration,
    /// How fast a partner may publish here.
    pub partner_quota: Quota,
    /// Partitions of a partner's topic that is created here.
    pub partner_partitions: u32,
    /// Where calls are counted.
    pub metrics: Metrics,
    /// Whose pages may read answers in a browser.
    pub web_origins: Vec<Origin>,
    /// The certificate; without one the gateway speaks plain text.
    pub tls: Option<Tls>,
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
            connections_max: 512,
            streams_max: 128,
            handshake_max: Duration::from_secs(10),
            keepalive_interval: Duration::from_secs(30),
            keepalive_timeout: Duration::from_secs(20),
            drain_max: Duration::from_secs(10),
            unowned_max: Duration::ZERO,
            partner_quota: Quota::default(),
            partner_partitions: 1,
            metrics: Metrics::default(),
            web_origins: Vec::new(),
            tls: None,
            plaintext_beyond_loopback: false,
        }
    }
}
