//! The handle of the threads, and how they are set.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{self, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use coalition_journal::log::{self, Log, Partition};
use coalition_ledger::runtime::{INBOX, Ledger};

use crate::metrics::{Counts, Metrics};
use crate::open::Opener;
use crate::quota::Quota;
use crate::share::Share;
use crate::survey::Survey;
use crate::worker::{Inbox, Message, Worker};

/// Bounds of intake. Byte counts are those of [`log::Record::bytes`].
#[derive(Clone, Debug)]
pub struct Settings {
    /// Partitions of the topics that are created for a partner; one that is there keeps what it has.
    pub partitions: u32,
    /// How much one read of a partition takes; less while several partners share a shard.
    pub read_bytes_max: usize,
    /// Reads of one partition whose records are not all where they belong, before it is read on.
    pub reads_open_max: usize,
    /// How much one append takes, if it is more than one record.
    pub append_bytes_max: usize,
    /// How much may wait for one shard before nothing more is read, or for one partner before nothing more of it is.
    pub waiting_bytes_max: usize,
    /// How many records read here a shard may have undecided, before nothing more is read of the partners that have an equal
    /// share of them. Those of others stand behind them: so many that the shard never waits for more, and no more.
    pub undecided_max: u64,
    /// How fast a partner's topics are read.
    pub partner_quota: Quota,
    /// How often each partner's topic is looked at: it may have got partitions, or been made anew.
    pub survey_interval: Duration,
    /// Which partitions are read here.
    pub share: Share,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            partitions: 1,
            read_bytes_max: 256 << 10,
            reads_open_max: 16,
            append_bytes_max: 1 << 20,
            waiting_bytes_max: 4 << 20,
            undecided_max: 1_024,
            partner_quota: Quota::default(),
            survey_interval: Duration::from_secs(10),
            share: Share::ALL,
        }
    }
}

impl Settings {
    fn check(&self) -> Result<(), Error> {
        let bounds = [
            ("partitions", u64::from(self.partitions)),
            ("reads_open_max", self.reads_open_max as u64),
            ("waiting_bytes_max", self.waiting_bytes_max as u64),
            ("undecided_max", self.undecided_max),
        ];
        match bounds.into_iter().find(|(_, bound)| *bound == 0) {
            Some((name, _)) => Err(Error::Settings(name)),
            None => Ok(()),
        }
    }
}

/// Why intake could not be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A bound of 0, with which nothing would ever be read.
    #[error("{0} is 0: nothing would ever be read")]
    Settings(&'static str),
    /// No thread could be had.
    #[error("start a thread")]
    Thread(#[from] std::io::Error),
}

/// The running threads. Dropped, they end at once and read some records again when they are started anew; see
/// [`Intake::stop`].
pub struct Intake {
    sender: Sender<Message>,
    metrics: Arc<Metrics>,
    threads: Vec<JoinHandle<()>>,
}

impl Intake {
    /// Starts the threads: they serve every partner that the ledger's registry has or gets, from where they left off.
    ///
    /// # Errors
    /// See [`Error`]. What fails later is logged and tried again.
    pub fn start(log: Arc<dyn Log>, ledger: Ledger, settings: Settings) -> Result<Self, Error> {
        settings.check()?;
        let inbox = |shard| Inbox::new(Partition::new(INBOX, shard), settings.append_bytes_max);
        let shards = (0..ledger.shards()).map(inbox).collect();
        let metrics = Arc::new(Metrics::default());
        let (sender, messages) = mpsc::channel();
        let (lost, told) = mpsc::channel();
        let woken = Arc::<AtomicBool>::default();
        let opener = Opener::new(
            Arc::clone(&log),
            &settings,
            (sender.clone(), Arc::clone(&woken)),
            Arc::clone(&metrics),
        );
        let survey = Survey::new(
            (Arc::clone(&log), ledger.clone()),
            (opener, settings.survey_interval, settings.share.clone()),
            Arc::clone(&metrics),
            sender.clone(),
        );
        let worker = Worker::new(
            (log, ledger),
            settings,
            shards,
            (sender.clone(), messages),
            (lost, woken),
            Arc::clone(&metrics),
        );
        let spawn = |name: &str| std::thread::Builder::new().name(name.to_owned());
        let survey = spawn("intake/survey").spawn(move || survey.run(&told))?;
        let worker = spawn("intake").spawn(move || worker.run())?;
        Ok(Self { sender, metrics, threads: vec![worker, survey] })
    }

    /// Has the metrics shown.
    ///
    /// # Errors
    /// The registry shows metrics of these names already.
    pub fn register(&self, registry: &prometheus::Registry) -> Result<(), prometheus::Error> {
        self.metrics.register(registry)
    }

    /// What brings those metrics up to date that are looked at from outside. It asks the log for the ends of topics: not
    /// for an async thread. Its errors are those of the log; what comes after one is left as it was.
    pub fn sampler(&self) -> impl Fn(&dyn Log) -> Result<(), log::Error> + Send + Sync + use<> {
        let metrics = Arc::clone(&self.metrics);
        move |log| metrics.sample(log)
    }

    /// What was counted since the start.
    pub fn counts(&self) -> Counts {
        self.metrics.counts()
    }

    /// Reads nothing more, waits at most two seconds for what is under way, and ends. Blocks until that is done.
    pub fn stop(mut self) {
        self.end(Message::Stop);
    }

    fn end(&mut self, message: Message) {
        // A thread that is gone already has nobody to tell.
        drop(self.sender.send(message));
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of intake panicked");
            }
        }
    }
}

impl Drop for Intake {
    fn drop(&mut self) {
        if !self.threads.is_empty() {
            self.end(Message::End);
        }
    }
}
