//! What is looked at when somebody asks: one look at a time, and nobody waits long for it.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use coalition_domain::Timestamp;
use coalition_journal::log::{self, Log};
use coalition_journal::metrics::{ages, gauges};
use coalition_ledger::group::Directory;
use coalition_ledger::runtime::Ledger;
use prometheus::{Gauge, IntGauge, Registry};
use tokio::sync::{Semaphore, watch};

/// How long a scrape waits for a look at a log that may be far away; then it shows what was seen last.
const WAIT_MAX: Duration = Duration::from_secs(2);

type OfIntake = Box<dyn Fn(&dyn Log) -> Result<(), log::Error> + Send + Sync>;

/// Takes the looks.
pub(super) struct Sampler(Arc<Parts>);

struct Parts {
    ledger: OnceLock<(Ledger, Arc<dyn Log>)>,
    intake: OnceLock<OfIntake>,
    group: OnceLock<watch::Receiver<Arc<Directory>>>,
    /// One look at a time: on a log that does not answer they would pile up.
    looking: Arc<Semaphore>,
    seen: Mutex<Instant>,
    age: Gauge,
    outdated: IntGauge,
}

impl Sampler {
    pub(super) fn new(registry: &Registry) -> Result<Self> {
        let age = ages(
            "observe_sample_age_seconds",
            "How old those figures are that are looked at when somebody asks (docs/operating/metrics.md): above a few \
             seconds the log does not answer.",
            &[],
        );
        let outdated = gauges(
            "coalition_group_outdated",
            "1 once the processes of the network agree in a format of a later release, which this one can't read, else 0.",
            &[],
        );
        let build = gauges("coalition_build_info", "1, with the version of the program.", &["version"]);
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        registry.register(Box::new(age.clone()))?;
        registry.register(Box::new(build))?;
        registry.register(Box::new(outdated.clone()))?;
        Ok(Self(Arc::new(Parts {
            ledger: OnceLock::new(),
            intake: OnceLock::new(),
            group: OnceLock::new(),
            looking: Arc::new(Semaphore::new(1)),
            seen: Mutex::new(Instant::now()),
            age: age.with_label_values::<&str>(&[]),
            outdated: outdated.with_label_values::<&str>(&[]),
        })))
    }

    /// There is one of each in a process.
    pub(super) fn ledger(&self, ledger: Ledger, log: Arc<dyn Log>) {
        drop(self.0.ledger.set((ledger, log)));
    }

    pub(super) fn group(&self, directory: watch::Receiver<Arc<Directory>>) {
        drop(self.0.group.set(directory));
    }

    /// The version in which others agree, if this release can't read it.
    pub(super) fn outdated(&self) -> Option<u8> {
        self.0.group.get().and_then(|directory| directory.borrow().outdated)
    }

    pub(super) fn intake(&self, intake: OfIntake) {
        drop(self.0.intake.set(intake));
    }

    /// Looks, unless somebody else is at it; gives up waiting for it after a while. What the shards show of themselves is
    /// brought up to date in any case.
    pub(super) async fn look(&self) {
        if let Some((ledger, _)) = self.0.ledger.get() {
            ledger.show();
        }
        self.0.outdated.set(i64::from(self.outdated().is_some()));
        if let Ok(permit) = Arc::clone(&self.0.looking).try_acquire_owned() {
            let parts = Arc::clone(&self.0);
            let look = tokio::task::spawn_blocking(move || {
                parts.look();
                drop(permit);
            });
            // One that takes longer goes on, and the next scrape shows what it saw.
            drop(tokio::time::timeout(WAIT_MAX, look).await);
        }
        let age = self.0.seen.lock().unwrap_or_else(PoisonError::into_inner).elapsed();
        self.0.age.set(age.as_secs_f64());
    }
}

impl Parts {
    fn look(&self) {
        let Some((ledger, log)) = self.ledger.get() else { return };
        let looked = ledger.sample(&**log, now());
        let looked = looked.and_then(|()| self.intake.get().map_or(Ok(()), |intake| intake(&**log)));
        match looked {
            Ok(()) => *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now(),
            Err(error) => tracing::debug!(%error, "the log can't be looked at for metrics"),
        }
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    Timestamp::from_millis(i64::try_from(since).unwrap_or(i64::MAX))
}
