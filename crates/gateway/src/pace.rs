//! Partners that publish faster than they may: a call waits for its turn, or is told to come again.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use coalition_domain::PartnerId;
use coalition_intake::{Meter, Quota};
use tokio::time::sleep_until;

use crate::settings::Settings;
use crate::status::{self, Failure};

/// Calls of a partner that wait for their turn, and as many that wait to be told.
const WAITING_MAX: usize = 64;
/// Of the calls that may be under way, one in so many may wait, of all partners: the others are everybody's.
const PART: usize = 4;
/// After how long a call is told that it can't be let in in time: a client that comes again at once is slowed down by it.
const TOLD_AFTER: Duration = Duration::from_secs(1);

/// Calls of a partner, and whether they only ask what would be: who tries a file of events out doesn't hold up the others.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Kind {
    pub(crate) partner: PartnerId,
    pub(crate) validate_only: bool,
}

/// What the partners have published here.
pub(crate) struct Pace {
    quota: Quota,
    waiting_max: usize,
    line: Mutex<Line>,
}

#[derive(Default)]
struct Line {
    senders: HashMap<Kind, Sender>,
    waiting: usize,
}

#[derive(Default)]
struct Sender {
    meter: Meter,
    waiting: usize,
    told: usize,
}

/// What becomes of a call.
enum Turn<'a> {
    Now,
    /// It may go on then; what it brings counts already.
    At(Instant, Waits<'a>),
    /// It is told that it may not, at once or then.
    Told(Option<(Instant, Waits<'a>)>),
}

impl Pace {
    pub(crate) fn new(settings: &Settings) -> Self {
        let waiting_max = settings.requests_max / PART;
        Self { quota: settings.partner_quota, waiting_max, line: Mutex::default() }
    }

    /// Waits until a partner that there is may publish so many units.
    ///
    /// # Errors
    /// Its turn would come after `deadline`, or too many calls wait already: nothing counts then.
    pub(crate) async fn admit(&self, kind: Kind, units: u64, deadline: Instant) -> Result<(), Failure> {
        match self.turn(kind, Some(units), deadline) {
            Turn::Now => Ok(()),
            Turn::At(when, mut waits) => {
                sleep_until(when.into()).await;
                waits.counted = 0;
                Ok(())
            }
            Turn::Told(hold) => Err(self.tell(kind, hold).await),
        }
    }

    /// Tells a partner what [`Self::admit`] would, whatever the call holds: who doesn't read a request has less to do with it.
    ///
    /// # Errors
    /// As there.
    pub(crate) async fn check(&self, partner: PartnerId, deadline: Instant) -> Result<(), Failure> {
        let kind = Kind { partner, validate_only: false };
        match self.turn(kind, None, deadline) {
            Turn::Now | Turn::At(..) => Ok(()),
            Turn::Told(hold) => Err(self.tell(kind, hold).await),
        }
    }

    /// The turn of a call of so many units, if they are known.
    fn turn(&self, kind: Kind, units: Option<u64>, deadline: Instant) -> Turn<'_> {
        let mut line = self.line();
        let (room, now) = (line.waiting < self.waiting_max, Instant::now());
        let sender = line.senders.entry(kind).or_default();
        let wait = self.quota.wait(&sender.meter, now);
        let when = now + wait;
        if wait.is_zero() || room && sender.waiting < WAITING_MAX && when < deadline {
            let counted = units.unwrap_or_default();
            self.quota.take(&mut sender.meter, counted, now);
            if wait.is_zero() {
                return Turn::Now;
            }
            sender.waiting += 1;
            line.waiting += 1;
            return Turn::At(when, Waits { pace: self, kind, told: false, counted });
        }
        if !room || sender.told >= WAITING_MAX {
            return Turn::Told(None);
        }
        sender.told += 1;
        line.waiting += 1;
        let when = deadline.min(now + TOLD_AFTER);
        Turn::Told(Some((when, Waits { pace: self, kind, told: true, counted: 0 })))
    }

    async fn tell(&self, kind: Kind, hold: Option<(Instant, Waits<'_>)>) -> Failure {
        if let Some((when, _waits)) = hold {
            sleep_until(when.into()).await;
        }
        let per_second = self.quota.per_second().unwrap_or(u32::MAX);
        let message = format!(
            "the partner publishes more than {per_second} events a second, which is what a partner may; repeat the call as it was, later"
        );
        let meter = self.line().senders.get(&kind).map(|sender| sender.meter).unwrap_or_default();
        let failure = status::overloaded(&message).after(self.quota.wait(&meter, Instant::now()));
        failure.with("events_per_second", per_second)
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call that waits, until it is let in, told or given up.
struct Waits<'a> {
    pace: &'a Pace,
    kind: Kind,
    told: bool,
    /// Units that count already, and are given back if the caller doesn't wait until its turn.
    counted: u64,
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        let mut line = self.pace.line();
        line.waiting -= 1;
        if let Some(sender) = line.senders.get_mut(&self.kind) {
            if self.told {
                sender.told -= 1;
            } else {
                sender.waiting -= 1;
                self.pace.quota.give_back(&mut sender.meter, self.counted);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::Arc;
    use std::task::Poll;

    use tokio::task::JoinSet;

    use super::*;

    const UNITS: u64 = 1_000;

    fn kind(partner: &str) -> Kind {
        Kind { partner: PartnerId::new(partner).unwrap(), validate_only: false }
    }

    fn pace(requests_max: usize) -> Arc<Pace> {
        let partner_quota = Quota::of(u32::try_from(UNITS).unwrap());
        Arc::new(Pace::new(&Settings { partner_quota, requests_max, ..Settings::default() }))
    }

    fn within(patience: Duration) -> Instant {
        Instant::now() + patience
    }

    const LONG: Duration = Duration::from_secs(600);

    /// How many of so many calls of one partner are let in, with half a second of its time given away.
    async fn let_in(pace: &Arc<Pace>, partner: &str, calls: usize) -> usize {
        let kind = kind(partner);
        pace.admit(kind, 600, within(LONG)).await.unwrap();
        let mut set = JoinSet::new();
        for _ in 0..calls {
            let pace = Arc::clone(pace);
            set.spawn(async move { pace.admit(kind, 1, within(LONG)).await.is_ok() });
        }
        set.join_all().await.into_iter().filter(|admitted| *admitted).count()
    }

    #[tokio::test]
    async fn so_many_calls_of_a_partner_wait_and_no_more_and_others_do_not() {
        let pace = pace(1_024);
        assert_eq!(let_in(&pace, "shop", WAITING_MAX + 6).await, WAITING_MAX);
        pace.admit(kind("other"), 1, within(LONG)).await.unwrap();
        let line = pace.line();
        assert!(line.waiting == 0 && line.senders.values().all(|sender| sender.waiting + sender.told == 0));
    }

    #[tokio::test]
    async fn no_more_than_a_quarter_of_all_calls_wait() {
        assert_eq!(let_in(&pace(40), "shop", 16).await, 10);
    }

    #[tokio::test]
    async fn a_call_that_is_given_up_before_its_turn_counts_nothing() {
        let (pace, shop) = (pace(1_024), kind("shop"));
        pace.admit(shop, 600 * UNITS, within(LONG)).await.unwrap();
        let before = pace.line().senders[&shop].meter;
        let mut call = Box::pin(pace.admit(shop, UNITS, within(2 * LONG)));
        assert!(poll_fn(|context| Poll::Ready(call.as_mut().poll(context).is_pending())).await);
        assert_ne!(pace.line().senders[&shop].meter, before);
        drop(call);
        assert_eq!(pace.line().senders[&shop].meter, before);
        // One whose turn has come counts.
        let other = kind("other");
        pace.admit(other, UNITS / 8, within(LONG)).await.unwrap();
        let before = pace.line().senders[&other].meter;
        pace.admit(other, 1, within(LONG)).await.unwrap();
        assert_ne!(pace.line().senders[&other].meter, before);
    }

    #[tokio::test]
    async fn a_call_whose_turn_comes_after_its_deadline_is_told_in_time_and_counts_nothing() {
        let (pace, shop) = (pace(1_024), kind("shop"));
        // 10 s, less the tenth of a second that may come at once.
        pace.admit(shop, 10 * UNITS, within(LONG)).await.unwrap();
        let before = pace.line().senders[&shop].meter;
        let deadline = within(Duration::from_millis(50));
        assert!(pace.admit(shop, UNITS, deadline).await.is_err());
        assert!(pace.check(shop.partner, deadline).await.is_err());
        assert_eq!(pace.line().senders[&shop].meter, before);
        let dry = Kind { validate_only: true, ..shop };
        pace.admit(dry, UNITS, deadline).await.unwrap();
    }
}
