//! The life of a shard in a process: nothing, a follower, an owner, and back, as the group says.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::Settings;
use super::handle::{Status, Unavailable};
use super::open::{self, Place};
use super::orders::Orders;
use super::post::{Post, Postbox};
use super::retry::{PAUSE, chain, refuse, wait};
use super::wake::Waker;
use super::worker::{Exit, Life, Message, TICK, Worker};
use crate::group::Duty;
use crate::shard::Input;

/// A projection that has worked for so long has not failed for the same reason as the last one.
const MENDED: Duration = Duration::from_secs(60);
/// Failures of the projection after each other that are nothing worse than unexpected.
const FAILURES_WARNED: u32 = 3;
/// How long callers wait, in a shard that is others' now, for what became of what was under way.
const UNDER_WAY_MAX: Duration = Duration::from_secs(10);

impl Worker<'_> {
    /// Runs the shard until it is told to stop, with a new projection whenever one fails.
    pub(super) fn supervise(
        place: Place,
        settings: &Settings,
        (post, messages): (Post, Postbox),
        published: watch::Sender<Option<Status>>,
        queued: Arc<AtomicUsize>,
    ) {
        let shard = place.genesis.shard;
        let (orders, waker) = (Orders::none(), Waker::default());
        let wait = |pause, why: &dyn Fn() -> Unavailable| wait(&messages, &queued, pause, &orders, why);
        let (mut failures, mut life) = (0, Life::default());
        while !orders.stop.get() {
            if orders.duty.get() == Duty::Nothing {
                published.send_replace(None);
                wait(None, &|| Unavailable::NotOwner(shard));
                continue;
            }
            let began = Instant::now();
            life = Life(life.0 + 1);
            let open = || Ok((place.watch(&post, &waker)?, place.open(settings.limits.accounts_max)?));
            let run = || match open() {
                Ok((_watching, projection)) => Worker::run(
                    &place,
                    settings,
                    projection,
                    (&post, &messages, life),
                    &published,
                    &queued,
                    &orders,
                ),
                Err(error @ open::Error::OtherJournal(_)) => Exit::Broken(chain(&error)),
                Err(error) => Exit::StoreFailed(chain(&error)),
            };
            // A broken invariant stops this shard and no other.
            let fault = |_| Exit::Broken("a fault inside the ledger; it was noted".to_owned());
            match catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(fault) {
                Exit::Done if orders.stop.get() => {}
                Exit::Done => tracing::info!(%shard, "others run the shard now"),
                Exit::Broken(why) => {
                    tracing::error!(%shard, why, "the shard has stopped");
                    published.send_modify(|status| {
                        status.get_or_insert_with(|| Status::starting(shard)).stopped = Some(why);
                    });
                    while !orders.stop.get() {
                        wait(None, &|| Unavailable::Rebuilding(shard));
                    }
                }
                Exit::StoreFailed(why) => {
                    failures = if began.elapsed() < MENDED { failures + 1 } else { 0 };
                    // It mends itself; what does so again and again wants a person.
                    if failures < FAILURES_WARNED {
                        tracing::warn!(%shard, why, failures, "the projection failed; it is opened again");
                    } else {
                        tracing::error!(%shard, why, failures, "the projection fails again and again; check the disk of the data folder");
                    }
                    let pause = PAUSE * 2_u32.pow(failures.min(5));
                    wait(Some(pause), &|| Unavailable::Rebuilding(shard));
                }
            }
        }
    }

    /// Whether the shard is others', and whoever waited for it here has heard what became of it, or has waited too long.
    pub(super) fn is_released(&self) -> bool {
        // One that has stopped for good goes on showing it.
        let over = |since: Instant| self.waiting.is_empty() || since.elapsed() > UNDER_WAY_MAX;
        self.released.is_some_and(over) && self.core.shard.stopped().is_none()
    }

    /// The group says what this process is to the shard.
    pub(super) fn duty(&mut self, now: Duty) {
        match (self.orders.duty.replace(now), now) {
            (Duty::Own, Duty::Follow | Duty::Nothing) => self.step(Input::Revoked),
            (Duty::Follow | Duty::Nothing, Duty::Own) => self.step(Input::Assigned),
            (Duty::Own, Duty::Own) | (Duty::Follow | Duty::Nothing, Duty::Follow | Duty::Nothing) => {}
        }
        self.released = (now == Duty::Nothing).then(Instant::now);
    }

    /// Writes the last checkpoint.
    pub(super) fn finish(mut self) -> Exit {
        let shard = self.place.genesis.shard;
        let gone = || Unavailable::NotOwner(shard);
        for (_, question) in std::mem::take(&mut self.questions) {
            self.queued.fetch_sub(1, Ordering::Relaxed);
            question.refuse(gone());
        }
        while self.checkpointer.is_busy() && self.failed.is_none() {
            match self.messages.recv_timeout(TICK) {
                Ok(message @ (Message::Input(..) | Message::StoreFailed(..))) => self.take(message),
                Ok(Message::Duty(now)) => drop(self.orders.duty.replace(now)),
                Ok(Message::Stop) => self.orders.stop.set(true),
                Ok(message) => refuse(message, self.queued, &gone),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        if let Some(taking) = self.core.shard.take_changes() {
            self.checkpointer.hand_over(taking);
        }
        drop(self.checkpointer.end());
        Exit::Done
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use coalition_journal::entry::{Genesis, NetworkId, ShardCount, TopicId, Topics};
    use coalition_journal::log::{self, Done, Log, Offset, Partition, Record, Stored, Topic, Wake, Watching};
    use coalition_journal::memory::Memory;
    use coalition_store::Store;
    use uuid::Uuid;

    use super::*;
    use crate::metrics::Metrics;
    use crate::refused::Refused;
    use crate::runtime::post::post;
    use crate::runtime::pulse::Pulse;
    use crate::runtime::{INBOX, JOURNAL, Membership, Returned, Returns, Taking};
    use crate::shard::relay::HOME;

    /// A log with a fault that nobody thought of: whoever asks where a partition ends panics.
    struct Faulty(Memory);

    impl Log for Faulty {
        fn create_topic(&self, topic: &str, partitions: u32) -> Result<Topic, log::Error> {
            self.0.create_topic(topic, partitions)
        }

        fn topic(&self, topic: &str) -> Result<Option<Topic>, log::Error> {
            self.0.topic(topic)
        }

        fn append(&self, to: &Partition, records: Vec<Record>, done: Done) {
            self.0.append(to, records, done);
        }

        fn read(&self, of: &Partition, from: Offset, bytes_max: usize) -> Result<Vec<Stored>, log::Error> {
            self.0.read(of, from, bytes_max)
        }

        fn bounds(&self, of: &Partition) -> Result<(Offset, Offset), log::Error> {
            panic!("planted by a test, at {of}")
        }

        fn watch(&self, of: &Partition, wake: Wake) -> Result<Watching, log::Error> {
            self.0.watch(of, wake)
        }

        fn trim(&self, of: &Partition, before: Offset) -> Result<(), log::Error> {
            self.0.trim(of, before)
        }

        fn commit(&self, group: &str, of: &Partition, next: Offset) -> Result<(), log::Error> {
            self.0.commit(group, of, next)
        }

        fn committed(&self, group: &str, of: &Partition) -> Result<Option<Offset>, log::Error> {
            self.0.committed(group, of)
        }
    }

    struct Nowhere;

    impl Returns for Nowhere {
        fn give_back(&self, _: coalition_journal::entry::ShardId, _: Vec<Arc<Refused>>, done: Returned) {
            done(true);
        }
    }

    /// Runs a shard that is told all of this before it looks, and shows in the end whether it stopped for good.
    fn told(log: Arc<dyn Log>, messages: Vec<Message>) -> bool {
        let of = |topic| TopicId(log.create_topic(topic, 1).expect("memory").id);
        let topics = Topics { journal: of(JOURNAL), inbox: of(INBOX) };
        let network = NetworkId(Uuid::from_u128(1));
        let place = Place {
            journal: Partition::new(JOURNAL, 0),
            inbox: Partition::new(INBOX, 0),
            genesis: Genesis { network, shard: HOME, shard_count: ShardCount(1), topics },
            store: Box::new(coalition_store::Memory::new()) as Box<dyn Store>,
            returns: Arc::new(Nowhere),
            metrics: Arc::clone(Metrics::new(1).of(HOME)),
            group: Membership::start(&log, 1, Taking::Alone).expect("nothing to start").shared(),
            window: Arc::default(),
            pulse: Arc::new(Pulse::new(None)),
            log,
        };
        let (published, shown) = watch::channel(None);
        let (post, postbox) = post();
        for message in messages {
            assert!(post.send(message).is_ok(), "it is not read yet");
        }
        let (ended, end) = channel();
        std::thread::spawn(move || {
            let settings = Settings { shards: 1, ..Settings::default() };
            Worker::supervise(place, &settings, (post, postbox), published, Arc::default());
            // Whoever waited has given up, at worst.
            _ = ended.send(());
        });
        end.recv_timeout(Duration::from_secs(30)).expect("a stop that was asked for is honoured");
        let shown: Option<Status> = shown.borrow().clone();
        shown.is_some_and(|status| status.stopped.is_some())
    }

    #[test]
    fn a_stop_is_honoured_where_the_store_fails_in_the_same_moment() {
        let failed = |life| Message::StoreFailed(Life(life), "planted by a test".to_owned());
        for after in [[failed(1), Message::Stop], [Message::Stop, failed(1)]] {
            let own = [Message::Duty(Duty::Own)];
            assert!(!told(Arc::new(Memory::new()), own.into_iter().chain(after).collect()));
        }
    }

    #[test]
    fn a_stop_is_honoured_where_the_shard_panics_in_the_same_moment() {
        // A follower doesn't ask for the end; who becomes the owner does, behind all messages that lie there.
        for after in
            [vec![Message::Duty(Duty::Own), Message::Stop], vec![Message::Stop, Message::Duty(Duty::Own)]]
        {
            let follow = [Message::Duty(Duty::Follow)];
            assert!(told(Arc::new(Faulty(Memory::new())), follow.into_iter().chain(after).collect()));
        }
    }
}
