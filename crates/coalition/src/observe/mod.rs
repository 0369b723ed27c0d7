//! How the process is watched: metrics, liveness and readiness on one HTTP port, and its log lines.
//!
//! The port answers from the first moment on: a network that replays its journal for minutes is alive and not ready.
//! Metrics are atomics of the crates that they tell of; a scrape reads them, and looks at what is cheap to see from outside
//! (docs/operating/metrics.md).

mod config;
mod health;
mod http;
mod sample;

pub(crate) mod logs;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context, Result};
use coalition_intake::{Intake, events_topic, rejected_topic};
use coalition_journal::log::Log;
use coalition_journal::metered::Metered;
use coalition_journal::metrics::TopicKind;
use coalition_ledger::runtime::{INBOX, JOURNAL, Ledger, Membership};
use prometheus::Registry;
use tokio::task::JoinHandle;

pub(crate) use self::config::{ObserveConfig, listen};
use self::health::Ready;
use self::sample::Sampler;
use crate::client::failure::Trouble;

/// What is known of the parts of the network, as far as they run.
struct Watched {
    registry: Registry,
    gateway: coalition_gateway::Metrics,
    gateway_listens: AtomicBool,
    ledger: OnceLock<Ledger>,
    sampler: Sampler,
    ready: Ready,
}

/// Watches the process; dropped, the port is closed.
pub(crate) struct Observer {
    watched: Arc<Watched>,
    /// Where the port is, if there is one.
    pub(crate) address: Option<SocketAddr>,
    serving: Option<JoinHandle<()>>,
}

impl Observer {
    /// Opens the port. A process without a `gateway` waits for none. A shard that others
    /// take over is no reason not to be ready, for so long.
    pub(crate) async fn start(config: &ObserveConfig, gateway: bool, unowned_max: Duration) -> Result<Self> {
        let listens = AtomicBool::new(!gateway);
        let registry = Registry::new();
        let gateway = coalition_gateway::Metrics::default();
        gateway.register(&registry)?;
        let sampler = Sampler::new(&registry)?;
        let (gateway_listens, ledger) = (listens, OnceLock::new());
        let watched = Arc::new(Watched {
            registry,
            gateway,
            gateway_listens,
            ledger,
            sampler,
            ready: Ready::new(unowned_max),
        });
        let Some(address) = config.listen else { return Ok(Self { watched, address: None, serving: None }) };
        let listener = tokio::net::TcpListener::bind(address).await.map_err(|error| {
            let advice = "choose another address with --observe, or none with --observe off";
            Trouble::advised(format!("listen on {address} for whoever watches: {error}"), advice)
        })?;
        let address = listener.local_addr()?;
        let serving = tokio::spawn(http::serve(listener, Arc::clone(&watched)));
        Ok(Self { watched, address: Some(address), serving: Some(serving) })
    }

    /// The same log, measured.
    pub(crate) fn log(&self, log: Arc<dyn Log>) -> Result<Arc<dyn Log>> {
        let metered = Metered::new(log, kind);
        metered.register(&self.watched.registry).context("show the log's metrics")?;
        Ok(Arc::new(metered))
    }

    /// Where the gateway counts its calls.
    pub(crate) fn gateway(&self) -> coalition_gateway::Metrics {
        self.watched.gateway.clone()
    }

    /// This process takes part in its group.
    pub(crate) fn group(&self, membership: &Membership) {
        self.watched.sampler.group(membership.directory());
    }

    /// The shards are started, on `log`.
    pub(crate) fn ledger(&self, ledger: &Ledger, log: &Arc<dyn Log>) -> Result<()> {
        ledger.register(&self.watched.registry).context("show the ledger's metrics")?;
        self.watched.sampler.ledger(ledger.clone(), Arc::clone(log));
        // There is one for each process.
        drop(self.watched.ledger.set(ledger.clone()));
        Ok(())
    }

    /// Intake is started.
    pub(crate) fn intake(&self, intake: &Intake) -> Result<()> {
        intake.register(&self.watched.registry).context("show the metrics of intake")?;
        self.watched.sampler.intake(Box::new(intake.sampler()));
        Ok(())
    }

    /// Tells that the gateway listens, until this is dropped.
    pub(crate) fn listening(&self) -> Listening {
        self.watched.gateway_listens.store(true, Ordering::Relaxed);
        Listening(Arc::clone(&self.watched))
    }

    /// Tells that it is about to end.
    pub(crate) fn ending(&self) {
        self.watched.gateway_listens.store(false, Ordering::Relaxed);
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        if let Some(serving) = &self.serving {
            serving.abort();
        }
    }
}

/// The gateway listens while this lives.
pub(crate) struct Listening(Arc<Watched>);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.gateway_listens.store(false, Ordering::Relaxed);
    }
}

/// What a topic of this name is.
fn kind(topic: &str) -> TopicKind {
    let ours = |name: fn(&coalition_domain::PartnerId) -> String| {
        let partner = topic.strip_prefix("coalition.partner.").and_then(|rest| rest.split('.').next());
        let partner = partner.and_then(|id| coalition_domain::PartnerId::new(id).ok());
        partner.is_some_and(|partner| name(&partner) == topic)
    };
    match topic {
        INBOX => TopicKind::Inbox,
        JOURNAL => TopicKind::Journal,
        _ if ours(events_topic) => TopicKind::Events,
        _ if ours(rejected_topic) => TopicKind::Rejected,
        _ => TopicKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_told_by_their_names() {
        for (topic, expected) in [
            ("coalition.inbox.v1", TopicKind::Inbox),
            ("coalition.journal.v1", TopicKind::Journal),
            ("coalition.partner.shop.events.v1", TopicKind::Events),
            ("coalition.partner.shop.rejected.v1", TopicKind::Rejected),
            ("coalition.partner.shop.events.v2", TopicKind::Other),
            ("coalition.ownership.v1", TopicKind::Other),
        ] {
            assert_eq!(kind(topic), expected, "{topic}");
        }
    }
}
