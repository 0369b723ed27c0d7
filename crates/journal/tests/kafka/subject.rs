//! The log on Kafka, under the conformance suite.

use std::time::{Duration, Instant};

use coalition_journal::conformance::{CHECKS, Promises, Subject};
use coalition_journal::kafka::{Kafka, Settings};
use coalition_journal::log::Log;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;

/// How long anything may take before it counts as never.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for a condition.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "{what}: not in {PATIENCE:?}");
        // Brokers have other things to do than to be asked all the time.
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

pub(crate) fn open(settings: &Settings) -> Kafka {
    Kafka::open(settings).expect("open the log")
}

pub(crate) fn admin(settings: &Settings) -> AdminClient<DefaultClientContext> {
    ClientConfig::new()
        .set("bootstrap.servers", &settings.bootstrap_servers)
        .create()
        .expect("an admin client")
}

/// Deletes a topic, and waits until nobody has heard of it.
pub(crate) fn delete(settings: &Settings, topic: &str) {
    let timeout = Some(PATIENCE / 6);
    let options = AdminOptions::new().request_timeout(timeout).operation_timeout(timeout);
    let gone = || {
        // A broker that was killed or stood still a moment ago may leave it unanswered: the next client may ask another.
        drop(block_on(admin(settings).delete_topics(&[topic], &options)));
        open(settings).topic(topic).expect("look").is_none()
    };
    until("the topic is gone", gone);
}

/// The outcome of a future that needs no runtime.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let mut outcome = None;
    until("an answer comes", || {
        if let std::task::Poll::Ready(ready) = future.as_mut().poll(&mut context) {
            outcome = Some(ready);
        }
        outcome.is_some()
    });
    outcome.expect("waited for")
}

struct OnKafka {
    settings: Settings,
    log: Option<Kafka>,
}

impl Subject for OnKafka {
    fn promises(&self) -> Promises {
        Promises { whole: false, record_bytes_max: self.settings.record_bytes_max }
    }

    fn log(&self) -> &dyn Log {
        self.log.as_ref().expect("open")
    }

    fn reopen(&mut self) {
        self.log = None;
        self.log = Some(open(&self.settings));
    }

    fn delete_topics(&mut self) {
        self.log = None;
        delete(&self.settings, "check.made-again");
        self.log = Some(open(&self.settings));
    }
}

/// Holds the log against all that it promises.
pub(crate) fn check_all(settings: Settings) {
    let mut subject = OnKafka { log: Some(open(&settings)), settings };
    for (name, check) in CHECKS {
        let began = Instant::now();
        check(&mut subject);
        println!("{name}: {:?}", began.elapsed());
    }
}
