//! Whether an owner gets on with its shard. One that doesn't, as its disk or its clock is at fault, leaves it to a follower
//! that is warm.

use std::time::{Duration, Instant};

use coalition_journal::entry::Seq;

/// For how long who gave a shard up takes no part in it: time for somebody to look, or for a disk to come back.
const GIVEN_UP: Duration = Duration::from_secs(60);

/// Records that an owner out of office has to fold to be getting on. A record may hold thousands of events, so few are much;
/// a projection that fails adds one in each of its lives, its new term.
const GETS_ON: u64 = 20;

/// How somebody stands to a shard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Health {
    Well,
    /// It owns the shard, and has not been in office for long, though nothing comes of waiting.
    Failing,
    /// It was failing when the shard was given to somebody else, not long ago.
    GivenUp,
}

/// What is known of that.
#[derive(Default)]
pub(super) struct Trouble {
    /// When it was last looked at as an owner's.
    looked: Option<Instant>,
    /// For how long in all it has been out of office as an owner without getting on, since it was last in office for long.
    out: Duration,
    /// Since when it has been in office.
    serving: Option<Instant>,
    /// How far the shard was folded here when it was last in office, or last got on.
    furthest: Seq,
    given_up: Option<Instant>,
}

impl Trouble {
    /// Looks at a shard that is somebody else's, who lives or not: whoever might do better is back when nobody else is there. Whose
    /// thread `hangs` still is no better than it was.
    pub(super) fn as_others(
        &mut self,
        now: Instant,
        owner_lives: bool,
        hangs: bool,
        patience: Duration,
    ) -> Health {
        if self.out >= patience || hangs && self.given_up.is_some() {
            self.given_up = Some(now);
        }
        self.given_up = self.given_up.filter(|_| owner_lives);
        self.forget();
        let holds = self.given_up.is_some_and(|when| now.saturating_duration_since(when) < GIVEN_UP);
        if holds { Health::GivenUp } else { Health::Well }
    }

    /// Looks at a shard that is this process's own: whether it is in office, and how far it is; `None` while it is opened.
    pub(super) fn as_owner(
        &mut self,
        now: Instant,
        shown: Option<(bool, Seq)>,
        patience: Duration,
    ) -> Health {
        let passed =
            self.looked.replace(now).map_or(Duration::ZERO, |last| now.saturating_duration_since(last));
        let (in_office, seq) = shown.unwrap_or_default();
        let gets_on = seq.0 > self.furthest.0.saturating_add(GETS_ON);
        if in_office || gets_on || self.serving.is_some() {
            self.furthest = self.furthest.max(seq);
        }
        if in_office {
            // A projection that fails at each checkpoint is in office in between.
            let serving = *self.serving.get_or_insert(now);
            if now.saturating_duration_since(serving) >= patience {
                self.out = Duration::ZERO;
            }
        } else {
            let was_in_office = self.serving.take().is_some();
            self.out =
                if gets_on && !was_in_office { Duration::ZERO } else { self.out.saturating_add(passed) };
        }
        if self.out >= patience && !in_office { Health::Failing } else { Health::Well }
    }

    /// How far the shard is, or was here before its projection failed.
    pub(super) fn furthest(&self, shown: Option<Seq>) -> Option<Seq> {
        shown.max(Some(self.furthest).filter(|furthest| *furthest > Seq::default()))
    }

    /// Nothing can be said: whoever is cut off from the log is out of office for that.
    pub(super) fn forget(&mut self) {
        (self.looked, self.out, self.serving) = (None, Duration::ZERO, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    /// Looks every second, at what is shown in each; `None` in the place of a shard that is others'.
    fn after(trouble: &mut Trouble, now: &mut Instant, looks: &[Option<Option<(bool, u64)>>]) -> Health {
        let mut health = Health::Well;
        for look in looks {
            *now += Duration::from_secs(1);
            let owned = |shown: Option<(bool, u64)>| shown.map(|(in_office, seq)| (in_office, Seq(seq)));
            health = match look {
                Some(shown) => trouble.as_owner(*now, owned(*shown), PATIENCE),
                None => trouble.as_others(*now, true, false, PATIENCE),
            };
        }
        health
    }

    #[test]
    fn who_replays_gets_on_and_who_stands_still_fails() {
        let (mut trouble, mut now) = (Trouble::default(), Instant::now());
        // A record may hold thousands of events: some three of them a second are a replay.
        let replays: Vec<_> = (1..100).map(|look| Some(Some((false, look * 3)))).collect();
        assert_eq!(after(&mut trouble, &mut now, &replays), Health::Well);
        assert_eq!(after(&mut trouble, &mut now, &[Some(Some((false, 297))); 3]), Health::Well);
        assert_eq!(after(&mut trouble, &mut now, &[Some(Some((false, 297))); 7]), Health::Failing);
        // In office for long it is well again.
        assert_eq!(after(&mut trouble, &mut now, &[Some(Some((true, 298))); 11]), Health::Well);
    }

    #[test]
    fn a_store_that_fails_at_each_checkpoint_and_one_that_cannot_be_opened_are_trouble() {
        let (mut trouble, mut now) = (Trouble::default(), Instant::now());
        // A term is started in each life, and thousands of records are decided in it that have to be folded again.
        let round =
            |life: u64| [Some(Some((true, life * 5_000))), Some(None), Some(Some((false, life * 5_000 + 1)))];
        let looks: Vec<_> = (1..7).flat_map(round).collect();
        assert_eq!(after(&mut trouble, &mut now, &looks), Health::Failing);
        let (mut trouble, mut now) = (Trouble::default(), Instant::now());
        assert_eq!(after(&mut trouble, &mut now, &[Some(None); 11]), Health::Failing);
    }

    #[test]
    fn who_gave_a_shard_up_stays_away_for_a_minute_and_who_gave_it_away_does_not() {
        let (mut trouble, mut now) = (Trouble::default(), Instant::now());
        after(&mut trouble, &mut now, &[Some(None); 11]);
        assert_eq!(after(&mut trouble, &mut now, &[None; 60]), Health::GivenUp);
        assert_eq!(after(&mut trouble, &mut now, &[None]), Health::Well);
        // Nor does it once whoever took it over is gone.
        after(&mut trouble, &mut now, &[Some(None); 11]);
        assert_eq!(after(&mut trouble, &mut now, &[None]), Health::GivenUp);
        assert_eq!(trouble.as_others(now, false, false, PATIENCE), Health::Well);
        after(&mut trouble, &mut now, &[Some(Some((true, 1))); 11]);
        assert_eq!(after(&mut trouble, &mut now, &[None]), Health::Well);
        // Nor back after that minute while its thread still hangs.
        after(&mut trouble, &mut now, &[Some(None); 11]);
        for _ in 0..3 {
            after(&mut trouble, &mut now, &[None; 59]);
            assert_eq!(trouble.as_others(now, true, true, PATIENCE), Health::GivenUp);
        }
        assert_eq!(after(&mut trouble, &mut now, &[None; 60]), Health::Well);
        // Cut off from the log, nothing is said of it.
        after(&mut trouble, &mut now, &[Some(None); 11]);
        trouble.forget();
        assert_eq!(after(&mut trouble, &mut now, &[Some(None); 9]), Health::Well);
    }
}
